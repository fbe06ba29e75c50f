/* SPDX-License-Identifier: MIT
 * TWPOOL_RULES: what it accepts, and which rule a destination gets. */
#include "settings.h"

START_TEST(the_first_rule_that_matches_wins)
{
    assert_accepted("TWPOOL_RULES=10.0.0.0/8:6379=raw,[fd00::]/64:*=off,*:8080=http,"
                    "10.1.0.0/16=clean,*=auto,*=off");
    ck_assert_uint_eq(config.rule_count, 6);
    ck_assert_int_eq(rule_of("10.1.2.3", 6379), RULE_RAW);
    ck_assert_int_eq(rule_of("10.1.2.3", 6380), RULE_CLEAN);
    ck_assert_int_eq(rule_of("10.1.2.3", 8080), RULE_HTTP);
    ck_assert_int_eq(rule_of("11.1.2.3", 6379), RULE_AUTO);
    ck_assert_int_eq(rule_of("fd00::7", 8080), RULE_OFF);
    ck_assert_int_eq(rule_of("fd00:0:0:1::7", 8080), RULE_HTTP);
    ck_assert_int_eq(rule_of("fd00:0:0:1::7", 80), RULE_AUTO);
}
END_TEST

START_TEST(each_rule_has_its_name)
{
    assert_accepted("TWPOOL_RULES=*:1=off,*:2=clean,*:3=auto,*:4=http,*:5=redis,"
                    "*:6=memcache,*:7=dns,*:8=fastcgi,*:9=raw");
    ck_assert_uint_eq(config.rule_count, RULE_COUNT);
    for (int rule = 0; rule < RULE_COUNT; rule++)
        ck_assert_int_eq(rule_of("10.0.0.1", (uint16_t)(rule + 1)), rule);
}
END_TEST

START_TEST(a_destination_without_a_rule_is_auto)
{
    read_all(NULL);
    ck_assert_int_eq(rule_of("10.0.0.1", 80), RULE_AUTO);
    assert_accepted("TWPOOL_RULES=10.0.0.2=off");
    ck_assert_int_eq(rule_of("10.0.0.1", 80), RULE_AUTO);
    ck_assert_int_eq(rule_of("10.0.0.2", 80), RULE_OFF);
}
END_TEST

START_TEST(a_prefix_counts_its_leading_bits)
{
    assert_accepted("TWPOOL_RULES=0.0.0.0/0:1=off,10.0.0.0/8:2=off,10.0.0.4/30:3=off,"
                    "10.0.0.1/32:4=off,10.0.0.1:5=off");
    ck_assert_int_eq(rule_of("255.255.255.255", 1), RULE_OFF);
    ck_assert_int_eq(rule_of("::1", 1), RULE_AUTO);
    ck_assert_int_eq(rule_of("10.255.255.255", 2), RULE_OFF);
    ck_assert_int_eq(rule_of("11.0.0.0", 2), RULE_AUTO);
    ck_assert_int_eq(rule_of("10.0.0.7", 3), RULE_OFF);
    ck_assert_int_eq(rule_of("10.0.0.8", 3), RULE_AUTO);
    ck_assert_int_eq(rule_of("10.0.0.3", 3), RULE_AUTO);
    ck_assert_int_eq(rule_of("10.0.0.1", 4), RULE_OFF);
    ck_assert_int_eq(rule_of("10.0.0.0", 4), RULE_AUTO);
    ck_assert_int_eq(rule_of("10.0.0.1", 5), RULE_OFF);
    ck_assert_int_eq(rule_of("10.0.0.0", 5), RULE_AUTO);
}
END_TEST

START_TEST(a_prefix_of_ipv6_may_reach_128)
{
    assert_accepted("TWPOOL_RULES=[::]/0:1=off,[fd00::]/8:2=off,[fd00::]/64:3=off,"
                    "[fd00::1]/127:4=off,[fd00::1]/128:5=off,[fd00::1]:6=off,[fd00::1]=clean");
    ck_assert_int_eq(rule_of("ffff::1", 1), RULE_OFF);
    ck_assert_int_eq(rule_of("10.0.0.1", 1), RULE_AUTO);
    ck_assert_int_eq(rule_of("fdff::1", 2), RULE_OFF);
    ck_assert_int_eq(rule_of("fc00::1", 2), RULE_AUTO);
    ck_assert_int_eq(rule_of("fd00::ffff:0:0:1", 3), RULE_OFF);
    ck_assert_int_eq(rule_of("fd00:0:0:1::1", 3), RULE_AUTO);
    ck_assert_int_eq(rule_of("fd00::", 4), RULE_OFF);
    ck_assert_int_eq(rule_of("fd00::2", 4), RULE_AUTO);
    ck_assert_int_eq(rule_of("fd00::1", 5), RULE_OFF);
    ck_assert_int_eq(rule_of("fd00::", 5), RULE_AUTO);
    ck_assert_int_eq(rule_of("fd00::1", 6), RULE_OFF);
    ck_assert_int_eq(rule_of("fd00::1", 7), RULE_CLEAN);
}
END_TEST

