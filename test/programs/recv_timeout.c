/* SPDX-License-Identifier: MIT
 * SO_RCVTIMEO: a receive that times out, and a next user who has no such limit. */
#include "program.h"

#include <sys/time.h>

int main(void)
{
    uint16_t port = serve(SERVICE_HTTP);
    struct timeval limit = {.tv_usec = 60 * 1000}, ample = {.tv_sec = 5};
    for (int i = 0; i < 3; i++) {
        int fd = connect_to(port);
        SHOW(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit));
        ask(fd, "/late");
        show_recv(fd, 100, 0);
        show_recv(fd, 100, MSG_DONTWAIT);
        SHOW(close(fd));
        fetch(port, "/late");
        fd = connect_to(port);
        SHOW(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &ample, sizeof ample));
        ask(fd, "/soon-enough");
        answer(fd);
        SHOW(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit));
        show_recv(fd, 100, 0);
        SHOW(close(fd));
        fetch(port, "/late");
    }
    return 0;
}
