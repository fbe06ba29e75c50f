/* SPDX-License-Identifier: MIT
 * Destination keys, the interning of destinations, and the text that shows them. */
#include "../../shim/dest.h"
#include "../../shim/pool.h"

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

static const struct rule_choice automatic = {.rule = RULE_AUTO};

static struct sockaddr_in v4(const char *address, uint16_t port)
{
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons(port)};
    ck_assert_int_eq(inet_pton(AF_INET, address, &addr.sin_addr), 1);
    return addr;
}

static struct sockaddr_in6 v6(const char *address, uint16_t port)
{
    struct sockaddr_in6 addr = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    ck_assert_int_eq(inet_pton(AF_INET6, address, &addr.sin6_addr), 1);
    return addr;
}

static bool init_v4(struct dest_key *key, const struct sockaddr_in *addr)
{
    return dest_key_init(key, AF_INET, (const struct sockaddr *)addr, sizeof *addr);
}

static bool init_v6(struct dest_key *key, const struct sockaddr_in6 *addr)
{
    return dest_key_init(key, AF_INET6, (const struct sockaddr *)addr, sizeof *addr);
}

static struct dest_key key_v4(const char *address, uint16_t port)
{
    struct dest_key key;
    struct sockaddr_in addr = v4(address, port);
    ck_assert(init_v4(&key, &addr));
    return key;
}

static struct dest_key key_v6(const char *address, uint16_t port, uint32_t scope_id)
{
    struct dest_key key;
    struct sockaddr_in6 addr = v6(address, port);
    addr.sin6_scope_id = scope_id;
    ck_assert(init_v6(&key, &addr));
    return key;
}

static const char *shown(struct dest_key key)
{
    static char buf[64];
    struct text text;

    text_init(&text, buf, sizeof buf);
    dest_key_format(&key, &text);
    return buf;
}

START_TEST(an_ipv4_address_fills_the_key_and_leaves_all_else_zero)
{
    struct dest_key key, expected;
    struct sockaddr_in addr = v4("10.1.2.3", 8080);

    memset(&key, 0xaa, sizeof key);
    ck_assert(init_v4(&key, &addr));

    memset(&expected, 0, sizeof expected);
    memcpy(expected.address, "\x0a\x01\x02\x03", 4);
    expected.family = AF_INET;
    expected.port = htons(8080);
    ck_assert_mem_eq(&key, &expected, sizeof key);
    ck_assert(dest_key_equal(&key, &expected));
}
END_TEST

START_TEST(what_connect_would_not_take_is_no_destination)
{
    struct dest_key key;
    struct sockaddr_in addr4 = v4("10.1.2.3", 80);
    struct sockaddr_in6 addr6 = v6("fd00::1", 80);
    const struct sockaddr *any4 = (const struct sockaddr *)&addr4;
    const struct sockaddr *any6 = (const struct sockaddr *)&addr6;

    ck_assert(!dest_key_init(&key, AF_INET, NULL, sizeof addr4));
    ck_assert(!dest_key_init(&key, AF_INET, any4, 0));
    ck_assert(!dest_key_init(&key, AF_INET, any4, sizeof addr4 - 1));
    ck_assert(!dest_key_init(&key, AF_INET6, any6, sizeof addr6 - 1));
    ck_assert(!dest_key_init(&key, AF_INET, any4, (socklen_t)-1));
    ck_assert(!dest_key_init(&key, AF_INET6, any4, sizeof addr4));
    ck_assert(!dest_key_init(&key, AF_INET, any6, sizeof addr6));
    ck_assert(dest_key_init(&key, AF_INET, any4, sizeof addr4));
    ck_assert(dest_key_init(&key, AF_INET6, any6, sizeof addr6));

    addr4.sin_family = AF_UNSPEC;
    ck_assert(!dest_key_init(&key, AF_INET, any4, sizeof addr4));
    ck_assert(!dest_key_init(&key, AF_UNSPEC, any4, sizeof addr4));
    addr4.sin_family = AF_UNIX;
    ck_assert(!dest_key_init(&key, AF_UNIX, any4, sizeof addr4));
}
END_TEST

