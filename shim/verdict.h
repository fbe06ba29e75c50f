/* SPDX-License-Identifier: MIT
 * What became of a connection: counted for its destination, and told where that was asked for. */
#ifndef TWPOOL_SHIM_VERDICT_H
#define TWPOOL_SHIM_VERDICT_H

#include "pool.h"
#include "witness/fit.h"

/* Every connect() to a destination is counted once as reused, or by verdict_refused() with a reason
 * of the group NOT_REUSED and then as opened or failed; with the rule off as opened or failed only.
 * Every close of what was opened or reused is counted once, as parked or by verdict_closed(), and
 * where it waits for the peer's as deferred too. So for each destination of a process
 *     opened + reused   = parked + what was not parked + what is still open
 *     opened + failed   = what was not reused + what a rule says off
 *     parked + deferred = reused + what ended idle + what is idle, or waits, now.
 * Not counted, because it is not seen, or belongs to no destination: addresses that are none (other
 * families, port 0, too many of them); sockets that somebody else made; a connect() that is
 * cancelled, or closed under by another thread and fails; a second connect() on a socket that was
 * connected or is connecting; and the closes of what was open when tracking stopped (a forked child
 * starts at 0, unshare(CLONE_FILES) leaves it open).
 *
 * All are async-signal-safe and preserve errno; where a destination may be NULL, nothing is counted
 * then. */
void verdict_opened(struct dest *dest);
void verdict_reused(struct dest *dest);
void verdict_parked(struct dest *dest);
void verdict_deferred(struct dest *dest);

/* A real connect() failed. When it did for want of a local port, that is told: once in a process,
 * and unless it was asked for only where stderr is a terminal and the pool could have helped. */
void verdict_failed(struct dest *dest, int error);

/* A real connect() has opened what a rule says off: its close is refused here and now, since it
 * will not be seen. */
void verdict_ruled_off(struct dest *dest);

/* A connect() that was no reuse, or the end of an idle connection; by the reason's group. dest may
 * be NULL. */
void verdict_refused(struct dest *dest, enum reason reason);

/* A close that was no parking: the last such reason is what the hint names. found: the rules that
 * this connection has fitted. dest->fitted becomes those that all have fitted, and FITTED_ANY. dest
 * may be NULL. */
enum { FITTED_ANY = FITS_RAW << 1 };
void verdict_closed(struct dest *dest, enum reason reason, fits found);

#endif
