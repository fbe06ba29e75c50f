/* SPDX-License-Identifier: MIT
 * O_ASYNC, F_SETOWN and F_SETSIG: signals about a connection never reach its next user. */
#include "program.h"

#include <signal.h>

/* Blocked and asked for, since sanitizers run handlers at moments of their own. */
static bool signal_came(void)
{
    struct timespec limit = {.tv_nsec = 20 * 1000 * 1000};
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGIO);
    return sigtimedwait(&set, NULL, &limit) == SIGIO;
}

int main(void)
{
    uint16_t port = serve(SERVICE_HTTP);
    sigset_t blocked;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGIO);
    sigprocmask(SIG_BLOCK, &blocked, NULL);
    for (int i = 0; i < 3; i++) {
        int fd = connect_to(port);
        say("owner %d, flags %#x", fcntl(fd, F_GETOWN), fcntl(fd, F_GETFL));
        ask(fd, "/quiet");
        answer(fd);
        SHOW(fcntl(fd, F_SETOWN, getpid()));
        SHOW(fcntl(fd, F_SETFL, O_ASYNC));
        ask(fd, "/signalled");
        show_poll(fd, POLLIN, 1000); /* a reader that is blocked in recv() gets no signal */
        answer(fd);
        say("a signal came: %d", signal_came());
        SHOW(close(fd));
        fetch(port, "/next");
        fetch(port, "/next");
        say("a signal to the next user: %d", signal_came());
        fd = connect_to(port);
        SHOW(fcntl(fd, F_SETSIG, SIGUSR1));
        ask(fd, "/signal-number");
        answer(fd);
        SHOW(close(fd));
        fd = connect_to(port);
        SHOW(fcntl(fd, F_GETSIG));
        SHOW(close(fd));
    }
    return 0;
}
