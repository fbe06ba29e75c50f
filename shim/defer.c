/* SPDX-License-Identifier: MIT
 * One queue, oldest first: all wait for the same time, so its head is what is due first. */
#include "defer.h"

#include "idle.h"
#include "kernel.h"
#include "lock.h"
#include "process.h"
#include "tcp.h"
#include "verdict.h"

#include <utlist.h>

enum { LOOK_AT = 2 /* a release or an acquire pays for no more: 1 us each */ };
enum { LAST_WORDS_MAX = 65536 /* more than a goodbye is answered with */ };

static struct {
    const struct config *config;
    _Atomic uint32_t lock;
    struct conn *oldest; /* under the lock */
    uint32_t count;
    _Atomic uint64_t look_ms; /* the next look is due then, for who waits; written under the lock */
} queue = {.look_ms = UINT64_MAX};

/* A FIN is here within a round trip, which may be a microsecond or a second: the next look comes
 * when the oldest has waited for twice as long as now. */
static void note_next_look(uint64_t now_ms)
{
    const struct conn *oldest = queue.oldest;
    if (oldest == NULL) {
        atomic_store(&queue.look_ms, UINT64_MAX);
        return;
    }
    uint64_t waited_ms = now_ms + queue.config->defer_ms - oldest->deferred_until_ms;
    uint64_t look_ms = now_ms + (waited_ms > 0 ? waited_ms : 1);
    bool is_last = look_ms >= oldest->deferred_until_ms;
    atomic_store(&queue.look_ms, is_last ? oldest->deferred_until_ms : look_ms);
}

/* The rest of the queue is under the lock. */
static void take(struct conn *conn)
{
    /* The analyser cannot know that the last one's next is the only one that is NULL. */
    DL_DELETE2(queue.oldest, conn, deferred_prev, deferred_next); /* NOLINT(clang-analyzer-*) */
    conn->is_deferred = false;
    queue.count--;
    if (queue.oldest == NULL)
        atomic_store(&queue.look_ms, UINT64_MAX);
}

void defer_start(const struct config *config)
{
    queue.config = config;
}

bool defer_may(const struct conn *conn)
{
    const struct dest *dest = atomic_load(&conn->dest);
    const struct config *config = queue.config;
    if (config == NULL || config->close != CLOSE_CLEAN || config->defer_ms == 0)
        return false;
    if (dest == NULL || atomic_load(&dest->never_defer) || !process_is_pooling())
        return false;
    return conn->witness.peer_will_close && conn_has(conn, CONN_CONNECTED) &&
           !conn_has(conn, CONN_PEER_CLOSED) && !conn_has(conn, CONN_LINGER) &&
           !conn_has(conn, CONN_NOT_DEFERRED) && atomic_load(&conn->epoch) == process_epoch();
}

/* Ends a connection that was taken out of the queue and whose peer may not have closed yet. Its FIN
 * may be on its way, and must not cross ours: FIN and RST at once leave no time for that. While
 * bytes of ours are not acknowledged, an RST could overtake them: then the kernel does it later. */
static void end_now(struct conn *conn)
{
    struct tcp_view view;
    if (tcp_cookie(conn->hidden_fd) == conn->cookie && tcp_look(conn->hidden_fd, &view) == 0 &&
        view.established && !view.has_unsent)
        tcp_disconnect(conn->hidden_fd);
    idle_drop(conn, true);
}

static struct conn *take_oldest(void)
{
    if (!lock_acquire(&queue.lock))
        return NULL;
    struct conn *conn = queue.oldest;
    if (conn != NULL)
        take(conn);
    lock_release(&queue.lock);
    return conn;
}

bool defer_drop_oldest(enum reason reason)
{
    struct conn *conn = take_oldest();
    if (conn == NULL)
        return false;
    verdict_refused(atomic_load(&conn->dest), reason);
    end_now(conn);
    return true;
}

bool defer_put(struct conn *conn, uint64_t now_ms)
{
    struct dest *dest = atomic_load(&conn->dest);
    uint32_t epoch = atomic_load(&conn->epoch);
    if (queue.config->max_idle == 0 || !lock_acquire(&queue.lock))
        return false;
    bool is_full = queue.count + atomic_load(&idle_pool()->idle) >= queue.config->max_idle;
    tcp_set_clean_close(conn->hidden_fd, true); /* should the process be killed meanwhile */
    conn->deferred_until_ms = now_ms + queue.config->defer_ms;
    conn->is_deferred = true;
    DL_APPEND2(queue.oldest, conn, deferred_prev, deferred_next);
    queue.count++;
    note_next_look(now_ms);
    lock_release(&queue.lock);
    verdict_deferred(dest);
    if (is_full)
        defer_drop_oldest(REASON_EVICTED);
    /* A flush may have passed before this one was in the queue. */
    if (epoch != process_epoch() || !process_is_pooling())
        defer_drop(conn, REASON_FLUSHED);
    return true;
}

/* What the peer still said is nobody's: unread, it would turn our FIN into an RST. */
static bool peer_has_closed(const struct conn *conn)
{
    int events = kernel_poll_now(conn->hidden_fd, POLLIN | POLLRDHUP);
    if ((events & POLLIN) != 0)
        tcp_drop_unread(conn->hidden_fd, LAST_WORDS_MAX);
    return events != 0 && events != POLLIN;
}

/* Why it waits no longer; REASON_NONE while it does. */
static enum reason end_of_wait(struct conn *conn, uint64_t now_ms)
{
    if (tcp_cookie(conn->hidden_fd) != conn->cookie)
        return REASON_LOST;
    if (peer_has_closed(conn))
        return REASON_AS_ANNOUNCED;
    return now_ms < conn->deferred_until_ms ? REASON_NONE : REASON_DEFERRAL_TIMED_OUT;
}

/* Without the lock, since a line of the trace may block. */
static void finish(struct conn *conn, enum reason reason)
{
    struct dest *dest = atomic_load(&conn->dest);
    if (reason == REASON_DEFERRAL_TIMED_OUT)
        atomic_store(&dest->never_defer, true);
    verdict_refused(dest, reason);
    idle_drop(conn, true);
}

bool defer_sweep(uint64_t now_ms)
{
    struct conn *over[LOOK_AT];
    enum reason reasons[LOOK_AT];
    int count = 0;
    if (defer_deadline_ms() == UINT64_MAX || !lock_acquire(&queue.lock))
        return false;
    struct conn *conn = queue.oldest;
    for (int looked = 0; conn != NULL && looked < LOOK_AT; looked++) {
        struct conn *next = conn->deferred_next;
        reasons[count] = end_of_wait(conn, now_ms);
        if (reasons[count] != REASON_NONE) {
            take(conn);
            over[count++] = conn;
        }
        conn = next;
    }
    note_next_look(now_ms);
    lock_release(&queue.lock);
    for (int i = 0; i < count; i++)
        finish(over[i], reasons[i]);
    return count == LOOK_AT;
}

uint64_t defer_deadline_ms(void)
{
    return atomic_load(&queue.look_ms);
}

bool defer_drop(struct conn *conn, enum reason reason)
{
    if (!lock_acquire(&queue.lock))
        return false;
    bool found = conn->is_deferred;
    if (found)
        take(conn);
    lock_release(&queue.lock);
    if (!found)
        return false;
    verdict_refused(atomic_load(&conn->dest), reason);
    end_now(conn);
    return true;
}

void defer_forget_all(void)
{
    atomic_store(&queue.lock, 0);
    queue.oldest = NULL;
    queue.count = 0;
    atomic_store(&queue.look_ms, UINT64_MAX);
}
