/* SPDX-License-Identifier: MIT
 * A process at the limit of its descriptors, with idle connections: each call that makes one fails
 * when it would have failed, and no earlier. */
#include "program.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>

enum { LIMIT = 64, IN_USE = 12 };

static int open_null(void)
{
    return open("/dev/null", O_RDONLY);
}

static int make_socket(void)
{
    return socket(AF_INET, SOCK_STREAM, 0);
}

static int make_event(void)
{
    return eventfd(0, 0);
}

static int make_set(void)
{
    return epoll_create1(0);
}

static int make_pipe(void)
{
    int ends[2];
    return pipe(ends) == 0 ? ends[1] : -1;
}

static int duplicate(void)
{
    return dup(STDIN_FILENO);
}

static const struct {
    const char *name;
    int (*make)(void);
} kinds[] = {{"open", open_null}, {"socket", make_socket}, {"eventfd", make_event},
             {"epoll", make_set}, {"pipe", make_pipe},     {"dup", duplicate}};

/* Several at once, so that as many are idle afterwards. */
static void use_many(uint16_t port)
{
    int fds[IN_USE];
    for (int i = 0; i < IN_USE; i++) {
        fds[i] = connect_to(port);
        ask(fds[i], "/many");
    }
    for (int i = 0; i < IN_USE; i++) {
        answer(fds[i]);
        close(fds[i]);
    }
}

static void fill(uint16_t port, const char *name, int (*make)(void))
{
    struct sockaddr_in addr = loopback(port);
    int fd = connect_to(port), last, count = 0, waiting = socket(AF_INET, SOCK_STREAM, 0);
    while ((last = make()) >= 0) {
        count++;
        expect(last < LIMIT, "a number below the limit");
    }
    say("%s: %d, then %s", name, count, strerrorname_np(errno));
    /* What is there goes on working. */
    ask(fd, "/at-the-limit");
    answer(fd);
    SHOW(close(fd));
    SHOW(connect(waiting, (struct sockaddr *)&addr, sizeof addr));
    ask(waiting, "/from-the-limit");
    answer(waiting);
    closefrom(3);
}

int main(void)
{
    uint16_t port = serve(SERVICE_HTTP);
    struct rlimit limit = {.rlim_cur = LIMIT, .rlim_max = 1024};
    SHOW(setrlimit(RLIMIT_NOFILE, &limit));
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        use_many(port);
        fill(port, kinds[i].name, kinds[i].make);
        fetch(port, "/next");
    }
    show_descriptors();
    return 0;
}
