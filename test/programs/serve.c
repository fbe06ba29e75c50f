/* SPDX-License-Identifier: MIT
 * The server that the small socket programs talk to: a child process, a thread per connection. */
#include "program.h"

#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>

enum { LIFE_S = 120 };          /* no program runs for so long: a server never outlives its test */
enum { BIG_BODY = 200 * 1000 }; /* more than fits into the socket buffers of an idle reader */

static enum service service_kind;

static bool send_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t sent = send(fd, bytes, len, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        bytes += sent;
        len -= (size_t)sent;
    }
    return true;
}

static bool send_body(int fd, const char *path, const char *more_headers)
{
    char body[512], header[256];
    int body_len = snprintf(body, sizeof body, "you asked for %s\n", path);
    int header_len =
        snprintf(header, sizeof header, "HTTP/1.1 200 OK\r\n%sContent-Length: %d\r\n\r\n",
                 more_headers, body_len);
    if (strncmp(path, "/slow", 5) != 0) {
        char whole[sizeof header + sizeof body];
        memcpy(whole, header, (size_t)header_len);
        memcpy(whole + header_len, body, (size_t)body_len);
        return send_all(fd, whole, (size_t)(header_len + body_len));
    }
    if (!send_all(fd, header, (size_t)header_len) || !send_all(fd, body, 5))
        return false;
    sleep_ms(300);
    return send_all(fd, body + 5, (size_t)body_len - 5);
}

static bool send_big(int fd)
{
    static const char header[] = "HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\nbig\n";
    char filler[1000];
    memset(filler, 'x', sizeof filler);
    if (!send_all(fd, header, sizeof header - 1) || !send_all(fd, filler, sizeof filler - 4))
        return false;
    for (size_t sent = sizeof filler; sent < BIG_BODY; sent += sizeof filler)
        if (!send_all(fd, filler, sizeof filler))
            return false;
    return true;
}

/* A body of a given size, and what may stand behind it. */
static bool send_sized(int fd, const char *path)
{
    char head[128], filler[1000], how[16] = "";
    size_t size = 0;
    sscanf(path, "/body-%zu-%15s", &size, how);
    int head_len = snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\n%sContent-Length: %zu\r\n\r\n",
                            strcmp(how, "close") == 0 ? "Connection: close\r\n" : "", size);
    memset(filler, 'x', sizeof filler);
    for (int times = strcmp(how, "twice") == 0 ? 2 : 1; times > 0; times--) {
        if (!send_all(fd, head, (size_t)head_len))
            return false;
        for (size_t piece, left = size; left > 0; left -= piece) {
            piece = left < sizeof filler ? left : sizeof filler;
            if (!send_all(fd, filler, piece))
                return false;
        }
    }
    if (strcmp(how, "more") == 0)
        sleep_ms(300);
    return strcmp(how, "leave") != 0 && (strcmp(how, "more") != 0 || send_all(fd, "x", 1)) &&
           (strcmp(how, "urgent") != 0 || send(fd, "x", 1, MSG_OOB | MSG_NOSIGNAL) == 1);
}

static bool send_chunked(int fd, const char *path)
{
    char response[512];
    int len = snprintf(response, sizeof response,
                       "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                       "e\r\nyou asked for \r\n%zx\r\n%s\n\r\n0\r\n\r\n",
                       strlen(path) + 1, path);
    return send_all(fd, response, (size_t)len);
}

/* What a client finds that comes back after the answer. */
static bool add_later(int fd, const char *path)
{
    bool more = strcmp(path, "/more-later") == 0, urgent = strcmp(path, "/urgent-later") == 0;
    bool leave = strcmp(path, "/leaves-later") == 0;
    if (strcmp(path, "/busy-later") == 0)
        sleep_ms(100);
    if (more || urgent || leave)
        sleep_ms(20);
    return !leave && (!more || send_all(fd, "x", 1)) &&
           (!urgent || send(fd, "x", 1, MSG_OOB | MSG_NOSIGNAL) == 1);
}

