/* SPDX-License-Identifier: MIT
 * The calls of include/twpool/twpool.h. */
#include <twpool/twpool.h>

#include "idle.h"
#include "process.h"

#define EXPORT __attribute__((visibility("default")))

EXPORT const char *twpool_version(void)
{
    return TWPOOL_VERSION;
}

static void add_dest(void *context, struct dest *dest)
{
    struct twpool_counts *counts = context;
    counts->opened += atomic_load_explicit(&dest->opened, memory_order_relaxed);
    counts->reused += atomic_load_explicit(&dest->reused, memory_order_relaxed);
    counts->parked += atomic_load_explicit(&dest->parked, memory_order_relaxed);
}

EXPORT void twpool_count(struct twpool_counts *counts)
{
    *counts = (struct twpool_counts){.idle = atomic_load(&idle_pool()->idle)};
    pool_each_dest(idle_pool(), add_dest, counts);
}

EXPORT void twpool_flush(void)
{
    if (process_owns_pool())
        idle_flush(REASON_FLUSHED);
}
