/* SPDX-License-Identifier: MIT
 * A process that may have 64 descriptors, and uses all of them. */
#include "program.h"

#include <sys/resource.h>

static int fds[100];

static int open_all(uint16_t port)
{
    struct sockaddr_in addr = loopback(port);
    int count = 0;
    while (count < 100 && (fds[count] = socket(AF_INET, SOCK_STREAM, 0)) >= 0) {
        if (connect(fds[count], (struct sockaddr *)&addr, sizeof addr) != 0)
            broken("connect");
        count++;
    }
    say("%d connections, then %s", count, strerrorname_np(errno));
    return count;
}

int main(void)
{
    uint16_t port = serve(SERVICE_HTTP);
    struct rlimit limit = {.rlim_cur = 64, .rlim_max = 64};
    fetch(port, "/idle-before");
    SHOW(setrlimit(RLIMIT_NOFILE, &limit));
    for (int round = 0; round < 4; round++) {
        int count = open_all(port);
        SHOW(dup(0));
        SHOW(fcntl(0, F_DUPFD, 10));
        for (int i = 0; i < count; i++)
            ask(fds[i], "/many");
        for (int i = 0; i < count; i++)
            answer(fds[i]);
        for (int i = 0; i < count; i++)
            if (close(fds[i]) != 0)
                broken("close");
        /* Idle connections make room for whatever the library sees. */
        int copies = 0;
        while ((fds[copies] = dup(0)) >= 0)
            copies++;
        say("%d copies, then %s", copies, strerrorname_np(errno));
        for (int i = 0; i < copies; i++)
            close(fds[i]);
        fetch(port, "/next");
    }
    show_descriptors();
    return 0;
}
