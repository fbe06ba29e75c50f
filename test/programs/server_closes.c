/* SPDX-License-Identifier: MIT
 * A server that closes: announced, without a word, and while the client is away. */
#include "program.h"

int main(void)
{
    uint16_t port = serve(SERVICE_HTTP);
    for (int i = 0; i < 4; i++) {
        int fd = connect_to(port);
        ask(fd, "/close");
        answer(fd);
        show_recv(fd, 10, 0);
        show_poll(fd, POLLIN | POLLOUT | POLLRDHUP, 1000);
        SHOW(close(fd));
        /* Closed before the server's end of stream was seen. */
        fetch(port, "/close");
        fetch(port, "/next");
        fd = connect_to(port);
        ask(fd, "/before-the-drop");
        answer(fd);
        ask(fd, "/drop");
        answer(fd);
        SHOW(close(fd));
        fetch(port, "/next");
    }
    return 0;
}
