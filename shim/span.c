/* SPDX-License-Identifier: MIT
 * Small readers of unterminated text. */
#include "span.h"

#include <string.h>

enum { SHOWN_MAX = 40 }; /* enough to recognise a value by; a complaint stays on one line */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n';
}

struct span span_of(const char *string)
{
    return (struct span){string, strlen(string)};
}

bool span_is(struct span span, const char *word)
{
    return span.len == strlen(word) && memcmp(span.start, word, span.len) == 0;
}

struct span span_take(struct span *rest, char separator)
{
    const char *found = memchr(rest->start, separator, rest->len);
    struct span head = *rest;
    if (found == NULL) {
        rest->start += rest->len;
        rest->len = 0;
        return head;
    }
    head.len = (size_t)(found - rest->start);
    rest->start += head.len + 1;
    rest->len -= head.len + 1;
    return head;
}

struct span span_trim(struct span span)
{
    while (span.len > 0 && is_blank(span.start[0])) {
        span.start++;
        span.len--;
    }
    while (span.len > 0 && is_blank(span.start[span.len - 1]))
        span.len--;
    return span;
}

bool span_number(struct span span, uint32_t max, uint32_t *number)
{
    uint64_t value = 0;
    if (span.len == 0)
        return false;
    for (size_t i = 0; i < span.len; i++) {
        if (span.start[i] < '0' || span.start[i] > '9')
            return false;
        value = value * 10 + (uint64_t)(span.start[i] - '0');
        if (value > max) /* at once, or a long value would wrap */
            return false;
    }
    *number = (uint32_t)value;
    return true;
}

void span_show(struct span span, struct text *text)
{
    for (size_t i = 0; i < span.len && i < SHOWN_MAX; i++) {
        char c = span.start[i];
        text_add_char(text, c >= ' ' && c <= '~' ? c : '?');
    }
    if (span.len > SHOWN_MAX)
        text_add(text, "...");
}
