/* SPDX-License-Identifier: MIT
 * A client that gives up after a time-out of poll(), select() or epoll_wait(), before or amid an
 * answer. */
#include "program.h"

#include <sys/epoll.h>
#include <sys/select.h>

static void wait_and_give_up(int way, int fd)
{
    struct timeval soon = {.tv_usec = 50 * 1000};
    struct epoll_event event = {.events = EPOLLIN};
    fd_set set;
    FD_ZERO(&set);
    FD_SET(fd, &set);
    switch (way) {
    case 0:
        show_poll(fd, POLLIN, 50);
        return;
    case 1:
        SHOW(select(fd + 1, &set, NULL, NULL, &soon));
        return;
    default: {
        int epoll = SHOW(epoll_create1(EPOLL_CLOEXEC));
        SHOW(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event));
        SHOW(epoll_wait(epoll, &event, 1, 50));
        SHOW(epoll_ctl(epoll, EPOLL_CTL_DEL, fd, NULL));
        SHOW(close(epoll));
    }
    }
}

int main(void)
{
    uint16_t port = serve(SERVICE_HTTP);
    for (int way = 0; way < 3; way++) {
        int fd = connect_to(port);
        ask(fd, "/late");
        wait_and_give_up(way, fd);
        SHOW(close(fd));
        fetch(port, "/own");
        fd = connect_to(port);
        ask(fd, "/slow");
        sleep_ms(20);
        /* The header and five bytes of the body. */
        show_recv(fd, 1000, 0);
        wait_and_give_up(way, fd);
        SHOW(close(fd));
        fetch(port, "/own");
    }
    sleep_ms(400);
    fetch(port, "/last");
    return 0;
}
