/* SPDX-License-Identifier: MIT
 * Reads lines of memcached's text protocol, and counts the data that follow them. */
#include "memcached.h"

#include <string.h>

enum { DATA_END_LEN = 2 }; /* CR LF, after the data */

/* The one SERVER_ERROR after which all is known to be in step: memcached has passed over the data,
 * or will. */
static const char too_large[] = "SERVER_ERROR object too large for cache";

static bool add_to_length(struct memcached_text *text, char byte);
static void add_to_word(struct memcached_text *text, char byte);

enum memcached_progress memcached_line_take(struct memcached_text *text, char byte)
{
    bool blank = byte == ' ', control = (unsigned char)byte < ' ' || byte == 0x7f;
    if (byte == '\n') {
        text->left = text->length + DATA_END_LEN;
        text->in_data = text->has_length;
        return text->words == 0 ? MEMCACHED_FAULT : MEMCACHED_WHOLE;
    }
    if (text->cr || (control && byte != '\r') || (blank && text->words == 0)) {
        return MEMCACHED_FAULT;
    }
    text->cr = byte == '\r';
    if (text->cr) {
        return MEMCACHED_MORE;
    }
    if (text->len < sizeof too_large - 1 && text->sentence == text->len &&
        byte == too_large[text->len]) {
        text->sentence++;
    }
    text->len += text->len < UINT32_MAX;
    if (blank) {
        text->space = true;
        return MEMCACHED_MORE;
    }
    add_to_word(text, byte);
    bool length = text->length_at > 0 && text->words == text->length_at;
    return !length || add_to_length(text, byte) ? MEMCACHED_MORE : MEMCACHED_FAULT;
}

/* Words may be several spaces apart. */
static void add_to_word(struct memcached_text *text, char byte)
{
    if (text->words == 0 || text->space) {
        text->words += text->words < UINT8_MAX;
        text->last_len = 0;
        text->space = false;
        text->asks_quiet |= byte == 'q' && text->words > 2;
    }
    bool digit = byte >= '0' && byte <= '9';
    text->number = digit && (text->number || text->len == 1);
    if (text->words == 1) {
        if (text->first_len < MEMCACHED_FIRST_MAX) {
            text->first[text->first_len] = byte;
        }
        text->first_len += text->first_len < UINT8_MAX;
    }
    if (text->last_len < MEMCACHED_LAST_MAX) {
        text->last[text->last_len] = byte;
    }
    text->last_len += text->last_len < UINT8_MAX;
}

static bool add_to_length(struct memcached_text *text, char byte)
{
    if (byte < '0' || byte > '9' || text->length > MEMCACHED_DATA_MAX / 10) {
        return false;
    }
    text->length = text->length * 10 + (uint32_t)(byte - '0');
    text->has_length = true;
    return text->length <= MEMCACHED_DATA_MAX;
}

enum memcached_progress memcached_data_take(struct memcached_text *text, const char **at,
                                            const char *end)
{
    if (text->left > DATA_END_LEN) {
        size_t available = (size_t)(end - *at), data_left = text->left - DATA_END_LEN;
        size_t taken = available < data_left ? available : data_left;
        *at += taken;
        text->left -= (uint32_t)taken;
        return MEMCACHED_MORE;
    }
    char expected = text->left == DATA_END_LEN ? '\r' : '\n';
    text->left--;
    if (*(*at)++ != expected) {
        return MEMCACHED_FAULT;
    }
    return text->left == 0 ? MEMCACHED_WHOLE : MEMCACHED_MORE;
}

bool memcached_first_word_is(const struct memcached_text *text, const char *word)
{
    size_t len = strlen(word);
    return text->first_len == len && memcmp(text->first, word, len) == 0;
}

bool memcached_line_says_too_large(const struct memcached_text *text)
{
    return text->sentence == sizeof too_large - 1 && text->len == sizeof too_large - 1;
}
