/* SPDX-License-Identifier: MIT
 * Urgent data, sent and received. */
#include "program.h"

#include <signal.h>

static void echo_server_sends_urgent(int listener)
{
    char bytes[100];
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        if (recv(fd, bytes, sizeof bytes, 0) > 0) {
            send(fd, "plain", 5, MSG_NOSIGNAL);
            send(fd, "!", 1, MSG_OOB | MSG_NOSIGNAL);
        }
        while (recv(fd, bytes, sizeof bytes, 0) > 0)
            continue;
        close(fd);
    }
}

static void receive_urgent(void)
{
    struct sockaddr_in addr = loopback(0);
    socklen_t len = sizeof addr;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(listener, (struct sockaddr *)&addr, sizeof addr) != 0 || listen(listener, 9) != 0 ||
        getsockname(listener, (struct sockaddr *)&addr, &len) != 0)
        broken("listen");
    pid_t child = fork();
    if (child == 0) {
        alarm(30);
        echo_server_sends_urgent(listener);
    }
    close(listener);
    for (int i = 0; i < 4; i++) {
        int fd = connect_to(ntohs(addr.sin_port));
        SHOW(send(fd, "ask", 3, 0));
        show_poll(fd, POLLPRI, 1000);
        show_poll(fd, POLLIN | POLLPRI, 1000);
        show_recv(fd, 10, 0);
        if (i % 2)
            show_recv(fd, 1, MSG_OOB);
        SHOW(close(fd));
    }
    kill(child, SIGKILL);
}

int main(void)
{
    uint16_t port = serve(SERVICE_HTTP);
    for (int i = 0; i < 3; i++) {
        int fd = connect_to(port);
        ask(fd, "/urgent");
        answer(fd);
        show_recv(fd, 1, MSG_OOB);
        SHOW(send(fd, "x", 1, MSG_OOB));
        SHOW(close(fd));
        fetch(port, "/next");
    }
    receive_urgent();
    return 0;
}
