/* SPDX-License-Identifier: MIT
 * A second connect() on a connected blocking socket, before and after the exchange. */
#include "program.h"

int main(void)
{
    uint16_t port = serve(SERVICE_HTTP);
    struct sockaddr_in addr = loopback(port);
    for (int i = 0; i < 3; i++) {
        int fd = SHOW(socket(AF_INET, SOCK_STREAM, 0));
        SHOW(connect(fd, (struct sockaddr *)&addr, sizeof addr));
        SHOW(connect(fd, (struct sockaddr *)&addr, sizeof addr));
        ask(fd, "/a");
        answer(fd);
        SHOW(connect(fd, (struct sockaddr *)&addr, sizeof addr));
        SHOW(listen(fd, 1));
        SHOW(bind(fd, (struct sockaddr *)&addr, sizeof addr));
        SHOW(accept(fd, NULL, NULL));
        SHOW(close(fd));
    }
    return 0;
}
