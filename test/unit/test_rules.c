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
                    "*:6=memcache,*:7=dns,*:8=fastcgi,*:9=raw,*:10=lines,"
                    "*:11=frame(0,4,be,0)");
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
                                        "10.0.0.1 :80=raw",
                                        "*=frame)",
                                        "*=frame (0,4,be,0)",
                                        "*=frame[0]",
                                        "*=Frame(0,4,be,0)",
                                        "*=lines()",
                                        "*=auto(0,4,be,0)"};

START_TEST(a_bad_rule_is_named_and_the_whole_list_dropped)
{
    char entry[128];
    snprintf(entry, sizeof entry, "TWPOOL_RULES=*:1=off, %s ,*:3=off", bad_rules[_i]);
    assert_refused(entry, bad_rules[_i]);
    assert_defaults();
    ck_assert_int_eq(rule_of("10.0.0.1", 1), RULE_AUTO);
}
END_TEST

static struct frame frame_of(const char *address, uint16_t port)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct dest_key key;
    ck_assert_int_eq(inet_pton(AF_INET, address, &v4.sin_addr), 1);
    ck_assert(dest_key_init(&key, AF_INET, (struct sockaddr *)&v4, sizeof v4));
    struct rule_choice choice = config_rule(&config, &key);
    ck_assert_int_eq(choice.rule, RULE_FRAME);
    return choice.frame;
}

static const struct {
    const char *written;
    struct frame frame;
    const char *shown;
} frames[] = {
    {"frame(0,4,be,0)", {0, 0, 4, false}, "frame(0,4,be,0)"},
    {"frame(0,2,le,-2)", {0, -2, 2, true}, "frame(0,2,le,-2)"},
    {"frame(1,1,be,65535)", {1, 65535, 1, false}, "frame(1,1,be,65535)"},
    {"frame(65535,8,le,-65535)", {65535, -65535, 8, true}, "frame(65535,8,le,-65535)"},
    {"frame( 12, 3 ,be,\t7 )", {12, 7, 3, false}, "frame(12,3,be,7)"},
    {"frame(007,04,be,-0)", {7, 0, 4, false}, "frame(7,4,be,0)"},
};

START_TEST(a_frame_has_four_parameters_and_its_entry_keeps_them)
{
    char entry[128], shown[RULE_TEXT_SIZE];
    struct text text;
    snprintf(entry, sizeof entry, "TWPOOL_RULES=10.0.0.1:1=frame(9,1,le,9),*:2=%s,*:3=off",
             frames[_i].written);
    assert_accepted(entry);
    ck_assert_uint_eq(config.rule_count, 3);
    struct frame frame = frame_of("10.0.0.1", 2);
    ck_assert_uint_eq(frame.offset, frames[_i].frame.offset);
    ck_assert_uint_eq(frame.width, frames[_i].frame.width);
    ck_assert_int_eq(frame.adjust, frames[_i].frame.adjust);
    ck_assert_int_eq(frame.little_endian, frames[_i].frame.little_endian);
    ck_assert_uint_eq(frame_of("10.0.0.1", 1).offset, 9);
    ck_assert_int_eq(rule_of("10.0.0.1", 3), RULE_OFF);
    text_init(&text, shown, sizeof shown);
    rule_format((struct rule_choice){RULE_FRAME, frame}, &text);
    ck_assert_str_eq(shown, frames[_i].shown);
}
END_TEST

START_TEST(only_a_frame_is_shown_with_parameters)
{
    for (int i = 0; i < RULE_COUNT; i++) {
        char shown[RULE_TEXT_SIZE];
        struct text text;
        text_init(&text, shown, sizeof shown);
        rule_format((struct rule_choice){.rule = (enum rule)i, .frame.width = 4}, &text);
        ck_assert_str_eq(shown, i == RULE_FRAME ? "frame(0,4,be,0)" : rule_name((enum rule)i));
    }
}
END_TEST

