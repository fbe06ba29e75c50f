/* SPDX-License-Identifier: MIT
 * Text built in a buffer of the caller's, without stdio: usable in a signal handler. */
#ifndef TWPOOL_SHIM_TEXT_H
#define TWPOOL_SHIM_TEXT_H

#include <stddef.h>
#include <stdint.h>

/* What does not fit is dropped; len never passes size - 1, and buf is always terminated. */
struct text {
    char *buf;
    size_t size, len;
};

/* Takes a buffer of size >= 1, which must outlive the text. */
void text_init(struct text *text, char *buf, size_t size);
void text_add(struct text *text, const char *string);
void text_add_bytes(struct text *text, const char *bytes, size_t len);
void text_add_char(struct text *text, char c);
void text_add_number(struct text *text, int64_t number);
/* Appends number right-aligned in width columns, or string left-aligned in them. */
void text_add_number_padded(struct text *text, int64_t number, size_t width);
void text_add_padded(struct text *text, const char *string, size_t width);

#endif
