/* SPDX-License-Identifier: MIT
 * The pool with descriptors in it: every way in and out of idleness passes here. */
#include "idle.h"

#include "defer.h"
#include "fdtable.h"
#include "kernel.h"
#include "process.h"
#include "spare.h"
#include "tcp.h"
#include "verdict.h"
#include "waiting.h"

#include <stddef.h>

enum {
    SWEEP_MOST = 4, /* a release or an acquire pays for no more than this */
    PROBE_MOST = 8, /* stale ones in a row before a new connection is the quicker way */
    AGE_SPREAD = 10 /* per cent: connections opened together must not end together */
};

static struct pool pool;
static const struct config *config;

static struct conn *conn_of(struct pool_item *item)
{
    return (struct conn *)(void *)((char *)item - offsetof(struct conn, item));
}

void idle_start(const struct config *settings)
{
    config = settings;
    pool_init(&pool, (struct pool_limits){.idle = settings->max_idle,
                                          .idle_per_dest = settings->max_idle_per_dest});
    defer_start(settings);
}

struct dest *idle_dest(const struct dest_key *key)
{
    return pool_dest(&pool, key, config_rule(config, key));
}

/* The peer's promise lowers the limit always, and raises it where the user has not chosen one. */
static uint64_t idle_limit_ms(const struct witness *witness)
{
    uint64_t promised = witness->idle_limit_ms;
    if (promised == 0)
        return config->idle_timeout_ms;
    if (config->idle_timeout_is_set && promised > config->idle_timeout_ms)
        return config->idle_timeout_ms;
    return promised;
}

static uint64_t age_limit_ms(const struct conn *conn)
{
    uint64_t spread = config->max_age_ms / AGE_SPREAD;
    uint64_t dice = conn->cookie * 0x9e3779b97f4a7c15ULL >> 32; /* cookies are consecutive */
    return config->max_age_ms - spread + dice % (2 * spread + 1);
}

enum reason idle_park(struct conn *conn, uint64_t now_ms)
{
    struct pool_item *evicted = NULL;
    uint64_t limit_ms = idle_limit_ms(&conn->witness);
    if (limit_ms == 0)
        return REASON_LIMIT_IDLE;
    conn->item.dest = atomic_load(&conn->dest);
    conn->item.idle_since_ms = now_ms;
    conn->item.idle_until_ms = now_ms + limit_ms;
    conn->item.aged_at_ms = conn->born_ms + age_limit_ms(conn);
    if (now_ms >= conn->item.aged_at_ms)
        return REASON_TOO_OLD;
    /* Now, so that a process that is killed, or executes another program, leaves no TIME_WAIT
     * either.
     */
    if (config->close == CLOSE_CLEAN)
        tcp_set_clean_close(conn->hidden_fd, true);
    struct dest *dest = conn->item.dest;
    uint32_t epoch =
        atomic_load(&conn->epoch); /* it was still this one when it was last looked at */
    enum reason reason = pool_put(&pool, &conn->item, &evicted);
    if (evicted != NULL)
        idle_retire(conn_of(evicted), REASON_EVICTED);
    if (reason != REASON_NONE)
        return reason;
    verdict_parked(dest);
    /* A flush for a change of identity may have passed before this one was in the pool; it may also
     * have been handed out since, to the old identity. */
    if ((epoch != process_epoch() || !process_is_pooling()) && pool_take_item(&pool, &conn->item))
        idle_retire(conn, REASON_FLUSHED);
    return REASON_NONE;
}

/* Anything to be heard, data, urgent data, an end or an error, makes it stale; and the descriptor
 * must still be the connection that was parked behind it. */
static bool is_quiet(const struct conn *conn)
{
    return kernel_poll_now(conn->hidden_fd, POLLIN | POLLPRI | POLLRDHUP) == 0 &&
           tcp_cookie(conn->hidden_fd) == conn->cookie;
}