static const char *const bad_frames[] = {"frame",
                                         "frame()",
                                         "frame(",
                                         "frame(0,4,be)",
                                         "frame(0,4,be,)",
                                         "frame(,4,be,0)",
                                         "frame(0,,be,0)",
                                         "frame(0,4,,0)",
                                         "frame(0,4,be,0,0)",
                                         "frame(0,4,be,0))",
                                         "frame(0,4,be,01",
                                         "frame((0,4,be,0)",
                                         "frame(0,4,be,0)x",
                                         "frame(0,4,be,0)(0,4,be,0)",
                                         "frame(0,0,be,0)",
                                         "frame(0,5,be,0)",
                                         "frame(0,6,be,0)",
                                         "frame(0,7,be,0)",
                                         "frame(0,9,be,0)",
                                         "frame(0,-4,be,0)",
                                         "frame(-1,4,be,0)",
                                         "frame(+1,4,be,0)",
                                         "frame(65536,4,be,0)",
                                         "frame(4294967296,4,be,0)",
                                         "frame(0,4,BE,0)",
                                         "frame(0,4,me,0)",
                                         "frame(0,4,b,0)",
                                         "frame(0,4,bele,0)",
                                         "frame(0,4,be,+1)",
                                         "frame(0,4,be,--1)",
                                         "frame(0,4,be,-)",
                                         "frame(0,4,be,65536)",
                                         "frame(0,4,be,-65536)",
                                         "frame(0,4,be,0x1)",
                                         "frame(0 0,4,be,0)",
                                         "frame(0;4;be;0)"};

/* Behind an address that leaves no room for what is wrong. An open parenthesis takes all that
 * follows, so there is nothing to follow it here. */
START_TEST(a_bad_frame_is_named_and_the_whole_list_dropped)
{
    char entry[160];
    snprintf(entry, sizeof entry,
             "TWPOOL_RULES=*:1=off,[fd00:1111:2222:3333:4444:5555:6666:7777]=%s", bad_frames[_i]);
    assert_refused(entry, bad_frames[_i]);
    assert_defaults();
}
END_TEST

START_TEST(a_parenthesis_left_open_takes_what_follows_and_is_named)
{
    assert_refused("TWPOOL_RULES=*:1=off,*:2=frame(0,4,be,0,*:3=off", "frame(0,4,be,0,*:3=off");
    assert_defaults();
    assert_refused("TWPOOL_RULES=*:2=frame(", "frame(");
    assert_refused("TWPOOL_RULES=*:2=raw(1,2),*:3=off", "*:2=raw(1,2)");
    assert_refused("TWPOOL_RULES=*:2=raw(),*:3=off", "*:2=raw()");
    assert_refused("TWPOOL_RULES=*:2=lines(,*:3=off", "*:2=lines(,*:3=off");
    assert_refused("TWPOOL_RULES=(*:2=raw,*:3=off)", "(*:2=raw,*:3=off)");
    assert_refused("TWPOOL_RULES=(", "(");
    assert_defaults();
}
END_TEST

START_TEST(what_a_complaint_accepts_names_the_parameters)
{
    assert_refused("TWPOOL_RULES=*=frame(0,5,be,0)", "frame(0,5,be,0)");
    ck_assert_ptr_nonnull(strstr(last_complaint, "frame(OFFSET,WIDTH,be,ADJUST)"));
    ck_assert_ptr_nonnull(strstr(last_complaint, "1, 2, 3, 4 or 8"));
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
        snprintf(entry, sizeof entry, "TWPOOL_RULES=*=%s%s", rule_name((enum rule)i),
                 i == RULE_FRAME ? "(0,4,be,0)" : "");
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
    tcase_add_loop_test(rules, a_frame_has_four_parameters_and_its_entry_keeps_them, 0,
                        sizeof frames / sizeof frames[0]);
    tcase_add_test(rules, only_a_frame_is_shown_with_parameters);
    tcase_add_loop_test(rules, a_bad_frame_is_named_and_the_whole_list_dropped, 0,
                        sizeof bad_frames / sizeof bad_frames[0]);
    tcase_add_test(rules, a_parenthesis_left_open_takes_what_follows_and_is_named);
    tcase_add_test(rules, what_a_complaint_accepts_names_the_parameters);
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
