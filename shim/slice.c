/* SPDX-License-Identifier: MIT
 * Cuts a wait at our deadlines, with the signals kept where libc's one call would have met them. */
#include "slice.h"

#include "kernel.h"
#include "libc.h"
#include "process.h"
#include "reaper.h"
#include "upkeep.h"

#include <errno.h>
#include <linux/futex.h>
#include <string.h>

#define MS_NS 1000000ULL

static const long longest_s = 4000000000; /* in ns still less than half of UINT64_MAX */
enum { AGAIN_MS = 10 }; /* when what is due cannot be done now: another thread is at it */

/* The kernel lets ppoll(2) end later than asked by a thousandth (nice: a two hundredth) of the
 * time, nanosleep(2) by 50 us: a sleep so stops that much earlier, and again, down to here. */
static const uint64_t sleep_exact_ns = 50 * MS_NS;
enum { SLEEP_EARLIER = 150 };

uint64_t slice_ns_of_ms(int timeout_ms)
{
    return timeout_ms < 0 ? SLICE_FOREVER : (uint64_t)timeout_ms * MS_NS;
}

static uint64_t ns_of(long seconds, long ns)
{
    return seconds > longest_s ? SLICE_FOREVER : (uint64_t)seconds * SLICE_SECOND_NS + (uint64_t)ns;
}

uint64_t slice_ns_of_timespec(const struct timespec *timeout)
{
    if (timeout == NULL)
        return SLICE_FOREVER;
    if (timeout->tv_sec < 0 || timeout->tv_nsec < 0 || timeout->tv_nsec >= (long)SLICE_SECOND_NS)
        return 0;
    return ns_of(timeout->tv_sec, timeout->tv_nsec);
}

/* select(2) takes any number of microseconds. */
uint64_t slice_ns_of_timeval(const struct timeval *timeout)
{
    if (timeout == NULL)
        return SLICE_FOREVER;
    if (timeout->tv_sec < 0 || timeout->tv_usec < 0 || timeout->tv_usec / 1000000 > longest_s)
        return 0;
    return ns_of(timeout->tv_sec, timeout->tv_usec % 1000000 * 1000) +
           (uint64_t)(timeout->tv_usec / 1000000) * SLICE_SECOND_NS;
}

/* A futex wait reads its time-out first, and then does not wait, the word being another. */
bool slice_can_read(const struct timespec *timeout)
{
    uint32_t word = 0;
    return arch_syscall(SYS_futex, (long)&word, FUTEX_WAIT_PRIVATE, 1, (long)timeout, 0, 0) ==
           -EAGAIN;
}

bool slice_is_due(uint64_t timeout_ns)
{
    if (timeout_ns == 0)
        return false;
    uint64_t due_ms = upkeep_deadline_ms();
    if (due_ms == UPKEEP_NEVER || reaper_is_running())
        return false;
    if (timeout_ns != SLICE_FOREVER && kernel_now_ns() + timeout_ns <= due_ms * MS_NS)
        return false;
    return process_owns_pool();
}

void slice_begin(struct slice *slice, uint64_t timeout_ns, const sigset_t *mask)
{
    slice->until_ns = timeout_ns == SLICE_FOREVER ? SLICE_FOREVER : kernel_now_ns() + timeout_ns;
    slice->is_sleep = false;
    slice->signals = kernel_block_signals();
    memset(&slice->own_mask, 0, sizeof slice->own_mask);
    memcpy(&slice->own_mask, &slice->signals, sizeof slice->signals);
    slice->mask = mask != NULL ? mask : &slice->own_mask;
}

static void unblock(void *argument)
{
    const uint64_t *signals = argument;
    kernel_restore_signals(*signals);
}

/* A cancellation that came before the call would be acted on as the call begins: here, so that the
 * application's clean-up handlers run with its own mask. Nothing can leave between the two but by
 * it, with all signals blocked, so the buffer is never left behind. */
void slice_act_on_cancellation(uint64_t *signals)
{
    struct _pthread_cleanup_buffer cleanup;
    if (libc._pthread_cleanup_push == NULL || libc._pthread_cleanup_pop == NULL)
        return;
    libc._pthread_cleanup_push(&cleanup, unblock, signals);
    libc.pthread_testcancel();
    libc._pthread_cleanup_pop(&cleanup, 0);
}

/* Where the next part ends. */
static uint64_t cut_ns(struct slice *slice, uint64_t now_ns)
{
    uint64_t due_ms = upkeep_deadline_ms();
    uint64_t due_ns = due_ms == UPKEEP_NEVER ? SLICE_FOREVER : due_ms * MS_NS;
    if (due_ns < now_ns + AGAIN_MS * MS_NS)
        due_ns = now_ns + AGAIN_MS * MS_NS;
    uint64_t left_ns = slice_left_ns(slice);
    uint64_t end_ns = slice->until_ns;
    if (slice->is_sleep && left_ns > sleep_exact_ns)
        end_ns -= left_ns / SLEEP_EARLIER;
    slice->is_last = end_ns == slice->until_ns && end_ns <= due_ns;
    return end_ns < due_ns ? end_ns : due_ns;
}

const struct timespec *slice_next(struct slice *slice)
{
    uint64_t now_ns = kernel_now_ns();
    if (upkeep_deadline_ms() <= now_ns / MS_NS) {
        upkeep_run(now_ns / MS_NS);
        now_ns = kernel_now_ns();
    }
    slice_act_on_cancellation(&slice->signals); /* last: it may have come during all that */
    uint64_t end_ns = cut_ns(slice, now_ns);
    if (end_ns == SLICE_FOREVER)
        return NULL;
    /* Never 0: epoll_wait(2) would then not look for a signal that came meanwhile. */
    uint64_t length_ns = end_ns > now_ns ? end_ns - now_ns : 1;
    slice->length.tv_sec = (time_t)(length_ns / SLICE_SECOND_NS);
    slice->length.tv_nsec = (long)(length_ns % SLICE_SECOND_NS);
    return &slice->length;
}

uint64_t slice_left_ns(const struct slice *slice)
{
    uint64_t now_ns = kernel_now_ns();
    return slice->until_ns > now_ns ? slice->until_ns - now_ns : 0;
}

void slice_end(const struct slice *slice)
{
    kernel_restore_signals(slice->signals);
}
