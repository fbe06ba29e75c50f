/* SPDX-License-Identifier: MIT
 * What a person could do about connections that are not reused. */
#ifndef TWPOOL_SHIM_HINT_H
#define TWPOOL_SHIM_HINT_H

#include "pool.h"
#include "text.h"

/* All are async-signal-safe and preserve errno. */

/* False when there is no more to say about this reason than its own name and explanation. */
bool hint_exists(const struct dest *dest, enum reason reason);

/* Appends what would get past this reason, or that nothing would; below 250 bytes. */
void hint_add(struct text *text, const struct dest *dest, enum reason reason);

/* Appends the line for a connect() to dest that failed with EADDRNOTAVAIL: the destination, why its
 * last connection was not pooled, and the rule that would help if there is one. Without a newline;
 * below 400 bytes. */
void hint_no_port(struct text *text, const struct dest *dest);

/* Whether the pool refused what could have saved a port of that destination's. */
bool hint_no_port_is_ours(const struct dest *dest);

#endif
