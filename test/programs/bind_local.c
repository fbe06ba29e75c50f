/* SPDX-License-Identifier: MIT
 * A client that chooses its own address, or its own port, as some do. */
#include "program.h"

static void live(uint16_t server_port, uint32_t address, uint16_t local_port)
{
    struct sockaddr_in addr = loopback(server_port), local = loopback(local_port);
    socklen_t len = sizeof local;
    char shown[INET_ADDRSTRLEN];
    local.sin_addr.s_addr = htonl(address);
    int fd = SHOW(socket(AF_INET, SOCK_STREAM, 0));
    SHOW(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)));
    SHOW(bind(fd, (struct sockaddr *)&local, sizeof local));
    SHOW(connect(fd, (struct sockaddr *)&addr, sizeof addr));
    SHOW(getsockname(fd, (struct sockaddr *)&local, &len));
    inet_ntop(AF_INET, &local.sin_addr, shown, sizeof shown);
    say("local address %s, the port asked for: %s", shown,
        local_port == 0                       ? "any"
        : local_port == ntohs(local.sin_port) ? "yes"
                                              : "no");
    ask(fd, "/bound");
    answer(fd);
    SHOW(close(fd));
}

int main(void)
{
    uint16_t port = serve(SERVICE_HTTP);
    for (uint16_t i = 0; i < 3; i++) {
        fetch(port, "/unbound");
        live(port, INADDR_LOOPBACK + 1, 0);
        live(port, INADDR_LOOPBACK + 2, 0);
        live(port, INADDR_ANY, 0);
        live(port, INADDR_LOOPBACK, (uint16_t)(2000 + i));
        live(port, INADDR_ANY, (uint16_t)(3000 + i));
    }
    return 0;
}
