/* SPDX-License-Identifier: MIT
 * A wait that would last beyond our next deadline: cut there, and resumed with the time left. */
#ifndef TWPOOL_SHIM_SLICE_H
#define TWPOOL_SHIM_SLICE_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/time.h>
#include <time.h>

#define SLICE_FOREVER UINT64_MAX
#define SLICE_SECOND_NS 1000000000ULL

/* One wait of the application's:
 *
 *     slice_begin(&slice, timeout_ns, mask);
 *     do
 *         result = libc.ppoll(fds, count, slice_next(&slice), slice.mask);
 *     while (result == 0 && !slice.is_last);
 *     slice_end(&slice);
 *
 * From begin to end all signals are blocked, but in the calls themselves, which wait with the
 * application's mask: a signal that comes between two of them is met by the next one, and ends the
 * wait by EINTR as it would have ended the whole. A handler may leave by siglongjmp(), and a
 * cancellation from within the call: then slice_end() is not reached, and the mask is as without
 * us. What a handler that ends such a wait finds in its context (uc_sigmask) is the mask between
 * two parts, all signals; what it changes there for after the wait is lost, since slice_end()
 * restores the application's mask. Each wait so needs a function that takes a mask, and is a
 * cancellation point. */
struct slice {
    uint64_t until_ns;    /* of CLOCK_MONOTONIC; SLICE_FOREVER */
    bool is_last;         /* what follows slice_next() lasts to the end of the wait */
    bool is_sleep;        /* ends as close to its time as nanosleep(2) */
    const sigset_t *mask; /* to wait with */
    uint64_t signals;     /* the application's own mask, */
    sigset_t own_mask;    /* and again as libc takes it */
    struct timespec length;
};

/* A time-out in nanoseconds. SLICE_FOREVER for none, and for more than a century; 0 for what
 * cannot be one: libc is to refuse it. */
uint64_t slice_ns_of_ms(int timeout_ms);
uint64_t slice_ns_of_timespec(const struct timespec *timeout);
uint64_t slice_ns_of_timeval(const struct timeval *timeout);

/* Whether the kernel could read a time-out from there, and would take it. A system call: ask
 * slice_is_due() first. */
bool slice_can_read(const struct timespec *timeout);

/* Whether something of ours is due before such a wait would end, and this process has to see to it.
 * Two loads while nothing is idle. Async-signal-safe; may be asked anywhere, and preserves errno.
 */
bool slice_is_due(uint64_t timeout_ns);

/* mask is the application's argument; NULL: its current mask. */
void slice_begin(struct slice *slice, uint64_t timeout_ns, const sigset_t *mask);

/* Does what is due, and says how long the next part may last: more than 0; NULL: for ever. */
const struct timespec *slice_next(struct slice *slice);

/* With all signals blocked, *signals being the application's mask: a cancellation that has been
 * asked for is acted on here, and the clean-up handlers run with that mask. */
void slice_act_on_cancellation(uint64_t *signals);

/* What is left of the whole wait, 0 when it is over. */
uint64_t slice_left_ns(const struct slice *slice);

/* Preserves errno. */
void slice_end(const struct slice *slice);

#endif
