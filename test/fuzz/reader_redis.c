/* SPDX-License-Identifier: MIT
 * Reads RESP2 and RESP3 from a text that is there as a whole; hiredis is asked where it can be. */
#include "readers.h"

#include <hiredis/hiredis.h>
#include <stdlib.h>
#include <string.h>

/* Where the value at `at` ends; 0: it is not whole, or none. */
static size_t value_end(const char *text, size_t len, size_t at)
{
    const char *line_end = memmem(text + at, len - at, "\r\n", 2);
    if (at >= len || line_end == NULL) {
        return 0;
    }
    char type = text[at];
    long long count = atoll(text + at + 1);
    at = (size_t)(line_end - text) + 2;
    if (strchr("+-:,(#_", type) != NULL || (strchr("$*", type) != NULL && count == -1)) {
        return at;
    }
    if (strchr("$!=", type) != NULL) {
        return len - at >= (size_t)count + 2 ? at + (size_t)count + 2 : 0;
    }
    if (strchr("*~%|", type) == NULL) {
        return 0;
    }
    count *= strchr("%|", type) != NULL ? 2 : 1;
    for (long long i = 0; i < count + (type == '|'); i++) {
        at = value_end(text, len, at);
        if (at == 0) {
            return 0;
        }
    }
    return at;
}

/* Where the request at `at` ends: an inline command is a line. */
static size_t request_end(const char *text, size_t len, size_t at)
{
    const char *line_end = memmem(text + at, len - at, "\r\n", 2);
    if (text[at] == '*' || line_end == NULL) {
        return value_end(text, len, at);
    }
    return (size_t)(line_end - text) + 2;
}

static char an_object;

static void *string_object(const redisReadTask *task, char *text, size_t len)
{
    (void)task;
    (void)text;
    (void)len;
    return &an_object;
}

static void *array_object(const redisReadTask *task, int elements)
{
    (void)task;
    (void)elements;
    return &an_object;
}

static void *integer_object(const redisReadTask *task, long long number)
{
    (void)task;
    (void)number;
    return &an_object;
}

static void *null_object(const redisReadTask *task)
{
    (void)task;
    return &an_object;
}

static void free_object(void *object)
{
    (void)object;
}

/* Without its objects: an array of a billion elements would take the memory for them. */
static redisReplyObjectFunctions objects = {string_object, array_object, integer_object,
                                            null_object, free_object};

/* RESP3's types, and more than seven levels: this hiredis does not read them. */
static bool is_beyond_hiredis(const redisReader *reader)
{
    const char *got = strstr(reader->errstr, "got \"");
    return strstr(reader->errstr, "nested") != NULL ||
           (got != NULL && strchr("_#,(!=%~|", got[5]) != NULL);
}

static void ask_hiredis(const char *text, size_t len, uint32_t messages)
{
    redisReader *reader = redisReaderCreateWithFunctions(&objects);
    void *reply = NULL;
    uint32_t count = 0;
    if (reader == NULL) {
        abort();
    }
    expect(redisReaderFeed(reader, text, len) == REDIS_OK, "there is memory");
    while (redisReaderGetReply(reader, &reply) == REDIS_OK && reply != NULL) {
        count++;
        reply = NULL;
    }
    if (reader->err != 0) {
        expect(is_beyond_hiredis(reader), "hiredis reads it");
    } else {
        bool begun = reader->ridx > 0 || (reader->ridx == 0 && reader->rstack[0].type != -1);
        expect(!begun && reader->pos == reader->len, "hiredis waits for no more");
        expect(count == messages, "hiredis sees as many messages");
    }
    redisReaderFree(reader);
}

void redis_expect_over(const struct witness *witness, const struct talk *talk)
{
    uint32_t requests = 0, replies = 0;
    bool arrays = true;
    for (size_t at = 0; at < talk->sent_len; requests++) {
        arrays &= talk->sent[at] == '*';
        at = request_end(talk->sent, talk->sent_len, at);
        expect(at > 0, "each request is whole");
    }
    for (size_t at = 0; at < talk->received_len; replies++) {
        at = value_end(talk->received, talk->received_len, at);
        expect(at > 0, "each reply is whole");
    }
    expect(requests > 0 && replies == requests, "each request has its reply");
    expect(arrays || !witness->sniffed, "only the rule allows inline commands");
    if (arrays) {
        ask_hiredis(talk->sent, talk->sent_len, requests);
    }
    ask_hiredis(talk->received, talk->received_len, replies);
}
