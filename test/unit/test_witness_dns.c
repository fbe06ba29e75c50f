/* SPDX-License-Identifier: MIT
 * What the witness of DNS over TCP makes of connections, however their bytes are split. */
#include "sessions.h"

#include <stdio.h>

enum { SEED = 19871101 }; /* the month of RFC 1035 */

#define NAME                                                                                       \
    "\x03www\x07"                                                                                  \
    "example\x00"
#define ASKED(id, flags, type)                                                                     \
    "\x00\x1d" id flags "\x00\x01\x00\x00\x00\x00\x00\x00" NAME type "\x00\x01"
#define QUERY(id) ASKED(id, "\x01\x00", "\x00\x01")
#define WITH_EDNS(id)                                                                              \
    "\x00\x28" id "\x01\x20\x00\x01\x00\x00\x00\x00\x00\x01" NAME                                  \
    "\x00\x1c\x00\x01\x00\x00\x29\x04\xd0\x00\x00\x00\x00\x00\x00"
#define ANSWER(id)                                                                                 \
    "\x00\x2d" id "\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00" NAME "\x00\x01\x00\x01"               \
    "\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\x0a\x00\x00\x01"
#define EMPTY(id, flags) "\x00\x0c" id flags "\x00\x00\x00\x00\x00\x00\x00\x00"
#define HEAD(len, flags, counts) len "\x00\x07" flags counts
#define COUNTS "\x00\x01\x00\x00\x00\x00\x00\x00"
#define ID1 "\x00\x01"
#define ID2 "\xff\xff"

#define LABEL                                                                                      \
    "\x3f"                                                                                         \
    "123456789012345678901234567890123456789012345678901234567890123"
/* Of 255 bytes, and of one more. */
#define LONGEST                                                                                    \
    LABEL LABEL LABEL "\x3d"                                                                       \
                      "1234567890123456789012345678901234567890123456789012345678901"

