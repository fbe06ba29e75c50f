/* SPDX-License-Identifier: MIT
 * The ways in which a number goes: closed, overwritten, one of several, or behind our back. */
#include "release.h"

#include "call.h"
#include "epollset.h"
#include "goodbye.h"
#include "idle.h"
#include "kernel.h"
#include "libc.h"
#include "ours.h"
#include "parking.h"
#include "process.h"
#include "verdict.h"
#include "waiting.h"

#include <errno.h>

static int leave(const struct departure *departure);
static bool leave_duplicate(const struct departure *departure, fd_entry entry, int *result);
static void end_seized(struct conn *conn, enum reason reason);
static void count_duplicate_out(struct conn *conn);
static int really_leave(const struct departure *departure);

int release_close(int fd)
{
    if (__builtin_expect(fdtable_get(fd) == 0, 1) || !process_owns_pool())
        return libc.close(fd);
    return leave(&(struct departure){.fd = fd, .how = BY_CLOSE});
}

void release_close_quietly(int fd)
{
    int saved_errno = errno;
    if (fdtable_get(fd) != 0)
        leave(&(struct departure){.fd = fd, .how = BY_QUIET_CLOSE});
    errno = saved_errno;
}

int release_overwrite(int source, int new_fd, enum overwrite how, int flags)
{
    const struct departure departure = {.fd = new_fd, .source = source, .how = how, .flags = flags};
    /* What the kernel will refuse changes nothing: let it say so. */
    if (kernel_fcntl(source, F_GETFD, 0) < 0 || (flags & ~O_CLOEXEC) != 0)
        return really_leave(&departure);
    return leave(&departure);
}

void release_by_stream(int fd, struct stream_end *end)
{
    if (__builtin_expect(fdtable_get(fd) == 0, 1) || !process_owns_pool())
        end->really(end);
    else
        leave(&(struct departure){.fd = fd, .how = BY_STREAM, .end = end});
}

void release_forget(int fd)
{
    fd_entry entry = fdtable_get(fd);
    if (fd_entry_kind(entry) == FD_OURS)
        idle_forget(fd_entry_pointer(entry));
    if (fd_entry_kind(entry) == FD_EPOLL)
        epollset_forget(fd, true);
    if (fd_entry_kind(entry) != FD_CONN)
        return;
    struct conn *conn = fd_entry_pointer(entry);
    uint64_t signals = kernel_block_signals();
    /* Looked at before the entry goes. When it is not open, another thread is parking it, and the
     * number is free since a moment: the record is that thread's, and soon in another life. */
    uint64_t gate = atomic_load(&conn->gate);
    if (fdtable_replace(fd, entry, 0) && gate_state(gate) == GATE_OPEN) {
        if (atomic_load(&conn->descriptors) > 1)
            count_duplicate_out(conn);
        else if (conn_seize(conn, gate_life(gate)))
            end_seized(conn, REASON_UNSEEN_CLOSE);
    }
    kernel_restore_signals(signals);
}

/* The call that the application made, unless a parking has made it already. */
static int really_leave(const struct departure *departure)
{
    if (departure->how == BY_CLOSE)
        return libc.close(departure->fd);
    if (departure->how == BY_QUIET_CLOSE)
        return kernel_close(departure->fd);
    if (departure->end != NULL) {
        departure->end->really(departure->end);
        return 0;
    }
    if (departure->how == BY_DUP2)
        return libc.dup2(departure->source, departure->fd);
    return libc.dup3(departure->source, departure->fd, departure->flags);
}

/* Where the kernel has closed it already, and nothing names the connection any more. */
static void end_seized(struct conn *conn, enum reason reason)
{
    verdict_closed(parking_counted_dest(conn), reason, FITS_NONE);
    goodbye_take(conn);
    if (conn_end_life(conn))
        conn_free(conn);
}

/* A descriptor of conn is gone. When two threads closed the last two at once, each as one of two,
 * no release has been made. */
