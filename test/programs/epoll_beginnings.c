/* SPDX-License-Identifier: MIT
 * Plays about sockets that are registered in epoll sets before they are connected. */
#include "sets.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

static int connect_now(int fd, uint16_t port)
{
    struct sockaddr_in addr = loopback(port);
    return connect(fd, (struct sockaddr *)&addr, sizeof addr);
}

/* The events of a whole life, from connect() to after close(). */
static void live(uint16_t port, int set, int fd, uint32_t events)
{
    if (SHOW(connect_now(fd, port)) != 0)
        show_poll(fd, POLLOUT, 1000);
    show_events(set, 0);
    show_events(set, 0);
    ask(fd, "/early");
    show_poll(fd, POLLIN, 1000);
    show_events(set, 0);
    answer(fd);
    show_events(set, 0);
    SHOW(control(set, EPOLL_CTL_ADD, fd, EPOLLIN, 0xbad));
    SHOW(control(set, EPOLL_CTL_MOD, fd, events, 0x30d));
    show_events(set, 0);
    SHOW(close(fd));
    show_events(set, 0);
    fetch(port, "/next");
    show_events(set, 0);
}

static void begin(uint16_t port, uint32_t events, int type)
{
    int set = new_set();
    fetch(port, "/first");
    int fd = socket(AF_INET, SOCK_STREAM | type, 0);
    add(set, fd, events, 0xbef02e0123456789);
    live(port, set, fd, events);
}

static void level(uint16_t port)
{
    begin(port, EPOLLIN | EPOLLOUT, 0);
}

static void level_nonblocking(uint16_t port)
{
    begin(port, EPOLLIN | EPOLLOUT | EPOLLRDHUP, SOCK_NONBLOCK);
}

static void for_reading(uint16_t port)
{
    begin(port, EPOLLIN, 0);
}

static void for_nothing(uint16_t port)
{
    begin(port, 0, SOCK_NONBLOCK);
}

static void edge(uint16_t port)
{
    begin(port, EPOLLIN | EPOLLOUT | EPOLLET, 0);
}

static void edge_nonblocking(uint16_t port)
{
    begin(port, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, SOCK_NONBLOCK);
}

static void one_shot(uint16_t port)
{
    begin(port, EPOLLOUT | EPOLLONESHOT, 0);
}

static void one_shot_nonblocking(uint16_t port)
{
    begin(port, EPOLLIN | EPOLLOUT | EPOLLONESHOT, SOCK_NONBLOCK);
}

/* Disarmed, it does not even report the end. */
static void one_shot_fired(uint16_t port)
{
    int set = new_set();
    fetch(port, "/first");
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    add(set, fd, EPOLLIN | EPOLLONESHOT, 0xf12ed);
    show_events(set, 0);
    SHOW(connect_now(fd, port));
    show_events(set, 0);
    ask(fd, "/close");
    answer(fd);
    SHOW(shutdown(fd, SHUT_RDWR));
    show_events(set, 50);
    SHOW(close(fd));
}

static void exclusive(uint16_t port)
{
    int set = new_set();
    fetch(port, "/first");
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    add(set, fd, EPOLLIN | EPOLLEXCLUSIVE, 0xe8c);
    SHOW(connect_now(fd, port));
    show_events(set, 0);
    ask(fd, "/early");
    show_poll(fd, POLLIN, 1000);
    show_events(set, 0);
    answer(fd);
    SHOW(control(set, EPOLL_CTL_MOD, fd, EPOLLIN, 0xe8c));
    SHOW(close(fd));
    show_events(set, 0);
}

static void wakeup(uint16_t port)
{
    begin(port, EPOLLIN | EPOLLOUT | EPOLLWAKEUP, 0);
}

static void fetched_before(uint16_t port)
{
    int set = new_set();
    fetch(port, "/first");
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    add(set, fd, EPOLLIN | EPOLLOUT | EPOLLET, 0xfe7);
    show_events(set, 0); /* of a socket that is not connected */
    live(port, set, fd, EPOLLIN);
}

static void modified(uint16_t port)
{
    int set = new_set();
    fetch(port, "/first");
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    add(set, fd, EPOLLIN, 0xbad);
    SHOW(control(set, EPOLL_CTL_MOD, fd, EPOLLOUT | EPOLLET, 0x30d1f));
    live(port, set, fd, EPOLLIN);
}

