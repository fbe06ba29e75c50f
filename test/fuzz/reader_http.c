/* SPDX-License-Identifier: MIT
 * Reads HTTP/1.x after RFC 9112, section 6, from a text that is there as a whole. */
#include "readers.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct message {
    size_t len; /* 0: not whole, or not readable */
    int status; /* of a response */
    bool head;  /* a HEAD request */
    bool closes;
    bool old; /* HTTP/1.0 */
    bool keeps, chunked;
    long length; /* -1: none said */
};

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t';
}

static bool has_token(const char *value, size_t len, const char *token)
{
    size_t token_len = strlen(token);
    while (len > 0) {
        const char *comma = memchr(value, ',', len);
        size_t part = comma == NULL ? len : (size_t)(comma - value), from = 0, to = part;
        while (from < to && is_blank(value[from])) {
            from++;
        }
        while (to > from && is_blank(value[to - 1])) {
            to--;
        }
        if (to - from == token_len && strncasecmp(value + from, token, token_len) == 0) {
            return true;
        }
        part += comma != NULL;
        value += part;
        len -= part;
    }
    return false;
}

static bool is_named(const char *line, const char *colon, const char *name)
{
    size_t len = strlen(name);
    return (size_t)(colon - line) == len && strncasecmp(line, name, len) == 0;
}

static void read_header(struct message *message, const char *line, size_t len)
{
    const char *colon = memchr(line, ':', len);
    if (colon == NULL) {
        return;
    }
    const char *value = colon + 1;
    size_t value_len = len - (size_t)(value - line);
    if (is_named(line, colon, "Content-Length")) {
        message->length = strtol(value, NULL, 10); /* the line's CR ends it */
    } else if (is_named(line, colon, "Transfer-Encoding")) {
        message->chunked |= has_token(value, value_len, "chunked");
    } else if (is_named(line, colon, "Connection")) {
        message->closes |= has_token(value, value_len, "close");
        message->keeps |= has_token(value, value_len, "keep-alive");
    }
}

/* The length of a chunked content, up to and with its trailers; 0: not whole. */
static size_t chunked_len(const char *text, size_t len)
{
    size_t at = 0;
    for (;;) {
        const char *line_end = memmem(text + at, len - at, "\r\n", 2);
        if (line_end == NULL) {
            return 0;
        }
        unsigned long size = strtoul(text + at, NULL, 16);
        at = (size_t)(line_end - text) + 2;
        if (size == 0) {
            break;
        }
        if (size > len - at || len - at - size < 2) {
            return 0;
        }
        at += size + 2;
    }
    for (;;) {
        const char *line_end = memmem(text + at, len - at, "\r\n", 2);
        if (line_end == NULL) {
            return 0;
        }
        bool empty = line_end == text + at;
        at = (size_t)(line_end - text) + 2;
        if (empty) {
            return at;
        }
    }
}

/* `head`: of a response, that it answers HEAD. */
static struct message read_message(const char *text, size_t len, bool request, bool head)
{
    struct message message = {.length = -1};
    const char *end = memmem(text, len, "\r\n\r\n", 4);
    if (end == NULL) {
        return message;
    }
    size_t block = (size_t)(end - text) + 4;
    const char *line_end = memmem(text, block, "\r\n", 2);
    message.old = request ? line_end[-1] == '0' : text[strlen("HTTP/1.")] == '0';
    message.status = request ? 0 : atoi(text + strlen("HTTP/1.1 "));
    message.head = request && strncmp(text, "HEAD ", 5) == 0;
    for (const char *line = line_end + 2; line < end + 2; line = line_end + 2) {
        line_end = memmem(line, (size_t)(end + 2 - line), "\r\n", 2);
        read_header(&message, line, (size_t)(line_end - line));
    }
    message.closes |= message.old && !message.keeps && (request || message.status >= 200);
    bool empty = !request &&
                 (head || message.status < 200 || message.status == 204 || message.status == 304);
    size_t content = 0;
    if (empty || (request && !message.chunked && message.length < 0)) {
        content = 0;
    } else if (message.chunked) {
        content = chunked_len(text + block, len - block);
        block = content == 0 ? 0 : block;
    } else if (message.length < 0 || (size_t)message.length > len - block) {
        block = 0; /* up to the close, or not all there */
    } else {
        content = (size_t)message.length;
    }
    message.len = block == 0 ? 0 : block + content;
    return message;
}

void http_expect_over(const struct witness *witness, const struct talk *talk)
{
    size_t asked_at = 0, answered_at = 0;
    (void)witness;
    while (asked_at < talk->sent_len) {
        struct message request =
            read_message(talk->sent + asked_at, talk->sent_len - asked_at, true, false);
        expect(request.len > 0, "each request is whole");
        expect(!request.closes, "no request announced a close");
        asked_at += request.len;
        struct message response = {0};
        do {
            response = read_message(talk->received + answered_at, talk->received_len - answered_at,
                                    false, request.head);
            expect(response.len > 0, "each response is whole");
            expect(!response.closes, "no response announced a close");
            answered_at += response.len;
        } while (response.status < 200);
    }
    expect(talk->sent_len > 0 && answered_at == talk->received_len, "nothing else was received");
}
