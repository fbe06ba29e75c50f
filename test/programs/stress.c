/* SPDX-License-Identifier: MIT
 * stress THREADS REQUESTS [SECONDS]: threads that fetch from four servers at once and leave at bad
 * moments; every reply is tagged with what was asked. With SECONDS, for so long and disturbed. */
#include "disturbance.h"
#include "tagged.h"

#include <pthread.h>
#include <signal.h>
#include <time.h>

enum { SERVERS = 4, PATH_LEN_MAX = 64, RESPONSE_MAX = 1024 };
/* New descriptors take the lowest number: what a client leaks is found down here. */
enum { DESCRIPTORS = 512 };

/* What a client does with its connection, by the draw of a number below 100. */
enum behaviour {
    READ_WHOLE,
    READ_WHOLE_TWICE, /* two exchanges on one connection */
    READ_IN_PIECES,
    READ_HALF,
    READ_NOTHING,
    GIVE_UP,  /* times out before the answer, or amid it */
    ASK_HALF, /* half a request */
    SAY_NOTHING,
    DUPLICATE,    /* the exchange goes through a duplicate, which is closed first */
    ASK_TO_CLOSE, /* the server announces its close, and closes */
    BEHAVIOURS
};

static uint16_t ports[SERVERS];
static int requests_per_thread, seconds;
static time_t end_s;
static atomic_int mixed_up, whole_answers, failures, done[BEHAVIOURS];

static enum behaviour draw(unsigned *seed)
{
    int number = rand_r(seed) % 100;
    if (number < 70)
        return READ_WHOLE;
    return (enum behaviour)(READ_WHOLE_TWICE + number % (BEHAVIOURS - 1));
}

static int expect_answer(char *bytes, size_t size, const char *path)
{
    const char *announced = strcmp(path, "/close") == 0 ? "Connection: close\r\n" : "";
    int body_len = (int)strlen("you asked for \n") + (int)strlen(path);
    return snprintf(bytes, size,
                    "HTTP/1.1 200 OK\r\n%sContent-Length: %d\r\n\r\nyou asked for %s\n", announced,
                    body_len, path);
}

static bool is_part_of(const char *part, size_t len, const char *path)
{
    char expected[RESPONSE_MAX];
    int expected_len = expect_answer(expected, sizeof expected, path);
    return len <= (size_t)expected_len && memcmp(part, expected, len) == 0;
}

static size_t whole_len(const char *path)
{
    return (size_t)expect_answer(NULL, 0, path);
}

/* Reads up to limit bytes of the answer, in pieces of at most piece. False when they are not of the
 * answer to path. */
static bool read_part(int fd, const char *path, size_t limit, size_t piece)
{
    char response[RESPONSE_MAX];
    size_t len = 0;
    while (len < limit) {
        size_t left = sizeof response - len;
        ssize_t received = recv(fd, response + len, piece < left ? piece : left, 0);
        if (received <= 0) {
            failures++;
            return true;
        }
        len += (size_t)received;
    }
    whole_answers += len == whole_len(path);
    return is_part_of(response, len, path);
}

static void send_request(int fd, const char *path, bool whole)
{
    char request[200];
    int len = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: test\r\n\r\n", path);
    if (!whole)
        len /= 2;
    if (send(fd, request, (size_t)len, MSG_NOSIGNAL) != len)
        failures++;
}

static void give_up(int fd, unsigned *seed)
{
    struct pollfd polled = {.fd = fd, .events = POLLIN};
    struct timeval limit = {.tv_usec = 1000};
    char bytes[10];
    if (rand_r(seed) % 2) {
        poll(&polled, 1, 1);
        return;
    }
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    if (recv(fd, bytes, sizeof bytes, 0) < 0 && errno != EAGAIN && errno != EINTR)
        failures++;
}

static void exchange(int fd, const char *path, size_t limit, size_t piece)
{
    send_request(fd, path, true);
    mixed_up += !read_part(fd, path, limit, piece);
}

