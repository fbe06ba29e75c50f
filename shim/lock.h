/* SPDX-License-Identifier: MIT
 * A spin lock for critical sections of a few hundred instructions, with a bound on the wait. */
#ifndef TWPOOL_SHIM_LOCK_H
#define TWPOOL_SHIM_LOCK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Takes the lock (a zeroed word is a free one). False when it stays taken for 100 ms: its
 * holder was stopped, or is the very thread that asks. Raw system calls only, and those only when
 * it waits: async-signal-safe, preserves errno, no cancellation point. The caller blocks signals.
 */
bool lock_acquire(_Atomic uint32_t *lock);
void lock_release(_Atomic uint32_t *lock);

#endif
