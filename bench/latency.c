/* SPDX-License-Identifier: MIT
 * A server that answers in one small write, in two, or at length; and a client that times requests.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

/* No socket here ever sets an option: what is measured is what others do about Nagle's algorithm
 * and delayed ACKs. */

enum { LONG_BODY = 60 * 1000, PIECE = 700, RESPONSE_MAX = 128 * 1024, BODY_LEN = 4 };

static const char head[] = "POST /one HTTP/1.1\r\nHost: bench\r\nContent-Length: 4\r\n\r\n";
static const char body[] = "body";
static const char whole[] = "GET /one HTTP/1.1\r\nHost: bench\r\n\r\n";

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static bool send_all(int fd, const char *bytes, size_t len, size_t at_once)
{
    while (len > 0) {
        ssize_t sent = send(fd, bytes, len < at_once ? len : at_once, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        bytes += sent;
        len -= (size_t)sent;
    }
    return true;
}

/* ---- the server */

static const char *answering; /* one, two or long */

static bool respond(int fd)
{
    static char filler[LONG_BODY];
    char header[128];
    bool is_long = strcmp(answering, "long") == 0;
    size_t body_len = is_long ? LONG_BODY : BODY_LEN;
    int len =
        snprintf(header, sizeof header, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", body_len);
    if (strcmp(answering, "one") == 0) {
        memcpy(header + len, body, BODY_LEN);
        return send_all(fd, header, (size_t)len + BODY_LEN, SIZE_MAX);
    }
    return send_all(fd, header, (size_t)len, SIZE_MAX) &&
           send_all(fd, is_long ? filler : body, body_len, is_long ? PIECE : SIZE_MAX);
}

static void *serve_one(void *argument)
{
    int fd = (int)(intptr_t)argument;
    char request[1024];
    size_t len = 0;
    for (;;) {
        ssize_t received = recv(fd, request + len, sizeof request - len, 0);
        if (received <= 0)
            break;
        len += (size_t)received;
        bool posts = request[0] == 'P';
        if (len < (posts ? sizeof head - 1 + BODY_LEN : sizeof whole - 1))
            continue;
        len = 0;
        if (!respond(fd))
            break;
    }
    close(fd);
    return NULL;
}

static __attribute__((noreturn)) void serve(uint16_t port)
{
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons(port)};
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&addr, sizeof addr) != 0 ||
        listen(listener, 128) != 0)
        fail("listen");
    for (;;) {
        pthread_t thread;
        int fd = accept(listener, NULL, NULL);
        if (fd < 0 || pthread_create(&thread, NULL, serve_one, (void *)(intptr_t)fd) != 0)
            fail("accept");
        pthread_detach(thread);
    }
}

/* ---- the client */

static int body_file; /* for sendfile() */

static ssize_t send_message(int fd)
{
    struct iovec parts[2] = {{.iov_base = (void *)(uintptr_t)head, .iov_len = sizeof head - 1},
                             {.iov_base = (void *)(uintptr_t)body, .iov_len = BODY_LEN}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    return sendmsg(fd, &message, 0);
}

static void request_by(int fd, const char *way)
{
    struct iovec header = {.iov_base = (void *)(uintptr_t)head, .iov_len = sizeof head - 1};
    struct iovec rest = {.iov_base = (void *)(uintptr_t)body, .iov_len = BODY_LEN};
    off_t start = 0;
    bool sent = false;
    if (strcmp(way, "send") == 0)
        sent = send_all(fd, whole, sizeof whole - 1, SIZE_MAX);
    else if (strcmp(way, "send+send") == 0)
        sent =
            send_all(fd, head, sizeof head - 1, SIZE_MAX) && send_all(fd, body, BODY_LEN, SIZE_MAX);
    else if (strcmp(way, "writev+writev") == 0)
        sent = writev(fd, &header, 1) > 0 && writev(fd, &rest, 1) > 0;
    else if (strcmp(way, "sendmsg") == 0)
        sent = send_message(fd) > 0;
    else if (strcmp(way, "send+sendfile") == 0)
        sent = send_all(fd, head, sizeof head - 1, SIZE_MAX) &&
               sendfile(fd, body_file, &start, BODY_LEN) == BODY_LEN;
    if (!sent)
        fail(way);
}

/* How long the response at the start of these bytes is; 0 while that is not known. */
static size_t response_len(const char *bytes, size_t len)
{
    const char *end = memmem(bytes, len, "\r\n\r\n", 4);
    const char *length = end == NULL ? NULL : strcasestr(bytes, "content-length:");
    return length == NULL ? 0 : (size_t)(end + 4 - bytes) + strtoul(length + 15, NULL, 10);
}

/* expected is the length of the responses before, which MSG_WAITALL wants to know. */
static size_t receive_by(int fd, const char *way, size_t expected)
{
    static char response[RESPONSE_MAX];
    size_t len = 0, due = 0;
    bool all = strstr(way, "waitall") != NULL && expected > 0;
    while (due == 0 || len < due) {
        struct pollfd polled = {.fd = fd, .events = POLLIN};
        size_t room = strcmp(way, "pieces") == 0 ? 100 : sizeof response - 1 - len;
        if (strcmp(way, "poll") == 0 && poll(&polled, 1, -1) != 1)
            fail("poll");
        if (all)
            room = expected - len;
        if (strncmp(way, "peek", 4) == 0 &&
            recv(fd, response + len, room, MSG_PEEK | (all ? MSG_WAITALL : 0)) <= 0)
            fail("peek");
        ssize_t received = recv(fd, response + len, room, all ? MSG_WAITALL : 0);
        if (received <= 0)
            fail("recv");
        len += (size_t)received;
        response[len] = '\0';
        if (due == 0)
            due = response_len(response, len);
    }
    return len;
}

static double now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

/* From socket() to close(). */
static double time_request(const struct sockaddr_in *addr, const char *sending,
                           const char *receiving, size_t *expected)
{
    double began = now_us();
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)addr, sizeof *addr) != 0)
        fail("connect");
    request_by(fd, sending);
    *expected = receive_by(fd, receiving, *expected);
    close(fd);
    return now_us() - began;
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "serve") == 0) {
        answering = argv[2];
        serve((uint16_t)atoi(argv[3]));
    }
    if (argc != 6) {
        fputs("usage: latency serve one|two|long PORT\n"
              "       latency ADDRESS PORT SENDING RECEIVING REQUESTS\n",
              stderr);
        return 2;
    }
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[2]))};
    size_t expected = 0;
    inet_pton(AF_INET, argv[1], &addr.sin_addr);
    body_file = memfd_create("body", 0);
    if (pwrite(body_file, body, BODY_LEN, 0) != BODY_LEN)
        fail("memfd_create");
    time_request(&addr, argv[3], argv[4], &expected); /* leaves something to reuse */
    for (int i = 0; i < atoi(argv[5]); i++)
        printf("%.1f\n", time_request(&addr, argv[3], argv[4], &expected));
    return 0;
}
