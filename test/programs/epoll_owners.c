/* SPDX-License-Identifier: MIT
 * Plays about epoll sets that others hold or wait on, or that are closed before what is in them. */
#include "sets.h"

#include <dlfcn.h>
#include <pthread.h>
#include <sys/select.h>
#include <sys/syscall.h>

/* To close what another thread waits on is the very thing that is shown. */
const char *__tsan_default_suppressions(void);
const char *__tsan_default_suppressions(void)
{
    return "race:close_in_thread\nrace:in_a_set_closed_under\nrace:wait_in_thread\n";
}

static void in_a_copied_set(uint16_t port)
{
    int set = new_set(), fd = used(port);
    add(set, fd, EPOLLIN, 0x01d);
    int copy = dup(set);
    SHOW(close(fd));
    live_unregistered(port, copy, fd);
}

static void in_an_inherited_set(uint16_t port)
{
    int set = new_set();
    pid_t child = fork();
    if (child == 0) {
        sleep_ms(100);
        _exit(show_events(set, 0));
    }
    int fd = used(port);
    add(set, fd, EPOLLIN, 0x01d);
    SHOW(close(fd));
    live_unregistered(port, set, fd);
    waitpid(child, NULL, 0);
}

static void in_a_passed_set(uint16_t port)
{
    int pair[2], set = new_set(), fd = used(port);
    char byte = 'x', control_bytes[CMSG_SPACE(sizeof set)] = {0};
    struct iovec one = {.iov_base = &byte, .iov_len = 1};
    struct msghdr message = {.msg_iov = &one,
                             .msg_iovlen = 1,
                             .msg_control = control_bytes,
                             .msg_controllen = sizeof control_bytes};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof set);
    memcpy(CMSG_DATA(header), &set, sizeof set);
    expect(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0, "socketpair");
    SHOW(sendmsg(pair[0], &message, 0));
    add(set, fd, EPOLLIN, 0x01d);
    SHOW(close(fd));
    live_unregistered(port, set, fd);
}

static void in_a_nested_set(uint16_t port)
{
    int outer = new_set(), inner = new_set(), fd = used(port);
    add(outer, inner, EPOLLIN, 0x0);
    add(inner, fd, EPOLLIN | EPOLLOUT | EPOLLET, 0x01d);
    show_events(outer, 0);
    show_events(inner, 0);
    SHOW(close(fd));
    show_events(outer, 0);
    live_unregistered(port, inner, fd);
    show_events(outer, 0);
}

static void in_a_polled_set(uint16_t port)
{
    struct timeval now = {0};
    int set = new_set(), fd = used(port);
    add(set, fd, EPOLLIN | EPOLLOUT, 0x01d);
    show_poll(set, POLLIN, 0);
    SHOW(close(fd));
    show_poll(set, POLLIN, 0);
    int next = connect_to(port);
    ask(next, "/next");
    show_poll(next, POLLIN, 1000);
    show_poll(set, POLLIN, 0);
    fd_set in;
    FD_ZERO(&in);
    FD_SET(set, &in);
    SHOW(select(set + 1, &in, NULL, NULL, &now));
    answer(next);
    SHOW(close(next));
}

struct waiter {
    int set;
    int timeout_ms;
    pthread_t thread;
};

static void *wait_in_thread(void *argument)
{
    const struct waiter *waiter = argument;
    while (show_events(waiter->set, waiter->timeout_ms) > 0)
        continue;
    return NULL;
}

static void start(struct waiter *waiter)
{
    if (pthread_create(&waiter->thread, NULL, wait_in_thread, waiter) != 0)
        broken("pthread_create");
    sleep_ms(50);
}

static void under_a_waiting_thread(uint16_t port)
{
    struct waiter waiter = {.set = new_set(), .timeout_ms = 1200};
    int fd = used(port);
    add(waiter.set, fd, EPOLLIN | EPOLLET, 0x01d);
    start(&waiter);
    ask(fd, "/more");
    sleep_ms(50);
    answer(fd);
    SHOW(close(fd));
    fetch(port, "/next");
    fetch(port, "/late");
    pthread_join(waiter.thread, NULL);
}

/* The thread keeps the set, and what is in it, until its wait is over. */
static void in_a_set_closed_under_a_waiting_thread(uint16_t port)
{
    struct waiter waiter = {.set = new_set(), .timeout_ms = 1200};
    int fd = used(port);
    add(waiter.set, fd, EPOLLIN, 0x01d);
    start(&waiter);
    SHOW(close(waiter.set));
    SHOW(close(fd));
    fetch(port, "/next");
    fetch(port, "/late");
    pthread_join(waiter.thread, NULL);
}

static void *poll_in_thread(void *argument)
{
    show_poll(((const struct waiter *)argument)->set, POLLIN, 1200);
    return NULL;
}

static void in_a_set_closed_under_a_polling_thread(uint16_t port)
{
    struct waiter waiter = {.set = new_set()};
    int fd = used(port);
    add(waiter.set, fd, EPOLLIN, 0x01d);
    expect(pthread_create(&waiter.thread, NULL, poll_in_thread, &waiter) == 0, "thread");
    sleep_ms(50);
    SHOW(close(waiter.set));
    SHOW(close(fd));
    fetch(port, "/next");
    fetch(port, "/late");
    pthread_join(waiter.thread, NULL);
}

