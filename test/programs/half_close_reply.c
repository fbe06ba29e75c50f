/* SPDX-License-Identifier: MIT
 * A protocol in which the client's end of stream is the request. */
#include "program.h"

int main(void)
{
    uint16_t port = serve(SERVICE_DRAINS);
    for (int i = 0; i < 3; i++) {
        int fd = connect_to(port);
        SHOW(send(fd, "some bytes", 10, 0));
        SHOW(shutdown(fd, SHUT_WR));
        show_recv(fd, 100, 0);
        show_recv(fd, 100, 0);
        show_poll(fd, POLLIN | POLLOUT | POLLRDHUP, 1000);
        SHOW(close(fd));
    }
    return 0;
}
