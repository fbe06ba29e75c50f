/* SPDX-License-Identifier: MIT
 * Calls that succeed leave errno alone. */
#include "program.h"

int main(void)
{
    uint16_t port = serve(SERVICE_HTTP);
    for (int i = 0; i < 4; i++) {
        struct sockaddr_in addr = loopback(port);
        char bytes[1000];
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        errno = E2BIG;
        if (connect(fd, (struct sockaddr *)&addr, sizeof addr) != 0)
            broken("connect");
        say("after connect: %s", strerrorname_np(errno));
        ask(fd, "/errno");
        say("after send: %s", strerrorname_np(errno));
        ssize_t received = recv(fd, bytes, sizeof bytes, 0);
        say("after recv of %zd: %s", received, strerrorname_np(errno));
        SHOW(close(fd));
        say("after close: %s", strerrorname_np(errno));
        errno = 0;
        fetch(port, "/zero");
        say("after a whole life: %d", errno);
    }
    return 0;
}
