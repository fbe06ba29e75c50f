/* SPDX-License-Identifier: MIT
 * dup2() and dup3() that fail leave what they would have overwritten: it still counts. */
#include "program.h"

int main(void)
{
    uint16_t port = serve(SERVICE_HTTP);
    for (int i = 0; i < 3; i++) {
        int fd = connect_to(port);
        int copy = SHOW(dup(fd));
        ask(fd, "/first");
        answer(fd);
        SHOW(dup2(999, copy));
        SHOW(dup3(0, copy, 0x1234));
        SHOW(close(fd));
        int next = connect_to(port);
        ask(next, "/next");
        /* The next user's answer is not for the old connection's copy. */
        show_poll(copy, POLLIN, 100);
        answer(next);
        SHOW(close(next));
        ask(copy, "/through-the-copy");
        answer(copy);
        SHOW(close(copy));
        fd = connect_to(port);
        ask(fd, "/last");
        SHOW(dup2(-1, fd));
        SHOW(dup3(0, fd, 0x1234));
        answer(fd);
        SHOW(close(fd));
        fetch(port, "/after");
    }
    show_descriptors();
    return 0;
}
