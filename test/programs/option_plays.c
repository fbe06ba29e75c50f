/* SPDX-License-Identifier: MIT
 * Plays about socket options: what ends reuse, what does not, and what is ours to set. */
#include "program.h"

#include <dlfcn.h>
#include <linux/filter.h>
#include <linux/net_tstamp.h>
#include <linux/sockios.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>

static int (*unseen_setsockopt)(int, int, int, const void *, socklen_t);
static int (*unseen_getsockopt)(int, int, int, void *, socklen_t *);

static void find_unseen(void)
{
    void *libc = dlopen("libc.so.6", RTLD_NOW | RTLD_LOCAL);
    if (libc == NULL)
        broken("dlopen");
    *(void **)&unseen_setsockopt = dlsym(libc, "setsockopt");
    *(void **)&unseen_getsockopt = dlsym(libc, "getsockopt");
}

static int used(uint16_t port)
{
    int fd = connect_to(port);
    ask(fd, "/used");
    answer(fd);
    return fd;
}

static int set_int(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof value);
}

/* Two sockets with the same local port, one after the other, are the same connection. */
static uint16_t local_port(int fd)
{
    struct sockaddr_in addr = {0};
    socklen_t len = sizeof addr;
    expect(getsockname(fd, (struct sockaddr *)&addr, &len) == 0, "getsockname");
    return ntohs(addr.sin_port);
}

static const struct timeval second = {.tv_sec = 1};
static const struct linger lingering_off = {.l_linger = 3};
static const struct sock_filter all_pass = {.code = BPF_RET | BPF_K, .k = 0xffffffff};
static const struct sock_fprog filter = {.len = 1, .filter = (struct sock_filter *)&all_pass};
static const struct sock_txtime transmit_time = {.clockid = CLOCK_MONOTONIC};

#define NUMBER(level, option, value)                                                               \
    {                                                                                              \
        level, option, &(const int){value}, sizeof(int), #option                                   \
    }
#define RECORD(level, option, value)                                                               \
    {                                                                                              \
        level, option, &(value), sizeof(value), #option                                            \
    }

struct setting {
    int level, option;
    const void *value;
    socklen_t len;
    const char *name;
};

static const struct setting restored[] = {
    NUMBER(SOL_SOCKET, SO_PRIORITY, 3),
    NUMBER(SOL_SOCKET, SO_KEEPALIVE, 1),
    RECORD(SOL_SOCKET, SO_RCVTIMEO, second),
    RECORD(SOL_SOCKET, SO_SNDTIMEO, second),
    RECORD(SOL_SOCKET, SO_LINGER, lingering_off),
    NUMBER(SOL_SOCKET, SO_OOBINLINE, 1),
    NUMBER(SOL_SOCKET, SO_REUSEADDR, 1),
    NUMBER(SOL_SOCKET, SO_REUSEPORT, 1),
    NUMBER(IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1),
    NUMBER(IPPROTO_TCP, TCP_CORK, 1),
    NUMBER(IPPROTO_TCP, TCP_NODELAY, 1),
    NUMBER(IPPROTO_TCP, TCP_QUICKACK, 0),
    NUMBER(IPPROTO_TCP, TCP_KEEPIDLE, 77),
    NUMBER(IPPROTO_TCP, TCP_KEEPINTVL, 7),
    NUMBER(IPPROTO_TCP, TCP_KEEPCNT, 5),
    NUMBER(IPPROTO_TCP, TCP_USER_TIMEOUT, 12345),
    NUMBER(IPPROTO_TCP, TCP_NOTSENT_LOWAT, 4096),
};