static const struct session sessions[] = {
    {{SENT(QUERY(ID1)), RECEIVED(ANSWER(ID1))}, IDLE},
    {{SENT(WITH_EDNS(ID1)), RECEIVED(ANSWER(ID1))}, IDLE},
    {{SENT(QUERY(ID1)), RECEIVED(EMPTY(ID1, "\x81\x83"))}, IDLE},
    {{SENT(ASKED(ID1, "\x00\x30", "\x00\xff")), RECEIVED(EMPTY(ID1, "\x80\x05"))}, IDLE},
    {{SENT("\x00\x11" ID1 "\x01\x00" COUNTS "\x00\x00\x02\x00\x01"), RECEIVED(ANSWER(ID1))}, IDLE},
    {{SENT(QUERY(ID1)), RECEIVED(ANSWER(ID1)), SENT(QUERY(ID1)), RECEIVED(ANSWER(ID1))}, IDLE},
    /* Pipelined, and answered in another order. */
    {{SENT(QUERY(ID1) QUERY(ID2)), RECEIVED(ANSWER(ID2) ANSWER(ID1))}, IDLE},
    {{SENT(QUERY(ID1)), SENT(QUERY(ID2)), RECEIVED(ANSWER(ID1)), RECEIVED(ANSWER(ID2))}, IDLE},
    {{SENT(QUERY(ID1) QUERY(ID2)), RECEIVED(ANSWER(ID2))}, UNREAD},
    {{SENT(QUERY(ID1) "\x00\x1d" ID2), RECEIVED(ANSWER(ID1))}, UNSENT},
    /* Not over yet. */
    {{SENT("\x00")}, UNSENT},
    {{SENT("\x00\x1d" ID1)}, UNSENT},
    {{SENT(HEAD("\x00\x1d", "\x01\x00", COUNTS) "\x03www")}, UNSENT},
    {{SENT(QUERY(ID1))}, UNREAD},
    {{SENT(QUERY(ID1)), RECEIVED("\x00\x2d" ID1 "\x81\x80")}, UNREAD},
    {{SENT("\x00\x1e" ID1 "\x01\x00" COUNTS NAME "\x00\x01\x00\x01")}, UNSENT},
    /* A transfer is answered by as many messages as it takes. */
    {{SENT(ASKED(ID1, "\x00\x00", "\x00\xfc"))}, PRIVATE(TRANSFER)},
    {{SENT(ASKED(ID1, "\x00\x00", "\x00\xfb"))}, PRIVATE(TRANSFER)},
    {{SENT(ASKED(ID1, "\x00\x00", "\x01\xfc")), RECEIVED(ANSWER(ID1))}, IDLE},
    /* Which one an answer is for must be clear. */
    {{SENT(QUERY(ID1) QUERY(ID1))}, FOREIGN},
    {{SENT(QUERY(ID1)), RECEIVED(ANSWER(ID1) ANSWER(ID1))}, PRIVATE(MALFORMED)},
    {{SENT(QUERY(ID1)), RECEIVED(ANSWER(ID2))}, FOREIGN},
    {{SENT(QUERY(ID1) QUERY(ID2)), RECEIVED(ANSWER(ID1) ANSWER(ID1))}, PRIVATE(MALFORMED)},
    {{SENT(QUERY(ID1)), RECEIVED(ANSWER(ID1)), SENT(QUERY(ID2)), RECEIVED(ANSWER(ID1))},
     PRIVATE(MALFORMED)},
    /* Answers that are none. */
    {{SENT(QUERY(ID1)), RECEIVED(QUERY(ID1))}, FOREIGN},
    {{SENT(QUERY(ID1)), RECEIVED(EMPTY(ID1, "\xa9\x80"))}, FOREIGN},
    {{SENT(QUERY(ID1)), RECEIVED(EMPTY(ID1, "\x83\x80"))}, FOREIGN},
    {{SENT(QUERY(ID1)), RECEIVED("\x00\x0b" ID1 "\x81\x80" COUNTS)}, FOREIGN},
    {{SENT("\x00\x1d" ID1), RECEIVED(ANSWER(ID1))}, FOREIGN},
    /* Queries that are none, or are not recognised. */
    {{SENT("\x00\x10"), RECEIVED("x")}, FOREIGN},
    {{SENT("\x00\x10" ID1 "\x01\x00" COUNTS "\x00\x00\x01\x00")}, FOREIGN},
    {{SENT(HEAD("\x00\x1d", "\x81\x00", COUNTS))}, FOREIGN},
    {{SENT(HEAD("\x00\x1d", "\x03\x00", COUNTS))}, FOREIGN},
    {{SENT(HEAD("\x00\x1d", "\x01\x80", COUNTS))}, FOREIGN},
    {{SENT(HEAD("\x00\x1d", "\x01\x40", COUNTS))}, FOREIGN},
    {{SENT(HEAD("\x00\x1d", "\x01\x03", COUNTS))}, FOREIGN},
    {{SENT(HEAD("\x00\x1d", "\x01\x00", "\x00\x00\x00\x00\x00\x00\x00\x00"))}, FOREIGN},
    {{SENT(HEAD("\x00\x1d", "\x01\x00", "\x00\x02\x00\x00\x00\x00\x00\x00"))}, FOREIGN},
    {{SENT(HEAD("\x00\x1d", "\x01\x00", "\x01\x01\x00\x00\x00\x00\x00\x00"))}, FOREIGN},
    {{SENT(HEAD("\x00\x1d", "\x01\x00", "\x00\x01\x00\x01\x00\x00\x00\x00"))}, FOREIGN},
    {{SENT(HEAD("\x00\x1d", "\x01\x00", "\x00\x01\x00\x00\x00\x00\x00\x05"))}, FOREIGN},
    {{SENT("\x00\x1d" ID1 "\x01\x00\x00\x01\x00\x00\x00\x01\x00\x00" NAME "\x00\x01\x00\x01")},
     FOREIGN},
    {{SENT(HEAD("\x00\x1d", "\x29\x00", COUNTS)), RECEIVED("x")},
     WITNESS_PRIVATE,
     REASON_STATE,
     REASON_UNKNOWN_PROTOCOL,
     false},
    {{SENT(QUERY(ID1)), RECEIVED(ANSWER(ID1)), SENT(HEAD("\x00\x1d", "\x30\x00", COUNTS))},
     PRIVATE(STATE)}, /* DNS stateful operations */
    /* Names that are none. */
    {{SENT(HEAD("\x00\x1d", "\x01\x00", COUNTS) "\xc0\x0c")}, FOREIGN},
    {{SENT(HEAD("\x00\x1d", "\x01\x00", COUNTS) "\x40")}, FOREIGN},
    {{SENT(HEAD("\x00\x12", "\x01\x00", COUNTS) "\x03wwwww")}, FOREIGN},
    {{SENT(HEAD("\x00\x12", "\x01\x00", COUNTS) "\x01w\x00\x00\x01\x00")}, FOREIGN},
    {{SENT(HEAD("\x01\x0f", "\x01\x00", COUNTS) LONGEST "\x00\x00\x01\x00\x01"),
      RECEIVED("\x00\x0c\x00\x07\x80\x00\x00\x00\x00\x00\x00\x00\x00\x00")},
     IDLE},
    {{SENT(HEAD("\x01\x10", "\x01\x00", COUNTS) LONGEST "\x01")}, FOREIGN},
    {{RECEIVED(ANSWER(ID1)), SENT(QUERY(ID1))}, PRIVATE(SERVER_FIRST)},
};
enum { SESSIONS = sizeof sessions / sizeof *sessions };

