/* SPDX-License-Identifier: MIT
 * connect() with addresses that lie, wholly or in part, where nothing is mapped. */
#include "program.h"

#include <sys/mman.h>

static const struct sockaddr *nowhere;

/* The address as it lies when so many bytes of it are before the end of what can be read. */
static const struct sockaddr *before_the_end(uint16_t port, char *pages, size_t readable)
{
    struct sockaddr_in addr = loopback(port);
    char *at = pages + 4096 - readable;
    memcpy(at, &addr, readable < sizeof addr ? readable : sizeof addr);
    return (const struct sockaddr *)at;
}

static void connect_nowhere(uint16_t port, char *pages)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    SHOW(connect(fd, nowhere, sizeof(struct sockaddr_in)));
    SHOW(connect(fd, NULL, sizeof(struct sockaddr_in)));
    SHOW(connect(fd, nowhere, 1000));
    for (size_t readable = 1; readable < sizeof(struct sockaddr_in); readable++)
        SHOW(connect(fd, before_the_end(port, pages, readable), sizeof(struct sockaddr_in)));
    SHOW(connect(fd, before_the_end(port, pages, 16), sizeof(struct sockaddr_in)));
    SHOW(connect(fd, nowhere, sizeof(struct sockaddr_in)));
    ask(fd, "/after-all");
    answer(fd);
    SHOW(close(fd));
}

/* At the very end of a page: the whole of it can be read, and it may be an idle connection. */
static void connect_at_the_end(uint16_t port, char *pages)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    SHOW(connect(fd, before_the_end(port, pages, 16), sizeof(struct sockaddr_in)));
    ask(fd, "/at-the-end");
    answer(fd);
    SHOW(close(fd));
}

/* The success of a connect() that did not wait is told once, and not to whom names no address. */
static void connect_nowhere_again(uint16_t port)
{
    struct sockaddr_in addr = loopback(port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    SHOW(connect(fd, (struct sockaddr *)&addr, sizeof addr));
    show_poll(fd, POLLOUT, 1000);
    SHOW(connect(fd, nowhere, sizeof addr));
    SHOW(connect(fd, nowhere, 1000));
    SHOW(connect(fd, (struct sockaddr *)&addr, sizeof addr));
    SHOW(connect(fd, nowhere, sizeof addr));
    SHOW(connect(fd, (struct sockaddr *)&addr, sizeof addr));
    SHOW(close(fd));
}

int main(void)
{
    uint16_t port = serve(SERVICE_HTTP);
    char *pages = mmap(NULL, 2 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED || mprotect(pages + 4096, 4096, PROT_NONE) != 0)
        broken("mmap");
    nowhere = (const struct sockaddr *)(pages + 4096);
    for (int i = 0; i < 3; i++) {
        fetch(port, "/one");
        connect_nowhere(port, pages);
        connect_at_the_end(port, pages);
        connect_nowhere_again(port);
        fetch(port, "/next");
    }
    show_descriptors();
    return 0;
}