START_TEST(port_0_and_a_flow_label_are_not_served)
{
    struct dest_key key;
    struct sockaddr_in addr4 = v4("10.1.2.3", 0);
    struct sockaddr_in6 addr6 = v6("fd00::1", 0);

    ck_assert(!init_v4(&key, &addr4));
    ck_assert(!init_v6(&key, &addr6));
    addr6.sin6_port = htons(80);
    addr6.sin6_flowinfo = htonl(1);
    ck_assert(!init_v6(&key, &addr6));
}
END_TEST

START_TEST(an_unaligned_address_is_read_all_the_same)
{
    struct sockaddr_in addr = v4("10.1.2.3", 80);
    struct dest_key key, expected = key_v4("10.1.2.3", 80);
    char buf[sizeof addr + 1];

    memcpy(buf + 1, &addr, sizeof addr);
    ck_assert(dest_key_init(&key, AF_INET, (void *)(buf + 1), sizeof addr));
    ck_assert(dest_key_equal(&key, &expected));
}
END_TEST

START_TEST(the_rubbish_in_sin_zero_does_not_matter)
{
    struct sockaddr_in addr = v4("10.1.2.3", 80);
    struct dest_key key, expected = key_v4("10.1.2.3", 80);

    memset(addr.sin_zero, 0x5a, sizeof addr.sin_zero);
    ck_assert(init_v4(&key, &addr));
    ck_assert(dest_key_equal(&key, &expected));
}
END_TEST

START_TEST(the_scope_counts_for_link_local_addresses_only)
{
    ck_assert_uint_eq(key_v6("fe80::1", 80, 7).scope_id, 7);
    ck_assert_uint_eq(key_v6("febf::1", 80, 7).scope_id, 7);
    ck_assert_uint_eq(key_v6("fec0::1", 80, 7).scope_id, 0);
    ck_assert_uint_eq(key_v6("2001:db8::1", 80, 7).scope_id, 0);
}
END_TEST

START_TEST(a_mapped_address_is_recognised_in_an_ipv6_key_only)
{
    struct dest_key mapped = key_v6("::ffff:10.1.2.3", 80, 0);
    struct dest_key compatible = key_v6("::10.1.2.3", 80, 0);
    struct dest_key translated = key_v6("::ffff:0:10.1.2.3", 80, 0);
    struct dest_key disguised = mapped;

    ck_assert(dest_key_is_mapped(&mapped));
    ck_assert(!dest_key_is_mapped(&compatible));
    ck_assert(!dest_key_is_mapped(&translated));
    disguised.family = AF_INET;
    ck_assert(!dest_key_is_mapped(&disguised));
}
END_TEST

START_TEST(equal_keys_share_one_destination_and_any_differing_field_makes_another)
{
    static struct pool pool;
    const struct dest_key base = key_v6("fe80::1", 80, 1);
    struct dest_key keys[11];
    struct dest *dests[11];

    for (int i = 0; i < 11; i++)
        keys[i] = base;
    keys[1].address[15] ^= 1;
    keys[2].local_address[15] = 1;
    keys[3].scope_id = 2;
    keys[4].mark = 1;
    keys[5].receive_buffer = 4096;
    keys[6].send_buffer = 4096;
    keys[7].family = AF_INET;
    keys[8].port = htons(81);
    keys[9].device[0] = 'e';
    keys[10].congestion[0] = 'r';

    pool_init(&pool, (struct pool_limits){1, 1});
    for (int i = 0; i < 11; i++) {
        ck_assert_int_eq(dest_key_equal(&base, &keys[i]), i == 0);
        dests[i] = pool_dest(&pool, &keys[i], automatic);
        ck_assert_ptr_nonnull(dests[i]);
        for (int j = 0; j < i; j++)
            ck_assert_ptr_ne(dests[i], dests[j]);
    }
    for (int i = 0; i < 11; i++) {
        ck_assert_ptr_eq(pool_dest(&pool, &keys[i], automatic), dests[i]);
        ck_assert(dest_key_equal(&dests[i]->key, &keys[i]));
    }
    ck_assert_uint_eq(pool.dests, 11);
}
END_TEST

