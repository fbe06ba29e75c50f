/* SPDX-License-Identifier: MIT
 * A duplicate made before connect() names the same connection afterwards. */
#include "program.h"

int main(void)
{
    uint16_t port = serve(SERVICE_HTTP);
    struct sockaddr_in addr = loopback(port);
    fetch(port, "/idle");
    for (int i = 0; i < 3; i++) {
        int fd = SHOW(socket(AF_INET, SOCK_STREAM, 0));
        int copy = SHOW(dup(fd));
        SHOW(connect(copy, (struct sockaddr *)&addr, sizeof addr));
        ask(fd, "/through-the-first");
        answer(copy);
        SHOW(close(fd));
        ask(copy, "/through-the-copy");
        answer(copy);
        SHOW(close(copy));
        fetch(port, "/idle");
    }
    /* A number that held a duplicate serves a new socket. */
    int fd = SHOW(socket(AF_INET, SOCK_STREAM, 0));
    SHOW(dup2(fd, 12));
    SHOW(close(fd));
    SHOW(connect(12, (struct sockaddr *)&addr, sizeof addr));
    ask(12, "/twelve");
    answer(12);
    SHOW(close(12));
    fetch(port, "/last");
    return 0;
}
