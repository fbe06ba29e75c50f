/* SPDX-License-Identifier: MIT
 * What the witness of FastCGI makes of a client's connections, however their bytes are split. */
#include "sessions.h"

#include <stdio.h>

enum { SEED = 19960429 }; /* the date of FastCGI's specification */

#define RECORD(type, id, len, padding) "\x01" type "\x00" id len padding "\x00"
#define BEGIN_WITH(id, role, flags) RECORD("\x01", id, "\x00\x08", "\x00") role flags "\0\0\0\0\0"
#define BEGIN(id) BEGIN_WITH(id, "\x00\x01", "\x01")
#define BEGIN_LAST(id) BEGIN_WITH(id, "\x00\x01", "\x00")
#define NO_MORE(type, id) RECORD(type, id, "\x00\x00", "\x00")
#define PARAMS(id)                                                                                 \
    RECORD("\x04", id, "\x00\x04", "\x03")                                                         \
    "\x01\x01"                                                                                     \
    "ab"                                                                                           \
    "..." NO_MORE("\x04", id)
#define INPUT(id) RECORD("\x05", id, "\x00\x05", "\x00") "hello" NO_MORE("\x05", id)
#define ASKED(id) BEGIN(id) PARAMS(id) INPUT(id)
#define ASKED_LAST(id) BEGIN_LAST(id) PARAMS(id) NO_MORE("\x05", id)
#define OUTPUT(id)                                                                                 \
    RECORD("\x06", id, "\x00\x07", "\x01")                                                         \
    "\x01\x03\0\0\0\x08\0"                                                                         \
    "."
#define ENDED_WITH(id, status) RECORD("\x03", id, "\x00\x08", "\x00") "\0\0\0\x07" status "\0\0\0"
#define ENDED(id) ENDED_WITH(id, "\x00")
#define ANSWERED(id) OUTPUT(id) NO_MORE("\x06", id) ENDED(id)
#define QUESTION                                                                                   \
    RECORD("\x09", "\x00", "\x00\x03", "\x05")                                                     \
    "\x01\x00"                                                                                     \
    "a"                                                                                            \
    "....."
#define VALUES                                                                                     \
    RECORD("\x0a", "\x00", "\x00\x04", "\x04")                                                     \
    "\x01\x01"                                                                                     \
    "a1"                                                                                           \
    "...."
#define FIRST "\x01"
#define SECOND "\x02"

