/* SPDX-License-Identifier: MIT
 * Whether a number that the table shows as ours still is. */
#ifndef TWPOOL_SHIM_OURS_H
#define TWPOOL_SHIM_OURS_H

#include <stdbool.h>

/* True when something of ours waits behind fd: to the application, which cannot know the number, it
 * is not open. Where it was closed unseen, and perhaps given out again since, what was known of it
 * is forgotten, and it is the application's. 0.4 us for a number of ours, two loads for any other.
 * Async-signal-safe; preserves errno. */
bool ours_is(int fd);

#endif
