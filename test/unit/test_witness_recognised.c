/* SPDX-License-Identifier: MIT
 * What `auto` knows by its first bytes and never reuses, and what looks like it and is not it. */
#include "witnesses.h"

/* Bytes that went one way; the NUL that ends the literal is not meant. */
struct step {
    bool sent;
    const char *bytes;
    size_t len;
};
#define SENT(text)                                                                                 \
    {                                                                                              \
        true, text, sizeof(text) - 1                                                               \
    }
#define RECEIVED(text)                                                                             \
    {                                                                                              \
        false, text, sizeof(text) - 1                                                              \
    }

enum { STEPS_MAX = 3 };
struct beginning {
    struct step steps[STEPS_MAX];
    enum reason reason;
};

#define KAFKA(key, version, name)                                                                  \
    "\0\0\0\x1f\0" key "\0" version "\0\0\0\1" name "rdkafka-client-name-of"
#define MQTT_CONNECT "\0\4MQTT\4\2\0<\0\0"
#define OP(code) "\x1a\1\0\0\1\0\0\0\0\0\0\0" code "\0\0\0\0\0"

/* Whole beginnings, as clients and servers send them. */
static const struct beginning beginnings[] = {
    {{RECEIVED("SSH-2.0-OpenSSH_9.2p1\r\n")}, REASON_SSH},
    {{SENT("SSH-2.0-OpenSSH_9.2p1\r\n")}, REASON_SSH},
    {{SENT("SSH-2.0-x\r\n"), RECEIVED("SSH-2.0-y\r\n")}, REASON_SSH},
    {{RECEIVED("220 mx.example.org ESMTP Postfix\r\n"), SENT("EHLO me\r\n")}, REASON_SMTP_FTP},
    {{RECEIVED("220-Welcome to Pure-FTPd\r\n"), SENT("USER me\r\n")}, REASON_SMTP_FTP},
    {{RECEIVED("+OK Dovecot ready.\r\n"), SENT("USER me\r\n")}, REASON_POP3},
    {{RECEIVED("* OK [CAPABILITY IMAP4rev1] ready\r\n"), SENT("a login\r\n")}, REASON_IMAP},
    {{RECEIVED("* PREAUTH IMAP4rev1 server\r\n")}, REASON_IMAP},
    {{RECEIVED("INFO {\"server_id\":\"N\"}\r\n"), SENT("CONNECT {}\r\n")}, REASON_NATS},
    {{SENT("CONNECT {\"verbose\":false}\r\n")}, REASON_NATS},
    {{SENT("CONNECT\naccept-version:1.2\n\n\0")}, REASON_STOMP},
    {{SENT("CONNECT\r\naccept-version:1.2\r\n\r\n\0")}, REASON_STOMP},
    {{SENT("STOMP\nhost:h\n\n\0"), RECEIVED("CONNECTED\n\n\0")}, REASON_STOMP},
    {{SENT("STOMP\r\nhost:h\r\n\r\n\0")}, REASON_STOMP},
    {{SENT("AMQP\0\0\x09\1"), RECEIVED("\1\0\0")}, REASON_AMQP},
    {{SENT("AMQP\0\1\0\0")}, REASON_AMQP},
    {{SENT("AMQP\3\1\0\0"), RECEIVED("AMQP\3\1\0\0")}, REASON_AMQP},
    {{SENT("AMQP\1\1\0\x09")}, REASON_AMQP},
    {{SENT("AMQP\2\1\0\0")}, REASON_AMQP},
    {{SENT("\x10\x0c" MQTT_CONNECT), RECEIVED("\x20\2\0\0")}, REASON_MQTT},
    {{SENT("\x10\x8c\1" MQTT_CONNECT)}, REASON_MQTT},
    {{SENT("\x10\x8c\x80\x80\0" MQTT_CONNECT)}, REASON_MQTT},
    {{SENT("\x10\x10\0\6MQIsdp\3\2\0<\0\2me")}, REASON_MQTT},
    {{SENT(OP("\xdd\x07")), RECEIVED("\x26\0\0\0")}, REASON_MONGODB},
    {{SENT(OP("\xd4\x07"))}, REASON_MONGODB},
    {{SENT(OP("\xda\x07"))}, REASON_MONGODB},
    {{SENT(OP("\xdc\x07"))}, REASON_MONGODB},
    {{SENT("\xff\x1f\0\0\1\0\0\0\0\0\0\0\xdd\x07\0\0\0")}, REASON_MONGODB},
    {{SENT("\x11\0\0\0\1\0\0\0\0\0\0\0\xdd\x07\0\0\0")}, REASON_MONGODB},
    {{SENT(KAFKA("\x12", "\3", "\0\7")), RECEIVED("\0\0\1")}, REASON_KAFKA},
    {{SENT(KAFKA("\x12", "\0", "\xff\xff"))}, REASON_KAFKA},
    {{SENT(KAFKA("\x11", "\1", "\0\x15"))}, REASON_KAFKA},
    {{SENT(KAFKA("\3", "\x0f", "\0\0"))}, REASON_KAFKA},
    {{SENT("\x30\x0c\2\1\1\x60\7\2\1\3\4\0\x80\0"), RECEIVED("\x30\x0c\2\1\1\x61")}, REASON_LDAP},
    {{SENT("\x30\x84\0\0\0\x10\2\1\1\x63\x84\0\0\0\7")}, REASON_LDAP},
    {{SENT("\x30\x81\x90\2\4\1\2\3\4\x77\x80\0")}, REASON_LDAP},
    {{SENT("\4\1\x1f\x90\x0a\x4d\0\2\0"), RECEIVED("\0Z")}, REASON_SOCKS},
    {{SENT("\4\2\0\x50\0\0\0\1me\0host\0")}, REASON_SOCKS},
    {{SENT("\4\1\0\x50\x0a\0\0\1eleven-long\0")}, REASON_SOCKS},
    {{SENT("\5\1\0"), RECEIVED("\5\0"), SENT("\5\1\0\1")}, REASON_SOCKS},
    {{SENT("\5\3\0\1\2"), RECEIVED("\5\2")}, REASON_SOCKS},
    {{SENT("\5\1\0"), RECEIVED("\5\xff")}, REASON_SOCKS},
    {{SENT("\5\x12\0\1\2\3\4\5\6\7\x80\x81\x82\x83\x84\x85\x86\x87\x88\x89"), RECEIVED("\5\x89")},
     REASON_SOCKS},

    /* And what is none of them. */
    {{RECEIVED("SSH 2.0\r\n")}, REASON_SERVER_FIRST},
    {{RECEIVED("221 bye\r\n")}, REASON_SERVER_FIRST},
    {{RECEIVED("220\r\n")}, REASON_SERVER_FIRST},
    {{RECEIVED("+ok\r\n")}, REASON_SERVER_FIRST},
    {{RECEIVED("* BYE busy\r\n")}, REASON_SERVER_FIRST},
    {{RECEIVED("INFO me\r\n")}, REASON_SERVER_FIRST},
    {{RECEIVED("AMQP\0\0\x09\1")}, REASON_SERVER_FIRST}, /* it is the client's to say */
    {{RECEIVED("STOMP\n")}, REASON_SERVER_FIRST},
    {{RECEIVED("\x10\x0c" MQTT_CONNECT)}, REASON_SERVER_FIRST},
    {{RECEIVED("SS"), SENT("SSH-"), RECEIVED("H-2.0")}, REASON_SERVER_FIRST},
    {{SENT("220 hello\r\n"), RECEIVED("220 ")}, REASON_UNKNOWN_PROTOCOL},
    {{SENT("+OK\r\n")}, REASON_UNKNOWN_PROTOCOL},
    {{SENT("SS"), RECEIVED("x")}, REASON_UNKNOWN_PROTOCOL},
    {{SENT("CONNECTED\n")}, REASON_UNKNOWN_PROTOCOL},
    {{SENT("CONNECT\r\r")}, REASON_UNKNOWN_PROTOCOL},
    {{SENT("CONNECT\t{")}, REASON_UNKNOWN_PROTOCOL},
    {{SENT("STOMP \n")}, REASON_UNKNOWN_PROTOCOL},
    {{SENT("AMQP\4\1\0\0")}, REASON_UNKNOWN_PROTOCOL},
    {{SENT("AMQPS\0")}, REASON_UNKNOWN_PROTOCOL},
    {{SENT("\x11\x0c" MQTT_CONNECT)}, REASON_UNKNOWN_PROTOCOL},
    {{SENT("\x10\x0c\0\4mqtt\4\2\0<\0\0")}, REASON_UNKNOWN_PROTOCOL},
    {{SENT("\x10\x0c\0\4MQIsdp\3\2\0<")}, REASON_UNKNOWN_PROTOCOL},
    {{SENT("\x10\xff\xff\xff\xff" MQTT_CONNECT)}, REASON_UNKNOWN_PROTOCOL},
    {{SENT(OP("\xde\x07"))}, REASON_UNKNOWN_PROTOCOL},
    {{SENT("\x1a\1\0\0\1\0\0\0\1\0\0\0\xdd\x07\0\0\0\0\0")}, REASON_UNKNOWN_PROTOCOL},
    {{SENT("\x10\0\0\0\1\0\0\0\0\0\0\0\xdd\x07\0\0\0\0\0")}, REASON_UNKNOWN_PROTOCOL},
    {{SENT("\0\x20\0\0\1\0\0\0\0\0\0\0\xdd\x07\0\0\0\0\0")}, REASON_UNKNOWN_PROTOCOL},
    {{SENT("\1\1\1\0\1\0\0\0\0\0\0\0\xdd\x07\0\0\0\0\0")}, REASON_UNKNOWN_PROTOCOL},
    {{SENT("\1\x6c\xdc\2\1\0\0\0\0\0\0\0\xdd\x07\0\0\0\0\0")}, REASON_UNKNOWN_PROTOCOL},
    {{SENT("\x1a\1\0"), RECEIVED("\x1a")}, REASON_UNKNOWN_PROTOCOL},
    {{SENT(KAFKA("\x12", "\x10", "\0\7"))}, REASON_UNKNOWN_PROTOCOL},
    {{SENT(KAFKA("\x13", "\3", "\0\7"))}, REASON_UNKNOWN_PROTOCOL},
    {{SENT(KAFKA("\x12", "\3", "\0\x16"))}, REASON_UNKNOWN_PROTOCOL},
    {{SENT(KAFKA("\x12", "\3", "\1\0"))}, REASON_UNKNOWN_PROTOCOL},
    {{SENT("\0\1\0\x1f\0\x12\0\3\0\0\0\1\0\7rdkafka")}, REASON_UNKNOWN_PROTOCOL},
    {{SENT("\0\0\0\x1f\1\x12\0\3\0\0\0\1\0\7rdkafka")}, REASON_UNKNOWN_PROTOCOL},
    {{SENT("\0\0\0\x1f\0\x12\1\3\0\0\0\1\0\7rdkafka")}, REASON_UNKNOWN_PROTOCOL},
    {{SENT("\x31\x0c\2\1\1\x60\7\2\1\3\4\0\x80\0")}, REASON_UNKNOWN_PROTOCOL},
    {{SENT("\x30\x0c\3\1\1\x60\7\2\1\3\4\0\x80\0")}, REASON_UNKNOWN_PROTOCOL},
    {{SENT("\x30\x0c\2\1\1\x61\7\2\1\3\4\0\x80\0")}, REASON_UNKNOWN_PROTOCOL},
    {{SENT("\x30\x0c\2\0\x60\7\2\1\3\4\0\x80\0")}, REASON_UNKNOWN_PROTOCOL},
    {{SENT("\x30\x0c\2\5\1\2\3\4\5\x60\3\4\0\x80\0")}, REASON_UNKNOWN_PROTOCOL},
    {{SENT("\x30\x80\2\1\1\x60\7\2\1\3\4\0\x80\0")}, REASON_UNKNOWN_PROTOCOL},
    {{SENT("\x30\x85\0\0\0\0\x0c\2\1\1\x60\7\2\1\3")}, REASON_UNKNOWN_PROTOCOL},
    {{SENT("\4\3\0\x50\x0a\x4d\0\2\0")}, REASON_UNKNOWN_PROTOCOL},
    {{SENT("\4\1\0\0\x0a\x4d\0\2\0"), RECEIVED("\0Z")}, REASON_UNKNOWN_PROTOCOL},
    {{SENT("\4\1\0\x50\x0a\x4d\0\2u\1\0")}, REASON_UNKNOWN_PROTOCOL},
    {{SENT("\4\1\0\x50\x0a\x4d\0\2too-long-a-user\0")}, REASON_UNKNOWN_PROTOCOL},
    {{SENT("\4\1\0\x50\x0a\x4d\0\2u"), RECEIVED("\0")}, REASON_UNKNOWN_PROTOCOL},
    {{SENT("\5\1\0"), RECEIVED("\5\2")}, REASON_UNKNOWN_PROTOCOL},
    {{SENT("\5\1\0"), RECEIVED("\4\0")}, REASON_UNKNOWN_PROTOCOL},
    {{SENT("\5\2\0"), RECEIVED("\5\0")}, REASON_UNKNOWN_PROTOCOL},
    {{SENT("\5\1\0\5"), RECEIVED("\5\0")}, REASON_UNKNOWN_PROTOCOL},
    {{SENT("\5\0"), RECEIVED("\5\xff")}, REASON_UNKNOWN_PROTOCOL},
    {{SENT("\5\x13\0\1\2\3"), RECEIVED("\5\0")}, REASON_UNKNOWN_PROTOCOL},
    {{SENT("\6\1\0"), RECEIVED("\5\0")}, REASON_UNKNOWN_PROTOCOL},
};
enum { BEGINNINGS = sizeof beginnings / sizeof *beginnings };

