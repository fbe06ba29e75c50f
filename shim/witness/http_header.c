/* SPDX-License-Identifier: MIT
 * The headers of HTTP/1.x that matter to the connection: found by name, read word by word. */
#include "http.h"

#include <string.h>

enum { COUNT_MAX = 1000000 }; /* seconds (11 days) or uses: more is as good as no limit */

static const struct {
    const char *name;
    size_t len;
    enum http_header request, response;
} headers[] = {
#define HEADER(name, request, response)                                                            \
    {                                                                                              \
        name, sizeof name - 1, request, response                                                   \
    }
    HEADER("content-length", HEADER_CONTENT_LENGTH, HEADER_CONTENT_LENGTH),
    HEADER("transfer-encoding", HEADER_TRANSFER_ENCODING, HEADER_TRANSFER_ENCODING),
    HEADER("connection", HEADER_CONNECTION, HEADER_CONNECTION),
    HEADER("proxy-connection", HEADER_PROXY_CONNECTION, HEADER_PROXY_CONNECTION),
    HEADER("keep-alive", HEADER_OTHER, HEADER_KEEP_ALIVE),
    HEADER("upgrade", HEADER_UPGRADE, HEADER_OTHER), /* a response only advertises with it */
    HEADER("authorization", HEADER_CREDENTIALS, HEADER_OTHER),
    HEADER("proxy-authorization", HEADER_CREDENTIALS, HEADER_OTHER),
    HEADER("www-authenticate", HEADER_OTHER, HEADER_CHALLENGES),
    HEADER("proxy-authenticate", HEADER_OTHER, HEADER_CHALLENGES),
    HEADER("persistent-auth", HEADER_OTHER, HEADER_PERSISTENT_AUTH), /* IIS */
#undef HEADER
};
enum { HEADERS = sizeof headers / sizeof *headers };

/* Keeps a word in lower case; a length of `size` says that it did not fit. */
static void append(char *buf, uint8_t *len, uint8_t size, char byte)
{
    if (*len + 1 >= size) {
        *len = size;
        return;
    }
    buf[(*len)++] = byte >= 'A' && byte <= 'Z' ? byte - 'A' + 'a' : byte;
}

static bool is_word(const char *buf, size_t len, const char *word)
{
    return len == strlen(word) && memcmp(buf, word, len) == 0;
}

/* The schemes whose credentials are proven once, for all that follows on the connection. */
static bool binds_connection(const char *scheme, size_t len)
{
    return is_word(scheme, len, "ntlm") || is_word(scheme, len, "negotiate") ||
           is_word(scheme, len, "kerberos") || is_word(scheme, len, "credssp");
}

static bool is_token_byte(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || (byte != '\0' && strchr("!#$%&'*+-.^_`|~", byte));
}

int http_on_header_field(llhttp_t *parser, const char *at, size_t len)
{
    const struct direction to = http_direction(parser);
    uint8_t name_len = *to.name_len;
    for (size_t i = 0; i < len; i++) {
        append(to.name, &name_len, HTTP_NAME_MAX, at[i]);
    }
    *to.name_len = name_len;
    return 0;
}

int http_on_header_field_complete(llhttp_t *parser)
{
    const struct direction to = http_direction(parser);
    if (*to.name_len == 0) {
        return http_refuse(&to, REASON_MALFORMED);
    }
    to.side->header = HEADER_OTHER;
    for (size_t i = 0; i < HEADERS; i++) {
        if (*to.name_len == headers[i].len &&
            memcmp(to.name, headers[i].name, headers[i].len) == 0) {
            to.side->header = http_is_request(&to) ? headers[i].request : headers[i].response;
        }
    }
    *to.name_len = 0;
    *to.value_len = 0;
    to.side->comma_due = false;
    if (to.side->header != HEADER_OTHER && (parser->flags & F_TRAILING)) {
        return http_refuse(&to, REASON_MALFORMED); /* too late to say any of these */
    }
    return to.side->header == HEADER_UPGRADE ? http_refuse(&to, REASON_UPGRADE) : 0;
}

