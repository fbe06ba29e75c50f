/* SPDX-License-Identifier: MIT
 * poll and select. */
#include "wait.h"

#include "call.h"
#include "epollset.h"
#include "fdset.h"
#include "goodbye.h"
#include "libc.h"
#include "ours.h"
#include "slice.h"

#include <errno.h>

/* Connections of one wait that are counted as in a call: 4 KiB of stack. A wait over more makes the
 * rest private instead, since a signal handler may wait on a small stack. */
enum { WAIT_MOST = 256 };

/* Epoll sets of one wait that are told of its end. Of the rest, the wait has none. */
enum { WAIT_SETS_MOST = 16 };

struct wait {
    unsigned count;
    unsigned set_count;
    bool has_ours; /* a number of ours is among it: to the application it is not open */
    struct epollset_wait sets[WAIT_SETS_MOST];
    struct call calls[WAIT_MOST];
};

static void wait_begin(struct wait *wait, int fd)
{
    fd_entry entry = fdtable_get(fd);
    if (entry == 0)
        return;
    if (fd_entry_kind(entry) == FD_EPOLL) {
        struct epollset_wait begun = epollset_begin_wait(fd);
        if (wait->set_count < WAIT_SETS_MOST)
            wait->sets[wait->set_count++] = begun;
    }
    if (ours_is(fd))
        wait->has_ours = true;
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
    bool timed_out = result == 0 && may_time_out;
    bool interrupted = result < 0 && saved_errno == EINTR;
    for (unsigned i = 0; i < wait->set_count; i++)
        epollset_end_wait(wait->sets[i], timed_out || interrupted);
    for (unsigned i = 0; i < wait->count; i++) {
        if (timed_out)
            call_wait_timed_out(wait->calls[i]);
        if (interrupted)
            call_wait_interrupted(wait->calls[i]);
        call_end(wait->calls[i], 0);
    }
    errno = saved_errno;
    return result;
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
    wait->set_count = 0;
    wait->has_ours = false;
    for (nfds_t i = 0; i < count; i++)
        wait_begin(wait, fds[i].fd);
}

/* What is not open is ready at once, poll(2): the wait was made without a time. */
static int poll_ours(struct pollfd *fds, nfds_t count, int result)
{
    for (nfds_t i = 0; result >= 0 && i < count; i++) {
        if (!ours_is(fds[i].fd))
            continue;
        result += fds[i].revents == 0;
        fds[i].revents = POLLNVAL;
    }
    return result;
}

static int poll_end(struct wait *wait, struct pollfd *fds, nfds_t count, bool may_time_out,
                    int result)
{
    if (wait->has_ours)
        result = poll_ours(fds, count, result);
    return wait_end(wait, may_time_out, result);
}

static bool is_positive(const struct timespec *timeout)
{
    return timeout != NULL && (timeout->tv_sec > 0 || timeout->tv_nsec > 0);
}

/* Apart, as its like below: a wait on nothing of ours, with nothing due, keeps the frame that
 * libc's needs. */
static __attribute__((noinline)) int poll_in_parts(struct pollfd *fds, nfds_t count,
                                                   uint64_t timeout_ns, const sigset_t *mask)
{
    struct slice slice;
    int result;
    slice_begin(&slice, timeout_ns, mask);
    do
        result = libc.ppoll(fds, count, slice_next(&slice), slice.mask);
    while (result == 0 && !slice.is_last);
    slice_end(&slice);
    return result;
}

static int poll_whole_or_in_parts(struct pollfd *fds, nfds_t count, int timeout)
{
    if (slice_is_due(slice_ns_of_ms(timeout)))
        return poll_in_parts(fds, count, slice_ns_of_ms(timeout), NULL);
    return libc.poll(fds, count, timeout);
}