static const struct session sessions[] = {
    {{SENT(ASKED(FIRST)), RECEIVED(ANSWERED(FIRST))}, IDLE},
    {{SENT(ASKED(FIRST)), RECEIVED(ENDED(FIRST))}, IDLE},
    {{SENT(BEGIN(FIRST) NO_MORE("\x04", FIRST) NO_MORE("\x05", FIRST)), RECEIVED(ENDED(FIRST))},
     IDLE},
    {{SENT(BEGIN(FIRST) NO_MORE("\x05", FIRST) PARAMS(FIRST)), RECEIVED(ANSWERED(FIRST))}, IDLE},
    {{SENT(ASKED(FIRST)),
      RECEIVED(RECORD("\x07", FIRST, "\x00\x05", "\x00") "oops!" ANSWERED(FIRST))},
     IDLE},
    {{SENT(ASKED(FIRST)), RECEIVED(ANSWERED(FIRST)), SENT(ASKED(FIRST)), RECEIVED(ANSWERED(FIRST))},
     IDLE},
    {{SENT(BEGIN(FIRST) PARAMS(FIRST)), RECEIVED(OUTPUT(FIRST)), SENT(INPUT(FIRST)),
      RECEIVED(ENDED(FIRST))},
     IDLE},
    /* Two at once. */
    {{SENT(BEGIN(FIRST) BEGIN(SECOND) PARAMS(SECOND) PARAMS(FIRST) INPUT(FIRST) INPUT(SECOND)),
      RECEIVED(OUTPUT(SECOND) OUTPUT(FIRST) ENDED(FIRST) ENDED(SECOND))},
     IDLE},
    {{SENT(ASKED(FIRST) ASKED(SECOND)), RECEIVED(ANSWERED(SECOND))}, UNREAD},
    {{SENT(ASKED(FIRST) BEGIN(SECOND)), RECEIVED(ANSWERED(FIRST))}, UNSENT},
    /* About the server itself. */
    {{SENT(ASKED(FIRST) QUESTION), RECEIVED(VALUES ANSWERED(FIRST))}, IDLE},
    {{SENT(ASKED(FIRST) QUESTION), RECEIVED(ANSWERED(FIRST))}, UNREAD},
    {{SENT(ASKED(FIRST)), RECEIVED(ANSWERED(FIRST)), SENT(QUESTION), RECEIVED(VALUES)}, IDLE},
    /* Without FCGI_KEEP_CONN the server closes. */
    {{SENT(ASKED_LAST(FIRST)), RECEIVED(ANSWERED(FIRST))}, GOODBYE},
    {{SENT(ASKED(FIRST)), RECEIVED(ANSWERED(FIRST)), SENT(ASKED_LAST(FIRST)),
      RECEIVED(ANSWERED(FIRST))},
     GOODBYE},
    {{SENT(ASKED(FIRST) ASKED_LAST(SECOND)), RECEIVED(ANSWERED(SECOND))}, UNREAD},
    {{SENT(ASKED_LAST(FIRST)), RECEIVED(OUTPUT(FIRST))}, UNREAD},
    {{SENT(ASKED_LAST(FIRST)), RECEIVED(ANSWERED(FIRST)), SENT(ASKED(FIRST))}, UNHEARD},
    /* Not over yet. */
    {{SENT("\x01")}, UNSENT},
    {{SENT(BEGIN(FIRST))}, UNSENT},
    {{SENT(BEGIN(FIRST) PARAMS(FIRST))}, UNSENT},
    {{SENT(BEGIN(FIRST) INPUT(FIRST))}, UNSENT},
    {{SENT(BEGIN(FIRST) PARAMS(FIRST) RECORD("\x05", FIRST, "\x00\x05", "\x00") "hello")}, UNSENT},
    {{SENT(ASKED(FIRST))}, UNREAD},
    {{SENT(ASKED(FIRST)), RECEIVED(OUTPUT(FIRST))}, UNREAD},
    {{SENT(ASKED(FIRST)), RECEIVED(OUTPUT(FIRST) NO_MORE("\x06", FIRST))}, UNREAD},
    {{SENT(ASKED(FIRST)), RECEIVED(RECORD("\x03", FIRST, "\x00\x08", "\x02") "\0\0\0\0\0\0\0\0"
                                                                             ".")},
     UNREAD},
    {{SENT(ASKED(FIRST)), RECEIVED(ANSWERED(FIRST)), SENT(ASKED(FIRST) "\x01")}, UNSENT},
    {{SENT(ASKED(FIRST)), RECEIVED(ANSWERED(FIRST) "\x01")}, UNREAD},
    /* Answers that are none, or too early. */
    {{SENT(BEGIN(FIRST) PARAMS(FIRST)), RECEIVED(ENDED(FIRST))}, FOREIGN},
    {{SENT(BEGIN(FIRST) INPUT(FIRST)), RECEIVED(ENDED(FIRST))}, FOREIGN},
    {{SENT(ASKED(FIRST)), RECEIVED(ENDED_WITH(FIRST, "\x01"))}, FOREIGN},
    {{SENT(ASKED(FIRST)), RECEIVED(ENDED_WITH(FIRST, "\x02"))}, FOREIGN},
    {{SENT(ASKED(FIRST)), RECEIVED(NO_MORE("\x03", FIRST))}, FOREIGN},
    {{SENT(ASKED(FIRST)), RECEIVED(ENDED(SECOND))}, FOREIGN},
    {{SENT(ASKED(FIRST)), RECEIVED(OUTPUT(SECOND))}, FOREIGN},
    {{SENT(ASKED(FIRST)), RECEIVED(ANSWERED(FIRST) OUTPUT(FIRST))}, PRIVATE(MALFORMED)},
    {{SENT(ASKED(FIRST)), RECEIVED(ANSWERED(FIRST) ENDED(FIRST))}, PRIVATE(MALFORMED)},
    {{SENT(ASKED(FIRST)), RECEIVED(ANSWERED(FIRST) VALUES)}, PRIVATE(MALFORMED)},
    {{SENT(ASKED(FIRST) QUESTION), RECEIVED(ANSWERED(FIRST) RECORD("\x0a", FIRST, "\0\0", "\0"))},
     PRIVATE(MALFORMED)},
    {{SENT(ASKED(FIRST)),
      RECEIVED(RECORD("\x0b", "\x00", "\x00\x08", "\x00") "\x09\0\0\0\0\0\0\0")},
     FOREIGN},
    {{SENT(ASKED(FIRST)), RECEIVED("HTTP/1.1 400 Bad Request\r\n")}, FOREIGN},
    {{SENT(ASKED(FIRST)), RECEIVED("\x02\x06\x00\x01\x00\x00\x00\x00")}, FOREIGN},
    /* Requests that are none, or are not followed. */
    {{SENT(ASKED(FIRST)), RECEIVED(ANSWERED(FIRST)), SENT(NO_MORE("\x02", FIRST))},
     PRIVATE(MALFORMED)},                                   /* ABORT_REQUEST */
    {{SENT(ASKED(FIRST) NO_MORE("\x08", FIRST))}, FOREIGN}, /* DATA */
    {{SENT(ASKED(FIRST) NO_MORE("\x04", FIRST))}, FOREIGN},
    {{SENT(ASKED(FIRST) NO_MORE("\x05", FIRST))}, FOREIGN},
    {{SENT(ASKED(FIRST) NO_MORE("\x05", SECOND))}, FOREIGN},
    {{SENT(ASKED(FIRST) BEGIN(FIRST))}, FOREIGN},
    {{SENT(ASKED(FIRST) RECORD("\x09", FIRST, "\x00\x00", "\x00"))}, FOREIGN},
    {{SENT(ASKED_LAST(FIRST) BEGIN(SECOND))}, FOREIGN},
    {{SENT(ASKED(FIRST) "\x02\x01\x00\x02\x00\x08\x00\x00\x00\x01\x01\0\0\0\0\0")}, FOREIGN},
    {{SENT(BEGIN("\x00"))}, FOREIGN},
    {{SENT(BEGIN_WITH(FIRST, "\x00\x01", "\x03"))}, FOREIGN},
    {{SENT(BEGIN_WITH(FIRST, "\x00\x02", "\x01"))}, FOREIGN}, /* an authorizer */
    {{SENT(BEGIN_WITH(FIRST, "\x00\x03", "\x01"))}, FOREIGN}, /* a filter */
    {{SENT(ASKED(FIRST) RECORD("\x01", SECOND, "\x00\x07", "\x01") "\x00\x01\x01\0\0\0\0\0")},
     FOREIGN},
    {{SENT(ASKED(FIRST) BEGIN(SECOND) BEGIN("\x03") BEGIN("\x04") BEGIN("\x05") BEGIN("\x06")
               BEGIN("\x07") BEGIN("\x08"))},
     UNSENT},
    {{SENT(ASKED(FIRST)), RECEIVED(ANSWERED(FIRST)),
      SENT(BEGIN(SECOND) BEGIN("\x03") BEGIN("\x04") BEGIN("\x05") BEGIN("\x06") BEGIN("\x07")
               BEGIN("\x08") BEGIN("\x09") BEGIN("\x0a"))},
     PRIVATE(NO_MEMORY)},
    {{RECEIVED(ANSWERED(FIRST)), SENT(ASKED(FIRST))}, PRIVATE(SERVER_FIRST)},
};
enum { SESSIONS = sizeof sessions / sizeof *sessions };

