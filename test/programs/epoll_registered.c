/* SPDX-License-Identifier: MIT
 * epoll: registered before and after connect(), left registered at close, edge-triggered, one-shot,
 * modified, deleted through another number. */
#include "program.h"

#include <sys/epoll.h>

static int epoll;

static void show_events(int timeout_ms)
{
    struct epoll_event events[8];
    int ready = epoll_wait(epoll, events, 8, timeout_ms);
    say("epoll_wait = %d", ready);
    for (int i = 0; i < ready; i++)
        say("  events %#x, data %llx", events[i].events, (unsigned long long)events[i].data.u64);
}

static int control(int operation, int fd, uint32_t events, uint64_t data)
{
    struct epoll_event event = {.events = events, .data.u64 = data};
    return epoll_ctl(epoll, operation, fd, &event);
}

static void live(uint16_t port, uint32_t events, bool before, bool delete, bool nonblocking)
{
    struct sockaddr_in addr = loopback(port);
    int fd = SHOW(socket(AF_INET, SOCK_STREAM | (nonblocking ? SOCK_NONBLOCK : 0), 0));
    if (before)
        SHOW(control(EPOLL_CTL_ADD, fd, events | EPOLLOUT, 0xbef0));
    int connected = SHOW(connect(fd, (struct sockaddr *)&addr, sizeof addr));
    if (connected != 0)
        show_poll(fd, POLLOUT, 1000);
    if (before) {
        show_events(1000);
        SHOW(control(EPOLL_CTL_MOD, fd, events, 0xbef1));
        SHOW(control(EPOLL_CTL_ADD, fd, events, 0xbad));
    } else {
        SHOW(control(EPOLL_CTL_ADD, fd, events, 0xaf7e));
    }
    show_events(0);
    ask(fd, "/epoll");
    show_events(1000);
    answer(fd);
    show_events(0);
    if (delete) {
        SHOW(control(EPOLL_CTL_DEL, fd, 0, 0));
        SHOW(control(EPOLL_CTL_DEL, fd, 0, 0));
    }
    SHOW(close(fd));
    /* Nothing of it is left in the set. */
    show_events(0);
    SHOW(control(EPOLL_CTL_MOD, fd, EPOLLIN, 0));
}

static void left_by_a_copy(uint16_t port)
{
    int fd = connect_to(port);
    SHOW(control(EPOLL_CTL_ADD, fd, EPOLLIN, 0xc0));
    int copy = SHOW(dup(fd));
    ask(fd, "/first");
    show_events(1000);
    answer(fd);
    SHOW(close(fd));
    /* The registration lives on with the copy, as the kernel has it. */
    ask(copy, "/second");
    show_events(1000);
    SHOW(control(EPOLL_CTL_DEL, copy, 0, 0));
    answer(copy);
    SHOW(close(copy));
    show_events(0);
}

int main(void)
{
    static const uint32_t kinds[] = {EPOLLIN, EPOLLIN | EPOLLET, EPOLLIN | EPOLLONESHOT,
                                     EPOLLIN | EPOLLRDHUP | EPOLLET | EPOLLONESHOT};
    uint16_t port = serve(SERVICE_HTTP);
    epoll = SHOW(epoll_create1(EPOLL_CLOEXEC));
    for (size_t kind = 0; kind < sizeof kinds / sizeof kinds[0]; kind++)
        for (int way = 0; way < 8; way++)
            live(port, kinds[kind], way & 1, way & 2, way & 4);
    left_by_a_copy(port);
    left_by_a_copy(port);
    for (int i = 0; i < 3; i++)
        fetch(port, "/unregistered");
    show_events(0);
    SHOW(close(epoll));
    return 0;
}
