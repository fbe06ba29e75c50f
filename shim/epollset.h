/* SPDX-License-Identifier: MIT
 * epoll: what is registered where, so that no event of one life reaches the next. */
#ifndef TWPOOL_SHIM_EPOLLSET_H
#define TWPOOL_SHIM_EPOLLSET_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

/* A wait that has a set among what it waits on. Passed by value. */
struct epollset_wait {
    struct epoll_set *set; /* NULL: none */
    uint32_t life;
};

/* A wait on fd begins; call it before each, whatever waits. Then the end, with in_vain when that
 * was by its time-out or by a signal: only the set knows of it, on behalf of what is registered in
 * it. Without an end (siglongjmp, cancellation) it counts as one in vain until the set is closed.
 * Where fd is not a set, nothing happens. Both are async-signal-safe and preserve errno. */
struct epollset_wait epollset_begin_wait(int fd);
void epollset_end_wait(struct epollset_wait wait, bool in_vain);

/* Another number, another set or another process may hold fd from now on, if it is a set. */
void epollset_share(int fd);

/* The number fd is no set any more, or is about to be none. is_closed: it was closed, or nothing
 * can keep it from being closed now. Nothing happens when fd is not a set. */
void epollset_forget(int fd, bool is_closed);

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
