/* SPDX-License-Identifier: MIT
 * Every way to end with idle connections, with connections in use, and with handlers that make
 * more. */
#include "program.h"

#include <signal.h>

static uint16_t port;

static void fetch_at_exit(void)
{
    fetch(port, "/at-exit");
}

static void fetch_at_quick_exit(void)
{
    fetch(port, "/at-quick-exit");
}

static void end(int way)
{
    if (atexit(fetch_at_exit) != 0 || at_quick_exit(fetch_at_quick_exit) != 0)
        broken("atexit");
    fetch(port, "/idle");
    int fd = connect_to(port);
    ask(fd, "/left-open");
    if (way & 1)
        answer(fd);
    switch (way / 2) {
    case 0:
        exit(10);
    case 1:
        _exit(11);
    case 2:
        quick_exit(12);
    case 3:
        abort();
    case 4:
        raise(SIGTERM);
    }
}

int main(void)
{
    port = serve(SERVICE_HTTP);
    fetch(port, "/first");
    for (int way = 0; way < 10; way++) {
        int status;
        pid_t child = fork();
        if (child == 0) {
            end(way);
            broken("end");
        }
        SHOW(waitpid(child, &status, 0) == child);
        say("way %d: %#x", way, status & ~0x80); /* without the core flag */
        fetch(port, "/next");
    }
    connect_to(port);
    return 42;
}
