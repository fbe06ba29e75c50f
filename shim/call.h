/* SPDX-License-Identifier: MIT
 * One libc call on a tracked connection: counted while it lasts, and what it did noted after. */
#ifndef TWPOOL_SHIM_CALL_H
#define TWPOOL_SHIM_CALL_H

#include "conn.h"
#include "fdtable.h"
#include "goodbye.h"

#include <stdbool.h>
#include <sys/types.h>
#include <sys/uio.h>

/* Passed by value, in two registers: an untracked descriptor then needs no stack frame. */
struct call {
    struct conn *conn; /* NULL: untracked */
    uint32_t life;
    int fd;
};

/* The rest of call_begin_harmless() for a tracked descriptor. */
struct call call_begin_tracked(int fd);

/* For a call that cannot block, and that a half-close which is still held makes no difference to.
 * With a tracked connection behind fd, the call is counted as in flight, and one of the functions
 * below must follow the real one. A count that never ends (siglongjmp, cancellation) only keeps
 * this life from being parked. Waits, with a bound, while a release or an acquire holds the
 * connection. Else conn is NULL. The real call is to be made on the result's fd: it is -1, for an
 * EBADF as without us, where the application names a descriptor of ours, which it cannot know.
 * Async-signal-safe; preserves errno. */
static inline struct call call_begin_harmless(int fd)
{
    if (__builtin_expect(fdtable_get(fd) == 0, 1))
        return (struct call){.fd = fd};
    return call_begin_tracked(fd);
}

/* The same for any other call: what is held is sent first. */
static inline struct call call_begin(int fd)
{
    goodbye_send_first();
    return call_begin_harmless(fd);
}

/* The connection behind fd, for what only looks or marks: NULL when untracked. Not counted. */
struct conn *call_conn(int fd);

/* Each ends the call, preserves errno, and returns result. `result` is the real function's; bytes
 * are fed to the witness from buf, or from the vector, up to result. */
ssize_t call_end(struct call call, ssize_t result);
ssize_t call_sent(struct call call, const void *buf, ssize_t result);
ssize_t call_sent_vector(struct call call, const struct iovec *vector, size_t count,
                         ssize_t result);
/* flags are recv(2)'s; `asked` is how many bytes were asked for, so that 0 of 0 is no EOF. */
ssize_t call_received(struct call call, const void *buf, size_t asked, int flags, ssize_t result);
ssize_t call_received_vector(struct call call, const struct iovec *vector, size_t count, int flags,
                             ssize_t result);

/* The same for bytes that went out and that we cannot show the witness. `result` is a count that is
 * above 0 when any did. Makes the connection private. */
ssize_t call_sent_unseen(struct call call, ssize_t result);

/* A wait that covered the connection ended: by its time-out, or by a signal. Ends no call. */
void call_wait_timed_out(struct call call);
void call_wait_interrupted(struct call call);

/* The same for a connection whose lock the caller has. */
void call_note_time_out(struct conn *conn);

/* The fields under the lock, while the call's life lasts: false when it is over, or when another
 * thread has the lock, in which case the connection is now private. */
bool call_lock(struct call call);
void call_unlock(struct call call);

#endif
