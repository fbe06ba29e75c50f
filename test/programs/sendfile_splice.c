/* SPDX-License-Identifier: MIT
 * Bytes that reach a connection, or leave it, without passing through the program. */
#include "program.h"

#include <sys/mman.h>
#include <sys/sendfile.h>

static const char request[] = "GET /file HTTP/1.1\r\nHost: test\r\n\r\n";

int main(void)
{
    uint16_t port = serve(SERVICE_HTTP);
    int file = SHOW(memfd_create("request", 0)), pipe_ends[2];
    char bytes[200];
    SHOW(write(file, request, sizeof request - 1));
    SHOW(pipe(pipe_ends));
    for (int i = 0; i < 3; i++) {
        int fd = connect_to(port);
        off_t offset = 0;
        SHOW(sendfile(fd, file, &offset, sizeof request - 1));
        say("offset %ld", (long)offset);
        answer(fd);
        SHOW(close(fd));
        fetch(port, "/next");

        fd = connect_to(port);
        SHOW(write(pipe_ends[1], request, sizeof request - 1));
        SHOW(splice(pipe_ends[0], NULL, fd, NULL, sizeof request - 1, 0));
        show_poll(fd, POLLIN, 1000);
        SHOW(splice(fd, NULL, pipe_ends[1], NULL, sizeof bytes, 0));
        ssize_t got = SHOW(read(pipe_ends[0], bytes, sizeof bytes));
        say("%.*s", (int)(got > 15 ? 15 : got), bytes);
        SHOW(close(fd));
        fetch(port, "/next");

        /* Half of the answer leaves unseen, half is read. */
        fd = connect_to(port);
        ask(fd, "/spliced");
        show_poll(fd, POLLIN, 1000);
        SHOW(splice(fd, NULL, pipe_ends[1], NULL, 20, 0));
        SHOW(read(pipe_ends[0], bytes, sizeof bytes));
        show_recv(fd, 100, 0);
        SHOW(close(fd));
        fetch(port, "/next");
    }
    return 0;
}
