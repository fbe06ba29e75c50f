/* SPDX-License-Identifier: MIT
 * Opens connections until the local ports are used up, and goes on trying. */
#include "program.h"

enum { FIRST = 5, MOST = 200, TRIES = 3 };

static void exchange(int fd, const char *bytes, bool reads)
{
    char reply[64];
    size_t len = strlen(bytes);
    struct pollfd polled = {.fd = fd, .events = POLLIN};
    if (send(fd, bytes, len, 0) != (ssize_t)len)
        broken("send");
    if (poll(&polled, 1, 5000) != 1)
        broken("poll");
    if (reads && recv(fd, reply, sizeof reply, MSG_WAITALL | MSG_DONTWAIT) != (ssize_t)len)
        broken("recv");
}

static void open_all_ports(uint16_t port)
{
    struct sockaddr_in addr = loopback(port);
    int failures = 0;
    for (int opened = 0; opened < MOST && failures < TRIES; opened++) {
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        if (fd < 0)
            broken("socket");
        if (connect(fd, (struct sockaddr *)&addr, sizeof addr) != 0) {
            say("%s", strerrorname_np(errno));
            failures++;
        }
    }
}

/* IPv6 is switched off: the same error, for another want. */
static void try_v6(uint16_t port)
{
    struct sockaddr_in6 addr = {
        .sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = in6addr_loopback};
    int fd = socket(AF_INET6, SOCK_STREAM, 0);
    SHOW(connect(fd, (struct sockaddr *)&addr, sizeof addr));
}

int main(int argc, char **argv)
{
    const char *how = argc == 2 ? argv[1] : "";
    uint16_t port = serve(SERVICE_ECHO);
    say("%u", port);
    if (strcmp(how, "v6") == 0) {
        try_v6(port);
        return 0;
    }
    for (int i = 0; i < FIRST && strcmp(how, "open") != 0; i++) {
        int fd = connect_to(port);
        bool leaves = strcmp(how, "unread") == 0 && i == FIRST / 2;
        exchange(fd, strcmp(how, "tls") == 0 ? "\x16\x03\x01 hello" : "question", !leaves);
        close(fd);
    }
    open_all_ports(port);
    return 0;
}
