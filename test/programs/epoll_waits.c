/* SPDX-License-Identifier: MIT
 * Plays about waits on epoll sets that come to nothing: by a signal, by a jump out of its handler,
 * by a cancellation; and about cut ones. */
#include "sets.h"
#include "ways.h"

#include <setjmp.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/time.h>

enum { WHILE_MS = 20, MANY_SETS = 20 /* more than one wait tells of its end */ };

/* A set is closed while another thread waits in it: the very thing that is shown. */
const char *__tsan_default_suppressions(void);
const char *__tsan_default_suppressions(void)
{
    return "race:epoll_waits.c\n";
}

static sigjmp_buf out;

static void come_back(int number)
{
    (void)number;
}

static void jump(int number)
{
    (void)number;
    siglongjmp(out, 1);
}

static void alarm_in(int ms, void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler};
    struct itimerval timer = {.it_value = {.tv_usec = ms * 1000}};
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &timer, NULL);
}

static int by_wait(int set)
{
    struct epoll_event event;
    return epoll_wait(set, &event, 1, -1);
}

static int by_pwait(int set)
{
    struct epoll_event event;
    return epoll_pwait(set, &event, 1, -1, NULL);
}

static int by_pwait2(int set)
{
    struct epoll_event event;
    return epoll_pwait2(set, &event, 1, NULL, NULL);
}

static int by_poll(int set)
{
    struct pollfd polled = {.fd = set, .events = POLLIN};
    return poll(&polled, 1, -1);
}

static int by_poll_of_many(int set)
{
    struct pollfd polled[MANY_SETS];
    for (int i = 0; i < MANY_SETS - 1; i++)
        polled[i] = (struct pollfd){.fd = new_set(), .events = POLLIN};
    polled[MANY_SETS - 1] = (struct pollfd){.fd = set, .events = POLLIN};
    return poll(polled, MANY_SETS, -1);
}

static int by_select(int set)
{
    fd_set in;
    FD_ZERO(&in);
    FD_SET(set, &in);
    return select(set + 1, &in, NULL, NULL, NULL);
}

static int set_of_one(int fd)
{
    int set = new_set();
    add(set, fd, EPOLLIN, 0x01d);
    return set;
}

static void interrupt(uint16_t port, int (*wait)(int set))
{
    int fd = used(port), set = set_of_one(fd);
    alarm_in(WHILE_MS, come_back);
    SHOW(wait(set));
    SHOW(control(set, EPOLL_CTL_DEL, fd, 0, 0));
    SHOW(close(fd));
}

static void interrupted(uint16_t port)
{
    interrupt(port, by_wait);
}

static void interrupted_by_pwait(uint16_t port)
{
    interrupt(port, by_pwait);
}

static void interrupted_by_pwait2(uint16_t port)
{
    interrupt(port, by_pwait2);
}

static void interrupted_in_poll(uint16_t port)
{
    interrupt(port, by_poll);
}

static void interrupted_in_select(uint16_t port)
{
    interrupt(port, by_select);
}

/* Nothing was given up. */
static void interrupted_and_read_on(uint16_t port)
{
    int fd = used(port), set = set_of_one(fd);
    ask(fd, "/late");
    alarm_in(WHILE_MS, come_back);
    SHOW(by_wait(set));
    SHOW(by_wait(set));
    answer(fd);
    SHOW(close(fd));
}

static void leave(int set, int (*wait)(int set))
{
    if (sigsetjmp(out, 1) == 0) {
        alarm_in(WHILE_MS, jump);
        SHOW(wait(set));
    }
}

static void left(uint16_t port)
{
    int fd = used(port), set = set_of_one(fd);
    leave(set, by_wait);
    SHOW(close(fd));
}

static void left_and_deleted(uint16_t port)
{
    int fd = used(port), set = set_of_one(fd);
    leave(set, by_wait);
    SHOW(control(set, EPOLL_CTL_DEL, fd, 0, 0));
    SHOW(close(fd));
}