static const struct setting ending[] = {
    NUMBER(SOL_SOCKET, SO_RCVLOWAT, 2),
    NUMBER(SOL_SOCKET, SO_RCVBUF, 100000),
    NUMBER(SOL_SOCKET, SO_SNDBUF, 100000),
    NUMBER(SOL_SOCKET, SO_MARK, 7),
    NUMBER(SOL_SOCKET, SO_BUSY_POLL, 1),
    NUMBER(SOL_SOCKET, SO_TIMESTAMP, 1),
    NUMBER(SOL_SOCKET, SO_TIMESTAMPNS, 1),
    NUMBER(SOL_SOCKET, SO_TIMESTAMPING, SOF_TIMESTAMPING_RX_SOFTWARE),
    NUMBER(SOL_SOCKET, SO_ZEROCOPY, 1),
    NUMBER(SOL_SOCKET, SO_INCOMING_CPU, 1),
    NUMBER(SOL_SOCKET, SO_MAX_PACING_RATE, 1000000),
    RECORD(SOL_SOCKET, SO_ATTACH_FILTER, filter),
    RECORD(SOL_SOCKET, SO_TXTIME, transmit_time),
    RECORD(SOL_SOCKET, SO_BINDTODEVICE, "lo"),
    NUMBER(IPPROTO_IP, IP_TTL, 33),
    NUMBER(IPPROTO_IP, IP_TRANSPARENT, 1),
    NUMBER(IPPROTO_IP, IP_FREEBIND, 1),
    NUMBER(IPPROTO_IP, IP_RECVERR, 1),
    NUMBER(IPPROTO_TCP, TCP_MAXSEG, 1000),
    NUMBER(IPPROTO_TCP, TCP_SYNCNT, 2),
    NUMBER(IPPROTO_TCP, TCP_LINGER2, 5),
    NUMBER(IPPROTO_TCP, TCP_DEFER_ACCEPT, 1),
    NUMBER(IPPROTO_TCP, TCP_WINDOW_CLAMP, 5000),
    RECORD(IPPROTO_TCP, TCP_CONGESTION, "reno"),
};

enum {
    RESTORED = sizeof restored / sizeof *restored,
    ENDING = sizeof ending / sizeof *ending,
};

/* Whether the connection on which an option was set is the next one's as well. */
static bool is_reused_after(uint16_t port, const struct setting *setting)
{
    int fd = used(port);
    uint16_t first = local_port(fd);
    expect(setsockopt(fd, setting->level, setting->option, setting->value, setting->len) == 0,
           setting->name);
    close(fd);
    fd = used(port);
    bool reused = local_port(fd) == first;
    close(fd);
    return reused;
}

static void what_can_be_restored(uint16_t port)
{
    for (int i = 0; i < RESTORED; i++)
        expect(is_reused_after(port, &restored[i]), restored[i].name);
}

static void what_cannot_be_restored(uint16_t port)
{
    for (int i = 0; i < ENDING; i++)
        expect(!is_reused_after(port, &ending[i]), ending[i].name);
}

/* Nothing was changed, so nothing stands against reuse. */
static void refused_by_the_kernel(uint16_t port)
{
    int fd = used(port), value = 1;
    expect(set_int(fd, IPPROTO_TCP, 1000, 1) == -1 && errno == ENOPROTOOPT, "ENOPROTOOPT");
    expect(setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &value, 2) == -1 && errno == EINVAL, "EINVAL");
    expect(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, (void *)8, 4) == -1 && errno == EFAULT, "EFAULT");
    expect(set_int(fd, IPPROTO_TCP, TCP_MAXSEG, 1) == -1 && errno == EINVAL, "EINVAL");
    close(fd);
    fetch(port, "/next");
}

static void by_syscall(uint16_t port)
{
    int fd = used(port), value = 1;
    socklen_t len = sizeof value;
    expect(syscall(SYS_setsockopt, fd, SOL_SOCKET, SO_KEEPALIVE, &value, len) == 0, "KEEPALIVE");
    close(fd);
    fd = used(port);
    expect(syscall(SYS_getsockopt, fd, SOL_SOCKET, SO_KEEPALIVE, &value, &len) == 0 && value == 0,
           "off again");
    expect(syscall(SYS_getsockopt, fd, IPPROTO_TCP, TCP_NODELAY, &value, &len) == 0 && value == 0,
           "TCP_NODELAY is the program's own");
    value = 2;
    expect(syscall(SYS_setsockopt, fd, SOL_SOCKET, SO_RCVLOWAT, &value, len) == 0, "RCVLOWAT");
    close(fd);
}

