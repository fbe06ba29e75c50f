/* SPDX-License-Identifier: MIT
 * What the HTTP witness makes of an exchange, however its bytes are split. */
#include "witnesses.h"

#define GET "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
#define GET_WITH(header) "GET / HTTP/1.1\r\nHost: a\r\n" header "\r\n\r\n"
#define HEAD "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"
#define POST "POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello"
#define POST_CHUNKED(body) "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" body
#define OK "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
#define OK_WITH(header) "HTTP/1.1 200 OK\r\n" header "\r\nContent-Length: 2\r\n\r\nok"
#define OK_CHUNKED(body) "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" body
#define OLD_GET "GET / HTTP/1.0\r\n\r\n"
#define OLD_GET_KEPT "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"

#define IDLE WITNESS_IDLE, REASON_NONE, REASON_NONE
#define CLOSING WITNESS_CLOSING, REASON_ANNOUNCED_CLOSE, REASON_ANNOUNCED_CLOSE
#define UNSENT WITNESS_BUSY, REASON_REQUEST_INCOMPLETE, REASON_REQUEST_INCOMPLETE
#define UNREAD WITNESS_BUSY, REASON_RESPONSE_INCOMPLETE, REASON_RESPONSE_INCOMPLETE
#define PRIVATE(reason) WITNESS_PRIVATE, REASON_##reason, REASON_##reason
#define FOREIGN WITNESS_PRIVATE, REASON_MALFORMED, REASON_UNKNOWN_PROTOCOL

/* One connection: the request is sent, then the response is read. */
struct exchange {
    const char *request, *response;
    enum witness_state state;
    enum reason reason, reason_in_auto;
};

