/* SPDX-License-Identifier: MIT
 * Programs that close every number they might have, while connections are idle or in use. */
#include "program.h"

#include <sys/syscall.h>

enum { NUMBERS = 2000 }; /* more than are open, and past the usual soft limit of 1,024 */

static int count_closed_by_loop(void)
{
    int closed = 0, others = 0;
    for (int fd = 3; fd < NUMBERS; fd++) {
        if (close(fd) == 0)
            closed++;
        else if (errno != EBADF)
            others++;
    }
    say("closed by loop: %d, other errors %d", closed, others);
    return closed;
}

int main(void)
{
    uint16_t port = serve(SERVICE_HTTP);
    for (int i = 0; i < 2; i++) {
        fetch(port, "/idle");
        count_closed_by_loop();
        fetch(port, "/after-the-loop");

        int fd = connect_to(port);
        ask(fd, "/in-use");
        answer(fd);
        count_closed_by_loop();
        SHOW(send(fd, "x", 1, MSG_NOSIGNAL));
        fetch(port, "/after-the-loop");

        fd = connect_to(port);
        ask(fd, "/in-use");
        SHOW(close_range(3, ~0U, 0));
        SHOW(send(fd, "x", 1, MSG_NOSIGNAL));
        fetch(port, "/after-close-range");

        fd = connect_to(port);
        ask(fd, "/in-use");
        answer(fd);
        SHOW(close_range(3, ~0U, CLOSE_RANGE_CLOEXEC));
        say("FD_CLOEXEC %d", fcntl(fd, F_GETFD));
        ask(fd, "/still-in-use");
        answer(fd);
        SHOW(close_range(fd, fd, 0));
        SHOW(close(fd));
        SHOW(close_range(9, 3, 0));
        fetch(port, "/after-close-range");

        fd = connect_to(port);
        ask(fd, "/in-use");
        answer(fd);
        closefrom(3);
        SHOW(close(fd));
        fetch(port, "/after-closefrom");

        SHOW(syscall(SYS_close_range, 3, ~0U, 0));
        fetch(port, "/after-syscall");
        /* The daemon's way: a child that closes everything. */
        pid_t child = fork();
        if (child == 0) {
            count_closed_by_loop();
            fetch(port, "/in-the-child");
            _exit(0);
        }
        SHOW(waitpid(child, NULL, 0) == child);
        fetch(port, "/after-the-child");
        show_descriptors();
    }
    return 0;
}
