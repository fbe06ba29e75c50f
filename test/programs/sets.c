/* SPDX-License-Identifier: MIT
 * Sets, their events, and plays that are shown one by one. */
#include "sets.h"

int new_set(void)
{
    int set = epoll_create1(EPOLL_CLOEXEC);
    if (set < 0)
        broken("epoll_create1");
    return set;
}

int control(int set, int operation, int fd, uint32_t events, uint64_t data)
{
    struct epoll_event event = {.events = events, .data.u64 = data};
    return epoll_ctl(set, operation, fd, &event);
}

void add(int set, int fd, uint32_t events, uint64_t data)
{
    if (control(set, EPOLL_CTL_ADD, fd, events, data) != 0)
        broken("EPOLL_CTL_ADD");
}

static int by_data(const void *a, const void *b)
{
    uint64_t first = ((const struct epoll_event *)a)->data.u64;
    uint64_t second = ((const struct epoll_event *)b)->data.u64;
    return (first > second) - (first < second);
}

int show_events(int set, int timeout_ms)
{
    struct epoll_event events[8];
    int ready = epoll_wait(set, events, 8, timeout_ms);
    if (ready > 0)
        qsort(events, (size_t)ready, sizeof *events, by_data);
    say("epoll_wait = %d", ready);
    for (int i = 0; i < ready; i++)
        say("  events %#x, data %llx", events[i].events, (unsigned long long)events[i].data.u64);
    return ready;
}

int used(uint16_t port)
{
    int fd = connect_to(port);
    ask(fd, "/used");
    answer(fd);
    return fd;
}

void live_unregistered(uint16_t port, int set, int fd)
{
    say("the next has %s number", connect_to(port) == fd ? "the same" : "another");
    show_events(set, 0);
    ask(fd, "/next");
    show_poll(fd, POLLIN, 1000);
    show_events(set, 20);
    answer(fd);
    show_events(set, 0);
    SHOW(control(set, EPOLL_CTL_MOD, fd, EPOLLIN, 0xbad));
    SHOW(control(set, EPOLL_CTL_DEL, fd, 0, 0));
    SHOW(close(fd));
    show_events(set, 0);
}

int play_or_all(int argc, char **argv, const struct play *plays, size_t count)
{
    if (argc > 1)
        return play(argc, argv, plays, count);
    uint16_t port = serve(SERVICE_HTTP);
    for (size_t i = 0; i < count; i++) {
        int status;
        say("-- %s", plays[i].name);
        pid_t child = fork();
        if (child == 0) {
            plays[i].run(port);
            exit(0);
        }
        if (child < 0 || waitpid(child, &status, 0) != child)
            broken("fork");
        if (status != 0)
            say("ended with status %#x", status);
    }
    return 0;
}
