/* SPDX-License-Identifier: MIT
 * The records of connections and of epoll sets, and the gate that every call passes. */
#include "conn.h"

#include "arch.h"
#include "slab.h"

#include <string.h>

enum {
    LOCK_SPINS =
        2000 /* about 20 us: feeding 64 KiB of headers; longer means an interrupted holder */
};

static bool has_open_wait(const struct epoll_set *set, uint32_t life);

static struct slab conns = {.size = sizeof(struct conn),
                            .next_offset = offsetof(struct conn, next_free)};
static struct slab sets = {.size = sizeof(struct epoll_set),
                           .next_offset = offsetof(struct epoll_set, next_free)};

static uint64_t make_gate(uint32_t life, enum gate_state state, uint32_t calls)
{
    return (uint64_t)life << 32 | (uint64_t)state << 24 | calls;
}

struct conn *conn_new(void)
{
    struct conn *conn = slab_take(&conns);
    if (conn == NULL)
        return NULL;
    /* The lock stays as it is (free); a late call of an earlier life sees by the gate that it is
     * late, so nothing else needs to be guarded while it is cleared. */
    uint32_t life = gate_life(atomic_load(&conn->gate)) + 1;
    atomic_store(&conn->gate, make_gate(life, GATE_HELD, 0));
    atomic_store(&conn->flags, 0);
    atomic_store(&conn->refusal, REASON_NONE);
    atomic_store(&conn->options, 0);
    atomic_store(&conn->descriptors, 1);
    atomic_store(&conn->dest, NULL);
    atomic_store(&conn->rule, RULE_AUTO);
    conn->acked_base = 1; /* the kernel counts the SYN as one byte acknowledged (RFC 4898) */
    conn->receive_base = 0;
    conn->sent = conn->received = 0;
    conn->hidden_fd = -1;
    conn->goodbye = 0;
    memset(conn->bound_address, 0, sizeof conn->bound_address);
    memset(conn->registrations, 0, sizeof conn->registrations);
    atomic_store(&conn->item.dest, NULL); /* pool_take_item() may be looking */
    conn->item.proven = false;
    conn->is_deferred = false;
    return conn;
}

void conn_free(struct conn *conn)
{
    slab_give(&conns, conn);
}

void conn_reset_all(void)
{
    slab_reset(&conns);
    slab_reset(&sets);
}

struct epoll_set *epoll_set_new(int fd, uint32_t epoch)
{
    struct epoll_set *set = slab_take(&sets);
    if (set == NULL)
        return NULL;
    uint32_t life = atomic_fetch_add(&set->life, 1) + 1;
    atomic_store(&set->waits, (uint64_t)life << 32);
    atomic_store(&set->epoch, epoch);
    atomic_store(&set->fd, fd);
    atomic_store(&set->maker, arch_thread());
    atomic_store(&set->shared, false);
    atomic_store(&set->waited_elsewhere, false);
    atomic_store(&set->registered, false);
    return set;
}

bool epoll_set_is_shared(const struct epoll_set *set, uint32_t epoch)
{
    return atomic_load(&set->shared) || atomic_load(&set->epoch) != epoch;
}

/* What was registered in it looks at the time-outs alone, since the waits of another life are not
 * its own. */
void epoll_set_free(struct epoll_set *set)
{
    if (has_open_wait(set, atomic_load(&set->life)))
        atomic_fetch_add(&set->timeouts, 1);
    atomic_fetch_add(&set->life, 1); /* registrations that remember it are over */
    slab_give(&sets, set);
}

static bool has_open_wait(const struct epoll_set *set, uint32_t life)
{
    uint64_t waits = atomic_load(&set->waits);
    return (uint32_t)(waits >> 32) == life && (uint32_t)waits > 0;
}

/* Counts by one up or down, in that life only: a wait may outlast its set. */
static void count_wait(struct epoll_set *set, uint32_t life, uint64_t step)
{
    uint64_t waits = atomic_load(&set->waits);
    while ((uint32_t)(waits >> 32) == life &&
           !atomic_compare_exchange_weak(&set->waits, &waits, waits + step))
        ;
}

void epoll_set_begin_wait(struct epoll_set *set, uint32_t life)
{
    count_wait(set, life, 1);
}

/* Noted before it is not open any more: who looks between sees one of the two. */
void epoll_set_end_wait(struct epoll_set *set, uint32_t life, bool in_vain)
{
    if (in_vain)
        atomic_fetch_add(&set->timeouts, 1);
    count_wait(set, life, (uint64_t)-1);
}

