/* SPDX-License-Identifier: MIT
 * Waiting for another thread of ours, for a while: no hook waits without a bound. */
#ifndef TWPOOL_SHIM_WAITING_H
#define TWPOOL_SHIM_WAITING_H

#include "kernel.h"

/* What is waited for is some system calls of another thread: microseconds, unless that thread lost
 * its processor. 200 ms is many time slices of a loaded machine. */
enum { WAITING_SPINS = 100, WAITING_MS = 200 };

struct waiting {
    uint32_t rounds;
    uint64_t until_ms;
};

/* One step: a pause at first, then the processor is given up. */
static inline void waiting_pause(struct waiting *waiting)
{
    if (waiting->rounds++ < WAITING_SPINS) {
        arch_pause();
        return;
    }
    if (waiting->until_ms == 0)
        waiting->until_ms = kernel_now_ms() + WAITING_MS;
    arch_syscall(SYS_sched_yield, 0, 0, 0, 0, 0, 0);
}

static inline bool waiting_is_over(const struct waiting *waiting)
{
    return waiting->until_ms != 0 && kernel_now_ms() >= waiting->until_ms;
}

#endif
