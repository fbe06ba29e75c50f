/* SPDX-License-Identifier: MIT
 * Random streams of RESP: the Redis witness sees the ends that were put there, and never an
 * exchange that is over where hiredis, another's reader, is still waiting. */
#include "witnesses.h"

#include <hiredis/hiredis.h>
#include <stdio.h>

enum { ROUNDS = 400, MESSAGES_MAX = 12, TEXT_MAX = 1 << 20, SEED = 20090510 };
enum { DEPTH_MAX = 5 }; /* hiredis reads seven */

/* Bytes, and where the messages in them end. */
struct stream {
    char *text;
    size_t len;
    size_t ends[MESSAGES_MAX];
    int messages;
};

static char buffer[2][TEXT_MAX];

static unsigned int seed;

static unsigned int any(unsigned int below)
{
    return (unsigned int)rand_r(&seed) % below;
}

static void add(struct stream *stream, const char *text, size_t len)
{
    require(stream->len + len < TEXT_MAX, "the stream fits");
    memcpy(stream->text + stream->len, text, len);
    stream->len += len;
}

static void add_line(struct stream *stream, char type, const char *text)
{
    add(stream, &type, 1);
    add(stream, text, strlen(text));
    add(stream, "\r\n", 2);
}

static void add_number(struct stream *stream, char type, long long number)
{
    char text[32];
    snprintf(text, sizeof text, "%lld", number);
    add_line(stream, type, text);
}

/* Made of what a careless reader would take for the protocol's own. */
static void add_content(struct stream *stream, char type, unsigned int len)
{
    static const char bytes[] = "\r\n$1*2+:-ab\0\xff";
    add_number(stream, type, len);
    for (unsigned int i = 0; i < len; i++) {
        add(stream, &bytes[any(sizeof bytes - 1)], 1);
    }
    add(stream, "\r\n", 2);
}

static void add_value(struct stream *stream, int depth, bool resp3)
{
    static const char resp2_types[] = "+-:$$N*", all_types[] = "+-:$$N**_#,(!=%~|";
    char type =
        resp3 ? all_types[any(sizeof all_types - 1)] : resp2_types[any(sizeof resp2_types - 1)];
    bool aggregate = strchr("*%~|", type) != NULL;
    if (aggregate && depth == DEPTH_MAX) {
        type = ':';
    }
    unsigned int count = any(4);
    switch (type) {
    case '+':
        add_line(stream, type, any(2) ? "OK" : "");
        return;
    case '-':
        add_line(stream, type, "ERR as it may be");
        return;
    case ':':
        add_number(stream, type, any(3) == 0 ? -7 : any(3) == 0 ? 9223372036854775807 : any(20));
        return;
    case '$':
    case '!':
        add_content(stream, type, any(8) == 0 ? any(3000) : any(12));
        return;
    case '=':
        add_content(stream, type, 4 + any(12));
        return;
    case 'N':
        add_line(stream, any(2) ? '*' : '$', "-1");
        return;
    case '_':
        add_line(stream, type, "");
        return;
    case '#':
        add_line(stream, type, any(2) ? "t" : "f");
        return;
    case ',':
        add_line(stream, type, any(2) ? "-1.25" : "inf");
        return;
    case '(':
        add_line(stream, type, "-123456789012345678901234567890");
        return;
    default:
        break;
    }
    add_number(stream, type, count);
    for (unsigned int i = 0; i < count * (type == '%' || type == '|' ? 2 : 1); i++) {
        add_value(stream, depth + 1, resp3);
    }
    if (type == '|') {
        add_value(stream, depth, resp3); /* the value that has the attributes */
    }
}

static struct stream some_replies(int slot, int messages, bool resp3)
{
    struct stream stream = {.text = buffer[slot], .messages = messages};
    for (int i = 0; i < messages; i++) {
        add_value(&stream, 0, resp3);
        stream.ends[i] = stream.len;
    }
    return stream;
}

