/* SPDX-License-Identifier: MIT
 * One kernel TCP connection of the application's: its gate, flags, counters and witness. */
#ifndef TWPOOL_SHIM_CONN_H
#define TWPOOL_SHIM_CONN_H

#include "pool.h"
#include "reason.h"
#include "witness/witness.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* A record outlives many logical connections: a life begins at socket() or at a hand-out and ends
 * at the last close. Records are never unmapped, so a late reader may always look at one; it tells
 * by the life whether it is still the same. */

enum gate_state {
    GATE_CLOSED, /* no life: free, or idle in the pool */
    GATE_OPEN,   /* calls may begin */
    GATE_HELD    /* a release or an acquire is under way: calls wait for it */
};

enum conn_flag {
    CONN_CONNECTED = 1 << 0, /* a connect() was made, or this life was handed out */
    CONN_CONNECT_UNTOLD =
        1 << 1,                  /* handed out as EINPROGRESS: the next connect() returns 0, once */
    CONN_REUSED = 1 << 2,        /* this life was handed out of the pool */
    CONN_PEER_CLOSED = 1 << 3,   /* an EOF or a reset was seen */
    CONN_LAST_RECEIVED = 1 << 4, /* the last operation received bytes */
    CONN_RAW_UNFIT = 1 << 5,     /* this life did not meet the conditions of `raw` */
    CONN_NODELAY = 1 << 6,       /* we have set TCP_NODELAY */
    CONN_APP_NODELAY = 1 << 7,   /* the application has set it, and reads it back */
    CONN_LINGER = 1 << 8,        /* the application has set SO_LINGER on */
    CONN_LINGER_ABORT = 1 << 9,  /* with a time of 0: its close is to be an RST */
    CONN_CONNECTING = 1 << 10,   /* the kernel has not told the success of its connect() yet */
    CONN_INTERRUPTED = 1 << 11,  /* a wait or a read was, and nothing was received since */
    CONN_BOUND = 1 << 12,        /* bind() was called */
    CONN_TIMED_OUT = 1 << 13,    /* a wait or a read did, and nothing was received since */
    CONN_PLAIN_CLOSE = 1 << 14,  /* its close is libc's: a clean one could be noticed */
    CONN_NOT_DEFERRED = 1 << 15, /* its close does not wait for the peer's */
    CONN_REGISTERED = 1 << 16,   /* it is, or was in this life, in an epoll set */
    CONN_DELAYED_ACK = 1 << 17,  /* the application has set TCP_QUICKACK off */
    CONN_ROUTE_LOST = 1 << 18,   /* by our dressing it: path_mtu is what was known of the route */
    CONN_STREAM = 1 << 19        /* stdio may have moved bytes unseen */
};

/* An epoll set made by the application; records of closed ones are used again under another life.
 */
struct epoll_set {
    _Alignas(8) _Atomic uint32_t life; /* fdtable.h keeps the kind in the address' low bits */
    _Atomic uint32_t epoch;            /* process_epoch() when it was made; else: inherited */
    _Atomic int fd;                    /* the number that it was made under */
    _Atomic(const void *) maker;       /* arch_thread() of the thread that made it */
    _Atomic bool shared;               /* dup'd or nested: we may not see all that happens to it */
    _Atomic bool waited_elsewhere;     /* a thread that is not its maker has waited on it */
    _Atomic bool registered;           /* a connection of ours is, or was, in it */
    _Atomic uint32_t timeouts;         /* waits that came to nothing; over all lives, so
                                        * that none is missed between two looks */
    _Atomic uint64_t waits;            /* life (32 bits), waits that began in it and have not ended
                                        * (32): one that was left by siglongjmp() or a
                                        * cancellation never does */
    _Atomic uint32_t next_free;
};

/* Sets that one connection may be registered in at once; every program seen uses one. */
enum { CONN_REGISTRATIONS = 4 };

struct registration {
    struct epoll_set *set;
    uint32_t life;     /* of the set */
    uint32_t timeouts; /* of the set, that this connection has been told of */
    int fd; /* the number registered: with the file it is the kernel's key, epoll_ctl(2) */
};

struct conn {
    /* life (32 bits), state (8), calls in flight (24): one word, so that a call begins only in the
     * life and state that it saw, and counts of an earlier life vanish with it. */
    _Atomic uint64_t gate;
    _Atomic uint32_t flags;       /* enum conn_flag */
    _Atomic uint32_t refusal;     /* enum reason: why it is private, for good; 0 = it is not */
    _Atomic uint32_t options;     /* one bit for each option of options.c set on it and not reset */
    _Atomic uint32_t descriptors; /* of the application, in this process */
    _Atomic uint32_t epoch;       /* process_epoch() when this life began; else: shared */
    _Atomic uint32_t next_free;

