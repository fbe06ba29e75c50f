/* SPDX-License-Identifier: MIT
 * pthread_cancel() at every moment of close(), connect() and others, deferred and asynchronous: the
 * thread ends or it does not, and nothing else is lost with it. */
#include "tagged.h"
#include "tracer.h"

#include <pthread.h>
#include <signal.h>

/* Instructions past each system call: the library may be anywhere between two of its own. */
static const int instructions[] = {0, 2, 5, 9, 14, 20, 28, 40, 60, 90};
enum { STEPS = sizeof instructions / sizeof *instructions };

static const char *const operations[] = {"close", "connect", "send", "recv", "poll"};
enum operation { CLOSE, CONNECT, SEND, RECEIVE, POLL, OPERATIONS };

static struct {
    enum operation operation;
    int calls, steps, type;
} life;
static int fd, tag;
static char request[TAGGED_REQUEST_MAX], response[TAGGED_RESPONSE_MAX];
static volatile sig_atomic_t raised;

/* In the thread itself, so that the moment is the chosen one. */
static void on_signal(int signal_number)
{
    (void)signal_number;
    raised = 1;
    pthread_cancel(pthread_self());
}

static void set_up(void)
{
    struct pollfd polled = {.events = POLLIN};
    tag = tagged_next();
    fd = tagged_connect();
    if (life.operation == CLOSE || life.operation == CONNECT)
        tagged_exchange(fd);
    if (life.operation == CONNECT) {
        close(fd);
        fd = socket(AF_INET, SOCK_STREAM, 0);
    }
    tagged_request(request, sizeof request, tag);
    if (life.operation != RECEIVE && life.operation != POLL)
        return;
    send(fd, request, strlen(request), MSG_NOSIGNAL);
    polled.fd = fd;
    poll(&polled, 1, 1000);
}

static void operate(void)
{
    struct sockaddr_in addr = loopback(tagged_port);
    struct pollfd polled = {.fd = fd, .events = POLLIN};
    switch (life.operation) {
    case CLOSE:
        close(fd);
        return;
    case CONNECT:
        (void)!connect(fd, (struct sockaddr *)&addr, sizeof addr);
        return;
    case SEND:
        send(fd, request, strlen(request), MSG_NOSIGNAL);
        return;
    case RECEIVE:
        recv(fd, response, sizeof response, 0);
        return;
    case POLL:
        poll(&polled, 1, 1000);
        return;
    case OPERATIONS:
        return;
    }
}

static void *run(void *unused)
{
    pthread_setcanceltype(life.type, NULL);
    tracer_arm(life.calls, life.steps);
    operate();
    tracer_disarm();
    return unused;
}

/* Returns what became of it all; *cancelled tells whether the thread ended before its time. */
static const char *live(bool *cancelled)
{
    pthread_t thread;
    void *result;
    int lowest = dup(0);
    raised = 0;
    set_up();
    if (pthread_create(&thread, NULL, run, NULL) != 0 || pthread_join(thread, &result) != 0)
        broken("pthread_create");
    *cancelled = result == PTHREAD_CANCELED;
    if (fcntl(fd, F_GETFD) >= 0)
        close(fd);
    const char *verdict = tagged_verify();
    int now_lowest = dup(0);
    close(now_lowest);
    close(lowest);
    return now_lowest == lowest + 1 ? verdict : "A NUMBER LOST";
}

static void cancel(enum operation operation, int type)
{
    int cancelled_times = 0, finished_times = 0;
    life.operation = operation;
    life.type = type;
    int times = 0;
    do {
        bool cancelled;
        life.calls = times / STEPS;
        life.steps = instructions[times % STEPS];
        const char *verdict = live(&cancelled);
        if (strcmp(verdict, "well") != 0)
            say("%s, %d: %s", operations[operation], times, verdict);
        cancelled_times += cancelled;
        finished_times += !cancelled;
    } while (times++ % STEPS != 0 || raised); /* beyond the last call no signal comes */
    say("%s, %s: some cancelled %d, some finished %d", operations[operation],
        type == PTHREAD_CANCEL_DEFERRED ? "deferred" : "asynchronous", cancelled_times > 0,
        finished_times > 0);
}

int main(int argc, char **argv)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    (void)argc;
    tracer_start(argv);
    tagged_open_most = 18; /* with four idle, it has 12 */
    tagged_port = serve(SERVICE_HTTP);
    sigaction(SIGUSR1, &action, NULL);
    for (int i = 0; i < OPERATIONS; i++) {
        cancel((enum operation)i, PTHREAD_CANCEL_DEFERRED);
        cancel((enum operation)i, PTHREAD_CANCEL_ASYNCHRONOUS);
    }
    show_descriptors();
    return 0;
}
