/* SPDX-License-Identifier: MIT
 * connect() calls that fail, with idle connections about. */
#include "program.h"

int main(void)
{
    uint16_t port = serve(SERVICE_HTTP);
    struct sockaddr_in addr = loopback(port), nobody = loopback(1);
    struct sockaddr unspecified = {.sa_family = AF_UNSPEC};
    struct sockaddr_in6 other_family = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    struct sockaddr *to = (struct sockaddr *)&addr;
    for (int i = 0; i < 3; i++) {
        fetch(port, "/idle");
        int fd = SHOW(socket(AF_INET, SOCK_STREAM, 0));
        SHOW(connect(fd, (struct sockaddr *)&nobody, sizeof nobody));
        SHOW(connect(fd, to, 3));
        SHOW(connect(fd, to, 0));
        SHOW(connect(fd, NULL, sizeof addr));
        SHOW(connect(fd, (struct sockaddr *)&other_family, sizeof other_family));
        SHOW(connect(fd, to, 4096));
        SHOW(connect(fd, to, sizeof addr));
        ask(fd, "/after-failures");
        answer(fd);
        SHOW(close(fd));

        fetch(port, "/idle");
        fd = connect_to(port);
        SHOW(connect(fd, &unspecified, sizeof unspecified));
        SHOW(send(fd, "x", 1, MSG_NOSIGNAL));
        SHOW(connect(fd, to, sizeof addr));
        ask(fd, "/reconnected");
        answer(fd);
        SHOW(connect(fd, &unspecified, sizeof unspecified));
        SHOW(connect(fd, to, sizeof addr));
        ask(fd, "/again");
        answer(fd);
        SHOW(close(fd));

        fd = SHOW(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
        SHOW(connect(fd, (struct sockaddr *)&nobody, sizeof nobody));
        show_poll(fd, POLLOUT, 1000);
        int error = 0;
        socklen_t len = sizeof error;
        SHOW(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len));
        say("SO_ERROR %s", strerrorname_np(error));
        SHOW(close(fd));
    }
    SHOW(connect(-1, to, sizeof addr));
    SHOW(connect(500, to, sizeof addr));
    SHOW(connect(1, to, sizeof addr));
    SHOW(socket(AF_INET, SOCK_STREAM, 9999));
    return 0;
}
