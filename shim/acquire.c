/* SPDX-License-Identifier: MIT
 * From socket() to the first byte: find, probe, dress, hand out; or a real connect. */
#include "acquire.h"

#include "call.h"
#include "hide.h"
#include "idle.h"
#include "kernel.h"
#include "libc.h"
#include "options.h"
#include "ours.h"
#include "process.h"
#include "registration.h"
#include "release.h"
#include "spare.h"
#include "tcp.h"
#include "verdict.h"

#include <errno.h>
#include <linux/sock_diag.h>
#include <string.h>

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71 /* Linux 5.14 */
#endif

/* The new socket, while it is held for its connect(). */
struct request {
    int fd;
    struct conn *fresh;
    fd_entry entry;
    struct dest_key key;
    struct dest *dest;
    struct carry carry; /* its epoll registrations */
};

static int take_spare(int domain, int type, uint32_t epoch);
static void track(int fd, int domain, uint32_t epoch, uint64_t cookie);
static bool is_readable(const struct sockaddr *addr, socklen_t len);
static struct dest *find_dest(struct request *request, const struct sockaddr *addr, socklen_t len);
static bool reuse(struct request *request, int *result);
static int connect_ruled_off(struct request *request, const struct sockaddr *addr, socklen_t len);
static int connect_for_real(struct request *request, const struct sockaddr *addr, socklen_t len);
static int connect_again(struct conn *conn, int fd, const struct sockaddr *addr, socklen_t len);

int acquire_socket(int domain, int type, int protocol)
{
    uint32_t epoch =
        process_epoch(); /* before: a child may be forked as soon as the socket is there */
    bool is_tcp = (domain == AF_INET || domain == AF_INET6) &&
                  (type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC)) == SOCK_STREAM &&
                  (protocol == 0 || protocol == IPPROTO_TCP);
    bool is_trackable = is_tcp && process_is_pooling();
    bool may_take = is_trackable && process_owns_pool() && !process_has_changed_identity();
    int fd = may_take ? take_spare(domain, type, epoch) : -1;
    if (fd >= 0)
        return fd;
    fd = libc.socket(domain, type, protocol);
    if (fd < 0 && errno == EMFILE && process_is_pooling() && process_owns_pool() &&
        idle_make_room())
        fd = libc.socket(domain, type, protocol);
    if (fd < 0 || (!is_trackable && fdtable_get(fd) == 0) || !process_owns_pool())
        return fd;
    release_forget(fd);
    if (!is_trackable)
        return fd;
    uint64_t cookie = tcp_cookie(fd);
    if (cookie == 0)
        process_go_inert("the kernel has no SO_COOKIE (Linux 4.6)");
    else
        track(fd, domain, epoch, cookie);
    return fd;
}

static int take_spare(int domain, int type, uint32_t epoch)
{
    uint64_t cookie, signals = kernel_block_signals();
    int fd = spare_take(domain, type, epoch, &cookie);
    if (fd >= 0) {
        release_forget(fd);
        track(fd, domain, epoch, cookie);
    }
    kernel_restore_signals(signals);
    return fd;
}

static void track(int fd, int domain, uint32_t epoch, uint64_t cookie)
{
    struct conn *conn = conn_new();
    if (conn == NULL)
        return;
    conn->cookie = cookie;
    conn->family = domain;
    atomic_store(&conn->epoch, epoch);
    witness_open(&conn->witness, (struct rule_choice){.rule = RULE_CLEAN});
    conn_resume(conn);
    if (!fdtable_set(fd, fd_entry_make(FD_CONN, conn)) && conn_end_life(conn))
        conn_free(conn);
}

int acquire_connect(int fd, const struct sockaddr *addr, socklen_t len)
{
    struct request request = {.fd = fd, .entry = fdtable_get(fd)};
    if (ours_is(fd))
        return libc.connect(-1, addr, len);
    if (fd_entry_kind(request.entry) != FD_CONN || !process_owns_pool())
        return libc.connect(fd, addr, len);
    request.fresh = fd_entry_pointer(request.entry);
    if (!is_readable(addr, len)) {
        conn_refuse(request.fresh, REASON_NOT_CONNECTED);
        return libc.connect(fd, addr, len);
    }
    if (conn_has(request.fresh, CONN_CONNECTED))
        return connect_again(request.fresh, fd, addr, len);
    libc.pthread_testcancel(); /* connect(2) is a cancellation point, also when we make none */
    uint64_t signals = kernel_block_signals();
    atomic_store(&request.fresh->signals, signals);
    request.dest = find_dest(&request, addr, len);
    int result;
    bool reused =
        request.dest != NULL && request.dest->rule != RULE_OFF && reuse(&request, &result);
    kernel_restore_signals(signals);
    if (reused)
        return result;
    if (request.dest == NULL) {
        conn_refuse(request.fresh, REASON_NOT_CONNECTED);
        return libc.connect(fd, addr, len);
    }
    if (request.dest->rule == RULE_OFF)
        return connect_ruled_off(&request, addr, len);
    return connect_for_real(&request, addr, len);
}

