/* SPDX-License-Identifier: MIT
 * What the Redis witness makes of an exchange, however its bytes are split. */
#include "witnesses.h"

#include <stdio.h>

#define PING "*1\r\n$4\r\nPING\r\n"
#define GET "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n"
#define SET "*3\r\n$3\r\nset\r\n$1\r\nk\r\n$5\r\nv\r\n*1\r\n"
#define QUIT "*1\r\n$4\r\nQUIT\r\n"
#define ONE(len, name) "*1\r\n$" #len "\r\n" name "\r\n"
#define TWO(len, name, argument_len, argument)                                                     \
    "*2\r\n$" #len "\r\n" name "\r\n$" #argument_len "\r\n" argument "\r\n"
#define TEN(text) text text text text text text text text text text

#define IDLE WITNESS_IDLE, REASON_NONE, REASON_NONE
#define CLOSING WITNESS_CLOSING, REASON_ANNOUNCED_CLOSE, REASON_ANNOUNCED_CLOSE
#define UNSENT WITNESS_BUSY, REASON_REQUEST_INCOMPLETE, REASON_REQUEST_INCOMPLETE
#define UNREAD WITNESS_BUSY, REASON_RESPONSE_INCOMPLETE, REASON_RESPONSE_INCOMPLETE
#define PRIVATE(reason) WITNESS_PRIVATE, REASON_##reason, REASON_##reason
#define UNCONFIRMED WITNESS_PRIVATE, REASON_MALFORMED, REASON_UNKNOWN_PROTOCOL

/* One connection: the request is sent, then the response is read. */
struct exchange {
    const char *request, *response;
    enum witness_state state;
    enum reason reason, reason_in_auto;
    bool will_close;
};

