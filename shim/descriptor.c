/* SPDX-License-Identifier: MIT
 * What an application does with a descriptor decides what may still be done with its connection. */
#include "descriptor.h"

#include "call.h"
#include "epollset.h"
#include "idle.h"
#include "kernel.h"
#include "libc.h"
#include "options.h"
#include "process.h"
#include "reaper.h"
#include "release.h"

#include <errno.h>
#include <linux/close_range.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/ioctl.h>

static void note_bind(struct conn *conn, const struct sockaddr *addr, socklen_t len)
{
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    conn_set(conn, CONN_BOUND);
    if (conn->family == AF_INET && len >= sizeof v4) {
        memcpy(&v4, addr, sizeof v4);
        memcpy(conn->bound_address, &v4.sin_addr, sizeof v4.sin_addr);
        if (v4.sin_port == 0)
            return;
    }
    if (conn->family == AF_INET6 && len >= sizeof v6) {
        memcpy(&v6, addr, sizeof v6);
        memcpy(conn->bound_address, &v6.sin6_addr, sizeof v6.sin6_addr);
        if (v6.sin6_port == 0 && v6.sin6_scope_id == 0)
            return;
    }
    conn_refuse(conn, REASON_BOUND_PORT);
}

int descriptor_bind(int fd, const struct sockaddr *addr, socklen_t len)
{
    struct call call = call_begin(fd);
    if (call.conn == NULL)
        return libc.bind(call.fd, addr, len);
    int result = libc.bind(fd, addr, len);
    if (result == 0)
        note_bind(call.conn, addr, len);
    return (int)call_end(call, result);
}

int descriptor_listen(int fd, int backlog)
{
    int result = libc.listen(fd, backlog);
    if (result == 0 && call_conn(fd) != NULL && process_owns_pool())
        release_forget(fd); /* a server's socket: never ours */
    return result;
}

int descriptor_shutdown(int fd, int how)
{
    if (fdtable_get(fd) != 0 && goodbye_hold(fd, how))
        return 0;
    struct call call = call_begin(fd);
    if (call.conn == NULL)
        return libc.shutdown(call.fd, how);
    conn_refuse(call.conn, REASON_HALF_CLOSED);
    return (int)call_end(call, libc.shutdown(fd, how));
}

int descriptor_setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
    struct call call = call_begin_harmless(fd);
    if (call.conn == NULL)
        return libc.setsockopt(call.fd, level, name, value, len);
    int result = libc.setsockopt(fd, level, name, value, len);
    if (result == 0)
        options_noted(call.conn, fd, level, name, value, len);
    return (int)call_end(call, result);
}

int descriptor_getsockopt(int fd, int level, int name, void *value, socklen_t *len)
{
    if (level == IPPROTO_TCP && name == TCP_INFO) /* shows the connection's state */
        goodbye_send_first();
    struct call call = call_begin_harmless(fd);
    if (call.conn == NULL)
        return libc.getsockopt(call.fd, level, name, value, len);
    int saved_errno = errno;
    int result = libc.getsockopt(fd, level, name, value, len);
    if (result == 0) {
        options_shown(call.conn, level, name, value, *len);
    } else if (errno == ENOTCONN && options_shown_instead(call.conn, fd, level, name, value, len)) {
        errno = saved_errno;
        result = 0;
    }
    return (int)call_end(call, result);
}

/* Counted before it is there: a close of the other descriptors must see it. */
static void expect_duplicate(struct call call)
{
    if (call.conn != NULL)
        atomic_fetch_add(&call.conn->descriptors, 1);
}

/* new_fd has become a duplicate of fd, or -1: it has not. When another thread closed fd meanwhile,
 * the life is over, nothing of the record is ours any more, and the duplicate is libc's alone. */
static void note_duplicate(struct call call, int new_fd)
{
    if (call.conn == NULL || gate_life(atomic_load(&call.conn->gate)) != call.life)
        return;
    if (new_fd < 0)
        atomic_fetch_sub(&call.conn->descriptors, 1);
    else if (!fdtable_set(new_fd, fd_entry_make(FD_CONN, call.conn)))
        conn_refuse(call.conn, REASON_DUPLICATED);
    if (new_fd >= STDIN_FILENO && new_fd <= STDERR_FILENO)
        conn_set(call.conn, CONN_STREAM); /* stdin, stdout and stderr are there: a shell's >&3 */
}

/* By fcntl's command, or with -1 by dup(2). */
static int duplicate_for_real(int fd, int command, long argument)
{
    return command < 0 ? libc.dup(fd) : libc.fcntl(fd, command, argument);
}

static int duplicate(int fd, int command, long argument)
{
    if (!process_owns_pool())
        return duplicate_for_real(fd, command, argument);
    struct call call = call_begin(fd);
    epollset_share(fd);
    expect_duplicate(call);
    int new_fd = duplicate_for_real(call.fd, command, argument);
    if (new_fd < 0 && errno == EMFILE && idle_make_room())
        new_fd = duplicate_for_real(call.fd, command, argument);
    if (new_fd >= 0)
        release_forget(new_fd);
    note_duplicate(call, new_fd);
    return call.conn == NULL ? new_fd : (int)call_end(call, new_fd);
}

