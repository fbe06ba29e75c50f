/* SPDX-License-Identifier: MIT
 * Where idle connections wait: above the limit that the application lives under. */
#include "hide.h"

#include "kernel.h"
#include "lock.h"

#include <errno.h>

enum {
    /* The kernel's table of descriptors grows to the highest number: 8192 takes 64 KiB, 2^30 would
     * take 8 GiB. So a soft limit above this is far enough away from a program's own numbers. */
    HIGHEST_FLOOR = 8192,
    ROOM = 4096 /* numbers above the soft limit: more than connections are ever idle by default */
};

static _Atomic uint32_t limit_lock; /* one raised limit at a time */
static _Atomic bool used;

static int duplicate_above(int fd, uint64_t floor)
{
    return kernel_fcntl(fd, F_DUPFD_CLOEXEC, (long)floor);
}

/* F_DUPFD refuses numbers above the soft limit, so that is raised for the moment of the call: 1 us,
 * in which a child would inherit the raised one, and a setrlimit() of another thread be undone. */
static int duplicate_above_soft_limit(int fd, const struct rlimit64 *limit)
{
    if (!lock_acquire(&limit_lock))
        return -EMFILE;
    struct rlimit64 raised = *limit, restored;
    raised.rlim_cur =
        limit->rlim_cur + ROOM < limit->rlim_max ? limit->rlim_cur + ROOM : limit->rlim_max;
    int hidden = -EMFILE;
    if (kernel_prlimit(RLIMIT_NOFILE, &raised, &restored) == 0) {
        hidden = duplicate_above(fd, limit->rlim_cur);
        kernel_prlimit(RLIMIT_NOFILE, &restored, NULL); /* what it was, not what we had read */
    }
    lock_release(&limit_lock);
    return hidden;
}

int hide_descriptor(int fd)
{
    static _Atomic bool has_plenty; /* a guess: the limit was above HIGHEST_FLOOR the last time */
    struct rlimit64 limit;
    atomic_store_explicit(&used, true, memory_order_relaxed);
    if (atomic_load_explicit(&has_plenty, memory_order_relaxed)) {
        int hidden = duplicate_above(fd, HIGHEST_FLOOR);
        if (hidden >= 0)
            return hidden;
    }
    if (kernel_prlimit(RLIMIT_NOFILE, NULL, &limit) != 0)
        return -EMFILE;
    atomic_store_explicit(&has_plenty, limit.rlim_cur > HIGHEST_FLOOR, memory_order_relaxed);
    if (limit.rlim_cur > HIGHEST_FLOOR)
        return duplicate_above(fd, HIGHEST_FLOOR);
    if (limit.rlim_max > limit.rlim_cur) {
        int hidden = duplicate_above_soft_limit(fd, &limit);
        if (hidden >= 0)
            return hidden;
    }
    return duplicate_above(fd, limit.rlim_cur - limit.rlim_cur / 4);
}

bool hide_was_used(void)
{
    return atomic_load_explicit(&used, memory_order_relaxed);
}

void hide_reset(void)
{
    atomic_store(&limit_lock, 0);
}