/* What is not readable is the kernel's to refuse (EFAULT), before we look at it: both its ends,
 * since it may lie on two pages; and what is too long (EINVAL). */
static bool is_readable(const struct sockaddr *addr, socklen_t len)
{
    enum { LOOK = 8, PAGE = 4096 };
    uintptr_t at = (uintptr_t)addr;
    if (len > sizeof(struct sockaddr_storage) || !kernel_reads(addr))
        return false;
    return len <= LOOK || at % PAGE + len <= PAGE || kernel_reads((const char *)addr + len - LOOK);
}

static bool has_opened(int result)
{
    return result == 0 || errno == EINPROGRESS || errno == EINTR;
}

static int connect_ruled_off(struct request *request, const struct sockaddr *addr, socklen_t len)
{
    release_forget(request->fd);
    int result = libc.connect(request->fd, addr, len), saved_errno = errno;
    if (has_opened(result))
        verdict_ruled_off(request->dest);
    else
        verdict_failed(request->dest, saved_errno);
    errno = saved_errno;
    return result;
}

static struct dest *find_dest(struct request *request, const struct sockaddr *addr, socklen_t len)
{
    struct conn *fresh = request->fresh;
    if (!dest_key_init(&request->key, fresh->family, addr, len) ||
        !options_key(fresh, request->fd, &request->key))
        return NULL;
    memcpy(request->key.local_address, fresh->bound_address, sizeof fresh->bound_address);
    socklen_t size = sizeof request->key.net_namespace;
    if (process_has_changed_namespace() &&
        kernel_getsockopt(request->fd, SOL_SOCKET, SO_NETNS_COOKIE, &request->key.net_namespace,
                          &size) != 0)
        return NULL;
    return idle_dest(&request->key);
}

/* Only a socket that nobody else has a part in may be replaced: a duplicate or another process
 * would keep the old one. */
static bool is_untouched(const struct conn *fresh, int fd)
{
    if (conn_has(fresh, CONN_CONNECTED) || atomic_load(&fresh->refusal) != REASON_NONE ||
        atomic_load(&fresh->descriptors) != 1 || atomic_load(&fresh->epoch) != process_epoch())
        return false;
    return tcp_cookie(fd) == fresh->cookie;
}

/* O_NONBLOCK and FD_CLOEXEC become what the new socket has; other status flags are not ours to
 * carry. */
static bool dress(struct conn *idle, struct request *request, int status_flags)
{
    if (kernel_fcntl(idle->hidden_fd, F_SETFL, status_flags) < 0)
        return false;
    if (!options_dress(idle, idle->hidden_fd, request->fresh, request->fd))
        return false;
    tcp_set_clean_close(idle->hidden_fd, false); /* last: until here it may still be retired */
    return true;
}

/* In one step. On false the number is the new socket still, or again, with its registrations. */
static bool replace(const struct request *request, int hidden, int kept_fd, int cloexec)
{
    if (kernel_dup3(hidden, request->fd, cloexec) < 0)
        return false;
    if (carry_reserve(&request->carry, request->fd))
        return true;
    kernel_dup3(kept_fd, request->fd, cloexec);
    return false;
}

/* The application's number becomes the idle connection: dup3() closes the new socket, unless it is
 * kept behind a number of ours, as a spare or until its epoll registrations have been carried over.
 * Other threads that use the number wait at the new socket's gate until it ends. */
static bool hand_out(struct conn *idle, struct request *request, int status_flags)
{
    int hidden = idle->hidden_fd;
    uint32_t epoch = process_epoch(); /* before: a child may get a copy as soon as dup3() is made */
    int fd_flags = kernel_fcntl(request->fd, F_GETFD, 0);
    int cloexec = (fd_flags & FD_CLOEXEC) != 0 ? O_CLOEXEC : 0;
    struct conn *fresh = request->fresh;
    if (!dress(idle, request, status_flags)) {
        idle_retire(idle, REASON_STALE);
        return false;
    }
    bool is_spare = spare_is_pristine(fresh) && !process_has_changed_identity();
    bool is_carried = request->carry.count > 0;
    int spare_fd = is_spare || is_carried ? hide_descriptor(request->fd) : -1;
    if (spare_fd >= 0 && !fdtable_set(spare_fd, fd_entry_make(FD_OURS, fresh))) {
        kernel_close(spare_fd);
        spare_fd = -1;
    }
    if ((is_carried && spare_fd < 0) || !replace(request, hidden, spare_fd, cloexec)) {
        fresh->hidden_fd = spare_fd;
        if (spare_fd >= 0)
            idle_unhide(fresh);
        idle_retire(idle, REASON_STALE);
        return false;
    }
    kernel_close(hidden);
    fdtable_replace(hidden, fd_entry_make(FD_OURS, idle), 0);
    idle->hidden_fd = -1;
    idle->sent = idle->received = 0;
    atomic_store(&idle->signals, atomic_load(&request->fresh->signals));
    atomic_store(&idle->descriptors, 1);
    atomic_store(&idle->epoch, epoch);
    conn_set(idle, CONN_CONNECTED);
    conn_set(idle, CONN_REUSED);
    if ((status_flags & O_NONBLOCK) != 0)
        conn_set(idle, CONN_CONNECT_UNTOLD);
    if (is_carried) { /* while others still wait: none can have closed the number */
        fresh->hidden_fd = spare_fd;
        idle_unhide(fresh);
        spare_fd = -1;
        carry_finish(&request->carry, idle, request->fd);
    }
    conn_begin_life(idle);
    fdtable_set(request->fd, fd_entry_make(FD_CONN, idle));
    bool ended = conn_end_life(fresh);
    fresh->hidden_fd = spare_fd;
    /* Someone who gave up waiting for us has made a call unseen: on the one or on the other. */
    if (atomic_load(&fresh->refusal) != REASON_NONE)
        conn_refuse(idle, REASON_CONCURRENT);
    if (spare_fd >= 0 && ended && spare_is_pristine(fresh))
        spare_keep(fresh);
    else if (spare_fd >= 0)
        idle_drop(fresh, ended);
    else if (ended)
        conn_free(fresh);
    return true;
}

