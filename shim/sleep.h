/* SPDX-License-Identifier: MIT
 * Hooks that only let time pass. */
#ifndef TWPOOL_SHIM_SLEEP_H
#define TWPOOL_SHIM_SLEEP_H

#include <time.h>
#include <unistd.h>

/* The same contracts, results, errno, remaining times and cancellation as nanosleep(2),
 * clock_nanosleep(2), sleep(3) and usleep(3); async-signal-safe where those are. */
int sleep_nanosleep(const struct timespec *length, struct timespec *left);
int sleep_clock_nanosleep(clockid_t clock, int flags, const struct timespec *length,
                          struct timespec *left);
unsigned sleep_seconds(unsigned seconds);
int sleep_microseconds(useconds_t microseconds);

#endif