static void by_a_duplicate(uint16_t port)
{
    int fd = used(port), copy = dup(fd), value = -1;
    socklen_t len = sizeof value;
    expect(set_int(copy, SOL_SOCKET, SO_KEEPALIVE, 1) == 0, "SO_KEEPALIVE");
    close(copy);
    close(fd);
    fd = used(port);
    expect(getsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &value, &len) == 0 && value == 0, "off again");
    copy = dup(fd);
    expect(set_int(copy, SOL_SOCKET, SO_RCVLOWAT, 2) == 0, "SO_RCVLOWAT");
    close(copy);
    close(fd);
}

static void set_unseen(uint16_t port, int option, const void *value, socklen_t len)
{
    int fd = used(port);
    expect(unseen_setsockopt(fd, SOL_SOCKET, option, value, len) == 0, "setsockopt");
    close(fd);
    fetch(port, "/next");
}

static void unseen_low_water(uint16_t port)
{
    set_unseen(port, SO_RCVLOWAT, &(int){100}, sizeof(int));
}

static void unseen_timeout(uint16_t port)
{
    set_unseen(port, SO_RCVTIMEO, &(struct timeval){.tv_usec = 10000}, sizeof(struct timeval));
}

static void unseen_linger(uint16_t port)
{
    set_unseen(port, SO_LINGER, &(struct linger){.l_onoff = 1}, sizeof(struct linger));
}

/* What is seen of the same options stands against nothing. */
static void seen_timeout_and_linger(uint16_t port)
{
    int fd = used(port);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &second, sizeof second);
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &lingering_off, sizeof lingering_off);
    close(fd);
    fetch(port, "/next");
}

/* Its own time in FIN-WAIT-2 stays, whatever else it says of its close. */
static void linger2_and_linger(uint16_t port)
{
    struct linger off = {0};
    int fd = used(port);
    expect(set_int(fd, IPPROTO_TCP, TCP_LINGER2, 5) == 0, "TCP_LINGER2");
    expect(setsockopt(fd, SOL_SOCKET, SO_LINGER, &off, sizeof off) == 0, "SO_LINGER");
    close(fd);
}

