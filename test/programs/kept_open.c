/* SPDX-License-Identifier: MIT
 * Many connections open at once, closed in another order, some never. */
#include "program.h"

enum { CONNECTIONS = 40 };

int main(void)
{
    uint16_t port = serve(SERVICE_HTTP);
    int fds[CONNECTIONS];
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < CONNECTIONS; i++)
            fds[i] = connect_to(port);
        for (int i = 0; i < CONNECTIONS; i++)
            ask(fds[i], "/at-once");
        for (int i = 0; i < CONNECTIONS; i++)
            answer(fds[CONNECTIONS - 1 - i]);
        show_descriptors();
        for (int i = 0; i < CONNECTIONS; i++)
            SHOW(close(fds[i * 7 % CONNECTIONS]));
        fds[0] = connect_to(port);
        say("left open: %d", fds[0]);
    }
    return 0;
}
