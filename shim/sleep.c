/* SPDX-License-Identifier: MIT
 * Sleeping in parts: by ppoll() over nothing, which can wait with another mask. */
#include "sleep.h"

#include "goodbye.h"
#include "kernel.h"
#include "libc.h"
#include "slice.h"

#include <errno.h>

/* -1 with EINTR, or 0. *left_ns is what was left when the sleep ended. */
static __attribute__((noinline)) int sleep_in_parts(uint64_t timeout_ns, uint64_t *left_ns)
{
    struct slice slice;
    int result;
    slice_begin(&slice, timeout_ns, NULL);
    slice.is_sleep = true;
    do
        result = libc.ppoll(NULL, 0, slice_next(&slice), slice.mask);
    while (result == 0 && !slice.is_last);
    *left_ns = slice_left_ns(&slice);
    slice_end(&slice);
    return result;
}

/* The kernel writes, so that a wrong address is EFAULT, as in libc. */
static int store(struct timespec *left, uint64_t left_ns)
{
    int result = (int)arch_syscall(SYS_clock_gettime, CLOCK_MONOTONIC, (long)left, 0, 0, 0, 0);
    if (result != 0)
        return -result;
    left->tv_sec = (time_t)(left_ns / SLICE_SECOND_NS);
    left->tv_nsec = (long)(left_ns % SLICE_SECOND_NS);
    return EINTR;
}

/* 0 or the error. A signal at the very end is no interruption where the time left is asked for,
 * nanosleep(2) in the kernel. */
static int sleep_relative(uint64_t timeout_ns, struct timespec *left)
{
    uint64_t left_ns;
    if (sleep_in_parts(timeout_ns, &left_ns) == 0)
        return 0;
    if (left == NULL)
        return EINTR;
    return left_ns == 0 ? 0 : store(left, left_ns);
}

/* What a length means that is to be cut, else 0. The first question costs a load, usually. */
static uint64_t ns_to_cut(const struct timespec *length)
{
    if (!slice_is_due(SLICE_FOREVER) || length == NULL || !slice_can_read(length))
        return 0;
    uint64_t ns = slice_ns_of_timespec(length);
    return ns != SLICE_FOREVER && slice_is_due(ns) ? ns : 0;
}

int sleep_nanosleep(const struct timespec *length, struct timespec *left)
{
    goodbye_send_first();
    uint64_t ns = ns_to_cut(length);
    if (ns == 0)
        return libc.nanosleep(length, left);
    int saved_errno = errno;
    int error = sleep_relative(ns, left);
    errno = error == 0 ? saved_errno : error;
    return error == 0 ? 0 : -1;
}

/* A moment of CLOCK_MONOTONIC; one of CLOCK_REALTIME moves when that clock is set, so those sleeps
 * stay whole. */
static uint64_t ns_until(const struct timespec *moment)
{
    if (!slice_is_due(SLICE_FOREVER) || moment == NULL || !slice_can_read(moment))
        return 0;
    uint64_t until_ns = slice_ns_of_timespec(moment), now_ns = kernel_now_ns();
    if (until_ns == SLICE_FOREVER || until_ns <= now_ns)
        return 0;
    return slice_is_due(until_ns - now_ns) ? until_ns - now_ns : 0;
}

int sleep_clock_nanosleep(clockid_t clock, int flags, const struct timespec *length,
                          struct timespec *left)
{
    goodbye_send_first();
    uint64_t ns = 0;
    if (flags == 0 && (clock == CLOCK_MONOTONIC || clock == CLOCK_REALTIME))
        ns = ns_to_cut(length);
    if (flags == TIMER_ABSTIME && clock == CLOCK_MONOTONIC)
        ns = ns_until(length);
    if (ns == 0)
        return libc.clock_nanosleep(clock, flags, length, left);
    int saved_errno = errno;
    int error = sleep_relative(ns, flags == 0 ? left : NULL);
    errno = saved_errno;
    return error;
}

/* libc's sleep() drops the fraction of what is left, and changes errno only with it. */
unsigned sleep_seconds(unsigned seconds)
{
    goodbye_send_first();
    uint64_t ns = seconds * SLICE_SECOND_NS;
    struct timespec left = {0};
    if (!slice_is_due(ns))
        return libc.sleep(seconds);
    int saved_errno = errno;
    int error = sleep_relative(ns, &left);
    errno = error == 0 ? saved_errno : error;
    return error == 0 ? 0 : (unsigned)left.tv_sec;
}

int sleep_microseconds(useconds_t microseconds)
{
    goodbye_send_first();
    uint64_t ns = (uint64_t)microseconds * 1000;
    if (!slice_is_due(ns))
        return libc.usleep(microseconds);
    int saved_errno = errno;
    int error = sleep_relative(ns, NULL);
    errno = error == 0 ? saved_errno : error;
    return error == 0 ? 0 : -1;
}