static const struct exchange corpus[] = {
    /* Replies of RESP2. */
    {PING, "+PONG\r\n", IDLE, 0},
    {PING, "+\r\n", IDLE, 0},
    {GET, "$-1\r\n", IDLE, 0},
    {GET, "$0\r\n\r\n", IDLE, 0},
    {GET, "$11\r\n+OK\r\n*1\r\n\r\n\r\n", IDLE, 0},
    {GET, "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n", IDLE, 0},
    {GET, "-NOAUTH Authentication required.\r\n", IDLE, 0},
    {GET, "-\r\n", IDLE, 0},
    {SET, "+OK\r\n", IDLE, 0},
    {ONE(6, "DBSIZE"), ":0\r\n", IDLE, 0},
    {ONE(6, "DBSIZE"), ":-1\r\n", IDLE, 0},
    {ONE(6, "dBsIzE"), ":9223372036854775807\r\n", IDLE, 0},
    {ONE(4, "TIME"), "*2\r\n$1\r\n1\r\n:2\r\n", IDLE, 0},
    {ONE(4, "TIME"), "*0\r\n", IDLE, 0},
    {ONE(4, "TIME"), "*-1\r\n", IDLE, 0},
    {ONE(4, "ROLE"), "*3\r\n$6\r\nmaster\r\n:0\r\n*1\r\n*3\r\n*0\r\n*-1\r\n$-1\r\n", IDLE, 0},
    {ONE(4, "ROLE"), "*1\r\n-ERR in the middle\r\n", IDLE, 0},
    {ONE(4, "ROLE"), "*1\r\n-DENIED in the middle\r\n", IDLE, 0},
    /* Replies of RESP3. */
    {GET, "_\r\n", IDLE, 0},
    {GET, "#t\r\n", IDLE, 0},
    {GET, ",-1.5e3\r\n", IDLE, 0},
    {GET, ",inf\r\n", IDLE, 0},
    {GET, "(-3492890328409238509324850943850943825024385\r\n", IDLE, 0},
    {GET, "!5\r\nERR x\r\n", IDLE, 0},
    {GET, "=7\r\ntxt:a\r\n\r\n", IDLE, 0},
    {GET, "%1\r\n+a\r\n%1\r\n:1\r\n#f\r\n", IDLE, 0},
    {GET, "%0\r\n", IDLE, 0},
    {GET, "~2\r\n+a\r\n~0\r\n", IDLE, 0},
    {GET, "|1\r\n+ttl\r\n:5\r\n$1\r\nv\r\n", IDLE, 0},
    {GET, "|0\r\n$1\r\nv\r\n", IDLE, 0},
    {GET, "*2\r\n|1\r\n+a\r\n*1\r\n:1\r\n:2\r\n|1\r\n+b\r\n:3\r\n:4\r\n", IDLE, 0},
    {GET, "|1\r\n+ttl\r\n:5\r\n", UNREAD, 0},
    {GET, "|0\r\n", UNREAD, 0},
    {GET, "%1\r\n+a\r\n", UNREAD, 0},
    {GET, ">2\r\n+pubsub\r\n+x\r\n", WITNESS_PRIVATE, REASON_STATE, REASON_UNKNOWN_PROTOCOL, 0},
    {GET GET, "+a\r\n>2\r\n+pubsub\r\n+x\r\n", PRIVATE(STATE), 0},
    {GET, "*1\r\n>1\r\n+x\r\n", WITNESS_PRIVATE, REASON_STATE, REASON_UNKNOWN_PROTOCOL, 0},
    /* Not over yet. */
    {"*", "", UNSENT, 0},
    {"*1\r\n$4\r\nPING\r", "", UNSENT, 0},
    {"*2\r\n$3\r\nGET\r\n", "", UNSENT, 0},
    {PING "*", "+PONG\r\n", UNSENT, 0},
    {PING, "", UNREAD, 0},
    {PING, "+PONG\r", UNREAD, 0},
    {PING PING, "+PONG\r\n", UNREAD, 0},
    {GET, "$2\r\n\r\n", UNREAD, 0},
    {GET, "$4\r\nab\r\n\r", UNREAD, 0},
    {GET, "*1\r\n", UNREAD, 0},
    {GET, "*1\r\n*1\r\n*0\r", UNREAD, 0},
    {GET, "*2\r\n*1\r\n:1\r\n", UNREAD, 0},
    /* Pipelines. */
    {PING PING PING, "+PONG\r\n+PONG\r\n+PONG\r\n", IDLE, 0},
    {PING GET, "-ERR\r\n*1\r\n:1\r\n", IDLE, 0},
    {PING, "+PONG\r\n+PONG\r\n", PRIVATE(MALFORMED), 0},
    {"*1\r\n$4\r\nPIN", "+PONG\r\n", PRIVATE(MALFORMED), 0},
    /* The client's goodbye; its answer may be read. */
    {QUIT, "", CLOSING, 1},
    {QUIT, "+OK\r\n", CLOSING, 1},
    {ONE(4, "quit"), "+OK\r\n", CLOSING, 1},
    {TWO(4, "QUIT", 1, "x"), "+O", CLOSING, 1},
    {GET QUIT, "$-1\r\n", CLOSING, 1},
    {GET QUIT, "$-1\r\n+OK\r\n", CLOSING, 1},
    {GET QUIT, "$-1\r", UNREAD, 0},
    {QUIT PING, "+OK\r\n", CLOSING, 0},
    {QUIT "*", "+OK\r\n", CLOSING, 0},
    {GET QUIT GET, "$-1\r\n+OK\r\n", CLOSING, 0},
    /* The server's last words. */
    {PING, "-ERR max number of clients reached\r\n", CLOSING, 1},
    {PING, "-ERR max number of clients + cluster connections reached\r\n", CLOSING, 1},
    {PING, "-ERR Protocol error: unauthenticated multibulk length\r\n", CLOSING, 1},
    {PING, "-DENIED Redis is running in protected mode because\r\n", CLOSING, 1},
    {PING, "-ERR max number of clients reached\r", UNREAD, 0},
    {PING PING, "-DENIED x\r\n", CLOSING, 0},
    {PING "*1\r\n$4", "-DENIED x\r\n", CLOSING, 0},
    {PING, "-ERR max number of elephants reached, which is not the last word\r\n", IDLE, 0},
    {PING, "-DENIED", UNREAD, 0},
    {PING, "-DENIED\r\n", IDLE, 0},
    {PING, "+DENIED x\r\n", IDLE, 0},
    /* What leaves state on the connection, or may. */
    {TWO(6, "SELECT", 1, "1"), "+OK\r\n", PRIVATE(STATE), 0},
    {TWO(6, "select", 1, "0"), "", PRIVATE(STATE), 0},
    {TWO(4, "AUTH", 1, "x"), "+OK\r\n", PRIVATE(STATE), 0},
    {TWO(5, "HELLO", 1, "3"), "%0\r\n", PRIVATE(STATE), 0},
    {TWO(6, "CLIENT", 2, "ID"), ":5\r\n", PRIVATE(STATE), 0},
    {TWO(6, "CLIENT", 7, "GETNAME"), "$-1\r\n", IDLE, 0},
    {TWO(6, "client", 7, "getNAME"), "$-1\r\n", IDLE, 0},
    {TWO(6, "CLIENT", 8, "GETNAMES"), "-ERR\r\n", PRIVATE(STATE), 0},
    {TWO(6, "CLIENT", 6, "GETNAM"), "-ERR\r\n", PRIVATE(STATE), 0},
    {ONE(6, "CLIENT"), "-ERR\r\n", PRIVATE(STATE), 0},
    {TWO(6, "CONFIG", 3, "GET"), "*0\r\n", IDLE, 0},
    {TWO(6, "CONFIG", 3, "SET"), "*0\r\n", PRIVATE(STATE), 0},
    {TWO(6, "SCRIPT", 5, "DEBUG"), "+OK\r\n", PRIVATE(STATE), 0},
    {TWO(6, "SCRIPT", 4, "LOAD"), "$0\r\n\r\n", IDLE, 0},
    {"*3\r\n$6\r\nCLIENT\r\n$0\r\n\r\n$7\r\nGETNAME\r\n", "-ERR\r\n", PRIVATE(STATE), 0},
    {GET TWO(6, "SELECT", 1, "1"), "$-1\r\n", PRIVATE(STATE), 0},
    {ONE(3, "GE "), "-ERR\r\n", PRIVATE(STATE), 0},
    {ONE(4, "GETS"), "-ERR\r\n", PRIVATE(STATE), 0},
    {ONE(2, "GE"), "-ERR\r\n", PRIVATE(STATE), 0},
    {ONE(0, ""), "-ERR\r\n", PRIVATE(STATE), 0},
    {ONE(23, "GEORADIUSBYMEMBER_ROxxx"), "-ERR\r\n", PRIVATE(STATE), 0},
    {ONE(30, "GEORADIUSBYMEMBER_ROxxxxxxxxxx"), "-ERR\r\n", PRIVATE(STATE), 0},
    {ONE(20, "GEORADIUSBYMEMBER_RO"), "-ERR\r\n", IDLE, 0},
    /* Requests that are not Redis's. */
    {"*0\r\n", "", WITNESS_PRIVATE, REASON_MALFORMED, REASON_UNKNOWN_PROTOCOL, 0},
    {"*-1\r\n", "", WITNESS_PRIVATE, REASON_MALFORMED, REASON_UNKNOWN_PROTOCOL, 0},
    {"*+1\r\n$4\r\nPING\r\n", "", UNCONFIRMED, 0},
    {"*01\r\n$4\r\nPING\r\n", "", UNCONFIRMED, 0},
    {"*\r\n$4\r\nPING\r\n", "", UNCONFIRMED, 0},
    {"* 1\r\n$4\r\nPING\r\n", "", UNCONFIRMED, 0},
    {"*1\n$4\nPING\n", "", UNCONFIRMED, 0},
    {"*1\r$4\r\nPING\r\n", "", UNCONFIRMED, 0},
    {"*1\rx$4\r\nPING\r\n", "", UNCONFIRMED, 0},
    {"*1\r\n:4\r\n", "", UNCONFIRMED, 0},
    {"*1\r\n*1\r\n", "", UNCONFIRMED, 0},
    {"*12345678\r\n$4\r\n", "", UNCONFIRMED, 0},
    {"*1048577\r\n$4\r\n", "", PRIVATE(MALFORMED), 0},
    {"*1048576\r\n$4\r\n", "", UNSENT, 0},
    {"*1\r\n$-1\r\n", "", PRIVATE(MALFORMED), 0},
    {"*1\r\n$04\r\nPING\r\n", "", PRIVATE(MALFORMED), 0},
    {"*1\r\n$+4\r\nPING\r\n", "", PRIVATE(MALFORMED), 0},
    {"*1\r\n$\r\nPING\r\n", "", PRIVATE(MALFORMED), 0},
    {"*1\r\n$\r\n\r\n", "", PRIVATE(MALFORMED), 0},
    {"*1\r\n$4\nPING\r\n", "", PRIVATE(MALFORMED), 0},
    {"*1\r\n$4\r\rPING\r\n", "", PRIVATE(MALFORMED), 0},
    {"*1\r\n$4\r\nPINGS\r\n", "", PRIVATE(MALFORMED), 0},
    {"*1\r\n$4\r\nPING\n\n", "", PRIVATE(MALFORMED), 0},
    {"*1\r\n$4\r\nPING\r\r", "", PRIVATE(MALFORMED), 0},
    {"*1\r\n$536870913\r\n", "", PRIVATE(MALFORMED), 0},
    {"*1\r\n$536870912\r\n", "", UNSENT, 0},
    {"*1\r\n$4294967300\r\nPING\r\n", "", PRIVATE(MALFORMED), 0},
    {"*1\r\n$18446744073709551620\r\nPING\r\n", "", PRIVATE(MALFORMED), 0},
    {PING "\r\n", "", PRIVATE(MALFORMED), 0},
    /* Replies that are not. */
    {PING, "PONG\r\n", UNCONFIRMED, 0},
    {PING, "HTTP/1.1 400 Bad Request\r\n", UNCONFIRMED, 0},
    {PING, "\r\n+PONG\r\n", UNCONFIRMED, 0},
    {PING, "+PONG\n", UNCONFIRMED, 0},
    {PING, "+PO\rNG\r\n", UNCONFIRMED, 0},
    {PING PING, "+PONG\r\nPONG\r\n", PRIVATE(MALFORMED), 0},
    {GET, "$1\r\nab\r\n", UNCONFIRMED, 0},
    {GET, "$1\r\na\n\n", UNCONFIRMED, 0},
    {GET, "$1\r\na\r\r", UNCONFIRMED, 0},
    {GET, "$1\r\r", UNCONFIRMED, 0},
    {GET, "$-2\r\n", UNCONFIRMED, 0},
    {GET, "$-\r\n", UNCONFIRMED, 0},
    {GET, "$--1\r\n", UNCONFIRMED, 0},
    {GET, "$1-\r\n", UNCONFIRMED, 0},
    {GET, "$-0\r\n\r\n", UNCONFIRMED, 0},
    {GET, "$\r\n", UNCONFIRMED, 0},
    {GET, "$01\r\na\r\n", UNCONFIRMED, 0},
    {GET, "$+1\r\na\r\n", UNCONFIRMED, 0},
    {GET, "$1 \r\na\r\n", UNCONFIRMED, 0},
    {GET, "$536870913\r\n", UNCONFIRMED, 0},
    {GET, "$536870912\r\n", UNREAD, 0},
    {GET, "$?\r\n;1\r\na\r\n;0\r\n", UNCONFIRMED, 0},
    {GET, "*?\r\n:1\r\n.\r\n", UNCONFIRMED, 0},
    {GET, "*-2\r\n", UNCONFIRMED, 0},
    {GET, "*1073741825\r\n", UNCONFIRMED, 0},
    {GET, "%1073741825\r\n", UNCONFIRMED, 0},
    {GET, "%1073741824\r\n:1\r\n", UNREAD, 0},
    {GET, "%-1\r\n", UNCONFIRMED, 0},
    {GET, "~-1\r\n", UNCONFIRMED, 0},
    {GET, "|-1\r\n", UNCONFIRMED, 0},
    {GET, "!-1\r\n", UNCONFIRMED, 0},
    {GET, "=-1\r\n", UNCONFIRMED, 0},
    {GET, "=3\r\ntxt\r\n", UNCONFIRMED, 0},
    {GET, "=4\r\ntxt:\r\n", IDLE, 0},
    {GET, ":\r\n", UNCONFIRMED, 0},
    {GET, ":+1\r\n", UNCONFIRMED, 0},
    {GET, ":-0\r\n", UNCONFIRMED, 0},
    {GET, ":1.5\r\n", UNCONFIRMED, 0},
    {GET, ":12345678901234567890\r\n", UNCONFIRMED, 0},
    {GET, ":9223372036854775808\r\n", UNCONFIRMED, 0},
    {GET, ":-9223372036854775808\r\n", IDLE, 0},
    {GET, ":-9223372036854775809\r\n", UNCONFIRMED, 0},
    {GET, "#\r\n", UNCONFIRMED, 0},
    {GET, "#x\r\n", UNCONFIRMED, 0},
    {GET, "#tf\r\n", UNCONFIRMED, 0},
    {GET, "_x\r\n", UNCONFIRMED, 0},
    {GET, ",\r\n", UNCONFIRMED, 0},
    {GET, "(\r\n", UNCONFIRMED, 0},
    {GET, "/\r\n", UNCONFIRMED, 0},
    /* As deep as replies may go, and deeper. */
    {GET, TEN("*1\r\n") "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n", IDLE, 0},
    {GET, TEN("*1\r\n") "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n", WITNESS_PRIVATE,
     REASON_NO_MEMORY, REASON_UNKNOWN_PROTOCOL, 0},
    {"", PING, PRIVATE(SERVER_FIRST), 0},
    {"", "", WITNESS_BUSY, REASON_UNUSED, REASON_UNUSED, 0},
    {"\x16\x03\x01", "", PRIVATE(TLS), 0},
};
enum { CORPUS = sizeof corpus / sizeof *corpus };

