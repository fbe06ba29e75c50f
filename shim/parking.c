/* SPDX-License-Identifier: MIT
 * Every guard of parking, in the order in which a release passes them. */
#include "parking.h"

#include "call.h"
#include "config.h"
#include "defer.h"
#include "drain.h"
#include "goodbye.h"
#include "hide.h"
#include "idle.h"
#include "kernel.h"
#include "options.h"
#include "process.h"
#include "registration.h"
#include "settings.h"
#include "tcp.h"
#include "upkeep.h"
#include "verdict.h"

#include <stdint.h>

static enum reason refusal(const struct conn *conn, const struct departure *departure);
static bool is_at_rest(const struct conn *conn, int fd);
static fits fitted(const struct conn *conn, enum reason reason);
static bool heard_last_unseen(const struct conn *conn, const struct tcp_view *view);
static bool peer_is_open(int fd);
static bool may_leave_sets(const struct conn *conn, const struct departure *departure);
static enum reason take_away(struct conn *conn, fd_entry entry, const struct departure *departure);
static enum reason park(struct conn *conn, const struct drain *drain, uint64_t now_ms);
static enum reason wait_for_peer(struct conn *conn, enum reason refused, uint64_t now_ms);

struct dest *parking_counted_dest(const struct conn *conn)
{
    return conn_has(conn, CONN_CONNECTED) ? atomic_load(&conn->dest) : NULL;
}