static struct stream some_requests(int slot, int messages)
{
    struct stream stream = {.text = buffer[slot], .messages = messages};
    for (int i = 0; i < messages; i++) {
        unsigned int arguments = any(5);
        add_number(&stream, '*', 1 + arguments);
        add(&stream, any(2) ? "$3\r\nGET\r\n" : "$3\r\nset\r\n", 9);
        for (unsigned int argument = 0; argument < arguments; argument++) {
            add_content(&stream, '$', any(6) == 0 ? any(3000) : any(30));
        }
        stream.ends[i] = stream.len;
    }
    return stream;
}

static int ended(const struct stream *stream, size_t at)
{
    int messages = 0;
    while (messages < stream->messages && stream->ends[messages] <= at) {
        messages++;
    }
    return messages;
}

static void assert_counts(const struct witness *witness, const struct stream *requests, size_t sent,
                          const struct stream *replies, size_t received)
{
    int asked = ended(requests, sent), answered = ended(replies, received);
    bool inside = sent > 0 && (asked == 0 || requests->ends[asked - 1] < sent);
    bool idle = asked > 0 && asked == answered && !inside;
    require(witness->state != WITNESS_PRIVATE, "it was understood");
    require(witness->redis.outstanding == (uint32_t)(asked - answered), "each reply is counted");
    require((witness->state == WITNESS_IDLE) == idle, "it is over where all is answered");
}

/* Requests and replies in turn, in pieces of any size, no reply before its request was sent. */
START_TEST(an_exchange_is_over_exactly_where_its_last_reply_ends)
{
    seed = SEED;
    for (int round = 0; round < ROUNDS; round++) {
        int messages = 1 + (int)any(MESSAGES_MAX);
        struct stream requests = some_requests(0, messages);
        struct stream replies = some_replies(1, messages, round % 2 == 0);
        struct witness witness = opened(round % 3 == 0 ? RULE_AUTO : RULE_REDIS);
        size_t sent_len = 0, received_len = 0, most = any(2) ? 3 : 600;
        while (received_len < replies.len) {
            int asked = ended(&requests, sent_len);
            size_t due = asked == 0 ? 0 : replies.ends[asked - 1];
            bool send = sent_len < requests.len && (received_len == due || any(2));
            size_t piece = 1 + any(most),
                   left = send ? requests.len - sent_len : due - received_len;
            piece = piece < left ? piece : left;
            feed(&witness, send, send ? requests.text + sent_len : replies.text + received_len,
                 piece, WHOLE);
            *(send ? &sent_len : &received_len) += piece;
            if (sent_len > 6) { /* else under auto it may not be recognised yet */
                assert_counts(&witness, &requests, sent_len, &replies, received_len);
            }
        }
        assert_is(&witness, sent_len == requests.len ? WITNESS_IDLE : WITNESS_BUSY,
                  sent_len == requests.len ? REASON_NONE : REASON_REQUEST_INCOMPLETE);
    }
}
END_TEST

/* hiredis without its objects: an array of a billion elements would take the memory for them. */
static void *string_object(const redisReadTask *task, char *text, size_t len)
{
    (void)task;
    (void)text;
    (void)len;
    return buffer;
}

static void *array_object(const redisReadTask *task, int elements)
{
    (void)task;
    (void)elements;
    return buffer;
}

static void *integer_object(const redisReadTask *task, long long number)
{
    (void)task;
    (void)number;
    return buffer;
}

static void *null_object(const redisReadTask *task)
{
    (void)task;
    return buffer;
}

static void free_object(void *object)
{
    (void)object;
}

static redisReplyObjectFunctions objects = {string_object, array_object, integer_object,
                                            null_object, free_object};

/* How many messages are whole in what it was fed since the last call. */
static int read_by_hiredis(redisReader *reader)
{
    void *reply = NULL;
    int messages = 0;
    while (redisReaderGetReply(reader, &reply) == REDIS_OK && reply != NULL) {
        messages++;
        reply = NULL;
    }
    return messages;
}

