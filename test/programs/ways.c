/* SPDX-License-Identifier: MIT
 * poll and its relatives, select and its, epoll_wait and its, and the sleeps. */
#include "ways.h"

#include "program.h"

#include <linux/futex.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <time.h>

enum { MOST = 64 };

_Thread_local int left_ms;

double now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

void pause_unseen(int ms)
{
    struct timespec length = {ms / 1000, ms % 1000 * 1000000L};
    int word = 0;
    syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, &length, NULL, 0);
}

void leave_idle(uint16_t port, int count)
{
    static char bytes[1000];
    int fds[MOST];
    for (int i = 0; i < count; i++) {
        fds[i] = connect_to(port);
        ask(fds[i], "/idle");
        if (recv(fds[i], bytes, sizeof bytes, 0) <= 0)
            broken("leave_idle");
    }
    for (int i = 0; i < count; i++)
        close(fds[i]);
}

int open_connections(uint16_t port)
{
    char line[256], *at;
    int open = 0;
    FILE *file = fopen("/proc/net/tcp", "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        unsigned remote_port, state;
        at = strchr(line, ':');
        if (at != NULL &&
            sscanf(at + 1, " %*8s:%*4s %*8[0-9A-F]:%4x %2x", &remote_port, &state) == 2)
            open += remote_port == port && state == 1 /* ESTABLISHED */;
    }
    if (file != NULL)
        fclose(file);
    return open;
}

static struct timespec timespec_of(int ms)
{
    return (struct timespec){ms / 1000, ms % 1000 * 1000000L};
}

static void keep_left(int result, const struct timespec *left)
{
    left_ms = result == 0 ? -1 : (int)(left->tv_sec * 1000 + left->tv_nsec / 1000000);
}

static int by_poll(int fd, int ms)
{
    struct pollfd polled = {.fd = fd, .events = POLLIN};
    return poll(&polled, 1, ms);
}

static int by_ppoll(int fd, int ms)
{
    struct pollfd polled = {.fd = fd, .events = POLLIN};
    struct timespec limit = timespec_of(ms);
    return ppoll(&polled, 1, &limit, NULL);
}

static int by_ppoll_with_mask(int fd, int ms)
{
    struct pollfd polled = {.fd = fd, .events = POLLIN};
    struct timespec limit = timespec_of(ms);
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    return ppoll(&polled, 1, &limit, &mask);
}

static int by_select(int fd, int ms)
{
    struct timeval limit = {ms / 1000, ms % 1000 * 1000};
    fd_set set;
    FD_ZERO(&set);
    if (fd >= 0)
        FD_SET(fd, &set);
    int result = select(fd + 1, &set, NULL, NULL, &limit);
    left_ms = result == 0 ? -1 : (int)(limit.tv_sec * 1000 + limit.tv_usec / 1000);
    return result;
}

static int by_pselect(int fd, int ms)
{
    struct timespec limit = timespec_of(ms);
    fd_set set;
    FD_ZERO(&set);
    if (fd >= 0)
        FD_SET(fd, &set);
    return pselect(fd + 1, &set, NULL, NULL, &limit, NULL);
}

static int set_for(int fd)
{
    static int set = -1;
    static int in_set = -1;
    struct epoll_event event = {.events = EPOLLIN};
    if (set < 0)
        set = epoll_create1(EPOLL_CLOEXEC);
    if (in_set >= 0 && in_set != fd)
        epoll_ctl(set, EPOLL_CTL_DEL, in_set, NULL);
    if (fd >= 0 && in_set != fd)
        epoll_ctl(set, EPOLL_CTL_ADD, fd, &event);
    in_set = fd;
    return set;
}

static int by_epoll_wait(int fd, int ms)
{
    struct epoll_event event;
    return epoll_wait(set_for(fd), &event, 1, ms);
}

static int by_epoll_pwait(int fd, int ms)
{
    struct epoll_event event;
    return epoll_pwait(set_for(fd), &event, 1, ms, NULL);
}

static int by_epoll_pwait2(int fd, int ms)
{
    struct epoll_event event;
    struct timespec limit = timespec_of(ms);
    return epoll_pwait2(set_for(fd), &event, 1, &limit, NULL);
}

static int by_nanosleep(int fd, int ms)
{
    struct timespec length = timespec_of(ms);
    (void)fd;
    int result = nanosleep(&length, &length);
    keep_left(result, &length);
    return result;
}

static int by_clock(clockid_t clock, int ms)
{
    struct timespec length = timespec_of(ms), left = {0};
    errno = 0;
    int error = clock_nanosleep(clock, 0, &length, &left);
    if (errno != 0)
        say("clock_nanosleep() changed errno");
    keep_left(error, &left);
    errno = error;
    return error == 0 ? 0 : -1;
}

static int by_clock_nanosleep(int fd, int ms)
{
    (void)fd;
    return by_clock(CLOCK_MONOTONIC, ms);
}

static int by_clock_nanosleep_realtime(int fd, int ms)
{
    (void)fd;
    return by_clock(CLOCK_REALTIME, ms);
}

static int by_clock_nanosleep_until(int fd, int ms)
{
    struct timespec moment, left = {7, 7};
    (void)fd;
    clock_gettime(CLOCK_MONOTONIC, &moment);
    moment.tv_nsec += ms % 1000 * 1000000L;
    moment.tv_sec += ms / 1000 + moment.tv_nsec / 1000000000L;
    moment.tv_nsec %= 1000000000L;
    int error = clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &moment, &left);
    if (left.tv_sec != 7 || left.tv_nsec != 7)
        say("an absolute sleep told what was left");
    errno = error;
    return error == 0 ? 0 : -1;
}

static int by_sleep(int fd, int ms)
{
    (void)fd;
    errno = 0;
    unsigned left = sleep((unsigned)(ms + 999) / 1000);
    return errno == 0 && left == 0 ? 0 : -1;
}

static int by_usleep(int fd, int ms)
{
    (void)fd;
    return usleep((useconds_t)ms * 1000);
}

const struct way ways[] = {
    {"poll", by_poll, true},
    {"ppoll", by_ppoll, true},
    {"ppoll with a mask", by_ppoll_with_mask, true},
    {"select", by_select, true},
    {"pselect", by_pselect, true},
    {"epoll_wait", by_epoll_wait, true},
    {"epoll_pwait", by_epoll_pwait, true},
    {"epoll_pwait2", by_epoll_pwait2, true},
    {"nanosleep", by_nanosleep, false},
    {"clock_nanosleep", by_clock_nanosleep, false},
    {"clock_nanosleep of real time", by_clock_nanosleep_realtime, false},
    {"clock_nanosleep until", by_clock_nanosleep_until, false},
    {"sleep", by_sleep, false},
    {"usleep", by_usleep, false},
};
const int way_count = sizeof ways / sizeof *ways;
