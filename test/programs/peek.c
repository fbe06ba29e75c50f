/* SPDX-License-Identifier: MIT
 * MSG_PEEK, MSG_WAITALL, MSG_TRUNC and MSG_DONTWAIT. */
#include "program.h"

int main(void)
{
    uint16_t port = serve(SERVICE_HTTP);
    for (int i = 0; i < 3; i++) {
        int fd = connect_to(port);
        ask(fd, "/peek");
        show_poll(fd, POLLIN, 2000);
        show_recv(fd, 17, MSG_PEEK);
        show_recv(fd, 1000, MSG_PEEK);
        answer(fd);
        show_recv(fd, 10, MSG_DONTWAIT);
        SHOW(close(fd));
        /* Peeked at, never read. */
        fd = connect_to(port);
        ask(fd, "/peek-only");
        show_poll(fd, POLLIN, 2000);
        show_recv(fd, 1000, MSG_PEEK);
        SHOW(close(fd));
        fetch(port, "/next");
        fd = connect_to(port);
        ask(fd, "/truncated");
        show_poll(fd, POLLIN, 2000);
        show_recv(fd, 1000, MSG_TRUNC);
        SHOW(close(fd));
        fetch(port, "/next");
        fd = connect_to(port);
        ask(fd, "/slow-and-whole");
        show_recv(fd, 69, MSG_WAITALL);
        SHOW(close(fd));
        fetch(port, "/next");
        fd = connect_to(port);
        show_recv(fd, 10, MSG_DONTWAIT);
        show_recv(fd, 0, MSG_DONTWAIT);
        SHOW(close(fd));
    }
    return 0;
}
