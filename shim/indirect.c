/* SPDX-License-Identifier: MIT
 * Numbers to layers; everything else is passed on with six arguments. */
#include "indirect.h"

#include "acquire.h"
#include "call.h"
#include "descriptor.h"
#include "epollset.h"
#include "io.h"
#include "libc.h"
#include "process.h"
#include "reaper.h"
#include "release.h"
#include "wait.h"

#include <linux/futex.h>
#include <string.h>
#include <sys/syscall.h>

/* What runtimes ask all the time and does not wait, or waits for another thread of theirs alone. */
static bool is_of_no_wait(long number, const long a[6])
{
    if (number == SYS_futex)
        return (a[1] & FUTEX_PRIVATE_FLAG) != 0;
    return number == SYS_gettid || number == SYS_getcpu || number == SYS_membarrier ||
           number == SYS_sched_getaffinity || number == SYS_getrandom || number == SYS_tgkill;
}

static long pass_on(long number, const long a[6])
{
    if (!is_of_no_wait(number, a))
        goodbye_send_first();
    return libc.syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

/* The child may share our memory from its first instruction, so everything is done before. */
static long make_child(long number, const long a[6])
{
    process_new_epoch();
    return pass_on(number, a);
}

/* One thread's identity: libc's own functions change all threads'. */
static long change_identity(long number, const long a[6])
{
    long result = pass_on(number, a);
    process_identity_changed();
    return result;
}

/* What is sent so is not shown to the witness: a[at] is the descriptor. */
static long send_unseen(long number, const long a[6], int at)
{
    struct call call = call_begin((int)a[at]);
    long b[6];
    memcpy(b, a, sizeof b);
    b[at] = call.fd;
    long result = pass_on(number, b);
    return call.conn == NULL ? result : call_sent_unseen(call, result);
}

long indirect_syscall(long number, const long a[6])
{
    switch (number) {
    case SYS_close: /* Node closes all its sockets so */
        return release_close((int)a[0]);
    case SYS_close_range:
        return descriptor_close_range((unsigned)a[0], (unsigned)a[1], (int)a[2]);
    case SYS_dup:
        return descriptor_dup((int)a[0]);
#ifdef SYS_dup2
    case SYS_dup2:
        return descriptor_dup2((int)a[0], (int)a[1]);
#endif
    case SYS_dup3:
        return descriptor_dup3((int)a[0], (int)a[1], (int)a[2]);
    case SYS_fcntl:
        return descriptor_fcntl((int)a[0], (int)a[1], a[2]);
    case SYS_ioctl:
        return descriptor_ioctl((int)a[0], (unsigned long)a[1], a[2]);
    case SYS_socket:
        return acquire_socket((int)a[0], (int)a[1], (int)a[2]);
    case SYS_connect:
        return acquire_connect((int)a[0], (const struct sockaddr *)a[1], (socklen_t)a[2]);
    case SYS_bind:
        return descriptor_bind((int)a[0], (const struct sockaddr *)a[1], (socklen_t)a[2]);
    case SYS_shutdown:
        return descriptor_shutdown((int)a[0], (int)a[1]);
    case SYS_setsockopt:
        return descriptor_setsockopt((int)a[0], (int)a[1], (int)a[2], (const void *)a[3],
                                     (socklen_t)a[4]);
    case SYS_getsockopt:
        return descriptor_getsockopt((int)a[0], (int)a[1], (int)a[2], (void *)a[3],
                                     (socklen_t *)a[4]);
    case SYS_write:
    case SYS_writev:
    case SYS_pwritev2:
    case SYS_sendto:
    case SYS_sendfile:
        return send_unseen(number, a, 0);
    case SYS_splice:
        return send_unseen(number, a, 2);
    case SYS_sendmsg: /* may pass descriptors to another process */
        return io_sendmsg((int)a[0], (const struct msghdr *)a[1], (int)a[2]);
    case SYS_sendmmsg:
        return io_sendmmsg((int)a[0], (struct mmsghdr *)a[1], (unsigned)a[2], (int)a[3]);
    case SYS_epoll_ctl:
        return epollset_ctl((int)a[0], (int)a[1], (int)a[2], (struct epoll_event *)a[3]);
    case SYS_execve:
        return process_execve((const char *)a[0], (char *const *)a[1], (char *const *)a[2]);
    case SYS_exit_group:
        process_exit((int)a[0]);
    case SYS_exit: /* the last thread's ends the process */
        reaper_yield_to_exit();
        return pass_on(number, a);
    case SYS_setns:
        return process_setns((int)a[0], (int)a[1]);
    case SYS_unshare:
        return process_unshare((int)a[0]);
    case SYS_setuid:
    case SYS_setgid:
    case SYS_setreuid:
    case SYS_setregid:
    case SYS_setresuid:
    case SYS_setresgid:
    case SYS_setfsuid:
    case SYS_setfsgid:
    case SYS_setgroups:
        return change_identity(number, a);
#ifdef SYS_fork
    case SYS_fork:
    case SYS_vfork:
#endif
    case SYS_clone:
    case SYS_clone3:
        return make_child(number, a);
    default:
        return pass_on(number, a);
    }
}