enum reason conn_hold(struct conn *conn)
{
    uint64_t gate = atomic_load(&conn->gate);
    do {
        if (gate_state(gate) != GATE_OPEN)
            return REASON_CONTENDED;
        if (gate_calls(gate) != 0)
            return REASON_IN_CALL;
    } while (!atomic_compare_exchange_weak(&conn->gate, &gate,
                                           make_gate(gate_life(gate), GATE_HELD, 0)));
    return REASON_NONE;
}

bool conn_seize(struct conn *conn, uint32_t life)
{
    uint64_t gate = atomic_load(&conn->gate);
    do {
        if (gate_state(gate) != GATE_OPEN || gate_life(gate) != life)
            return false;
    } while (!atomic_compare_exchange_weak(&conn->gate, &gate,
                                           make_gate(gate_life(gate), GATE_HELD, 0)));
    return true;
}

void conn_resume(struct conn *conn)
{
    uint64_t gate = atomic_load(&conn->gate);
    atomic_store(&conn->gate, make_gate(gate_life(gate), GATE_OPEN, 0));
}

void conn_begin_life(struct conn *conn)
{
    uint64_t gate = atomic_load(&conn->gate);
    atomic_store(&conn->gate, make_gate(gate_life(gate) + 1, GATE_OPEN, 0));
}

bool conn_end_life(struct conn *conn)
{
    bool locked = conn_lock(conn);
    uint64_t gate = atomic_load(&conn->gate);
    while (!atomic_compare_exchange_weak(&conn->gate, &gate,
                                         make_gate(gate_life(gate) + 1, GATE_CLOSED, 0)))
        ;
    if (locked)
        conn_unlock(conn);
    return locked;
}

bool conn_lock(struct conn *conn)
{
    for (int spins = 0; spins < LOCK_SPINS; spins++) {
        uint32_t free = 0;
        if (atomic_compare_exchange_weak_explicit(&conn->lock, &free, 1, memory_order_acquire,
                                                  memory_order_relaxed))
            return true;
        arch_pause();
    }
    return false;
}

void conn_unlock(struct conn *conn)
{
    atomic_store_explicit(&conn->lock, 0, memory_order_release);
}

bool conn_take_ended_set_waits(struct conn *conn)
{
    bool timed_out = false;
    if (!conn_has(conn, CONN_REGISTERED))
        return false;
    for (int i = 0; i < CONN_REGISTRATIONS; i++) {
        struct registration *registration = &conn->registrations[i];
        uint32_t timeouts =
            registration->set == NULL ? 0 : atomic_load(&registration->set->timeouts);
        timed_out |= registration->set != NULL && timeouts != registration->timeouts;
        registration->timeouts = timeouts;
    }
    return timed_out;
}

bool conn_take_set_timeouts(struct conn *conn)
{
    if (!conn_has(conn, CONN_REGISTERED))
        return false;
    bool timed_out = conn_take_ended_set_waits(conn);
    for (int i = 0; i < CONN_REGISTRATIONS; i++) {
        const struct registration *registration = &conn->registrations[i];
        timed_out |=
            registration->set != NULL && has_open_wait(registration->set, registration->life);
    }
    return timed_out;
}

/* Another holder would notice a clean close, or it was half done by the application. */
static bool asks_for_plain_close(enum reason reason)
{
    return reason == REASON_SHARED || reason == REASON_URGENT || reason == REASON_NOT_CONNECTED;
}

/* A socket option that we cannot restore does not matter to a connection that is never handed out.
 * All else does: the port must be free at once, a signal might come of it (O_ASYNC), or we may not
 * know what was said. */
static bool allows_deferral(enum reason reason)
{
    return reason == REASON_OPTION;
}

void conn_refuse(struct conn *conn, enum reason reason)
{
    if (asks_for_plain_close(reason))
        conn_set(conn, CONN_PLAIN_CLOSE);
    if (reason == REASON_STREAM) {
        conn_set(conn, CONN_STREAM);
        conn_set(conn, CONN_RAW_UNFIT); /* no rule would change it */
    }
    if (!allows_deferral(reason))
        conn_set(conn, CONN_NOT_DEFERRED);
    uint32_t none = REASON_NONE;
    atomic_compare_exchange_strong(&conn->refusal, &none, (uint32_t)reason);
}
