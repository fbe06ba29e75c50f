/* SPDX-License-Identifier: MIT
 * Waits for bytes in short steps, with all signals blocked: one that comes is seen as pending, so
 * that what its handler means for the read is known before it runs. signal(7), "Interruption". */
#include "attend.h"

#include "kernel.h"
#include "options.h"
#include "process.h"
#include "slice.h"
#include "upkeep.h"

#include <errno.h>
#include <signal.h>

enum { STEP_MS = 5 /* what a signal may be late by; 200 steps at most, of 2 us each */ };

static bool may_block(struct call call, int flags)
{
    int status_flags = kernel_fcntl(call.fd, F_GETFL, 0);
    return (flags & MSG_DONTWAIT) == 0 && status_flags >= 0 && (status_flags & O_NONBLOCK) == 0;
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

bool attend_slowly(struct call call, int flags)
{
    int saved_errno = errno;
    bool interrupted = false;
    if (!may_block(call, flags) || !process_owns_pool())
        return true;
    uint64_t signals = kernel_block_signals();
    while (!interrupted && defer_deadline_ms() != UINT64_MAX &&
           kernel_poll_for(call.fd, POLLIN | POLLRDHUP, STEP_MS) == 0) {
        upkeep_run(kernel_now_ms());
        slice_act_on_cancellation(&signals);
        uint64_t pending = kernel_pending_signals() & ~signals;
        if (pending == 0)
            continue;
        interrupted = will_interrupt(pending, !options_has_receive_timeout(call.conn));
        kernel_restore_signals(signals); /* they are delivered here */
        signals = kernel_block_signals();
    }
    kernel_restore_signals(signals);
    errno = interrupted ? EINTR : saved_errno;
    return !interrupted;
}
