/* SPDX-License-Identifier: MIT
 * poll, select and epoll. */
#include "wait.h"

#include "call.h"
#include "fdset.h"
#include "idle.h"
#include "libc.h"
#include "process.h"
#include "release.h"

#include <errno.h>

/* Connections of one wait that are counted as in a call: 4 KiB of stack. A wait over more makes the
 * rest private instead, since a signal handler may wait on a small stack. */
enum { WAIT_MOST = 256 };

struct wait {
    unsigned count;
    bool has_sets; /* an epoll set is among what is waited on */
    struct call calls[WAIT_MOST];
};

static void wait_begin(struct wait *wait, int fd)
{
    fd_entry entry = fdtable_get(fd);
    if (entry == 0)
        return;
    if (fd_entry_kind(entry) == FD_EPOLL)
        wait->has_sets = true;
    if (fd_entry_kind(entry) != FD_CONN)
        return;
    if (wait->count < WAIT_MOST) {
        wait->calls[wait->count] = call_begin(fd);
        if (wait->calls[wait->count].conn != NULL)
            wait->count++;
        return;
    }
    conn_refuse(fd_entry_pointer(entry), REASON_IN_CALL);
}

/* may_time_out: the wait had a time-out above 0, so 0 is one that was waited for. */
static int wait_end(struct wait *wait, bool may_time_out, int result)
{
    int saved_errno = errno;
    for (unsigned i = 0; i < wait->count; i++) {
        if (result == 0 && may_time_out)
            call_wait_timed_out(wait->calls[i]);
        if (result < 0 && saved_errno == EINTR)
            call_wait_interrupted(wait->calls[i]);
        call_end(wait->calls[i], 0);
    }
    errno = saved_errno;
    return result;
}

/* What is registered in a set that is itself waited on: only the set knows of the time-out. */
static void note_set_timed_out(int fd)
{
    fd_entry entry = fdtable_get(fd);
    if (fd_entry_kind(entry) == FD_EPOLL)
        atomic_fetch_add(&((struct epoll_set *)fd_entry_pointer(entry))->timeouts, 1);
}

static bool poll_has_tracked(const struct pollfd *fds, nfds_t count)
{
    for (nfds_t i = 0; fds != NULL && i < count; i++)
        if (fdtable_get(fds[i].fd) != 0)
            return true;
    return false;
}

static void poll_begin(struct wait *wait, const struct pollfd *fds, nfds_t count)
{
    wait->count = 0;
    wait->has_sets = false;
    for (nfds_t i = 0; i < count; i++)
        wait_begin(wait, fds[i].fd);
}

static int poll_end(struct wait *wait, const struct pollfd *fds, nfds_t count, bool may_time_out,
                    int result)
{
    for (nfds_t i = 0; wait->has_sets && result == 0 && may_time_out && i < count; i++)
        note_set_timed_out(fds[i].fd);
    return wait_end(wait, may_time_out, result);
}

static bool is_positive(const struct timespec *timeout)
{
    return timeout != NULL && (timeout->tv_sec > 0 || timeout->tv_nsec > 0);
}

/* Apart, as its like below: a wait on nothing of ours keeps the frame that
 * libc's needs. */
static __attribute__((noinline)) int poll_tracked(struct pollfd *fds, nfds_t count, int timeout)
{
    struct wait wait;
    poll_begin(&wait, fds, count);
    return poll_end(&wait, fds, count, timeout > 0, libc.poll(fds, count, timeout));
}

static __attribute__((noinline)) int ppoll_tracked(struct pollfd *fds, nfds_t count,
                                                   const struct timespec *timeout,
                                                   const sigset_t *mask)
{
    struct wait wait;
    poll_begin(&wait, fds, count);
    int result = libc.ppoll(fds, count, timeout, mask);
    return poll_end(&wait, fds, count, is_positive(timeout), result);
}

int wait_poll(struct pollfd *fds, nfds_t count, int timeout)
{
    if (!poll_has_tracked(fds, count))
        return libc.poll(fds, count, timeout);
    return poll_tracked(fds, count, timeout);
}