/* A plain reader: every message of the one side has one of the other with its number. */
static bool dns_is_over(const struct moved *moved)
{
    uint16_t asked[64];
    size_t count = 0, at = 0;
    bool any = false;
    while (at < moved->sent_len) {
        const uint8_t *head = (const uint8_t *)moved->sent + at;
        size_t left = moved->sent_len - at;
        if (left < 4 || left < 2 + ((size_t)head[0] << 8 | head[1]) || count == 64)
            return false;
        asked[count++] = (uint16_t)(head[2] << 8 | head[3]);
        at += 2 + ((size_t)head[0] << 8 | head[1]);
        any = true;
    }
    for (at = 0; at < moved->received_len;) {
        const uint8_t *head = (const uint8_t *)moved->received + at;
        size_t left = moved->received_len - at, which = 0;
        if (left < 4 || left < 2 + ((size_t)head[0] << 8 | head[1]))
            return false;
        while (which < count && asked[which] != (head[2] << 8 | head[3]))
            which++;
        if (which == count)
            return false;
        asked[which] = asked[--count];
        at += 2 + ((size_t)head[0] << 8 | head[1]);
    }
    return any && count == 0;
}

START_TEST(a_session_has_its_verdict_however_it_is_split)
{
    assert_session_however_split(&sessions[_i], RULE_DNS);
}
END_TEST

START_TEST(a_session_is_idle_exactly_where_all_is_answered)
{
    assert_idle_exactly_where_over(&sessions[_i], RULE_DNS, dns_is_over);
}
END_TEST

START_TEST(no_mutilated_session_is_idle_before_its_end)
{
    static const char tasty[] = "\0\x01\x0c\x1d\x1e\x2d\x80\x81\xff\x03\x3f\xfb\xfc";
    assert_mutilated_is_judged_alike(&sessions[_i], RULE_DNS, dns_is_over, tasty, sizeof tasty - 1,
                                     SEED + (unsigned int)_i);
}
END_TEST

/* The numbers from 256 on. */
static struct witness after_queries(int count)
{
    struct witness witness;
    witness_open(&witness, (struct rule_choice){.rule = RULE_AUTO});
    for (int i = 0; i < count; i++) {
        char query[] = QUERY("\x01\x00");
        query[3] = (char)i;
        witness_sent(&witness, query, sizeof query - 1);
    }
    return witness;
}

START_TEST(more_outstanding_queries_than_are_counted_are_private)
{
    struct witness witness = after_queries(65);
    ck_assert_int_eq(witness.reason, REASON_NO_MEMORY);
    witness = after_queries(64);
    for (int i = 63; i >= 0; i--) {
        ck_assert_int_eq(witness.reason, REASON_RESPONSE_INCOMPLETE);
        char answer[] = EMPTY("\x01\x00", "\x80\x00");
        answer[3] = (char)(i ^ 21); /* in some other order */
        witness_received(&witness, answer, sizeof answer - 1);
    }
    ck_assert_int_eq(witness.reason, REASON_USED_UP);
}
END_TEST

