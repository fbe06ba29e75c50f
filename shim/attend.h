/* SPDX-License-Identifier: MIT
 * A read that blocks while a close waits for the peer's: that peer may be waiting for ours. */
#ifndef TWPOOL_SHIM_ATTEND_H
#define TWPOOL_SHIM_ATTEND_H

#include "call.h"
#include "defer.h"

/* The rest of attend_before_read(). */
bool attend_slowly(struct call call, int flags);

/* Before a real read(2) or recv(2) with these flags, whose call has begun. A server with one worker
 * may answer nobody before it has seen the end of a connection whose close we hold back, and
 * nothing of ours runs while the application blocks: so where it would, the deferred closes are
 * looked after first, until there is something to read or none of them is left (TWPOOL_DEFER).
 * False: there is to be no real call. errno is EINTR when a signal came whose handler would have
 * ended it, and has run; EAGAIN when SO_RCVTIMEO is over; EBADF when another thread has closed fd
 * meanwhile: with libc the read would go on, on a socket that we cannot reach any more. A
 * cancellation point where it waits. Preserves errno otherwise.
 * A load while no close is deferred. */
static inline bool attend_before_read(struct call call, int flags)
{
    return __builtin_expect(defer_deadline_ms() == UINT64_MAX, 1) || attend_slowly(call, flags);
}

#endif
