/* SPDX-License-Identifier: MIT
 * Every guard of parking, in the order in which a release passes them. */
#include "release.h"

#include "call.h"
#include "config.h"
#include "defer.h"
#include "epollset.h"
#include "hide.h"
#include "idle.h"
#include "kernel.h"
#include "libc.h"
#include "options.h"
#include "ours.h"
#include "process.h"
#include "registration.h"
#include "settings.h"
#include "tcp.h"
#include "upkeep.h"
#include "verdict.h"
#include "waiting.h"

#include <errno.h>
#include <stdint.h>

/* How the application's number goes: closed, or overwritten by a duplicate of source. */
struct departure {
    int fd;
    enum overwrite how;
    int source; /* what overwrites it */
    int flags;  /* dup3's */
};

/* What has become of the application's number once a release has looked at it. */
enum outcome {
    LEFT,   /* it is gone, and the call's result is known */
    REMAINS /* the real call is still to be made */
};

static int leave(const struct departure *departure);
static bool leave_duplicate(const struct departure *departure, fd_entry entry, int *result);
static struct dest *counted_dest(const struct conn *conn);
static void end_seized(struct conn *conn, enum reason reason);
static void count_duplicate_out(struct conn *conn);
static int really_leave(const struct departure *departure);
static void end_here(struct conn *conn, fd_entry entry, int fd);
static enum outcome release(struct conn *conn, fd_entry entry, const struct departure *departure);
static enum reason refusal(const struct conn *conn, const struct departure *departure);
static bool is_at_rest(const struct conn *conn, int fd);
static bool may_leave_sets(const struct conn *conn, const struct departure *departure);
static enum reason take_away(struct conn *conn, fd_entry entry, const struct departure *departure);
static enum reason park(struct conn *conn, uint64_t now_ms);
static enum reason wait_for_peer(struct conn *conn, enum reason refused, uint64_t now_ms);

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

/* Under which the close is counted: none where no connect() was, or all have failed. */
static struct dest *counted_dest(const struct conn *conn)
{
    return conn_has(conn, CONN_CONNECTED) ? atomic_load(&conn->dest) : NULL;
}

static bool is_close(const struct departure *departure)
{
    return departure->how == BY_CLOSE || departure->how == BY_QUIET_CLOSE;
}

int release_overwrite(int source, int new_fd, enum overwrite how, int flags)
{
    const struct departure departure = {.fd = new_fd, .source = source, .how = how, .flags = flags};
    /* What the kernel will refuse changes nothing: let it say so. */
    if (kernel_fcntl(source, F_GETFD, 0) < 0 || (flags & ~O_CLOEXEC) != 0)
        return really_leave(&departure);
    return leave(&departure);
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
    if (departure->how == BY_DUP2)
        return libc.dup2(departure->source, departure->fd);
    return libc.dup3(departure->source, departure->fd, departure->flags);
}

/* Where the kernel has closed it already, and nothing names the connection any more. */
static void end_seized(struct conn *conn, enum reason reason)
{
    verdict_closed(counted_dest(conn), reason, false);
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
        call = call_begin(departure->fd);
    if (call.conn == NULL)
        return false;
    if (call.conn != conn || atomic_load(&conn->descriptors) <= 1 ||
        !fdtable_replace(departure->fd, entry, 0)) {
        call_end(call, 0);
        return false;
    }
    *result = really_leave(departure);
    call_end(call, 0);
    if (*result < 0 && !is_close(departure))
        fdtable_replace(departure->fd, 0, entry); /* dup2() failed: it is still there */
    else
        count_duplicate_out(conn);
    return true;
}

/* The application's number is about to go by a real call, and this life, which we hold, with it. */
static void end_here(struct conn *conn, fd_entry entry, int fd)
{
    if (fdtable_replace(fd, entry, 0) && conn_end_life(conn))
        conn_free(conn);
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
        *outcome = release(conn, entry, departure);
        return REASON_NONE;
    }
    verdict_closed(dest, REASON_IN_CALL, false);
    end_here(conn, entry, departure->fd);
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
            if (!is_close(departure))
                break;
            errno = EBADF;
            return -1;
        }
        if (fd_entry_kind(entry) == FD_EPOLL)
            epollset_forget(fd, is_close(departure)); /* an overwriting may still fail */
        if (fd_entry_kind(entry) != FD_CONN)
            break;
        if (leave_duplicate(departure, entry, &result))
            return result;
        uint64_t signals = kernel_block_signals();
        enum outcome outcome = REMAINS;
        enum reason reason = leave_last(departure, entry, &outcome);
        kernel_restore_signals(signals);
        if (outcome == LEFT)
            return is_close(departure) ? 0 : fd;
        if (reason != REASON_CONTENDED)
            break;
        /* Another thread closes it, or hands it out: its end is soon. */
    }
    return really_leave(departure);
}

