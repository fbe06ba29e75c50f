/* SPDX-License-Identifier: MIT
 * O_NONBLOCK and FD_CLOEXEC belong to one life of a connection and leave no trace in the next. */
#include "program.h"

static void show_flags(int fd)
{
    say("F_GETFL %#x, F_GETFD %d", fcntl(fd, F_GETFL), fcntl(fd, F_GETFD));
}

static void live(uint16_t port, int type_flags, int change)
{
    struct sockaddr_in addr = loopback(port);
    int fd = SHOW(socket(AF_INET, SOCK_STREAM | type_flags, 0));
    show_flags(fd);
    SHOW(connect(fd, (struct sockaddr *)&addr, sizeof addr));
    show_poll(fd, POLLOUT, 2000);
    show_flags(fd);
    if (type_flags & SOCK_NONBLOCK)
        show_recv(fd, 10, 0);
    ask(fd, "/flags");
    show_poll(fd, POLLIN, 2000);
    answer(fd);
    if (change) {
        SHOW(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) ^ O_NONBLOCK));
        SHOW(fcntl(fd, F_SETFD, fcntl(fd, F_GETFD) ^ FD_CLOEXEC));
        show_flags(fd);
    }
    SHOW(close(fd));
}

int main(void)
{
    static const int types[] = {0, SOCK_NONBLOCK, SOCK_CLOEXEC, SOCK_NONBLOCK | SOCK_CLOEXEC};
    uint16_t port = serve(SERVICE_HTTP);
    for (int before = 0; before < 4; before++) {
        for (int after = 0; after < 4; after++) {
            live(port, types[before], after & 1);
            live(port, types[after], before & 1);
        }
    }
    return 0;
}
