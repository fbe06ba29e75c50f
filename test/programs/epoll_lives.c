/* SPDX-License-Identifier: MIT
 * Plays about connections that are still registered in epoll sets when they are closed. */
#include "sets.h"

#include <sys/syscall.h>

static void left(uint16_t port, uint32_t events, bool fires)
{
    int set = new_set(), fd = used(port);
    add(set, fd, events, 0x01d);
    show_events(set, 0);
    if (fires) {
        ask(fd, "/more");
        show_poll(fd, POLLIN, 1000);
        show_events(set, 1000);
        answer(fd);
    }
    SHOW(close(fd));
    live_unregistered(port, set, fd);
    /* Registered anew, it reports as a new connection does. */
    fd = connect_to(port);
    SHOW(control(set, EPOLL_CTL_ADD, fd, events, 0x7e3));
    show_events(set, 0);
    ask(fd, "/registered");
    show_poll(fd, POLLIN, 1000);
    show_events(set, 0);
    show_events(set, 0);
    answer(fd);
    SHOW(close(fd));
}

static void level(uint16_t port)
{
    left(port, EPOLLIN, true);
}

static void edge(uint16_t port)
{
    left(port, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, true);
}

static void edge_not_fetched(uint16_t port)
{
    int set = new_set(), fd = used(port);
    add(set, fd, EPOLLIN | EPOLLET, 0x01d);
    ask(fd, "/more");
    show_poll(fd, POLLIN, 1000);
    answer(fd);
    SHOW(close(fd)); /* with an event that nobody has fetched */
    live_unregistered(port, set, fd);
}

static void one_shot_armed(uint16_t port)
{
    left(port, EPOLLIN | EPOLLONESHOT, false);
}

static void one_shot_fired(uint16_t port)
{
    left(port, EPOLLIN | EPOLLONESHOT, true);
}

static void exclusive(uint16_t port)
{
    left(port, EPOLLIN | EPOLLEXCLUSIVE, true);
}

static void wakeup(uint16_t port)
{
    left(port, EPOLLIN | EPOLLWAKEUP, true);
}

static void in_two_sets(uint16_t port)
{
    int set = new_set(), other = new_set(), fd = used(port);
    add(set, fd, EPOLLIN, 0x01d);
    add(other, fd, EPOLLOUT | EPOLLET, 0x07e);
    show_events(other, 0);
    SHOW(close(fd));
    show_events(other, 0);
    live_unregistered(port, set, fd);
    show_events(other, 0);
}

/* What else is registered stays so. */
static void among_others(uint16_t port)
{
    int pipe_fds[2], set = new_set(), fd = used(port), other = used(port);
    expect(pipe(pipe_fds) == 0 && write(pipe_fds[1], "x", 1) == 1, "pipe");
    add(set, pipe_fds[0], EPOLLIN, 0x9);
    add(set, fd, EPOLLIN, 0x1);
    add(set, other, EPOLLIN | EPOLLONESHOT, 0x2);
    SHOW(close(fd));
    ask(other, "/other");
    show_poll(other, POLLIN, 1000);
    show_events(set, 0);
    answer(other);
    SHOW(close(other));
    show_events(set, 0);
}

static void modified(uint16_t port)
{
    int set = new_set(), fd = used(port);
    add(set, fd, EPOLLIN, 0x01d);
    SHOW(control(set, EPOLL_CTL_MOD, fd, EPOLLOUT | EPOLLET, 0x32d));
    show_events(set, 0);
    SHOW(close(fd));
    live_unregistered(port, set, fd);
}

static void deleted(uint16_t port)
{
    int set = new_set(), fd = used(port);
    add(set, fd, EPOLLIN, 0x01d);
    SHOW(control(set, EPOLL_CTL_DEL, fd, 0, 0));
    SHOW(close(fd));
    live_unregistered(port, set, fd);
}

static void by_syscall(uint16_t port)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = 0x01d};
    int set = new_set(), fd = used(port);
    SHOW(syscall(SYS_epoll_ctl, set, EPOLL_CTL_ADD, fd, &event));
    SHOW(syscall(SYS_close, fd));
    live_unregistered(port, set, fd);
}

/* The kernel's key is the file and the number: this registration outlives its number. */
static void under_a_copy(uint16_t port)
{
    int set = new_set(), fd = used(port), copy = dup(fd);
    add(set, copy, EPOLLIN, 0x01d);
    SHOW(close(copy));
    ask(fd, "/more");
    show_poll(fd, POLLIN, 1000);
    show_events(set, 0);
    answer(fd);
    SHOW(control(set, EPOLL_CTL_DEL, fd, 0, 0));
    SHOW(close(fd));
    live_unregistered(port, set, fd);
}

static void under_its_number_again(uint16_t port)
{
    int set = new_set(), fd = used(port), copy = dup(fd);
    add(set, fd, EPOLLIN, 0x01d);
    SHOW(close(fd));
    expect(dup(copy) == fd, "the lowest number");
    SHOW(close(copy));
    SHOW(close(fd));
    live_unregistered(port, set, fd);
}

static void under_two_numbers(uint16_t port)
{
    int set = new_set(), fd = used(port), copy = dup(fd);
    add(set, fd, EPOLLIN, 0x1);
    add(set, copy, EPOLLIN, 0x2);
    SHOW(close(copy));
    SHOW(close(fd));
    live_unregistered(port, set, fd);
}

/* It is the copy that is deleted: the number stays. */
static void deleted_under_another_number(uint16_t port)
{
    int set = new_set(), other = new_set(), fd = used(port), copy = dup(fd);
    add(set, fd, EPOLLIN, 0x1);
    add(set, copy, EPOLLIN, 0x2);
    add(other, copy, EPOLLIN, 0x3);
    SHOW(control(set, EPOLL_CTL_DEL, copy, 0, 0));
    SHOW(control(other, EPOLL_CTL_DEL, copy, 0, 0));
    SHOW(close(copy));
    SHOW(close(fd));
    live_unregistered(port, set, fd);
}

/* Nothing of it is in the set any more, so a copy of that does not matter. */
static void deleted_and_copied(uint16_t port)
{
    int set = new_set(), fd = used(port);
    add(set, fd, EPOLLIN, 0x01d);
    SHOW(control(set, EPOLL_CTL_DEL, fd, 0, 0));
    int copy = dup(set);
    SHOW(close(fd));
    live_unregistered(port, copy, fd);
}

static void overwritten(uint16_t port)
{
    int set = new_set(), null = open("/dev/null", O_RDONLY), fd = used(port);
    add(set, fd, EPOLLOUT | EPOLLET, 0x01d);
    SHOW(dup2(null, fd) == fd);
    show_events(set, 0);
    SHOW(close(fd));
    live_unregistered(port, set, fd);
}

static const struct play plays[] = {
    {"level", level},
    {"edge", edge},
    {"edge_not_fetched", edge_not_fetched},
    {"one_shot_armed", one_shot_armed},
    {"one_shot_fired", one_shot_fired},
    {"exclusive", exclusive},
    {"wakeup", wakeup},
    {"in_two_sets", in_two_sets},
    {"among_others", among_others},
    {"modified", modified},
    {"deleted", deleted},
    {"by_syscall", by_syscall},
    {"under_a_copy", under_a_copy},
    {"under_its_number_again", under_its_number_again},
    {"under_two_numbers", under_two_numbers},
    {"deleted_under_another_number", deleted_under_another_number},
    {"deleted_and_copied", deleted_and_copied},
    {"overwritten", overwritten},
};

int main(int argc, char **argv)
{
    return play_or_all(argc, argv, plays, sizeof plays / sizeof *plays);
}