enum { MUTATIONS = 400, SEED = 20090510 }; /* per entry; the date of Redis's first release */

/* What RESP is made of. */
static const char tasty[] = "\r\n*$+-:_,#(!=%~>|?0149 aQ\0\x16\x7f\xff";

static const enum rule observing[] = {RULE_REDIS, RULE_AUTO};

START_TEST(an_exchange_has_its_verdict_under_redis_and_under_auto)
{
    const struct exchange *e = &corpus[_i];
    struct witness redis = after(RULE_REDIS, e->request, WHOLE, e->response, WHOLE);
    assert_is(&redis, e->state, e->reason);
    ck_assert_int_eq(redis.peer_will_close, e->will_close);
    struct witness sniffed = after(RULE_AUTO, e->request, WHOLE, e->response, WHOLE);
    assert_is(&sniffed, e->state, e->reason_in_auto);
    ck_assert_int_eq(sniffed.peer_will_close, e->will_close);
    sent(&sniffed, "*");
    ck_assert(!sniffed.peer_will_close);
}
END_TEST

START_TEST(the_verdict_is_the_same_wherever_the_bytes_are_split)
{
    const struct exchange *e = &corpus[_i];
    for (size_t rule = 0; rule < 2; rule++) {
        struct witness whole = after(observing[rule], e->request, WHOLE, e->response, WHOLE);
        struct witness bytes = after(observing[rule], e->request, BYTES, e->response, BYTES);
        assert_same(&bytes, &whole);
        for (size_t cut = 1; cut < strlen(e->request); cut++) {
            struct witness split = after(observing[rule], e->request, cut, e->response, WHOLE);
            assert_same(&split, &whole);
        }
        for (size_t cut = 1; cut < strlen(e->response); cut++) {
            struct witness split = after(observing[rule], e->request, WHOLE, e->response, cut);
            assert_same(&split, &whole);
        }
    }
}
END_TEST

