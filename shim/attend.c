/* SPDX-License-Identifier: MIT
 * Waits for bytes in short steps, with all signals blocked: one that comes is seen as pending, so
 * that what its handler means for the read is known before it runs. signal(7), "Interruption". */
#include "attend.h"

#include "kernel.h"
#include "process.h"
#include "slice.h"
#include "tcp.h"
#include "upkeep.h"

#include <errno.h>
#include <signal.h>
#include <sys/time.h>

enum { STEP_MS = 5 /* what a signal may be late by; 200 steps at most, of 2 us each */ };

static bool may_block(struct call call, int flags)
{
    int status_flags = kernel_fcntl(call.fd, F_GETFL, 0);
    return (flags & (MSG_DONTWAIT | MSG_OOB | MSG_ERRQUEUE)) == 0 && status_flags >= 0 &&
           (status_flags & O_NONBLOCK) == 0;
}

/* Of the pending ones, which are about to be delivered to this thread. With SO_RCVTIMEO no read is
 * ever restarted; else SA_RESTART says. Without a handler nothing interrupts. */
static bool will_interrupt(uint64_t pending, bool is_restarted)
{
    for (int number = 1; number <= 64; number++) {
        struct kernel_sigaction action = {0};
        if ((pending & 1ULL << (number - 1)) == 0 || kernel_sigaction(number, &action) != 0)
            continue;
        bool is_handled = action.handler != SIG_DFL && action.handler != SIG_IGN;
        if (is_handled && !(is_restarted && (action.flags & SA_RESTART) != 0))
            return true;
    }
    return false;
}

/* SO_RCVTIMEO, rounded up; UINT64_MAX for none. */
static uint64_t receive_limit_ms(int fd)
{
    struct timeval limit = {0};
    socklen_t len = sizeof limit;
    int result = kernel_getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, &len);
    if (result != 0 || (limit.tv_sec == 0 && limit.tv_usec == 0))
        return UINT64_MAX;
    return (uint64_t)limit.tv_sec * 1000 + ((uint64_t)limit.tv_usec + 999) / 1000;
}

/* 0: the real call is to be made; else the errno of one that is not. */
static int wait_for_bytes(struct call call, uint64_t *signals)
{
    uint64_t cookie = tcp_cookie(call.fd), begun_ms = kernel_now_ms();
    uint64_t limit_ms = receive_limit_ms(call.fd);
    while (defer_deadline_ms() != UINT64_MAX &&
           kernel_poll_for(call.fd, POLLIN | POLLRDHUP, STEP_MS) == 0) {
        uint64_t now_ms = kernel_now_ms();
        if (now_ms - begun_ms >= limit_ms)
            return EAGAIN;
        upkeep_run(now_ms);
        slice_act_on_cancellation(signals);
        uint64_t pending = kernel_pending_signals() & ~*signals;
        if (pending == 0)
            continue;
        bool interrupted = will_interrupt(pending, limit_ms == UINT64_MAX);
        kernel_restore_signals(*signals); /* they are delivered here */
        *signals = kernel_block_signals();
        if (interrupted)
            return EINTR;
    }
    /* A read that blocks stays on its socket though another thread closes the number; this one has
     * only the number, and what is behind it now may be somebody else's. */
    return tcp_cookie(call.fd) == cookie ? 0 : EBADF;
}

bool attend_slowly(struct call call, int flags)
{
    if (!may_block(call, flags) || !process_owns_pool())
        return true;
    uint64_t signals = kernel_block_signals();
    int error = wait_for_bytes(call, &signals);
    kernel_restore_signals(signals);
    if (error != 0)
        errno = error;
    return error == 0;
}