static int ppoll_whole_or_in_parts(struct pollfd *fds, nfds_t count, const struct timespec *timeout,
                                   const sigset_t *mask)
{
    if (slice_is_due(SLICE_FOREVER) && slice_is_due(slice_ns_of_timespec(timeout)))
        return poll_in_parts(fds, count, slice_ns_of_timespec(timeout), mask);
    return libc.ppoll(fds, count, timeout, mask);
}

static __attribute__((noinline)) int poll_tracked(struct pollfd *fds, nfds_t count, int timeout)
{
    struct wait wait;
    poll_begin(&wait, fds, count);
    int result = poll_whole_or_in_parts(fds, count, wait.has_ours ? 0 : timeout);
    return poll_end(&wait, fds, count, timeout > 0, result);
}

static __attribute__((noinline)) int ppoll_tracked(struct pollfd *fds, nfds_t count,
                                                   const struct timespec *timeout,
                                                   const sigset_t *mask)
{
    struct wait wait;
    poll_begin(&wait, fds, count);
    const struct timespec at_once = {0};
    int result = ppoll_whole_or_in_parts(fds, count, wait.has_ours ? &at_once : timeout, mask);
    return poll_end(&wait, fds, count, is_positive(timeout), result);
}

int wait_poll(struct pollfd *fds, nfds_t count, int timeout)
{
    goodbye_send_first();
    if (!poll_has_tracked(fds, count))
        return poll_whole_or_in_parts(fds, count, timeout);
    return poll_tracked(fds, count, timeout);
}

int wait_poll_chk(struct pollfd *fds, nfds_t count, int timeout, size_t size)
{
    if (size / sizeof *fds < count)
        return libc.__poll_chk(fds, count, timeout, size); /* which ends the program */
    return wait_poll(fds, count, timeout);
}

int wait_ppoll(struct pollfd *fds, nfds_t count, const struct timespec *timeout,
               const sigset_t *mask)
{
    goodbye_send_first();
    if (!poll_has_tracked(fds, count))
        return ppoll_whole_or_in_parts(fds, count, timeout, mask);
    return ppoll_tracked(fds, count, timeout, mask);
}

int wait_ppoll_chk(struct pollfd *fds, nfds_t count, const struct timespec *timeout,
                   const sigset_t *mask, size_t size)
{
    if (size / sizeof *fds < count)
        return libc.__ppoll_chk(fds, count, timeout, mask, size);
    return wait_ppoll(fds, count, timeout, mask);
}

struct select_wait {
    struct wait *wait; /* NULL: only looks */
    const struct fdsets *sets;
    bool found;
};

static void select_visit(void *context, int fd, fd_entry entry)
{
    struct select_wait *select = context;
    (void)entry;
    if (!fdsets_have(select->sets, fd))
        return;
    select->found = true;
    if (select->wait != NULL)
        wait_begin(select->wait, fd);
}

static bool select_has_tracked(int count, const struct fdsets *sets)
{
    struct select_wait look = {.sets = sets};
    fdtable_each(0, count - 1, select_visit, &look);
    return look.found;
}

static int not_open(void)
{
    errno = EBADF;
    return -1;
}

/* The sets are the kernel's to overwrite, so this comes before the real call. */
static void select_begin(struct wait *wait, int count, const struct fdsets *sets)
{
    struct select_wait begin = {.wait = wait, .sets = sets};
    wait->count = 0;
    wait->set_count = 0;
    wait->has_ours = false;
    fdtable_each(0, count - 1, select_visit, &begin);
}

/* A time-out empties the sets, so each part but the first needs them from a copy: on the stack, and
 * no larger than the application's own. False when they could not be copied: nothing was done then.
 */
