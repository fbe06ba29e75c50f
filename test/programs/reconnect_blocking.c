/* SPDX-License-Identifier: MIT
 * The client that everything is about: connect, ask, read the answer, close, again and again. */
#include "program.h"

int main(void)
{
    uint16_t port = serve(SERVICE_HTTP);
    for (int i = 0; i < 8; i++) {
        char path[32];
        snprintf(path, sizeof path, i % 2 ? "/page%d" : "/slow%d", i);
        struct sockaddr_in addr = loopback(port);
        int fd = SHOW(socket(AF_INET, SOCK_STREAM, 0));
        SHOW(connect(fd, (struct sockaddr *)&addr, sizeof addr));
        show_poll(fd, POLLIN | POLLOUT | POLLRDHUP, 0);
        ask(fd, path);
        answer(fd);
        show_poll(fd, POLLIN | POLLOUT | POLLRDHUP, 0);
        SHOW(close(fd));
        show_descriptors();
    }
    fetch(port, "/chunked");
    fetch(port, "/big");
    fetch(port, "/last");
    return 0;
}
