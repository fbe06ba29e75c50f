/* SPDX-License-Identifier: MIT
 * SIGPIPE and EPIPE: writing to a connection that the server has closed. */
#include "program.h"

#include <signal.h>

static volatile sig_atomic_t signals;

static void on_pipe(int signal_number)
{
    (void)signal_number;
    signals++;
}

int main(void)
{
    uint16_t port = serve(SERVICE_HTTP);
    struct sigaction action = {.sa_handler = on_pipe};
    sigaction(SIGPIPE, &action, NULL);
    for (int i = 0; i < 3; i++) {
        int fd = connect_to(port);
        ask(fd, "/close");
        answer(fd);
        show_poll(fd, POLLIN, 1000);
        SHOW(send(fd, "x", 1, MSG_NOSIGNAL));
        sleep_ms(20); /* the reset comes back */
        SHOW(send(fd, "x", 1, MSG_NOSIGNAL));
        say("signals %d", signals);
        SHOW(write(fd, "x", 1));
        say("signals %d", signals);
        show_recv(fd, 10, 0);
        SHOW(close(fd));
        fetch(port, "/next");
    }
    return 0;
}
