/* SPDX-License-Identifier: MIT
 * Connects to as many destinations as it is told: 127.0.0.1, 127.0.0.2 and so on, twice each. */
#include "program.h"

int main(int argc, char **argv)
{
    uint16_t port = serve(SERVICE_HTTP);
    int count = argc == 2 ? atoi(argv[1]) : 0;
    for (int i = 0; i < 2 * count; i++) {
        struct sockaddr_in addr = loopback(port);
        addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK + (uint32_t)(i / 2));
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(fd, (struct sockaddr *)&addr, sizeof addr) != 0)
            broken("connect");
        ask(fd, "/");
        char response[200];
        if (recv(fd, response, sizeof response, 0) <= 0)
            broken("recv");
        close(fd);
    }
    say("done");
    return 0;
}