int wait_poll_chk(struct pollfd *fds, nfds_t count, int timeout, size_t size)
{
    if (size / sizeof *fds < count || !poll_has_tracked(fds, count))
        return libc.__poll_chk(fds, count, timeout, size); /* which ends the program, or waits */
    return poll_tracked(fds, count, timeout);
}

int wait_ppoll(struct pollfd *fds, nfds_t count, const struct timespec *timeout,
               const sigset_t *mask)
{
    if (!poll_has_tracked(fds, count))
        return libc.ppoll(fds, count, timeout, mask);
    return ppoll_tracked(fds, count, timeout, mask);
}

int wait_ppoll_chk(struct pollfd *fds, nfds_t count, const struct timespec *timeout,
                   const sigset_t *mask, size_t size)
{
    if (size / sizeof *fds < count || !poll_has_tracked(fds, count))
        return libc.__ppoll_chk(fds, count, timeout, mask, size);
    return ppoll_tracked(fds, count, timeout, mask);
}

struct select_wait {
    struct wait *wait; /* NULL: only looks */
    const struct fdsets *sets;
    bool may_time_out, found;
};

static void select_visit(void *context, int fd, fd_entry entry)
{
    struct select_wait *select = context;
    (void)entry;
    if (!fdsets_have(select->sets, fd))
        return;
    select->found = true;
    if (select->wait == NULL)
        return;
    wait_begin(select->wait, fd);
    if (select->may_time_out)
        note_set_timed_out(fd); /* it may not, but then only a reuse is missed */
}

static bool select_has_tracked(int count, const struct fdsets *sets)
{
    struct select_wait look = {.sets = sets};
    fdtable_each(0, count - 1, select_visit, &look);
    return look.found;
}

/* The sets are the kernel's to overwrite, so this comes before the real call. */
static void select_begin(struct wait *wait, int count, const struct fdsets *sets, bool may_time_out)
{
    struct select_wait begin = {.wait = wait, .sets = sets, .may_time_out = may_time_out};
    wait->count = 0;
    wait->has_sets = false;
    fdtable_each(0, count - 1, select_visit, &begin);
}

static __attribute__((noinline)) int select_tracked(int count, fd_set *readable, fd_set *writable,
                                                    fd_set *except, struct timeval *timeout)
{
    struct wait wait;
    const struct fdsets sets = {readable, writable, except};
    bool may_time_out = timeout != NULL && (timeout->tv_sec > 0 || timeout->tv_usec > 0);
    select_begin(&wait, count, &sets, may_time_out);
    return wait_end(&wait, may_time_out, libc.select(count, readable, writable, except, timeout));
}

int wait_select(int count, fd_set *readable, fd_set *writable, fd_set *except,
                struct timeval *timeout)
{
    const struct fdsets sets = {readable, writable, except};
    count = fdsets_count(&sets, count);
    if (count <= 0 || !select_has_tracked(count, &sets))
        return libc.select(count, readable, writable, except, timeout);
    return select_tracked(count, readable, writable, except, timeout);
}

static __attribute__((noinline)) int pselect_tracked(int count, fd_set *readable, fd_set *writable,
                                                     fd_set *except, const struct timespec *timeout,
                                                     const sigset_t *mask)
{
    struct wait wait;
    const struct fdsets sets = {readable, writable, except};
    bool may_time_out = is_positive(timeout);
    select_begin(&wait, count, &sets, may_time_out);
    int result = libc.pselect(count, readable, writable, except, timeout, mask);
    return wait_end(&wait, may_time_out, result);
}

int wait_pselect(int count, fd_set *readable, fd_set *writable, fd_set *except,
                 const struct timespec *timeout, const sigset_t *mask)
{
    const struct fdsets sets = {readable, writable, except};
    count = fdsets_count(&sets, count);
    if (count <= 0 || !select_has_tracked(count, &sets))
        return libc.pselect(count, readable, writable, except, timeout, mask);
    return pselect_tracked(count, readable, writable, except, timeout, mask);
}