START_TEST(a_mapped_and_a_plain_ipv4_address_are_two_destinations)
{
    static struct pool pool;
    struct dest_key plain = key_v4("10.1.2.3", 80);
    struct dest_key mapped = key_v6("::ffff:10.1.2.3", 80, 0);

    pool_init(&pool, (struct pool_limits){1, 1});
    ck_assert_ptr_ne(pool_dest(&pool, &plain, automatic), pool_dest(&pool, &mapped, automatic));
}
END_TEST

START_TEST(the_rule_of_the_first_sight_stays)
{
    static struct pool pool;
    struct dest_key key = key_v4("10.1.2.3", 80);

    pool_init(&pool, (struct pool_limits){1, 1});
    struct rule_choice first = {RULE_FRAME, {.offset = 1, .width = 2, .adjust = -3}}, seen;
    pool_dest(&pool, &key, first);
    seen = dest_choice(pool_dest(&pool, &key, automatic));
    ck_assert_int_eq(seen.rule, RULE_FRAME);
    ck_assert_uint_eq(seen.frame.offset, 1);
    ck_assert_uint_eq(seen.frame.width, 2);
    ck_assert_int_eq(seen.frame.adjust, -3);
}
END_TEST

START_TEST(destinations_are_shown_as_a_person_writes_them)
{
    ck_assert_str_eq(shown(key_v4("10.0.0.1", 80)), "10.0.0.1:80");
    ck_assert_str_eq(shown(key_v4("255.255.255.255", 65535)), "255.255.255.255:65535");
    ck_assert_str_eq(shown(key_v4("0.0.0.0", 1)), "0.0.0.0:1");
    ck_assert_str_eq(shown(key_v6("fd00::1", 80, 0)), "[fd00::1]:80");
    ck_assert_str_eq(shown(key_v6("::", 80, 0)), "[::]:80");
    ck_assert_str_eq(shown(key_v6("::1", 80, 0)), "[::1]:80");
    ck_assert_str_eq(shown(key_v6("1::", 80, 0)), "[1::]:80");
    ck_assert_str_eq(shown(key_v6("fe80::1", 80, 12)), "[fe80::1%12]:80");
    ck_assert_str_eq(shown(key_v6("::ffff:10.0.0.1", 80, 0)), "[::ffff:10.0.0.1]:80");
}
END_TEST

START_TEST(ipv6_addresses_follow_rfc_5952)
{
    /* Section 4: no leading zeros, lower case, the longest run, the first of equals, never one. */
    ck_assert_str_eq(shown(key_v6("2001:0DB8::0001", 80, 0)), "[2001:db8::1]:80");
    ck_assert_str_eq(shown(key_v6("2001:db8:0:1:1:1:1:1", 80, 0)), "[2001:db8:0:1:1:1:1:1]:80");
    ck_assert_str_eq(shown(key_v6("2001:0:0:1:0:0:0:1", 80, 0)), "[2001:0:0:1::1]:80");
    ck_assert_str_eq(shown(key_v6("2001:db8:0:0:1:0:0:1", 80, 0)), "[2001:db8::1:0:0:1]:80");
    ck_assert_str_eq(shown(key_v6("1:2:3:4:5:6:7:8", 80, 0)), "[1:2:3:4:5:6:7:8]:80");
    ck_assert_str_eq(shown(key_v6("0:1:0:1:0:1:0:1", 80, 0)), "[0:1:0:1:0:1:0:1]:80");
}
END_TEST

START_TEST(a_shown_ipv6_address_is_what_libc_shows)
{
    struct dest_key key = key_v6("100::", 80, 0);
    char expected[INET6_ADDRSTRLEN], buf[64];
    struct text text;

    srandom(1);
    for (int round = 0; round < 20000; round++) {
        /* The first byte is not zero: libc shows ::a.b.c.d for what RFC 5952 does not. */
        for (int i = 1; i < 16; i++)
            key.address[i] = random() % 3 == 0 ? (uint8_t)random() : 0;
        inet_ntop(AF_INET6, key.address, expected, sizeof expected);
        text_init(&text, buf, sizeof buf);
        dest_key_format(&key, &text);
        buf[text.len - strlen("]:80")] = '\0';
        ck_assert_str_eq(buf + 1, expected);
    }
}
END_TEST