/* A plain reader. Of each number: begun, and which of the streams have ended. */
static bool fastcgi_is_over(const struct moved *moved)
{
    static bool begun[65536], parameters[65536], input[65536];
    int open = 0, due = 0;
    bool any = false, last = false;
    memset(begun, 0, sizeof begun);
    for (int side = 0; side < 2; side++) {
        const uint8_t *at = (const uint8_t *)(side == 0 ? moved->sent : moved->received);
        size_t left = side == 0 ? moved->sent_len : moved->received_len;
        while (left > 0) {
            if (left < 8)
                return false;
            unsigned int id = (unsigned int)at[2] << 8 | at[3];
            size_t content = (size_t)at[4] << 8 | at[5], len = 8 + content + at[6];
            if (left < len)
                return false;
            switch (at[1]) {
            case 1:
                open += !begun[id];
                begun[id] = any = true;
                parameters[id] = input[id] = false;
                last |= content == 8 && (at[10] & 1) == 0;
                break;
            case 4:
                parameters[id] |= content == 0;
                break;
            case 5:
                input[id] |= content == 0;
                break;
            case 3:
                if (!begun[id] || !parameters[id] || !input[id])
                    return false;
                begun[id] = false;
                open--;
                break;
            case 9:
                due++;
                any = true;
                break;
            case 10:
                due--;
                break;
            default:
                break;
            }
            at += len;
            left -= len;
        }
    }
    return any && !last && open == 0 && due == 0;
}

/* In the plain reader all was sent before anything was received: of sessions with one turn that is
 * so, of others only where each number was used once. */
static bool has_one_turn(const struct session *session)
{
    return session_steps(session) <= 2;
}

START_TEST(a_session_has_its_verdict_however_it_is_split)
{
    assert_session_however_split(&sessions[_i], RULE_FASTCGI);
}
END_TEST

START_TEST(a_session_of_one_turn_is_idle_exactly_where_all_is_answered)
{
    if (has_one_turn(&sessions[_i]))
        assert_idle_exactly_where_over(&sessions[_i], RULE_FASTCGI, fastcgi_is_over);
}
END_TEST