static void behave(int fd, enum behaviour behaviour, const char *path, unsigned *seed)
{
    size_t whole = whole_len(path);
    int copy;
    switch (behaviour) {
    case READ_WHOLE:
        exchange(fd, path, whole, RESPONSE_MAX);
        return;
    case READ_WHOLE_TWICE:
        exchange(fd, "/before/the/other", whole_len("/before/the/other"), RESPONSE_MAX);
        exchange(fd, path, whole, RESPONSE_MAX);
        return;
    case READ_IN_PIECES:
        exchange(fd, path, whole, 7);
        return;
    case READ_HALF:
        exchange(fd, path, whole / 2, whole / 2);
        return;
    case READ_NOTHING:
        send_request(fd, path, true);
        return;
    case GIVE_UP:
        send_request(fd, path, true);
        give_up(fd, seed);
        return;
    case ASK_HALF:
        send_request(fd, path, false);
        return;
    case DUPLICATE:
        copy = dup(fd);
        exchange(copy, path, whole, RESPONSE_MAX);
        if (close(copy) != 0)
            failures++;
        return;
    case ASK_TO_CLOSE:
        exchange(fd, "/close", whole_len("/close"), RESPONSE_MAX);
        return;
    case SAY_NOTHING:
    case BEHAVIOURS:
        return;
    }
}

static time_t now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

static bool is_done(int requests)
{
    return seconds > 0 ? now_s() >= end_s : requests >= requests_per_thread;
}

static void *work(void *argument)
{
    int number = (int)(intptr_t)argument;
    unsigned seed = (unsigned)number + 1;
    for (int i = 0; !is_done(i); i++) {
        enum behaviour behaviour = draw(&seed);
        struct sockaddr_in addr = loopback(ports[rand_r(&seed) % SERVERS]);
        char path[PATH_LEN_MAX];
        snprintf(path, sizeof path, "/thread-%d/request-%d", number, i);
        if (behaviour == GIVE_UP)
            strcpy(path, "/late"); /* the server lets it wait */
        int fd = socket(AF_INET, SOCK_STREAM | (i % 3 ? SOCK_CLOEXEC : 0), 0);
        if (fd < 0 || connect(fd, (struct sockaddr *)&addr, sizeof addr) != 0)
            broken("connect");
        behave(fd, behaviour, path, &seed);
        if (close(fd) != 0)
            failures++;
        done[behaviour]++;
    }
    return NULL;
}

static int count_descriptors(void)
{
    int count = 0;
    for (int fd = 0; fd < DESCRIPTORS; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

static void block_alarm(void)
{
    sigset_t alarm_only;
    sigemptyset(&alarm_only);
    sigaddset(&alarm_only, SIGALRM);
    pthread_sigmask(SIG_BLOCK, &alarm_only, NULL);
}

/* The kernel prefers the first thread for signals to all: it must not be the one that waits. */
static void run_all(int threads)
{
    pthread_t handles[64];
    for (intptr_t i = 0; i < threads; i++)
        if (pthread_create(&handles[i], NULL, work, (void *)i) != 0)
            broken("pthread_create");
    block_alarm();
    for (int i = 0; i < threads; i++)
        pthread_join(handles[i], NULL);
}

static void run_disturbed(int threads)
{
    struct disturbance disturbance = {0};
    disturbance_begin(&disturbance);
    run_all(threads);
    disturbance_end();
    say("disturbed by signals %d, exchanges in handlers %d, children %d", disturbance.signals,
        disturbance.exchanges, disturbance.children);
    say("wrong in handlers and children %d", disturbance.wrong);
}

int main(int argc, char **argv)
{
    int threads = argc > 1 ? atoi(argv[1]) : 8, requests = argc > 2 ? atoi(argv[2]) : 10000;
    if (threads < 1 || threads > 64)
        broken("THREADS is a number from 1 to 64");
    for (int i = 0; i < SERVERS; i++)
        ports[i] = serve(SERVICE_HTTP);
    tagged_port = ports[0];
    requests_per_thread = requests / threads;
    seconds = argc > 3 ? atoi(argv[3]) : 0;
    end_s = now_s() + seconds;
    int before = count_descriptors();
    if (seconds > 0)
        run_disturbed(threads);
    else
        run_all(threads);
    int every = 0, kinds = 0;
    for (int i = 0; i < BEHAVIOURS; i++) {
        every += done[i];
        kinds += done[i] > 0;
    }
    say("requests %d, kinds of behaviour %d", every, kinds);
    say("mixed up %d, failures %d, whole answers %d", mixed_up, failures, whole_answers);
    say("descriptors left over %d", count_descriptors() - before);
    say("next %s", tagged_verify());
    return mixed_up != 0 || failures != 0;
}
