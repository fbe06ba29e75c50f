/* SPDX-License-Identifier: MIT
 * epoll: what is registered where, so that no event of one life reaches the next. */
#ifndef TWPOOL_SHIM_EPOLLSET_H
#define TWPOOL_SHIM_EPOLLSET_H

#include <signal.h>
#include <sys/epoll.h>

/* A wait that had fd, a set, among what it waited on ended by its time-out: only the set knows of
 * it, on behalf of what is registered in it. Nothing happens when fd is not a set. */
void epollset_note_time_out(int fd);

/* The same contracts, results, errno, time-outs and cancellation as the functions that they are
 * named after, epoll_create(2) and so on; async-signal-safe where those are. */
int epollset_create(int size);
int epollset_create1(int flags);
int epollset_ctl(int set, int operation, int fd, struct epoll_event *event);
int epollset_wait(int set, struct epoll_event *events, int count, int timeout);
int epollset_pwait(int set, struct epoll_event *events, int count, int timeout,
                   const sigset_t *mask);
int epollset_pwait2(int set, struct epoll_event *events, int count, const struct timespec *timeout,
                    const sigset_t *mask);

#endif