START_TEST(host_bits_beyond_the_prefix_do_not_matter)
{
    assert_accepted("TWPOOL_RULES=10.1.2.3/8=off,[fd00::ffff]/64=clean");
    ck_assert_int_eq(rule_of("10.9.9.9", 1), RULE_OFF);
    ck_assert_int_eq(rule_of("fd00::1", 1), RULE_CLEAN);
    ck_assert_uint_eq(config.rules[0].address[1], 0);
    ck_assert_uint_eq(config.rules[1].address[15], 0);
}
END_TEST

START_TEST(a_mapped_destination_is_matched_as_the_ipv4_address_that_it_means)
{
    assert_accepted("TWPOOL_RULES=[::]/0=off,10.0.0.0/8=raw");
    ck_assert_int_eq(rule_of("::ffff:10.0.0.1", 80), RULE_RAW);
    ck_assert_int_eq(rule_of("::ffff:11.0.0.1", 80), RULE_AUTO);
    ck_assert_int_eq(rule_of("::10.0.0.1", 80), RULE_OFF);
}
END_TEST

START_TEST(a_mapped_rule_means_the_ipv4_address_too)
{
    assert_accepted("TWPOOL_RULES=[::ffff:10.0.0.0]/104:1=raw,[::ffff:10.0.0.2]:2=raw,"
                    "[::ffff:0:0]/96:3=raw,[::ffff:0:0]/95:4=raw");
    ck_assert_int_eq(rule_of("10.9.9.9", 1), RULE_RAW);
    ck_assert_int_eq(rule_of("::ffff:10.9.9.9", 1), RULE_RAW);
    ck_assert_int_eq(rule_of("11.9.9.9", 1), RULE_AUTO);
    ck_assert_int_eq(rule_of("10.0.0.2", 2), RULE_RAW);
    ck_assert_int_eq(rule_of("10.0.0.3", 2), RULE_AUTO);
    ck_assert_int_eq(rule_of("1.2.3.4", 3), RULE_RAW);
    ck_assert_int_eq(rule_of("1.2.3.4", 4), RULE_AUTO);
    ck_assert_int_eq(rule_of("::fffe:102:304", 4), RULE_RAW);
}
END_TEST

START_TEST(a_port_may_be_a_number_a_star_or_left_out)
{
    assert_accepted("TWPOOL_RULES=10.0.0.1:65535=raw,10.0.0.2:*=raw,10.0.0.3=raw,*:1=off,"
                    "[::1]:*=http,*:*=clean");
    ck_assert_int_eq(rule_of("10.0.0.1", 65535), RULE_RAW);
    ck_assert_int_eq(rule_of("10.0.0.1", 65534), RULE_CLEAN);
    ck_assert_int_eq(rule_of("10.0.0.2", 1), RULE_RAW);
    ck_assert_int_eq(rule_of("10.0.0.3", 1), RULE_RAW);
    ck_assert_int_eq(rule_of("10.0.0.4", 1), RULE_OFF);
    ck_assert_int_eq(rule_of("::1", 2), RULE_HTTP);
    ck_assert_int_eq(rule_of("::2", 1), RULE_OFF);
    ck_assert_int_eq(rule_of("::2", 2), RULE_CLEAN);
}
END_TEST

START_TEST(blanks_around_entries_and_empty_entries_are_passed_over)
{
    assert_accepted("TWPOOL_RULES=  ,10.0.0.1:80=off ,\n\t[::1]=raw\n,, ");
    ck_assert_uint_eq(config.rule_count, 2);
    ck_assert_int_eq(rule_of("10.0.0.1", 80), RULE_OFF);
    ck_assert_int_eq(rule_of("::1", 80), RULE_RAW);
}
END_TEST

static const char *const bad_rules[] = {"off",
                                        "=off",
                                        "*",
                                        "*=",
                                        "*=Raw",
                                        "*=raws",
                                        "*=ra",
                                        "*=Redis",
                                        "*=raw=off",
                                        "* =raw",
                                        "*= raw",
                                        "**=raw",
                                        "*/0=raw",
                                        "*/8:80=raw",
                                        ":80=raw",
                                        ":=raw",
                                        "/8=raw",
                                        "[]=raw",
                                        "[=raw",
                                        "]=raw",
                                        "[*]=raw",
                                        "[::1=raw",
                                        "[::1:80=raw",
                                        "::1=raw",
                                        "[::1]80=raw",
                                        "[::1]*=raw",
                                        "[::1]]=raw",
                                        "[[::1]]=raw",
                                        "[::1]/129=raw",
                                        "[::1]/=raw",
                                        "[::1]/64/64=raw",
                                        "[::1]:80/64=raw",
                                        "[::1%eth0]:80=raw",
                                        "[::1/64]=raw",
                                        "[10.0.0.1]=raw",
                                        "[1:2:3:4:5:6:7:8:9]=raw",
                                        "10.0.0=raw",
                                        "10.0.0.256=raw",
                                        "10.0.0.1.1=raw",
                                        "localhost=raw",
                                        "10.0.0.1/33=raw",
                                        "10.0.0.1/-1=raw",
                                        "10.0.0.1/=raw",
                                        "10.0.0.1/8/8=raw",
                                        "10.0.0.1/*=raw",
                                        "10.0.0.1:80/8=raw",
                                        "10.0.0.1:0=raw",
                                        "10.0.0.1:65536=raw",
                                        "10.0.0.1:4294967376=raw",
                                        "10.0.0.1:=raw",
                                        "10.0.0.1:-1=raw",
                                        "10.0.0.1:http=raw",
                                        "10.0.0.1:80:80=raw",
                                        "10.0.0.1:**=raw",
                                        "10.0.0.1 :80=raw"};

