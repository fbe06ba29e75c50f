/* SPDX-License-Identifier: MIT
 * The goodbyes of MySQL, PostgreSQL and memcached, however their bytes are split. */
#include "recorded_goodbyes.h"
#include "steps.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS_MAX = 8 };

/* How a connection under `auto` ends up, and whether the peer will close. A goodbye that the server
 * may not read soon, or that nothing shows to be one, is UNHEARD. */
#define GOODBYE(protocol) WITNESS_CLOSING, REASON_##protocol, true
#define UNHEARD(protocol) WITNESS_CLOSING, REASON_##protocol, false
#define BUSY(protocol) WITNESS_BUSY, REASON_##protocol, false
#define PRIVATE(reason) WITNESS_PRIVATE, REASON_##reason, false

struct session {
    struct step steps[STEPS_MAX]; /* up to one of length 0 */
    enum witness_state state;
    enum reason reason;
    bool will_close;
};

/* Handshake up to the server's OK, as PyMySQL does it. */
#define GREETING "\x18\x00\x00\x00\x0a\x38.0.35-log\x00\x01\x00\x00\x00salt....\x00"
#define LOGIN "\x0a\x00\x00\x01\x05\xa2\x3a\x00\xff\xff\xff\x00\x2d\x00"
#define LOGIN_WITH(flags) "\x0a\x00\x00\x01" flags "\xff\xff\xff\x00\x2d\x00"
#define MYSQL_OPEN RECEIVED(GREETING), SENT(LOGIN), RECEIVED("\x07\x00\x00\x02\x00\x00\x00\x02\x00")
#define COM_QUIT "\x01\x00\x00\x00\x01"
#define COM_QUERY "\x09\x00\x00\x00\x03SELECT 1"
#define COM_STMT_CLOSE "\x05\x00\x00\x00\x19\x01\x00\x00\x00"
#define COM_STMT_SEND_LONG_DATA "\x08\x00\x00\x00\x18\x01\x00\x00\x00\x00\x00x"
#define MYSQL_OK RECEIVED("\x07\x00\x00\x01\x00\x00\x00\x02\x00")

#define SSL_REQUEST "\x00\x00\x00\x08\x04\xd2\x16\x2f"
#define GSSENC_REQUEST "\x00\x00\x00\x08\x04\xd2\x16\x30"
#define CANCEL "\x00\x00\x00\x10\x04\xd2\x16\x2e\x00\x00\x01\x02\xca\xfe\xba\xbe"
#define STARTUP "\x00\x00\x00\x10\x00\x03\x00\x00user\x00x\x00\x00"
#define AUTHENTICATED "R\x00\x00\x00\x08\x00\x00\x00\x00Z\x00\x00\x00\x05I"
#define POSTGRESQL_OPEN SENT(STARTUP), RECEIVED(AUTHENTICATED)
#define QUERY "Q\x00\x00\x00\x06;\x00"
#define TERMINATE "X\x00\x00\x00\x04"