/* Nothing is left over, and no message was begun: its first task does not know its type yet. */
static bool hiredis_is_between(const redisReader *reader)
{
    bool begun = reader->ridx > 0 || (reader->ridx == 0 && reader->rstack[0].type != -1);
    return reader->err == 0 && reader->pos == reader->len && !begun;
}

/* RESP3's, of which this hiredis does not know; the witness may well accept them. */
static bool faults_a_type_of_resp3(const redisReader *reader)
{
    const char *got = strstr(reader->errstr, "got \"");
    return got != NULL && strchr("_#,(!=%~|", got[5]) != NULL;
}

static int ends_seen, faults_seen;

/* One side of a connection byte by byte, next to hiredis. */
static void compare_with_hiredis(const struct stream *stream, size_t len, bool requests)
{
    redisReader *reader = redisReaderCreateWithFunctions(&objects);
    struct witness witness = opened(RULE_AUTO); /* hiredis does not read inline commands */
    ck_assert_ptr_nonnull(reader);
    for (int i = 0; !requests && i < stream->messages; i++) {
        sent(&witness, "*1\r\n$4\r\nPING\r\n");
    }
    uint32_t messages = 0;
    for (size_t at = 0; at < len; at++) {
        feed(&witness, requests, stream->text + at, 1, WHOLE);
        require(redisReaderFeed(reader, stream->text + at, 1) == REDIS_OK, "hiredis takes it");
        messages += read_by_hiredis(reader);
        bool over =
            requests ? witness.reason != REASON_REQUEST_INCOMPLETE : witness.state == WITNESS_IDLE;
        faults_seen += reader->err != 0;
        if (witness.state == WITNESS_PRIVATE || faults_a_type_of_resp3(reader)) {
            break;
        }
        if (over) {
            require(hiredis_is_between(reader), "hiredis waits for no more");
            require(!requests || witness.redis.outstanding == messages, "as many requests");
            ends_seen++;
        }
        if (reader->err != 0) {
            break; /* it takes no more */
        }
        require(requests || witness.redis.outstanding == stream->messages - messages,
                "as many replies");
    }
    redisReaderFree(reader);
}

START_TEST(hiredis_sees_the_same_ends_in_replies_and_in_requests)
{
    seed = SEED;
    ends_seen = faults_seen = 0;
    for (int round = 0; round < ROUNDS; round++) {
        struct stream replies = some_replies(1, 1 + (int)any(MESSAGES_MAX), false);
        compare_with_hiredis(&replies, replies.len, false);
        struct stream requests = some_requests(0, 1 + (int)any(MESSAGES_MAX));
        compare_with_hiredis(&requests, requests.len, true);
    }
    ck_assert_int_gt(ends_seen, 2 * ROUNDS);
    ck_assert_int_eq(faults_seen, 0);
}
END_TEST

START_TEST(no_mutilated_stream_is_over_where_hiredis_waits_for_more)
{
    static const char tasty[] = "\r\n*$+-:0149\r\n\r\n";
    seed = SEED;
    ends_seen = faults_seen = 0;
    for (int round = 0; round < 10 * ROUNDS; round++) {
        bool requests = round % 2;
        struct stream stream =
            requests ? some_requests(0, 1 + (int)any(4)) : some_replies(1, 1 + (int)any(4), false);
        size_t len = mutate(stream.text, stream.len, tasty, sizeof tasty - 1, &seed);
        compare_with_hiredis(&stream, len, requests);
    }
    ck_assert_int_gt(ends_seen, ROUNDS);
    ck_assert_int_gt(faults_seen, ROUNDS / 2);
}
END_TEST

static Suite *resp_suite(void)
{
    Suite *suite = suite_create("witness_resp");
    TCase *streams = tcase_create("streams");

    tcase_set_timeout(streams, 120);
    tcase_add_test(streams, an_exchange_is_over_exactly_where_its_last_reply_ends);
    tcase_add_test(streams, hiredis_sees_the_same_ends_in_replies_and_in_requests);
    tcase_add_test(streams, no_mutilated_stream_is_over_where_hiredis_waits_for_more);
    suite_add_tcase(suite, streams);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(resp_suite());

    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
