/* SPDX-License-Identifier: MIT
 * A home-made protocol whose messages begin like HTTP and are answered by something else. */
#include "program.h"

int main(void)
{
    static const char *const messages[] = {"GET it\n", "GET /x HTTP/1.1\r\n\r\n",
                                           "POST 17 bytes\r\n", "\x16\x03\x01\x02hello",
                                           "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"};
    uint16_t port = serve(SERVICE_ECHO);
    for (int i = 0; i < 10; i++) {
        const char *message = messages[i % 5];
        int fd = connect_to(port);
        SHOW(send(fd, message, strlen(message), 0));
        show_recv(fd, 100, 0);
        SHOW(close(fd));
    }
    return 0;
}