START_TEST(mutilated_exchanges_have_one_verdict_too)
{
    const struct exchange *e = &corpus[_i];
    unsigned int seed = SEED + _i;
    for (int round = 0; round < MUTATIONS; round++) {
        char request[512], response[512];
        size_t request_len = strlen(e->request), response_len = strlen(e->response);
        memcpy(request, e->request, request_len);
        memcpy(response, e->response, response_len);
        if (round % 2 == 0) {
            request_len = mutate(request, request_len, tasty, sizeof tasty - 1, &seed);
        } else {
            response_len = mutate(response, response_len, tasty, sizeof tasty - 1, &seed);
        }
        size_t request_cut = rand_r(&seed) % (request_len + 1);
        size_t response_cut = rand_r(&seed) % (response_len + 1);
        struct witness whole = opened(observing[round / 2 % 2]), bytes = whole, split = whole;
        feed(&whole, true, request, request_len, WHOLE);
        feed(&whole, false, response, response_len, WHOLE);
        feed(&bytes, true, request, request_len, BYTES);
        feed(&bytes, false, response, response_len, BYTES);
        feed(&split, true, request, request_len, request_cut);
        feed(&split, false, response, response_len, response_cut);
        assert_same(&bytes, &whole);
        assert_same(&split, &whole);
    }
}
END_TEST