    /* Written before the life's gate opens, read-only in it. */
    _Atomic uint64_t cookie;     /* SO_COOKIE: the kernel's own identity of the socket */
    uint64_t acked_base;         /* tcpi_bytes_acked when this life began */
    uint64_t receive_base;       /* tcpi_bytes_received */
    uint64_t born_ms;            /* when the connection was opened */
    uint8_t bound_address[16];   /* what bind() was given, without a port */
    int family;                  /* AF_INET or AF_INET6 */
    int hidden_fd;               /* ours, while idle */
    int path_mtu;                /* IP_MTU, with CONN_ROUTE_LOST */
    _Atomic(struct dest *) dest; /* NULL until connect() */
    _Atomic uint32_t rule;       /* enum rule, of the destination */

    _Atomic uint64_t signals; /* that the thread blocked which connected it */

    /* Only while the gate is held: goodbye.c's. */
    uint32_t goodbye; /* a half-close that is held: how, plus one; 0 = none */
    int goodbye_fd;   /* the number that it was asked of */

    /* Under lock, and only while the life is the caller's. */
    _Atomic uint32_t lock;
    uint64_t sent, received; /* bytes that the hooks saw in this life */
    struct registration registrations[CONN_REGISTRATIONS];
    struct witness witness;

    struct pool_item item; /* the pool's, while idle */

    /* defer.c's, under its lock. */
    struct conn *deferred_prev, *deferred_next;
    uint64_t deferred_until_ms;
    _Atomic bool is_deferred;
};

/* A record for a new socket: GATE_HELD, one descriptor, everything else zero. NULL without memory.
 * Async-signal-safe, lock-free. */
struct conn *conn_new(void);

/* Gives back a record whose life has ended and that nothing points to any more. */
void conn_free(struct conn *conn);

/* After fork, in a child without other threads: every record is free again. */
void conn_reset_all(void);

/* A record for a set just made under fd by this thread; NULL without memory. */
struct epoll_set *epoll_set_new(int fd, uint32_t epoch);

/* More than this process, or more than one descriptor, may hold it. */
bool epoll_set_is_shared(const struct epoll_set *set, uint32_t epoch);
void epoll_set_free(struct epoll_set *set);

/* The gate. All are lock-free and async-signal-safe. */

static inline uint32_t gate_life(uint64_t gate)
{
    return (uint32_t)(gate >> 32);
}

static inline enum gate_state gate_state(uint64_t gate)
{
    return (enum gate_state)((gate >> 24) & 0xff);
}

enum { GATE_CALLS_MAX = 0xffffff }; /* 24 bits: more calls than there are threads */

static inline uint32_t gate_calls(uint64_t gate)
{
    return (uint32_t)(gate & GATE_CALLS_MAX);
}

/* OPEN with no call in flight -> HELD. IN_CALL when a call is in flight, CONTENDED when another
 * thread holds it or the life has ended; REASON_NONE on success. */
enum reason conn_hold(struct conn *conn);

/* OPEN -> HELD in that life, whatever calls are in flight: their ends count for nothing any more.
 * False when it is not open: another thread holds it, or the life has ended. */
bool conn_seize(struct conn *conn, uint32_t life);

/* HELD -> OPEN, in the same life: nothing happened. */
void conn_resume(struct conn *conn);

/* HELD -> OPEN in a new life: every call of an earlier one is forgotten. */
void conn_begin_life(struct conn *conn);

/* -> CLOSED: the life is over, whatever calls are in flight; their ends find another life. From now
 * on no late call touches what is under the lock. False when a call is at this moment inside the
 * lock: the record must then not be used again. */
bool conn_end_life(struct conn *conn);

/* The lock of the fields above: tried for a moment only, since its holder may be what a signal
 * handler of this very thread has interrupted. */
bool conn_lock(struct conn *conn);
void conn_unlock(struct conn *conn);

/* A wait begins on a set, and ends: told, when it was begun in this life. in_vain: by its time-out
 * or by a signal. Async-signal-safe, lock-free. */
void epoll_set_begin_wait(struct epoll_set *set, uint32_t life);
void epoll_set_end_wait(struct epoll_set *set, uint32_t life, bool in_vain);

/* Under the lock: whether a wait on a set that the connection is registered in came to nothing
 * since this was last asked. */
bool conn_take_ended_set_waits(struct conn *conn);

/* The same for a connection that leaves a set, where a wait that has not ended counts too: it may
 * be one that was given up, and nobody can tell it from one that another thread is in. */
bool conn_take_set_timeouts(struct conn *conn);

/* Never to be parked; the first reason is kept. What each reason means for the way in which the
 * connection is to be closed is kept of all of them. */
void conn_refuse(struct conn *conn, enum reason reason);

static inline bool conn_has(const struct conn *conn, enum conn_flag flag)
{
    return (atomic_load(&conn->flags) & (uint32_t)flag) != 0;
}

static inline void conn_set(struct conn *conn, enum conn_flag flag)
{
    atomic_fetch_or(&conn->flags, (uint32_t)flag);
}

static inline void conn_clear(struct conn *conn, enum conn_flag flag)
{
    atomic_fetch_and(&conn->flags, ~(uint32_t)flag);
}

#endif
