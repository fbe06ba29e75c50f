/* SPDX-License-Identifier: MIT
 * A connected socket that is closed by being overwritten, by a file and by another socket. */
#include "program.h"

int main(void)
{
    uint16_t port = serve(SERVICE_HTTP);
    int null = SHOW(open("/dev/null", O_RDWR));
    for (int i = 0; i < 3; i++) {
        int fd = connect_to(port);
        ask(fd, "/file");
        answer(fd);
        SHOW(dup2(null, fd));
        show_recv(fd, 10, 0);
        SHOW(write(fd, "x", 1));
        SHOW(close(fd));

        int first = connect_to(port), second = connect_to(port);
        ask(first, "/first");
        answer(first);
        ask(second, "/second");
        SHOW(dup2(second, first));
        answer(first);
        ask(first, "/third");
        answer(second);
        SHOW(dup2(first, first));
        SHOW(dup2(-1, first));
        ask(first, "/fourth");
        answer(first);
        SHOW(close(first));
        SHOW(close(second));
        /* bash: to a number of its choice, then the original away. */
        fd = connect_to(port);
        SHOW(dup2(fd, 9));
        SHOW(close(fd));
        ask(9, "/nine");
        answer(9);
        SHOW(dup3(null, 9, O_CLOEXEC));
        SHOW(close(9));
        show_descriptors();
    }
    return 0;
}
