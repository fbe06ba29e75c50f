/* SPDX-License-Identifier: MIT
 * A connection in use when the process forks: used by the child, by the parent, or by both. */
#include "program.h"

static void wait_for(pid_t child)
{
    int status = -1;
    if (waitpid(child, &status, 0) != child)
        broken("waitpid");
    say("child: %#x", status);
}

/* The child uses the connection after its parent has closed it, or the other way round. */
static void share(uint16_t port, bool child_uses, bool wait_first)
{
    int fd = connect_to(port);
    ask(fd, "/before-fork");
    answer(fd);
    pid_t child = fork();
    if (child == 0) {
        if (child_uses) {
            ask(fd, "/by-the-child");
            answer(fd);
        }
        close(fd);
        _exit(child_uses ? 7 : 8);
    }
    if (wait_first)
        wait_for(child);
    if (!child_uses) {
        ask(fd, "/by-the-parent");
        answer(fd);
    }
    close(fd);
    if (!wait_first)
        wait_for(child);
}

/* A child with connections of its own, while its parent has idle ones. */
static void child_on_its_own(uint16_t port)
{
    fetch(port, "/idle-in-the-parent");
    pid_t child = fork();
    if (child == 0) {
        fetch(port, "/in-the-child");
        fetch(port, "/in-the-child-again");
        show_descriptors();
        exit(3);
    }
    wait_for(child);
    fetch(port, "/in-the-parent-again");
}

/* The child asks, the parent reads the answer. */
static void split(uint16_t port)
{
    int fd = connect_to(port);
    pid_t child = fork();
    if (child == 0) {
        ask(fd, "/asked-by-the-child");
        _exit(0);
    }
    wait_for(child);
    answer(fd);
    SHOW(close(fd));
}

int main(void)
{
    uint16_t port = serve(SERVICE_HTTP);
    for (int i = 0; i < 2; i++) {
        for (int way = 0; way < 4; way++) {
            /* Both at once would print in any order. */
            share(port, way & 1, way & 2);
            fetch(port, "/next");
        }
        child_on_its_own(port);
        split(port);
        fetch(port, "/next");
    }
    return 0;
}
