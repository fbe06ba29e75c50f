/* SPDX-License-Identifier: MIT
 * Descriptors of our own, out of the way of the application's. */
#ifndef TWPOOL_SHIM_HIDE_H
#define TWPOOL_SHIM_HIDE_H

#include <stdbool.h>

/* A close-on-exec duplicate of fd, above the soft RLIMIT_NOFILE where the hard limit has room, so
 * that it takes no number that the application could get; else high below it. -errno when there is
 * none. Call with signals blocked. fcntl(2) F_DUPFD_CLOEXEC, prlimit(2). */
int hide_descriptor(int fd);

/* Whether a number was ever hidden here: the kernel's table is as long as that since. */
bool hide_was_used(void);

/* In a new child: a thread that held our lock does not exist here. */
void hide_reset(void);

#endif
