/* SPDX-License-Identifier: MIT
 * What became of a connection: counted for its destination, and told where that was asked for. */
#ifndef TWPOOL_SHIM_VERDICT_H
#define TWPOOL_SHIM_VERDICT_H

#include "pool.h"

/* All are async-signal-safe and preserve errno; a NULL destination is allowed and counts nothing.
 */
void verdict_opened(struct dest *dest);
void verdict_reused(struct dest *dest);
void verdict_parked(struct dest *dest);
void verdict_deferred(struct dest *dest);

/* A close that was no parking, or a connect() that was no reuse. */
void verdict_refused(struct dest *dest, enum reason reason);

/* The same for a close: the last such reason is what the hint names. raw_fits: this connection met
 * the conditions of the rule `raw`. */
void verdict_closed(struct dest *dest, enum reason reason, bool raw_fits);

/* A real connect() failed with EADDRNOTAVAIL: the one line that we print unasked, once, if stderr
 * is a terminal. */
void verdict_no_port(const struct dest *dest);

#endif
