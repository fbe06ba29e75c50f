/* SPDX-License-Identifier: MIT
 * What became of the connections, for people: the report at exit and the hint when ports run out.
 */
#ifndef TWPOOL_SHIM_STATS_H
#define TWPOOL_SHIM_STATS_H

#include "config.h"
#include "pool.h"
#include "text.h"

/* Writes the report where config->stats says: nowhere when it is empty; to stderr while that is
 * still the file it was at log_open(); else appended to the file, made with mode 0644 if need be,
 * whose %p is pid. Symbolic links are followed. What cannot be opened or written costs one line on
 * stderr, and a FIFO without a reader does not block. Nothing is written when no destination was
 * seen, but for one line when inert_reason, why the shim switched itself off, is not NULL. pool may
 * be NULL. No allocation; preserves errno. */
void stats_write(struct pool *pool, const struct config *config, long pid,
                 const char *inert_reason);

/* Appends the line for a connect() to dest that failed with EADDRNOTAVAIL: the destination, why its
 * last connection was not pooled, and the rule that would help if there is one. Without a newline;
 * below 400 bytes. Async-signal-safe. */
void stats_hint_line(struct text *text, const struct dest *dest);

#endif