static const struct session mysql_sessions[] = {
    {{MYSQL_OPEN}, BUSY(MYSQL)},
    {{MYSQL_OPEN, SENT(COM_QUIT)}, GOODBYE(MYSQL)},
    {{MYSQL_OPEN, SENT("\x00\x00\x00\x03"), MYSQL_OK, SENT(COM_QUIT)}, GOODBYE(MYSQL)},
    {{MYSQL_OPEN, SENT(COM_QUERY), MYSQL_OK, SENT(COM_QUIT)}, GOODBYE(MYSQL)},
    /* The server is at work, and reads no goodbye. */
    {{MYSQL_OPEN, SENT("\x01\x00\x00\x00\x0e"), SENT(COM_QUIT)}, UNHEARD(MYSQL)},
    {{MYSQL_OPEN, SENT(COM_QUERY), SENT(COM_QUIT)}, UNHEARD(MYSQL)},
    {{MYSQL_OPEN, SENT(COM_QUERY), MYSQL_OK, SENT(COM_QUERY COM_QUIT)}, UNHEARD(MYSQL)},
    {{MYSQL_OPEN, SENT(COM_QUERY "\x09\x00\x00\x00\x03SEL"), MYSQL_OK, SENT("ECT 1" COM_QUIT)},
     UNHEARD(MYSQL)},
    {{RECEIVED(GREETING), SENT(LOGIN COM_QUIT)}, UNHEARD(MYSQL)},
    {{RECEIVED(GREETING), SENT(LOGIN COM_QUERY COM_QUIT)}, UNHEARD(MYSQL)},
    {{MYSQL_OPEN, SENT("\x00\x00\x00\x03" COM_QUIT)}, UNHEARD(MYSQL)},
    {{MYSQL_OPEN, SENT("\x00\x00\x00\x00" COM_QUIT)}, UNHEARD(MYSQL)},
    /* These two are not answered. */
    {{MYSQL_OPEN, SENT(COM_STMT_CLOSE COM_QUIT)}, GOODBYE(MYSQL)},
    {{MYSQL_OPEN, SENT(COM_STMT_SEND_LONG_DATA COM_QUIT)}, GOODBYE(MYSQL)},
    {{MYSQL_OPEN, SENT(COM_QUERY), SENT(COM_STMT_CLOSE COM_QUIT)}, UNHEARD(MYSQL)},
    /* Not a command of one byte, or not a command. */
    {{MYSQL_OPEN, SENT("\x01\x00\x00\x00\x0e")}, BUSY(MYSQL)},
    {{MYSQL_OPEN, SENT("\x02\x00\x00\x00\x01\x01")}, BUSY(MYSQL)},
    {{MYSQL_OPEN, SENT("\x01\x00\x00\x03\x01")}, BUSY(MYSQL)},
    {{MYSQL_OPEN, SENT("\x06\x00\x00\x00\x03" COM_QUIT)}, BUSY(MYSQL)},
    {{MYSQL_OPEN, SENT("\x01\x00\x00\x00")}, BUSY(MYSQL)},
    {{RECEIVED(GREETING), SENT("\x0a\x00\x00\x01\x05\xa2\x3a")}, BUSY(MYSQL)},
    {{RECEIVED(GREETING),
      SENT("\x0f\x00\x00\x01\x05\xa2\x3a\x00\xff\xff\xff\x00\x2d\x00" COM_QUIT)},
     BUSY(MYSQL)},
    /* A file sent by LOAD DATA LOCAL, packets numbered on: is the last one a command? */
    {{MYSQL_OPEN, SENT("\x01\x00\x00\xff\x41" COM_QUIT)}, PRIVATE(MYSQL)},
    {{MYSQL_OPEN, SENT("\x01\x00\x00\xfe\x41" COM_QUIT)}, UNHEARD(MYSQL)},
    {{MYSQL_OPEN, SENT("\x01\x00\x00\xff\x41\x01\x00\x00\x01\x41" COM_QUIT)}, UNHEARD(MYSQL)},
    /* Other framing follows. */
    {{RECEIVED(GREETING), SENT(LOGIN_WITH("\x05\xaa\x3a\x00"))}, PRIVATE(TLS)},
    {{RECEIVED(GREETING), SENT(LOGIN_WITH("\x25\xa2\x3a\x00") COM_QUIT)}, PRIVATE(MYSQL)},
    {{RECEIVED(GREETING), SENT(LOGIN_WITH("\x05\xa2\x3a\x04") COM_QUIT)}, PRIVATE(MYSQL)},
    /* Broken. */
    {{RECEIVED(GREETING), SENT(COM_QUIT)}, PRIVATE(MALFORMED)},
    {{RECEIVED(GREETING), SENT("\x0a\x00\x00\x00\x05\xa2\x3a\x00\xff\xff\xff\x00\x2d\x00")},
     PRIVATE(MALFORMED)},
    {{RECEIVED(GREETING), SENT("\x03\x00\x00\x01\x05\xa2\x3a")}, PRIVATE(MALFORMED)},
    {{MYSQL_OPEN, SENT(COM_QUIT "\x01")}, PRIVATE(MALFORMED)},
    {{MYSQL_OPEN, SENT(COM_QUIT), SENT(COM_QUIT)}, PRIVATE(MALFORMED)},
    /* Another protocol in which the server speaks first. */
    {{RECEIVED("221 ready\r\n"), SENT(COM_QUIT)}, PRIVATE(SERVER_FIRST)},
    {{RECEIVED("\x18\x00\x01\x00\x0a\x38.0.35")}, PRIVATE(SERVER_FIRST)},
    {{RECEIVED("\x18\x00\x00\x01\x0a\x38.0.35")}, PRIVATE(SERVER_FIRST)},
    {{RECEIVED("\x18\x00\x00\x00\x09\x33.20")}, PRIVATE(SERVER_FIRST)},
    {{RECEIVED("\x18\x00\x00\x00\x0aMariaDB")}, PRIVATE(SERVER_FIRST)},
    {{RECEIVED("\x18\x00\x00\x00\x0a/8.0")}, PRIVATE(SERVER_FIRST)},
    {{RECEIVED("\x18\x00\x00\x00\x0a:8.0")}, PRIVATE(SERVER_FIRST)},
    {{RECEIVED("\x18\x00\x00\x00\x0a"), SENT("\x0a\x00"), RECEIVED("8.0.35")},
     PRIVATE(SERVER_FIRST)},
    {{SENT("\x0a\x00\x00\x01"), RECEIVED(GREETING)}, PRIVATE(UNKNOWN_PROTOCOL)},
    {{RECEIVED("\x18\x00\x00\x00\x0a")}, BUSY(SERVER_FIRST)},
};