struct conn *idle_take(struct dest *dest, uint64_t now_ms)
{
    for (int probes = 0; probes < PROBE_MOST; probes++) {
        struct pool_item *item = pool_take(&pool, dest, now_ms);
        if (item == NULL)
            return NULL;
        if (is_quiet(conn_of(item)))
            return conn_of(item);
        idle_retire(conn_of(item), REASON_STALE);
    }
    return NULL;
}

void idle_retire(struct conn *conn, enum reason reason)
{
    verdict_refused(atomic_load(&conn->dest), reason);
    idle_drop(conn, true);
}

void idle_drop(struct conn *conn, bool free)
{
    idle_unhide(conn);
    if (free)
        conn_free(conn);
}

void idle_unhide(struct conn *conn)
{
    int fd = conn->hidden_fd;
    if (tcp_cookie(fd) == conn->cookie)
        kernel_close(fd);
    /* Last: a dup2() of the application's onto the number waits for this, and would else be what we
     * close. */
    fdtable_replace(fd, fd_entry_make(FD_OURS, conn), 0);
    conn->hidden_fd = -1;
}

void idle_evict_descriptor(int fd)
{
    for (struct waiting waiting = {0}; !waiting_is_over(&waiting); waiting_pause(&waiting)) {
        fd_entry entry = fdtable_get(fd);
        if (fd_entry_kind(entry) != FD_OURS)
            return; /* another thread has just taken it, or is on its way to park it */
        struct conn *conn = fd_entry_pointer(entry);
        uint64_t signals = kernel_block_signals();
        bool taken = pool_take_item(&pool, &conn->item);
        if (taken)
            idle_retire(conn, REASON_EVICTED);
        else
            taken = defer_drop(conn, REASON_EVICTED) || spare_drop(conn);
        kernel_restore_signals(signals);
        if (taken)
            return;
    }
}

void idle_forget(struct conn *conn)
{
    uint64_t signals = kernel_block_signals();
    /* The cookie is not that number's any more, so nothing is closed. */
    if (pool_take_item(&pool, &conn->item))
        idle_retire(conn, REASON_LOST);
    else if (!defer_drop(conn, REASON_LOST))
        spare_drop(conn);
    kernel_restore_signals(signals);
}

bool idle_sweep(uint64_t now_ms)
{
    enum reason reason;
    bool more = defer_sweep(now_ms);
    for (int swept = 0; swept < SWEEP_MOST; swept++) {
        struct pool_item *item = pool_take_expired(&pool, now_ms, &reason);
        if (item == NULL)
            return more;
        idle_retire(conn_of(item), reason);
    }
    return true;
}

uint64_t idle_deadline_ms(void)
{
    return pool_deadline_ms(&pool);
}

bool idle_make_room(void)
{
    uint64_t signals = kernel_block_signals();
    bool made = spare_drop_any() || defer_drop_oldest(REASON_EVICTED);
    struct pool_item *item = made ? NULL : pool_take_oldest(&pool);
    if (item != NULL)
        idle_retire(conn_of(item), REASON_EVICTED);
    kernel_restore_signals(signals);
    return made || item != NULL;
}

void idle_flush(enum reason reason)
{
    uint64_t signals = kernel_block_signals();
    for (struct pool_item *item; (item = pool_take_oldest(&pool)) != NULL;)
        idle_retire(conn_of(item), reason);
    while (defer_drop_oldest(reason) || spare_drop_any())
        ;
    kernel_restore_signals(signals);
}

static void close_copy(void *context, int fd, fd_entry entry)
{
    (void)context;
    struct conn *conn = fd_entry_pointer(entry);
    if (fd_entry_kind(entry) == FD_OURS && tcp_cookie(fd) == conn->cookie)
        kernel_close(fd);
}

void idle_abandon(void)
{
    fdtable_each(0, INT32_MAX, close_copy, NULL);
    fdtable_wipe();
    defer_forget_all();
    spare_forget_all();
    conn_reset_all();
    if (config != NULL)
        idle_start(config);
}

struct pool *idle_pool(void)
{
    return &pool;
}