static void note_outcome(struct conn *conn, uint64_t now_ms)
{
    struct dest *dest = atomic_load(&conn->dest);
    if (dest == NULL || !conn_has(conn, CONN_REUSED))
        return;
    if (conn->received > 0) {
        conn->item.proven = true;
        pool_note_good(dest);
    } else if (conn_has(conn, CONN_PEER_CLOSED)) {
        pool_note_stale(dest, now_ms);
    }
}

/* conn is held, signals are blocked. */
static enum outcome release(struct conn *conn, fd_entry entry, const struct departure *departure)
{
    int fd = departure->fd;
    uint64_t now_ms = kernel_now_ms();
    if (tcp_cookie(fd) != conn->cookie) {
        verdict_closed(counted_dest(conn), REASON_IDENTITY, false);
        end_here(conn, entry, fd);
        return REMAINS;
    }
    note_outcome(conn, now_ms);
    idle_sweep(now_ms);
    if (conn_take_set_timeouts(conn))
        call_note_time_out(conn);
    enum reason refused = refusal(conn, departure);
    bool parks = refused == REASON_NONE;
    bool leaves = parks || (defer_may(conn) && may_leave_sets(conn, departure));
    enum reason reason = leaves ? take_away(conn, entry, departure) : refused;
    bool may_free = reason != REASON_CONCURRENT; /* else a late call may still look at the record */
    if (leaves && reason == REASON_NONE) {
        reason = parks ? park(conn, now_ms) : wait_for_peer(conn, refused, now_ms);
        if (reason == REASON_NONE) {
            upkeep_expect();
            return LEFT;
        }
    }
    /* Where that was given up after the number had gone, the connection is behind ours. */
    bool number_gone = conn->hidden_fd >= 0;
    int last_fd = number_gone ? conn->hidden_fd : fd;
    bool at_rest = is_at_rest(conn, last_fd);
    verdict_closed(counted_dest(conn), reason,
                   at_rest && !conn_has(conn, CONN_RAW_UNFIT) && !conn_has(conn, CONN_TIMED_OUT));
    if (at_rest && settings()->close == CLOSE_CLEAN)
        tcp_set_clean_close(last_fd, true);
    if (!number_gone) {
        end_here(conn, entry, fd);
        return REMAINS;
    }
    idle_drop(conn, may_free);
    return LEFT;
}

/* An overwriting may fail, and what the application then still has would be out of its sets. */
static bool may_leave_sets(const struct conn *conn, const struct departure *departure)
{
    return !conn_has(conn, CONN_REGISTERED) ||
           registration_may_leave(conn, is_close(departure) ? departure->fd : -1);
}

/* What can be told without the kernel. */
static enum reason refusal(const struct conn *conn, const struct departure *departure)
{
    enum reason refused = (enum reason)atomic_load(&conn->refusal);
    if (refused != REASON_NONE)
        return refused;
    if (!process_is_pooling())
        return REASON_INERT;
    if (atomic_load(&conn->epoch) != process_epoch())
        return REASON_SHARED;
    if (!conn_has(conn, CONN_CONNECTED))
        return REASON_NOT_CONNECTED;
    if (conn_has(conn, CONN_PEER_CLOSED))
        return REASON_PEER_CLOSED;
    if (!may_leave_sets(conn, departure))
        return REASON_EPOLL;
    if (conn_has(conn, CONN_LINGER)) /* its close may block; ours, when it is retired, must not */
        return REASON_LINGER;
    if (conn->witness.state != WITNESS_IDLE)
        return conn->witness.reason;
    if (atomic_load(&conn->rule) == RULE_RAW && conn->sent > 0 &&
        (!conn_has(conn, CONN_LAST_RECEIVED) || conn_has(conn, CONN_INTERRUPTED)))
        return REASON_RESPONSE_INCOMPLETE;
    return REASON_NONE;
}

/* The conditions of the clean close, the kernel's word included. */
static bool is_at_rest(const struct conn *conn, int fd)
{
    struct tcp_view view;
    bool heard_last =
        conn_has(conn, CONN_LAST_RECEIVED) || (conn_has(conn, CONN_REUSED) && conn->sent == 0);
    if (!heard_last || conn_has(conn, CONN_PEER_CLOSED) || conn_has(conn, CONN_LINGER) ||
        conn_has(conn, CONN_PLAIN_CLOSE) || atomic_load(&conn->epoch) != process_epoch())
        return false;
    return tcp_look(fd, &view) == 0 && view.established && !view.has_unsent &&
           view.acked - conn->acked_base == conn->sent &&
           view.received - conn->receive_base == conn->received;
}

