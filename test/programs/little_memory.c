/* SPDX-License-Identifier: MIT
 * A process that may have little address space (ulimit -v), and then none more at all. */
#include "program.h"

#include <sys/resource.h>

enum { MEGABYTES = 200, AT_ONCE = 200 };

/* A sanitizer's shadow memory takes terabytes: there the limit is left out, and the rest is run. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
static const rlim_t little = RLIM_INFINITY, nothing = RLIM_INFINITY;
#else
static const rlim_t little = (rlim_t)MEGABYTES << 20, nothing = 4096;
#endif

static void limit_to(rlim_t bytes)
{
    struct rlimit limit = {.rlim_cur = bytes, .rlim_max = RLIM_INFINITY};
    SHOW(setrlimit(RLIMIT_AS, &limit));
}

/* More connections than records were mapped for. */
static void use_many(uint16_t port)
{
    static int fds[AT_ONCE];
    for (int i = 0; i < AT_ONCE; i++) {
        fds[i] = connect_to(port);
        ask(fds[i], "/many");
    }
    for (int i = 0; i < AT_ONCE; i++)
        answer(fds[i]);
    for (int i = 0; i < AT_ONCE; i++)
        if (close(fds[i]) != 0)
            broken("close");
}

int main(int argc, char **argv)
{
    char number[10];
    if (argc == 1) { /* from its start: and the server has its own threads without a limit */
        snprintf(number, sizeof number, "%u", serve(SERVICE_HTTP));
        limit_to(little);
        execl("/proc/self/exe", argv[0], number, NULL);
        broken("execl");
    }
    uint16_t port = (uint16_t)atoi(argv[1]);
    for (int i = 0; i < 5; i++)
        fetch(port, "/with-little");
    limit_to(nothing);
    use_many(port);
    for (int i = 0; i < 5; i++)
        fetch(port, "/with-nothing-more");
    show_descriptors();
    return 0;
}
