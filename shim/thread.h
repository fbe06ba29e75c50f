/* SPDX-License-Identifier: MIT
 * What the other threads of the process are at, by the kernel's word. */
#ifndef TWPOOL_SHIM_THREAD_H
#define TWPOOL_SHIM_THREAD_H

#include <stdbool.h>

/* Whether no other thread of this process waits for anything from outside, or is about to, unaware
 * of what the caller has stored before (atomically): each sleeps until another one of the process
 * wakes it (a lock, a condition, a join: futex(2)), or runs, and has run on since. Told by
 * /proc/PID/task/TID/syscall, proc(5), which needs no hook to have seen the wait; false where that
 * cannot be read. A process of one thread: one system call, 1 us; else 4 us for each thread, 20 more
 * for each that runs, 200 at most for one that is kept from running. Async-signal-safe; preserves
 * errno. */
bool thread_none_waits_outside(void);

#endif
