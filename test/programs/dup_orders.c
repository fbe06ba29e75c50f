/* SPDX-License-Identifier: MIT
 * Duplicates of a connected socket, made in every way, used, and closed in both orders. */
#include "program.h"

static int duplicate(int way, int fd)
{
    switch (way) {
    case 0:
        return SHOW(dup(fd));
    case 1:
        return SHOW(dup2(fd, 30));
    case 2:
        return SHOW(dup3(fd, 31, O_CLOEXEC));
    case 3:
        return SHOW(fcntl(fd, F_DUPFD, 25));
    default:
        return SHOW(fcntl(fd, F_DUPFD_CLOEXEC, 26));
    }
}

int main(void)
{
    uint16_t port = serve(SERVICE_HTTP);
    for (int way = 0; way < 5; way++) {
        for (int original_first = 0; original_first < 2; original_first++) {
            int fd = connect_to(port);
            int copy = duplicate(way, fd);
            ask(fd, "/original");
            answer(copy);
            ask(copy, "/copy");
            answer(fd);
            SHOW(fcntl(copy, F_GETFD));
            SHOW(close(original_first ? fd : copy));
            int left = original_first ? copy : fd;
            ask(left, "/left");
            answer(left);
            SHOW(close(left));
            SHOW(close(left));
            show_descriptors();
        }
    }
    SHOW(dup3(1, 1, 0));
    SHOW(dup2(1, 1));
    SHOW(dup2(77, 78));
    fetch(port, "/last");
    return 0;
}
