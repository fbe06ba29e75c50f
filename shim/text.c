/* SPDX-License-Identifier: MIT
 * Text built in a buffer of the caller's, without stdio. */
#include "text.h"

#include <string.h>

enum { DIGITS_MAX = 20 }; /* "-9223372036854775808" */

static size_t digits_of(int64_t number, char digits[DIGITS_MAX]);
static void add_spaces(struct text *text, size_t len, size_t width);

void text_init(struct text *text, char *buf, size_t size)
{
    text->buf = buf;
    text->size = size;
    text->len = 0;
    buf[0] = '\0';
}

void text_add(struct text *text, const char *string)
{
    text_add_bytes(text, string, strlen(string));
}

void text_add_bytes(struct text *text, const char *bytes, size_t len)
{
    size_t room = text->size - 1 - text->len;
    if (len > room)
        len = room;

    memcpy(text->buf + text->len, bytes, len);
    text->len += len;
    text->buf[text->len] = '\0';
}

void text_add_char(struct text *text, char c)
{
    text_add_bytes(text, &c, 1);
}

void text_add_number(struct text *text, int64_t number)
{
    text_add_number_padded(text, number, 0);
}

void text_add_number_padded(struct text *text, int64_t number, size_t width)
{
    char digits[DIGITS_MAX];
    size_t len = digits_of(number, digits);

    add_spaces(text, len, width);
    text_add_bytes(text, digits + DIGITS_MAX - len, len);
}

void text_add_padded(struct text *text, const char *string, size_t width)
{
    size_t len = strlen(string);

    text_add_bytes(text, string, len);
    add_spaces(text, len, width);
}

/* Writes the number at the end of digits; returns its length. */
static size_t digits_of(int64_t number, char digits[DIGITS_MAX])
{
    /* Unsigned, because -INT64_MIN is not an int64_t. */
    uint64_t rest = number < 0 ? -(uint64_t)number : (uint64_t)number;
    size_t len = 0;

    do {
        digits[DIGITS_MAX - ++len] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (number < 0)
        digits[DIGITS_MAX - ++len] = '-';
    return len;
}

static void add_spaces(struct text *text, size_t len, size_t width)
{
    for (; len < width; len++)
        text_add_char(text, ' ');
}
