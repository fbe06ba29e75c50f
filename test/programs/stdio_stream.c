/* SPDX-License-Identifier: MIT
 * stdio on a socket: fdopen, fprintf, fgets, fclose, and freopen over it. */
#include "program.h"

static void talk(FILE *in, FILE *out)
{
    char line[200];
    fprintf(out, "GET /stdio HTTP/1.1\r\nHost: test\r\n\r\n");
    SHOW(fflush(out));
    for (int i = 0; i < 4 && fgets(line, sizeof line, in) != NULL; i++) {
        line[strcspn(line, "\r\n")] = '\0';
        say("line: %s", line);
    }
}

int main(void)
{
    uint16_t port = serve(SERVICE_HTTP);
    for (int i = 0; i < 3; i++) {
        int fd = connect_to(port);
        FILE *both = fdopen(fd, "r+");
        talk(both, both);
        SHOW(fclose(both));
        SHOW(close(fd));
        fetch(port, "/next");

        fd = connect_to(port);
        FILE *in = fdopen(fd, "r"), *out = fdopen(dup(fd), "w");
        talk(in, out);
        SHOW(fclose(out));
        SHOW(fclose(in));
        fetch(port, "/next");

        fd = connect_to(port);
        FILE *stream = fdopen(fd, "r+");
        talk(stream, stream);
        stream = freopen("/dev/null", "r", stream);
        say("fileno after freopen %d", fileno(stream));
        SHOW(fclose(stream));
        fetch(port, "/next");

        /* Used by hand, then wrapped, then closed by hand behind stdio's back. */
        fd = connect_to(port);
        ask(fd, "/by-hand");
        answer(fd);
        stream = fdopen(fd, "r+");
        SHOW(close(fd));
        fd = connect_to(port);
        ask(fd, "/its-number-again");
        answer(fd);
        SHOW(fclose(stream));
        SHOW(close(fd));
        show_descriptors();
    }
    return 0;
}
