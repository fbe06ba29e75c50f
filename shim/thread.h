/* SPDX-License-Identifier: MIT
 * What the other threads of the process are at, by the kernel's word. */
#ifndef TWPOOL_SHIM_THREAD_H
#define TWPOOL_SHIM_THREAD_H

#include <stdbool.h>

/* Whether every other thread sleeps until another one of this process wakes it (a lock, a
 * condition, a join: futex(2)): then none waits, or is just about to wait, for anything from
 * outside. One that runs may be about to. Told by /proc/PID/task/TID/syscall, proc(5), which needs
 * no hook to have seen the wait; false where that cannot be read. A process of one thread: one
 * system call, 1 us; else 5 us for each thread. Async-signal-safe; preserves errno. */
bool thread_others_sleep_inside(void);

#endif