START_TEST(a_bad_rule_is_named_and_the_whole_list_dropped)
{
    char entry[128];
    snprintf(entry, sizeof entry, "TWPOOL_RULES=*:1=off, %s ,*:3=off", bad_rules[_i]);
    assert_refused(entry, bad_rules[_i]);
    assert_defaults();
    ck_assert_int_eq(rule_of("10.0.0.1", 1), RULE_AUTO);
}
END_TEST

START_TEST(a_bracket_left_open_at_the_end_is_not_read_past)
{
    assert_refused("TWPOOL_RULES=[::1=raw", "[::1=raw");
    assert_refused("TWPOOL_RULES=[", "[");
}
END_TEST

START_TEST(the_longest_address_is_read_and_a_longer_one_refused)
{
    assert_accepted("TWPOOL_RULES=[0000:0000:0000:0000:0000:ffff:100.100.100.100]:1=off");
    ck_assert_int_eq(rule_of("100.100.100.100", 1), RULE_OFF);
    assert_refused("TWPOOL_RULES=[0000:0000:0000:0000:0000:ffff:100.100.100.1000]:1=off",
                   "[0000:0000:0000:0000:0000:ffff:100.100.1...");
}
END_TEST

START_TEST(there_may_be_as_many_rules_as_there_is_room_for)
{
    char entry[RULES_MAX * 16] = "TWPOOL_RULES=*:1=off";
    for (int i = 1; i < RULES_MAX; i++)
        sprintf(entry + strlen(entry), ",*:%d=off", i + 1);
    assert_accepted(entry);
    ck_assert_uint_eq(config.rule_count, RULES_MAX);
    ck_assert_int_eq(rule_of("10.0.0.1", RULES_MAX), RULE_OFF);
    strcat(entry, ",");
    assert_accepted(entry);
    strcat(entry, "*:999=raw");
    assert_refused(entry, "*:999=raw");
    assert_defaults();
}
END_TEST

START_TEST(every_rule_has_the_name_that_it_is_read_by)
{
    for (int i = 0; i < RULE_COUNT; i++) {
        char entry[64];
        snprintf(entry, sizeof entry, "TWPOOL_RULES=*=%s", rule_name((enum rule)i));
        assert_accepted(entry);
        ck_assert_int_eq(rule_of("10.0.0.1", 1), i);
        assert_refused("TWPOOL_RULES=x", "x");
        ck_assert_ptr_nonnull(strstr(last_complaint, rule_name((enum rule)i)));
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("rules");
    TCase *rules = tcase_create("rules");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_test(rules, the_first_rule_that_matches_wins);
    tcase_add_test(rules, each_rule_has_its_name);
    tcase_add_test(rules, a_destination_without_a_rule_is_auto);
    tcase_add_test(rules, a_prefix_counts_its_leading_bits);
    tcase_add_test(rules, a_prefix_of_ipv6_may_reach_128);
    tcase_add_test(rules, host_bits_beyond_the_prefix_do_not_matter);
    tcase_add_test(rules, a_mapped_destination_is_matched_as_the_ipv4_address_that_it_means);
    tcase_add_test(rules, a_mapped_rule_means_the_ipv4_address_too);
    tcase_add_test(rules, a_port_may_be_a_number_a_star_or_left_out);
    tcase_add_test(rules, blanks_around_entries_and_empty_entries_are_passed_over);
    tcase_add_loop_test(rules, a_bad_rule_is_named_and_the_whole_list_dropped, 0,
                        sizeof bad_rules / sizeof bad_rules[0]);
    tcase_add_test(rules, a_bracket_left_open_at_the_end_is_not_read_past);
    tcase_add_test(rules, the_longest_address_is_read_and_a_longer_one_refused);
    tcase_add_test(rules, there_may_be_as_many_rules_as_there_is_room_for);
    tcase_add_test(rules, every_rule_has_the_name_that_it_is_read_by);
    suite_add_tcase(suite, rules);

    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