/* All steps, of which one, or with BYTES each, is cut. */
static struct witness taken(const struct beginning *beginning, size_t which, size_t cut)
{
    struct witness witness = opened(RULE_AUTO);
    for (size_t i = 0; i < STEPS_MAX; i++) {
        const struct step *step = &beginning->steps[i];
        feed(&witness, step->sent, step->bytes, step->len,
             i == which || cut == BYTES ? cut : WHOLE);
    }
    return witness;
}

START_TEST(a_beginning_has_its_name_wherever_it_is_split)
{
    const struct beginning *beginning = &beginnings[_i];
    struct witness whole = taken(beginning, 0, WHOLE), bytes = taken(beginning, 0, BYTES);
    assert_is(&whole, WITNESS_PRIVATE, beginning->reason);
    assert_is(&bytes, WITNESS_PRIVATE, beginning->reason);
    for (size_t which = 0; which < STEPS_MAX; which++) {
        for (size_t cut = 1; cut < beginning->steps[which].len; cut++) {
            struct witness witness = taken(beginning, which, cut);
            assert_same(&witness, &whole);
        }
    }
}
END_TEST

/* A part of a beginning is nothing yet, or is the whole of it for a name already; never another's,
 * and never IDLE. */
START_TEST(no_part_of_a_beginning_has_another_name)
{
    const struct beginning *beginning = &beginnings[_i];
    struct witness witness = opened(RULE_AUTO);
    for (size_t which = 0; which < STEPS_MAX; which++) {
        const struct step *step = &beginning->steps[which];
        for (size_t at = 0; at < step->len; at++) {
            feed(&witness, step->sent, step->bytes + at, 1, WHOLE);
            if (witness.state == WITNESS_PRIVATE)
                ck_assert_str_eq(reason_name(witness.reason), reason_name(beginning->reason));
            else
                ck_assert_int_eq(witness.state, WITNESS_BUSY);
        }
    }
}
END_TEST