static const struct session postgresql_sessions[] = {
    {{SENT(STARTUP), RECEIVED(AUTHENTICATED)}, BUSY(POSTGRESQL)},
    {{SENT(STARTUP), RECEIVED(AUTHENTICATED), SENT(TERMINATE)}, GOODBYE(POSTGRESQL)},
    {{POSTGRESQL_OPEN, SENT(QUERY), RECEIVED("C\x00\x00"), SENT(TERMINATE)}, GOODBYE(POSTGRESQL)},
    /* The server is at work, and reads no goodbye. */
    {{POSTGRESQL_OPEN, SENT(QUERY), SENT(TERMINATE)}, UNHEARD(POSTGRESQL)},
    {{POSTGRESQL_OPEN, SENT(QUERY), RECEIVED("C\x00\x00"), SENT(QUERY TERMINATE)},
     UNHEARD(POSTGRESQL)},
    {{POSTGRESQL_OPEN, SENT(QUERY "Q\x00\x00\x00\x06"), RECEIVED("C\x00\x00"),
      SENT(";\x00" TERMINATE)},
     UNHEARD(POSTGRESQL)},
    {{SENT(STARTUP TERMINATE)}, UNHEARD(POSTGRESQL)},
    {{SENT(STARTUP "p\x00\x00\x00\x06me" TERMINATE)}, UNHEARD(POSTGRESQL)},
    {{SENT(STARTUP "S\x00\x00\x00\x04" TERMINATE)}, UNHEARD(POSTGRESQL)},
    {{SENT(GSSENC_REQUEST), RECEIVED("N"), SENT(SSL_REQUEST), RECEIVED("N"), SENT(STARTUP),
      RECEIVED("v\x00\x00\x00\x04"), SENT(TERMINATE)},
     GOODBYE(POSTGRESQL)},
    {{SENT("\x00\x00\x00\x10\x00\x03\x00\x02user\x00x\x00\x00"), RECEIVED(AUTHENTICATED),
      SENT(TERMINATE)},
     GOODBYE(POSTGRESQL)},
    {{SENT(CANCEL)}, GOODBYE(POSTGRESQL)},
    {{SENT(SSL_REQUEST), RECEIVED("N"), SENT(CANCEL)}, GOODBYE(POSTGRESQL)},
    {{SENT("\x00\x00\x00\x14\x04\xd2\x16\x2e\x00\x00\x01\x02\xca\xfe\xba\xbe\xca\xfe\xba\xbe")},
     GOODBYE(POSTGRESQL)},
    /* Not whole, or not at a boundary. */
    {{SENT("\x00\x00\x00\x10\x04\xd2\x16\x2e\x00\x00\x01\x02\xca\xfe\xba")}, BUSY(POSTGRESQL)},
    {{SENT(STARTUP "X\x00\x00\x00")}, BUSY(POSTGRESQL)},
    {{SENT(STARTUP "Q\x00\x00\x00\x0a" TERMINATE "\x00")}, BUSY(POSTGRESQL)},
    {{SENT("\x00\x00\x00\x16\x00\x03\x00\x00user\x00x\x00\x00" TERMINATE)}, BUSY(POSTGRESQL)},
    {{SENT(SSL_REQUEST)}, BUSY(POSTGRESQL)},
    {{SENT(STARTUP), RECEIVED("E\x00\x00\x00\x09SFATA")}, BUSY(POSTGRESQL)},
    {{SENT(STARTUP), RECEIVED("N\x00\x00\x00\x04")}, BUSY(POSTGRESQL)},
    /* Encryption. */
    {{SENT(SSL_REQUEST), RECEIVED("S"), SENT("\x16\x03\x01")}, PRIVATE(TLS)},
    {{SENT(SSL_REQUEST), RECEIVED("SX")}, PRIVATE(TLS)},
    {{SENT(GSSENC_REQUEST), RECEIVED("G")}, PRIVATE(POSTGRESQL)},
    {{SENT(SSL_REQUEST), RECEIVED("E\x00\x00\x00\x04")}, PRIVATE(POSTGRESQL)},
    /* Broken. */
    {{SENT(SSL_REQUEST), RECEIVED("NR")}, PRIVATE(MALFORMED)},
    {{SENT(SSL_REQUEST STARTUP)}, PRIVATE(MALFORMED)},
    {{SENT(SSL_REQUEST), RECEIVED("N"), RECEIVED("R")}, PRIVATE(MALFORMED)},
    {{SENT(SSL_REQUEST), RECEIVED("N"), SENT("\x00\x00\x00\x10\x00\x02\x00\x00")},
     PRIVATE(MALFORMED)},
    {{SENT(STARTUP "X\x00\x00\x00\x05\x00")}, PRIVATE(MALFORMED)},
    {{SENT(STARTUP "Q\x00\x00\x00\x03")}, PRIVATE(MALFORMED)},
    {{POSTGRESQL_OPEN, SENT(TERMINATE "X")}, PRIVATE(MALFORMED)},
    {{POSTGRESQL_OPEN, SENT(TERMINATE), SENT("X")}, PRIVATE(MALFORMED)},
    {{SENT(CANCEL), SENT(CANCEL)}, PRIVATE(MALFORMED)},
    /* Another protocol. */
    {{SENT(STARTUP), RECEIVED("Hello"), SENT(TERMINATE)}, PRIVATE(UNKNOWN_PROTOCOL)},
    {{SENT(STARTUP), RECEIVED("\x00\x00")}, PRIVATE(UNKNOWN_PROTOCOL)},
    {{SENT("\x01\x00\x00\x10\x00\x03\x00\x00")}, PRIVATE(UNKNOWN_PROTOCOL)},
    {{SENT("\x01"), RECEIVED("x")}, PRIVATE(UNKNOWN_PROTOCOL)},
    {{SENT("\x00\x01"), RECEIVED("x")}, PRIVATE(UNKNOWN_PROTOCOL)},
    {{SENT("\x00\x00\x00\x10\x00\x02\x00\x00")}, PRIVATE(UNKNOWN_PROTOCOL)},
    {{SENT("\x00\x00\x00\x10\x00\x04\x00\x00")}, PRIVATE(UNKNOWN_PROTOCOL)},
    {{SENT("\x00\x00\x00\x10\x00\x03\x00\x01"), RECEIVED("x")}, PRIVATE(UNKNOWN_PROTOCOL)},
    {{SENT("\x00\x00\x00\x17\x00\x03\x00\x03"), RECEIVED("x")},
     PRIVATE(UNKNOWN_PROTOCOL)}, /* Kafka's are so */
    {{SENT("\x00\x00\x00\x08\x00\x03\x00\x00"), RECEIVED("x")}, PRIVATE(UNKNOWN_PROTOCOL)},
    {{SENT("\x00\x00\x27\x11\x00\x03\x00\x00"), RECEIVED("x")}, PRIVATE(UNKNOWN_PROTOCOL)},
    {{SENT("\x00\x00\x27\x10\x00\x03\x00\x00")}, BUSY(POSTGRESQL)},
    {{SENT("\x00\x00\x00\x09\x04\xd2\x16\x2f")}, PRIVATE(UNKNOWN_PROTOCOL)},
    {{SENT("\x00\x00\x00\x0f\x04\xd2\x16\x2e")}, PRIVATE(UNKNOWN_PROTOCOL)},
    {{SENT("\x00\x00\x01\x0d\x04\xd2\x16\x2e")}, PRIVATE(UNKNOWN_PROTOCOL)},
    {{SENT("\x00\x00\x01\x0c\x04\xd2\x16\x2e")}, BUSY(POSTGRESQL)},
    {{SENT("\x00\x00\x00\x08"), RECEIVED("N"), SENT("\x04\xd2\x16\x2f")},
     PRIVATE(UNKNOWN_PROTOCOL)},
    {{SENT("\x00\x00\x00\x08"), RECEIVED("N")}, PRIVATE(UNKNOWN_PROTOCOL)},
    {{RECEIVED("\x18\x00"), SENT(STARTUP)}, PRIVATE(SERVER_FIRST)},
};