START_TEST(text_that_does_not_fit_is_dropped_and_the_rest_terminated)
{
    char buf[8];
    struct text text;

    memset(buf, 'x', sizeof buf);
    text_init(&text, buf, 6);
    ck_assert_str_eq(buf, "");
    text_add(&text, "abc");
    text_add_char(&text, 'd');
    ck_assert_uint_eq(text.len, 4);
    text_add(&text, "efg");
    text_add_char(&text, 'h');
    text_add_number(&text, 1);
    ck_assert_str_eq(buf, "abcde");
    ck_assert_uint_eq(text.len, 5);
    ck_assert_int_eq(buf[6], 'x');

    text_init(&text, buf, 1);
    text_add(&text, "abc");
    ck_assert_str_eq(buf, "");
    ck_assert_uint_eq(text.len, 0);
}
END_TEST

START_TEST(numbers_are_written_whole_from_one_end_of_the_range_to_the_other)
{
    char buf[128];
    struct text text;

    text_init(&text, buf, sizeof buf);
    text_add_number(&text, 0);
    text_add_char(&text, ' ');
    text_add_number(&text, -7);
    text_add_char(&text, ' ');
    text_add_number(&text, INT64_MAX);
    text_add_char(&text, ' ');
    text_add_number(&text, INT64_MIN);
    ck_assert_str_eq(buf, "0 -7 9223372036854775807 -9223372036854775808");
}
END_TEST

START_TEST(columns_align_numbers_right_and_words_left_and_never_cut)
{
    char buf[64];
    struct text text;

    text_init(&text, buf, sizeof buf);
    text_add_number_padded(&text, 42, 5);
    text_add_number_padded(&text, -42, 3);
    text_add_number_padded(&text, 1234, 2);
    text_add_char(&text, '|');
    text_add_padded(&text, "ab", 4);
    text_add_padded(&text, "abcde", 4);
    text_add_bytes(&text, "|\0", 1);
    ck_assert_str_eq(buf, "   42-421234|ab  abcde|");
}
END_TEST

static Suite *dest_suite(void)
{
    Suite *suite = suite_create("dest");
    TCase *key = tcase_create("key"), *interning = tcase_create("interning");
    TCase *text = tcase_create("text");

    tcase_add_test(key, an_ipv4_address_fills_the_key_and_leaves_all_else_zero);
    tcase_add_test(key, what_connect_would_not_take_is_no_destination);
    tcase_add_test(key, port_0_and_a_flow_label_are_not_served);
    tcase_add_test(key, an_unaligned_address_is_read_all_the_same);
    tcase_add_test(key, the_rubbish_in_sin_zero_does_not_matter);
    tcase_add_test(key, the_scope_counts_for_link_local_addresses_only);
    tcase_add_test(key, a_mapped_address_is_recognised_in_an_ipv6_key_only);
    tcase_add_test(interning,
                   equal_keys_share_one_destination_and_any_differing_field_makes_another);
    tcase_add_test(interning, a_mapped_and_a_plain_ipv4_address_are_two_destinations);
    tcase_add_test(interning, the_rule_of_the_first_sight_stays);
    tcase_add_test(text, destinations_are_shown_as_a_person_writes_them);
    tcase_add_test(text, ipv6_addresses_follow_rfc_5952);
    tcase_add_test(text, a_shown_ipv6_address_is_what_libc_shows);
    tcase_add_test(text, text_that_does_not_fit_is_dropped_and_the_rest_terminated);
    tcase_add_test(text, numbers_are_written_whole_from_one_end_of_the_range_to_the_other);
    tcase_add_test(text, columns_align_numbers_right_and_words_left_and_never_cut);
    suite_add_tcase(suite, key);
    suite_add_tcase(suite, interning);
    suite_add_tcase(suite, text);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(dest_suite());

    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
