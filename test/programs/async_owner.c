/* SPDX-License-Identifier: MIT
 * O_ASYNC, F_SETOWN and F_SETSIG: signals about a connection never reach its next user. */
#include "program.h"

#include <signal.h>

static volatile sig_atomic_t signals;

static void on_io(int signal_number)
{
    (void)signal_number;
    signals++;
}

int main(void)
{
    uint16_t port = serve(SERVICE_HTTP);
    struct sigaction action = {.sa_handler = on_io, .sa_flags = SA_RESTART};
    sigaction(SIGIO, &action, NULL);
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
        sleep_ms(10);
        say("signals came: %d", signals > 0);
        SHOW(close(fd));
        signals = 0;
        fetch(port, "/next");
        fetch(port, "/next");
        sleep_ms(10);
        say("signals to the next user: %d", signals);
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