START_TEST(a_connection_stays_idle_between_its_exchanges)
{
    struct witness witness = opened(RULE_AUTO);
    ck_assert(!witness.confirmed);
    for (size_t i = 0; i < CORPUS; i++) {
        if (corpus[i].state != WITNESS_IDLE) {
            continue;
        }
        sent(&witness, corpus[i].request);
        assert_is(&witness, WITNESS_BUSY, REASON_RESPONSE_INCOMPLETE);
        received(&witness, corpus[i].response);
        assert_is(&witness, WITNESS_IDLE, REASON_NONE);
        ck_assert(witness.confirmed);
    }
}
END_TEST

static const struct {
    const char *first;
    bool recognised, refused;
} firsts[] = {
    {"*", false, false},        {"*1", false, false},       {"*1\r", false, false},
    {"*1\r\n", false, false},   {"*1\r\n$", true, false},   {"*1048576\r\n$", true, false},
    {"*1\r\n$4", true, false},  {"*12345678", false, true}, {"*1\n", false, true},
    {"*1\r\n*", false, true},   {"*\r\n", false, true},     {"*0", false, true},
    {"*a", false, true},        {"$4\r\n", false, true},    {"PING\r\n", false, true},
    {"+PONG\r\n", false, true},
};

START_TEST(auto_recognises_redis_by_its_first_array_however_it_is_split)
{
    const char *first = firsts[_i].first;
    for (size_t cut = 1; cut <= strlen(first); cut++) {
        struct witness witness = after(RULE_AUTO, first, cut, "", WHOLE);
        ck_assert_int_eq(witness.protocol == &witness_redis, firsts[_i].recognised);
        ck_assert_int_eq(witness.state == WITNESS_PRIVATE, firsts[_i].refused);
        if (firsts[_i].refused) {
            assert_is(&witness, WITNESS_PRIVATE, REASON_UNKNOWN_PROTOCOL);
        }
    }
}
END_TEST

