/* SPDX-License-Identifier: MIT
 * Socket options set in one life of a connection, and all of them read in the next. */
#include "program.h"

#include <netinet/ip.h>

static void show_option(int fd, const char *name, int level, int option)
{
    unsigned char value[32];
    socklen_t len = sizeof value;
    char bytes[2 * sizeof value + 1] = "";
    int result = getsockopt(fd, level, option, value, &len);
    if (result != 0)
        len = 0;
    for (socklen_t i = 0; i < len; i++)
        snprintf(bytes + 2 * i, 3, "%02x", value[i]);
    say("%s: %d, length %u, %s", name, result, len, bytes);
}
#define OPTION(level, option) show_option(fd, #option, level, option)

static void show_options(int fd)
{
    OPTION(SOL_SOCKET, SO_TYPE);
    OPTION(SOL_SOCKET, SO_DOMAIN);
    OPTION(SOL_SOCKET, SO_PROTOCOL);
    OPTION(SOL_SOCKET, SO_ACCEPTCONN);
    OPTION(SOL_SOCKET, SO_KEEPALIVE);
    OPTION(SOL_SOCKET, SO_REUSEADDR);
    OPTION(SOL_SOCKET, SO_REUSEPORT);
    OPTION(SOL_SOCKET, SO_LINGER);
    OPTION(SOL_SOCKET, SO_RCVTIMEO);
    OPTION(SOL_SOCKET, SO_SNDTIMEO);
    OPTION(SOL_SOCKET, SO_RCVLOWAT);
    OPTION(SOL_SOCKET, SO_OOBINLINE);
    OPTION(SOL_SOCKET, SO_PRIORITY);
    OPTION(SOL_SOCKET, SO_MARK);
    OPTION(SOL_SOCKET, SO_ERROR);
    OPTION(IPPROTO_IP, IP_TOS);
    OPTION(IPPROTO_IP, IP_TTL);
    OPTION(IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT);
    OPTION(IPPROTO_TCP, TCP_NODELAY);
    OPTION(IPPROTO_TCP, TCP_CORK);
    OPTION(IPPROTO_TCP, TCP_KEEPIDLE);
    OPTION(IPPROTO_TCP, TCP_KEEPINTVL);
    OPTION(IPPROTO_TCP, TCP_KEEPCNT);
    OPTION(IPPROTO_TCP, TCP_USER_TIMEOUT);
    OPTION(IPPROTO_TCP, TCP_NOTSENT_LOWAT);
    OPTION(IPPROTO_TCP, TCP_SYNCNT);
    OPTION(IPPROTO_TCP, TCP_MAXSEG + 1000); /* no such option */
}

/* Into less room, or more, than the value takes; and into none. */
static void show_lengths(int fd, int option)
{
    static const socklen_t lengths[] = {0, 1, 2, 3, 4, 5, 8, (socklen_t)-1};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        unsigned char value[8];
        socklen_t len = lengths[i];
        memset(value, 0xee, sizeof value);
        SHOW(getsockopt(fd, IPPROTO_TCP, option, value, &len));
        say("length %d: %02x%02x%02x%02x%02x%02x%02x%02x", (int)len, value[0], value[1], value[2],
            value[3], value[4], value[5], value[6], value[7]);
    }
    int value = 1;
    SHOW(getsockopt(fd, IPPROTO_TCP, option, (void *)8, &(socklen_t){sizeof(int)}));
    SHOW(getsockopt(fd, IPPROTO_TCP, option, &value, NULL));
    SHOW(setsockopt(fd, IPPROTO_TCP, option, &value, 3));
    SHOW(setsockopt(fd, IPPROTO_TCP, option, NULL, sizeof value));
}

static int set_int(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof value);
}

static void set_options(int fd)
{
    struct linger linger = {.l_onoff = 0, .l_linger = 3}; /* on, it would stand against reuse */
    struct timeval second = {.tv_sec = 1, .tv_usec = 500000};
    SHOW(set_int(fd, SOL_SOCKET, SO_KEEPALIVE, 1));
    SHOW(set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1));
    SHOW(set_int(fd, SOL_SOCKET, SO_OOBINLINE, 1));
    SHOW(set_int(fd, SOL_SOCKET, SO_PRIORITY, 3));
    SHOW(set_int(fd, IPPROTO_IP, IP_TOS, IPTOS_LOWDELAY));
    SHOW(set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1));
    SHOW(set_int(fd, IPPROTO_TCP, TCP_KEEPIDLE, 77));
    SHOW(set_int(fd, IPPROTO_TCP, TCP_KEEPINTVL, 7));
    SHOW(set_int(fd, IPPROTO_TCP, TCP_KEEPCNT, 5));
    SHOW(set_int(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, 12345));
    SHOW(set_int(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, 4096));
    SHOW(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger));
    SHOW(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &second, sizeof second));
    SHOW(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &second, sizeof second));
    SHOW(set_int(fd, IPPROTO_TCP, TCP_MAXSEG + 1000, 1));
    SHOW(setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &linger, 1));
}

static void live(uint16_t port, bool before, bool after)
{
    struct sockaddr_in addr = loopback(port);
    int fd = SHOW(socket(AF_INET, SOCK_STREAM, 0));
    if (before)
        set_options(fd);
    SHOW(connect(fd, (struct sockaddr *)&addr, sizeof addr));
    show_options(fd);
    show_lengths(fd, TCP_NODELAY);
    show_lengths(fd, TCP_QUICKACK);
    ask(fd, "/options");
    answer(fd);
    if (after)
        set_options(fd);
    show_options(fd);
    SHOW(close(fd));
}

int main(void)
{
    uint16_t port = serve(SERVICE_HTTP);
    for (int i = 0; i < 8; i++)
        live(port, i & 1, i & 2);
    live(port, false, false);
    return 0;
}
