/* SPDX-License-Identifier: MIT
 * Spins while the holder is likely to be running, then yields the processor to it. */
#include "lock.h"

#include "arch.h"

#include <sys/syscall.h>
#include <time.h>

enum { LOCK_WAIT_MS = 100 }; /* many scheduler slices, and still no hang to a person */
enum { LOCK_SPINS = 200 };   /* a few microseconds: longer than any section guarded by it */

static bool try_acquire(_Atomic uint32_t *lock);
static uint64_t now_ms(void);

bool lock_acquire(_Atomic uint32_t *lock)
{
    for (int spin = 0; spin < LOCK_SPINS; spin++) {
        if (try_acquire(lock))
            return true;
        arch_pause();
    }

    uint64_t deadline_ms = now_ms() + LOCK_WAIT_MS;
    while (now_ms() < deadline_ms) {
        arch_syscall(SYS_sched_yield, 0, 0, 0, 0, 0, 0);
        if (try_acquire(lock))
            return true;
    }
    return false;
}

void lock_release(_Atomic uint32_t *lock)
{
    /* Pairs with the acquire in try_acquire(). */
    atomic_store_explicit(lock, 0, memory_order_release);
}

static bool try_acquire(_Atomic uint32_t *lock)
{
    /* Looks before it writes, so that waiters share the cache line instead of fighting for it. */
    if (atomic_load_explicit(lock, memory_order_relaxed) != 0)
        return false;
    /* Pairs with the release in lock_release(). */
    return atomic_exchange_explicit(lock, 1, memory_order_acquire) == 0;
}

static uint64_t now_ms(void)
{
    struct timespec now = {0, 0};

    arch_syscall(SYS_clock_gettime, CLOCK_MONOTONIC, (long)&now, 0, 0, 0, 0);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}