/* With signals blocked. True when an idle connection has become the answer; else nothing has
 * happened, and the reason is counted. */
static bool reuse(struct request *request, int *result)
{
    struct dest *dest = request->dest;
    uint64_t now_ms = kernel_now_ms();
    enum reason refused = REASON_NONE_IDLE;
    struct conn *idle = NULL;
    bool done = false;
    idle_sweep(now_ms);
    if (conn_hold(request->fresh) != REASON_NONE) {
        verdict_refused(dest, REASON_SOCKET_BUSY);
        return false;
    }
    int status_flags = kernel_fcntl(request->fd, F_GETFL, 0);
    if (!is_untouched(request->fresh, request->fd) || (status_flags & ~O_NONBLOCK) != O_RDWR ||
        !carry_look(&request->carry, request->fresh, request->fd))
        refused = REASON_SOCKET_BUSY;
    else if (!process_is_pooling())
        refused = REASON_SWITCHED_OFF;
    else if (now_ms < atomic_load(&dest->backoff_until_ms))
        refused = REASON_STALE_BACKOFF;
    else
        idle = idle_take(dest, now_ms);
    if (idle != NULL)
        done = hand_out(idle, request, status_flags);
    if (!done) {
        conn_resume(request->fresh);
        verdict_refused(dest, refused);
        return false;
    }
    verdict_reused(dest);
    *result = 0;
    if ((status_flags & O_NONBLOCK) != 0) {
        errno = EINPROGRESS;
        *result = -1;
    }
    return true;
}

static int connect_for_real(struct request *request, const struct sockaddr *addr, socklen_t len)
{
    int fd = request->fd;
    struct call call = call_begin(fd);
    if (call.conn == NULL)
        return libc.connect(call.fd, addr, len);
    if (call_lock(call)) {
        /* Before the real call: on a non-blocking socket another thread may use it at once. */
        witness_open(&call.conn->witness, dest_choice(request->dest));
        call.conn->born_ms = kernel_now_ms();
        atomic_store(&call.conn->dest, request->dest);
        atomic_store(&call.conn->rule, request->dest->rule);
        call_unlock(call);
    } else {
        conn_refuse(call.conn, REASON_CONCURRENT);
    }
    int result = libc.connect(fd, addr, len);
    int saved_errno = errno;
    if (has_opened(result)) {
        conn_set(call.conn, CONN_CONNECTED);
        if (result != 0)
            conn_set(call.conn, CONN_CONNECTING);
        verdict_opened(request->dest);
    } else {
        conn_refuse(call.conn, REASON_NOT_CONNECTED);
        verdict_failed(request->dest, saved_errno);
    }
    errno = saved_errno;
    return (int)call_end(call, result);
}

/* Linux tells a non-blocking connect()'s success once, with 0, and then says EISCONN. The kernel
 * has told it already of a connection handed out, so we do; the address is not looked at, but
 * AF_UNSPEC dissolves the connection. */
static int connect_again(struct conn *conn, int fd, const struct sockaddr *addr, socklen_t len)
{
    struct dest *dest = atomic_load(&conn->dest);
    struct dest_key key;
    bool dissolves = addr != NULL && len >= sizeof(sa_family_t) && addr->sa_family == AF_UNSPEC;
    if (dissolves)
        conn_refuse(conn, REASON_NOT_CONNECTED);
    else if (conn_has(conn, CONN_CONNECT_UNTOLD) && len >= sizeof(sa_family_t)) {
        conn_clear(conn, CONN_CONNECT_UNTOLD);
        return 0;
    }
    /* After a failure this may be the first connect() to somewhere else. */
    if (dest == NULL || !dest_key_init(&key, conn->family, addr, len) ||
        !dest_key_same_peer(&key, &dest->key))
        conn_refuse(conn, REASON_NOT_CONNECTED);
    return libc.connect(fd, addr, len);
}
