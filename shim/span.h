/* SPDX-License-Identifier: MIT
 * A stretch of somebody else's text, not terminated: what the settings are parsed in. */
#ifndef TWPOOL_SHIM_SPAN_H
#define TWPOOL_SHIM_SPAN_H

#include "text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct span {
    const char *start;
    size_t len;
};

struct span span_of(const char *string);
bool span_is(struct span span, const char *word);

/* Takes from *rest what stands before the first separator, and the separator; all of it when there
 * is none. */
struct span span_take(struct span *rest, char separator);

/* Without the blanks (space, tab, newline) at both ends. */
struct span span_trim(struct span span);

/* Reads one or more decimal digits and nothing else. False beyond max; *number is then untouched.
 * The locale has no say. */
bool span_number(struct span span, uint32_t max, uint32_t *number);

/* Appends the span as one may show it on a terminal: every byte that is not printable ASCII as ?,
 * and cut short with ... when it is long. */
void span_show(struct span span, struct text *text);

#endif
