/* SPDX-License-Identifier: MIT
 * Plays about connect(): which sockets may become an idle connection, and which idle connection. */
#include "program.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

static void connect_and_fetch(int fd, uint16_t port)
{
    struct sockaddr_in addr = loopback(port);
    expect(connect(fd, (struct sockaddr *)&addr, sizeof addr) == 0, "connect");
    ask(fd, "/mine");
    expect(answer(fd), "answer");
    close(fd);
}

static void duplicated(uint16_t port)
{
    fetch(port, "/one");
    int fd = socket(AF_INET, SOCK_STREAM, 0), copy = dup(fd);
    connect_and_fetch(fd, port);
    close(copy);
}

static void with_an_option(uint16_t port)
{
    fetch(port, "/one");
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    expect(setsockopt(fd, IPPROTO_TCP, TCP_SYNCNT, &(int){2}, sizeof(int)) == 0, "TCP_SYNCNT");
    connect_and_fetch(fd, port);
}

static void inherited(uint16_t port)
{
    fetch(port, "/one");
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    waitpid(child, NULL, 0);
    connect_and_fetch(fd, port);
}

static void registered(uint16_t port)
{
    struct epoll_event event = {.events = EPOLLIN};
    fetch(port, "/one");
    int fd = socket(AF_INET, SOCK_STREAM, 0), set = epoll_create1(0);
    expect(epoll_ctl(set, EPOLL_CTL_ADD, fd, &event) == 0, "EPOLL_CTL_ADD");
    connect_and_fetch(fd, port);
    close(set);
}

/* What the server did to it while it was idle. */
static void after(uint16_t port, const char *path)
{
    fetch(port, path);
    sleep_ms(60);
    fetch(port, "/next");
}

static void after_more(uint16_t port)
{
    after(port, "/more-later");
}

static void after_urgent(uint16_t port)
{
    after(port, "/urgent-later");
}

static void after_the_end(uint16_t port)
{
    after(port, "/leaves-later");
}

static void after_a_while(uint16_t port)
{
    fetch(port, "/one");
    sleep_ms(450); /* longer than the limits, which leave a loaded machine time for one fetch */
    fetch(port, "/next");
}

static void after_a_long_use(uint16_t port)
{
    int fd = connect_to(port);
    ask(fd, "/one");
    answer(fd);
    sleep_ms(150);
    close(fd);
}

static void after_a_promise(uint16_t port)
{
    fetch(port, "/promise");
    sleep_ms(1150);
    fetch(port, "/next");
}

static void after_a_promise_in_time(uint16_t port)
{
    fetch(port, "/promise");
    sleep_ms(150);
    fetch(port, "/next");
}

static uint16_t own_port(int fd)
{
    struct sockaddr_in own;
    socklen_t len = sizeof own;
    expect(getsockname(fd, (struct sockaddr *)&own, &len) == 0, "getsockname");
    return own.sin_port;
}

/* Opened together, they do not all reach their age at once. */
static void of_one_age(uint16_t port)
{
    enum { CONNECTIONS = 40 };
    int fds[CONNECTIONS], reused = 0;
    uint16_t ports[CONNECTIONS];
    for (int i = 0; i < CONNECTIONS; i++) {
        fds[i] = connect_to(port);
        ports[i] = own_port(fds[i]);
        ask(fds[i], "/of-one-age");
        answer(fds[i]);
    }
    for (int i = 0; i < CONNECTIONS; i++)
        close(fds[i]);
    sleep_ms(1500); /* TWPOOL_MAX_AGE */
    for (int i = 0; i < CONNECTIONS; i++) {
        uint16_t now = own_port(connect_to(port));
        for (int j = 0; j < CONNECTIONS; j++)
            reused += ports[j] == now;
    }
    expect(reused > 0, "some are younger than 1.5 s");
    expect(reused < CONNECTIONS, "some are older than 1.5 s");
}

static void two_with_room_for_one(uint16_t port)
{
    int first = connect_to(port), second = connect_to(port);
    ask(first, "/first");
    ask(second, "/second");
    answer(first);
    answer(second);
    close(first);
    close(second);
}

