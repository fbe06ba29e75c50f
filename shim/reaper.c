/* SPDX-License-Identifier: MIT
 * A thread without libc: born lazily, asleep on a futex, gone when nothing is due any more. */
#include "reaper.h"

#include "kernel.h"
#include "lock.h"
#include "process.h"
#include "settings.h"
#include "upkeep.h"
#include "waiting.h"

#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <sys/prctl.h>

enum {
    GUARD = 64 * 1024,     /* one page of the largest size; below the stack */
    STACK = 64 * 1024,     /* far more than ending a connection takes, also under ASan */
    TLS_BELOW = 64 * 1024, /* around the thread pointer there are zeros: what the compiler reads, */
    TLS_ABOVE = 64 * 1024, /* a stack protector's canary, and what libc or a sanitizer may */
    MEMORY = GUARD + STACK + TLS_BELOW + TLS_ABOVE,
    AGAIN_MS = 10,       /* when what is due cannot be done now: another thread is at it */
    RETRY_MS = 1000,     /* after clone() failed: a limit on processes is not lifted at once */
    LONGEST_MS = 3600000 /* a sleep without a deadline: it is woken when there is one */
};

static struct {
    _Atomic uint32_t lock; /* of beginning and ending: the thread, or who starts it */
    _Atomic bool running;  /* written under the lock */
    _Atomic uint32_t holds;
    _Atomic uint64_t wake_at_ms; /* when it looks again; UPKEEP_NEVER when nobody will */
    _Atomic uint32_t bell;       /* a futex: it sleeps while this does not change */
    _Atomic int alive;           /* zeroed by the kernel when the thread has left its stack */
    _Atomic int tid;             /* of the last one; 0: known to be gone */
    char *memory;                /* under the lock, never unmapped */
    uint64_t retry_at_ms;        /* under the lock */
} reaper = {.wake_at_ms = UPKEEP_NEVER};

bool reaper_is_wanted(void)
{
    return settings()->reaper == REAPER_THREAD;
}

bool reaper_is_running(void)
{
    return atomic_load_explicit(&reaper.running, memory_order_relaxed);
}

static void ring(void)
{
    atomic_fetch_add(&reaper.bell, 1);
    arch_syscall(SYS_futex, (long)&reaper.bell, FUTEX_WAKE_PRIVATE, 1, 0, 0, 0);
}

static void sleep_until(uint64_t wake_at_ms, uint32_t bell)
{
    uint64_t now_ms = kernel_now_ms();
    uint64_t ms = wake_at_ms > now_ms + AGAIN_MS ? wake_at_ms - now_ms : AGAIN_MS;
    if (ms > LONGEST_MS)
        ms = LONGEST_MS;
    const struct timespec length = {(time_t)(ms / 1000), (long)(ms % 1000 * 1000000)};
    arch_syscall(SYS_futex, (long)&reaper.bell, FUTEX_WAIT_PRIVATE, (long)bell, (long)&length, 0,
                 0);
}

/* Under the lock, so that whoever has something due either finds it running, and it looks again, or
 * finds none and starts one. */
static bool may_end(void)
{
    if (!lock_acquire(&reaper.lock))
        return false;
    bool ends = atomic_load(&reaper.holds) > 0 || upkeep_deadline_ms() == UPKEEP_NEVER;
    if (ends) {
        atomic_store(&reaper.running, false);
        atomic_exchange(&reaper.wake_at_ms, UPKEEP_NEVER);
    }
    lock_release(&reaper.lock);
    return ends;
}

/* No libc function is called from here on, and errno is nobody's. */
static void run(void)
{
    arch_syscall(SYS_prctl, PR_SET_NAME, (long)"twpool-reaper", 0, 0, 0, 0);
    for (;;) {
        uint32_t bell = atomic_load(&reaper.bell); /* before the look: a later ring is not missed */
        upkeep_run(kernel_now_ms());
        uint64_t due_ms = upkeep_deadline_ms();
        /* Paired with the one in reaper_expect(): of the two, in whatever order they come, the
         * later sees what the earlier did before. */
        atomic_exchange(&reaper.wake_at_ms, due_ms);
        if (upkeep_deadline_ms() < due_ms)
            continue;
        if ((due_ms == UPKEEP_NEVER || atomic_load(&reaper.holds) > 0) && may_end())
            break;
        sleep_until(atomic_load(&reaper.holds) > 0 ? 0 : due_ms, bell);
    }
    for (;;)
        arch_syscall(SYS_exit, 0, 0, 0, 0, 0, 0);
}