static size_t count_steps(const struct session *session)
{
    size_t count = 0;
    while (count < STEPS_MAX && session->steps[count].len > 0)
        count++;
    return count;
}

static void assert_is(const struct witness *witness, enum witness_state state, enum reason reason,
                      bool will_close, size_t which, long cut)
{
    ck_assert_msg(witness->state == state && witness->reason == reason &&
                      witness->peer_will_close == will_close,
                  "step %zu cut at %ld: state %d, %s, the peer %s close", which, cut,
                  witness->state, reason_name(witness->reason),
                  witness->peer_will_close ? "will" : "will not");
}

static void assert_however_split(const struct step *steps, size_t count, enum witness_state state,
                                 enum reason reason, bool will_close)
{
    struct witness witness = steps_take(steps, count, 0, EACH_BYTE);
    assert_is(&witness, state, reason, will_close, 0, EACH_BYTE);
    for (size_t which = 0; which < count; which++) {
        for (size_t cut = 0; cut < steps[which].len; cut++) {
            witness = steps_take(steps, count, which, (long)cut);
            assert_is(&witness, state, reason, will_close, which, (long)cut);
        }
    }
}

static void assert_session(const struct session *session)
{
    assert_however_split(session->steps, count_steps(session), session->state, session->reason,
                         session->will_close);
}

