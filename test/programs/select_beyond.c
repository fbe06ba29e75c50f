/* SPDX-License-Identifier: MIT
 * select() with the count of getdtablesize() and sets of FD_SETSIZE bits, as old daemons do. */
#include "program.h"

#include <limits.h>
#include <sys/select.h>

int main(void)
{
    uint16_t port = serve(SERVICE_HTTP);
    for (int i = 0; i < 3; i++) {
        /* What lies behind the set is the program's own, and names descriptors as bits. */
        struct {
            fd_set readable;
            unsigned char behind[4096];
        } memory;
        for (int kept = 0; kept < 3; kept++)
            fetch(port, "/kept");
        FD_ZERO(&memory.readable);
        memset(memory.behind, 0xff, sizeof memory.behind);
        int fd = connect_to(port);
        ask(fd, "/waited-for");
        FD_SET(fd, &memory.readable);
        struct timeval limit = {.tv_sec = 2};
        /* By the system call's own rule, which is the highest count that a limit may be. */
        SHOW(select(1 << 15, &memory.readable, NULL, NULL, &limit));
        say("readable %d", FD_ISSET(fd, &memory.readable) != 0);
        int untouched = 0;
        for (size_t byte = 0; byte < sizeof memory.behind; byte++)
            untouched += memory.behind[byte] == 0xff;
        say("bytes behind the set untouched: %d", untouched);
        limit = (struct timeval){0};
        FD_ZERO(&memory.readable);
        SHOW(select(INT_MAX, &memory.readable, NULL, NULL, &limit));
        answer(fd);
        SHOW(close(fd));
    }
    return 0;
}