/* A "timeout=5" or "max=100"; other parameters promise nothing that we know of. */
static int take_promise(const struct direction *to)
{
    struct http_witness *http = &to->witness->http;
    const char *end = to->value + *to->value_len;
    const char *equals = memchr(to->value, '=', *to->value_len);
    const char *name_end = equals == NULL ? end : equals;
    bool timeout = is_word(to->value, name_end - to->value, "timeout");
    if (!timeout && !is_word(to->value, name_end - to->value, "max")) {
        return 0;
    }
    uint32_t count = 0;
    const char *digit = equals == NULL ? end : equals + 1;
    if (digit == end) {
        return http_refuse(to, REASON_MALFORMED);
    }
    for (; digit < end; digit++) {
        if (*digit < '0' || *digit > '9') {
            return http_refuse(to, REASON_MALFORMED);
        }
        count = count * 10 + (*digit - '0');
        count = count < COUNT_MAX ? count : COUNT_MAX;
    }
    if (count == 0) {
        to->side->marks |= MARK_CLOSE;
        return 0;
    }
    /* The peer counts from when it sent, we from when it was read; and a request needs its way. */
    uint32_t idle_ms = count > 1 ? count * 1000 - 1000 : 500;
    uint32_t *promise = timeout ? &http->promised_idle_ms : &http->promised_uses;
    uint32_t promised = timeout ? idle_ms : count;
    *promise = promised < *promise ? promised : *promise;
    return 0;
}

/* Takes the word that was just read to its end. */
static int take_word(const struct direction *to)
{
    struct http_side *side = to->side;
    const char *word = to->value;
    size_t len = *to->value_len;
    switch ((enum http_header)side->header) {
    case HEADER_TRANSFER_ENCODING:
        if (side->marks & MARK_CHUNKED) {
            return http_refuse(to, REASON_MALFORMED); /* chunked must be the last coding */
        }
        side->marks |= is_word(word, len, "chunked") ? MARK_CHUNKED : 0;
        return 0;
    case HEADER_CONNECTION:
        side->marks |= is_word(word, len, "keep-alive") ? MARK_KEEP_ALIVE : 0;
        side->marks |= is_word(word, len, "upgrade") ? MARK_UPGRADE : 0;
        side->marks |= is_word(word, len, "close") ? MARK_CLOSE : 0;
        return 0;
    case HEADER_PROXY_CONNECTION: /* not a standard one: believed only where it takes away */
        side->marks |= is_word(word, len, "close") ? MARK_CLOSE : 0;
        return 0;
    case HEADER_KEEP_ALIVE:
        return len == HTTP_VALUE_MAX ? http_refuse(to, REASON_MALFORMED) : take_promise(to);
    case HEADER_CREDENTIALS:
        side->header = HEADER_OTHER; /* the scheme comes first, the rest may be anything */
        /* fall through */
    case HEADER_CHALLENGES:
        side->marks |= binds_connection(word, len) ? MARK_BOUND : 0;
        return 0;
    case HEADER_PERSISTENT_AUTH:
        side->marks |= is_word(word, len, "true") ? MARK_BOUND : 0;
        return 0;
    default:
        return 0;
    }
}

/* Whether this byte of a value stands between words. A list's words stand between commas; the
 * schemes of challenges are found among all their tokens. */
static bool separates(enum http_header header, char byte)
{
    if (header == HEADER_CREDENTIALS || header == HEADER_CHALLENGES) {
        return !is_token_byte(byte);
    }
    return byte == ',' || byte == ' ' || byte == '\t' ||
           (byte == ';' && header == HEADER_KEEP_ALIVE);
}

int http_on_header_value(llhttp_t *parser, const char *at, size_t len)
{
    const struct direction to = http_direction(parser);
    for (size_t i = 0; i < len; i++) {
        enum http_header header = to.side->header;
        if (header == HEADER_OTHER || header == HEADER_CONTENT_LENGTH) {
            return 0;
        }
        bool list = header == HEADER_TRANSFER_ENCODING || header == HEADER_CONNECTION ||
                    header == HEADER_PROXY_CONNECTION;
        if (!separates(header, at[i])) {
            if (list && (to.side->comma_due || !is_token_byte(at[i]))) {
                return http_refuse(&to, REASON_MALFORMED);
            }
            append(to.value, to.value_len, HTTP_VALUE_MAX, at[i]);
            continue;
        }
        if (*to.value_len > 0) {
            int verdict = take_word(&to);
            *to.value_len = 0;
            to.side->comma_due = true;
            if (verdict != 0) {
                return verdict;
            }
        }
        if (at[i] == ',') {
            to.side->comma_due = false;
        }
    }
    return 0;
}

int http_on_header_value_complete(llhttp_t *parser)
{
    const struct direction to = http_direction(parser);
    if (*to.value_len > 0 && take_word(&to) != 0) {
        return HTTP_STOP;
    }
    bool empty_coding =
        to.side->header == HEADER_TRANSFER_ENCODING && !(parser->flags & F_TRANSFER_ENCODING);
    *to.value_len = 0;
    to.side->header = HEADER_OTHER;
    if (to.side->marks & MARK_BOUND) {
        return http_refuse(&to, REASON_AUTH);
    }
    return empty_coding ? http_refuse(&to, REASON_MALFORMED) : 0;
}
