/* SPDX-License-Identifier: MIT
 * Counters and the lines of TWPOOL_LOG. */
#include "verdict.h"

#include "hint.h"
#include "log.h"

#include <errno.h>

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

static void tell_no_port(const struct dest *dest)
{
    static _Atomic bool told;
    char buf[LINE_MAX_BYTES];
    struct text line;
    /* The error has other causes (no address to connect from, as with IPv6 switched off): unasked
     * we speak only where the pool could have helped. */
    bool wanted = log_wants(LOG_HINT) || (hint_no_port_is_ours(dest) && log_wants(LOG_AUTO));
    if (!wanted || atomic_exchange(&told, true))
        return;
    text_init(&line, buf, sizeof buf);
    hint_no_port(&line, dest);
    log_line(line.buf, line.len);
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

void verdict_failed(struct dest *dest, int error)
{
    count(&dest->failed);
    trace(dest, "not opened", REASON_NONE);
    if (error == EADDRNOTAVAIL)
        tell_no_port(dest);
}

void verdict_ruled_off(struct dest *dest)
{
    count(&dest->opened);
    count(&dest->refused[REASON_RULE_OFF]);
    trace(dest, "opened", REASON_RULE_OFF);
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
    trace(dest, reason_group(reason) == REASON_GROUP_NOT_REUSED ? "not reused" : "ended", reason);
}

/* By every connection: each takes away what it has not fitted. */
static void note_fits(struct dest *dest, fits found)
{
    uint32_t before = atomic_load_explicit(&dest->fitted, memory_order_relaxed), after;
    do
        after = (before == 0 ? found : before & found) | FITTED_ANY;
    while (!atomic_compare_exchange_weak_explicit(&dest->fitted, &before, after,
                                                  memory_order_relaxed, memory_order_relaxed));
}

void verdict_closed(struct dest *dest, enum reason reason, fits found)
{
    if (dest == NULL)
        return;
    count(&dest->refused[reason]);
    atomic_store_explicit(&dest->last_refusal, (uint32_t)reason, memory_order_relaxed);
    note_fits(dest, found);
    if ((found & FITS_RAW) == 0)
        atomic_fetch_add_explicit(&dest->raw_unfit, 1, memory_order_relaxed);
    trace(dest, "not parked", reason);
}
