/* SPDX-License-Identifier: MIT
 * What /proc shows of an epoll set: the only place where the kernel tells a registration's mask. */
#ifndef TWPOOL_SHIM_FDINFO_H
#define TWPOOL_SHIM_FDINFO_H

#include <stddef.h>
#include <stdint.h>

/* One registration, as the kernel holds it at that moment. */
struct fdinfo_target {
    int fd;          /* the number that it was registered under */
    uint32_t events; /* with EPOLLERR and EPOLLHUP, which are always there unless it is disarmed */
    uint64_t data;
    uint64_t inode; /* of the file behind it */
};

enum fdinfo_line { FDINFO_OTHER, FDINFO_TARGET, FDINFO_STRANGE };

/* One line without its end: FDINFO_TARGET fills *target; FDINFO_STRANGE is a registration in words
 * that are not known (Linux before 4.13 does not tell the inode). */
enum fdinfo_line fdinfo_parse(const char *line, size_t len, struct fdinfo_target *target);

/* The one registration of inode under the number fd in the set behind set_fd. 0, or -errno: without
 * /proc, in too long a list, with a line that is not understood, or unless it is there just once.
 * Takes the lowest free descriptor for the moment. Async-signal-safe; preserves errno. proc(5). */
int fdinfo_find(int set_fd, int fd, uint64_t inode, struct fdinfo_target *target);

#endif
