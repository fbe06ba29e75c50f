/* SPDX-License-Identifier: MIT
 * A goodbye changes hands only while the gate of its connection is held. */
#include "goodbye.h"

#include "defer.h"
#include "fdtable.h"
#include "kernel.h"
#include "process.h"
#include "reaper.h"
#include "settings.h"
#include "tcp.h"
#include "thread.h"
#include "upkeep.h"
#include "waiting.h"

enum {
    HELD_MOST = 16, /* one usually: a program that half-closes many and closes them then */
    HOLD_MS = 20    /* the close follows within microseconds, else it is not what was hoped for */
};

static struct {
    _Atomic(struct conn *) connections[HELD_MOST];
    _Atomic uint64_t send_at_ms; /* of the first that is held */
} held;

_Atomic uint32_t goodbyes_held;

/* Whether its close would park it, or would wait for the peer's. The kernel is asked for what makes
 * shutdown(2) fail, or a no-op: the peer may have closed. */
static bool may_hold(const struct conn *conn, int fd, int how)
{
    struct tcp_view view;
    if (settings()->goodbyes != GOODBYES_HOLD || how < SHUT_RD || how > SHUT_RDWR)
        return false;
    if (!process_is_pooling() || !process_owns_pool() ||
        atomic_load(&conn->epoch) != process_epoch())
        return false;
    if (atomic_load(&conn->refusal) != REASON_NONE || atomic_load(&conn->descriptors) != 1 ||
        atomic_load(&conn->rule) == RULE_RAW) /* which cannot tell that nothing more is due */
        return false;
    if (conn->witness.state != WITNESS_IDLE && !defer_may(conn))
        return false;
    return tcp_cookie(fd) == conn->cookie && tcp_look(fd, &view) == 0 && view.established;
}

static bool put(struct conn *conn)
{
    for (int i = 0; i < HELD_MOST; i++) {
        struct conn *none = NULL;
        if (!atomic_compare_exchange_strong(&held.connections[i], &none, conn))
            continue;
        if (atomic_fetch_add(&goodbyes_held, 1) == 0 && reaper_is_wanted())
            atomic_store(&held.send_at_ms, kernel_now_ms() + HOLD_MS);
        return true;
    }
    return false;
}

static void remove_from_held(struct conn *conn)
{
    for (int i = 0; i < HELD_MOST; i++) {
        struct conn *found = conn;
        if (!atomic_compare_exchange_strong(&held.connections[i], &found, NULL))
            continue;
        atomic_fetch_sub(&goodbyes_held, 1);
        return;
    }
}

uint32_t goodbye_take(struct conn *conn)
{
    uint32_t goodbye = conn->goodbye;
    conn->goodbye = 0;
    if (goodbye != 0)
        remove_from_held(conn);
    return goodbye;
}

/* Each bit is one direction: shutdown(2)'s numbers, plus one. */
static uint32_t goodbye_of(int how)
{
    return (uint32_t)how + 1;
}

void goodbye_send(int fd, uint32_t goodbye)
{
    arch_syscall(SYS_shutdown, fd, (long)goodbye - 1, 0, 0, 0, 0);
}

/* The gate is ours. First it is held for all to see, then the others are looked at: one that was
 * asleep finds it held when it wakes, and one that was not is seen. */
static bool hold(struct conn *conn, int fd, int how)
{
    uint32_t earlier = conn->goodbye;
    if (!may_hold(conn, fd, how) || (earlier == 0 && !put(conn)))
        return false;
    conn->goodbye = earlier | goodbye_of(how);
    conn->goodbye_fd = fd;
    /* Asked again: one of them may have given up waiting for us to send it. */
    if (thread_none_waits_outside() && atomic_load(&conn->refusal) == REASON_NONE) {
        upkeep_expect();
        return true;
    }
    conn->goodbye = earlier;
    if (earlier == 0)
        remove_from_held(conn);
    return false;
}

bool goodbye_hold(int fd, int how)
{
    fd_entry entry = fdtable_get(fd);
    if (fd_entry_kind(entry) != FD_CONN || !process_owns_pool())
        return false;
    struct conn *conn = fd_entry_pointer(entry);
    uint64_t signals = kernel_block_signals();
    bool is_held = false;
    /* A handler, which blocks more, may have interrupted a wait of this very thread that goes on
     * after it. */
    bool in_handler = (signals & ~atomic_load(&conn->signals)) != 0;
    if (!in_handler && conn_hold(conn) == REASON_NONE) {
        is_held = fdtable_get(fd) == entry && hold(conn, fd, how);
        conn_resume(conn);
    }
    kernel_restore_signals(signals);
    return is_held;
}

/* The gate is ours, so that nobody closes the number under the call. */
static void send_held(struct conn *conn)
{
    int fd = conn->goodbye_fd;
    uint32_t goodbye = conn->goodbye;
    if (goodbye == 0)
        return;
    if (fdtable_get(fd) == fd_entry_make(FD_CONN, conn) && tcp_cookie(fd) == conn->cookie)
        goodbye_send(fd, goodbye);
    conn_refuse(conn, REASON_HALF_CLOSED);
    goodbye_take(conn); /* last: who finds none held goes on */
}

/* In spite of a call in flight: a harmless one, or it would have been sent before, and perhaps this
 * very thread's, which a signal handler has interrupted. */
static bool seize(struct conn *conn, uint32_t life)
{
    if (!conn_seize(conn, life))
        return false;
    conn_refuse(conn, REASON_IN_CALL);
    return true;
}

static void send_one(_Atomic(struct conn *) *slot)
{
    for (struct waiting waiting = {0};; waiting_pause(&waiting)) {
        struct conn *conn = atomic_load(slot);
        if (conn == NULL)
            return;
        uint32_t life = gate_life(atomic_load(&conn->gate));
        if (atomic_load(slot) !=
            conn) /* it leaves before its life ends: another's may have begun */
            continue;
        if (conn_hold(conn) == REASON_NONE || seize(conn, life)) {
            send_held(conn);
            conn_resume(conn);
            return;
        }
        if (waiting_is_over(&waiting)) {
            conn_refuse(conn, REASON_CONCURRENT); /* who holds the gate looks at this */
            return;
        }
    }
}

void goodbye_send_all(void)
{
    if (!process_owns_pool())
        return;
    uint64_t signals = kernel_block_signals();
    for (int i = 0; i < HELD_MOST; i++)
        send_one(&held.connections[i]);
    kernel_restore_signals(signals);
}

uint64_t goodbye_deadline_ms(void)
{
    bool is_timed = atomic_load(&goodbyes_held) != 0 && reaper_is_wanted();
    return is_timed ? atomic_load(&held.send_at_ms) : UINT64_MAX;
}

void goodbye_forget_all(void)
{
    for (int i = 0; i < HELD_MOST; i++)
        atomic_store(&held.connections[i], NULL);
    atomic_store(&goodbyes_held, 0);
}
