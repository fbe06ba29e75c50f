/* SPDX-License-Identifier: MIT
 * Plays about waits in which idle connections end: the waits are as long as asked, and give what
 * they always give. */
#include "program.h"
#include "ways.h"

#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <time.h>

/* The idle limit of these tests is 50 ms: a busy machine has time until nearly the end of a wait.
 */
enum { LONG_MS = 700, LOOK_EVERY_MS = 50, LOOKS = 11 };

/* Another process, which looks from outside while this one waits. */
static int to_watcher[2], from_watcher[2];

static void watch(uint16_t port)
{
    char byte;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    while (read(to_watcher[0], &byte, 1) == 1) {
        for (int looks = 0; looks < LOOKS; looks++) {
            sleep_ms(LOOK_EVERY_MS);
            byte = (char)open_connections(port);
            if (looks > 1 && byte == 0)
                break;
        }
        if (write(from_watcher[1], &byte, 1) != 1)
            break;
    }
    _exit(0);
}

static void start_watcher(uint16_t port)
{
    if (pipe(to_watcher) != 0 || pipe(from_watcher) != 0)
        broken("pipe");
    if (fork() == 0)
        watch(port);
}

static void watcher_look(void)
{
    if (write(to_watcher[1], "", 1) != 1)
        broken("watcher_look");
}

static int watcher_saw(void)
{
    char byte = -1;
    if (read(from_watcher[0], &byte, 1) != 1)
        broken("watcher_saw");
    return byte;
}

/* A connection idles, and the program does nothing but wait. */
static void ends_while_waiting(uint16_t port)
{
    start_watcher(port);
    for (int i = 0; i < way_count; i++) {
        leave_idle(port, 2);
        watcher_look();
        double begun = now_ms();
        errno = 0;
        int result = ways[i].wait(-1, LONG_MS);
        int error = errno;
        double waited = now_ms() - begun;
        say("%s = %d, errno %d, %s, open meanwhile: %d", ways[i].name, result, error,
            waited >= LONG_MS - 1 ? "not too short" : "TOO SHORT", watcher_saw());
    }
}

/* The same in a wait without an end, which an event ends. */
static void *write_later(void *argument)
{
    pause_unseen(LONG_MS);
    if (write((int)(intptr_t)argument, "x", 1) != 1)
        broken("write");
    return NULL;
}

static int endless(int way, int fd)
{
    struct pollfd polled = {.fd = fd, .events = POLLIN};
    struct epoll_event event = {.events = EPOLLIN};
    fd_set set;
    FD_ZERO(&set);
    FD_SET(fd, &set);
    if (way == 0)
        return poll(&polled, 1, -1);
    if (way == 1)
        return ppoll(&polled, 1, NULL, NULL);
    if (way == 2)
        return select(fd + 1, &set, NULL, NULL, NULL);
    if (way == 3)
        return pselect(fd + 1, &set, NULL, NULL, NULL, NULL);
    int epoll = epoll_create1(0);
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
    int result = way == 4   ? epoll_wait(epoll, &event, 1, -1)
                 : way == 5 ? epoll_pwait(epoll, &event, 1, -5, NULL)
                            : epoll_pwait2(epoll, &event, 1, NULL, NULL);
    close(epoll);
    return result;
}

static void ends_in_an_endless_wait(uint16_t port)
{
    char byte;
    int ends[2];
    start_watcher(port);
    if (pipe(ends) != 0)
        broken("pipe");
    for (int way = 0; way < 7; way++) {
        pthread_t thread;
        leave_idle(port, 1);
        watcher_look();
        pthread_create(&thread, NULL, write_later, (void *)(intptr_t)ends[1]);
        int result = endless(way, ends[0]);
        say("way %d = %d, open meanwhile: %d", way, result, watcher_saw());
        pthread_join(thread, NULL);
        expect(read(ends[0], &byte, 1) == 1, "the byte");
    }
}

