/* SPDX-License-Identifier: MIT
 * A home-made protocol: one message there, the same one back, close. */
#include "program.h"

int main(void)
{
    uint16_t port = serve(SERVICE_ECHO);
    for (int i = 0; i < 8; i++) {
        char message[32];
        int len = snprintf(message, sizeof message, "message %d", i);
        int fd = connect_to(port);
        SHOW(send(fd, message, (size_t)len, 0));
        show_recv(fd, 100, 0);
        SHOW(close(fd));
    }
    return 0;
}