static int track_set(int fd)
{
    int saved_errno = errno;
    if (fd < 0 || (!process_is_pooling() && fdtable_get(fd) == 0) || !process_owns_pool())
        return fd;
    release_forget(fd);
    struct epoll_set *set = process_is_pooling() ? epoll_set_new(process_epoch()) : NULL;
    if (set != NULL && !fdtable_set(fd, fd_entry_make(FD_EPOLL, set)))
        epoll_set_free(set);
    errno = saved_errno;
    return fd;
}

static bool can_make_room(int fd)
{
    return fd < 0 && errno == EMFILE && process_is_pooling() && process_owns_pool() &&
           idle_make_room();
}

int wait_epoll_create(int size)
{
    int fd = libc.epoll_create(size);
    return track_set(can_make_room(fd) ? libc.epoll_create(size) : fd);
}

int wait_epoll_create1(int flags)
{
    int fd = libc.epoll_create1(flags);
    return track_set(can_make_room(fd) ? libc.epoll_create1(flags) : fd);
}

static struct epoll_set *set_of(int fd)
{
    fd_entry entry = fdtable_get(fd);
    return fd_entry_kind(entry) == FD_EPOLL ? fd_entry_pointer(entry) : NULL;
}

/* A registration that we may lose sight of would deliver the next user's events to this one. */
static void note_added(struct conn *conn, struct epoll_set *set, int fd)
{
    if (set == NULL || epoll_set_is_shared(set, process_epoch())) {
        conn_refuse(conn, REASON_EPOLL);
        return;
    }
    for (int i = 0; i < CONN_REGISTRATIONS; i++) {
        if (conn->registrations[i].set != NULL)
            continue;
        conn->registrations[i] = (struct registration){.set = set,
                                                       .life = atomic_load(&set->life),
                                                       .timeouts = atomic_load(&set->timeouts),
                                                       .fd = fd};
        return;
    }
    conn_refuse(conn, REASON_EPOLL);
}

static void note_deleted(struct conn *conn, struct epoll_set *set, int fd)
{
    if (conn_take_set_timeouts(conn))
        call_note_time_out(conn);
    for (int i = 0; i < CONN_REGISTRATIONS; i++) {
        struct registration *registration = &conn->registrations[i];
        if (registration->set != set || registration->fd != fd || set == NULL ||
            registration->life != atomic_load(&set->life))
            continue;
        *registration = (struct registration){0};
        return;
    }
}

int wait_epoll_ctl(int set_fd, int operation, int fd, struct epoll_event *event)
{
    struct call call = call_begin(fd);
    struct epoll_set *inner = set_of(fd);
    if (inner != NULL)
        atomic_store(&inner->shared, true); /* nested */
    if (call.conn == NULL)
        return libc.epoll_ctl(set_fd, operation, call.fd, event);
    int result = libc.epoll_ctl(set_fd, operation, fd, event);
    int saved_errno = errno;
    if (result == 0 && operation != EPOLL_CTL_MOD) {
        if (!call_lock(call)) {
            conn_refuse(call.conn, REASON_EPOLL);
        } else {
            if (operation == EPOLL_CTL_ADD)
                note_added(call.conn, set_of(set_fd), fd);
            else
                note_deleted(call.conn, set_of(set_fd), fd);
            call_unlock(call);
        }
    }
    errno = saved_errno;
    return (int)call_end(call, result);
}

static int set_waited(int set_fd, bool may_time_out, int result)
{
    if (result == 0 && may_time_out)
        note_set_timed_out(set_fd);
    return result;
}

int wait_epoll_wait(int set, struct epoll_event *events, int count, int timeout)
{
    return set_waited(set, timeout > 0, libc.epoll_wait(set, events, count, timeout));
}

int wait_epoll_pwait(int set, struct epoll_event *events, int count, int timeout,
                     const sigset_t *mask)
{
    return set_waited(set, timeout > 0, libc.epoll_pwait(set, events, count, timeout, mask));
}

int wait_epoll_pwait2(int set, struct epoll_event *events, int count,
                      const struct timespec *timeout, const sigset_t *mask)
{
    int result = libc.epoll_pwait2(set, events, count, timeout, mask);
    return set_waited(set, is_positive(timeout), result);
}
