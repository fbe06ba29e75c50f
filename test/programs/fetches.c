/* SPDX-License-Identifier: MIT
 * An ordinary client of a server that is there already: ADDRESS PORT COUNT [PAUSE_MS]. */
#include "program.h"

static void fetch_from(struct sockaddr_in addr, const char *path)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (SHOW(connect(fd, (struct sockaddr *)&addr, sizeof addr)) == 0) {
        ask(fd, path);
        answer(fd);
    }
    SHOW(close(fd));
}

int main(int argc, char **argv)
{
    if (argc < 4)
        broken("arguments");
    struct sockaddr_in addr = loopback((uint16_t)atoi(argv[2]));
    inet_pton(AF_INET, argv[1], &addr.sin_addr);
    for (int i = 0; i < atoi(argv[3]); i++) {
        char path[32];
        snprintf(path, sizeof path, "/page/%d", i);
        fetch_from(addr, path);
        sleep_ms(argc > 4 ? atoi(argv[4]) : 0);
    }
    show_descriptors();
    return 0;
}
