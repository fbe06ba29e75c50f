/* SPDX-License-Identifier: MIT
 * Plays about signals, jumps and cancellation in waits during which idle connections end. */
#include "program.h"
#include "ways.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/time.h>

static volatile sig_atomic_t handled;
static sigjmp_buf out;
static uint16_t server;

static void count_signal(int number)
{
    (void)number;
    handled++;
}

static void handle(int number, void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
    sigaction(number, &action, NULL);
}

static void alarm_in(int us, int again_us)
{
    struct itimerval timer = {.it_interval = {.tv_usec = again_us}, .it_value = {.tv_usec = us}};
    setitimer(ITIMER_REAL, &timer, NULL);
}

/* The kernel's word for this thread's mask. */
static unsigned long mask_now(void)
{
    sigset_t set;
    unsigned long word;
    pthread_sigmask(SIG_SETMASK, NULL, &set);
    memcpy(&word, &set, sizeof word);
    return word;
}

/* One signal for each wait, which ends it wherever it lands: from before the deadline to after,
 * where connections end. On a busy machine a few come before their wait begins: what comes between
 * two parts is another test's, exactly. */
static void at_every_phase(uint16_t port)
{
    handle(SIGALRM, count_signal);
    for (int i = 0; i < way_count; i++) {
        int interrupted = 0, rounds = 0, unhandled = 0;
        for (int us = 8000; us < 13000; us += 200, rounds++) {
            leave_idle(port, 4);
            handled = 0;
            alarm_in(us, 0);
            int result = ways[i].wait(-1, 1000);
            interrupted += result == -1 && errno == EINTR;
            unhandled += handled != 1;
        }
        say("%s: of %d waits at most a tenth was not interrupted: %d; %d without their handler",
            ways[i].name, rounds, interrupted >= rounds * 9 / 10, unhandled);
    }
}

/* A thousand signals a second, and waits in a row: none of them is longer than it takes. */
static void at_one_kilohertz(uint16_t port)
{
    handle(SIGALRM, count_signal);
    for (int i = 0; i < way_count; i++) {
        int interrupted = 0;
        double begun = now_ms();
        leave_idle(port, 8);
        alarm_in(1000, 1000);
        for (int round = 0; round < 150; round++)
            interrupted += ways[i].wait(-1, 1000) == -1 && errno == EINTR;
        alarm_in(0, 0);
        say("%s: interrupted %d, %s", ways[i].name, interrupted,
            now_ms() - begun < 20000 ? "in time" : "TOO LATE");
    }
}

/* What is left is told, and what was waited is what is not left. */
static void time_left(uint16_t port)
{
    handle(SIGALRM, count_signal);
    for (int i = 0; i < way_count; i++) {
        leave_idle(port, 1);
        alarm_in(200 * 1000, 0);
        left_ms = -1;
        double begun = now_ms();
        int result = ways[i].wait(-1, 1500);
        int error = errno;
        double waited = now_ms() - begun;
        bool tells = left_ms >= 0;
        say("%s = %d %s, tells %d, %d", ways[i].name, result, strerrorname_np(error), tells,
            !tells || (left_ms + waited > 1490 && left_ms + waited < 1600));
    }
    for (int ms = 300; ms < 1700; ms += 400) {
        leave_idle(port, 1);
        alarm_in(ms % 1000 * 1000, 0);
        if (ms >= 1000)
            setitimer(ITIMER_REAL, &(struct itimerval){.it_value = {ms / 1000, ms % 1000 * 1000}},
                      NULL);
        errno = 0;
        unsigned left = sleep(2);
        say("sleep(2) after %d ms: %u, errno %d", ms, left, errno);
    }
    leave_idle(port, 1);
    alarm_in(200 * 1000, 0);
    struct timespec length = {.tv_sec = 1};
    SHOW(nanosleep(&length, NULL));
    leave_idle(port, 1);
    alarm_in(200 * 1000, 0);
    SHOW(nanosleep(&length, (void *)8));
}

static void leave(int number)
{
    (void)number;
    handled++;
    siglongjmp(out, 1);
}