START_TEST(no_mutilated_session_is_idle_before_its_end)
{
    static const char tasty[] = "\0\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\xff";
    if (has_one_turn(&sessions[_i]))
        assert_mutilated_is_judged_alike(&sessions[_i], RULE_FASTCGI, fastcgi_is_over, tasty,
                                         sizeof tasty - 1, SEED + (unsigned int)_i);
}
END_TEST

START_TEST(the_longest_record_is_counted_to_its_last_byte)
{
    enum { LEN = 0xffff + 0xff };
    static const char zeros[LEN];
    struct witness witness;
    witness_open(&witness, (struct rule_choice){.rule = RULE_AUTO});
    witness_sent(&witness, BEGIN(FIRST) PARAMS(FIRST), sizeof BEGIN(FIRST) PARAMS(FIRST) - 1);
    witness_sent(&witness, RECORD("\x05", FIRST, "\xff\xff", "\xff"), 8);
    witness_sent(&witness, zeros, LEN);
    witness_sent(&witness, NO_MORE("\x05", FIRST), 8);
    ck_assert_int_eq(witness.reason, REASON_RESPONSE_INCOMPLETE);
    witness_received(&witness, RECORD("\x06", FIRST, "\xff\xff", "\xff"), 8);
    witness_received(&witness, zeros, LEN);
    witness_received(&witness, ENDED(FIRST), sizeof ENDED(FIRST) - 1);
    ck_assert_int_eq(witness.state, WITNESS_IDLE);
}
END_TEST

START_TEST(more_questions_about_the_server_than_are_counted_are_private)
{
    struct witness witness;
    witness_open(&witness, (struct rule_choice){.rule = RULE_FASTCGI});
    for (int i = 1; i <= 256; i++) {
        witness_sent(&witness, QUESTION, sizeof QUESTION - 1);
        ck_assert_int_eq(witness.state, i < 256 ? WITNESS_BUSY : WITNESS_PRIVATE);
    }
}
END_TEST

/* The worker at the other end serves nobody else meanwhile. */
START_TEST(a_connection_idles_for_a_quarter_of_a_second_only)
{
    struct witness witness = session_take(&sessions[0], RULE_AUTO, 0, WHOLE);
    ck_assert_uint_eq(witness.idle_limit_ms, 250);
}
END_TEST

START_TEST(auto_recognises_no_request_before_its_whole_beginning)
{
    static const char begin[] = BEGIN(FIRST);
    static const struct step none[][2] = {{SENT(BEGIN_WITH(FIRST, "\x00\x02", "\x01")), SENT("")},
                                          {SENT(BEGIN_WITH(FIRST, "\x00\x01", "\x02")), SENT("")},
                                          {SENT("\x01\x01\x00"), RECEIVED("\x01")}};
    struct witness witness;
    witness_open(&witness, (struct rule_choice){.rule = RULE_AUTO});
    witness_sent(&witness, begin, 15);
    ck_assert(witness.sniffing);
    witness_sent(&witness, begin + 15, 1);
    ck_assert_ptr_eq(witness.protocol, &witness_fastcgi);
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        witness = steps_take(none[i], 2, 0, WHOLE);
        ck_assert_int_eq(witness.reason, REASON_UNKNOWN_PROTOCOL);
        ck_assert_ptr_eq(witness.protocol, &witness_sniff);
    }
}
END_TEST

START_TEST(a_witness_goes_on_where_it_was_moved_to)
{
    struct witness here, there;
    witness_open(&here, (struct rule_choice){.rule = RULE_FASTCGI});
    witness_sent(&here, ASKED(FIRST), sizeof ASKED(FIRST) - 1);
    witness_received(&here, ENDED(FIRST), 12);
    there = here;
    memset(&here, 0xa5, sizeof here);
    witness_received(&there, ENDED(FIRST) + 12, sizeof ENDED(FIRST) - 1 - 12);
    ck_assert_int_eq(there.state, WITNESS_IDLE);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("witness_fastcgi");
    TCase *tests = tcase_create("sessions");
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, a_session_has_its_verdict_however_it_is_split, 0, SESSIONS);
    tcase_add_loop_test(tests, a_session_of_one_turn_is_idle_exactly_where_all_is_answered, 0,
                        SESSIONS);
    tcase_add_loop_test(tests, no_mutilated_session_is_idle_before_its_end, 0, SESSIONS);
    tcase_add_test(tests, the_longest_record_is_counted_to_its_last_byte);
    tcase_add_test(tests, more_questions_about_the_server_than_are_counted_are_private);
    tcase_add_test(tests, a_connection_idles_for_a_quarter_of_a_second_only);
    tcase_add_test(tests, auto_recognises_no_request_before_its_whole_beginning);
    tcase_add_test(tests, a_witness_goes_on_where_it_was_moved_to);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
