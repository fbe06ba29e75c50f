/* SPDX-License-Identifier: MIT
 * Hooks on a descriptor that move no bytes: duplicates, flags, options, names. */
#ifndef TWPOOL_SHIM_DESCRIPTOR_H
#define TWPOOL_SHIM_DESCRIPTOR_H

#include <sys/socket.h>

/* The same contracts, results and errno as the functions that they are named after; all are
 * async-signal-safe. Each only notes what it means for the connection. */
int descriptor_bind(int fd, const struct sockaddr *addr, socklen_t len);
int descriptor_listen(int fd, int backlog);
int descriptor_shutdown(int fd, int how);
int descriptor_setsockopt(int fd, int level, int name, const void *value, socklen_t len);
int descriptor_getsockopt(int fd, int level, int name, void *value, socklen_t *len);
int descriptor_dup(int fd);
int descriptor_dup2(int fd, int new_fd);
int descriptor_dup3(int fd, int new_fd, int flags);
int descriptor_close_range(unsigned first, unsigned last, int flags);
void descriptor_closefrom(int first);

/* The third argument as a long, whatever the caller passed: what the command does not take is not
 * looked at. */
int descriptor_fcntl(int fd, int command, long argument);
int descriptor_ioctl(int fd, unsigned long request, long argument);

#endif
