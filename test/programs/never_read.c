/* SPDX-License-Identifier: MIT
 * Clients that do not read their answer, do not finish their request, or say nothing at all. */
#include "program.h"

int main(void)
{
    static const char part[] = "GET /part HTTP/1.1\r\nHo";
    static const char late[] = "st: test\r\n\r\n";
    uint16_t port = serve(SERVICE_HTTP);
    for (int i = 0; i < 3; i++) {
        int fd = connect_to(port);
        ask(fd, "/ignored");
        SHOW(close(fd));
        fetch(port, "/read");
        fd = connect_to(port);
        ask(fd, "/ignored-but-waited-for");
        show_poll(fd, POLLIN, 2000);
        SHOW(close(fd));
        fetch(port, "/read");
        fd = connect_to(port);
        SHOW(send(fd, part, sizeof part - 1, 0));
        SHOW(close(fd));
        fetch(port, "/read");
        fd = connect_to(port);
        SHOW(send(fd, part, sizeof part - 1, 0));
        sleep_ms(10);
        SHOW(send(fd, late, sizeof late - 1, 0));
        answer(fd);
        SHOW(close(fd));
        fd = connect_to(port);
        SHOW(close(fd));
        fetch(port, "/read");
        /* Two requests, one answer read. */
        fd = connect_to(port);
        ask(fd, "/one");
        ask(fd, "/two");
        show_poll(fd, POLLIN, 2000);
        show_recv(fd, 61, MSG_WAITALL);
        SHOW(close(fd));
        fetch(port, "/read");
        /* The answer comes when its client has gone. */
        fd = connect_to(port);
        ask(fd, "/late");
        SHOW(close(fd));
        fetch(port, "/read");
    }
    sleep_ms(400);
    fetch(port, "/last");
    return 0;
}
