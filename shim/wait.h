/* SPDX-License-Identifier: MIT
 * Hooks that wait: a connection waited on is in a call, and a time-out may mean giving up. */
#ifndef TWPOOL_SHIM_WAIT_H
#define TWPOOL_SHIM_WAIT_H

#include <poll.h>
#include <stddef.h>
#include <sys/select.h>

/* The same contracts, results, errno, time-outs and cancellation as the functions that they are
 * named after; async-signal-safe where those are. But arrays and sets are read before the kernel
 * has seen them, as sendmsg()'s header is in io.h: a wild pointer is SIGSEGV instead of EFAULT (to
 * ask first would cost every wait 0.1 us). */
int wait_poll(struct pollfd *fds, nfds_t count, int timeout);
int wait_poll_chk(struct pollfd *fds, nfds_t count, int timeout, size_t size);
int wait_ppoll(struct pollfd *fds, nfds_t count, const struct timespec *timeout,
               const sigset_t *mask);
int wait_ppoll_chk(struct pollfd *fds, nfds_t count, const struct timespec *timeout,
                   const sigset_t *mask, size_t size);
int wait_select(int count, fd_set *readable, fd_set *writable, fd_set *except,
                struct timeval *timeout);
int wait_pselect(int count, fd_set *readable, fd_set *writable, fd_set *except,
                 const struct timespec *timeout, const sigset_t *mask);

#endif