/* Twice in a row the connection handed out was of no use. */
static void stale_twice(uint16_t port, const char *path)
{
    for (int i = 0; i < 2; i++) {
        fetch(port, "/one");
        int fd = connect_to(port);
        ask(fd, path);
        expect(!answer(fd), "no answer");
        close(fd);
    }
    fetch(port, "/two");
    fetch(port, "/three");
}

static void dropped_twice(uint16_t port)
{
    stale_twice(port, "/drop");
}

static void reset_twice(uint16_t port)
{
    stale_twice(port, "/reset");
}

static void multipath(uint16_t port)
{
    int fd = socket(AF_INET, SOCK_STREAM, IPPROTO_MPTCP);
    if (fd < 0) { /* a kernel without it: then as without us */
        expect(errno == EPROTONOSUPPORT || errno == ENOPROTOOPT || errno == EINVAL, "socket");
        return;
    }
    connect_and_fetch(fd, port);
}

static void fetch_mapped(uint16_t port, int v6only, int expected_errno)
{
    struct sockaddr_in6 addr = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    int fd = socket(AF_INET6, SOCK_STREAM, 0);
    inet_pton(AF_INET6, "::ffff:127.0.0.1", &addr.sin6_addr);
    expect(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6only, sizeof v6only) == 0, "V6ONLY");
    int connected = connect(fd, (struct sockaddr *)&addr, sizeof addr);
    expect(expected_errno == 0 ? connected == 0 : connected == -1 && errno == expected_errno,
           "connect to a mapped address");
    if (connected == 0) {
        ask(fd, "/mapped");
        answer(fd);
    }
    close(fd);
}

static void mapped_and_v6only(uint16_t port)
{
    fetch_mapped(port, 0, 0);
    fetch_mapped(port, 1, ENETUNREACH);
}

static void fetch_v6(uint16_t port, int v6only)
{
    struct sockaddr_in6 addr = {
        .sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int fd = socket(AF_INET6, SOCK_STREAM, 0), now = -1;
    socklen_t len = sizeof now;
    expect(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6only, sizeof v6only) == 0, "V6ONLY");
    expect(connect(fd, (struct sockaddr *)&addr, sizeof addr) == 0, "connect");
    expect(getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &now, &len) == 0 && now == v6only, "V6ONLY");
    ask(fd, "/v6");
    answer(fd);
    close(fd);
}

static void v6only_and_not(uint16_t port)
{
    fetch_v6(port, 0);
    fetch_v6(port, 1);
    fetch_v6(port, 0);
}

