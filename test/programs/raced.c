/* SPDX-License-Identifier: MIT
 * A thread connects a descriptor while another closes it and opens a file, which takes its number:
 * whatever becomes of the connect(), the file stays a file. */
#include "program.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <time.h>

enum {
    ROUNDS = 100 * 1000,
    REFILL = 8,    /* rounds, of which each may use an idle connection up */
    DELAYS = 5000, /* steps of a loop: longer than another processor takes to notice */
    LIMIT_S = 2    /* unless an argument says otherwise: about 15,000 rounds on two processors */
};

/* The race is the very thing that is shown. */
const char *__tsan_default_suppressions(void);
const char *__tsan_default_suppressions(void)
{
    return "race:take_away\nrace:main\n";
}

static atomic_int offered = -1, taken = -1; /* the descriptor, and the file at its place */
static atomic_bool over;
static int wrong_closes;

static void pause_up_to(unsigned *seed)
{
    unsigned steps = (unsigned)rand_r(seed) % DELAYS;
    for (volatile unsigned i = 0; i < steps; i++)
        continue;
}

static int await(atomic_int *slot)
{
    int value;
    while ((value = atomic_exchange(slot, -1)) < 0 && !over)
        sched_yield();
    return value;
}

static void *take_away(void *unused)
{
    unsigned seed = 1;
    for (int fd; (fd = await(&offered)) >= 0;) {
        pause_up_to(&seed);
        wrong_closes += close(fd) != 0;
        taken = open("/dev/null", O_RDONLY);
    }
    return unused;
}

static bool is_file(int fd)
{
    struct stat status;
    return fstat(fd, &status) == 0 && S_ISCHR(status.st_mode);
}

static time_t now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

/* Closes it at once, so that an idle connection is there for the next rounds. */
static void refill(uint16_t port)
{
    static const char request[] = "GET / HTTP/1.1\r\nHost: test\r\n\r\n";
    char bytes[200];
    int fd = connect_to(port);
    if (send(fd, request, sizeof request - 1, 0) < 0 || recv(fd, bytes, sizeof bytes, 0) <= 0)
        broken("refill");
    close(fd);
}

int main(int argc, char **argv)
{
    uint16_t port = serve(SERVICE_HTTP);
    struct sockaddr_in addr = loopback(port);
    pthread_t taker;
    unsigned seed = 2;
    int replaced = 0, strange = 0;
    time_t end_s = now_s() + (argc > 1 ? atoi(argv[1]) : LIMIT_S);
    pthread_create(&taker, NULL, take_away, NULL);
    for (int i = 0; i < ROUNDS && now_s() < end_s; i++) {
        if (i % REFILL == 0)
            refill(port);
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        offered = fd;
        pause_up_to(&seed);
        int result = connect(fd, (struct sockaddr *)&addr, sizeof addr);
        strange += result != 0 && errno != EBADF && errno != ENOTSOCK;
        int file = await(&taken);
        replaced += file != fd || !is_file(file);
        close(file);
    }
    over = true;
    pthread_join(taker, NULL);
    say("files replaced %d, closes that failed %d, strange errors %d", replaced, wrong_closes,
        strange);
    show_descriptors();
    return 0;
}