static void *end_waiting(void *argument)
{
    pause_unseen(LONG_MS);
    syscall(SYS_futex, argument, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    return NULL;
}

/* What we do not see: a read from a pipe, and a futex. */
static void unseen_waits(uint16_t port)
{
    static int word;
    char byte;
    int ends[2];
    pthread_t thread;
    start_watcher(port);
    if (pipe(ends) != 0)
        broken("pipe");
    leave_idle(port, 1);
    watcher_look();
    pthread_create(&thread, NULL, write_later, (void *)(intptr_t)ends[1]);
    if (read(ends[0], &byte, 1) != 1)
        broken("read");
    say("read: open meanwhile: %d", watcher_saw());
    leave_idle(port, 1);
    watcher_look();
    pthread_t other;
    pthread_create(&other, NULL, end_waiting, &word);
    syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
    say("futex: open meanwhile: %d", watcher_saw());
    pthread_join(thread, NULL);
    pthread_join(other, NULL);
}

static void *write_soon(void *argument)
{
    pause_unseen(150);
    if (write((int)(intptr_t)argument, "x", 1) != 1)
        broken("write");
    return NULL;
}

/* An event that comes after the first part of the wait. */
static void event_in_a_later_part(uint16_t port)
{
    char byte;
    int ends[2];
    if (pipe(ends) != 0)
        broken("pipe");
    for (int i = 0; i < way_count; i++) {
        pthread_t thread;
        if (!ways[i].watches)
            continue;
        leave_idle(port, 1);
        pthread_create(&thread, NULL, write_soon, (void *)(intptr_t)ends[1]);
        double begun = now_ms();
        left_ms = -1;
        int result = ways[i].wait(ends[0], 3000);
        double waited = now_ms() - begun;
        say("%s = %d, %s, tells what is left: %d", ways[i].name, result,
            waited < 2000 ? "at the event" : "TOO LATE", left_ms > 500 && left_ms < 2900);
        pthread_join(thread, NULL);
        expect(read(ends[0], &byte, 1) == 1, "the byte");
    }
}

static void show_bytes(const char *name, const void *set, size_t size)
{
    char line[600] = "";
    for (size_t i = 0; i < size && strlen(line) < sizeof line - 20; i++)
        if (((const unsigned char *)set)[i] != 0)
            snprintf(line + strlen(line), sizeof line - strlen(line), " %zu:%02x", i,
                     ((const unsigned char *)set)[i]);
    say("%s:%s", name, line);
}

struct sets {
    unsigned long readable[64], writable[64], except[64]; /* 4096 descriptors */
};

static void set_bit(unsigned long *set, int fd)
{
    set[fd / 64] |= 1UL << fd % 64;
}

static void show_sets(const struct sets *sets)
{
    show_bytes("readable", sets->readable, sizeof sets->readable);
    show_bytes("writable", sets->writable, sizeof sets->writable);
    show_bytes("except", sets->except, sizeof sets->except);
}

/* Three sets, small and beyond FD_SETSIZE, by time-out and by event. */
static void sets_of_select(uint16_t port)
{
    static struct sets sets;
    struct rlimit more = {4096, 4096};
    int ends[2], count;
    if (setrlimit(RLIMIT_NOFILE, &more) != 0 || pipe2(ends, O_NONBLOCK) != 0 ||
        dup2(ends[0], 50) != 50 || dup2(ends[0], 2000) != 2000)
        broken("pipe");
    for (int round = 0; round < 8; round++) {
        struct timeval limit = {.tv_usec = 1200 * 1000}; /* more than a second of microseconds */
        bool times_out = (round & 1) == 0, has_null = (round & 2) != 0;
        memset(&sets, 0, sizeof sets);
        count = (round & 4) != 0 ? 2100 : 51;
        if (count > 2000)
            set_bit(sets.readable, 2000);
        set_bit(sets.readable, 50);
        set_bit(sets.readable, ends[0]);
        set_bit(sets.except, ends[0]);
        sets.except[63] = 0x77; /* beyond the count: nobody's business */
        pthread_t thread;
        leave_idle(port, 1);
        if (!times_out)
            pthread_create(&thread, NULL, write_soon, (void *)(intptr_t)ends[1]);
        SHOW(select(count, (fd_set *)sets.readable, has_null ? NULL : (fd_set *)sets.writable,
                    (fd_set *)sets.except, &limit));
        say("time left: %d", times_out ? (int)(limit.tv_sec * 1000000 + limit.tv_usec)
                                       : limit.tv_sec == 1 || limit.tv_usec > 100000);
        show_sets(&sets);
        if (!times_out) {
            pthread_join(thread, NULL);
            SHOW(read(ends[0], &count, 1));
        }
    }
}

/* What the kernel refuses it refuses as ever, and at once. */
static void refused(uint16_t port)
{
    void *nowhere = (void *)8;
    volatile int less_than_one = -1;
    struct timespec bad = {.tv_nsec = 1000000000}, negative = {.tv_sec = -1}, good = {.tv_sec = 1};
    struct timeval bad_time = {.tv_sec = -1}, bad_fraction = {1, -1}, good_time = {.tv_sec = 1};
    struct epoll_event event;
    struct pollfd polled = {.fd = 60, .events = POLLIN, .revents = 5};
    fd_set set;
    FD_ZERO(&set);
    FD_SET(60, &set);
    leave_idle(port, 1);
    SHOW(ppoll(&polled, 1, &bad, NULL));
    SHOW(ppoll(&polled, 1, &negative, NULL));
    SHOW(ppoll(&polled, 1, &good, nowhere));
    SHOW(poll(&polled, 1, 1000));
    say("revents %d", polled.revents);
    SHOW(poll(NULL, 0, 1));
    SHOW(select(-1, NULL, NULL, NULL, &good_time));
    SHOW(select(0, NULL, NULL, NULL, &bad_time));
    SHOW(select(0, NULL, NULL, NULL, &bad_fraction));
    SHOW(select(61, &set, NULL, NULL, &good_time));
    show_bytes("set", &set, sizeof set);
    say("time left: %d", good_time.tv_sec == 0 && good_time.tv_usec > 500000);
    SHOW(pselect(61, &set, NULL, NULL, &bad, NULL));
    SHOW(pselect(61, &set, NULL, NULL, &good, nowhere));
    SHOW(pselect(1, nowhere, NULL, NULL, &good, NULL));
    SHOW(epoll_wait(60, &event, 1, 1000));
    SHOW(epoll_wait(STDOUT_FILENO, &event, 1, 1000));
    int epoll = epoll_create1(0);
    SHOW(epoll_wait(epoll, &event, 0, 1000));
    SHOW(epoll_pwait(epoll, &event, less_than_one, -1, NULL));
    SHOW(epoll_pwait(epoll, &event, 1, 1000, nowhere));
    SHOW(epoll_pwait2(epoll, &event, 1, &bad, NULL));
    SHOW(epoll_pwait2(epoll, &event, 1, nowhere, NULL));
    SHOW(nanosleep(&bad, NULL));
    SHOW(nanosleep(&negative, NULL));
    SHOW(nanosleep(nowhere, NULL));
    errno = 0;
    say("clock_nanosleep: %d %d %d %d %d, errno %d",
        clock_nanosleep(CLOCK_MONOTONIC, 0, &bad, NULL),
        clock_nanosleep(CLOCK_MONOTONIC, 0, nowhere, NULL),
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, nowhere, NULL),
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &negative, NULL),
        clock_nanosleep(12345, 0, &good, NULL), errno);
    leave_idle(port, 1);
    SHOW(usleep(1000001)); /* a second and more */
    SHOW(sleep(0));
    SHOW(poll(NULL, 0, 0));
}

