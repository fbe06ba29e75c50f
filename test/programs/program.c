/* SPDX-License-Identifier: MIT
 * Output and client calls of the small socket programs. */
#include "program.h"

#include <ctype.h>
#include <stdarg.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>

enum { RESPONSE_MAX = 256 * 1024 }; /* more than the largest body of the server, with its header */

static void write_all(int fd, const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t written = write(fd, bytes, len);
        if (written <= 0)
            broken("write");
        bytes += written;
        len -= (size_t)written;
    }
}

void say(const char *format, ...)
{
    int saved = errno;
    char line[1024];
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(line, sizeof line - 1, format, arguments);
    va_end(arguments);
    if (len > (int)sizeof line - 2)
        len = (int)sizeof line - 2;
    line[len++] = '\n';
    write_all(STDOUT_FILENO, line, (size_t)len);
    errno = saved;
}

long show(const char *call, long result)
{
    int saved = errno;
    if (result == -1)
        say("%s = -1 %s", call, strerrorname_np(saved));
    else
        say("%s = %ld", call, result);
    errno = saved;
    return result;
}

void broken(const char *what)
{
    dprintf(STDERR_FILENO, "the program is broken at %s: %s\n", what, strerror(errno));
    _exit(99);
}

struct sockaddr_in loopback(uint16_t port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

int connect_to(uint16_t port)
{
    struct sockaddr_in addr = loopback(port);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&addr, sizeof addr) != 0)
        broken("connect");
    return fd;
}

void ask(int fd, const char *path)
{
    char request[256];
    int len = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: test\r\n\r\n", path);
    if (send(fd, request, (size_t)len, 0) != len)
        broken("send");
}

/* The length of the whole response at the start of bytes, 0 while it is incomplete. */
static size_t response_len(const char *bytes, size_t len)
{
    const char *end = memmem(bytes, len, "\r\n\r\n", 4);
    if (end == NULL)
        return 0;
    size_t header_len = (size_t)(end + 4 - bytes);
    const char *length = memmem(bytes, header_len, "Content-Length: ", 16);
    if (length != NULL) {
        size_t whole = header_len + strtoul(length + 16, NULL, 10);
        return len >= whole ? whole : 0;
    }
    const char *last_chunk = memmem(bytes, len, "\r\n0\r\n\r\n", 7);
    return last_chunk != NULL ? (size_t)(last_chunk + 7 - bytes) : 0;
}

bool answer(int fd)
{
    static _Thread_local char response[RESPONSE_MAX];
    size_t len = 0;
    while (len < sizeof response - 1) {
        ssize_t received = recv(fd, response + len, sizeof response - 1 - len, 0);
        if (received < 0) {
            say("the response ended after %zu bytes: %s", len, strerrorname_np(errno));
            return false;
        }
        if (received == 0) {
            say("the response ended after %zu bytes: end of stream", len);
            return false;
        }
        len += (size_t)received;
        size_t whole = response_len(response, len);
        if (whole == 0)
            continue;
        response[len] = '\0';
        const char *body = strstr(response, "\r\n\r\n") + 4;
        say("%.12s, %zu bytes of %zu: %.*s", response, whole, len, (int)strcspn(body, "\r\n"),
            body);
        return true;
    }
    broken("answer: the response is too long");
}

void fetch(uint16_t port, const char *path)
{
    int fd = connect_to(port);
    ask(fd, path);
    answer(fd);
    SHOW(close(fd));
}

ssize_t show_recv(int fd, size_t size, int flags)
{
    static _Thread_local char bytes[4096];
    if (size > sizeof bytes)
        broken("show_recv: too long");
    ssize_t received = recv(fd, bytes, size, flags);
    int saved = errno;
    if (received < 0) {
        say("recv(%zu, %#x) = -1 %s", size, flags, strerrorname_np(saved));
    } else {
        /* With MSG_TRUNC more may be counted than was stored. */
        int stored = (flags & MSG_TRUNC) ? 0 : (int)received;
        for (int i = 0; i < stored; i++)
            if (!isprint((unsigned char)bytes[i]))
                bytes[i] = '.';
        say("recv(%zu, %#x) = %zd \"%.*s\"", size, flags, received, stored, bytes);
    }
    errno = saved;
    return received;
}