static void count_duplicate_out(struct conn *conn)
{
    uint32_t life = gate_life(atomic_load(&conn->gate));
    if (atomic_fetch_sub(&conn->descriptors, 1) == 1 && conn_seize(conn, life))
        end_seized(conn, REASON_CONCURRENT);
}

/* One of several descriptors goes: the connection stays. It counts until the kernel has closed it,
 * and a call in flight keeps every release away: else another could park the connection, and this
 * number would still lead to it. A call that never returns (cancelled in close()) leaves it so. */
static bool leave_duplicate(const struct departure *departure, fd_entry entry, int *result)
{
    struct conn *conn = fd_entry_pointer(entry);
    struct call call = {0};
    if (atomic_load(&conn->descriptors) > 1 &&
        gate_state(atomic_load(&conn->gate)) == GATE_OPEN) /* else leave() waits, not this */
        call = call_begin_harmless(departure->fd);
    if (call.conn == NULL)
        return false;
    if (call.conn != conn || atomic_load(&conn->descriptors) <= 1 ||
        !fdtable_replace(departure->fd, entry, 0)) {
        call_end(call, 0);
        return false;
    }
    *result = really_leave(departure);
    call_end(call, 0);
    if (*result < 0 && !departure_is_close(departure))
        fdtable_replace(departure->fd, 0, entry); /* dup2() failed: it is still there */
    else
        count_duplicate_out(conn);
    return true;
}

/* conn is the application's, by this descriptor alone. CONTENDED: try again. */
static enum reason leave_last(const struct departure *departure, fd_entry entry,
                              enum outcome *outcome)
{
    struct conn *conn = fd_entry_pointer(entry);
    struct dest *dest = atomic_load(&conn->dest);
    uint32_t life = gate_life(atomic_load(&conn->gate));
    enum reason reason = conn_hold(conn);
    /* Another thread is in a call on it: that call stays on this connection, as with libc. */
    bool seized = reason == REASON_IN_CALL && conn_seize(conn, life);
    if (reason != REASON_NONE && !seized)
        return REASON_CONTENDED;
    if (fdtable_get(departure->fd) != entry || atomic_load(&conn->descriptors) != 1) {
        if (seized)
            conn_refuse(conn, REASON_IN_CALL); /* its count of calls is lost */
        conn_resume(conn);
        return REASON_CONTENDED;
    }
    if (!seized) {
        *outcome = parking_release(conn, entry, departure);
        return REASON_NONE;
    }
    verdict_closed(dest, REASON_IN_CALL, FITS_NONE);
    uint32_t goodbye = goodbye_take(conn);
    if (goodbye != 0)
        goodbye_send(departure->fd, goodbye);
    parking_end_here(conn, entry, departure->fd);
    return REASON_IN_CALL;
}

static int leave(const struct departure *departure)
{
    int fd = departure->fd, result = 0;
    if (departure->how == BY_CLOSE)
        libc.pthread_testcancel(); /* close(2) is a cancellation point: before anything is done */
    for (struct waiting waiting = {0}; !waiting_is_over(&waiting); waiting_pause(&waiting)) {
        fd_entry entry = fdtable_get(fd);
        if (ours_is(fd)) {
            idle_evict_descriptor(fd); /* for the application this number was never open */
            if (!departure_is_close(departure) || departure->how == BY_STREAM)
                break;
            errno = EBADF;
            return -1;
        }
        if (fd_entry_kind(entry) == FD_EPOLL)
            epollset_forget(fd, departure_is_close(departure)); /* an overwriting may still fail */
        if (fd_entry_kind(entry) != FD_CONN)
            break;
        if (leave_duplicate(departure, entry, &result))
            return result;
        uint64_t signals = kernel_block_signals();
        enum outcome outcome = REMAINS;
        enum reason reason = leave_last(departure, entry, &outcome);
        kernel_restore_signals(signals);
        if (outcome == LEFT)
            return departure_is_close(departure) ? 0 : fd;
        if (reason != REASON_CONTENDED)
            break;
        /* Another thread closes it, or hands it out: its end is soon. */
    }
    return really_leave(departure);
}
