/* SPDX-License-Identifier: MIT
 * A request written by dprintf(), wholly or in part. */
#include "program.h"

#include <stdarg.h>

static int print(int fd, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int printed = vdprintf(fd, format, arguments);
    va_end(arguments);
    return printed;
}

int main(void)
{
    uint16_t port = serve(SERVICE_HTTP);
    for (int i = 0; i < 3; i++) {
        int fd = connect_to(port);
        SHOW(dprintf(fd, "GET /%s HTTP/1.1\r\nHost: test\r\n\r\n", "dprintf"));
        answer(fd);
        SHOW(close(fd));
        fetch(port, "/next");
        fd = connect_to(port);
        ask(fd, "/seen");
        answer(fd);
        SHOW(print(fd, "GET /vdprintf HTTP/1.%d\r\n\r\n", 1));
        SHOW(close(fd));
        fetch(port, "/next");
        fd = connect_to(port);
        SHOW(send(fd, "GET /seen-in-part HTTP/1.1\r\n", 28, 0));
        SHOW(dprintf(fd, "Host: test\r\n\r\n"));
        answer(fd);
        SHOW(close(fd));
        fetch(port, "/next");
    }
    return 0;
}
