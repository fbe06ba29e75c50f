/* SPDX-License-Identifier: MIT
 * Plays about waits on a connection: their time-outs, their epoll sets, and closes amid them. */
#include "program.h"

#include <pthread.h>
#include <sys/epoll.h>
#include <sys/select.h>

/* The race is the very thing that is shown: to ThreadSanitizer the use of a descriptor under
 * another thread's close() is one. */
const char *__tsan_default_suppressions(void);
const char *__tsan_default_suppressions(void)
{
    return "race:close_under\nrace:closed_under_another\n";
}

static const struct timespec soon = {.tv_nsec = 10 * 1000 * 1000};

static int used(uint16_t port)
{
    int fd = connect_to(port);
    ask(fd, "/used");
    answer(fd);
    return fd;
}

static void by_poll(uint16_t port)
{
    int fd = used(port);
    show_poll(fd, POLLIN, 10);
    close(fd);
}

static void by_poll_at_once(uint16_t port)
{
    int fd = used(port);
    show_poll(fd, POLLIN, 0);
    close(fd);
}

static void by_ppoll(uint16_t port)
{
    int fd = used(port);
    struct pollfd polled = {.fd = fd, .events = POLLIN};
    expect(ppoll(&polled, 1, &soon, NULL) == 0, "ppoll");
    close(fd);
}

static void by_select(uint16_t port)
{
    struct timeval limit = {.tv_usec = 10 * 1000};
    int fd = used(port);
    fd_set set;
    FD_ZERO(&set);
    FD_SET(fd, &set);
    expect(select(fd + 1, &set, NULL, NULL, &limit) == 0, "select");
    close(fd);
}

static void by_pselect(uint16_t port)
{
    int fd = used(port);
    fd_set set;
    FD_ZERO(&set);
    FD_SET(fd, &set);
    expect(pselect(fd + 1, &set, NULL, NULL, &soon, NULL) == 0, "pselect");
    close(fd);
}

static void add(int set, int fd)
{
    struct epoll_event event = {.events = EPOLLIN};
    expect(epoll_ctl(set, EPOLL_CTL_ADD, fd, &event) == 0, "EPOLL_CTL_ADD");
}

static void delete (int set, int fd)
{
    expect(epoll_ctl(set, EPOLL_CTL_DEL, fd, NULL) == 0, "EPOLL_CTL_DEL");
}

static void by_epoll(uint16_t port)
{
    struct epoll_event event;
    int set = epoll_create1(0), fd = used(port);
    add(set, fd);
    expect(epoll_wait(set, &event, 1, 10) == 0, "epoll_wait");
    delete (set, fd);
    close(fd);
}

static void by_epoll_pwait(uint16_t port)
{
    struct epoll_event event;
    int set = epoll_create1(0), fd = used(port);
    add(set, fd);
    expect(epoll_pwait(set, &event, 1, 10, NULL) == 0, "epoll_pwait");
    delete (set, fd);
    close(fd);
}

static void by_epoll_pwait2(uint16_t port)
{
    struct epoll_event event;
    int set = epoll_create1(0), fd = used(port);
    add(set, fd);
    expect(epoll_pwait2(set, &event, 1, &soon, NULL) == 0, "epoll_pwait2");
    delete (set, fd);
    close(fd);
}

static void by_poll_on_epoll(uint16_t port)
{
    int set = epoll_create(1), fd = used(port);
    add(set, fd);
    show_poll(set, POLLIN, 10);
    delete (set, fd);
    close(fd);
}

static void by_select_on_epoll(uint16_t port)
{
    struct timeval limit = {.tv_usec = 10 * 1000};
    int set = epoll_create(1), fd = used(port);
    fd_set in;
    FD_ZERO(&in);
    FD_SET(set, &in);
    add(set, fd);
    expect(select(set + 1, &in, NULL, NULL, &limit) == 0, "select");
    delete (set, fd);
    close(fd);
}

static void registered(uint16_t port)
{
    int set = epoll_create1(0), fd = used(port);
    add(set, fd);
    close(fd);
}

static void registered_and_deleted(uint16_t port)
{
    int set = epoll_create1(0), fd = used(port);
    add(set, fd);
    delete (set, fd);
    close(fd);
}

static void registered_in_a_copied_set(uint16_t port)
{
    int set = epoll_create1(0), fd = used(port);
    dup(set);
    add(set, fd);
    delete (set, fd);
    close(fd);
}

static void registered_in_an_overwriting_copy(uint16_t port)
{
    int set = epoll_create1(0), fd = used(port);
    dup2(set, 40);
    add(set, fd);
    delete (set, fd);
    close(fd);
}

static void registered_in_a_nested_set(uint16_t port)
{
    int set = epoll_create1(0), outer = epoll_create1(0), fd = used(port);
    add(outer, set);
    add(set, fd);
    delete (set, fd);
    close(fd);
}

static void registered_through_a_copy(uint16_t port)
{
    int fd = used(port), set = epoll_create1(0), copy = dup(set);
    add(copy, fd);
    close(fd);
}

static void registered_in_two_sets(uint16_t port)
{
    int first = epoll_create1(0), second = epoll_create1(0), fd = used(port);
    add(first, fd);
    add(second, fd);
    delete (first, fd);
    delete (second, fd);
    close(fd);
}

static void registered_in_five_sets(uint16_t port)
{
    int sets[5], fd = used(port);
    for (int i = 0; i < 5; i++)
        add(sets[i] = epoll_create1(0), fd);
    for (int i = 0; i < 5; i++)
        delete (sets[i], fd);
    close(fd);
}