/* A vfork child shares our memory, and only waits. */
static void in_a_vfork_child(uint16_t port)
{
    leave_idle(port, 1);
    pid_t child = vfork();
    if (child == 0) {
        struct timespec length = {.tv_nsec = 200 * 1000 * 1000};
        nanosleep(&length, NULL);
        _exit(poll(NULL, 0, 100));
    }
    int status;
    waitpid(child, &status, 0);
    say("status %d", status);
    fetch(port, "/after");
    poll(NULL, 0, LONG_MS);
    say("open: %d", open_connections(port));
}

static void *wait_long(void *argument)
{
    const struct way *way = argument;
    (void)way->wait(-1, LONG_MS);
    return NULL;
}

/* Many threads wait at once, and are woken by the same deadlines. */
static void many_threads(uint16_t port)
{
    pthread_t threads[30];
    start_watcher(port);
    for (int round = 0; round < 3; round++) {
        leave_idle(port, 20);
        watcher_look();
        for (int i = 0; i < 30; i++)
            pthread_create(&threads[i], NULL, wait_long, (void *)(uintptr_t)&ways[i % 5]);
        for (int i = 0; i < 30; i++)
            pthread_join(threads[i], NULL);
        say("open meanwhile: %d", watcher_saw());
    }
}

/* The server stays although the client has announced its close: that close waits for it in vain. */
static void deferred_while_waiting(uint16_t port)
{
    static const char request[] = "GET /x HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n";
    start_watcher(port);
    int fd = connect_to(port);
    expect(send(fd, request, sizeof request - 1, 0) == sizeof request - 1, "send");
    answer(fd);
    watcher_look();
    close(fd);
    SHOW(poll(NULL, 0, LONG_MS));
    say("open meanwhile: %d", watcher_saw());
}

/* Two idle connections, of which the later one has the shorter limit: the server's second. */
static void an_earlier_deadline(uint16_t port)
{
    int first = connect_to(port), second = connect_to(port);
    ask(first, "/first");
    answer(first);
    ask(second, "/promise");
    answer(second);
    close(first);
    pause_unseen(100);
    close(second);
    pause_unseen(1500);
    say("open: %d", open_connections(port));
}

static const struct play plays[] = {
    {"ends_while_waiting", ends_while_waiting},
    {"ends_in_an_endless_wait", ends_in_an_endless_wait},
    {"unseen_waits", unseen_waits},
    {"event_in_a_later_part", event_in_a_later_part},
    {"sets_of_select", sets_of_select},
    {"refused", refused},
    {"in_a_vfork_child", in_a_vfork_child},
    {"many_threads", many_threads},
    {"deferred_while_waiting", deferred_while_waiting},
    {"an_earlier_deadline", an_earlier_deadline},
};

int main(int argc, char **argv)
{
    return play(argc, argv, plays, sizeof plays / sizeof *plays);
}
