/* SPDX-License-Identifier: MIT
 * Several requests before the first answer is read, wholly and in part. */
#include "program.h"

static const char two[] = "GET /one HTTP/1.1\r\nHost: test\r\n\r\n"
                          "GET /two HTTP/1.1\r\nHost: test\r\n\r\n";

int main(void)
{
    uint16_t port = serve(SERVICE_HTTP);
    for (int i = 0; i < 3; i++) {
        int fd = connect_to(port);
        SHOW(send(fd, two, sizeof two - 1, 0));
        show_recv(fd, 116, MSG_WAITALL);
        SHOW(close(fd));
        fetch(port, "/next");
        fd = connect_to(port);
        SHOW(send(fd, two, sizeof two - 1, 0));
        show_recv(fd, 58, MSG_WAITALL);
        SHOW(close(fd));
        fetch(port, "/next");
        /* A request and the start of another. */
        fd = connect_to(port);
        SHOW(send(fd, two, sizeof two - 9, 0));
        show_recv(fd, 58, MSG_WAITALL);
        SHOW(close(fd));
        fetch(port, "/next");
    }
    return 0;
}
