/* SPDX-License-Identifier: MIT
 * Finds the ends of Redis's replies, RESP2's and RESP3's, nested ones included. */
#include "redis.h"

#include <string.h>

/* A bulk string is 512 MiB at most (proto-max-bulk-len); of elements, Redis's own replies have as
 * many as a key has members, and twice this still fits into 32 bits. */
enum { BULK_MAX = 512 * 1024 * 1024, ELEMENTS_MAX = 1 << 30 };
enum { VERBATIM_MIN = 4 }; /* "txt:" */

enum reply_state {
    VALUE,   /* the next byte is a type */
    LINE,    /* what follows a type that has no length */
    LENGTH,  /* a length, or an integer */
    LINE_LF, /* the CR was read */
    CONTENT,
    CONTENT_CR,
    CONTENT_LF
};

/* Errors with which Redis ends the connection: at maxclients, under attack, in protected mode. */
static const char *const last_words[] = {"ERR max number of clients", "ERR Protocol error",
                                         "DENIED "};
enum { LAST_WORDS = sizeof last_words / sizeof *last_words };

static enum redis_progress take_byte(struct redis_reply *reply, char byte);
static enum redis_progress begin_value(struct redis_reply *reply, char byte);
static enum redis_progress take_line(struct redis_reply *reply, char byte);
static enum redis_progress take_length(struct redis_reply *reply, char byte);
static enum redis_progress end_line(struct redis_reply *reply, char byte);
static enum redis_progress begin_content(struct redis_reply *reply);
static enum redis_progress begin_elements(struct redis_reply *reply);
static enum redis_progress end_value(struct redis_reply *reply);

bool redis_reply_announces_close(const struct redis_reply *reply)
{
    for (size_t i = 0; i < LAST_WORDS; i++) {
        size_t len = strlen(last_words[i]);
        if (reply->error_len >= len && memcmp(reply->error, last_words[i], len) == 0) {
            return true;
        }
    }
    return false;
}

enum redis_progress redis_reply_take(struct redis_reply *reply, const char **at, const char *end)
{
    enum redis_progress progress = REDIS_MORE;
    while (*at < end && progress == REDIS_MORE) {
        if (reply->state != CONTENT) {
            progress = take_byte(reply, *(*at)++);
            continue;
        }
        size_t available = (size_t)(end - *at);
        uint32_t taken =
            available < reply->content_left ? (uint32_t)available : reply->content_left;
        *at += taken;
        reply->content_left -= taken;
        reply->state = reply->content_left == 0 ? CONTENT_CR : CONTENT;
    }
    return progress;
}

static enum redis_progress take_byte(struct redis_reply *reply, char byte)
{
    switch ((enum reply_state)reply->state) {
    case VALUE:
        return begin_value(reply, byte);
    case LINE:
        return take_line(reply, byte);
    case LENGTH:
        return take_length(reply, byte);
    case LINE_LF:
        return end_line(reply, byte);
    case CONTENT_CR:
        reply->state = CONTENT_LF;
        return byte == '\r' ? REDIS_MORE : REDIS_FAULT;
    case CONTENT_LF:
        return byte == '\n' ? end_value(reply) : REDIS_FAULT;
    case CONTENT: /* taken at once, not byte by byte */
        break;
    }
    return REDIS_FAULT;
}

static enum redis_progress begin_value(struct redis_reply *reply, char byte)
{
    reply->type = byte;
    reply->line_begun = false;
    reply->number = (struct resp_number){0};
    if (reply->depth == 0) {
        reply->error_len = 0;
    }
    switch (byte) {
    case '+': /* status */
    case '-': /* error */
    case ',': /* double */
    case '(': /* big number */
    case '#': /* boolean */
    case '_': /* null */
        reply->state = LINE;
        return REDIS_MORE;
    case ':': /* integer */
    case '$': /* bulk string */
    case '!': /* bulk error */
    case '=': /* verbatim string */
    case '*': /* array */
    case '~': /* set */
    case '%': /* map */
    case '|': /* attributes of the value that follows */
        reply->state = LENGTH;
        return REDIS_MORE;
    case '>':
        return REDIS_PUSH;
    default:
        return REDIS_FAULT;
    }
}

