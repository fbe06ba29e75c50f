/* SPDX-License-Identifier: MIT
 * select()'s sets of descriptors, which may be shorter than the count that comes with them. */
#ifndef TWPOOL_SHIM_FDSET_H
#define TWPOOL_SHIM_FDSET_H

#include <stdbool.h>
#include <sys/select.h>

struct fdsets {
    const fd_set *readable, *writable, *except; /* each may be NULL */
};

/* Whether fd, below the count that was passed, is in one of the sets. */
bool fdsets_have(const struct fdsets *sets, int fd);

/* The count to pass on. Programs say select(getdtablesize(), ...) with sets of FD_SETSIZE bits, and
 * live by the kernel's cutting the count to the size of its table of descriptors; ours are high
 * numbers, which make that table longer. So a count beyond FD_SETSIZE is cut to it where no
 * descriptor of the application's up there is in a set. Async-signal-safe; preserves errno. */
int fdsets_count(const struct fdsets *sets, int count);

#endif