/* Out of the wait, before the deadline and after: the mask is as it would be. */
static void jumps(uint16_t port)
{
    static volatile int i, keeps;
    sigset_t blocked;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &blocked, NULL);
    handle(SIGALRM, leave);
    for (i = 0; i < way_count; i++)
        for (keeps = 0; keeps < 2; keeps++) {
            leave_idle(port, 1);
            if (sigsetjmp(out, keeps) == 0) {
                alarm_in(keeps ? 20 * 1000 : 120 * 1000, 0);
                ways[i].wait(-1, 1000);
            }
            say("%s: mask %lx after the jump", ways[i].name, mask_now());
            sigemptyset(&blocked);
            sigaddset(&blocked, SIGALRM);
            pthread_sigmask(SIG_UNBLOCK, &blocked, NULL);
            leave_idle(port, 1);
            say("%s again = %d, mask %lx", ways[i].name, ways[i].wait(-1, 100), mask_now());
        }
}

static void show_in_handler(int number)
{
    say("handler of %d, mask %lx", number, mask_now());
}

/* Blocked signals stay so in the wait; the mask of the p-variants counts in it, and only there. */
static void masks(uint16_t port)
{
    struct timespec limit = {.tv_nsec = 300 * 1000 * 1000};
    struct timeval kept = {.tv_usec = 300 * 1000};
    sigset_t alarm_set, none;
    sigemptyset(&none);
    sigemptyset(&alarm_set);
    sigaddset(&alarm_set, SIGALRM);
    handle(SIGALRM, show_in_handler);
    pthread_sigmask(SIG_BLOCK, &alarm_set, NULL);
    leave_idle(port, 1);
    alarm_in(100 * 1000, 0);
    SHOW(select(0, NULL, NULL, NULL, &kept));
    leave_idle(port, 1);
    SHOW(ppoll(NULL, 0, &limit, &none)); /* the pending one */
    say("mask %lx", mask_now());
    leave_idle(port, 1);
    alarm_in(100 * 1000, 0);
    SHOW(pselect(0, NULL, NULL, NULL, &limit, &none));
    say("mask %lx", mask_now());
    pthread_sigmask(SIG_UNBLOCK, &alarm_set, NULL);
    leave_idle(port, 1);
    alarm_in(100 * 1000, 0);
    SHOW(ppoll(NULL, 0, &limit, &alarm_set)); /* handled, but only after the wait */
    say("mask %lx", mask_now());
    for (int i = 0; i < way_count; i++) {
        leave_idle(port, 1);
        alarm_in(250 * 1000, 0);
        int result = ways[i].wait(-1, 3000);
        say("%s = %d, mask %lx", ways[i].name, result, mask_now());
    }
}

static void fork_here(int number)
{
    (void)number;
    handled = fork() == 0 ? 2 : 1;
}

/* The child comes back from the handler into the wait. */
static void forks(uint16_t port)
{
    handle(SIGALRM, fork_here);
    for (int i = 0; i < way_count; i++) {
        leave_idle(port, 1);
        handled = 0;
        alarm_in(250 * 1000, 0);
        int result = ways[i].wait(-1, 3000), error = errno;
        if (handled == 2) {
            say("child: %s = %d %s, mask %lx", ways[i].name, result, strerrorname_np(error),
                mask_now());
            fetch(server, "/child");
            _exit(ways[i].wait(-1, 100));
        }
        int status = -1;
        wait(&status);
        say("parent: %s = %d %s, mask %lx, child %x", ways[i].name, result, strerrorname_np(error),
            mask_now(), status);
    }
}

static void live_in_handler(int number)
{
    (void)number;
    int saved = errno;
    leave_idle(server, 2);
    handled = poll(NULL, 0, 150) == 0 ? 1 : 2;
    errno = saved;
}

/* A handler that connects, closes, and waits itself. */
static void waits_in_the_handler(uint16_t port)
{
    handle(SIGALRM, live_in_handler);
    for (int i = 0; i < way_count; i++) {
        leave_idle(port, 2);
        handled = 0;
        alarm_in(250 * 1000, 0);
        int result = ways[i].wait(-1, 3000);
        say("%s = %d %s, in the handler %d, mask %lx", ways[i].name, result, strerrorname_np(errno),
            handled, mask_now());
    }
}