/* The last word, when no descriptor of the application's is left to change it. */
static enum reason kernel_refusal(const struct conn *conn, const struct tcp_view *view)
{
    uint64_t acked = view->acked - conn->acked_base;
    uint64_t received = view->received - conn->receive_base;
    if (!view->established)
        return REASON_PEER_CLOSED;
    if (acked < conn->sent || view->has_unsent) /* or what was sent unseen is on its way */
        return REASON_UNACKED;
    if (received > conn->received && tcp_has_unread(conn->hidden_fd))
        return REASON_UNREAD;
    if (acked != conn->sent || received != conn->received)
        return REASON_COUNTERS;
    return REASON_NONE;
}

static int give_up_number(const struct departure *departure)
{
    if (is_close(departure))
        return kernel_close(departure->fd);
    return kernel_dup3(departure->source, departure->fd, departure->flags);
}

/* First behind a number of ours, then off the application's, and only then the last look: from
 * there nobody else can touch it. A child that is forked from here on finds the number marked as
 * ours and closes it; one forked before shows by the epoch, which is looked at once more for that.
 * On a refusal conn->hidden_fd tells whether the application's number is gone. */
static enum reason take_away(struct conn *conn, fd_entry entry, const struct departure *departure)
{
    int hidden = hide_descriptor(departure->fd);
    if (hidden < 0)
        return REASON_NO_DESCRIPTOR;
    if (!fdtable_set(hidden, fd_entry_make(FD_OURS, conn))) {
        kernel_close(hidden);
        return REASON_NO_MEMORY;
    }
    /* Out of its sets while the number still leads to it, and when nothing can fail any more. */
    bool is_out = !conn_has(conn, CONN_REGISTERED) || registration_leave(conn, departure->fd);
    if (!is_out || give_up_number(departure) < 0) {
        kernel_close(hidden);
        fdtable_replace(hidden, fd_entry_make(FD_OURS, conn), 0);
        return is_out ? REASON_CONTENDED : REASON_EPOLL;
    }
    conn->hidden_fd = hidden;
    bool ended = conn_end_life(conn);
    /* Until here others who use the number wait; it may have been given out again meanwhile, and
     * then is another entry. */
    fdtable_replace(departure->fd, entry, 0);
    return ended ? REASON_NONE : REASON_CONCURRENT;
}

static enum reason park(struct conn *conn, uint64_t now_ms)
{
    struct tcp_view view;
    int hidden = conn->hidden_fd;
    int looked = tcp_look(hidden, &view);
    if (looked == -ENOSYS)
        process_go_inert("the kernel has no byte counters in TCP_INFO (Linux 4.6)");
    if (looked != 0)
        return looked == -ENOSYS ? REASON_INERT : REASON_IDENTITY;
    enum reason reason = kernel_refusal(conn, &view);
    if (reason == REASON_NONE)
        reason = (enum reason)atomic_load(&conn->refusal); /* someone gave up waiting for us */
    if (reason == REASON_NONE && !options_allow_reuse(conn, hidden))
        reason = REASON_OPTION;
    if (reason == REASON_NONE && atomic_load(&conn->epoch) != process_epoch())
        reason = REASON_SHARED;
    if (reason != REASON_NONE)
        return reason;
    if (conn_has(conn, CONN_CONNECTING))
        tcp_settle_connect(hidden);
    conn->acked_base = view.acked;
    conn->receive_base = view.received;
    conn->sent = conn->received = 0; /* as counted from here, should it not be parked after all */
    return idle_park(conn, now_ms);
}

/* The close waits for the peer's, which is on its way. Unread bytes make it libc's: an RST. */
static enum reason wait_for_peer(struct conn *conn, enum reason refused, uint64_t now_ms)
{
    struct tcp_view view;
    struct dest *dest = atomic_load(&conn->dest);
    if (tcp_look(conn->hidden_fd, &view) != 0 || !view.established ||
        view.received - conn->receive_base != conn->received ||
        view.acked - conn->acked_base > conn->sent)
        return refused;
    /* Asked again, since someone may have given up waiting for us, or a child been forked. */
    if (!defer_may(conn) || !defer_put(conn, now_ms))
        return refused;
    verdict_closed(dest, refused, false);
    return REASON_NONE;
}
