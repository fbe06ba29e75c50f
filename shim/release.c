/* SPDX-License-Identifier: MIT
 * Every guard of parking, in the order in which a release passes them. */
#include "release.h"

#include "call.h"
#include "config.h"
#include "hide.h"
#include "idle.h"
#include "kernel.h"
#include "libc.h"
#include "process.h"
#include "settings.h"
#include "tcp.h"
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
static bool drop_duplicate(struct conn *conn, fd_entry entry, int fd);
static void end_here(struct conn *conn, fd_entry entry, int fd);
static enum outcome release(struct conn *conn, fd_entry entry, const struct departure *departure);
static enum reason refusal(const struct conn *conn);
static bool is_at_rest(const struct conn *conn, int fd);
static enum reason park(struct conn *conn, fd_entry entry, const struct departure *departure);

int release_close(int fd)
{
    if (__builtin_expect(fdtable_get(fd) == 0, 1) || !process_owns_pool())
        return libc.close(fd);
    return leave(&(struct departure){.fd = fd, .how = BY_CLOSE});
}

int release_overwrite(int source, int new_fd, enum overwrite how, int flags)
{
    return leave(&(struct departure){.fd = new_fd, .source = source, .how = how, .flags = flags});
}

void release_forget(int fd)
{
    fd_entry entry = fdtable_get(fd);
    if (fd_entry_kind(entry) == FD_OURS)
        idle_forget(fd_entry_pointer(entry));
    if (fd_entry_kind(entry) == FD_EPOLL && fdtable_replace(fd, entry, 0))
        epoll_set_free(fd_entry_pointer(entry));
    if (fd_entry_kind(entry) != FD_CONN)
        return;
    struct conn *conn = fd_entry_pointer(entry);
    if (drop_duplicate(conn, entry, fd))
        return;
    uint64_t signals = kernel_block_signals();
    if (conn_hold(conn) != REASON_CONTENDED)
        end_here(conn, entry, fd);
    else /* another thread is parking it, and the number is free since a moment: the record is its
          */
        fdtable_replace(fd, entry, 0);
    kernel_restore_signals(signals);
}

/* The call that the application made, unless a parking has made it already. */
static int really_leave(const struct departure *departure)
{
    if (departure->how == BY_CLOSE)
        return libc.close(departure->fd);
    if (departure->how == BY_DUP2)
        return libc.dup2(departure->source, departure->fd);
    return libc.dup3(departure->source, departure->fd, departure->flags);
}

/* One of several descriptors goes: the connection stays. False when it became the last meanwhile.
 */
static bool drop_duplicate(struct conn *conn, fd_entry entry, int fd)
{
    uint32_t descriptors = atomic_load(&conn->descriptors);
    do {
        if (descriptors <= 1)
            return false;
    } while (!atomic_compare_exchange_weak(&conn->descriptors, &descriptors, descriptors - 1));
    fdtable_replace(fd, entry, 0);
    return true;
}

/* The application's number is about to go by a real call, and this life with it. */
static void end_here(struct conn *conn, fd_entry entry, int fd)
{
    if (fdtable_replace(fd, entry, 0) && conn_end_life(conn))
        conn_free(conn);
}