START_TEST(after_64_queries_a_connection_is_used_up)
{
    struct witness witness;
    witness_open(&witness, (struct rule_choice){.rule = RULE_DNS});
    for (int i = 1; i <= 66; i++) {
        witness_sent(&witness, QUERY(ID1), sizeof QUERY(ID1) - 1);
        witness_received(&witness, ANSWER(ID1), sizeof ANSWER(ID1) - 1);
        ck_assert_int_eq(witness.state, i < 64 ? WITNESS_IDLE : WITNESS_CLOSING);
        ck_assert_int_eq(witness.reason, i < 64 ? REASON_NONE : REASON_USED_UP);
        ck_assert(!witness.peer_will_close);
    }
}
END_TEST

START_TEST(the_longest_answer_is_counted_to_its_last_byte)
{
    static const char zeros[0xffff - 12];
    struct witness witness;
    witness_open(&witness, (struct rule_choice){.rule = RULE_DNS});
    witness_sent(&witness, QUERY(ID1), sizeof QUERY(ID1) - 1);
    witness_received(&witness, "\xff\xff" ID1 "\x80\x00" COUNTS, 14);
    witness_received(&witness, zeros, sizeof zeros - 1);
    ck_assert_int_eq(witness.state, WITNESS_BUSY);
    witness_received(&witness, zeros, 1);
    ck_assert_int_eq(witness.state, WITNESS_IDLE);
}
END_TEST

START_TEST(auto_recognises_no_query_before_its_whole_header)
{
    static const char query[] = QUERY(ID1);
    struct witness witness;
    witness_open(&witness, (struct rule_choice){.rule = RULE_AUTO});
    witness_sent(&witness, query, 13);
    ck_assert(witness.sniffing);
    witness_sent(&witness, query + 13, 1);
    ck_assert_ptr_eq(witness.protocol, &witness_dns);
    ck_assert(!witness.confirmed);
    /* Longer than a resolver asks: by the rule only. */
    witness_open(&witness, (struct rule_choice){.rule = RULE_AUTO});
    witness_sent(&witness, "\x04\x04", 2);
    witness_received(&witness, "x", 1); /* until then it may be another protocol's */
    ck_assert_int_eq(witness.state, WITNESS_PRIVATE);
    witness_open(&witness, (struct rule_choice){.rule = RULE_DNS});
    witness_sent(&witness, "\x04", 1);
    ck_assert_int_eq(witness.state, WITNESS_BUSY);
}
END_TEST

START_TEST(what_is_no_query_is_not_taken_for_dns_by_auto)
{
    static const struct step none[][2] = {
        {SENT("\x00\x10"), RECEIVED("x")},
        {SENT(HEAD("\x00\x1d", "\x01\x00", "\x00\x01\x00\x00\x00\x00\x00\x05")), RECEIVED("x")},
        {SENT("\x00\x1d" ID1), RECEIVED("\x00")}};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        struct witness witness = steps_take(none[i], 2, 0, WHOLE);
        ck_assert_int_eq(witness.reason, REASON_UNKNOWN_PROTOCOL);
        ck_assert_ptr_eq(witness.protocol, &witness_sniff);
    }
}
END_TEST

START_TEST(a_witness_goes_on_where_it_was_moved_to)
{
    struct witness here, there;
    witness_open(&here, (struct rule_choice){.rule = RULE_DNS});
    witness_sent(&here, QUERY(ID1), sizeof QUERY(ID1) - 1);
    witness_received(&here, ANSWER(ID1), 20);
    there = here;
    memset(&here, 0xa5, sizeof here);
    witness_received(&there, ANSWER(ID1) + 20, sizeof ANSWER(ID1) - 1 - 20);
    ck_assert_int_eq(there.state, WITNESS_IDLE);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("witness_dns");
    TCase *tests = tcase_create("sessions");
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, a_session_has_its_verdict_however_it_is_split, 0, SESSIONS);
    tcase_add_loop_test(tests, a_session_is_idle_exactly_where_all_is_answered, 0, SESSIONS);
    tcase_add_loop_test(tests, no_mutilated_session_is_idle_before_its_end, 0, SESSIONS);
    tcase_add_test(tests, more_outstanding_queries_than_are_counted_are_private);
    tcase_add_test(tests, after_64_queries_a_connection_is_used_up);
    tcase_add_test(tests, the_longest_answer_is_counted_to_its_last_byte);
    tcase_add_test(tests, auto_recognises_no_query_before_its_whole_header);
    tcase_add_test(tests, what_is_no_query_is_not_taken_for_dns_by_auto);
    tcase_add_test(tests, a_witness_goes_on_where_it_was_moved_to);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