START_TEST(an_answer_before_redis_was_recognised_is_private)
{
    struct witness witness = opened(RULE_AUTO);
    sent(&witness, "*1\r\n");
    received(&witness, "+");
    assert_is(&witness, WITNESS_PRIVATE, REASON_UNKNOWN_PROTOCOL);
}
END_TEST

static const struct {
    const char *line;
    enum witness_state state;
    enum reason reason;
} inlines[] = {
    {"PING\r\n", WITNESS_IDLE, REASON_NONE},
    {"  get   k  \r\n", WITNESS_IDLE, REASON_NONE},
    {"client getname\r\n", WITNESS_IDLE, REASON_NONE},
    {"client  x getname\r\n", WITNESS_PRIVATE, REASON_STATE},
    {"SELECT 1\r\n", WITNESS_PRIVATE, REASON_STATE},
    {"QUIT\r\n", WITNESS_CLOSING, REASON_ANNOUNCED_CLOSE},
    {"GET / HTTP/1.1\r\n", WITNESS_IDLE, REASON_NONE}, /* the user has said that it is Redis */
    {"PING\n", WITNESS_PRIVATE, REASON_MALFORMED},
    {"PING\r\r", WITNESS_PRIVATE, REASON_MALFORMED},
    {"\r\n", WITNESS_PRIVATE, REASON_MALFORMED},
    {"  \r\n", WITNESS_PRIVATE, REASON_MALFORMED},
    {"SET k \"a b\"\r\n", WITNESS_PRIVATE, REASON_MALFORMED},
    {"SET k 'a b'\r\n", WITNESS_PRIVATE, REASON_MALFORMED},
    {"GET\tk\r\n", WITNESS_PRIVATE, REASON_MALFORMED},
    {"GET \x7f\r\n", WITNESS_PRIVATE, REASON_MALFORMED},
    {"GET \xc3\xbc\r\n", WITNESS_PRIVATE, REASON_MALFORMED},
    {"$4\r\n", WITNESS_PRIVATE, REASON_STATE},
};

START_TEST(inline_commands_are_taken_under_the_rule_redis_alone)
{
    struct witness whole = after(RULE_REDIS, inlines[_i].line, WHOLE, "+x\r\n", WHOLE);
    assert_is(&whole, inlines[_i].state, inlines[_i].reason);
    struct witness bytes = after(RULE_REDIS, inlines[_i].line, BYTES, "+x\r\n", BYTES);
    assert_same(&bytes, &whole);

    struct witness sniffed = after(RULE_AUTO, PING, WHOLE, "+PONG\r\n", WHOLE);
    sent(&sniffed, inlines[_i].line);
    assert_is(&sniffed, WITNESS_PRIVATE, REASON_MALFORMED);
}
END_TEST

START_TEST(an_inline_command_may_be_as_long_as_redis_takes_it)
{
    enum { LONGEST = 64 * 1024 };
    static char rest[LONGEST];
    size_t room = LONGEST - strlen("ECHO ");
    memset(rest, 'a', sizeof rest);
    struct witness witness = opened(RULE_REDIS);
    sent(&witness, "ECHO ");
    witness_sent(&witness, rest, room);
    assert_is(&witness, WITNESS_BUSY, REASON_REQUEST_INCOMPLETE);
    sent(&witness, "\r\n");
    received(&witness, "$0\r\n\r\n");
    assert_is(&witness, WITNESS_IDLE, REASON_NONE);
    sent(&witness, "ECHO ");
    witness_sent(&witness, rest, room + 1);
    assert_is(&witness, WITNESS_PRIVATE, REASON_MALFORMED);
}
END_TEST

