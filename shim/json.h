/* SPDX-License-Identifier: MIT
 * Strings as JSON has them (RFC 8259), whatever bytes they are made of. */
#ifndef TWPOOL_SHIM_JSON_H
#define TWPOOL_SHIM_JSON_H

#include "text.h"

/* Appends the bytes in quotes, NUL bytes included. Well-formed UTF-8 stays what it is, control
 * characters, quotes and backslashes are escaped, and each byte that is part of no well-formed
 * character becomes U+FFFD: what stands there is always valid. Pure; async-signal-safe. */
void json_add_bytes(struct text *text, const char *bytes, size_t len);

/* The same of a string. */
void json_add(struct text *text, const char *string);

#endif
