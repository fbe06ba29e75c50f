/* SPDX-License-Identifier: MIT
 * Calls pass the gate, are counted, and tell the witness what moved. */
#include "call.h"

#include "kernel.h"
#include "options.h"
#include "ours.h"
#include "waiting.h"

#include <errno.h>
#include <netinet/tcp.h>

struct call call_begin_tracked(int fd)
{
    const struct call untracked = {.fd = fd}, not_open = {.fd = -1};
    for (struct waiting waiting = {0};; waiting_pause(&waiting)) {
        fd_entry entry = fdtable_get(fd);
        if (fd_entry_kind(entry) == FD_OURS)
            return ours_is(fd) ? not_open : untracked;
        if (fd_entry_kind(entry) != FD_CONN)
            return untracked;
        struct conn *conn = fd_entry_pointer(entry);
        uint64_t gate = atomic_load(&conn->gate);
        if (gate_state(gate) != GATE_OPEN) {
            if (!waiting_is_over(&waiting))
                continue;
            /* Better a real call than a call that hangs; the holder looks at this before it ends.
             */
            conn_refuse(conn, REASON_CONCURRENT);
            return untracked;
        }
        if (gate_calls(gate) == GATE_CALLS_MAX) { /* so many never ended (siglongjmp) */
            conn_refuse(conn, REASON_IN_CALL);
            return untracked;
        }
        if (!atomic_compare_exchange_strong(&conn->gate, &gate, gate + 1))
            continue;
        struct call call = {.conn = conn, .life = gate_life(gate), .fd = fd};
        /* Counted now, so no release can begin; but one may have ended, and the number have got
         * another meaning, between the lookup and the count. */
        if (fdtable_get(fd) == entry)
            return call;
        call_end(call, 0);
    }
}

struct conn *call_conn(int fd)
{
    fd_entry entry = fdtable_get(fd);
    return fd_entry_kind(entry) == FD_CONN ? fd_entry_pointer(entry) : NULL;
}

ssize_t call_end(struct call call, ssize_t result)
{
    uint64_t gate = atomic_load(&call.conn->gate);
    while (gate_life(gate) == call.life && gate_calls(gate) > 0 &&
           !atomic_compare_exchange_weak(&call.conn->gate, &gate, gate - 1))
        ;
    return result;
}

bool call_lock(struct call call)
{
    struct conn *conn = call.conn;
    if (gate_life(atomic_load(&conn->gate)) != call.life)
        return false;
    if (!conn_lock(conn)) {
        conn_refuse(conn, REASON_CONCURRENT);
        return false;
    }
    /* Looked at again under the lock: conn_end_life() takes it, so from here the life lasts. */
    if (gate_life(atomic_load(&conn->gate)) == call.life)
        return true;
    conn_unlock(conn);
    return false;
}

void call_unlock(struct call call)
{
    conn_unlock(call.conn);
}

/* The peer is gone, whatever the witness says. */
static bool is_fatal(int error)
{
    return error == ECONNRESET || error == EPIPE || error == ETIMEDOUT || error == ENOTCONN ||
           error == EHOSTUNREACH || error == ENETUNREACH || error == ECONNREFUSED;
}

static void note_failure(struct conn *conn, bool receiving)
{
    int error = errno;
    if (is_fatal(error)) {
        conn_set(conn, CONN_PEER_CLOSED);
        return;
    }
    if (!receiving)
        return;
    /* Interrupted, the application may be giving up: alarm(2) is an old way to time out. */
    if (error == EINTR)
        conn_set(conn, CONN_INTERRUPTED);
    if (error == EAGAIN && options_has_receive_timeout(conn)) {
        call_note_time_out(conn);
    }
}

/* Each send puts the socket out of quick-ACK mode again, so each is followed by this: a server that
 * answers in two small writes waits, before the second, for the ACK of the first. tcp(7).
 *
 * From then on a read that empties the queue acknowledges what it read, unless the last segment was
 * as long as the one before, at least 536 bytes: the kernel takes those for parts of something
 * longer. A server that answers in many writes then waits before the next. Asked for once more
 * after the read, the ACK is sent. */
static void ask_quick_acks(struct call call)
{
    if (conn_has(call.conn, CONN_REUSED) && !conn_has(call.conn, CONN_DELAYED_ACK))
        kernel_set_int(call.fd, IPPROTO_TCP, TCP_QUICKACK, 1);
}

/* Whether the peer may have more to send once it has an ACK for this. Someone who reads in small
 * pieces is spared a system call for each that was filled: more is there, but for a rare end. */
