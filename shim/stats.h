/* SPDX-License-Identifier: MIT
 * The report at exit: what became of the connections. */
#ifndef TWPOOL_SHIM_STATS_H
#define TWPOOL_SHIM_STATS_H

#include "config.h"
#include "pool.h"

/* Writes the report where config->stats says: nowhere when it is empty; to stderr while that is
 * still the file it was at log_open(); else appended to the file, made with mode 0644 if need be,
 * whose %p is pid. Symbolic links are followed. What cannot be opened or written costs one line on
 * stderr, and a FIFO without a reader does not block. Nothing is written when no destination was
 * seen, but for one line when inert_reason, why the shim switched itself off, is not NULL. pool may
 * be NULL. It is JSON where the name ends in ".json" (README.md has its fields), else text. No
 * allocation but of mapped memory; preserves errno. */
void stats_write(struct pool *pool, const struct config *config, long pid,
                 const char *inert_reason);

#endif
