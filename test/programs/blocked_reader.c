/* SPDX-License-Identifier: MIT
 * A thread blocked in recv() or poll() while another closes the descriptor and connects anew. */
#include "program.h"

#include <pthread.h>

static int shared_fd;
static ssize_t blocked_result;
static char blocked_bytes[200];
static bool by_poll;

/* The race is the very thing that is shown: to ThreadSanitizer a close() under a reader is one. */
const char *__tsan_default_suppressions(void);
const char *__tsan_default_suppressions(void)
{
    return "race:close_under_reader\n";
}

static void *block(void *unused)
{
    (void)unused;
    if (by_poll) {
        struct pollfd polled = {.fd = shared_fd, .events = POLLIN};
        blocked_result = poll(&polled, 1, 150);
        return NULL;
    }
    blocked_result = recv(shared_fd, blocked_bytes, sizeof blocked_bytes, 0);
    return NULL;
}

/* The answer comes after 300 ms; the descriptor is closed before. */
static void close_under_reader(uint16_t port, const char *path)
{
    shared_fd = connect_to(port);
    ask(shared_fd, path);
    pthread_t reader = start_blocked(block, NULL);
    SHOW(close(shared_fd));
    fetch(port, "/for-main");
    fetch(port, "/for-main-again");
    pthread_join(reader, NULL);
    if (by_poll)
        say("poll = %zd", blocked_result);
    else
        say("recv = %zd: %s", blocked_result,
            memmem(blocked_bytes, sizeof blocked_bytes, "/late", 5) ? "its own" : "another's");
}

static void shut_down_under_reader(uint16_t port)
{
    shared_fd = connect_to(port);
    ask(shared_fd, "/first");
    answer(shared_fd);
    pthread_t reader = start_blocked(block, NULL);
    SHOW(shutdown(shared_fd, SHUT_RDWR));
    pthread_join(reader, NULL);
    say("recv = %zd", blocked_result);
    SHOW(close(shared_fd));
}

int main(void)
{
    uint16_t port = serve(SERVICE_HTTP);
    for (int i = 0; i < 2; i++) {
        by_poll = false;
        close_under_reader(port, "/late");
        shut_down_under_reader(port);
        by_poll = true;
        close_under_reader(port, "/late");
        fetch(port, "/next");
    }
    return 0;
}
