/* SPDX-License-Identifier: MIT
 * A non-blocking client that asks in every usual way whether it is connected. */
#include "program.h"

static void connect_nonblocking(uint16_t port, const char *path, bool connect_again)
{
    struct sockaddr_in addr = loopback(port);
    int error = -1;
    socklen_t error_len = sizeof error;
    int fd = SHOW(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    SHOW(connect(fd, (struct sockaddr *)&addr, sizeof addr));
    show_poll(fd, POLLOUT, 2000);
    SHOW(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &error_len));
    say("SO_ERROR %d, length %u", error, error_len);
    if (connect_again) {
        SHOW(connect(fd, (struct sockaddr *)&addr, sizeof addr));
        SHOW(connect(fd, (struct sockaddr *)&addr, sizeof addr));
    }
    show_recv(fd, 100, 0);
    show_poll(fd, POLLIN | POLLOUT, 0);
    ask(fd, path);
    show_poll(fd, POLLIN, 2000);
    answer(fd);
    show_recv(fd, 100, 0);
    SHOW(close(fd));
}

int main(void)
{
    uint16_t port = serve(SERVICE_HTTP);
    for (int i = 0; i < 3; i++) {
        connect_nonblocking(port, "/once", false);
        connect_nonblocking(port, "/twice", true);
    }
    return 0;
}