/* A route may depend on it, so a connection made without it is not the same. */
static void connect_with_tos(uint16_t port, int family, int level, int option, int value)
{
    struct sockaddr_in v4 = loopback(port);
    struct sockaddr_in6 v6 = {
        .sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    bool is_v4 = family == AF_INET;
    int fd = socket(family, SOCK_STREAM, 0);
    if (value != 0)
        expect(set_int(fd, level, option, value) == 0, "set");
    expect(connect(fd, is_v4 ? (struct sockaddr *)&v4 : (struct sockaddr *)&v6,
                   is_v4 ? sizeof v4 : sizeof v6) == 0,
           "connect");
    ask(fd, "/tos");
    answer(fd);
    close(fd);
}

static void tos_before_connect(uint16_t port)
{
    connect_with_tos(port, AF_INET, IPPROTO_IP, IP_TOS, 0x10);
    connect_with_tos(port, AF_INET, IPPROTO_IP, IP_TOS, 0);
    connect_with_tos(port, AF_INET, IPPROTO_IP, IP_TOS, 0x10);
}

static void tclass_before_connect(uint16_t port)
{
    connect_with_tos(port, AF_INET6, IPPROTO_IPV6, IPV6_TCLASS, 0x10);
    connect_with_tos(port, AF_INET6, IPPROTO_IPV6, IPV6_TCLASS, 0);
    connect_with_tos(port, AF_INET6, IPPROTO_IPV6, IPV6_TCLASS, 0x10);
}

static int path_mtu(int fd, int *error)
{
    int mtu = -1;
    socklen_t len = sizeof mtu;
    errno = 0;
    int result = getsockopt(fd, IPPROTO_IP, IP_MTU, &mtu, &len);
    *error = errno;
    return result == 0 ? mtu : -1;
}

/* The kernel forgets the route when IP_TOS changes. The next user finds it as on a new connection;
 * where the change is its own, it finds what the kernel says. */
static void route_after_tos(uint16_t port)
{
    int error, fd = used(port), mtu = path_mtu(fd, &error);
    expect(mtu > 0, "a path MTU");
    expect(set_int(fd, IPPROTO_IP, IP_TOS, 0x10) == 0, "IP_TOS");
    expect(path_mtu(fd, &error) == -1 && error == ENOTCONN, "none for a while");
    ask(fd, "/found-again");
    answer(fd);
    expect(path_mtu(fd, &error) == mtu, "found again");
    close(fd);
    fd = connect_to(port); /* sends nothing */
    expect(path_mtu(fd, &error) == mtu && error == 0, "the path MTU");
    expect(getsockopt(fd, IPPROTO_IP, IP_MTU, (void *)8, &(socklen_t){4}) == -1, "no crash");
    close(fd);
    fd = connect_to(port);
    expect(path_mtu(fd, &error) == mtu && error == 0, "still the path MTU");
    expect(set_int(fd, IPPROTO_IP, IP_TOS, 0x10) == 0, "IP_TOS");
    expect(path_mtu(fd, &error) == -1 && error == ENOTCONN, "its own doing");
    close(fd);
}

static void route_lost(uint16_t port)
{
    int fd = used(port);
    expect(set_int(fd, IPPROTO_IP, IP_TOS, 0x10) == 0, "IP_TOS");
    close(fd);
}

static struct sockaddr_in full; /* a listener whose queue is full: connect() waits */

static void *connect_late(void *argument)
{
    int fd = *(int *)argument;
    expect(connect(fd, (struct sockaddr *)&full, sizeof full) == 0, "connect");
    return NULL;
}

/* Another thread sets it while connect() waits: it was no part of the key then. */
static void buffer_while_connecting(uint16_t port)
{
    (void)port;
    socklen_t len = sizeof full;
    int listener = socket(AF_INET, SOCK_STREAM, 0), late = socket(AF_INET, SOCK_STREAM, 0);
    char byte = 'x';
    pthread_t thread;
    full = loopback(0);
    expect(bind(listener, (struct sockaddr *)&full, sizeof full) == 0 && listen(listener, 0) == 0,
           "listen");
    expect(getsockname(listener, (struct sockaddr *)&full, &len) == 0, "getsockname");
    int first = connect_to(ntohs(full.sin_port));
    expect(pthread_create(&thread, NULL, connect_late, &late) == 0, "pthread_create");
    sleep_ms(100);
    expect(set_int(late, SOL_SOCKET, SO_RCVBUF, 9000) == 0, "SO_RCVBUF");
    close(accept(listener, NULL, NULL));
    pthread_join(thread, NULL); /* the SYN is sent again after a second */
    int served = accept(listener, NULL, NULL);
    expect(send(late, &byte, 1, 0) == 1 && recv(served, &byte, 1, 0) == 1, "there");
    expect(send(served, &byte, 1, 0) == 1 && recv(late, &byte, 1, 0) == 1, "and back");
    close(late);
    close(first);
}

static void signals_by_ioctl(uint16_t port)
{
    int pid = getpid(), on = 1, fd = used(port);
    expect(ioctl(fd, SIOCSPGRP, &pid) == 0, "SIOCSPGRP");
    close(fd);
    fd = used(port);
    expect(ioctl(fd, FIOSETOWN, &pid) == 0, "FIOSETOWN");
    close(fd);
    fd = used(port);
    expect(ioctl(fd, FIOASYNC, &on) == 0, "FIOASYNC");
    close(fd);
}

static void peek_waits(uint16_t port)
{
    char bytes[20];
    int fd = connect_to(port);
    ask(fd, "/peek");
    expect(recv(fd, bytes, sizeof bytes, MSG_PEEK | MSG_WAITALL) == sizeof bytes, "recv");
    answer(fd);
    close(fd);
}

static char request[] = "GET /sent HTTP/1.1\r\nHost: test\r\n\r\n";
enum { REQUEST_LEN = sizeof request - 1 };
static struct iovec whole = {.iov_base = request, .iov_len = REQUEST_LEN};

ssize_t __send(int fd, const void *buf, size_t len, int flags);
ssize_t __write(int fd, const void *buf, size_t count);

static ssize_t send_by_sendmsg(int fd, bool direct)
{
    struct msghdr message = {.msg_iov = &whole, .msg_iovlen = 1};
    return direct ? syscall(SYS_sendmsg, fd, &message, 0) : sendmsg(fd, &message, 0);
}

static ssize_t send_by_sendmmsg(int fd, bool direct)
{
    struct mmsghdr message = {.msg_hdr = {.msg_iov = &whole, .msg_iovlen = 1}};
    int sent =
        direct ? (int)syscall(SYS_sendmmsg, fd, &message, 1, 0) : sendmmsg(fd, &message, 1, 0);
    return sent == 1 ? (ssize_t)message.msg_len : -1;
}

static ssize_t send_by_sendfile(int fd, bool direct)
{
    off_t start = 0;
    int file = memfd_create("request", 0);
    expect(pwrite(file, request, REQUEST_LEN, 0) == REQUEST_LEN, "pwrite");
    ssize_t sent = direct ? syscall(SYS_sendfile, fd, file, &start, REQUEST_LEN)
                          : sendfile(fd, file, &start, REQUEST_LEN);
    close(file);
    return sent;
}

static ssize_t send_by_splice(int fd, bool direct)
{
    int ends[2];
    expect(pipe(ends) == 0 && write(ends[1], request, REQUEST_LEN) == REQUEST_LEN, "pipe");
    ssize_t sent = direct ? syscall(SYS_splice, ends[0], NULL, fd, NULL, REQUEST_LEN, 0)
                          : splice(ends[0], NULL, fd, NULL, REQUEST_LEN, 0);
    close(ends[0]);
    close(ends[1]);
    return sent;
}

static ssize_t send_by(int way, int fd)
{
    switch (way) {
    case 0:
        return send(fd, request, REQUEST_LEN, 0);
    case 1:
        return write(fd, request, REQUEST_LEN);
    case 2:
        return writev(fd, &whole, 1);
    case 3:
        return pwritev2(fd, &whole, 1, -1, 0);
    case 4:
        return sendto(fd, request, REQUEST_LEN, 0, NULL, 0);
    case 5:
        return __send(fd, request, REQUEST_LEN, 0);
    case 6:
        return __write(fd, request, REQUEST_LEN);
    case 7:
        return send_by_sendmsg(fd, false);
    case 8:
        return send_by_sendmmsg(fd, false);
    case 9:
        return send_by_sendfile(fd, false);
    case 10:
        return send_by_splice(fd, false);
    case 11:
        return dprintf(fd, "%s", request);
    case 12:
        return syscall(SYS_write, fd, request, REQUEST_LEN);
    case 13:
        return syscall(SYS_writev, fd, &whole, 1);
    case 14:
        return syscall(SYS_pwritev2, fd, &whole, 1, -1L, -1L, 0);
    case 15:
        return syscall(SYS_sendto, fd, request, REQUEST_LEN, 0, NULL, 0);
    case 16:
        return send_by_sendmsg(fd, true);
    case 17:
        return send_by_sendmmsg(fd, true);
    case 18:
        return send_by_sendfile(fd, true);
    default:
        return send_by_splice(fd, true);
    }
}
enum { WAYS_TO_SEND = 20 };

static int kernel_option(int fd, int option)
{
    int value = -1;
    socklen_t len = sizeof value;
    expect(unseen_getsockopt(fd, IPPROTO_TCP, option, &value, &len) == 0, "getsockopt");
    return value;
}

/* Each kind of sending on a reused connection leaves it ready to acknowledge what comes at once;
 * and Nagle's algorithm is off. */
static void quick_acks(uint16_t port)
{
    for (int way = 0; way < WAYS_TO_SEND; way++) {
        int off = 0, fd = used(port);
        uint16_t first = local_port(fd);
        close(fd);
        fd = connect_to(port);
        say("way %d", way);
        expect(local_port(fd) == first, "reused");
        expect(kernel_option(fd, TCP_NODELAY) == 1, "TCP_NODELAY");
        unseen_setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &off, sizeof off);
        expect(kernel_option(fd, TCP_QUICKACK) == 0, "before");
        expect(send_by(way, fd) == REQUEST_LEN, "sent");
        expect(kernel_option(fd, TCP_QUICKACK) == 1, "after");
        expect(answer(fd), "answer");
        close(fd);
    }
}

