/* SPDX-License-Identifier: MIT
 * Threads with connections of their own, and one connection used by several in turn. */
#include "program.h"

#include <pthread.h>

enum { THREADS = 6, ROUNDS = 200 };

static uint16_t port;

/* The number of answers that were not to the question. */
static void *work(void *argument)
{
    intptr_t number = (intptr_t)argument, wrong = 0;
    for (int i = 0; i < ROUNDS; i++) {
        char request[100], bytes[300], expected[50];
        snprintf(expected, sizeof expected, "/thread-%d/round-%d\n", (int)number, i);
        int len = snprintf(request, sizeof request, "GET %.*s HTTP/1.1\r\nHost: test\r\n\r\n",
                           (int)strlen(expected) - 1, expected);
        int fd = connect_to(port);
        if (send(fd, request, (size_t)len, 0) != len)
            broken("send");
        ssize_t received = recv(fd, bytes, sizeof bytes - 1, 0);
        bytes[received > 0 ? received : 0] = '\0';
        wrong += strstr(bytes, expected) == NULL;
        if (close(fd) != 0)
            broken("close");
    }
    return (void *)wrong;
}

static void *ask_for_another(void *argument)
{
    ask((int)(intptr_t)argument, "/asked-by-a-thread");
    return NULL;
}

static void *close_for_another(void *argument)
{
    return (void *)(intptr_t)close((int)(intptr_t)argument);
}

int main(void)
{
    pthread_t threads[THREADS];
    port = serve(SERVICE_HTTP);
    for (intptr_t i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, work, (void *)i) != 0)
            broken("pthread_create");
    for (int i = 0; i < THREADS; i++) {
        void *wrong;
        pthread_join(threads[i], &wrong);
        say("wrong answers: %ld", (long)(intptr_t)wrong);
    }
    for (int i = 0; i < 4; i++) {
        void *closed;
        intptr_t fd = connect_to(port);
        pthread_create(&threads[0], NULL, ask_for_another, (void *)fd);
        pthread_join(threads[0], NULL);
        answer((int)fd);
        pthread_create(&threads[0], NULL, close_for_another, (void *)fd);
        pthread_join(threads[0], &closed);
        say("closed by a thread: %ld", (long)(intptr_t)closed);
        SHOW(close((int)fd));
    }
    show_descriptors();
    return 0;
}
