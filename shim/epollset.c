/* SPDX-License-Identifier: MIT
 * The application's epoll sets: who may hold and wait on them, and what is put into them. */
#include "epollset.h"

#include "arch.h"
#include "call.h"
#include "goodbye.h"
#include "idle.h"
#include "kernel.h"
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

struct epollset_wait epollset_begin_wait(int fd)
{
    struct epoll_set *set = set_of(fd);
    if (set == NULL)
        return (struct epollset_wait){0};
    struct epollset_wait wait = {.set = set, .life = atomic_load(&set->life)};
    if (atomic_load_explicit(&set->maker, memory_order_relaxed) != arch_thread())
        atomic_store(&set->waited_elsewhere, true);
    epoll_set_begin_wait(set, wait.life);
    return wait;
}

void epollset_end_wait(struct epollset_wait wait, bool in_vain)
{
    if (wait.set != NULL)
        epoll_set_end_wait(wait.set, wait.life, in_vain);
}

int epollset_ctl(int set_fd, int operation, int fd, struct epoll_event *event)
{
    struct call call = call_begin_harmless(fd);
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

static bool is_positive(const struct timespec *timeout)
{
    return timeout != NULL && (timeout->tv_sec > 0 || timeout->tv_nsec > 0);
}

static int end_wait(struct epollset_wait wait, bool timed_out, int result)
{
    epollset_end_wait(wait, timed_out || (result < 0 && errno == EINTR));
    return result;
}

/* What is ready, as epoll_wait(2) tells it, or a refusal of the arguments: without a wait, and so
 * without a look at signals. No cancellation point: signals are blocked here. */
static int look(int set, struct epoll_event *events, int count, const sigset_t *mask)
{
    int result = kernel_epoll_look(set, events, count, mask);
    if (result >= 0)
        return result;
    errno = -result;
    return -1;
}

static int milliseconds(const struct timespec *length)
{
    return length == NULL ? -1
                          : (int)(length->tv_sec * 1000 + (length->tv_nsec + 999999) / 1000000);
}

/* A whole wait stays on its set though another thread closes the number. A part has only that, and
 * behind it may be another set by now, whose events are none of this thread's. */
static bool is_still_there(int fd, struct epollset_wait wait)
{
    return wait.set == NULL ||
           (set_of(fd) == wait.set && atomic_load(&wait.set->life) == wait.life);
}

static int not_there(void)
{
    errno = EBADF;
    return -1;
}

/* A part waits by ppoll(2) on the set itself. epoll_pwait(2) would end by EINTR for a signal that
 * no handler takes (a child's death, a window's new size): one that comes while signals are blocked
 * is not thrown away but kept, and then ends it; ppoll(2) is restarted. So it is after SIGCONT,
 * where epoll_pwait(2) ends by EINTR, signal(7): the two cannot be told apart. */
static int wait_part(int set, struct epollset_wait wait, struct epoll_event *events, int count,
                     struct slice *slice)
{
    const struct timespec *length = slice_next(slice);
    struct pollfd polled = {.fd = set, .events = POLLIN};
    int saved_errno = errno;
    if (!is_still_there(set, wait))
        return not_there();
    int ready = libc.ppoll(&polled, 1, length, slice->mask);
    if (ready >= 0 && !is_still_there(set, wait))
        return not_there();
    if (ready > 0)
        return look(set, events, count, NULL);
    if (ready == 0 || errno == EINTR)
        return ready;
    errno = saved_errno; /* refused, by RLIMIT_NOFILE or a filter: epoll_pwait(2) may not be */
    return libc.epoll_pwait(set, events, count, milliseconds(length), slice->mask);
}

static __attribute__((noinline)) int wait_in_parts(int set, struct epollset_wait wait,
                                                   struct epoll_event *events, int count,
                                                   uint64_t timeout_ns, const sigset_t *mask)
{
    struct slice slice;
    libc.pthread_testcancel(); /* as epoll_wait(2) would, whatever is ready */
    slice_begin(&slice, timeout_ns, mask);
    int result = look(set, events, count, mask);
    while (result == 0 && slice_left_ns(&slice) > 0) /* another thread may be faster at an event */
        result = wait_part(set, wait, events, count, &slice);
    slice_end(&slice);
    return result;
}

int epollset_wait(int set, struct epoll_event *events, int count, int timeout)
{
    goodbye_send_first();
    struct epollset_wait wait = epollset_begin_wait(set);
    int result = slice_is_due(slice_ns_of_ms(timeout))
                     ? wait_in_parts(set, wait, events, count, slice_ns_of_ms(timeout), NULL)
                     : libc.epoll_wait(set, events, count, timeout);
    return end_wait(wait, result == 0 && timeout > 0, result);
}

int epollset_pwait(int set, struct epoll_event *events, int count, int timeout,
                   const sigset_t *mask)
{
    goodbye_send_first();
    struct epollset_wait wait = epollset_begin_wait(set);
    int result = slice_is_due(slice_ns_of_ms(timeout))
                     ? wait_in_parts(set, wait, events, count, slice_ns_of_ms(timeout), mask)
                     : libc.epoll_pwait(set, events, count, timeout, mask);
    return end_wait(wait, result == 0 && timeout > 0, result);
}

static int pwait2_whole_or_in_parts(int set, struct epollset_wait wait, struct epoll_event *events,
                                    int count, const struct timespec *timeout, const sigset_t *mask)
{
    if (slice_is_due(SLICE_FOREVER) && (timeout == NULL || slice_can_read(timeout)) &&
        slice_is_due(slice_ns_of_timespec(timeout)))
        return wait_in_parts(set, wait, events, count, slice_ns_of_timespec(timeout), mask);
    return libc.epoll_pwait2(set, events, count, timeout, mask);
}

int epollset_pwait2(int set, struct epoll_event *events, int count, const struct timespec *timeout,
                    const sigset_t *mask)
{
    goodbye_send_first();
    struct epollset_wait wait = epollset_begin_wait(set);
    int result = pwait2_whole_or_in_parts(set, wait, events, count, timeout, mask);
    return end_wait(wait, result == 0 && is_positive(timeout), result);
}