static enum redis_progress take_line(struct redis_reply *reply, char byte)
{
    bool null = reply->type == '_', boolean = reply->type == '#';
    if (byte == '\r') {
        bool may_be_empty = null || reply->type == '+' || reply->type == '-';
        reply->state = LINE_LF;
        return reply->line_begun || may_be_empty ? REDIS_MORE : REDIS_FAULT;
    }
    if (byte == '\n' || null || (boolean && (reply->line_begun || (byte != 't' && byte != 'f')))) {
        return REDIS_FAULT;
    }
    reply->line_begun = true;
    if (reply->type == '-' && reply->depth == 0 && reply->error_len < sizeof reply->error) {
        reply->error[reply->error_len++] = byte;
    }
    return REDIS_MORE;
}

static enum redis_progress take_length(struct redis_reply *reply, char byte)
{
    const struct resp_number *number = &reply->number;
    if (byte != '\r') {
        return resp_number_add(&reply->number, byte) ? REDIS_MORE : REDIS_FAULT;
    }
    reply->state = LINE_LF;
    if (!resp_number_is_whole(number)) {
        return REDIS_FAULT;
    }
    if (reply->type == ':') {
        return REDIS_MORE;
    }
    if (number->negative) { /* RESP2's nulls */
        bool null = number->value == 1 && (reply->type == '$' || reply->type == '*');
        return null ? REDIS_MORE : REDIS_FAULT;
    }
    bool content = reply->type == '$' || reply->type == '!' || reply->type == '=';
    if (reply->type == '=' && number->value < VERBATIM_MIN) {
        return REDIS_FAULT;
    }
    return number->value <= (content ? BULK_MAX : ELEMENTS_MAX) ? REDIS_MORE : REDIS_FAULT;
}

static enum redis_progress end_line(struct redis_reply *reply, char byte)
{
    if (byte != '\n') {
        return REDIS_FAULT;
    }
    switch (reply->number.negative ? '_' : reply->type) { /* after a null nothing follows */
    case '$':
    case '!':
    case '=':
        return begin_content(reply);
    case '*':
    case '~':
    case '%':
    case '|':
        return begin_elements(reply);
    default:
        return end_value(reply);
    }
}

static enum redis_progress begin_content(struct redis_reply *reply)
{
    reply->content_left = (uint32_t)reply->number.value;
    reply->state = reply->content_left == 0 ? CONTENT_CR : CONTENT;
    return REDIS_MORE;
}

static enum redis_progress begin_elements(struct redis_reply *reply)
{
    bool attributes = reply->type == '|';
    uint32_t elements = (uint32_t)reply->number.value;
    if (reply->type == '%' || attributes) {
        elements *= 2; /* each with its key */
    }
    if (elements == 0 && !attributes) {
        return end_value(reply);
    }
    reply->state = VALUE;
    if (elements == 0) {
        return REDIS_MORE;
    }
    if (reply->depth == REDIS_DEPTH_MAX) {
        return REDIS_LIMIT;
    }
    reply->levels[reply->depth++] =
        (struct redis_level){.elements_left = elements, .attributes = attributes};
    return REDIS_MORE;
}

/* A value is whole, and with it perhaps those that it is the last element of. Attributes are no
 * value: the one that they belong to follows. */
static enum redis_progress end_value(struct redis_reply *reply)
{
    reply->state = VALUE;
    while (reply->depth > 0) {
        struct redis_level *level = &reply->levels[reply->depth - 1];
        if (--level->elements_left > 0) {
            return REDIS_MORE;
        }
        reply->depth--;
        if (level->attributes) {
            return REDIS_MORE;
        }
    }
    return REDIS_WHOLE;
}