/* Stopped and continued by another process, without a handler. The kernel then ends epoll_wait() by
 * EINTR, signal(7), but not ppoll(), by which a cut one waits: either will do. */
static void stopped(uint16_t port)
{
    for (int i = 0; i < way_count; i++) {
        leave_idle(port, 1);
        pid_t parent = getpid(), child = fork();
        if (child == 0) {
            sleep_ms(250);
            kill(parent, SIGSTOP);
            sleep_ms(50);
            kill(parent, SIGCONT);
            _exit(0);
        }
        double begun = now_ms();
        int result = ways[i].wait(-1, 600), error = errno;
        double waited = now_ms() - begun;
        if (strncmp(ways[i].name, "epoll", 5) == 0 && result < 0 && error == EINTR)
            result = 0;
        else if (result == 0 && waited < 599)
            say("TOO SHORT");
        say("%s = %d%s", ways[i].name, result, result < 0 ? strerrorname_np(error) : "");
        waitpid(child, NULL, 0);
    }
}

static void show_mask(void *argument)
{
    say("%s: clean-up with mask %lx", (const char *)argument, mask_now());
}

static int begun[2];

static void *wait_to_be_cancelled(void *argument)
{
    const struct way *way = argument;
    leave_idle(server, 1);
    pthread_cleanup_push(show_mask, (void *)(uintptr_t)way->name);
    if (write(begun[1], "", 1) != 1)
        broken("write");
    way->wait(-1, 2000);
    pthread_cleanup_pop(0);
    say("%s was not cancelled", way->name);
    return NULL;
}

static void *wait_as_cancelled(void *argument)
{
    const struct way *way = argument;
    int state;
    leave_idle(server, 1);
    pthread_cleanup_push(show_mask, (void *)(uintptr_t)way->name);
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
    pthread_cancel(pthread_self());
    leave_idle(server, 1);
    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &state);
    way->wait(-1, 2000);
    pthread_cleanup_pop(0);
    say("%s was not cancelled", way->name);
    return NULL;
}

static void cancel_waits(void *(*body)(void *), bool from_outside)
{
    for (int i = 0; i < way_count; i++) {
        pthread_t thread;
        void *result = NULL;
        if (pthread_create(&thread, NULL, body, (void *)(uintptr_t)&ways[i]) != 0)
            broken("pthread_create");
        if (from_outside) {
            char byte;
            if (read(begun[0], &byte, 1) != 1)
                broken("read");
            pause_unseen(150);
            pthread_cancel(thread);
        }
        pthread_join(thread, &result);
        say("%s: cancelled %d", ways[i].name, result == PTHREAD_CANCELED);
    }
}

static void cancelled(uint16_t port)
{
    (void)port;
    if (pipe(begun) != 0)
        broken("pipe");
    cancel_waits(wait_to_be_cancelled, true);
}

static void cancelled_before(uint16_t port)
{
    (void)port;
    cancel_waits(wait_as_cancelled, false);
}

static void note_server(uint16_t port, void (*run)(uint16_t))
{
    server = port;
    run(port);
}

#define PLAY(name)                                                                                 \
    static void play_##name(uint16_t port)                                                         \
    {                                                                                              \
        note_server(port, name);                                                                   \
    }
PLAY(at_every_phase)
PLAY(at_one_kilohertz)
PLAY(time_left)
PLAY(jumps)
PLAY(masks)
PLAY(forks)
PLAY(waits_in_the_handler)
PLAY(stopped)
PLAY(cancelled)
PLAY(cancelled_before)

static const struct play plays[] = {
    {"at_every_phase", play_at_every_phase},
    {"at_one_kilohertz", play_at_one_kilohertz},
    {"time_left", play_time_left},
    {"jumps", play_jumps},
    {"masks", play_masks},
    {"forks", play_forks},
    {"waits_in_the_handler", play_waits_in_the_handler},
    {"stopped", play_stopped},
    {"cancelled", play_cancelled},
    {"cancelled_before", play_cancelled_before},
};

int main(int argc, char **argv)
{
    return play(argc, argv, plays, sizeof plays / sizeof *plays);
}