/* Under a user's own rule they are what that says, but for what no rule may reuse. */
START_TEST(a_rule_overrules_the_name_unless_the_server_speaks_first)
{
    const struct beginning *beginning = &beginnings[_i];
    const struct step *first = &beginning->steps[0];
    static const enum rule rules[] = {RULE_RAW, RULE_LINES, RULE_FRAME};
    for (int i = 0; i < 3; i++) {
        struct witness witness = opened(rules[i]);
        feed(&witness, first->sent, first->bytes, first->len, WHOLE);
        if (first->sent)
            ck_assert_int_ne(witness.reason, beginning->reason);
        else
            assert_is(&witness, WITNESS_PRIVATE, REASON_SERVER_FIRST);
    }
}
END_TEST

START_TEST(connect_with_a_space_and_no_object_is_http)
{
    struct witness witness = opened(RULE_AUTO);
    sent(&witness, "CONNECT ");
    assert_is(&witness, WITNESS_BUSY, REASON_REQUEST_INCOMPLETE);
    ck_assert(witness.sniffing);
    sent(&witness, "h");
    ck_assert_ptr_eq(witness.protocol, &witness_http);
}
END_TEST

/* They are asked for nothing that they could not see. */
START_TEST(random_beginnings_have_one_verdict_however_they_are_split)
{
    static const char tasty[] = "\0\1\2\4\5\x10\x12\x30\x60\x80\xff\x07\xdd"
                                "CONSTAMQP{ \r\n+*";
    unsigned int seed = 7;
    long named = 0;
    for (int run = 0; run < 100000; run++) {
        const struct beginning *beginning = &beginnings[rand_r(&seed) % BEGINNINGS];
        char bytes[64];
        size_t len = beginning->steps[0].len;
        memcpy(bytes, beginning->steps[0].bytes, len);
        len = mutate(bytes, len, tasty, sizeof tasty - 1, &seed);
        bool from_client = beginning->steps[0].sent;
        struct witness whole = opened(RULE_AUTO), split = opened(RULE_AUTO);
        feed(&whole, from_client, bytes, len, WHOLE);
        feed(&split, from_client, bytes, len, rand_r(&seed) % 20);
        require(whole.state == split.state && whole.reason == split.reason, "one verdict");
        require(whole.state != WITNESS_IDLE, "not idle");
        named += whole.reason >= REASON_SSH && whole.reason <= REASON_STOMP;
    }
    ck_assert_int_gt(named, 1000);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("witness_recognised");
    TCase *tests = tcase_create("recognised");
    SRunner *runner = srunner_create(suite);

    tcase_add_loop_test(tests, a_beginning_has_its_name_wherever_it_is_split, 0, BEGINNINGS);
    tcase_add_loop_test(tests, no_part_of_a_beginning_has_another_name, 0, BEGINNINGS);
    tcase_add_loop_test(tests, a_rule_overrules_the_name_unless_the_server_speaks_first, 0,
                        BEGINNINGS);
    tcase_add_test(tests, connect_with_a_space_and_no_object_is_http);
    tcase_add_test(tests, random_beginnings_have_one_verdict_however_they_are_split);
    suite_add_tcase(suite, tests);

    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
