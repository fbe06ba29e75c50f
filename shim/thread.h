/* SPDX-License-Identifier: MIT
 * What the other threads of the process are at, by the kernel's word. */
#ifndef TWPOOL_SHIM_THREAD_H
#define TWPOOL_SHIM_THREAD_H

#include <stdbool.h>

/* Whether this thread has ever begun a hook that can block. A runtime's own (compilers, collectors
 * of garbage) run most of the time, and never do. */
extern _Thread_local bool thread_is_known;

/* Whether it is the one that the process began with. */
bool thread_is_first(void);

/* Makes it known, before it looks at what others have stored for it to see. Async-signal-safe. */
void thread_make_known(void);

/* In a new child: its first thread is known under another number than its parent's. */
void thread_reset(void);

/* Whether no other thread of this process waits for anything from outside, or is about to, unaware
 * of what the caller has stored before (atomically): each sleeps until another one of the process
 * wakes it (a lock, a condition, a join: futex(2)), or runs, and has never begun such a hook, or
 * has run on since. Told by /proc/PID/task/TID/syscall, proc(5), which needs no hook to have seen
 * the wait; false where that cannot be read. A process of one thread: one system call, 1 us; else 4
 * us for each thread, 20 more for a known one that runs, 200 at most for one that is kept from
 * running. Async-signal-safe; preserves errno. */
bool thread_none_waits_outside(void);

#endif