static int connect_nonblocking(uint16_t port)
{
    struct sockaddr_in addr = loopback(port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    expect(connect(fd, (struct sockaddr *)&addr, sizeof addr) == -1 && errno == EINPROGRESS,
           "EINPROGRESS");
    return fd;
}

static void dissolved_before_it_was_told(uint16_t port)
{
    struct sockaddr nowhere = {.sa_family = AF_UNSPEC};
    fetch(port, "/one");
    int fd = connect_nonblocking(port);
    expect(connect(fd, &nowhere, sizeof nowhere) == 0, "AF_UNSPEC");
    expect(send(fd, "x", 1, MSG_NOSIGNAL) == -1, "send");
    close(fd);
}

static void drop(uint16_t port)
{
    int fd = connect_to(port);
    ask(fd, "/drop");
    expect(!answer(fd), "no answer");
    close(fd);
}

static void good_between_drops(uint16_t port)
{
    fetch(port, "/one");
    drop(port);
    fetch(port, "/two");
    fetch(port, "/good");
    drop(port);
    fetch(port, "/three");
    fetch(port, "/four");
}

/* Of two that are idle the one that was reused before, though the other was used last. */
static void proven_first(uint16_t port)
{
    fetch(port, "/one");
    int proven = connect_to(port), other = connect_to(port);
    uint16_t proven_port = own_port(proven);
    ask(proven, "/proven");
    answer(proven);
    ask(other, "/other");
    answer(other);
    close(proven);
    sleep_ms(10);
    close(other);
    expect(own_port(connect_to(port)) == proven_port, "the proven one");
}

static void swept_by_a_close(uint16_t port)
{
    int fd = connect_to(port);
    fetch(port, "/one");
    sleep_ms(150);
    close(fd);
}

static void fetch_bound_v6(uint16_t port, const char *address, uint16_t own)
{
    struct sockaddr_in6 addr = {.sin6_family = AF_INET6, .sin6_port = htons(own)};
    int fd = socket(AF_INET6, SOCK_STREAM, 0);
    inet_pton(AF_INET6, address, &addr.sin6_addr);
    expect(bind(fd, (struct sockaddr *)&addr, sizeof addr) == 0, "bind");
    addr.sin6_addr = (struct in6_addr)IN6ADDR_LOOPBACK_INIT;
    addr.sin6_port = htons(port);
    expect(connect(fd, (struct sockaddr *)&addr, sizeof addr) == 0, "connect");
    ask(fd, "/v6");
    answer(fd);
    close(fd);
}

static void bound_to_port_v6(uint16_t port)
{
    fetch_bound_v6(port, "::1", 2345);
}

static void bound_to_addresses_v6(uint16_t port)
{
    expect(system("ip address add fd00::2 dev lo nodad") == 0, "a second address");
    fetch_bound_v6(port, "::1", 0);
    fetch_bound_v6(port, "fd00::2", 0);
    fetch_bound_v6(port, "::1", 0);
}

static void room_for_a_set(uint16_t port)
{
    struct rlimit limit = {.rlim_cur = 64, .rlim_max = 64};
    expect(setrlimit(RLIMIT_NOFILE, &limit) == 0, "setrlimit");
    fetch(port, "/one");
    while (open("/dev/null", O_RDONLY) >= 0)
        continue;
    expect(epoll_create1(0) >= 0, "epoll_create1");
}

static void room_for_a_socket(uint16_t port)
{
    struct rlimit limit = {.rlim_cur = 64, .rlim_max = 64};
    expect(setrlimit(RLIMIT_NOFILE, &limit) == 0, "setrlimit");
    fetch(port, "/one");
    while (open("/dev/null", O_RDONLY) >= 0)
        continue;
    expect(socket(AF_INET, SOCK_DGRAM, 0) >= 0, "socket");
}

/* From here on the kernel does not know this option, as older ones do not. */
static void forget_option(unsigned option)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getsockopt, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, option, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOPROTOOPT),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = sizeof filter / sizeof *filter, .filter = filter};
    expect(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
               prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0,
           "seccomp");
}

static void without_cookies(uint16_t port)
{
    forget_option(SO_COOKIE);
    fetch(port, "/one");
    fetch(port, "/two");
}

static void without_counters(uint16_t port)
{
    forget_option(TCP_INFO);
    fetch(port, "/one");
    fetch(port, "/two");
}

static const struct play plays[] = {
    {"duplicated", duplicated},
    {"with_an_option", with_an_option},
    {"inherited", inherited},
    {"registered", registered},
    {"after_more", after_more},
    {"after_urgent", after_urgent},
    {"after_the_end", after_the_end},
    {"after_a_while", after_a_while},
    {"after_a_long_use", after_a_long_use},
    {"after_a_promise", after_a_promise},
    {"after_a_promise_in_time", after_a_promise_in_time},
    {"of_one_age", of_one_age},
    {"two_with_room_for_one", two_with_room_for_one},
    {"dropped_twice", dropped_twice},
    {"reset_twice", reset_twice},
    {"multipath", multipath},
    {"mapped_and_v6only", mapped_and_v6only},
    {"v6only_and_not", v6only_and_not},
    {"dissolved_before_it_was_told", dissolved_before_it_was_told},
    {"good_between_drops", good_between_drops},
    {"proven_first", proven_first},
    {"swept_by_a_close", swept_by_a_close},
    {"bound_to_port_v6", bound_to_port_v6},
    {"bound_to_addresses_v6", bound_to_addresses_v6},
    {"room_for_a_set", room_for_a_set},
    {"room_for_a_socket", room_for_a_socket},
    {"without_cookies", without_cookies},
    {"without_counters", without_counters},
};

int main(int argc, char **argv)
{
    return play(argc, argv, plays, sizeof plays / sizeof *plays);
}
