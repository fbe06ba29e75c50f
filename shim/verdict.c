/* SPDX-License-Identifier: MIT
 * Counters and the lines of TWPOOL_LOG. */
#include "verdict.h"

#include "log.h"
#include "stats.h"

enum { LINE_MAX_BYTES = 512 };

static void trace(const struct dest *dest, const char *what, enum reason reason)
{
    char buf[LINE_MAX_BYTES];
    struct text line;
    if (!log_wants(LOG_TRACE))
        return;
    text_init(&line, buf, sizeof buf);
    dest_key_format(&dest->key, &line);
    text_add(&line, " ");
    text_add(&line, what);
    if (reason != REASON_NONE) {
        text_add(&line, ": ");
        text_add(&line, reason_name(reason));
        text_add(&line, " (");
        text_add(&line, reason_explanation(reason));
        text_add(&line, ")");
    }
    log_line(line.buf, line.len);
}

static bool is_at_connect(enum reason reason)
{
    return reason == REASON_NONE_IDLE || reason == REASON_SOCKET_BUSY ||
           reason == REASON_STALE_BACKOFF;
}

static void count(_Atomic uint64_t *counter)
{
    atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

void verdict_opened(struct dest *dest)
{
    count(&dest->opened);
    trace(dest, "opened", REASON_NONE);
}

void verdict_reused(struct dest *dest)
{
    count(&dest->reused);
    trace(dest, "reused", REASON_NONE);
}

void verdict_parked(struct dest *dest)
{
    count(&dest->parked);
    trace(dest, "parked", REASON_NONE);
}

void verdict_deferred(struct dest *dest)
{
    count(&dest->deferred);
    trace(dest, "deferred", REASON_NONE);
}

void verdict_refused(struct dest *dest, enum reason reason)
{
    if (dest == NULL)
        return;
    count(&dest->refused[reason]);
    trace(dest, is_at_connect(reason) ? "not reused" : "ended", reason);
}

void verdict_closed(struct dest *dest, enum reason reason, bool raw_fits)
{
    if (dest == NULL)
        return;
    count(&dest->refused[reason]);
    atomic_store_explicit(&dest->last_refusal, (uint32_t)reason, memory_order_relaxed);
    if (!raw_fits)
        atomic_fetch_add_explicit(&dest->raw_unfit, 1, memory_order_relaxed);
    trace(dest, "not parked", reason);
}

void verdict_no_port(const struct dest *dest)
{
    static _Atomic bool told;
    char buf[LINE_MAX_BYTES];
    struct text line;
    if (!log_wants(LOG_HINT) || atomic_exchange(&told, true))
        return;
    text_init(&line, buf, sizeof buf);
    stats_hint_line(&line, dest);
    log_line(line.buf, line.len);
}
