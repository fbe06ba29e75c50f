/* SPDX-License-Identifier: MIT
 * A server that speaks first: every connection has its own greeting. */
#include "program.h"

int main(void)
{
    uint16_t port = serve(SERVICE_GREETS);
    for (int i = 0; i < 5; i++) {
        int fd = connect_to(port);
        show_recv(fd, 100, 0);
        SHOW(send(fd, "ping\n", 5, 0));
        show_recv(fd, 100, 0);
        SHOW(close(fd));
        /* The greeting is left unread. */
        fd = connect_to(port);
        show_poll(fd, POLLIN, 1000);
        SHOW(close(fd));
    }
    return 0;
}