static bool may_wait_for_more(const struct conn *conn, bool is_first, size_t asked, size_t received)
{
    enum {
        SHORT = 64, /* in one segment: the kernel acknowledges it by itself */
        PIECE = 256 /* to read as much takes longer than to ask, 0.4 us */
    };
    bool is_raw = atomic_load(&conn->rule) == RULE_RAW; /* for which any reply is a whole one */
    bool is_over =
        conn->witness.state == WITNESS_IDLE && (!is_raw || (is_first && received < SHORT));
    return !is_over && (received < asked || received >= PIECE);
}

void call_note_time_out(struct conn *conn)
{
    if (conn->sent == 0)
        return; /* nothing is due */
    conn_set(conn, CONN_TIMED_OUT);
    witness_timed_out(&conn->witness);
}

static void feed_sent(struct conn *conn, const void *buf, size_t len)
{
    witness_sent(&conn->witness, buf, len);
    conn->sent += len;
}

static void feed_received(struct conn *conn, const void *buf, size_t len)
{
    witness_received(&conn->witness, buf, len);
    conn->received += len;
}

static void feed_vector(struct conn *conn, void (*feed)(struct conn *, const void *, size_t),
                        const struct iovec *vector, size_t count, size_t left)
{
    for (size_t i = 0; i < count && left > 0; i++) {
        size_t len = vector[i].iov_len < left ? vector[i].iov_len : left;
        feed(conn, vector[i].iov_base, len);
        left -= len;
    }
}

ssize_t call_sent_vector(struct call call, const struct iovec *vector, size_t count, ssize_t result)
{
    int saved_errno = errno;
    if (call_lock(call)) {
        struct conn *conn = call.conn;
        if (result > 0) {
            conn_clear(conn, CONN_LAST_RECEIVED);
            if (conn_take_ended_set_waits(conn))
                call_note_time_out(conn);
            if (conn_has(conn, CONN_TIMED_OUT))
                conn_set(conn, CONN_RAW_UNFIT);
            feed_vector(conn, feed_sent, vector, count, (size_t)result);
            ask_quick_acks(call);
        } else if (result < 0) {
            note_failure(conn, false);
        }
        call_unlock(call);
    }
    return call_end(call, (errno = saved_errno, result));
}

ssize_t call_received_vector(struct call call, const struct iovec *vector, size_t count, int flags,
                             ssize_t result)
{
    int saved_errno = errno;
    size_t asked = 0;
    for (size_t i = 0; result >= 0 && i < count; i++) /* on an error the vector may be anything */
        asked += vector[i].iov_len;
    if (call_lock(call)) {
        struct conn *conn = call.conn;
        if (result < 0) {
            note_failure(conn, (flags & MSG_DONTWAIT) == 0);
        } else if (result == 0 && asked > 0 && (flags & MSG_ERRQUEUE) == 0) {
            conn_set(conn, CONN_PEER_CLOSED);
        } else if (result > 0 && (flags & MSG_PEEK) == 0) {
            if (conn->sent == 0 && conn->received == 0)
                conn_set(conn, CONN_RAW_UNFIT); /* the server spoke first */
            bool is_first = !conn_has(conn, CONN_LAST_RECEIVED);
            conn_set(conn, CONN_LAST_RECEIVED);
            conn_clear(conn, CONN_INTERRUPTED);
            conn_clear(conn, CONN_TIMED_OUT);
            conn_take_ended_set_waits(conn); /* those before it do not count */
            feed_vector(conn, feed_received, vector, count, (size_t)result);
            if (may_wait_for_more(conn, is_first, asked, (size_t)result))
                ask_quick_acks(call);
        }
        call_unlock(call);
    }
    return call_end(call, (errno = saved_errno, result));
}

ssize_t call_sent(struct call call, const void *buf, ssize_t result)
{
    struct iovec one = {.iov_base = (void *)(uintptr_t)buf,
                        .iov_len = result > 0 ? (size_t)result : 0};
    return call_sent_vector(call, &one, 1, result);
}

ssize_t call_received(struct call call, const void *buf, size_t asked, int flags, ssize_t result)
{
    struct iovec one = {.iov_base = (void *)(uintptr_t)buf, .iov_len = asked};
    return call_received_vector(call, &one, 1, flags, result);
}

ssize_t call_sent_unseen(struct call call, ssize_t result)
{
    int saved_errno = errno;
    if (result > 0 && call_lock(call)) {
        conn_refuse(call.conn, REASON_UNSEEN_BYTES);
        ask_quick_acks(call);
        call_unlock(call);
    }
    return call_end(call, (errno = saved_errno, result));
}

void call_wait_timed_out(struct call call)
{
    if (!call_lock(call))
        return;
    call_note_time_out(call.conn);
    call_unlock(call);
}

void call_wait_interrupted(struct call call)
{
    if (gate_life(atomic_load(&call.conn->gate)) == call.life)
        conn_set(call.conn, CONN_INTERRUPTED);
}
