/* SPDX-License-Identifier: MIT
 * Which witness a rule starts, what `auto` recognises, and what `raw` takes for an exchange. */
#include "witnesses.h"

#include <errno.h>

START_TEST(off_and_clean_are_private_from_the_beginning)
{
    static const struct {
        enum rule rule;
        enum reason reason;
    } cases[] = {{RULE_OFF, REASON_RULE_OFF}, {RULE_CLEAN, REASON_RULE_CLEAN}};
    for (size_t i = 0; i < 2; i++) {
        struct witness witness = opened(cases[i].rule);
        assert_is(&witness, WITNESS_PRIVATE, cases[i].reason);
        sent(&witness, "GET / HTTP/1.1\r\n\r\n");
        received(&witness, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        witness_timed_out(&witness);
        assert_is(&witness, WITNESS_PRIVATE, cases[i].reason);
    }
}
END_TEST

static const enum rule observing[] = {RULE_AUTO, RULE_HTTP,  RULE_REDIS,
                                      RULE_RAW,  RULE_LINES, RULE_FRAME};

START_TEST(a_connection_on_which_nothing_was_sent_is_unused)
{
    struct witness witness = opened(observing[_i]);
    assert_is(&witness, WITNESS_BUSY, REASON_UNUSED);
    sent(&witness, "");
    received(&witness, "");
    witness_timed_out(&witness);
    assert_is(&witness, WITNESS_BUSY, REASON_UNUSED);
    ck_assert_uint_eq(witness.idle_limit_ms, 0);
    ck_assert_uint_eq(witness.uses_left, UINT32_MAX);
}
END_TEST

START_TEST(a_server_that_speaks_first_is_private)
{
    struct witness witness = opened(observing[_i]);
    received(&witness, "hello\r\n");
    assert_is(&witness, WITNESS_PRIVATE, REASON_SERVER_FIRST);
    sent(&witness, "QUIT\r\n");
    received(&witness, "bye\r\n");
    assert_is(&witness, WITNESS_PRIVATE, REASON_SERVER_FIRST);
}
END_TEST

START_TEST(a_tls_handshake_is_private_under_every_rule)
{
    struct witness witness = opened(observing[_i]);
    sent(&witness, "\x16");
    assert_is(&witness, WITNESS_PRIVATE, REASON_TLS);
    received(&witness, "\x16\x03\x03");
    assert_is(&witness, WITNESS_PRIVATE, REASON_TLS);
}
END_TEST

START_TEST(the_first_refusal_is_kept)
{
    struct witness witness = opened(observing[_i]);
    witness_refuse(&witness, REASON_SHARED);
    witness_refuse(&witness, REASON_URGENT);
    sent(&witness, "\x16");
    witness_timed_out(&witness);
    assert_is(&witness, WITNESS_PRIVATE, REASON_SHARED);
}
END_TEST

START_TEST(no_call_touches_errno)
{
    struct witness witness = opened(observing[_i]);
    errno = ENOTTY;
    sent(&witness, "GET / HTTP/1.1\r\n\r\n");
    received(&witness, "rubbish");
    witness_timed_out(&witness);
    witness = opened(observing[_i]);
    ck_assert_int_eq(errno, ENOTTY);
}
END_TEST

static const struct {
    const char *first;
    enum witness_state state;
    enum reason reason;
    bool recognised;
} firsts[] = {
    {"G", WITNESS_BUSY, REASON_REQUEST_INCOMPLETE, false},
    {"GET", WITNESS_BUSY, REASON_REQUEST_INCOMPLETE, false},
    {"GET ", WITNESS_BUSY, REASON_REQUEST_INCOMPLETE, true},
    {"M-SEARCH ", WITNESS_BUSY, REASON_REQUEST_INCOMPLETE, true},
    {"MKCALENDAR ", WITNESS_BUSY, REASON_REQUEST_INCOMPLETE, true},
    {"PATCH ", WITNESS_BUSY, REASON_REQUEST_INCOMPLETE, true},
    {"PROPFIND ", WITNESS_BUSY, REASON_REQUEST_INCOMPLETE, true},
    {"UNSUBSCRIBE ", WITNESS_BUSY, REASON_REQUEST_INCOMPLETE, true},
    {"PRI * H", WITNESS_PRIVATE, REASON_HTTP2, true},
    {"PRI", WITNESS_BUSY, REASON_REQUEST_INCOMPLETE, false},
    {"Get ", WITNESS_PRIVATE, REASON_UNKNOWN_PROTOCOL, false},
    {"GETX ", WITNESS_PRIVATE, REASON_UNKNOWN_PROTOCOL, false},
    {"GET\t/", WITNESS_PRIVATE, REASON_UNKNOWN_PROTOCOL, false},
    {"GET\r\n", WITNESS_PRIVATE, REASON_UNKNOWN_PROTOCOL, false},
    {" GET ", WITNESS_PRIVATE, REASON_UNKNOWN_PROTOCOL, false},
    {"\r\nGET ", WITNESS_PRIVATE, REASON_UNKNOWN_PROTOCOL, false},
    {"PING\r\n", WITNESS_PRIVATE, REASON_UNKNOWN_PROTOCOL, false},
    {"DESCRIBE rtsp://a RTSP/1.0\r\n", WITNESS_PRIVATE, REASON_UNKNOWN_PROTOCOL, false},
    {"\x05\x01\x01\x01\x09", WITNESS_PRIVATE, REASON_UNKNOWN_PROTOCOL, false},
    {"\xff\xff", WITNESS_PRIVATE, REASON_UNKNOWN_PROTOCOL, false},
};

START_TEST(auto_recognises_http_by_its_methods_however_they_are_split)
{
    const char *first = firsts[_i].first;
    for (size_t cut = 0; cut < strlen(first); cut++) {
        struct witness witness = opened(RULE_AUTO);
        witness_sent(&witness, first, cut);
        sent(&witness, first + cut);
        assert_is(&witness, firsts[_i].state, firsts[_i].reason);
        ck_assert_int_eq(witness.protocol == &witness_http, firsts[_i].recognised);
        ck_assert_int_eq(witness.sniffed, firsts[_i].recognised);
    }
    struct witness witness = opened(RULE_AUTO);
    for (const char *byte = first; *byte != '\0'; byte++) {
        witness_sent(&witness, byte, 1);
    }
    assert_is(&witness, firsts[_i].state, firsts[_i].reason);
}
END_TEST

START_TEST(a_nul_byte_is_no_method)
{
    struct witness witness = opened(RULE_AUTO);
    witness_sent(&witness, "\0GET /", 6);
    assert_is(&witness, WITNESS_PRIVATE, REASON_UNKNOWN_PROTOCOL);
    witness = opened(RULE_AUTO);
    witness_sent(&witness, "GET\0", 4);
    assert_is(&witness, WITNESS_PRIVATE, REASON_UNKNOWN_PROTOCOL);
}
END_TEST

START_TEST(an_answer_to_an_unrecognised_beginning_is_private)
{
    struct witness witness = opened(RULE_AUTO);
    sent(&witness, "GE");
    received(&witness, "?");
    assert_is(&witness, WITNESS_PRIVATE, REASON_UNKNOWN_PROTOCOL);
}
END_TEST

START_TEST(raw_is_idle_once_bytes_came_back_after_the_last_send)
{
    struct witness witness = opened(RULE_RAW);
    for (int use = 0; use < 3; use++) {
        sent(&witness, "a");
        assert_is(&witness, WITNESS_BUSY, REASON_RESPONSE_INCOMPLETE);
        sent(&witness, "b");
        assert_is(&witness, WITNESS_BUSY, REASON_RESPONSE_INCOMPLETE);
        received(&witness, "c");
        assert_is(&witness, WITNESS_IDLE, REASON_NONE);
        received(&witness, "\x16");
        assert_is(&witness, WITNESS_IDLE, REASON_NONE);
        sent(&witness, "\x16: only the first byte of a connection means TLS");
        received(&witness, "d");
    }
}
END_TEST

START_TEST(after_a_time_out_raw_is_not_idle_until_more_is_read)
{
    struct witness witness = opened(RULE_RAW);
    sent(&witness, "a");
    witness_timed_out(&witness);
    assert_is(&witness, WITNESS_BUSY, REASON_TIMED_OUT);
    received(&witness, "half");
    assert_is(&witness, WITNESS_IDLE, REASON_NONE);
    witness_timed_out(&witness);
    assert_is(&witness, WITNESS_BUSY, REASON_TIMED_OUT);
}
END_TEST

START_TEST(raw_is_private_once_more_was_sent_after_a_time_out)
{
    struct witness witness = opened(RULE_RAW);
    sent(&witness, "a");
    received(&witness, "half");
    witness_timed_out(&witness);
    sent(&witness, "b");
    assert_is(&witness, WITNESS_PRIVATE, REASON_TIMED_OUT);
    received(&witness, "late");
    assert_is(&witness, WITNESS_PRIVATE, REASON_TIMED_OUT);
}
END_TEST

START_TEST(a_time_out_does_not_matter_to_http)
{
    struct witness witness = opened(RULE_HTTP);
    sent(&witness, "GET / HTTP/1.1\r\n\r\n");
    witness_timed_out(&witness);
    assert_is(&witness, WITNESS_BUSY, REASON_RESPONSE_INCOMPLETE);
    received(&witness, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    witness_timed_out(&witness);
    assert_is(&witness, WITNESS_IDLE, REASON_NONE);
}
END_TEST

static const struct {
    const char *sent, *received;
    size_t sent_len;
    bool is_tunnel;
} beginnings[] = {
    {"\5\1\0", "\5\0", 3, true},                            /* SOCKS5, no authentication */
    {"\5\2\0\2", "\5\2", 4, true},                          /* or a password */
    {"\4\1\x1f\x90\x0a\x4d\0\2\0", "\0Z", 9, true},         /* SOCKS4 */
    {"\4\1\0\x50\0\0\0\1u\0h\0", "\0Z", 12, true},          /* SOCKS4a: a user, and a name */
    {"CONNECT host:80 HTTP/1.0\r\n\r\n", "HT", 28, true},   /* HTTP */
    {"\5\1\0", "\5\xff", 3, true},                          /* SOCKS5, nothing accepted */
    {"\5\1\0\5\1\0\1\x0a\x4d\0\2\0\x50", "\5\0", 13, true}, /* with the request behind it */
    {"\5\7\1\2\3\4\5\6\x80", "\5\x80", 9, true},            /* the last of many methods */
    {"\4\1\x1f\x90\x0a\x4d\0\2\0GET /", "\0Z", 14, true},   /* SOCKS4 with data behind it */
    {"\4\1\x1f\x90\x0a\x4d\0\2u\0x", "\0[", 11, true},      /* and refused */
    {"\5\2\0", "\5\0", 3, false},                           /* shorter than a greeting */
    {"\5\1\0\2", "\5\2", 4, false},                         /* a method that was not offered */
    {"\5\1\0", "\1\0", 3, false},                           /* another reply */
    {"\4\1\x1f\x90\x0a\x4d\0\0", "\0Z", 8, false},          /* shorter than a request */
    {"\4\1\x1f\x90\x0a\x4d\0\2u", "\0Z", 9, false},         /* its end is missing */
    {"\4\1\x1f\x90\x0a\x4d\0\2\0", "\4Z", 9, false},        /* another reply */
    {"\4\1\x1f\x90\x0a\x4d\0\2\0", "\0Y", 9, false},        /* and others */
    {"\4\1\x1f\x90\x0a\x4d\0\2\0", "\0^", 9, false},
    {"CONNECTED\n", "HT", 10, false},
};

START_TEST(a_tunnel_is_private_under_raw_however_it_is_split)
{
    for (size_t piece = 1; piece <= beginnings[_i].sent_len + 1; piece++) {
        struct witness witness = opened(RULE_RAW);
        for (size_t at = 0; at < beginnings[_i].sent_len; at += piece) {
            size_t left = beginnings[_i].sent_len - at;
            witness_sent(&witness, beginnings[_i].sent + at, left < piece ? left : piece);
        }
        feed(&witness, false, beginnings[_i].received, 2, piece == 1 ? BYTES : WHOLE);
        if (beginnings[_i].is_tunnel)
            assert_is(&witness, WITNESS_PRIVATE, REASON_TUNNEL);
        else
            assert_is(&witness, WITNESS_IDLE, REASON_NONE);
    }
}
END_TEST

/* It may be longer than what is kept of it. */
START_TEST(socks5_with_every_method_is_a_tunnel)
{
    char greeting[2 + 255 + 10] = {5, (char)255};
    for (int i = 0; i < 255; i++)
        greeting[2 + i] = (char)i;
    struct witness witness = opened(RULE_RAW);
    feed(&witness, true, greeting, sizeof greeting, WHOLE);
    feed(&witness, false, "\5\xfe", 2, WHOLE);
    assert_is(&witness, WITNESS_PRIVATE, REASON_TUNNEL);
}
END_TEST

START_TEST(a_reply_that_may_be_a_proxys_is_not_over_before_its_second_byte)
{
    struct witness witness = opened(RULE_RAW);
    feed(&witness, true, "\5\1\0", 3, WHOLE);
    feed(&witness, false, "\5", 1, WHOLE);
    assert_is(&witness, WITNESS_BUSY, REASON_RESPONSE_INCOMPLETE);
    struct witness other = witness, tunnel = witness;
    feed(&other, false, "\7", 1, WHOLE);
    assert_is(&other, WITNESS_IDLE, REASON_NONE);
    feed(&tunnel, true, "\5\1", 2, WHOLE); /* the request: no part of the greeting */
    feed(&tunnel, false, "\0", 1, WHOLE);
    assert_is(&tunnel, WITNESS_PRIVATE, REASON_TUNNEL);
}
END_TEST

START_TEST(only_the_beginning_of_a_connection_can_be_a_tunnels)
{
    struct witness witness = opened(RULE_RAW);
    sent(&witness, "PING\n");
    received(&witness, "PONG\n");
    witness_sent(&witness, "\5\1\0", 3);
    received(&witness, "\5");
    assert_is(&witness, WITNESS_IDLE, REASON_NONE);
}
END_TEST

static Suite *raw_suite(void)
{
    Suite *suite = suite_create("witness_raw");
    TCase *rules = tcase_create("rules"), *sniffing = tcase_create("sniffing");
    TCase *raw = tcase_create("raw");
    int each = sizeof observing / sizeof *observing;

    tcase_add_test(rules, off_and_clean_are_private_from_the_beginning);
    tcase_add_loop_test(rules, a_connection_on_which_nothing_was_sent_is_unused, 0, each);
    tcase_add_loop_test(rules, a_server_that_speaks_first_is_private, 0, each);
    tcase_add_loop_test(rules, a_tls_handshake_is_private_under_every_rule, 0, each);
    tcase_add_loop_test(rules, the_first_refusal_is_kept, 0, each);
    tcase_add_loop_test(rules, no_call_touches_errno, 0, each);
    tcase_add_loop_test(sniffing, auto_recognises_http_by_its_methods_however_they_are_split, 0,
                        sizeof firsts / sizeof *firsts);
    tcase_add_test(sniffing, a_nul_byte_is_no_method);
    tcase_add_test(sniffing, an_answer_to_an_unrecognised_beginning_is_private);
    tcase_add_test(raw, raw_is_idle_once_bytes_came_back_after_the_last_send);
    tcase_add_test(raw, after_a_time_out_raw_is_not_idle_until_more_is_read);
    tcase_add_test(raw, raw_is_private_once_more_was_sent_after_a_time_out);
    tcase_add_test(raw, a_time_out_does_not_matter_to_http);
    tcase_add_loop_test(raw, a_tunnel_is_private_under_raw_however_it_is_split, 0,
                        sizeof beginnings / sizeof *beginnings);
    tcase_add_test(raw, socks5_with_every_method_is_a_tunnel);
    tcase_add_test(raw, a_reply_that_may_be_a_proxys_is_not_over_before_its_second_byte);
    tcase_add_test(raw, only_the_beginning_of_a_connection_can_be_a_tunnels);
    suite_add_tcase(suite, rules);
    suite_add_tcase(suite, sniffing);
    suite_add_tcase(suite, raw);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(raw_suite());

    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