/* A server that sends on only when it has an ACK gets one for each part that was read. */
static void quick_acks_while_receiving(uint16_t port)
{
    static char part[1000];
    int off = 0, fd = used(port);
    uint16_t first = local_port(fd);
    close(fd);
    fd = connect_to(port);
    expect(local_port(fd) == first, "reused");
    ask(fd, "/big");
    expect(recv(fd, part, sizeof part, MSG_WAITALL) == sizeof part, "recv");
    unseen_setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &off, sizeof off);
    expect(kernel_option(fd, TCP_QUICKACK) == 0, "before");
    expect(recv(fd, part, sizeof part, 0) > 0, "recv");
    expect(kernel_option(fd, TCP_QUICKACK) == 1, "after");
    close(fd);
}

/* Who wants its ACKs delayed has them delayed. */
static void quick_acks_unwanted(uint16_t port)
{
    fetch(port, "/one");
    int value = -1, fd = used(port);
    socklen_t len = sizeof value;
    expect(set_int(fd, IPPROTO_TCP, TCP_QUICKACK, 0) == 0, "TCP_QUICKACK");
    ask(fd, "/delayed");
    expect(kernel_option(fd, TCP_QUICKACK) == 0, "delayed");
    expect(getsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &value, &len) == 0 && value == 0, "shown");
    answer(fd);
    expect(set_int(fd, IPPROTO_TCP, TCP_QUICKACK, 1) == 0, "TCP_QUICKACK");
    ask(fd, "/not-delayed");
    expect(kernel_option(fd, TCP_QUICKACK) == 1, "at once");
    answer(fd);
    close(fd);
}

