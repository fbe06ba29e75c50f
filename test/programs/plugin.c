/* SPDX-License-Identifier: MIT
 * A plugin that makes connections; with OWN_FUNCTIONS by a connect() and a close() of its own. */
#include "program.h"

#include <sys/syscall.h>

#ifdef OWN_FUNCTIONS
int connect(int fd, const struct sockaddr *addr, socklen_t len)
{
    say("the plugin's own connect");
    return (int)syscall(SYS_connect, fd, addr, len);
}

int close(int fd)
{
    say("the plugin's own close");
    return (int)syscall(SYS_close, fd);
}
#endif

static int exchange(uint16_t port, const char *path)
{
    struct sockaddr_in addr = loopback(port);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    SHOW(connect(fd, (struct sockaddr *)&addr, sizeof addr));
    ask(fd, path);
    answer(fd);
    return fd;
}

void plugin_visit(uint16_t port, const char *path);
void plugin_visit(uint16_t port, const char *path)
{
    int fd = exchange(port, path);
    SHOW(close(fd));
}

int plugin_open(uint16_t port, const char *path);
int plugin_open(uint16_t port, const char *path)
{
    return exchange(port, path);
}

void plugin_close(int fd);
void plugin_close(int fd)
{
    SHOW(close(fd));
}
