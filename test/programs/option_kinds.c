/* SPDX-License-Identifier: MIT
 * Options that cannot be taken back from a connection: what one user sets, the next never sees. */
#include "program.h"

static void show_int(int fd, const char *name, int level, int option)
{
    int value = -1;
    socklen_t len = sizeof value;
    int result = getsockopt(fd, level, option, &value, &len);
    say("%s: %d, %d", name, result, value);
}

static void show_all(int fd)
{
    char name[16] = "", device[16] = "";
    socklen_t len;
    show_int(fd, "SO_RCVLOWAT", SOL_SOCKET, SO_RCVLOWAT);
    show_int(fd, "SO_RCVBUF", SOL_SOCKET, SO_RCVBUF);
    show_int(fd, "SO_SNDBUF", SOL_SOCKET, SO_SNDBUF);
    show_int(fd, "SO_MARK", SOL_SOCKET, SO_MARK);
    show_int(fd, "SO_PRIORITY", SOL_SOCKET, SO_PRIORITY);
    len = sizeof device;
    say("SO_BINDTODEVICE: %d, %s", getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device, &len),
        device);
    len = sizeof name;
    show_int(fd, "TCP_SYNCNT", IPPROTO_TCP, TCP_SYNCNT);
    show_int(fd, "TCP_LINGER2", IPPROTO_TCP, TCP_LINGER2);
    show_int(fd, "TCP_WINDOW_CLAMP", IPPROTO_TCP, TCP_WINDOW_CLAMP);
    say("TCP_CONGESTION: %d, %s", getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &len), name);
}

static void live(uint16_t port, int level, int option, int value, bool before)
{
    struct sockaddr_in addr = loopback(port);
    int fd = SHOW(socket(AF_INET, SOCK_STREAM, 0));
    if (before)
        SHOW(setsockopt(fd, level, option, &value, sizeof value));
    SHOW(connect(fd, (struct sockaddr *)&addr, sizeof addr));
    if (!before)
        SHOW(setsockopt(fd, level, option, &value, sizeof value));
    ask(fd, "/set");
    answer(fd);
    show_int(fd, "now", level, option);
    SHOW(close(fd));
    fd = SHOW(socket(AF_INET, SOCK_STREAM, 0));
    SHOW(connect(fd, (struct sockaddr *)&addr, sizeof addr));
    show_all(fd);
    ask(fd, "/next");
    answer(fd);
    SHOW(close(fd));
}

int main(void)
{
    uint16_t port = serve(SERVICE_HTTP);
    for (int before = 0; before < 2; before++) {
        live(port, SOL_SOCKET, SO_RCVLOWAT, 5, before);
        live(port, SOL_SOCKET, SO_RCVBUF, 8192, before);
        live(port, SOL_SOCKET, SO_SNDBUF, 8192, before);
        live(port, IPPROTO_TCP, TCP_SYNCNT, 2, before);
        live(port, IPPROTO_TCP, TCP_LINGER2, 5, before);
        live(port, IPPROTO_TCP, TCP_WINDOW_CLAMP, 2000, before);
    }
    live(port, SOL_SOCKET, SO_MARK, 7, true);
    live(port, IPPROTO_IP, IP_TOS, 0x10, false); /* sets the priority too */
    struct sockaddr_in addr = loopback(port);
    int fd = SHOW(socket(AF_INET, SOCK_STREAM, 0));
    SHOW(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 2));
    SHOW(connect(fd, (struct sockaddr *)&addr, sizeof addr));
    ask(fd, "/lo");
    answer(fd);
    SHOW(close(fd));
    fd = connect_to(port);
    show_all(fd);
    SHOW(close(fd));
    fd = SHOW(socket(AF_INET, SOCK_STREAM, 0));
    SHOW(setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "reno", 4));
    SHOW(connect(fd, (struct sockaddr *)&addr, sizeof addr));
    show_all(fd);
    ask(fd, "/reno");
    answer(fd);
    SHOW(close(fd));
    fd = connect_to(port);
    show_all(fd);
    SHOW(close(fd));
    return 0;
}