static void left_poll(uint16_t port)
{
    int fd = used(port), set = set_of_one(fd);
    leave(set, by_poll);
    SHOW(close(fd));
}

static void left_poll_of_many_sets(uint16_t port)
{
    int fd = used(port), set = set_of_one(fd);
    leave(set, by_poll_of_many);
    SHOW(close(fd));
}

static void left_select(uint16_t port)
{
    int fd = used(port), set = set_of_one(fd);
    leave(set, by_select);
    SHOW(close(fd));
}

static void left_and_set_closed(uint16_t port)
{
    int fd = used(port), set = set_of_one(fd);
    leave(set, by_wait);
    SHOW(close(set));
    new_set(); /* by the same record */
    SHOW(close(fd));
}

/* The record of the closed one waits for nothing. */
static void left_and_read_on_in_another(uint16_t port)
{
    int fd = used(port), set = set_of_one(fd);
    ask(fd, "/late");
    leave(set, by_wait);
    SHOW(close(set));
    set = set_of_one(fd);
    show_events(set, 1000);
    answer(fd);
    SHOW(close(fd));
}

/* Each wait has had its end: none is open. */
static void waited_out_in_poll(uint16_t port)
{
    int fd = used(port), set = set_of_one(fd);
    ask(fd, "/again");
    SHOW(by_wait(set));
    SHOW(by_poll(set));
    SHOW(by_select(set));
    answer(fd);
    SHOW(close(fd));
}

static void *wait_in_thread(void *set)
{
    by_wait((int)(intptr_t)set);
    return NULL;
}

static void cancelled(uint16_t port)
{
    int fd = used(port), set = set_of_one(fd);
    pthread_t thread = start_blocked(wait_in_thread, (void *)(intptr_t)set);
    SHOW(pthread_cancel(thread));
    SHOW(pthread_join(thread, NULL));
    SHOW(control(set, EPOLL_CTL_DEL, fd, 0, 0));
    SHOW(close(fd));
}

static void *wait_for_ever(void *set)
{
    struct epoll_event event;
    epoll_wait((int)(intptr_t)set, &event, 1, 1000);
    return NULL;
}

/* The end of a wait in an earlier life of the record is none of the later's. */
static void ended_in_a_closed_set(uint16_t port)
{
    int fd = used(port), empty = new_set(), ends[2];
    expect(pipe(ends) == 0, "pipe");
    add(empty, ends[0], EPOLLIN, 0x9);
    pthread_t thread = start_blocked(wait_for_ever, (void *)(intptr_t)empty);
    SHOW(close(empty));
    int set = set_of_one(fd);
    leave(set, by_wait);
    SHOW(write(ends[1], "x", 1));
    SHOW(pthread_join(thread, NULL));
    SHOW(close(fd));
}

static void *write_later(void *fd)
{
    pause_unseen(300);
    if (write((int)(intptr_t)fd, "x", 1) != 1)
        broken("write");
    return NULL;
}

static int wait_by(int set, int way, int ms)
{
    struct epoll_event event;
    struct timespec limit = {ms / 1000, ms % 1000 * 1000000L};
    if (way == 0)
        return epoll_wait(set, &event, 1, ms);
    if (way == 1)
        return epoll_pwait(set, &event, 1, ms, NULL);
    return epoll_pwait2(set, &event, 1, ms < 0 ? NULL : &limit, NULL);
}