static void by_syscall(uint16_t port)
{
    struct epoll_event event = {.events = EPOLLOUT, .data.u64 = 0x5ca11};
    int set = new_set();
    fetch(port, "/first");
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    SHOW(syscall(SYS_epoll_ctl, set, EPOLL_CTL_ADD, fd, &event));
    live(port, set, fd, EPOLLOUT);
}

static void in_two_sets(uint16_t port)
{
    int set = new_set(), other = new_set();
    fetch(port, "/first");
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    add(set, fd, EPOLLIN | EPOLLOUT, 0x1);
    add(other, fd, EPOLLOUT | EPOLLET, 0x2);
    SHOW(connect_now(fd, port));
    show_events(other, 0);
    show_events(other, 0);
    show_events(set, 0);
    ask(fd, "/early");
    answer(fd);
    SHOW(close(fd));
    show_events(set, 0);
    show_events(other, 0);
}

/* Until the first of them, the library keeps such sockets for the next socket(). */
static void beside_a_new_socket(uint16_t port)
{
    int set = new_set();
    fetch(port, "/first");
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    add(set, fd, EPOLLIN | EPOLLOUT, 0x1);
    SHOW(connect_now(fd, port));
    int other = socket(AF_INET, SOCK_STREAM, 0);
    SHOW(control(set, EPOLL_CTL_MOD, other, EPOLLIN, 0xbad));
    show_events(set, 0);
    SHOW(connect_now(other, port));
    ask(other, "/other");
    show_poll(other, POLLIN, 1000);
    show_events(set, 0);
    answer(other);
    SHOW(close(other));
    ask(fd, "/early");
    answer(fd);
    SHOW(close(fd));
    show_events(set, 0);
}

static void deleted(uint16_t port)
{
    int set = new_set();
    fetch(port, "/first");
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    add(set, fd, EPOLLIN | EPOLLOUT, 0x1);
    SHOW(control(set, EPOLL_CTL_DEL, fd, 0, 0));
    SHOW(connect_now(fd, port));
    show_events(set, 0);
    ask(fd, "/early");
    answer(fd);
    SHOW(close(fd));
}

static void under_a_copy(uint16_t port)
{
    int set = new_set();
    fetch(port, "/first");
    int fd = socket(AF_INET, SOCK_STREAM, 0), copy = dup(fd);
    add(set, copy, EPOLLIN | EPOLLOUT, 0xc0);
    SHOW(close(copy));
    SHOW(connect_now(fd, port));
    show_events(set, 0);
    ask(fd, "/early");
    answer(fd);
    SHOW(close(fd));
    show_events(set, 0);
}

static void in_a_copied_set(uint16_t port)
{
    int set = new_set();
    fetch(port, "/first");
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    add(set, fd, EPOLLIN | EPOLLOUT, 0x1);
    int copy = dup(set);
    live(port, copy, fd, EPOLLIN);
}

/* Every other registration is in the list that the kernel shows. */
static void among(uint16_t port, int others)
{
    int pipe_fds[2], set = new_set();
    expect(pipe(pipe_fds) == 0, "pipe");
    fetch(port, "/first");
    for (int i = 0; i < others; i++)
        add(set, fcntl(pipe_fds[0], F_DUPFD_CLOEXEC, 100), EPOLLIN, (uint64_t)i);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    add(set, fd, EPOLLIN | EPOLLOUT, 0xffffffffffffffff);
    live(port, set, fd, EPOLLIN);
}

static void among_some(uint16_t port)
{
    among(port, 50);
}

static void among_many(uint16_t port)
{
    among(port, 600);
}

/* From here on the kernel says no to this call with this second argument. */
static void refuse(long number, unsigned second, int error)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)number, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1])),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, second, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = sizeof filter / sizeof *filter, .filter = filter};
    expect(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
               prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0,
           "seccomp");
}

static void live_on(uint16_t port, int set, int fd, uint32_t events)
{
    if (SHOW(connect_now(fd, port)) != 0)
        show_poll(fd, POLLOUT, 1000);
    show_events(set, 0);
    ask(fd, "/early");
    show_poll(fd, POLLIN, 1000);
    show_events(set, 0);
    answer(fd);
    SHOW(control(set, EPOLL_CTL_MOD, fd, events, 0x30d));
    SHOW(close(fd));
    show_events(set, 0);
}

