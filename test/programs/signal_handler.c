/* SPDX-License-Identifier: MIT
 * A signal handler that connects and closes, amid a loop that does the same. */
#include "program.h"

#include <signal.h>
#include <sys/time.h>

enum { ROUNDS = 1500, SIGNALS = 200 };

static uint16_t port;
static volatile sig_atomic_t handled, handler_wrong;

/* One quiet life, with calls that a handler may make. True when the answer was the right one. */
static bool exchange(const char *path)
{
    char request[100] = "GET ", bytes[200];
    struct sockaddr_in addr = loopback(port);
    ssize_t received;
    strcat(strcat(request, path), " HTTP/1.1\r\nHost: test\r\n\r\n");
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0)
        return false;
    if (connect(fd, (struct sockaddr *)&addr, sizeof addr) != 0 ||
        send(fd, request, strlen(request), 0) != (ssize_t)strlen(request)) {
        close(fd);
        return false;
    }
    received = recv(fd, bytes, sizeof bytes - 1, 0);
    bytes[received > 0 ? received : 0] = '\0';
    return close(fd) == 0 && strstr(bytes, path) != NULL;
}

static void on_alarm(int signal_number)
{
    (void)signal_number;
    int saved = errno;
    if (handled < SIGNALS) {
        handler_wrong += !exchange("/from-the-handler");
        handled++;
    }
    errno = saved;
}

int main(void)
{
    int wrong = 0;
    port = serve(SERVICE_HTTP);
    struct sigaction action = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
    struct itimerval timer = {.it_interval = {.tv_usec = 1000}, .it_value = {.tv_usec = 1000}};
    sigaction(SIGALRM, &action, NULL);
    SHOW(setitimer(ITIMER_REAL, &timer, NULL));
    for (int i = 0; i < ROUNDS; i++)
        wrong += !exchange("/from-the-loop");
    while (handled < SIGNALS)
        pause();
    timer = (struct itimerval){0};
    SHOW(setitimer(ITIMER_REAL, &timer, NULL));
    say("wrong in the loop %d, in the handler %d", wrong, handler_wrong);
    show_descriptors();
    return 0;
}