/* poll(2) refuses more descriptors than RLIMIT_NOFILE allows, epoll_wait(2) knows no limit. */
static void where_poll_is_refused(uint16_t port)
{
    struct rlimit none, own;
    getrlimit(RLIMIT_NOFILE, &own);
    none = (struct rlimit){.rlim_cur = 0, .rlim_max = own.rlim_max};
    for (int way = 0; way < 3; way++) {
        int ends[2], set = new_set();
        pthread_t thread;
        expect(pipe(ends) == 0, "pipe");
        add(set, ends[0], EPOLLIN, 0x9);
        leave_idle(port, 2);
        setrlimit(RLIMIT_NOFILE, &none);
        double begun = now_ms();
        SHOW(wait_by(set, way, 300));
        say("%s", now_ms() - begun > 299 ? "not too short" : "TOO SHORT");
        setrlimit(RLIMIT_NOFILE, &own);
        leave_idle(port, 2);
        setrlimit(RLIMIT_NOFILE, &none);
        pthread_create(&thread, NULL, write_later, (void *)(intptr_t)ends[1]);
        SHOW(wait_by(set, way, -1));
        setrlimit(RLIMIT_NOFILE, &own);
        pthread_join(thread, NULL);
        expect(read(ends[0], &(char){0}, 1) == 1, "read");
        leave_idle(port, 2);
        setrlimit(RLIMIT_NOFILE, &none);
        alarm_in(300, come_back);
        SHOW(wait_by(set, way, -1));
        setrlimit(RLIMIT_NOFILE, &own);
    }
}

static void *wait_for_one(void *set)
{
    struct epoll_event event;
    return (void *)(intptr_t)epoll_wait((int)(intptr_t)set, &event, 1, 700);
}

/* Of two that wait, one has the event, the other its whole time. */
static void an_event_taken_by_another(uint16_t port)
{
    int ends[2], set = new_set();
    pthread_t threads[2], writer;
    void *results[2];
    expect(pipe(ends) == 0, "pipe");
    add(set, ends[0], EPOLLIN | EPOLLET, 0x9);
    leave_idle(port, 2);
    double begun = now_ms();
    for (int i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, wait_for_one, (void *)(intptr_t)set);
    pthread_create(&writer, NULL, write_later, (void *)(intptr_t)ends[1]);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], &results[i]);
    pthread_join(writer, NULL);
    say("%d event, %s", (int)(intptr_t)results[0] + (int)(intptr_t)results[1],
        now_ms() - begun > 699 ? "not too short" : "TOO SHORT");
}

static void *wait_for_long(void *set)
{
    struct epoll_event event;
    return (void *)(intptr_t)(epoll_wait((int)(intptr_t)set, &event, 1, 1500) > 0);
}

/* The set is closed under the wait, and its number given to another, whose event is not for it. */
static void another_set_at_its_number(uint16_t port)
{
    int ends[2], set = new_set();
    void *had_an_event;
    expect(pipe(ends) == 0 && write(ends[1], "x", 1) == 1, "pipe");
    leave_idle(port, 2);
    pthread_t thread = start_blocked(wait_for_long, (void *)(intptr_t)set);
    close(set);
    expect(new_set() == set, "the same number");
    add(set, ends[0], EPOLLIN, 0x9);
    pthread_join(thread, &had_an_event);
    say("it had %s", had_an_event != NULL ? "the OTHER'S event" : "none");
}

static const struct play plays[] = {
    {"interrupted", interrupted},
    {"interrupted_by_pwait", interrupted_by_pwait},
    {"interrupted_by_pwait2", interrupted_by_pwait2},
    {"interrupted_in_poll", interrupted_in_poll},
    {"interrupted_in_select", interrupted_in_select},
    {"interrupted_and_read_on", interrupted_and_read_on},
    {"left", left},
    {"left_and_deleted", left_and_deleted},
    {"left_poll", left_poll},
    {"left_poll_of_many_sets", left_poll_of_many_sets},
    {"left_select", left_select},
    {"left_and_set_closed", left_and_set_closed},
    {"left_and_read_on_in_another", left_and_read_on_in_another},
    {"waited_out_in_poll", waited_out_in_poll},
    {"cancelled", cancelled},
    {"ended_in_a_closed_set", ended_in_a_closed_set},
    {"where_poll_is_refused", where_poll_is_refused},
    {"an_event_taken_by_another", an_event_taken_by_another},
    {"another_set_at_its_number", another_set_at_its_number},
};

int main(int argc, char **argv)
{
    return play_or_all(argc, argv, plays, sizeof plays / sizeof *plays);
}
