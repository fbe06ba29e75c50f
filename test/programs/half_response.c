/* SPDX-License-Identifier: MIT
 * A client that closes after half a response: the other half reaches nobody. */
#include "program.h"

int main(void)
{
    uint16_t port = serve(SERVICE_HTTP);
    for (int i = 0; i < 3; i++) {
        int fd = connect_to(port);
        ask(fd, "/half");
        show_recv(fd, 30, 0);
        SHOW(close(fd));
        fetch(port, "/whole");
        fd = connect_to(port);
        ask(fd, "/all-but-one-byte");
        show_recv(fd, 64, MSG_WAITALL);
        SHOW(close(fd));
        fetch(port, "/whole");
        fd = connect_to(port);
        ask(fd, "/slow");
        show_recv(fd, 10, 0);
        SHOW(close(fd));
        fetch(port, "/whole");
        fd = connect_to(port);
        ask(fd, "/big");
        show_recv(fd, 4000, MSG_WAITALL);
        SHOW(close(fd));
    }
    fetch(port, "/last");
    return 0;
}
