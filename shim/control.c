/* SPDX-License-Identifier: MIT
 * The calls of include/twpool/twpool.h. */
#include <twpool/twpool.h>

#include "idle.h"
#include "process.h"

#include <string.h>

#define EXPORT __attribute__((visibility("default")))

static uint64_t refused(const struct dest *dest, enum reason_group group);

EXPORT const char *twpool_version(void)
{
    return TWPOOL_VERSION;
}

static void add_dest(void *context, struct dest *dest)
{
    struct twpool_counts *counts = context;
    counts->opened += atomic_load_explicit(&dest->opened, memory_order_relaxed);
    counts->failed += atomic_load_explicit(&dest->failed, memory_order_relaxed);
    counts->reused += atomic_load_explicit(&dest->reused, memory_order_relaxed);
    counts->parked += atomic_load_explicit(&dest->parked, memory_order_relaxed);
    counts->deferred += atomic_load_explicit(&dest->deferred, memory_order_relaxed);
    counts->not_parked += refused(dest, REASON_GROUP_NOT_PARKED);
    counts->ended_idle += refused(dest, REASON_GROUP_ENDED_IDLE);
}

static uint64_t refused(const struct dest *dest, enum reason_group group)
{
    uint64_t sum = 0;
    for (int i = REASON_NONE + 1; i < REASON_COUNT; i++)
        if (reason_group((enum reason)i) == group)
            sum += atomic_load_explicit(&dest->refused[i], memory_order_relaxed);
    return sum;
}

EXPORT void twpool_count(struct twpool_counts *counts)
{
    struct twpool_counts known = {.idle = atomic_load(&idle_pool()->idle)};
    uint64_t size = counts->size < sizeof known ? counts->size : sizeof known;
    pool_each_dest(idle_pool(), add_dest, &known);
    known.size = size;
    memcpy(counts, &known, size);
}

EXPORT void twpool_flush(void)
{
    if (process_owns_pool())
        idle_flush(REASON_FLUSHED);
}