static void *close_in_thread(void *argument)
{
    const struct waiter *waiter = argument;
    int fd = waiter->timeout_ms;
    sleep_ms(100);
    SHOW(close(waiter->set));
    SHOW(close(fd));
    return NULL;
}

/* Here the thread that waits is the one that has made the set. */
static void in_a_set_closed_under_its_maker(uint16_t port)
{
    int fd = used(port);
    struct waiter closer = {.set = new_set(), .timeout_ms = fd};
    add(closer.set, fd, EPOLLIN, 0x01d);
    expect(pthread_create(&closer.thread, NULL, close_in_thread, &closer) == 0, "thread");
    show_events(closer.set, 400);
    pthread_join(closer.thread, NULL);
    fetch(port, "/next");
}

static void in_a_set_for_each_wait(uint16_t port)
{
    int fd = connect_to(port);
    for (int i = 0; i < 6; i++) {
        int set = new_set();
        ask(fd, "/again");
        add(set, fd, EPOLLIN, 0x5e7);
        show_events(set, 1000);
        SHOW(close(set));
        answer(fd);
    }
    SHOW(close(fd));
    fetch(port, "/next");
}

static int unseen_close(int fd)
{
    int (*close_of_libc)(int);
    void *libc = dlopen("libc.so.6", RTLD_NOW | RTLD_LOCAL);
    *(void **)&close_of_libc = dlsym(libc, "close");
    return close_of_libc(fd);
}

/* The number of the set is something else, and nobody has told the library. */
static void in_a_set_closed_unseen(uint16_t port)
{
    int set = new_set(), fd = used(port);
    add(set, fd, EPOLLIN, 0x01d);
    int copy = (int)syscall(SYS_fcntl, set, F_DUPFD_CLOEXEC, 50); /* this it sees */
    expect(copy == 50, "F_DUPFD");
    SHOW(unseen_close(set));
    SHOW(open("/dev/null", O_RDONLY) == set);
    SHOW(close(fd));
    live_unregistered(port, copy, fd);
}

static void in_a_number_closed_unseen(uint16_t port)
{
    int set = new_set(), fd = used(port);
    add(set, fd, EPOLLIN, 0x01d);
    SHOW(unseen_close(set));
    SHOW(open("/dev/null", O_RDONLY) == set);
    SHOW(close(fd));
    fetch(port, "/next");
}

static void timed_out(uint16_t port)
{
    int set = new_set(), fd = used(port);
    add(set, fd, EPOLLIN, 0x01d);
    show_events(set, 10);
    SHOW(close(fd));
}

static void timed_out_in_a_closed_set(uint16_t port)
{
    int set = new_set(), fd = used(port);
    add(set, fd, EPOLLIN, 0x01d);
    show_events(set, 10);
    SHOW(close(set));
    new_set(); /* by the same record */
    SHOW(close(fd));
}

static void timed_out_in_two_sets_in_turn(uint16_t port)
{
    int set = new_set(), fd = used(port);
    add(set, fd, EPOLLIN, 0x01d);
    show_events(set, 10);
    SHOW(close(set));
    set = new_set();
    add(set, fd, EPOLLIN, 0x01d);
    SHOW(close(fd));
}

static void not_timed_out(uint16_t port)
{
    int set = new_set(), fd = used(port);
    add(set, fd, EPOLLIN, 0x01d);
    show_events(set, 0);
    SHOW(close(fd));
    fetch(port, "/next");
}

static void overwritten_set(uint16_t port)
{
    int set = new_set(), fd = used(port), null = open("/dev/null", O_RDONLY);
    add(set, fd, EPOLLIN, 0x01d);
    SHOW(dup2(null, set) == set);
    SHOW(close(fd));
    fetch(port, "/next");
}

static const struct play plays[] = {
    {"in_a_copied_set", in_a_copied_set},
    {"in_an_inherited_set", in_an_inherited_set},
    {"in_a_passed_set", in_a_passed_set},
    {"in_a_nested_set", in_a_nested_set},
    {"in_a_polled_set", in_a_polled_set},
    {"under_a_waiting_thread", under_a_waiting_thread},
    {"in_a_set_closed_under_a_waiting_thread", in_a_set_closed_under_a_waiting_thread},
    {"in_a_set_closed_under_a_polling_thread", in_a_set_closed_under_a_polling_thread},
    {"in_a_set_closed_under_its_maker", in_a_set_closed_under_its_maker},
    {"in_a_set_for_each_wait", in_a_set_for_each_wait},
    {"in_a_set_closed_unseen", in_a_set_closed_unseen},
    {"in_a_number_closed_unseen", in_a_number_closed_unseen},
    {"timed_out", timed_out},
    {"timed_out_in_a_closed_set", timed_out_in_a_closed_set},
    {"timed_out_in_two_sets_in_turn", timed_out_in_two_sets_in_turn},
    {"not_timed_out", not_timed_out},
    {"overwritten_set", overwritten_set},
};

int main(int argc, char **argv)
{
    return play_or_all(argc, argv, plays, sizeof plays / sizeof *plays);
}
