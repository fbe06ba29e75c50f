/* SPDX-License-Identifier: MIT
 * Blocking calls that never return: a thread cancelled in recv(), a siglongjmp out of it, and one
 * that a signal interrupts. */
#include "program.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/time.h>

static sigjmp_buf out;
static bool jump;

static void on_alarm(int signal_number)
{
    (void)signal_number;
    if (jump)
        siglongjmp(out, 1);
}

static void *block(void *argument)
{
    char byte;
    recv((int)(intptr_t)argument, &byte, 1, 0);
    return NULL;
}

static void cancel_reader(uint16_t port)
{
    void *result = NULL;
    int fd = connect_to(port);
    ask(fd, "/late");
    pthread_t reader = start_blocked(block, (void *)(intptr_t)fd);
    SHOW(pthread_cancel(reader));
    pthread_join(reader, &result);
    say("cancelled: %d", result == PTHREAD_CANCELED);
    SHOW(close(fd));
    fetch(port, "/next");
}

static void interrupt_reader(uint16_t port, bool by_jump)
{
    struct itimerval timer = {.it_value = {.tv_usec = 30 * 1000}};
    int fd = connect_to(port);
    ask(fd, "/late");
    jump = by_jump;
    setitimer(ITIMER_REAL, &timer, NULL);
    if (sigsetjmp(out, 1) == 0)
        show_recv(fd, 100, 0);
    else
        say("jumped out of recv");
    SHOW(close(fd));
    fetch(port, "/next");
}

int main(void)
{
    uint16_t port = serve(SERVICE_HTTP);
    struct sigaction action = {.sa_handler = on_alarm};
    sigaction(SIGALRM, &action, NULL);
    for (int i = 0; i < 3; i++) {
        cancel_reader(port);
        interrupt_reader(port, true);
        interrupt_reader(port, false);
        /* The connection lives on after the jump. */
        struct itimerval timer = {.it_value = {.tv_usec = 30 * 1000}};
        volatile int fd = connect_to(port);
        ask(fd, "/late");
        jump = true;
        setitimer(ITIMER_REAL, &timer, NULL);
        if (sigsetjmp(out, 1) == 0)
            show_recv(fd, 100, 0);
        answer(fd);
        ask(fd, "/again");
        answer(fd);
        SHOW(close(fd));
        fetch(port, "/next");
    }
    show_descriptors();
    return 0;
}
