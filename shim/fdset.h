/* SPDX-License-Identifier: MIT
 * select()'s sets of descriptors, which may be shorter than the count that comes with them. */
#ifndef TWPOOL_SHIM_FDSET_H
#define TWPOOL_SHIM_FDSET_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/select.h>

struct fdsets {
    fd_set *readable, *writable, *except; /* each may be NULL */
};

/* Whether fd, below the count that was passed, is in one of the sets. */
bool fdsets_have(const struct fdsets *sets, int fd);

/* The count to pass on. Programs say select(getdtablesize(), ...) with sets of FD_SETSIZE bits, and
 * live by the kernel's cutting the count to the size of its table of descriptors; ours are high
 * numbers, which make that table longer. So a count beyond FD_SETSIZE is cut to it where no
 * descriptor of the application's up there is in a set. Async-signal-safe; preserves errno. */
int fdsets_count(const struct fdsets *sets, int count);

/* Whether sets of that count are small enough for a copy on the stack. */
bool fdsets_can_save(int count);

/* The bytes that a copy of all of them takes. */
size_t fdsets_size(int count);

/* Copies what the kernel will read. False, and errno as it was, where that is not all there: the
 * kernel is to say so. */
bool fdsets_save(const struct fdsets *sets, int count, unsigned char *saved);

/* Puts back what a time-out has cleared, and nothing else. The sets must have passed a call. */
void fdsets_restore(const struct fdsets *sets, int count, const unsigned char *saved);

#endif
