/* SPDX-License-Identifier: MIT
 * What of ours is due at some moment, whatever the application does: idle connections and deferred
 * closes that end. */
#ifndef TWPOOL_SHIM_UPKEEP_H
#define TWPOOL_SHIM_UPKEEP_H

#include <stdint.h>

#define UPKEEP_NEVER UINT64_MAX

/* The next moment, in milliseconds of CLOCK_MONOTONIC, at which something is due; it may be too
 * early, never too late. UPKEEP_NEVER when nothing is: two loads. Callable by anyone, also before
 * the constructor and in a vfork child; async-signal-safe. */
uint64_t upkeep_deadline_ms(void);

/* Does all that is due, unless another thread is at it: then that one does. Does nothing in a
 * process that does not own the pool. Call with signals blocked; preserves errno. */
void upkeep_run(uint64_t now_ms);

/* To be called, with signals blocked, after each thing that has made something due: the reaper may
 * have to start, or to wake earlier. */
void upkeep_expect(void);

/* In a new child: a thread that was at it does not exist here. */
void upkeep_reset(void);

#endif
