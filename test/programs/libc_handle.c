/* SPDX-License-Identifier: MIT
 * Calls through a handle of libc itself, which no preloaded library sees. */
#include "program.h"

#include <dlfcn.h>

static ssize_t (*unseen_send)(int, const void *, size_t, int);
static ssize_t (*unseen_recv)(int, void *, size_t, int);
static int (*unseen_close)(int);
static int (*unseen_dup)(int);

static const char request[] = "GET /unseen HTTP/1.1\r\nHost: test\r\n\r\n";

static void show_unseen_answer(int fd)
{
    char bytes[200];
    ssize_t received = unseen_recv(fd, bytes, sizeof bytes, 0);
    say("unseen: %zd %.15s", received, bytes);
}

int main(void)
{
    void *libc = dlopen("libc.so.6", RTLD_NOW | RTLD_LOCAL);
    if (libc == NULL)
        broken("dlopen");
    *(void **)&unseen_send = dlsym(libc, "send");
    *(void **)&unseen_recv = dlsym(libc, "recv");
    *(void **)&unseen_close = dlsym(libc, "close");
    *(void **)&unseen_dup = dlsym(libc, "dup");
    uint16_t port = serve(SERVICE_HTTP);
    for (int i = 0; i < 3; i++) {
        /* A whole exchange, then one that is seen. */
        int fd = connect_to(port);
        SHOW(unseen_send(fd, request, sizeof request - 1, 0));
        show_unseen_answer(fd);
        ask(fd, "/seen");
        answer(fd);
        SHOW(close(fd));
        fetch(port, "/next");
        /* Seen first, and an answer that nobody has read. */
        fd = connect_to(port);
        ask(fd, "/seen");
        answer(fd);
        SHOW(unseen_send(fd, request, sizeof request - 1, 0));
        SHOW(close(fd));
        fetch(port, "/next");
        /* The answer alone is taken unseen. */
        fd = connect_to(port);
        ask(fd, "/unseen-answer");
        show_unseen_answer(fd);
        SHOW(close(fd));
        fetch(port, "/next");
        /* Closed unseen: the number goes to a file, then to another connection. */
        fd = connect_to(port);
        ask(fd, "/closed-unseen");
        answer(fd);
        SHOW(unseen_close(fd));
        int file = SHOW(open("/dev/null", O_RDONLY));
        SHOW(close(file));
        fetch(port, "/next");
        fd = connect_to(port);
        ask(fd, "/closed-unseen");
        answer(fd);
        SHOW(unseen_close(fd));
        fetch(port, "/same-number");
        /* A duplicate that only the kernel knows of. */
        fd = connect_to(port);
        ask(fd, "/duplicated");
        answer(fd);
        int copy = SHOW(unseen_dup(fd));
        SHOW(close(fd));
        fetch(port, "/meanwhile");
        ask(copy, "/through-the-copy");
        answer(copy);
        SHOW(close(copy));
        fetch(port, "/next");
    }
    show_descriptors();
    return 0;
}