/* The library can register nothing: the real connect() keeps what was registered. */
static void with_no_room(uint16_t port)
{
    int set = new_set(), other = new_set();
    fetch(port, "/first");
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    add(set, fd, EPOLLIN | EPOLLOUT, 0x1);
    add(other, fd, EPOLLOUT | EPOLLET, 0x2);
    refuse(SYS_epoll_ctl, EPOLL_CTL_ADD, ENOSPC);
    live_on(port, set, fd, EPOLLIN);
    show_events(other, 0);
}

/* Nor can it keep the new socket meanwhile, so it does not even begin. */
static void with_no_room_and_no_number(uint16_t port)
{
    int set = new_set();
    fetch(port, "/first");
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    add(set, fd, EPOLLIN | EPOLLOUT, 0x1);
    refuse(SYS_epoll_ctl, EPOLL_CTL_ADD, ENOSPC);
    refuse(SYS_fcntl, F_DUPFD_CLOEXEC, EMFILE);
    live_on(port, set, fd, EPOLLIN);
}

/* Without the list that the kernel shows. */
static void with_no_list(uint16_t port)
{
    int set = new_set();
    fetch(port, "/first");
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    add(set, fd, EPOLLIN | EPOLLOUT | EPOLLET, 0x1);
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EACCES),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = sizeof filter / sizeof *filter, .filter = filter};
    expect(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
               prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0,
           "seccomp");
    live_on(port, set, fd, EPOLLIN);
}

static void *fetch_events(void *argument)
{
    int set = (int)(intptr_t)argument;
    while (show_events(set, 300) > 0)
        continue;
    return NULL;
}

/* It sees the socket before its connect(), then the connection, and nothing twice. */
static void under_a_waiting_thread(uint16_t port)
{
    pthread_t thread;
    int set = new_set();
    fetch(port, "/first");
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    add(set, fd, EPOLLOUT | EPOLLET, 0x1);
    expect(pthread_create(&thread, NULL, fetch_events, (void *)(intptr_t)set) == 0, "thread");
    sleep_ms(50);
    connect_now(fd, port);
    pthread_join(thread, NULL);
    ask(fd, "/early");
    answer(fd);
    SHOW(close(fd));
}

static void other_registrations_stay(uint16_t port)
{
    int pipe_fds[2], set = new_set();
    expect(pipe(pipe_fds) == 0 && write(pipe_fds[1], "x", 1) == 1, "pipe");
    add(set, pipe_fds[0], EPOLLIN | EPOLLET, 0x9);
    fetch(port, "/first");
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    add(set, fd, EPOLLOUT, 0x1);
    SHOW(connect_now(fd, port));
    show_events(set, 0);
    show_events(set, 0);
    ask(fd, "/early");
    answer(fd);
    SHOW(close(fd));
    show_events(set, 0);
}

static const struct play plays[] = {
    {"level", level},
    {"level_nonblocking", level_nonblocking},
    {"for_reading", for_reading},
    {"for_nothing", for_nothing},
    {"edge", edge},
    {"edge_nonblocking", edge_nonblocking},
    {"one_shot", one_shot},
    {"one_shot_nonblocking", one_shot_nonblocking},
    {"one_shot_fired", one_shot_fired},
    {"exclusive", exclusive},
    {"wakeup", wakeup},
    {"fetched_before", fetched_before},
    {"modified", modified},
    {"by_syscall", by_syscall},
    {"in_two_sets", in_two_sets},
    {"beside_a_new_socket", beside_a_new_socket},
    {"deleted", deleted},
    {"under_a_copy", under_a_copy},
    {"in_a_copied_set", in_a_copied_set},
    {"among_some", among_some},
    {"among_many", among_many},
    {"with_no_room", with_no_room},
    {"with_no_room_and_no_number", with_no_room_and_no_number},
    {"with_no_list", with_no_list},
    {"under_a_waiting_thread", under_a_waiting_thread},
    {"other_registrations_stay", other_registrations_stay},
};

int main(int argc, char **argv)
{
    return play_or_all(argc, argv, plays, sizeof plays / sizeof *plays);
}