void parking_end_here(struct conn *conn, fd_entry entry, int fd)
{
    if (fdtable_replace(fd, entry, 0) && conn_end_life(conn))
        conn_free(conn);
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

enum outcome parking_release(struct conn *conn, fd_entry entry, const struct departure *departure)
{
    int fd = departure->fd;
    uint64_t now_ms = kernel_now_ms();
    uint32_t goodbye = goodbye_take(conn); /* taken back, should the connection leave */
    if (tcp_cookie(fd) != conn->cookie) {
        verdict_closed(parking_counted_dest(conn), REASON_IDENTITY, FITS_NONE);
        parking_end_here(conn, entry, fd);
        return REMAINS;
    }
    if (departure->how == BY_STREAM)
        conn_refuse(conn, REASON_STREAM); /* whoever wrapped it: stdio closes the number itself */
    note_outcome(conn, now_ms);
    idle_sweep(now_ms);
    if (conn_take_set_timeouts(conn))
        call_note_time_out(conn);
    enum reason refused = refusal(conn, departure);
    struct drain drain;
    bool drains = refused == REASON_RESPONSE_INCOMPLETE && drain_look(conn, fd, &drain);
    bool parks = refused == REASON_NONE || drains;
    bool leaves = parks || (defer_may(conn) && may_leave_sets(conn, departure) &&
                            peer_is_open(fd) && /* else ours is a passive one as it is */
                            !options_linger_unseen(conn, fd)); /* libc's close lingers, not ours */
    enum reason reason = leaves ? take_away(conn, entry, departure) : refused;
    bool may_free = reason != REASON_CONCURRENT; /* else a late call may still look at the record */
    if (leaves && reason == REASON_NONE) {
        reason = parks ? park(conn, drains ? &drain : NULL, now_ms)
                       : wait_for_peer(conn, refused, now_ms);
        if (reason == REASON_NONE) {
            upkeep_expect();
            return LEFT;
        }
    }
    /* Where that was given up after the number had gone, the connection is behind ours. */
    bool number_gone = conn->hidden_fd >= 0;
    int last_fd = number_gone ? conn->hidden_fd : fd;
    bool has_output = departure->how == BY_STREAM && departure->end->has_output;
    bool at_rest = !has_output && is_at_rest(conn, last_fd);
    verdict_closed(parking_counted_dest(conn), reason, at_rest ? fitted(conn, reason) : FITS_NONE);
    if (at_rest && settings()->close == CLOSE_CLEAN)
        tcp_set_clean_close(last_fd, true);
    else if (goodbye != 0)
        goodbye_send(last_fd, goodbye); /* with unread bytes it is a FIN before the RST */
    if (!number_gone) {
        parking_end_here(conn, entry, fd);
        return REMAINS;
    }
    idle_drop(conn, may_free);
    return LEFT;
}

static bool peer_is_open(int fd)
{
    struct tcp_view view;
    return tcp_look(fd, &view) == 0 && view.established;
}

/* What it has fitted, of which nothing is to be said where it was refused for another reason. */
static fits fitted(const struct conn *conn, enum reason reason)
{
    bool raw = !conn_has(conn, CONN_RAW_UNFIT) && !conn_has(conn, CONN_TIMED_OUT);
    fits found = reason == REASON_UNKNOWN_PROTOCOL ? witness_fits(&conn->witness) : FITS_NONE;
    return raw ? found | FITS_RAW : found;
}

/* An overwriting may fail, and what the application then still has would be out of its sets. */
static bool may_leave_sets(const struct conn *conn, const struct departure *departure)
{
    return !conn_has(conn, CONN_REGISTERED) ||
           registration_may_leave(conn, departure_is_close(departure) ? departure->fd : -1);
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
    if (conn_has(conn, CONN_PEER_CLOSED) || conn_has(conn, CONN_LINGER) ||
        conn_has(conn, CONN_PLAIN_CLOSE) || atomic_load(&conn->epoch) != process_epoch())
        return false;
    if (tcp_look(fd, &view) != 0)
        return false;
    if (!view.half_closed && (!view.established || view.has_unsent))
        return false;
    uint64_t acked = view.acked - conn->acked_base;
    /* After a shutdown() the FIN is counted too, once it is acknowledged. */
    bool is_acked = view.half_closed ? acked >= conn->sent : acked == conn->sent;
    if (is_acked && view.received - conn->receive_base == conn->received)
        return heard_last;
    return conn_has(conn, CONN_STREAM) && heard_last_unseen(conn, &view);
}

/* Where stdio has moved the bytes: by the kernel's word alone. To a tick of its clock, so it may
 * take for answered what was sent just now; the peer then reads that, and a normal end. What is
 * unread makes the kernel reset in any case. */
static bool heard_last_unseen(const struct conn *conn, const struct tcp_view *view)
{
    return view->received > conn->receive_base && view->heard_last;
}

/* The last word, when no descriptor of the application's is left to change it. expected: bytes
 * received in this life, read or about to be. */
static enum reason kernel_refusal(const struct conn *conn, const struct tcp_view *view,
                                  uint64_t expected)
{
    uint64_t acked = view->acked - conn->acked_base;
    uint64_t received = view->received - conn->receive_base;
    if (!view->established)
        return REASON_PEER_CLOSED;
    if (acked < conn->sent || view->has_unsent) /* or what was sent unseen is on its way */
        return REASON_UNACKED;
    if (received > expected && tcp_unread(conn->hidden_fd) > 0)
        return REASON_UNREAD;
    if (acked != conn->sent || received != expected)
        return REASON_COUNTERS;
    return REASON_NONE;
}

static int give_up_number(const struct departure *departure)
{
    if (departure_is_close(departure))
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

/* drain: what is left of the response, or NULL. */
static enum reason park(struct conn *conn, const struct drain *drain, uint64_t now_ms)
{
    struct tcp_view view;
    int hidden = conn->hidden_fd;
    int looked = tcp_look(hidden, &view);
    if (looked == -ENOSYS)
        process_go_inert("the kernel has no byte counters in TCP_INFO (Linux 4.6)");
    if (looked != 0)
        return looked == -ENOSYS ? REASON_INERT : REASON_IDENTITY;
    uint64_t expected = conn->received + (drain != NULL ? drain->len : 0);
    enum reason reason = kernel_refusal(conn, &view, expected);
    if (reason == REASON_NONE)
        reason = (enum reason)atomic_load(&conn->refusal); /* someone gave up waiting for us */
    if (reason == REASON_NONE && !options_allow_reuse(conn, hidden))
        reason = REASON_OPTION;
    if (reason == REASON_NONE && atomic_load(&conn->epoch) != process_epoch())
        reason = REASON_SHARED;
    if (reason != REASON_NONE)
        return reason;
    /* When nothing but want of room can still keep it from being parked. */
    if (drain != NULL && !drain_take(conn, hidden, drain))
        return REASON_UNREAD;
    if (conn_has(conn, CONN_CONNECTING))
        tcp_settle_connect(hidden);
    conn->acked_base = view.acked;
    conn->receive_base = view.received;
    conn->sent = conn->received = 0; /* as counted from here, should it not be parked after all */
    reason = idle_park(conn, now_ms);
    if (reason != REASON_NONE && drain != NULL)
        drain_abort(conn, hidden);
    return reason;
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
    verdict_closed(dest, refused, FITS_NONE);
    return REASON_NONE;
}