static void registered_under_two_numbers(uint16_t port)
{
    int set = epoll_create1(0), fd = used(port), copy = dup(fd);
    add(set, fd);
    add(set, copy);
    delete (set, fd);
    close(copy);
    close(fd);
}

/* More connections than one wait keeps account of: the last of them is ours. */
static void among_many(uint16_t port)
{
    struct pollfd polled[300];
    int fd = used(port);
    for (int i = 0; i < 299; i++)
        polled[i] =
            (struct pollfd){.fd = socket(AF_INET, SOCK_STREAM, 0), .events = 0 /* POLLHUP */};
    polled[299] = (struct pollfd){.fd = fd, .events = POLLIN};
    expect(poll(polled, 300, 0) >= 0, "poll");
    close(fd);
}

static void *receive(void *argument)
{
    char bytes[200];
    recv((int)(intptr_t)argument, bytes, sizeof bytes, 0);
    return NULL;
}

static void *wait_long(void *argument)
{
    show_poll((int)(intptr_t)argument, POLLIN, 300);
    return NULL;
}

static void close_under(uint16_t port, void *(*block)(void *))
{
    int fd = used(port);
    ask(fd, "/late");
    pthread_t thread = start_blocked(block, (void *)(intptr_t)fd);
    close(fd);
    /* The next life may have the same record: what the late call brings is not its own. */
    fd = connect_to(port);
    pthread_join(thread, NULL);
    ask(fd, "/next");
    answer(fd);
    close(fd);
}

static void closed_under_reader(uint16_t port)
{
    close_under(port, receive);
}

static void closed_under_poll(uint16_t port)
{
    close_under(port, wait_long);
}

static void registered_in_a_closed_set(uint16_t port)
{
    int set = epoll_create1(0), fd = used(port);
    add(set, fd);
    close(set);
    close(fd);
}

static void registered_in_a_set_that_lives_on(uint16_t port)
{
    int set = epoll_create1(0), fd = used(port);
    add(set, fd);
    dup(set);
    close(set);
    close(fd);
}

static void *wait_for_urgent(void *argument)
{
    struct timeval limit = {.tv_usec = 100 * 1000};
    int fd = (int)(intptr_t)argument;
    fd_set set;
    FD_ZERO(&set);
    FD_SET(fd, &set);
    select(fd + 1, NULL, NULL, &set, &limit);
    return NULL;
}

static void connected_under_select(uint16_t port)
{
    struct sockaddr_in addr = loopback(port);
    fetch(port, "/one");
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    pthread_t thread = start_blocked(wait_for_urgent, (void *)(intptr_t)fd);
    expect(connect(fd, (struct sockaddr *)&addr, sizeof addr) == 0, "connect");
    pthread_join(thread, NULL);
    ask(fd, "/two");
    answer(fd);
    close(fd);
}

static void *close_as_cancelled(void *argument)
{
    int state;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
    pthread_cancel(pthread_self());
    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &state);
    close((int)(intptr_t)argument);
    return argument;
}

/* Before anything is closed. */
static void close_is_a_cancellation_point(uint16_t port)
{
    pthread_t thread;
    void *result;
    int fd = used(port);
    expect(pthread_create(&thread, NULL, close_as_cancelled, (void *)(intptr_t)fd) == 0, "thread");
    pthread_join(thread, &result);
    expect(result == PTHREAD_CANCELED && fcntl(fd, F_GETFD) >= 0, "cancelled, and open");
    close(fd);
}

static void *wait_longer(void *argument)
{
    show_poll((int)(intptr_t)argument, POLLPRI,
              1500); /* a busy machine may be slow to the closes */
    return NULL;
}

/* The end of a call on an earlier life is not the end of one on this. */
static void closed_under_another(uint16_t port)
{
    intptr_t fd = used(port);
    ask((int)fd, "/late");
    pthread_t early = start_blocked(receive, (void *)fd);
    close((int)fd);
    fd = used(port);
    pthread_t late = start_blocked(wait_longer, (void *)fd);
    pthread_join(early, NULL);
    close((int)fd);
    pthread_join(late, NULL);
}

static const struct play plays[] = {
    {"by_poll", by_poll},
    {"by_poll_at_once", by_poll_at_once},
    {"by_ppoll", by_ppoll},
    {"by_select", by_select},
    {"by_pselect", by_pselect},
    {"by_epoll", by_epoll},
    {"by_epoll_pwait", by_epoll_pwait},
    {"by_epoll_pwait2", by_epoll_pwait2},
    {"by_poll_on_epoll", by_poll_on_epoll},
    {"by_select_on_epoll", by_select_on_epoll},
    {"registered", registered},
    {"registered_and_deleted", registered_and_deleted},
    {"registered_in_a_copied_set", registered_in_a_copied_set},
    {"registered_in_an_overwriting_copy", registered_in_an_overwriting_copy},
    {"registered_in_a_nested_set", registered_in_a_nested_set},
    {"registered_through_a_copy", registered_through_a_copy},
    {"registered_in_two_sets", registered_in_two_sets},
    {"registered_in_five_sets", registered_in_five_sets},
    {"registered_under_two_numbers", registered_under_two_numbers},
    {"among_many", among_many},
    {"closed_under_reader", closed_under_reader},
    {"closed_under_poll", closed_under_poll},
    {"registered_in_a_closed_set", registered_in_a_closed_set},
    {"registered_in_a_set_that_lives_on", registered_in_a_set_that_lives_on},
    {"connected_under_select", connected_under_select},
    {"close_is_a_cancellation_point", close_is_a_cancellation_point},
    {"closed_under_another", closed_under_another},
};

int main(int argc, char **argv)
{
    return play(argc, argv, plays, sizeof plays / sizeof *plays);
}
