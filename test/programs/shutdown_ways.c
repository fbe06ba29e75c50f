/* SPDX-License-Identifier: MIT
 * shutdown() in every way, before, during and after an exchange. */
#include "program.h"

static const int ways[] = {SHUT_RD, SHUT_WR, SHUT_RDWR};

static void after_exchange(uint16_t port, int how)
{
    int fd = connect_to(port);
    ask(fd, "/shutdown");
    answer(fd);
    SHOW(shutdown(fd, how));
    if (how != SHUT_WR)
        show_recv(fd, 10, 0);
    if (how != SHUT_RD) {
        SHOW(send(fd, "x", 1, MSG_NOSIGNAL));
        /* The server answers the end of the stream with its own. */
        show_recv(fd, 10, 0);
        show_poll(fd, POLLIN | POLLOUT | POLLRDHUP, 1000);
    }
    if (how == SHUT_WR)
        SHOW(shutdown(fd, how));
    SHOW(close(fd));
}

int main(void)
{
    uint16_t port = serve(SERVICE_HTTP);
    for (int i = 0; i < 3; i++) {
        after_exchange(port, ways[i]);
        fetch(port, "/next");
        int fd = connect_to(port);
        ask(fd, "/slow");
        SHOW(shutdown(fd, ways[i]));
        if (ways[i] == SHUT_WR)
            answer(fd);
        SHOW(close(fd));
        fetch(port, "/next");
        fd = connect_to(port);
        SHOW(shutdown(fd, ways[i]));
        SHOW(close(fd));
        fetch(port, "/next");
        fd = SHOW(socket(AF_INET, SOCK_STREAM, 0));
        SHOW(shutdown(fd, ways[i]));
        SHOW(shutdown(fd, 17));
        SHOW(close(fd));
    }
    fetch(port, "/last");
    return 0;
}
