/* SPDX-License-Identifier: MIT
 * The one list of what has a deadline. */
#include "upkeep.h"

#include "defer.h"
#include "goodbye.h"
#include "idle.h"
#include "process.h"
#include "reaper.h"

static _Atomic bool running; /* one thread does it: the others, woken by the same deadline, go on */

uint64_t upkeep_deadline_ms(void)
{
    uint64_t idle_ms = idle_deadline_ms(), deferred_ms = defer_deadline_ms();
    uint64_t closes_ms = idle_ms < deferred_ms ? idle_ms : deferred_ms;
    uint64_t goodbye_ms = goodbye_deadline_ms();
    return closes_ms < goodbye_ms ? closes_ms : goodbye_ms;
}

/* Deferred closes as well. */
static void run_all(uint64_t now_ms)
{
    if (goodbye_deadline_ms() <= now_ms)
        goodbye_send_all();
    while (idle_sweep(now_ms))
        ;
}

void upkeep_run(uint64_t now_ms)
{
    if (upkeep_deadline_ms() > now_ms || !process_owns_pool() || atomic_exchange(&running, true))
        return;
    run_all(now_ms);
    atomic_store(&running, false);
}

void upkeep_expect(void)
{
    if (reaper_is_wanted())
        reaper_expect(upkeep_deadline_ms());
}

void upkeep_reset(void)
{
    atomic_store(&running, false);
    reaper_reset();
}