static __attribute__((noinline)) bool select_in_parts(int count, const struct fdsets *sets,
                                                      struct slice *slice, uint64_t timeout_ns,
                                                      const sigset_t *mask, int *result)
{
    unsigned char saved[fdsets_size(count) + 1]; /* there may be no set at all */
    if (!fdsets_save(sets, count, saved))
        return false;
    slice_begin(slice, timeout_ns, mask);
    for (;;) {
        *result = libc.pselect(count, sets->readable, sets->writable, sets->except,
                               slice_next(slice), slice->mask);
        if (*result != 0 || slice->is_last)
            break;
        fdsets_restore(sets, count, saved);
    }
    slice_end(slice);
    return true;
}

static int select_whole_or_in_parts(int count, const struct fdsets *sets, struct timeval *timeout)
{
    struct slice slice;
    int result;
    uint64_t ns = slice_is_due(SLICE_FOREVER) ? slice_ns_of_timeval(timeout) : 0;
    if (!slice_is_due(ns) || !fdsets_can_save(count) ||
        !select_in_parts(count, sets, &slice, ns, NULL, &result))
        return libc.select(count, sets->readable, sets->writable, sets->except, timeout);
    if (timeout == NULL)
        return result;
    uint64_t left_ns = slice_left_ns(&slice);
    timeout->tv_sec = result == 0 ? 0 : (time_t)(left_ns / SLICE_SECOND_NS);
    timeout->tv_usec = result == 0 ? 0 : (suseconds_t)(left_ns % SLICE_SECOND_NS / 1000);
    return result;
}

static int pselect_whole_or_in_parts(int count, const struct fdsets *sets,
                                     const struct timespec *timeout, const sigset_t *mask)
{
    struct slice slice;
    int result;
    uint64_t ns = slice_is_due(SLICE_FOREVER) ? slice_ns_of_timespec(timeout) : 0;
    if (slice_is_due(ns) && fdsets_can_save(count) &&
        select_in_parts(count, sets, &slice, ns, mask, &result))
        return result;
    return libc.pselect(count, sets->readable, sets->writable, sets->except, timeout, mask);
}

static __attribute__((noinline)) int select_tracked(int count, fd_set *readable, fd_set *writable,
                                                    fd_set *except, struct timeval *timeout)
{
    struct wait wait;
    const struct fdsets sets = {readable, writable, except};
    bool may_time_out = timeout != NULL && (timeout->tv_sec > 0 || timeout->tv_usec > 0);
    select_begin(&wait, count, &sets);
    if (wait.has_ours)
        return wait_end(&wait, false, not_open());
    int result = select_whole_or_in_parts(count, &sets, timeout);
    return wait_end(&wait, may_time_out, result);
}

int wait_select(int count, fd_set *readable, fd_set *writable, fd_set *except,
                struct timeval *timeout)
{
    goodbye_send_first();
    const struct fdsets sets = {readable, writable, except};
    count = fdsets_count(&sets, count);
    if (count <= 0 || !select_has_tracked(count, &sets))
        return select_whole_or_in_parts(count, &sets, timeout);
    return select_tracked(count, readable, writable, except, timeout);
}

static __attribute__((noinline)) int pselect_tracked(int count, fd_set *readable, fd_set *writable,
                                                     fd_set *except, const struct timespec *timeout,
                                                     const sigset_t *mask)
{
    struct wait wait;
    const struct fdsets sets = {readable, writable, except};
    bool may_time_out = is_positive(timeout);
    select_begin(&wait, count, &sets);
    if (wait.has_ours)
        return wait_end(&wait, false, not_open());
    int result = pselect_whole_or_in_parts(count, &sets, timeout, mask);
    return wait_end(&wait, may_time_out, result);
}

int wait_pselect(int count, fd_set *readable, fd_set *writable, fd_set *except,
                 const struct timespec *timeout, const sigset_t *mask)
{
    goodbye_send_first();
    const struct fdsets sets = {readable, writable, except};
    count = fdsets_count(&sets, count);
    if (count <= 0 || !select_has_tracked(count, &sets))
        return pselect_whole_or_in_parts(count, &sets, timeout, mask);
    return pselect_tracked(count, readable, writable, except, timeout, mask);
}