static bool respond(int fd, const char *path)
{
    if (strcmp(path, "/drop") == 0)
        return false;
    if (strcmp(path, "/big") == 0)
        return send_big(fd);
    if (strncmp(path, "/body-", 6) == 0)
        return send_sized(fd, path);
    if (strcmp(path, "/chunked") == 0)
        return send_chunked(fd, path);
    if (strcmp(path, "/close") == 0) {
        send_body(fd, path, "Connection: close\r\n");
        return false;
    }
    if (strcmp(path, "/close-later") == 0) {
        send_body(fd, path, "Connection: close\r\n");
        sleep_ms(400);
        return false;
    }
    if (strcmp(path, "/close-never") == 0)
        return send_body(fd, path, "Connection: close\r\n");
    if (strcmp(path, "/close-with-more") == 0) {
        send_body(fd, path, "Connection: close\r\n");
        sleep_ms(300);
        send_all(fd, "x", 1);
        sleep_ms(50);
        return false;
    }
    if (strcmp(path, "/reset") == 0) {
        struct linger abort = {.l_onoff = 1};
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &abort, sizeof abort);
        return false;
    }
    if (strcmp(path, "/late") == 0)
        sleep_ms(300);
    if (strcmp(path, "/promise") == 0)
        return send_body(fd, path, "Keep-Alive: timeout=1\r\n");
    return send_body(fd, path, "") && add_later(fd, path);
}

static void serve_http(int fd)
{
    char request[8192];
    size_t len = 0;
    for (;;) {
        char *end = memmem(request, len, "\r\n\r\n", 4);
        if (end == NULL) {
            ssize_t received = recv(fd, request + len, sizeof request - len, 0);
            if (received <= 0)
                return;
            len += (size_t)received;
            continue;
        }
        char path[256] = "";
        sscanf(request, "%*15s %255s", path);
        size_t used = (size_t)(end + 4 - request);
        memmove(request, request + used, len - used);
        len -= used;
        if (!respond(fd, path))
            return;
    }
}

static void serve_echo(int fd)
{
    char bytes[4096];
    for (;;) {
        ssize_t received = recv(fd, bytes, sizeof bytes, 0);
        if (received <= 0 || !send_all(fd, bytes, (size_t)received))
            return;
    }
}

static void serve_drain(int fd)
{
    char bytes[4096];
    size_t total = 0;
    ssize_t received;
    while ((received = recv(fd, bytes, sizeof bytes, 0)) > 0)
        total += (size_t)received;
    if (received < 0)
        return;
    int len = snprintf(bytes, sizeof bytes, "%zu\n", total);
    send_all(fd, bytes, (size_t)len);
}

static void *serve_one(void *argument)
{
    int fd = (int)(intptr_t)argument;
    switch (service_kind) {
    case SERVICE_HTTP:
        serve_http(fd);
        break;
    case SERVICE_GREETS:
        if (send_all(fd, "hello\n", 6))
            serve_echo(fd);
        break;
    case SERVICE_ECHO:
        serve_echo(fd);
        break;
    case SERVICE_DRAINS:
        serve_drain(fd);
        break;
    }
    close(fd);
    return NULL;
}

static void serve_all(int listener)
{
    alarm(LIFE_S);
    for (;;) {
        pthread_t thread;
        int fd = accept(listener, NULL, NULL);
        if (fd < 0)
            broken("accept");
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
        if (pthread_create(&thread, NULL, serve_one, (void *)(intptr_t)fd) != 0)
            broken("pthread_create");
        pthread_detach(thread);
    }
}

uint16_t serve(enum service service)
{
    struct sockaddr_in6 addr = {.sin6_family = AF_INET6};
    socklen_t addr_len = sizeof addr;
    int listener = socket(AF_INET6, SOCK_STREAM, 0);
    setsockopt(listener, IPPROTO_IPV6, IPV6_V6ONLY, &(int){0}, sizeof(int));
    if (listener < 0 || bind(listener, (struct sockaddr *)&addr, sizeof addr) != 0 ||
        listen(listener, 128) != 0 ||
        getsockname(listener, (struct sockaddr *)&addr, &addr_len) != 0)
        broken("serve");
    service_kind = service;
    pid_t pid = fork();
    if (pid < 0)
        broken("fork");
    if (pid == 0) {
        /* Its descriptors stay far above those of a client that counts its own. */
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        int null = open("/dev/null", O_RDWR);
        dup2(null, STDIN_FILENO);
        dup2(null, STDOUT_FILENO);
        serve_all(listener);
    }
    close(listener);
    return ntohs(addr.sin6_port);
}