/* After two exchanges the kernel delays ACKs; a new connection does not, and shows that. */
static void quick_acks_at_first(uint16_t port)
{
    int value = -1, off = 0, fd = used(port);
    socklen_t len = sizeof value;
    unseen_setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &off, sizeof off);
    close(fd);
    fd = connect_to(port);
    expect(getsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &value, &len) == 0 && value == 1, "on");
    close(fd);
}

static const struct play plays[] = {
    {"what_can_be_restored", what_can_be_restored},
    {"what_cannot_be_restored", what_cannot_be_restored},
    {"refused_by_the_kernel", refused_by_the_kernel},
    {"by_syscall", by_syscall},
    {"by_a_duplicate", by_a_duplicate},
    {"unseen_low_water", unseen_low_water},
    {"unseen_timeout", unseen_timeout},
    {"unseen_linger", unseen_linger},
    {"seen_timeout_and_linger", seen_timeout_and_linger},
    {"linger2_and_linger", linger2_and_linger},
    {"tos_before_connect", tos_before_connect},
    {"tclass_before_connect", tclass_before_connect},
    {"route_after_tos", route_after_tos},
    {"route_lost", route_lost},
    {"buffer_while_connecting", buffer_while_connecting},
    {"signals_by_ioctl", signals_by_ioctl},
    {"peek_waits", peek_waits},
    {"quick_acks", quick_acks},
    {"quick_acks_while_receiving", quick_acks_while_receiving},
    {"quick_acks_unwanted", quick_acks_unwanted},
    {"quick_acks_at_first", quick_acks_at_first},
};

int main(int argc, char **argv)
{
    find_unseen();
    return play(argc, argv, plays, sizeof plays / sizeof *plays);
}
