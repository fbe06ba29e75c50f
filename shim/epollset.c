/* SPDX-License-Identifier: MIT
 * The application's epoll sets: who may hold and wait on them, and what is put into them. */
#include "epollset.h"

#include "arch.h"
#include "call.h"
#include "idle.h"
#include "libc.h"
#include "process.h"
#include "registration.h"
#include "release.h"
#include "slice.h"

#include <errno.h>

static int track_set(int fd)
{
    int saved_errno = errno;
    if (fd < 0 || (!process_is_pooling() && fdtable_get(fd) == 0) || !process_owns_pool())
        return fd;
    release_forget(fd);
    struct epoll_set *set = process_is_pooling() ? epoll_set_new(fd, process_epoch()) : NULL;
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

int epollset_create(int size)
{
    int fd = libc.epoll_create(size);
    return track_set(can_make_room(fd) ? libc.epoll_create(size) : fd);
}

int epollset_create1(int flags)
{
    int fd = libc.epoll_create1(flags);
    return track_set(can_make_room(fd) ? libc.epoll_create1(flags) : fd);
}

static struct epoll_set *set_of(int fd)
{
    fd_entry entry = fdtable_get(fd);
    return fd_entry_kind(entry) == FD_EPOLL ? fd_entry_pointer(entry) : NULL;
}

void epollset_share(int fd)
{
    struct epoll_set *set = set_of(fd);
    if (set != NULL)
        atomic_store(&set->shared, true);
}

/* While a thread waits on a set, its close does not end the set, nor what is registered in it. The
 * maker does not wait on it when it is the maker that closes it. */
static bool outlives_close(const struct epoll_set *set)
{
    return epoll_set_is_shared(set, process_epoch()) || atomic_load(&set->waited_elsewhere) ||
           atomic_load(&set->maker) != arch_thread();
}

void epollset_forget(int fd, bool is_closed)
{
    fd_entry entry = fdtable_get(fd);
    struct epoll_set *set = set_of(fd);
    if (set == NULL || !fdtable_replace(fd, entry, 0))
        return;
    /* The record then keeps the registrations that may live on, and is left. */
    if (atomic_load(&set->registered) && (!is_closed || outlives_close(set)))
        atomic_store(&set->shared, true);
    else
        epoll_set_free(set);
}

void epollset_note_wait(int fd)
{
    struct epoll_set *set = set_of(fd);
    if (set != NULL && atomic_load_explicit(&set->maker, memory_order_relaxed) != arch_thread())
        atomic_store(&set->waited_elsewhere, true);
}

int epollset_ctl(int set_fd, int operation, int fd, struct epoll_event *event)
{
    struct call call = call_begin(fd);
    epollset_share(fd); /* a set in a set: the waits on the outer one are not noted in it */
    if (call.conn == NULL)
        return libc.epoll_ctl(set_fd, operation, call.fd, event);
    int result = libc.epoll_ctl(set_fd, operation, fd, event);
    int saved_errno = errno;
    if (result == 0 && operation != EPOLL_CTL_MOD) {
        if (!call_lock(call)) {
            conn_refuse(call.conn, REASON_EPOLL);
        } else {
            if (operation == EPOLL_CTL_ADD)
                registration_added(call.conn, set_of(set_fd), fd);
            else
                registration_deleted(call.conn, set_of(set_fd), fd);
            call_unlock(call);
        }
    }
    errno = saved_errno;
    return (int)call_end(call, result);
}

/* What is registered in a set that is itself waited on: only the set knows of the time-out. */
void epollset_note_time_out(int fd)
{
    fd_entry entry = fdtable_get(fd);
    if (fd_entry_kind(entry) == FD_EPOLL)
        atomic_fetch_add(&((struct epoll_set *)fd_entry_pointer(entry))->timeouts, 1);
}

static bool is_positive(const struct timespec *timeout)
{
    return timeout != NULL && (timeout->tv_sec > 0 || timeout->tv_nsec > 0);
}

static int set_waited(int set_fd, bool may_time_out, int result)
{
    if (result == 0 && may_time_out)
        epollset_note_time_out(set_fd);
    return result;
}

static int milliseconds(const struct timespec *length)
{
    return length == NULL ? -1
                          : (int)(length->tv_sec * 1000 + (length->tv_nsec + 999999) / 1000000);
}

/* epoll_wait() and epoll_pwait() count milliseconds. */
static __attribute__((noinline)) int wait_in_parts(int set, struct epoll_event *events, int count,
                                                   int timeout, const sigset_t *mask)
{
    struct slice slice;
    int result;
    slice_begin(&slice, slice_ns_of_ms(timeout), mask);
    do
        result = libc.epoll_pwait(set, events, count, milliseconds(slice_next(&slice)), slice.mask);
    while (result == 0 && !slice.is_last);
    slice_end(&slice);
    return set_waited(set, timeout > 0, result);
}

static __attribute__((noinline)) int pwait2_in_parts(int set, struct epoll_event *events, int count,
                                                     const struct timespec *timeout,
                                                     const sigset_t *mask)
{
    struct slice slice;
    int result;
    slice_begin(&slice, slice_ns_of_timespec(timeout), mask);
    do
        result = libc.epoll_pwait2(set, events, count, slice_next(&slice), slice.mask);
    while (result == 0 && !slice.is_last);
    slice_end(&slice);
    return set_waited(set, timeout != NULL, result);
}

int epollset_wait(int set, struct epoll_event *events, int count, int timeout)
{
    epollset_note_wait(set);
    if (slice_is_due(slice_ns_of_ms(timeout)))
        return wait_in_parts(set, events, count, timeout, NULL);
    return set_waited(set, timeout > 0, libc.epoll_wait(set, events, count, timeout));
}

int epollset_pwait(int set, struct epoll_event *events, int count, int timeout,
                   const sigset_t *mask)
{
    epollset_note_wait(set);
    if (slice_is_due(slice_ns_of_ms(timeout)))
        return wait_in_parts(set, events, count, timeout, mask);
    return set_waited(set, timeout > 0, libc.epoll_pwait(set, events, count, timeout, mask));
}

int epollset_pwait2(int set, struct epoll_event *events, int count, const struct timespec *timeout,
                    const sigset_t *mask)
{
    epollset_note_wait(set);
    if (slice_is_due(SLICE_FOREVER) && (timeout == NULL || slice_can_read(timeout)) &&
        slice_is_due(slice_ns_of_timespec(timeout)))
        return pwait2_in_parts(set, events, count, timeout, mask);
    int result = libc.epoll_pwait2(set, events, count, timeout, mask);
    return set_waited(set, result == 0 && is_positive(timeout), result);
}
