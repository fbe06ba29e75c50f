/* SPDX-License-Identifier: MIT
 * SO_LINGER: the abortive close {1, 0}, the waiting one, and {0, 0}. */
#include "program.h"

static void live(uint16_t port, int on, int seconds)
{
    struct linger linger = {.l_onoff = on, .l_linger = seconds}, now = {.l_onoff = -1};
    socklen_t len = sizeof now;
    int fd = connect_to(port);
    SHOW(getsockopt(fd, SOL_SOCKET, SO_LINGER, &now, &len));
    say("linger %d %d, length %u", now.l_onoff, now.l_linger, len);
    ask(fd, "/linger");
    answer(fd);
    SHOW(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger));
    SHOW(getsockopt(fd, SOL_SOCKET, SO_LINGER, &now, &len));
    say("linger %d %d, length %u", now.l_onoff, now.l_linger, len);
    SHOW(close(fd));
}

int main(void)
{
    uint16_t port = serve(SERVICE_HTTP);
    for (int i = 0; i < 3; i++) {
        live(port, 1, 0);
        live(port, 1, 5);
        live(port, 0, 0);
        fetch(port, "/next");
    }
    return 0;
}
