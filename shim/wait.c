/* SPDX-License-Identifier: MIT
 * poll, select and epoll. */
#include "wait.h"

#include "call.h"
#include "idle.h"
#include "libc.h"
#include "process.h"
#include "release.h"

#include <errno.h>

/* Connections of one wait that are counted as in a call: 6 KiB of stack. A wait over more makes the
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

int wait_poll(struct pollfd *fds, nfds_t count, int timeout)
{
    struct wait wait;
    poll_begin(&wait, fds, count);
    return poll_end(&wait, fds, count, timeout > 0, libc.poll(fds, count, timeout));
}

int wait_poll_chk(struct pollfd *fds, nfds_t count, int timeout, size_t size)
{
    struct wait wait;
    if (size / sizeof *fds < count)
        return libc.__poll_chk(fds, count, timeout, size); /* ends the program */
    poll_begin(&wait, fds, count);
    return poll_end(&wait, fds, count, timeout > 0, libc.__poll_chk(fds, count, timeout, size));
}

int wait_ppoll(struct pollfd *fds, nfds_t count, const struct timespec *timeout,
               const sigset_t *mask)
{
    struct wait wait;
    poll_begin(&wait, fds, count);
    int result = libc.ppoll(fds, count, timeout, mask);
    return poll_end(&wait, fds, count, is_positive(timeout), result);
}

int wait_ppoll_chk(struct pollfd *fds, nfds_t count, const struct timespec *timeout,
                   const sigset_t *mask, size_t size)
{
    struct wait wait;
    if (size / sizeof *fds < count)
        return libc.__ppoll_chk(fds, count, timeout, mask, size); /* ends the program */
    poll_begin(&wait, fds, count);
    int result = libc.__ppoll_chk(fds, count, timeout, mask, size);
    return poll_end(&wait, fds, count, is_positive(timeout), result);
}

static bool is_in(int fd, const fd_set *set)
{
    /* Not FD_ISSET: fortified, it ends the program beyond FD_SETSIZE, where a larger array of the
     * application's may go on, select(2). */
    const unsigned long *words = (const unsigned long *)(const void *)set;
    unsigned bits = 8 * sizeof *words;
    return set != NULL && (words[(unsigned)fd / bits] >> (unsigned)fd % bits & 1) != 0;
}

/* For each descriptor waited on. The sets are the kernel's to overwrite, so this comes before it.
 */
static void select_begin(struct wait *wait, int count, const fd_set *readable,
                         const fd_set *writable, const fd_set *except, bool may_time_out)
{
    wait->count = 0;
    wait->has_sets = false;
    for (int fd = 0; fd < count; fd++) {
        if (fdtable_get(fd) == 0)
            continue;
        if (!is_in(fd, readable) && !is_in(fd, writable) && !is_in(fd, except))
            continue;
        wait_begin(wait, fd);
        if (may_time_out)
            note_set_timed_out(fd); /* it may not, but then only a reuse is missed */
    }
}

int wait_select(int count, fd_set *readable, fd_set *writable, fd_set *except,
                struct timeval *timeout)
{
    struct wait wait;
    bool may_time_out = timeout != NULL && (timeout->tv_sec > 0 || timeout->tv_usec > 0);
    select_begin(&wait, count, readable, writable, except, may_time_out);
    return wait_end(&wait, may_time_out, libc.select(count, readable, writable, except, timeout));
}

int wait_pselect(int count, fd_set *readable, fd_set *writable, fd_set *except,
                 const struct timespec *timeout, const sigset_t *mask)
{
    struct wait wait;
    bool may_time_out = is_positive(timeout);
    select_begin(&wait, count, readable, writable, except, may_time_out);
    int result = libc.pselect(count, readable, writable, except, timeout, mask);
    return wait_end(&wait, may_time_out, result);
}

static int track_set(int fd)
{
    if (fd < 0)
        return fd;
    int saved_errno = errno;
    release_forget(fd);
    struct epoll_set *set = process_is_pooling() && process_owns_pool() ? epoll_set_new() : NULL;
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
    if (set == NULL || atomic_load(&set->shared)) {
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
    for (int i = 0; i < CONN_REGISTRATIONS; i++) {
        struct registration *registration = &conn->registrations[i];
        if (registration->set != set || registration->fd != fd || set == NULL ||
            registration->life != atomic_load(&set->life))
            continue;
        if (registration->timeouts != atomic_load(&set->timeouts) && conn->sent > 0) {
            witness_timed_out(&conn->witness);
            conn_set(conn, CONN_RAW_UNFIT);
        }
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
