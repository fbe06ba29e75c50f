/* SPDX-License-Identifier: MIT
 * A second connect() on a connected blocking socket, before and after the exchange, whatever the
 * connection went through in an earlier life. */
#include "program.h"

/* A life that never asks the kernel how its connect() ended. */
static void live_nonblocking(uint16_t port)
{
    struct sockaddr_in addr = loopback(port);
    int fd = SHOW(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
    SHOW(connect(fd, (struct sockaddr *)&addr, sizeof addr));
    show_poll(fd, POLLOUT, 1000);
    ask(fd, "/nonblocking");
    show_poll(fd, POLLIN, 1000);
    answer(fd);
    SHOW(close(fd));
}

int main(void)
{
    uint16_t port = serve(SERVICE_HTTP);
    struct sockaddr_in addr = loopback(port);
    for (int i = 0; i < 3; i++) {
        if (i > 0)
            live_nonblocking(port);
        int fd = SHOW(socket(AF_INET, SOCK_STREAM, 0));
        SHOW(connect(fd, (struct sockaddr *)&addr, sizeof addr));
        SHOW(connect(fd, (struct sockaddr *)&addr, sizeof addr));
        ask(fd, "/a");
        answer(fd);
        SHOW(connect(fd, (struct sockaddr *)&addr, sizeof addr));
        SHOW(listen(fd, 1));
        SHOW(bind(fd, (struct sockaddr *)&addr, sizeof addr));
        SHOW(accept(fd, NULL, NULL));
        SHOW(close(fd));
    }
    return 0;
}
