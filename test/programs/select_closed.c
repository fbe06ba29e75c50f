/* SPDX-License-Identifier: MIT
 * select(), pselect(), poll() and ppoll() on open, finished and closed connections. */
#include "program.h"

#include <sys/select.h>

static void show_select(int fd)
{
    struct timeval limit = {.tv_usec = 20 * 1000};
    struct timespec longer = {.tv_nsec = 20 * 1000000};
    fd_set in, out;
    FD_ZERO(&in);
    FD_ZERO(&out);
    FD_SET(fd, &in);
    FD_SET(fd, &out);
    SHOW(select(fd + 1, &in, &out, NULL, &limit));
    say("in %d, out %d", FD_ISSET(fd, &in), FD_ISSET(fd, &out));
    FD_ZERO(&in);
    FD_SET(fd, &in);
    SHOW(pselect(fd + 1, &in, NULL, NULL, &longer, NULL));
    say("in %d", FD_ISSET(fd, &in));
}

int main(void)
{
    uint16_t port = serve(SERVICE_HTTP);
    for (int i = 0; i < 3; i++) {
        struct timespec longer = {.tv_nsec = 20 * 1000000};
        int fd = connect_to(port);
        struct pollfd polled = {.fd = fd, .events = POLLIN | POLLOUT};
        show_select(fd);
        ask(fd, "/select");
        show_poll(fd, POLLIN, 1000);
        show_select(fd);
        answer(fd);
        show_select(fd);
        SHOW(ppoll(&polled, 1, &longer, NULL));
        say("revents %#x", polled.revents);
        SHOW(close(fd));
        show_select(fd);
        SHOW(ppoll(&polled, 1, &longer, NULL));
        say("revents %#x", polled.revents);
        fd = connect_to(port);
        ask(fd, "/close");
        answer(fd);
        show_poll(fd, POLLIN | POLLRDHUP, 1000);
        show_select(fd);
        SHOW(close(fd));
    }
    return 0;
}