static char *map_memory(void)
{
    char *memory = kernel_map(MEMORY);
    if (memory != NULL)
        arch_syscall(SYS_mprotect, (long)memory, GUARD, 0 /* PROT_NONE */, 0, 0, 0);
    return memory;
}

/* A thread pointer points to itself, twice on x86-64: the ABI's word, and libc's. */
static void *thread_pointer(void)
{
    void **pointer = (void **)(void *)(reaper.memory + GUARD + STACK + TLS_BELOW);
    pointer[0] = pointer[2] = pointer;
    return pointer;
}

/* The last one may still be on its way out of the stack: some instructions. */
static bool is_stack_free(void)
{
    for (struct waiting waiting = {0}; !waiting_is_over(&waiting); waiting_pause(&waiting))
        if (atomic_load(&reaper.alive) == 0)
            return true;
    return false;
}

/* Under the lock, with signals blocked, which the thread inherits. */
static void start(void)
{
    const unsigned long flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
                                CLONE_SYSVSEM | CLONE_SETTLS | CLONE_PARENT_SETTID |
                                CLONE_CHILD_CLEARTID;
    uint64_t now_ms = kernel_now_ms();
    if (now_ms < reaper.retry_at_ms || !is_stack_free())
        return;
    if (reaper.memory == NULL)
        reaper.memory = map_memory();
    if (reaper.memory == NULL)
        return;
    atomic_store(&reaper.alive, 1);
    atomic_store(&reaper.running, true);
    atomic_store(&reaper.wake_at_ms, 0); /* it looks at once */
    long tid = arch_clone(flags, reaper.memory + GUARD + STACK, (int *)&reaper.tid,
                          (int *)&reaper.alive, thread_pointer(), run);
    if (tid > 0)
        return;
    atomic_store(&reaper.wake_at_ms, UPKEEP_NEVER);
    atomic_store(&reaper.running, false);
    atomic_store(&reaper.alive, 0);
    reaper.retry_at_ms = now_ms + RETRY_MS;
}

void reaper_expect(uint64_t deadline_ms)
{
    if (atomic_fetch_add(&reaper.wake_at_ms, 0) <= deadline_ms || atomic_load(&reaper.holds) > 0)
        return;
    if (!lock_acquire(&reaper.lock))
        return;
    if (atomic_load(&reaper.running))
        ring();
    else if (atomic_load(&reaper.holds) == 0)
        start();
    lock_release(&reaper.lock);
}

/* Until the kernel knows no such thread of ours: only then is the process one of fewer threads. */
static void await_end(void)
{
    int tid = atomic_load(&reaper.tid);
    for (struct waiting waiting = {0}; tid != 0; waiting_pause(&waiting)) {
        if (arch_syscall(SYS_tgkill, kernel_getpid(), tid, 0, 0, 0, 0) == -ESRCH)
            atomic_compare_exchange_strong(&reaper.tid, &tid, 0);
        else if (!waiting_is_over(&waiting))
            continue;
        return;
    }
}

void reaper_hold(void)
{
    if (!reaper_is_wanted() || !process_owns_pool())
        return;
    uint64_t signals = kernel_block_signals();
    atomic_fetch_add(&reaper.holds, 1);
    if (lock_acquire(&reaper.lock)) { /* whoever is starting it has done so now */
        ring();
        lock_release(&reaper.lock);
    }
    await_end();
    kernel_restore_signals(signals);
}

void reaper_release(void)
{
    if (!reaper_is_wanted() || !process_owns_pool() || atomic_fetch_sub(&reaper.holds, 1) > 1)
        return;
    uint64_t signals = kernel_block_signals();
    upkeep_expect(); /* something may have become idle, or may still be */
    kernel_restore_signals(signals);
}

/* Of two that end at once each may count the other: then the process ends when nothing idles. */
void reaper_yield_to_exit(void)
{
    if (!reaper_is_wanted() || !process_owns_pool())
        return;
    reaper_hold();
    if (kernel_threads() > 1)
        reaper_release();
    else
        atomic_fetch_sub(&reaper.holds, 1);
}

void reaper_reset(void)
{
    atomic_store(&reaper.lock, 0);
    atomic_store(&reaper.running, false);
    atomic_store(&reaper.holds, 0);
    atomic_store(&reaper.wake_at_ms, UPKEEP_NEVER);
    atomic_store(&reaper.alive, 0);
    atomic_store(&reaper.tid, 0);
    reaper.retry_at_ms = 0;
}
