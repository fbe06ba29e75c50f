/* SPDX-License-Identifier: MIT
 * The connect side: a new socket is tracked, and at connect() may become an idle connection. */
#ifndef TWPOOL_SHIM_ACQUIRE_H
#define TWPOOL_SHIM_ACQUIRE_H

#include <sys/socket.h>

/* socket(2). TCP sockets are tracked from here on. With the table of descriptors full, an idle
 * connection makes room and the call is made once more. */
int acquire_socket(int domain, int type, int protocol);

/* connect(2), with its results: on an idle connection 0, or -1 with EINPROGRESS where the
 * descriptor is O_NONBLOCK; the descriptor is then writable at once, and the next connect() returns
 * 0. On a miss, and in every case of doubt, the real one. Async-signal-safe; a cancellation point.
 */
int acquire_connect(int fd, const struct sockaddr *addr, socklen_t len);

#endif
