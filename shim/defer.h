/* SPDX-License-Identifier: MIT
 * Closes that wait for the peer's: whoever closes first keeps the TIME_WAIT. */
#ifndef TWPOOL_SHIM_DEFER_H
#define TWPOOL_SHIM_DEFER_H

#include "config.h"
#include "conn.h"

/* For the application these connections are closed. They are never handed out: each is kept behind
 * conn->hidden_fd until the peer's FIN is seen, and then closed, passively. Only for the owner of
 * the pool (process.h), with signals blocked, unless it says otherwise. All preserve errno. */

void defer_start(const struct config *config);

/* Whether a close of conn may wait: its peer is about to close, and nothing about conn asks for
 * libc's own close. The caller holds it. */
bool defer_may(const struct conn *conn);

/* Keeps conn, whose life has ended and of which the application has no descriptor. On false (no
 * room, or the lock is contended) it is still the caller's. The oldest one may be ended for it. */
bool defer_put(struct conn *conn, uint64_t now_ms);

/* Ends what the peer has closed meanwhile, or what has waited too long; looks at the two oldest,
 * since a release or an acquire pays for it. True when there may be more: it ended both. */
bool defer_sweep(uint64_t now_ms);

/* When to look again, for whoever would wait past it: soon at first, then more and more rarely, and
 * when the oldest has waited too long. UINT64_MAX while none waits. A load; by anyone. */
uint64_t defer_deadline_ms(void);

/* Ends this one, for this reason; false when it does not wait here. */
bool defer_drop(struct conn *conn, enum reason reason);

/* Ends the oldest, for this reason; false when there is none. */
bool defer_drop_oldest(enum reason reason);

/* In a new child: forgets them all; closes nothing. */
void defer_forget_all(void);

#endif