int descriptor_dup(int fd)
{
    return duplicate(fd, -1, 0);
}

static int overwrite(int fd, int new_fd, enum overwrite how, int flags)
{
    if (call_conn(fd) != NULL) /* what is duplicated is not about to be closed */
        goodbye_send_first();
    struct call call = call_begin_harmless(fd);
    epollset_share(fd);
    expect_duplicate(call);
    int result = release_overwrite(call.fd, new_fd, how, flags);
    note_duplicate(call, result);
    return call.conn == NULL ? result : (int)call_end(call, result);
}

/* Neither number means anything to us, or nothing will change. */
static bool is_none_of_ours(int fd, int new_fd)
{
    return fd == new_fd || (fdtable_get(fd) == 0 && fdtable_get(new_fd) == 0) ||
           !process_owns_pool();
}

int descriptor_dup2(int fd, int new_fd)
{
    if (is_none_of_ours(fd, new_fd))
        return libc.dup2(fd, new_fd);
    return overwrite(fd, new_fd, BY_DUP2, 0);
}

int descriptor_dup3(int fd, int new_fd, int flags)
{
    if (is_none_of_ours(fd, new_fd))
        return libc.dup3(fd, new_fd, flags);
    return overwrite(fd, new_fd, BY_DUP3, flags);
}

static void close_one(void *context, int fd, fd_entry entry)
{
    (void)context;
    (void)entry;
    release_close_quietly(fd);
}

/* Each tracked number by a release of its own; twice, since what the first pass parks is behind a
 * number that may lie in the range as well. */
static void close_tracked(int first, unsigned last)
{
    int limit = last > INT32_MAX ? INT32_MAX : (int)last;
    fdtable_each(first, limit, close_one, NULL);
    fdtable_each(first, limit, close_one, NULL);
}

/* This thread's table only, from now on: the reaper would keep the other one's files open. */
static int close_range_unshared(unsigned first, unsigned last, int flags)
{
    reaper_hold();
    process_stop_tracking("close_range(CLOSE_RANGE_UNSHARE)");
    int result = libc.close_range(first, last, flags);
    reaper_release();
    return result;
}

int descriptor_close_range(unsigned first, unsigned last, int flags)
{
    if ((flags & CLOSE_RANGE_UNSHARE) != 0)
        return close_range_unshared(first, last, flags);
    if (flags == 0 && first <= last && first <= INT32_MAX && process_owns_pool())
        close_tracked((int)first, last);
    return libc.close_range(first, last, flags);
}

void descriptor_closefrom(int first)
{
    if (process_owns_pool())
        close_tracked(first, UINT32_MAX);
    libc.closefrom(first);
}

/* Signals may come of it: even a connection that is never handed out must not raise them. */
static void refuse_status(struct conn *conn)
{
    conn_set(conn, CONN_NOT_DEFERRED);
    conn_refuse(conn, REASON_OPTION);
}

static bool is_harmless_fcntl(int command, long argument)
{
    const long carried = O_NONBLOCK | O_ACCMODE; /* F_SETFL ignores the access mode, fcntl(2) */
    if (command == F_SETFL)
        return (argument & ~carried) == 0;
    return command == F_GETFL || command == F_GETFD || command == F_SETFD || command == F_GETOWN ||
           command == F_GETSIG || command == F_GETOWN_EX;
}

int descriptor_fcntl(int fd, int command, long argument)
{
    if (command == F_DUPFD || command == F_DUPFD_CLOEXEC) /* the new number may be known to us */
        return duplicate(fd, command, argument);
    if (!is_harmless_fcntl(command, argument)) /* F_SETLKW blocks, F_SETOWN asks for signals */
        goodbye_send_first();
    if (fdtable_get(fd) == 0)
        return libc.fcntl(fd, command, argument);
    struct call call = call_begin_harmless(fd);
    if (call.conn == NULL)
        return libc.fcntl(call.fd, command, argument);
    int result = libc.fcntl(fd, command, argument);
    if (result >= 0 && !is_harmless_fcntl(command, argument))
        refuse_status(call.conn);
    return (int)call_end(call, result);
}

static bool is_harmless_ioctl(unsigned long request)
{
    return request == FIONREAD || request == FIONBIO || request == FIOCLEX || request == FIONCLEX ||
           request == SIOCOUTQ || request == SIOCOUTQNSD || request == SIOCATMARK ||
           request == SIOCGSTAMP || request == TCGETS;
}

int descriptor_ioctl(int fd, unsigned long request, long argument)
{
    struct call call = call_begin(fd);
    if (call.conn == NULL)
        return libc.ioctl(call.fd, request, argument);
    if (!is_harmless_ioctl(request))
        refuse_status(call.conn);
    return (int)call_end(call, libc.ioctl(fd, request, argument));
}