START_TEST(more_pipelined_requests_than_are_counted_are_private)
{
    struct witness witness = opened(RULE_AUTO);
    for (int i = 0; i < 1 << 20; i++) {
        sent(&witness, PING);
        require(witness.reason == REASON_RESPONSE_INCOMPLETE, "a reply is due");
    }
    sent(&witness, PING);
    assert_is(&witness, WITNESS_PRIVATE, REASON_NO_MEMORY);
}
END_TEST

START_TEST(contents_of_hundreds_of_megabytes_are_counted_to_their_last_byte)
{
    static char mebibyte[1 << 20];
    struct witness witness = opened(RULE_AUTO);
    sent(&witness, "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$536870912\r\n");
    for (int i = 0; i < 512; i++) {
        witness_sent(&witness, mebibyte, sizeof mebibyte);
    }
    assert_is(&witness, WITNESS_BUSY, REASON_REQUEST_INCOMPLETE);
    sent(&witness, "\r\n" GET);
    assert_is(&witness, WITNESS_BUSY, REASON_RESPONSE_INCOMPLETE);
    received(&witness, "+OK\r\n$536870912\r\n");
    for (int i = 0; i < 512; i++) {
        witness_received(&witness, mebibyte, sizeof mebibyte);
    }
    assert_is(&witness, WITNESS_BUSY, REASON_RESPONSE_INCOMPLETE);
    received(&witness, "\r\n");
    assert_is(&witness, WITNESS_IDLE, REASON_NONE);
}
END_TEST

START_TEST(a_witness_goes_on_where_it_was_moved_to)
{
    struct witness here = opened(RULE_AUTO), there;
    sent(&here, "*1\r\n$4\r\nQU");
    there = here;
    memset(&here, 0xa5, sizeof here);
    sent(&there, "IT\r\n");
    assert_is(&there, WITNESS_CLOSING, REASON_ANNOUNCED_CLOSE);
}
END_TEST

/* ---- commands */

static const char *const stateless[] = {
#define STATELESS(name) name,
#define STATELESS_WITH(name, argument)
#include "../../shim/witness/redis_commands.def"
#undef STATELESS
#undef STATELESS_WITH
};
static const char *const stateless_with[][2] = {
#define STATELESS(name)
#define STATELESS_WITH(name, argument) {name, argument},
#include "../../shim/witness/redis_commands.def"
#undef STATELESS
#undef STATELESS_WITH
};
enum {
    STATELESS = sizeof stateless / sizeof *stateless,
    STATELESS_WITH = sizeof stateless_with / sizeof *stateless_with
};

/* After `NAME ARGUMENT` and its reply. */
static struct witness after_command(const char *name, const char *argument)
{
    char request[128];
    snprintf(request, sizeof request, "*2\r\n$%zu\r\n%s\r\n$%zu\r\n%s\r\n", strlen(name), name,
             strlen(argument), argument);
    return after(RULE_AUTO, request, BYTES, "+OK\r\n", WHOLE);
}

START_TEST(every_command_of_the_list_is_found_in_it_and_leaves_no_state)
{
    for (size_t i = 0; i < STATELESS; i++) {
        char lower[64] = "";
        for (size_t at = 0; stateless[i][at] != '\0'; at++) {
            char byte = stateless[i][at];
            lower[at] = byte >= 'A' && byte <= 'Z' ? byte - 'A' + 'a' : byte;
        }
        struct witness witness = after_command(lower, "x");
        ck_assert_msg(witness.state == WITNESS_IDLE, "%s is not found", lower);
        ck_assert_msg(i == 0 || strcmp(stateless[i - 1], stateless[i]) < 0, "%s is out of order",
                      stateless[i]);
    }
    for (size_t i = 0; i < STATELESS_WITH; i++) {
        struct witness witness = after_command(stateless_with[i][0], stateless_with[i][1]);
        assert_is(&witness, WITNESS_IDLE, REASON_NONE);
        witness = after_command(stateless_with[i][0], "x");
        assert_is(&witness, WITNESS_PRIVATE, REASON_STATE);
    }
}
END_TEST

