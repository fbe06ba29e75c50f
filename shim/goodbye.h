/* SPDX-License-Identifier: MIT
 * Half-closes that only announce a close: held back until that close, or until they matter. */
#ifndef TWPOOL_SHIM_GOODBYE_H
#define TWPOOL_SHIM_GOODBYE_H

#include "conn.h"
#include "thread.h"

/* Some clients say by shutdown(2) that they are done, and close then (Java, redis-py,
 * libmemcached). The FIN would keep the connection from being reused, and make a client that the
 * server was to close first the one that does. So a shutdown() of a connection at rest is reported
 * as done and held: its close takes it back, and the connection is parked, or waits for its peer.
 * Whatever the application does in between that could tell the difference, or could wait for what
 * the peer does when it hears of it, has it sent first, by whichever thread. */

/* How many are held. goodbye.c's; a load of this is all that others may do. */
extern _Atomic uint32_t goodbyes_held;

/* Sends every one, in this thread or, where another is at it, once that has. Waits with a bound.
 * Nothing in a process that does not own the pool. Async-signal-safe; preserves errno. */
void goodbye_send_all(void);

/* For every hook that may block, or shows what a half-close does, before it looks at anything: two
 * loads while nothing is held. Without it a thread may wait for ever for what was never sent. */
static inline void goodbye_send_first(void)
{
    if (__builtin_expect(!thread_is_known, 0))
        thread_make_known();
    if (__builtin_expect(atomic_load(&goodbyes_held) != 0, 0))
        goodbye_send_all();
}

/* Holds shutdown(fd, how): true when it may be reported as done. False: nothing was changed, or it
 * has been sent already, and the real call is to be made. Not while another thread of the process
 * waits for anything but its like (thread.h), since it may wait for this. Blocks signals itself;
 * async-signal-safe; preserves errno. */
bool goodbye_hold(int fd, int how);

/* What is held of a connection whose gate the caller holds, and that is about to be closed: the
 * caller's from now on. 0 for nothing, else for goodbye_send(). */
uint32_t goodbye_take(struct conn *conn);

/* The real shutdown(2) of what was taken, on fd. */
void goodbye_send(int fd, uint32_t goodbye);

/* When what is held is to be sent whatever happens, UINT64_MAX while nothing is: for a reaper,
 * while the application waits in a call that no hook sees. A load. */
uint64_t goodbye_deadline_ms(void);

/* In a new child: what its parent holds is the parent's to send. */
void goodbye_forget_all(void);

#endif