START_TEST(mysql_is_followed_to_com_quit)
{
    assert_session(&mysql_sessions[_i]);
}
END_TEST

START_TEST(postgresql_is_followed_to_terminate_and_cancel)
{
    assert_session(&postgresql_sessions[_i]);
}
END_TEST

#define ASSERT_RECORDED(steps, state_and_reason)                                                   \
    assert_however_split(steps, sizeof(steps) / sizeof *(steps), state_and_reason)

START_TEST(recorded_sessions_end_with_the_goodbye)
{
    ASSERT_RECORDED(recorded_mariadb, GOODBYE(MYSQL));
    ASSERT_RECORDED(recorded_pymysql, GOODBYE(MYSQL));
    ASSERT_RECORDED(recorded_psql, GOODBYE(POSTGRESQL));
    ASSERT_RECORDED(recorded_pgbench, GOODBYE(POSTGRESQL));
    ASSERT_RECORDED(recorded_memccp, GOODBYE(ANNOUNCED_CLOSE));
    ASSERT_RECORDED(recorded_memccp_binary, GOODBYE(ANNOUNCED_CLOSE));
    ASSERT_RECORDED(recorded_mariadb_compressed, PRIVATE(MYSQL));
}
END_TEST

/* No beginning of a session is one yet. */
START_TEST(no_part_of_a_recorded_session_is_a_goodbye)
{
    static const struct {
        const struct step *steps;
        size_t count;
    } sessions[] = {
#define RECORDED(steps) {steps, sizeof(steps) / sizeof *(steps)}
        RECORDED(recorded_mariadb), RECORDED(recorded_pymysql), RECORDED(recorded_psql),
        RECORDED(recorded_pgbench), RECORDED(recorded_memccp)};
    for (size_t i = 0; i < sizeof sessions / sizeof *sessions; i++) {
        size_t last = sessions[i].count - 1;
        struct step cut = sessions[i].steps[last];
        struct witness witness = steps_take(sessions[i].steps, last, 0, WHOLE);
        cut.len--;
        step_take(&witness, &cut, WHOLE);
        ck_assert_int_eq(witness.state, WITNESS_BUSY);
        ck_assert(!witness.peer_will_close);
        ck_assert(witness.sniffed && witness.confirmed);
    }
}
END_TEST