/* All that Redis 7 and its documentation say is kept on a connection, or makes it another. */
static const char *const stateful[][2] = {
    {"ASKING", "x"},          {"AUTH", "x"},          {"CLIENT", "CACHING"},
    {"CLIENT", "ID"},         {"CLIENT", "INFO"},     {"CLIENT", "KILL"},
    {"CLIENT", "NO-EVICT"},   {"CLIENT", "NO-TOUCH"}, {"CLIENT", "PAUSE"},
    {"CLIENT", "REPLY"},      {"CLIENT", "SETINFO"},  {"CLIENT", "SETNAME"},
    {"CLIENT", "TRACKING"},   {"CONFIG", "SET"},      {"DEBUG", "SLEEP"},
    {"DISCARD", "x"},         {"EVAL", "x"},          {"EVALSHA", "x"},
    {"EVALSHA_RO", "x"},      {"EVAL_RO", "x"},       {"EXEC", "x"},
    {"FAILOVER", "x"},        {"FCALL", "x"},         {"FCALL_RO", "x"},
    {"HELLO", "3"},           {"MODULE", "LOAD"},     {"MONITOR", "x"},
    {"MULTI", "x"},           {"PSUBSCRIBE", "x"},    {"PSYNC", "x"},
    {"PUNSUBSCRIBE", "x"},    {"READONLY", "x"},      {"READWRITE", "x"},
    {"REPLCONF", "x"},        {"REPLICAOF", "x"},     {"RESET", "x"},
    {"RESTORE-ASKING", "x"},  {"SCRIPT", "DEBUG"},    {"SELECT", "1"},
    {"SHUTDOWN", "x"},        {"SLAVEOF", "x"},       {"SSUBSCRIBE", "x"},
    {"SUBSCRIBE", "x"},       {"SUNSUBSCRIBE", "x"},  {"SYNC", "x"},
    {"UNSUBSCRIBE", "x"},     {"UNWATCH", "x"},       {"WAIT", "1"},
    {"WAITAOF", "1"},         {"WATCH", "x"},         {"JSON.SET", "x"},
    {"a module's", "command"}};

START_TEST(a_command_that_leaves_state_or_is_not_known_makes_the_connection_private)
{
    struct witness witness = after_command(stateful[_i][0], stateful[_i][1]);
    assert_is(&witness, WITNESS_PRIVATE, REASON_STATE);
    sent(&witness, PING);
    received(&witness, "+PONG\r\n");
    assert_is(&witness, WITNESS_PRIVATE, REASON_STATE);
}
END_TEST

static Suite *redis_suite(void)
{
    Suite *suite = suite_create("witness_redis");
    TCase *exchanges = tcase_create("exchanges"), *sequences = tcase_create("sequences");
    TCase *commands = tcase_create("commands");

    tcase_set_timeout(exchanges, 60);
    tcase_set_timeout(sequences, 60);
    tcase_add_loop_test(exchanges, an_exchange_has_its_verdict_under_redis_and_under_auto, 0,
                        CORPUS);
    tcase_add_loop_test(exchanges, the_verdict_is_the_same_wherever_the_bytes_are_split, 0, CORPUS);
    tcase_add_loop_test(exchanges, mutilated_exchanges_have_one_verdict_too, 0, CORPUS);
    tcase_add_test(sequences, a_connection_stays_idle_between_its_exchanges);
    tcase_add_loop_test(sequences, auto_recognises_redis_by_its_first_array_however_it_is_split, 0,
                        sizeof firsts / sizeof *firsts);
    tcase_add_test(sequences, an_answer_before_redis_was_recognised_is_private);
    tcase_add_loop_test(sequences, inline_commands_are_taken_under_the_rule_redis_alone, 0,
                        sizeof inlines / sizeof *inlines);
    tcase_add_test(sequences, an_inline_command_may_be_as_long_as_redis_takes_it);
    tcase_add_test(sequences, more_pipelined_requests_than_are_counted_are_private);
    tcase_add_test(sequences, contents_of_hundreds_of_megabytes_are_counted_to_their_last_byte);
    tcase_add_test(sequences, a_witness_goes_on_where_it_was_moved_to);
    tcase_add_test(commands, every_command_of_the_list_is_found_in_it_and_leaves_no_state);
    tcase_add_loop_test(commands,
                        a_command_that_leaves_state_or_is_not_known_makes_the_connection_private, 0,
                        sizeof stateful / sizeof *stateful);
    suite_add_tcase(suite, exchanges);
    suite_add_tcase(suite, sequences);
    suite_add_tcase(suite, commands);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(redis_suite());

    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