static const struct exchange corpus[] = {
    /* Bodies and their absence. */
    {GET, OK, IDLE},
    {POST, OK, IDLE},
    {GET, "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", IDLE},
    {GET, "HTTP/1.1 200 \r\nContent-Length:0\r\n\r\n", IDLE},
    {GET, "HTTP/1.1 404 Nicht gef\xc3\xbcnden\r\ncontent-length: \t3  \r\n\r\n404", IDLE},
    {GET, "HTTP/1.1 204 No Content\r\n\r\n", IDLE},
    {GET, "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", IDLE},
    {GET, "HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n", IDLE},
    {GET, "HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n", IDLE},
    {HEAD, "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n", IDLE},
    {HEAD, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", IDLE},
    {HEAD, "HTTP/1.1 200 OK\r\n\r\n", IDLE},
    {GET, "HTTP/1.1 200 OK\r\nX-Empty:\r\nContent-Length: 2\r\nX: \r\n\r\n\r\n", IDLE},
    {"OPTIONS * HTTP/1.1\r\n\r\n", OK, IDLE},
    {"M-SEARCH http://a:1/b?c=d#e HTTP/1.1\r\n\r\n", OK, IDLE},
    {POST_CHUNKED("5\r\nhello\r\nA;x=y\r\n0123456789\r\n0\r\nTrailer: t\r\n\r\n"), OK, IDLE},
    {GET, OK_CHUNKED("0\r\n\r\n"), IDLE},
    {GET, OK_CHUNKED("2;name=\"quo ted\"\r\n\r\n\r\n1;flag\r\nx\r\n000\r\nA: b\r\nC: d\r\n\r\n"),
     IDLE},
    {GET, "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, ChunkeD\r\n\r\n1\r\nx\r\n0\r\n\r\n", IDLE},
    /* Interim responses. */
    {GET, "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" OK, IDLE},
    {POST, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n" OK, IDLE},
    {HEAD, "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", IDLE},
    /* Not over yet. */
    {"G", "", UNSENT},
    {"GET / HTTP/1.1\r\nHost: a\r\n", "", UNSENT},
    {"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhell", "", UNSENT},
    {POST_CHUNKED("5\r\nhello\r\n0\r\n"), "", UNSENT},
    {GET, "", UNREAD},
    {GET, "HTTP/1.1 100 Continue\r\n\r\n", UNREAD},
    {GET, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no", UNREAD},
    {GET, OK_CHUNKED("2\r\nok\r\n0\r\n"), UNREAD},
    {GET, OK_CHUNKED("2\r\nok\r\n0\r\nTrailer: t\r\n"), UNREAD},
    {GET, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\no", UNREAD},
    {GET_WITH("Connection: close"), "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no", UNREAD},
    /* Announced closes. */
    {GET_WITH("Connection: close"), OK, CLOSING},
    {GET_WITH("connection: te, CLOSE \t,x"), OK, CLOSING},
    {GET_WITH("Proxy-Connection: close"), OK, CLOSING},
    {GET, OK_WITH("Connection: close"), CLOSING},
    {GET, OK_WITH("Connection:\tclose\t"), CLOSING},
    {GET, OK_WITH("Connection: keep-alive, close"), CLOSING},
    {GET, OK_WITH("Connection: x\r\nConnection: close"), CLOSING},
    {GET, OK_WITH("Proxy-Connection: close"), CLOSING},
    {GET, "HTTP/1.1 103 Early Hints\r\nConnection: close\r\n\r\n" OK, CLOSING},
    {GET, OK_WITH("Connection: closed"), IDLE},
    {GET, OK_WITH("X-Connection: close"), IDLE},
    {OLD_GET, OK, CLOSING},
    {OLD_GET_KEPT, OK, CLOSING},
    {OLD_GET_KEPT, OK_WITH("Connection: keep-alive"), IDLE},
    {"GET / HTTP/1.0\r\nProxy-Connection: keep-alive\r\n\r\n", OK_WITH("Connection: keep-alive"),
     CLOSING},
    {GET, "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", CLOSING},
    {GET, "HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 2\r\n\r\nok", IDLE},
    {GET, "HTTP/1.0 200 OK\r\nProxy-Connection: Keep-Alive\r\nContent-Length: 2\r\n\r\nok",
     CLOSING},
    {GET, "HTTP/1.1 200 OK\r\n\r\n", CLOSING},
    {GET, "HTTP/1.1 200 OK\r\n\r\nread until the end\r\nHTTP/1.1 200 OK\r\n", CLOSING},
    {GET, "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nx", CLOSING},
    {GET, OK_WITH("Keep-Alive: timeout=0"), CLOSING},
    {GET, OK_WITH("Keep-Alive: timeout=5, max=0"), CLOSING},
    /* The end of HTTP on this connection. */
    {"CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n", PRIVATE(UPGRADE)},
    {GET_WITH("Upgrade: websocket"), "", PRIVATE(UPGRADE)},
    {GET_WITH("Connection: Upgrade"), OK, PRIVATE(UPGRADE)},
    {GET, "HTTP/1.1 101 Switching Protocols\r\n\r\n", PRIVATE(UPGRADE)},
    {GET, OK_WITH("Upgrade: h2,h2c\r\nConnection: Upgrade, Keep-Alive"), IDLE},
    {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "", PRIVATE(HTTP2)},
    /* Credentials of the connection. */
    {GET_WITH("Authorization: NTLM TlRMTVNTUAAB"), "", PRIVATE(AUTH)},
    {GET_WITH("authorization: \tnegotiate YII="), "", PRIVATE(AUTH)},
    {GET_WITH("Proxy-Authorization: Negotiate"), "", PRIVATE(AUTH)},
    {GET_WITH("Authorization: Kerberos YIIC"), "", PRIVATE(AUTH)},
    {GET_WITH("Proxy-Authorization: CredSSP TlRM"), "", PRIVATE(AUTH)},
    {GET_WITH("Authorization: Basic TlRM/ntlm"), OK, IDLE},
    {GET_WITH("Authorization: NTLMv3 x"), OK, IDLE},
    {GET, OK_WITH("WWW-Authenticate: Negotiate"), PRIVATE(AUTH)},
    {GET, OK_WITH("WWW-Authenticate: CredSSP"), PRIVATE(AUTH)},
    {GET, OK_WITH("Proxy-Authenticate: Basic realm=x, Kerberos"), PRIVATE(AUTH)},
    {GET, OK_WITH("Persistent-Auth: true"), PRIVATE(AUTH)},
    {GET, OK_WITH("persistent-auth:True"), PRIVATE(AUTH)},
    {GET, OK_WITH("Persistent-Auth: false"), IDLE},
    {GET_WITH("Persistent-Auth: true"), OK, IDLE},
    {GET, OK_WITH("WWW-Authenticate: Basic realm=\"a, b\", charset=\"UTF-8\", ntlm"),
     PRIVATE(AUTH)},
    {GET, OK_WITH("WWW-Authenticate: Basic realm=x\r\nProxy-Authenticate: NTLM"), PRIVATE(AUTH)},
    {GET,
     OK_WITH("WWW-Authenticate: Digest nonce=\"0123456789012345678901234567890123456789"
             "0123456789012345678901234567890123456789\", Negotiate"),
     PRIVATE(AUTH)},
    {GET, OK_WITH("WWW-Authenticate: Basic realm=\"negotiated\""), IDLE},
    {GET, OK_CHUNKED("0\r\nWWW-Authenticate: NTLM\r\n\r\n"), PRIVATE(MALFORMED)},
    /* Framing that two readers may see differently. */
    {"POST / HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello", OK,
     PRIVATE(MALFORMED)},
    {GET_WITH("Content-Length: 5, 5"), OK, PRIVATE(MALFORMED)},
    {GET_WITH("Content-Length: +5"), OK, PRIVATE(MALFORMED)},
    {GET_WITH("Content-Length: 0x5"), OK, PRIVATE(MALFORMED)},
    {GET_WITH("Content-Length:"), OK, PRIVATE(MALFORMED)},
    {GET_WITH("Content-Length: 18446744073709551616"), OK, PRIVATE(MALFORMED)},
    {GET_WITH("Content-Length: 0\r\nTransfer-Encoding: chunked") "0\r\n\r\n", OK,
     PRIVATE(MALFORMED)},
    {GET_WITH("Transfer-Encoding: chunked\r\nContent-Length: 0") "0\r\n\r\n", OK,
     PRIVATE(MALFORMED)},
    {GET_WITH("Transfer-Encoding: chunked, gzip"), OK, PRIVATE(MALFORMED)},
    {GET_WITH("Transfer-Encoding: chunked, chunked"), OK, PRIVATE(MALFORMED)},
    {GET_WITH("Transfer-Encoding: gzip"), OK, PRIVATE(MALFORMED)},
    {GET_WITH("Transfer-Encoding:"), OK, PRIVATE(MALFORMED)},
    {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", OK, PRIVATE(MALFORMED)},
    {GET, OK_WITH("Content-Length: 2"), PRIVATE(MALFORMED)},
    {GET, OK_WITH("Transfer-Encoding: chunked"), PRIVATE(MALFORMED)},
    {GET, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\t\r\n\r\n0\r\n\r\n", PRIVATE(MALFORMED)},
    {GET, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
     PRIVATE(MALFORMED)},
    {GET, "HTTP/1.1 200 OK\r\nTransfer-Encoding: \"a, chunked\r\n\r\n0\r\n\r\n",
     PRIVATE(MALFORMED)},
    {GET, "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", PRIVATE(MALFORMED)},
    {GET, "HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nok", PRIVATE(MALFORMED)},
    {GET, "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
     PRIVATE(MALFORMED)},
    {GET, "HTTP/1.1 100 Continue\r\nContent-Length: 2\r\n\r\nok", PRIVATE(MALFORMED)},
    {GET, OK_CHUNKED("2\r\nok0\r\n\r\n"), PRIVATE(MALFORMED)},
    {GET, OK_CHUNKED("2\nok\r\n0\r\n\r\n"), PRIVATE(MALFORMED)},
    {GET, OK_CHUNKED(" 2\r\nok\r\n0\r\n\r\n"), PRIVATE(MALFORMED)},
    {GET, OK_CHUNKED("\r\n\r\n"), PRIVATE(MALFORMED)},
    {GET, OK_CHUNKED("10000000000000000\r\n"), PRIVATE(MALFORMED)},
    {GET, OK_CHUNKED("0\r\nContent-Length: 5\r\n\r\n"), PRIVATE(MALFORMED)},
    {GET, OK_CHUNKED("0\r\nA: b\n\r\n"), PRIVATE(MALFORMED)},
    {GET, OK_CHUNKED("0\r\nA: b\r\n\n"), PRIVATE(MALFORMED)},
    /* Lines that are not HTTP/1.x's. */
    {"GET / HTTP/1.1\nHost: a\n\n", OK, PRIVATE(MALFORMED)},
    {"GET / HTTP/1.1\r\nHost: a\n\r\n", OK, PRIVATE(MALFORMED)},
    {"GET / HTTP/1.1\r\nHost: a\r\n\n", OK, PRIVATE(MALFORMED)},
    {"GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n", OK, PRIVATE(MALFORMED)},
    {"GET / HTTP/1.1\r\nHost: a\r\n\rGET /2 HTTP/1.1\r\n", "", PRIVATE(MALFORMED)},
    {"GET / HTTP/1.1\r\nHost: a\r\n\rX", OK, PRIVATE(MALFORMED)},
    {GET, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\rX", PRIVATE(MALFORMED)},
    {GET, OK_CHUNKED("2\r\nok\r\n0\r\n\rX"), PRIVATE(MALFORMED)},
    {GET, OK_CHUNKED("2\rXok\r\n0\r\n\r\n"), PRIVATE(MALFORMED)},
    {GET_WITH("X: a\r\n folded"), OK, PRIVATE(MALFORMED)},
    {GET_WITH("X:\r\n\tfolded"), OK, PRIVATE(MALFORMED)},
    {GET_WITH("Content-Length:\r\n 0"), OK, PRIVATE(MALFORMED)},
    {GET_WITH("X : a"), OK, PRIVATE(MALFORMED)},
    {GET_WITH("Content-Length : 0"), OK, PRIVATE(MALFORMED)},
    {GET_WITH(": nameless"), OK, PRIVATE(MALFORMED)},
    {GET_WITH("no colon"), OK, PRIVATE(MALFORMED)},
    {GET_WITH("Connection: keep-alive close"), OK, PRIVATE(MALFORMED)},
    {GET_WITH("Connection: \"close\""), OK, PRIVATE(MALFORMED)},
    {"GET / HTTP/1.1\r\n X: a\r\n\r\n", OK, PRIVATE(MALFORMED)},
    {"GET /\r\n", "", PRIVATE(MALFORMED)},
    {"GET /\n", "", PRIVATE(MALFORMED)},
    {"GET  / HTTP/1.1\r\n\r\n", OK, PRIVATE(MALFORMED)},
    {"GET /  HTTP/1.1\r\n\r\n", OK, PRIVATE(MALFORMED)},
    {"GET / HTTP/1.1 \r\n\r\n", OK, PRIVATE(MALFORMED)},
    {"GET / HTTP/0.9\r\n\r\n", OK, PRIVATE(MALFORMED)},
    {"GET / HTTP/1.2\r\n\r\n", OK, PRIVATE(MALFORMED)},
    {"GET / HTTP/2.0\r\n\r\n", OK, PRIVATE(MALFORMED)},
    {"GET / RTSP/1.0\r\n\r\n", OK, PRIVATE(MALFORMED)},
    {"SOURCE / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", OK, PRIVATE(MALFORMED)},
    {"SOURCE / ICE/1.0\r\n\r\n", OK, PRIVATE(MALFORMED)},
    {"DESCRIBE a RTSP/1.0\r\n\r\n", OK, FOREIGN},
    {"get / HTTP/1.1\r\n\r\n", OK, FOREIGN},
    {"GETS / HTTP/1.1\r\n\r\n", OK, FOREIGN},
    {"\r\n" GET, OK, FOREIGN},
    {"\x16\x03\x01\x02", "", PRIVATE(TLS)},
    {GET, "+OK\r\n", FOREIGN},
    {GET, "HTTQ", FOREIGN},
    {GET, "\r\n" OK, FOREIGN},
    {GET, "HTTP/2.0 200 OK\r\n\r\n", PRIVATE(MALFORMED)},
    {GET, "HTTP/0.9 200 OK\r\n\r\n", PRIVATE(MALFORMED)},
    {GET, "RTSP/1.0 200 OK\r\n\r\n", FOREIGN},
    {GET, "HTTP/1.1 0200 OK\r\n\r\n", PRIVATE(MALFORMED)},
    {GET, "HTTP/1.1 20 OK\r\n\r\n", PRIVATE(MALFORMED)},
    {GET, "HTTP/1.1 \r\n\r\n", PRIVATE(MALFORMED)},
    {GET, "HTTP/1.1 099 Low\r\n\r\n", PRIVATE(MALFORMED)},
    {GET, "HTTP/1.1 600 High\r\nContent-Length: 0\r\n\r\n", PRIVATE(MALFORMED)},
    {GET, "HTTP/1.1  200 OK\r\n\r\n", PRIVATE(MALFORMED)},
    {GET, "HTTP/1.1\r\n\r\n", PRIVATE(MALFORMED)},
    {GET, "HTTP/1.1 200 OK\nContent-Length: 0\n\n", PRIVATE(MALFORMED)},
    {GET, "HTTP/1.1 200\nContent-Length: 0\n\n", PRIVATE(MALFORMED)},
    {GET, "HTTP/1.1 200 O\x01K\r\nContent-Length: 0\r\n\r\n", PRIVATE(MALFORMED)},
    {GET, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX: a\r\n b\r\n\r\n", PRIVATE(MALFORMED)},
    {GET, OK_WITH("Keep-Alive: timeout=soon"), PRIVATE(MALFORMED)},
    {GET, OK_WITH("Keep-Alive: max"), PRIVATE(MALFORMED)},
    {GET,
     OK_WITH("Keep-Alive: timeout=00000000000000000000000000000000000000000000000000000"
             "00000000000000000005"),
     PRIVATE(MALFORMED)},
    /* Answers out of turn. */
    {"GET / HT", OK, WITNESS_PRIVATE, REASON_MALFORMED, REASON_MALFORMED},
    {"GE", OK, FOREIGN},
    {"", OK, PRIVATE(SERVER_FIRST)},
    {"", "", WITNESS_BUSY, REASON_UNUSED, REASON_UNUSED},
    {"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhell", "HTTP/1.1 100 Continue\r\n\r\n", UNSENT},
    {"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhell", OK, PRIVATE(MALFORMED)},
    {GET "\r\n", OK, PRIVATE(MALFORMED)},
};
enum { CORPUS = sizeof corpus / sizeof *corpus };

enum { MUTATIONS = 400, SEED = 20140605 }; /* per entry; the date of RFC 7230 */

static const enum rule observing[] = {RULE_HTTP, RULE_AUTO};

START_TEST(an_exchange_has_its_verdict_under_http_and_under_auto)
{
    const struct exchange *e = &corpus[_i];
    struct witness http = after(RULE_HTTP, e->request, WHOLE, e->response, WHOLE);
    assert_is(&http, e->state, e->reason);
    struct witness sniffed = after(RULE_AUTO, e->request, WHOLE, e->response, WHOLE);
    assert_is(&sniffed, e->state, e->reason_in_auto);
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

START_TEST(no_part_of_an_exchange_is_idle)
{
    const struct exchange *e = &corpus[_i];
    struct witness witness = opened(RULE_HTTP);
    for (size_t i = 0; i < strlen(e->request); i++) {
        ck_assert_int_ne(witness.state, WITNESS_IDLE);
        feed(&witness, true, e->request + i, 1, WHOLE);
    }
    for (size_t i = 0; i < strlen(e->response); i++) {
        ck_assert_int_ne(witness.state, WITNESS_IDLE);
        feed(&witness, false, e->response + i, 1, WHOLE);
    }
}
END_TEST

/* What HTTP is made of. */
static const char tasty[] = "\r\n \t:,;=0159aGH/.\"\0\x16\x7f\xff";

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
            request_len = mutate(request, request_len, tasty, sizeof tasty, &seed);
        } else {
            response_len = mutate(response, response_len, tasty, sizeof tasty, &seed);
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
        if (witness.http.explicit_keep_alive) {
            break; /* from the HTTP/1.0 request on, silence means close */
        }
        assert_is(&witness, WITNESS_IDLE, REASON_NONE);
        ck_assert(witness.confirmed);
    }
    assert_is(&witness, WITNESS_IDLE, REASON_NONE);
}
END_TEST

START_TEST(pipelined_requests_are_answered_one_by_one)
{
    struct witness witness = opened(RULE_HTTP);
    sent(&witness, GET HEAD POST);
    received(&witness, OK);
    assert_is(&witness, WITNESS_BUSY, REASON_RESPONSE_INCOMPLETE);
    received(&witness, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n" OK);
    assert_is(&witness, WITNESS_IDLE, REASON_NONE);
}
END_TEST

START_TEST(more_pipelined_requests_than_we_can_remember_are_private)
{
    struct witness witness = opened(RULE_HTTP);
    for (int i = 0; i < HTTP_PIPELINE_MAX; i++) {
        sent(&witness, GET);
    }
    assert_is(&witness, WITNESS_BUSY, REASON_RESPONSE_INCOMPLETE);
    struct witness answered = witness;
    for (int i = 0; i < HTTP_PIPELINE_MAX; i++) {
        received(&answered, OK);
    }
    assert_is(&answered, WITNESS_IDLE, REASON_NONE);
    sent(&witness, GET);
    assert_is(&witness, WITNESS_PRIVATE, REASON_NO_MEMORY);
}
END_TEST

START_TEST(anything_but_a_message_between_messages_is_private)
{
    static const char *const stray[] = {
        "\r\n", "\n", "x", OK, "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n"};
    for (size_t i = 0; i < sizeof stray / sizeof *stray; i++) {
        struct witness witness = after(RULE_AUTO, GET, WHOLE, OK, WHOLE);
        received(&witness, stray[i]);
        assert_is(&witness, WITNESS_PRIVATE, REASON_MALFORMED);
    }
    struct witness witness = after(RULE_AUTO, GET, WHOLE, OK, WHOLE);
    sent(&witness, "\r\n" GET);
    assert_is(&witness, WITNESS_PRIVATE, REASON_MALFORMED);
}
END_TEST

START_TEST(what_was_confirmed_as_http_can_only_be_malformed_later)
{
    struct witness witness = after(RULE_AUTO, GET, WHOLE, OK, WHOLE);
    sent(&witness, GET);
    received(&witness, "+OK\r\n");
    assert_is(&witness, WITNESS_PRIVATE, REASON_MALFORMED);
}
END_TEST

START_TEST(an_answer_that_begins_before_its_request_was_sent_whole_is_private)
{
    struct witness witness = opened(RULE_HTTP);
    sent(&witness, "POST / HTTP/1.1\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
    received(&witness, "HTTP/1.1 100 Continue\r\n\r\n");
    assert_is(&witness, WITNESS_BUSY, REASON_REQUEST_INCOMPLETE);
    struct witness early = witness;
    received(&early, "H");
    sent(&early, "hello");
    received(&early, OK + 1);
    assert_is(&early, WITNESS_PRIVATE, REASON_MALFORMED);
    sent(&witness, "hello");
    received(&witness, OK);
    assert_is(&witness, WITNESS_IDLE, REASON_NONE);
}
END_TEST

START_TEST(an_answer_may_come_while_the_next_request_is_being_sent)
{
    struct witness witness = opened(RULE_HTTP);
    sent(&witness, GET "POST / HTTP/1.1\r\nContent-");
    received(&witness, OK);
    assert_is(&witness, WITNESS_BUSY, REASON_REQUEST_INCOMPLETE);
    sent(&witness, "Length: 5\r\n\r\nhello");
    received(&witness, OK);
    assert_is(&witness, WITNESS_IDLE, REASON_NONE);
}
END_TEST

START_TEST(after_an_announced_close_nothing_brings_the_connection_back)
{
    struct witness witness = opened(RULE_HTTP);
    sent(&witness, GET_WITH("Connection: close") GET);
    received(&witness, OK);
    assert_is(&witness, WITNESS_CLOSING, REASON_ANNOUNCED_CLOSE);
    sent(&witness, GET);
    received(&witness, OK "rubbish");
    assert_is(&witness, WITNESS_CLOSING, REASON_ANNOUNCED_CLOSE);

    witness = opened(RULE_HTTP);
    sent(&witness, GET_WITH("Connection: close") "rubbish");
    assert_is(&witness, WITNESS_BUSY, REASON_RESPONSE_INCOMPLETE);

    witness = opened(RULE_HTTP);
    sent(&witness, GET GET "GET /");
    received(&witness, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n");
    sent(&witness, " HTTP/1.1\r\n\r\n");
    assert_is(&witness, WITNESS_BUSY, REASON_RESPONSE_INCOMPLETE);
    received(&witness, "ok");
    assert_is(&witness, WITNESS_CLOSING, REASON_ANNOUNCED_CLOSE);
}
END_TEST

static const struct {
    const char *request, *response;
    bool will_close; /* at the end of the response; never before */
} farewells[] = {
    {GET_WITH("Connection: close"), OK, true},
    {GET, OK_WITH("Connection: close"), true},
    {GET_WITH("Connection: close"), OK_CHUNKED("2\r\nok\r\n0\r\n\r\n"), true},
    {GET_WITH("Connection: close"), "HTTP/1.1 304 Not Modified\r\n\r\n", true},
    {GET, "HTTP/1.1 103 Early Hints\r\nConnection: close\r\n\r\n" OK, true},
    {OLD_GET, OK, true},
    {GET, "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", true},
    {OLD_GET_KEPT, OK_WITH("Connection: close"), true},
    {OLD_GET_KEPT, OK, false}, /* not kept alive in so many words, nor ended */
    {GET, OK_WITH("Keep-Alive: max=0"), true},
    {GET, OK, false},
    /* The content ends with the connection: whether it is over only the peer's close tells. */
    {GET_WITH("Connection: close"), "HTTP/1.1 200 OK\r\n\r\nok", false},
    {OLD_GET, "HTTP/1.0 200 OK\r\n\r\n", false},
    /* Something was sent that is not answered. */
    {GET_WITH("Connection: close") "rubbish", OK, false},
    {GET_WITH("Connection: close") GET, OK OK, false},
    {GET GET, OK_WITH("Connection: close"), false},
    {GET "GET /", OK_WITH("Connection: close"), false},
    /* Private is for good, and nothing was understood of the rest. */
    {GET_WITH("Authorization: NTLM x\r\nConnection: close"), OK, false},
    {GET, OK_WITH("Connection: close\r\nContent-Length: 2"), false},
};

START_TEST(the_peer_will_close_once_an_exchange_with_an_announced_close_is_over)
{
    struct witness witness = after(RULE_AUTO, farewells[_i].request, BYTES, "", WHOLE);
    for (const char *byte = farewells[_i].response; *byte != '\0'; byte++) {
        ck_assert(!witness.peer_will_close);
        feed(&witness, false, byte, 1, WHOLE);
    }
    ck_assert_int_eq(witness.peer_will_close, farewells[_i].will_close);
    struct witness whole =
        after(RULE_AUTO, farewells[_i].request, WHOLE, farewells[_i].response, WHOLE);
    assert_same(&witness, &whole);
    feed(&witness, true, "", 0, WHOLE);
    ck_assert_int_eq(witness.peer_will_close, farewells[_i].will_close);
    sent(&witness, "G");
    ck_assert(!witness.peer_will_close);
}
END_TEST

START_TEST(a_request_that_is_still_being_sent_keeps_the_peer_from_closing_in_peace)
{
    struct witness witness = opened(RULE_HTTP);
    sent(&witness, GET GET "GET /");
    received(&witness, OK "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n");
    sent(&witness, " HTTP/1.1\r\n\r\n");
    received(&witness, "ok");
    assert_is(&witness, WITNESS_CLOSING, REASON_ANNOUNCED_CLOSE);
    ck_assert(!witness.peer_will_close);
}
END_TEST

static const struct {
    const char *header;
    uint32_t idle_limit_ms, uses_left;
} promises[] = {
    {"X: y", 0, UINT32_MAX},
    {"Keep-Alive: timeout=1", 500, UINT32_MAX},
    {"Keep-Alive: timeout=2", 1000, UINT32_MAX},
    {"keep-alive: Timeout=5, MAX=100", 4000, 100},
    {"Keep-Alive: max=1,timeout=75", 74000, 1},
    {"Keep-Alive: timeout=5;max=7", 4000, 7},
    {"Keep-Alive: timeout=5, timeout=3\r\nKeep-Alive: timeout=4", 2000, UINT32_MAX},
    {"Keep-Alive: 300", 0, UINT32_MAX},
    {"Keep-Alive: x=0, maximum=0", 0, UINT32_MAX},
    {"Keep-Alive: timeout=99999999999999999999", 999999000, UINT32_MAX},
    {"Keep-Alive: timeout=9999999, max=9999999", 999999000, 1000000},
    {"Keep-Alive: timeout=4294969", 999999000, UINT32_MAX}, /* 2^32 ms, and 705 */
};

START_TEST(a_keep_alive_header_promises_time_and_uses)
{
    char response[256] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n";
    strcat(strcat(response, promises[_i].header), "\r\n\r\n");
    struct witness witness = after(RULE_HTTP, GET, BYTES, response, WHOLE);
    assert_is(&witness, WITNESS_IDLE, REASON_NONE);
    ck_assert_uint_eq(witness.idle_limit_ms, promises[_i].idle_limit_ms);
    ck_assert_uint_eq(witness.uses_left, promises[_i].uses_left);
    struct witness bytes = after(RULE_HTTP, GET, WHOLE, response, BYTES);
    assert_same(&bytes, &witness);
}
END_TEST

START_TEST(a_promise_lasts_until_the_next_and_its_uses_are_used_up)
{
    struct witness witness =
        after(RULE_HTTP, GET, WHOLE, OK_WITH("Keep-Alive: timeout=5, max=2"), 0);
    sent(&witness, GET);
    received(&witness, OK);
    assert_is(&witness, WITNESS_IDLE, REASON_NONE);
    ck_assert_uint_eq(witness.idle_limit_ms, 4000);
    ck_assert_uint_eq(witness.uses_left, 1);
    sent(&witness, GET);
    received(&witness, OK);
    assert_is(&witness, WITNESS_CLOSING, REASON_ANNOUNCED_CLOSE);
    ck_assert(!witness.peer_will_close); /* it need not, and did not say so */
}
END_TEST

START_TEST(a_content_of_gigabytes_is_counted_to_its_last_byte)
{
    static char mebibyte[1 << 20];
    struct witness witness = opened(RULE_HTTP);
    sent(&witness, GET);
    received(&witness, "HTTP/1.1 200 OK\r\nContent-Length: 5368709121\r\n\r\n");
    for (int i = 0; i < 5 * 1024; i++) {
        witness_received(&witness, mebibyte, sizeof mebibyte);
        assert_is(&witness, WITNESS_BUSY, REASON_RESPONSE_INCOMPLETE);
    }
    witness_received(&witness, mebibyte, 1);
    assert_is(&witness, WITNESS_IDLE, REASON_NONE);
}
END_TEST

START_TEST(a_witness_goes_on_where_it_was_moved_to)
{
    struct witness here = opened(RULE_AUTO), there;
    sent(&here, "GET / HTTP/1.1\r\nConn");
    there = here;
    memset(&here, 0xa5, sizeof here);
    sent(&there, "ection: close\r\n\r\n");
    received(&there, OK);
    assert_is(&there, WITNESS_CLOSING, REASON_ANNOUNCED_CLOSE);
}
END_TEST

static Suite *http_suite(void)
{
    Suite *suite = suite_create("witness_http");
    TCase *exchanges = tcase_create("exchanges"), *sequences = tcase_create("sequences");

    tcase_set_timeout(exchanges, 60);
    tcase_add_loop_test(exchanges, an_exchange_has_its_verdict_under_http_and_under_auto, 0,
                        CORPUS);
    tcase_add_loop_test(exchanges, the_verdict_is_the_same_wherever_the_bytes_are_split, 0, CORPUS);
    tcase_add_loop_test(exchanges, no_part_of_an_exchange_is_idle, 0, CORPUS);
    tcase_add_loop_test(exchanges, mutilated_exchanges_have_one_verdict_too, 0, CORPUS);
    tcase_add_test(sequences, a_connection_stays_idle_between_its_exchanges);
    tcase_add_test(sequences, pipelined_requests_are_answered_one_by_one);
    tcase_add_test(sequences, more_pipelined_requests_than_we_can_remember_are_private);
    tcase_add_test(sequences, anything_but_a_message_between_messages_is_private);
    tcase_add_test(sequences, what_was_confirmed_as_http_can_only_be_malformed_later);
    tcase_add_test(sequences, an_answer_that_begins_before_its_request_was_sent_whole_is_private);
    tcase_add_test(sequences, an_answer_may_come_while_the_next_request_is_being_sent);
    tcase_add_test(sequences, after_an_announced_close_nothing_brings_the_connection_back);
    tcase_add_loop_test(sequences,
                        the_peer_will_close_once_an_exchange_with_an_announced_close_is_over, 0,
                        sizeof farewells / sizeof *farewells);
    tcase_add_test(sequences,
                   a_request_that_is_still_being_sent_keeps_the_peer_from_closing_in_peace);
    tcase_add_loop_test(sequences, a_keep_alive_header_promises_time_and_uses, 0,
                        sizeof promises / sizeof *promises);
    tcase_add_test(sequences, a_promise_lasts_until_the_next_and_its_uses_are_used_up);
    tcase_add_test(sequences, a_content_of_gigabytes_is_counted_to_its_last_byte);
    tcase_add_test(sequences, a_witness_goes_on_where_it_was_moved_to);
    suite_add_tcase(suite, exchanges);
    suite_add_tcase(suite, sequences);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(http_suite());

    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
