/* SPDX-License-Identifier: MIT
 * TWPOOL_REAPER=thread: a thread of ours that keeps the deadlines while the application waits in
 * calls that we do not see. */
#ifndef TWPOOL_SHIM_REAPER_H
#define TWPOOL_SHIM_REAPER_H

#include <stdbool.h>
#include <stdint.h>

/* The thread is made by clone(2) and unknown to libc: nothing is allocated for it, and libc's count
 * of threads, by which the last pthread_exit() ends the process, is the application's alone. It
 * lives while something is due, with all signals blocked, and makes only our own system calls. */

/* Whether the user has asked for it. */
bool reaper_is_wanted(void);

/* It lives, so that waits need not be cut. */
bool reaper_is_running(void);

/* Something is due then: it starts, unless it is there, and wakes no later. Call with signals
 * blocked, as the pool's owner. Where no thread can be made, the next call after a second tries
 * again. Preserves errno. */
void reaper_expect(uint64_t deadline_ms);

/* Ends it, waits for that with a bound, and lets none start until as many reaper_release() have
 * followed: what the kernel does to one thread alone, or refuses to a process of several
 * (setuid(2), unshare(2), setns(2)). Nothing in a process that does not own the pool. */
void reaper_hold(void);

/* The last one starts it again when something is due. */
void reaper_release(void);

/* The calling thread is about to end without libc's knowledge. Ends the reaper, which starts again
 * at once only if other threads are left: the last one's end is the end of the process. */
void reaper_yield_to_exit(void);

/* In a new child, where it does not exist. */
void reaper_reset(void);

#endif