static int leave(const struct departure *departure)
{
    int fd = departure->fd;
    libc.pthread_testcancel(); /* as close(2): before anything is done */
    for (struct waiting waiting = {0}; !waiting_is_over(&waiting); waiting_pause(&waiting)) {
        fd_entry entry = fdtable_get(fd);
        if (fd_entry_kind(entry) == FD_OURS) {
            idle_evict_descriptor(fd);
            break; /* for the application this number was never open: EBADF, or free to dup onto */
        }
        if (fd_entry_kind(entry) == FD_EPOLL) {
            if (fdtable_replace(fd, entry, 0))
                epoll_set_free(fd_entry_pointer(entry));
            break;
        }
        if (fd_entry_kind(entry) != FD_CONN)
            break;
        struct conn *conn = fd_entry_pointer(entry);
        if (drop_duplicate(conn, entry, fd))
            break;
        uint64_t signals = kernel_block_signals();
        enum reason reason = conn_hold(conn);
        enum outcome outcome = REMAINS;
        if (reason == REASON_NONE && fdtable_get(fd) != entry) {
            conn_resume(conn);
            reason = REASON_CONTENDED;
        }
        if (reason == REASON_NONE)
            outcome = release(conn, entry, departure);
        kernel_restore_signals(signals);
        if (outcome == LEFT)
            return departure->how == BY_CLOSE ? 0 : fd;
        if (reason == REASON_CONTENDED)
            continue; /* another thread closes it, or hands it out: its end is soon */
        if (reason == REASON_IN_CALL) {
            verdict_closed(atomic_load(&conn->dest), REASON_IN_CALL, false);
            end_here(conn, entry, fd);
        }
        break;
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
    struct dest *dest = atomic_load(&conn->dest);
    uint64_t now_ms = kernel_now_ms();
    /* Overwriting by something that cannot be duplicated changes nothing: let the kernel say so. */
    if (departure->how != BY_CLOSE && kernel_fcntl(departure->source, F_GETFD, 0) < 0) {
        conn_resume(conn);
        return REMAINS;
    }
    if (tcp_cookie(fd) != conn->cookie) {
        verdict_closed(dest, REASON_IDENTITY, false);
        end_here(conn, entry, fd);
        return REMAINS;
    }
    note_outcome(conn, now_ms);
    idle_sweep(now_ms);
    enum reason reason = refusal(conn);
    if (reason == REASON_NONE) {
        reason = park(conn, entry, departure);
        if (reason == REASON_NONE)
            return LEFT;
    }
    /* Where parking was given up after the number had gone, the connection is behind ours. */
    bool number_gone = conn->hidden_fd >= 0;
    int last_fd = number_gone ? conn->hidden_fd : fd;
    bool at_rest = is_at_rest(conn, last_fd);
    verdict_closed(dest, reason, at_rest && !conn_has(conn, CONN_RAW_UNFIT));
    if (at_rest && settings()->close == CLOSE_CLEAN)
        tcp_set_clean_close(last_fd, true);
    if (!number_gone) {
        end_here(conn, entry, fd);
        return REMAINS;
    }
    kernel_close(last_fd);
    if (reason != REASON_CONCURRENT) /* else a late call may still look at the record: it is left */
        conn_free(conn);
    return LEFT;
}

static bool is_registered(const struct conn *conn)
{
    for (int i = 0; i < CONN_REGISTRATIONS; i++)
        if (conn->registrations[i].set != NULL)
            return true;
    return false;
}

/* What can be told without the kernel. */
static enum reason refusal(const struct conn *conn)
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
    if (is_registered(conn))
        return REASON_EPOLL;
    if (conn_has(conn, CONN_LINGER_ABORT))
        return REASON_LINGER;
    if (conn->witness.state != WITNESS_IDLE)
        return conn->witness.reason;
    if (atomic_load(&conn->rule) == RULE_RAW && conn->sent > 0 &&
        !conn_has(conn, CONN_LAST_RECEIVED))
        return REASON_RESPONSE_INCOMPLETE;
    return REASON_NONE;
}

/* The conditions of the clean close, the kernel's word included. */
static bool is_at_rest(const struct conn *conn, int fd)
{
    struct tcp_view view;
    enum reason refused = (enum reason)atomic_load(&conn->refusal);
    bool heard_last =
        conn_has(conn, CONN_LAST_RECEIVED) || (conn_has(conn, CONN_REUSED) && conn->sent == 0);
    if (!heard_last || conn_has(conn, CONN_PEER_CLOSED) || conn_has(conn, CONN_LINGER) ||
        is_registered(conn) || atomic_load(&conn->epoch) != process_epoch())
        return false;
    if (refused == REASON_SHARED || refused == REASON_HALF_CLOSED || refused == REASON_STREAM ||
        refused == REASON_URGENT || refused == REASON_NOT_CONNECTED)
        return false;
    return tcp_look(fd, &view) && view.established && view.acked - conn->acked_base == conn->sent &&
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
    if (departure->how == BY_CLOSE)
        return kernel_close(departure->fd);
    return kernel_dup3(departure->source, departure->fd, departure->flags);
}

/* First behind a number of ours, then off the application's, and only then the last look: from
 * there nobody else can touch it. On a refusal conn->hidden_fd tells whether the number is gone. */
static enum reason park(struct conn *conn, fd_entry entry, const struct departure *departure)
{
    struct tcp_view view;
    int hidden = hide_descriptor(departure->fd);
    if (hidden < 0)
        return REASON_NO_DESCRIPTOR;
    if (give_up_number(departure) < 0) {
        kernel_close(hidden);
        return REASON_CONTENDED;
    }
    conn->hidden_fd = hidden;
    bool ended = conn_end_life(conn);
    /* Until here others who use the number wait; it may have been given out again meanwhile, and
     * then is another entry. */
    fdtable_replace(departure->fd, entry, 0);
    if (!ended)
        return REASON_CONCURRENT;
    if (!tcp_look(hidden, &view)) {
        process_go_inert("the kernel has no byte counters in TCP_INFO (Linux 4.6)");
        return REASON_INERT;
    }
    enum reason reason = kernel_refusal(conn, &view);
    if (reason == REASON_NONE)
        reason = (enum reason)atomic_load(
            &conn->refusal); /* while we held it, someone gave up waiting */
    if (reason != REASON_NONE)
        return reason;
    if (conn_has(conn, CONN_CONNECTING))
        tcp_settle_connect(hidden);
    conn->acked_base = view.acked;
    conn->receive_base = view.received;
    reason = idle_park(conn, kernel_now_ms());
    if (reason == REASON_NONE)
        verdict_parked(atomic_load(&conn->dest));
    return reason;
}
