/* SPDX-License-Identifier: MIT
 * Reads requests of Redis: arrays of bulk strings, and inline commands where they are expected. */
#include "redis.h"

/* Redis's own limits: more arguments, a longer bulk string (proto-max-bulk-len) or a longer inline
 * command (PROTO_INLINE_MAX_SIZE) end the connection. */
enum { ARGUMENTS_MAX = 1024 * 1024, BULK_MAX = 512 * 1024 * 1024, INLINE_MAX = 64 * 1024 };

enum request_state {
    BEGIN,
    COUNT,    /* *2 */
    COUNT_LF, /* the CR was read */
    BULK,     /* $ */
    BULK_LEN, /* 3 */
    BULK_LEN_LF,
    CONTENT,    /* GET */
    CONTENT_CR, /* the content is whole */
    CONTENT_LF,
    INLINE,
    INLINE_LF
};

static enum redis_progress take_byte(struct redis_request *request, char byte);
static void take_content(struct redis_request *request, const char **at, const char *end);
static enum redis_progress begin(struct redis_request *request, char byte);
static enum redis_progress take_inline(struct redis_request *request, char byte);
static enum redis_progress take_length(struct redis_request *request, char byte);
static void add_to_word(struct redis_request *request, char byte);

bool redis_request_is_open(const struct redis_request *request)
{
    return request->state != BEGIN;
}

enum redis_progress redis_request_take(struct redis_request *request, const char **at,
                                       const char *end)
{
    enum redis_progress progress = REDIS_MORE;
    while (*at < end && progress == REDIS_MORE) {
        if (request->state == CONTENT) {
            take_content(request, at, end);
        } else {
            progress = take_byte(request, *(*at)++);
        }
    }
    return progress;
}

static enum redis_progress expect(struct redis_request *request, char byte, char expected,
                                  enum request_state next)
{
    request->state = next;
    return byte == expected ? REDIS_MORE : REDIS_FAULT;
}

static enum redis_progress take_byte(struct redis_request *request, char byte)
{
    switch ((enum request_state)request->state) {
    case BEGIN:
        return begin(request, byte);
    case COUNT:
    case BULK_LEN:
        return take_length(request, byte);
    case COUNT_LF:
        return expect(request, byte, '\n', BULK);
    case BULK:
        request->number = (struct resp_number){0};
        return expect(request, byte, '$', BULK_LEN);
    case BULK_LEN_LF:
        return expect(request, byte, '\n', request->content_left > 0 ? CONTENT : CONTENT_CR);
    case CONTENT_CR:
        return expect(request, byte, '\r', CONTENT_LF);
    case CONTENT_LF:
        request->argument += request->argument < REDIS_WORDS;
        request->arguments_left--;
        if (request->arguments_left > 0) {
            return expect(request, byte, '\n', BULK);
        }
        request->state = BEGIN;
        return byte == '\n' ? REDIS_WHOLE : REDIS_FAULT;
    case INLINE:
        return take_inline(request, byte);
    case INLINE_LF:
        request->state = BEGIN;
        return byte == '\n' ? REDIS_WHOLE : REDIS_FAULT;
    case CONTENT: /* taken at once, not byte by byte */
        break;
    }
    return REDIS_FAULT;
}

static enum redis_progress begin(struct redis_request *request, char byte)
{
    request->argument = 0;
    request->word_len[0] = request->word_len[1] = 0;
    request->number = (struct resp_number){0};
    if (byte == '*') {
        request->state = COUNT;
        return REDIS_MORE;
    }
    if (!request->inline_allowed) {
        return REDIS_FAULT;
    }
    request->state = INLINE;
    request->content_left = INLINE_MAX;
    return take_inline(request, byte);
}

/* The number of arguments, or the length of one. Without any argument Redis would not answer. */
static enum redis_progress take_length(struct redis_request *request, char byte)
{
    const struct resp_number *number = &request->number;
    bool count = request->state == COUNT;
    if (byte != '\r') {
        return resp_number_add(&request->number, byte) ? REDIS_MORE : REDIS_FAULT;
    }
    if (!resp_number_is_whole(number) || number->negative || (count && number->value == 0) ||
        number->value > (count ? ARGUMENTS_MAX : BULK_MAX)) {
        return REDIS_FAULT;
    }
    *(count ? &request->arguments_left : &request->content_left) = (uint32_t)number->value;
    request->state = count ? COUNT_LF : BULK_LEN_LF;
    return REDIS_MORE;
}

static void take_content(struct redis_request *request, const char **at, const char *end)
{
    size_t available = (size_t)(end - *at);
    uint32_t taken =
        available < request->content_left ? (uint32_t)available : request->content_left;
    for (uint32_t i = 0; i < taken && request->argument < REDIS_WORDS; i++) {
        add_to_word(request, (*at)[i]);
    }
    *at += taken;
    request->content_left -= taken;
    if (request->content_left == 0) {
        request->state = CONTENT_CR;
    }
}

/* Words between blanks. Quotes would need Redis's own reading of escapes; an empty line would not
 * be answered; and Redis takes a line that ends without CR, which a proxy may not. */
static enum redis_progress take_inline(struct redis_request *request, char byte)
{
    bool in_word = request->argument < REDIS_WORDS && request->word_len[request->argument] > 0;
    if (byte == '\r') {
        request->state = INLINE_LF;
        return request->word_len[0] > 0 ? REDIS_MORE : REDIS_FAULT;
    }
    if ((unsigned char)byte < ' ' || (unsigned char)byte >= 0x7f || byte == '"' || byte == '\'' ||
        request->content_left == 0) {
        return REDIS_FAULT;
    }
    request->content_left--;
    if (byte == ' ') {
        request->argument += in_word;
    } else if (request->argument < REDIS_WORDS) {
        add_to_word(request, byte);
    }
    return REDIS_MORE;
}

/* In upper case; a length of REDIS_WORD_MAX says that it was longer. */
static void add_to_word(struct redis_request *request, char byte)
{
    uint8_t *len = &request->word_len[request->argument];
    if (*len + 1 >= REDIS_WORD_MAX) {
        *len = REDIS_WORD_MAX;
        return;
    }
    request->word[request->argument][(*len)++] =
        byte >= 'a' && byte <= 'z' ? byte - 'a' + 'A' : byte;
}
