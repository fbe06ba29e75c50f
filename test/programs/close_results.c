/* SPDX-License-Identifier: MIT
 * What close() says, what it leaves in errno, and what a closed number answers. */
#include "program.h"

int main(void)
{
    uint16_t port = serve(SERVICE_HTTP);
    for (int i = 0; i < 4; i++) {
        int fd = connect_to(port);
        char byte = 0;
        ask(fd, "/close-results");
        answer(fd);
        errno = ENOTTY;
        int closed = close(fd);
        say("close = %d, errno %s", closed, strerrorname_np(errno));
        SHOW(close(fd));
        SHOW(read(fd, &byte, 1));
        SHOW(recv(fd, &byte, 1, 0));
        SHOW(write(fd, &byte, 1));
        SHOW(send(fd, &byte, 1, 0));
        SHOW(shutdown(fd, SHUT_RDWR));
        SHOW(fcntl(fd, F_GETFD));
        SHOW(dup(fd));
        SHOW(setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &(int){1}, sizeof(int)));
        show_poll(fd, POLLIN, 0);
    }
    SHOW(close(-1));
    SHOW(close(500));
    SHOW(close(1 << 30));
    /* The number is really free: the next open takes it. */
    SHOW(open("/dev/null", O_RDONLY));
    fetch(port, "/after");
    return 0;
}
