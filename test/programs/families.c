/* SPDX-License-Identifier: MIT
 * IPv4, IPv6, and mapped addresses to one port: an idle connection of one is never given to
 * another. */
#include "program.h"

static void show_names(int fd)
{
    union {
        struct sockaddr addr;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
        struct sockaddr_storage storage;
    } name;
    char shown[INET6_ADDRSTRLEN] = "?";
    for (int peer = 0; peer < 2; peer++) {
        socklen_t len = sizeof name;
        int result = peer ? getpeername(fd, &name.addr, &len) : getsockname(fd, &name.addr, &len);
        if (result == 0 && name.addr.sa_family == AF_INET)
            inet_ntop(AF_INET, &name.v4.sin_addr, shown, sizeof shown);
        if (result == 0 && name.addr.sa_family == AF_INET6)
            inet_ntop(AF_INET6, &name.v6.sin6_addr, shown, sizeof shown);
        if (result == 0)
            say("%s: family %d, length %u, %s", peer ? "peer" : "own", name.addr.sa_family, len,
                shown);
        else
            say("%s: %s", peer ? "peer" : "own", strerrorname_np(errno));
    }
}

static void live(int family, uint16_t port, const char *address)
{
    struct sockaddr_in v4 = loopback(port);
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    if (family == AF_INET6)
        inet_pton(AF_INET6, address, &v6.sin6_addr);
    else
        inet_pton(AF_INET, address, &v4.sin_addr);
    int fd = SHOW(socket(family, SOCK_STREAM, IPPROTO_TCP));
    int v6only = -1;
    socklen_t len = sizeof v6only;
    SHOW(getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6only, &len));
    say("IPV6_V6ONLY %d", v6only);
    if (family == AF_INET6)
        SHOW(connect(fd, (struct sockaddr *)&v6, sizeof v6));
    else
        SHOW(connect(fd, (struct sockaddr *)&v4, sizeof v4));
    show_names(fd);
    ask(fd, "/family");
    answer(fd);
    SHOW(close(fd));
    show_names(fd);
}

/* Java's way. */
static void live_like_java(uint16_t port)
{
    struct sockaddr_in6 addr = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    struct linger linger;
    socklen_t len = sizeof linger;
    inet_pton(AF_INET6, "::ffff:127.0.0.1", &addr.sin6_addr);
    int fd = SHOW(socket(AF_INET6, SOCK_STREAM, 0));
    SHOW(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &(int){0}, sizeof(int)));
    SHOW(connect(fd, (struct sockaddr *)&addr, sizeof addr));
    ask(fd, "/java");
    answer(fd);
    SHOW(getsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, &len));
    SHOW(shutdown(fd, SHUT_WR));
    SHOW(close(fd));
}

int main(void)
{
    uint16_t port = serve(SERVICE_HTTP);
    for (int i = 0; i < 4; i++) {
        live(AF_INET, port, "127.0.0.1");
        live(AF_INET6, port, "::1");
        live(AF_INET6, port, "::ffff:127.0.0.1");
        live(AF_INET, port, "127.0.0.5");
        live_like_java(port);
    }
    return 0;
}