void show_poll(int fd, short events, int timeout_ms)
{
    static const struct {
        short bit;
        const char *name;
    } names[] = {{POLLIN, " IN"},   {POLLPRI, " PRI"}, {POLLOUT, " OUT"},  {POLLRDHUP, " RDHUP"},
                 {POLLERR, " ERR"}, {POLLHUP, " HUP"}, {POLLNVAL, " NVAL"}};
    struct pollfd polled = {.fd = fd, .events = events};
    int ready = poll(&polled, 1, timeout_ms);
    char line[128] = "";
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (polled.revents & names[i].bit)
            strcat(line, names[i].name);
    say("poll = %d%s", ready, line);
}

void show_descriptors(void)
{
    char line[256] = "open:";
    size_t len = strlen(line);
    for (int fd = 0; fd < 64; fd++)
        if (fcntl(fd, F_GETFD) >= 0)
            len += (size_t)snprintf(line + len, sizeof line - len, " %d", fd);
    say("%s", line);
}

static unsigned connections_in(const char *path, uint16_t port, bool as_client, unsigned state)
{
    char line[512];
    unsigned count = 0;
    FILE *file = fopen(path, "r");
    if (file == NULL)
        broken(path);
    while (fgets(line, sizeof line, file) != NULL) {
        unsigned local, remote, is;
        if (sscanf(line, " %*d: %*[0-9A-F]:%x %*[0-9A-F]:%x %x", &local, &remote, &is) == 3)
            count += (as_client ? remote : local) == port && is == state;
    }
    fclose(file);
    return count;
}

unsigned connections(uint16_t port, bool as_client, unsigned state)
{
    return connections_in("/proc/self/net/tcp", port, as_client, state) +
           connections_in("/proc/self/net/tcp6", port, as_client, state);
}

void limit_numbers(void)
{
    if (setrlimit(RLIMIT_NOFILE, &(struct rlimit){.rlim_cur = 1024, .rlim_max = 1024}) != 0)
        broken("setrlimit");
}

void sleep_ms(int ms)
{
    struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};
    while (nanosleep(&left, &left) != 0 && errno == EINTR)
        continue;
}

struct start {
    void *(*routine)(void *);
    void *argument;
    _Atomic pid_t thread; /* 0 until it runs */
};

static void *run_started(void *argument)
{
    struct start *start = argument;
    void *(*routine)(void *) = start->routine, *own = start->argument;
    start->thread = (pid_t)syscall(SYS_gettid); /* the last use of *start */
    return routine(own);
}

/* /proc/self/task/N/syscall says "running", or the number of the call that the thread is blocked
 * in, proc(5). */
static bool is_blocked(pid_t thread)
{
    static const long waits[] = {
        SYS_read,
        SYS_recvfrom,
        SYS_recvmsg,
        SYS_ppoll,
        SYS_pselect6,
        SYS_epoll_pwait,
        SYS_connect,
#if defined(__x86_64__)
        SYS_poll,
        SYS_select,
        SYS_epoll_wait,
#endif
        SYS_nanosleep,
        SYS_clock_nanosleep,
        SYS_futex,
        SYS_rt_sigtimedwait,
        SYS_wait4
    };
    char path[64], line[256];
    snprintf(path, sizeof path, "/proc/self/task/%d/syscall", (int)thread);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        broken(path);
    ssize_t len = read(file, line, sizeof line - 1);
    close(file);
    if (len <= 0 || line[0] < '0' || line[0] > '9')
        return false;
    line[len] = '\0';
    long number = strtol(line, NULL, 10);
    for (size_t i = 0; i < sizeof waits / sizeof *waits; i++)
        if (waits[i] == number)
            return true;
    return false;
}

pthread_t start_blocked(void *(*routine)(void *), void *argument)
{
    struct start start = {.routine = routine, .argument = argument};
    pthread_t thread;
    if (pthread_create(&thread, NULL, run_started, &start) != 0)
        broken("pthread_create");
    for (int ms = 0, blocked = 0; ms < 10000; ms++) {
        blocked = start.thread != 0 && is_blocked(start.thread) ? blocked + 1 : 0;
        if (blocked == 3) /* a lock is waited for in futex(2) as well, for a moment */
            return thread;
        sleep_ms(1);
    }
    broken("start_blocked: it does not block");
}

void expect(bool as_it_must, const char *what)
{
    int saved = errno;
    if (as_it_must)
        return;
    dprintf(STDERR_FILENO, "not so: %s (%s)\n", what, strerror(saved));
    _exit(1);
}

int play(int argc, char **argv, const struct play *plays, size_t count)
{
    for (size_t i = 0; argc == 2 && i < count; i++)
        if (strcmp(argv[1], plays[i].name) == 0) {
            plays[i].run(serve(SERVICE_HTTP));
            sleep_ms(30); /* the server ends what it has left */
            return 0;
        }
    broken("there is no such play");
}