static void send_zeros(struct witness *witness, size_t len)
{
    static const char zeros[65536];
    for (size_t piece; len > 0; len -= piece) {
        piece = len < sizeof zeros ? len : sizeof zeros;
        witness_sent(witness, zeros, piece);
    }
}

/* 16 MiB and more: the packet that continues it may look like COM_QUIT, and its number be 0. */
START_TEST(a_mysql_packet_that_continues_another_is_no_command)
{
    static const struct step open[] = {MYSQL_OPEN, SENT("\xff\xff\xff\xff")};
    struct witness witness = steps_take(open, sizeof open / sizeof *open, 0, WHOLE);
    send_zeros(&witness, 0xffffff);
    witness_sent(&witness, COM_QUIT, 5);
    assert_is(&witness, BUSY(MYSQL), 0, WHOLE);
    witness_received(&witness, "\x01", 1);
    witness_sent(&witness, COM_QUIT, 5);
    assert_is(&witness, GOODBYE(MYSQL), 0, WHOLE);
}
END_TEST

START_TEST(a_mysql_packet_that_is_to_be_continued_was_not_answered)
{
    static const struct step open[] = {MYSQL_OPEN, SENT("\xff\xff\xff\x00\x03")};
    struct witness witness = steps_take(open, sizeof open / sizeof *open, 0, WHOLE);
    send_zeros(&witness, 0xffffff - 1);
    witness_received(&witness, "\x01", 1);
    witness_sent(&witness, "\x00\x00\x00\x01" COM_QUIT, 9);
    assert_is(&witness, UNHEARD(MYSQL), 0, WHOLE);
}
END_TEST

/* 16 MiB of long data and their continuation: still no answer is due. */
START_TEST(the_continuation_of_long_data_is_not_answered_either)
{
    static const struct step open[] = {MYSQL_OPEN, SENT("\xff\xff\xff\x00\x18")};
    struct witness witness = steps_take(open, sizeof open / sizeof *open, 0, WHOLE);
    send_zeros(&witness, 0xffffff - 1);
    witness_sent(&witness, "\x00\x00\x00\x01" COM_QUIT, 9);
    assert_is(&witness, GOODBYE(MYSQL), 0, WHOLE);
}
END_TEST

START_TEST(no_goodbye_protocol_ever_says_idle_or_touches_a_limit)
{
    struct witness witness = steps_take(recorded_pymysql, 6, 0, WHOLE);
    ck_assert_int_eq(witness.state, WITNESS_BUSY);
    ck_assert_uint_eq(witness.idle_limit_ms, 0);
    ck_assert_uint_eq(witness.uses_left, UINT32_MAX);
    witness_timed_out(&witness);
    assert_is(&witness, BUSY(MYSQL), 0, WHOLE);
}
END_TEST

static Suite *goodbyes_suite(void)
{
    Suite *suite = suite_create("witness_goodbyes");
    TCase *tests = tcase_create("goodbyes");
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, mysql_is_followed_to_com_quit, 0,
                        sizeof mysql_sessions / sizeof *mysql_sessions);
    tcase_add_loop_test(tests, postgresql_is_followed_to_terminate_and_cancel, 0,
                        sizeof postgresql_sessions / sizeof *postgresql_sessions);
    tcase_add_test(tests, recorded_sessions_end_with_the_goodbye);
    tcase_add_test(tests, no_part_of_a_recorded_session_is_a_goodbye);
    tcase_add_test(tests, a_mysql_packet_that_continues_another_is_no_command);
    tcase_add_test(tests, a_mysql_packet_that_is_to_be_continued_was_not_answered);
    tcase_add_test(tests, the_continuation_of_long_data_is_not_answered_either);
    tcase_add_test(tests, no_goodbye_protocol_ever_says_idle_or_touches_a_limit);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(goodbyes_suite());
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
