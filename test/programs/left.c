/* SPDX-License-Identifier: MIT
 * Connections in every state, left open to every end of a process: what their server sees of it. */
#include "program.h"
#include "sets.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/time.h>

enum { REPORT_MAX = 100 };

static int reports[2]; /* a pipe from the server, a line for each connection that has ended */

static size_t requests_in(const char *bytes)
{
    size_t count = 0;
    for (const char *end = bytes; (end = strstr(end, "\r\n\r\n")) != NULL; end += 4)
        count++;
    return count;
}

/* Answers each request, and closes after the client alone. */
static void *serve_one(void *argument)
{
    int fd = (int)(intptr_t)argument;
    char bytes[2000] = "", path[50] = "", report[REPORT_MAX];
    size_t len = 0, answered = 0;
    ssize_t received;
    while ((received = recv(fd, bytes + len, sizeof bytes - 1 - len, 0)) > 0) {
        len += (size_t)received;
        for (bytes[len] = '\0'; answered < requests_in(bytes); answered++)
            dprintf(fd, "HTTP/1.1 200 OK\r\n%sContent-Length: 5\r\n\r\ndone\n",
                    strstr(bytes, "/announced") != NULL ? "Connection: close\r\n" : "");
    }
    const char *end = received < 0 ? strerrorname_np(errno) : "the end";
    sscanf(bytes, "GET %49s", path);
    int report_len = snprintf(report, sizeof report, "%s: %zu bytes, %zu answered, then %s\n", path,
                              len, answered, end);
    close(fd);
    if (write(reports[1], report, (size_t)report_len) != report_len)
        broken("report");
    return NULL;
}

static uint16_t serve_and_report(void)
{
    struct sockaddr_in addr = loopback(0);
    socklen_t addr_len = sizeof addr;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    if (listener < 0 || pipe(reports) != 0 ||
        bind(listener, (struct sockaddr *)&addr, sizeof addr) != 0 || listen(listener, 100) != 0 ||
        getsockname(listener, (struct sockaddr *)&addr, &addr_len) != 0)
        broken("listen");
    pid_t server = fork();
    if (server < 0)
        broken("fork");
    if (server > 0) {
        close(listener);
        close(reports[1]);
        return ntohs(addr.sin_port);
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    close(reports[0]);
    for (;;) {
        pthread_t thread;
        int fd = accept(listener, NULL, NULL);
        if (fd < 0 || pthread_create(&thread, NULL, serve_one, (void *)(intptr_t)fd) != 0)
            broken("accept");
        pthread_detach(thread);
    }
}

static int asked(uint16_t port, const char *path)
{
    int fd = connect_to(port);
    ask(fd, path);
    return fd;
}

static void *wait_for_nothing(void *argument)
{
    char byte;
    recv((int)(intptr_t)argument, &byte, 1, 0);
    return NULL;
}

static int answered(uint16_t port, const char *path)
{
    int fd = asked(port, path);
    answer(fd);
    return fd;
}

enum { STATES = 9 }; /* of which each leaves one connection */

static void leave_open(uint16_t port)
{
    start_blocked(wait_for_nothing, (void *)(intptr_t)answered(port, "/waited-on"));
    close(answered(port, "/announced"));
    answered(port, "/read");
    show_poll(asked(port, "/unread"), POLLIN, 1000);
    expect(send(connect_to(port), "GET /half HT", 12, 0) == 12, "send");
    SHOW(shutdown(answered(port, "/half-closed"), SHUT_WR));
    int fd = answered(port, "/duplicated");
    SHOW(dup(fd) > fd);
    SHOW(close(fd));
    SHOW(fputs("GET /at-exit HT", fdopen(connect_to(port), "w")) >= 0);
    close(answered(port, "/idle")); /* last: or the next would have it */
}

static pid_t leaving;

/* True in a child that has left everything open, and is to end. */
static bool leave(uint16_t unused)
{
    (void)unused;
    uint16_t port = serve_and_report();
    leaving = fork();
    if (leaving < 0)
        broken("fork");
    if (leaving == 0)
        leave_open(port);
    return leaving == 0;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* How the child ended, and what the server saw: in which order is chance. */
static void show_end(void)
{
    char *lines[STATES] = {NULL};
    int status = -1;
    SHOW(waitpid(leaving, &status, 0) == leaving);
    say("status %#x", status & ~0x80); /* without the core flag */
    FILE *server = fdopen(reports[0], "r");
    for (int i = 0; i < STATES; i++) {
        size_t size = 0;
        if (getline(&lines[i], &size, server) <= 0)
            broken("no report");
    }
    qsort(lines, STATES, sizeof *lines, by_text);
    for (int i = 0; i < STATES; free(lines[i++]))
        say("%.*s", (int)strcspn(lines[i], "\n"), lines[i]);
    fclose(server);
}

static void by_exit(uint16_t port)
{
    if (leave(port))
        exit(10);
    show_end();
}

static void by_plain_exit(uint16_t port)
{
    if (leave(port))
        _exit(11);
    show_end();
}

static void by_quick_exit(uint16_t port)
{
    if (leave(port))
        quick_exit(12);
    show_end();
}

static void by_abort(uint16_t port)
{
    if (leave(port))
        abort();
    show_end();
}

static void by_kill(uint16_t port)
{
    if (leave(port))
        raise(SIGKILL);
    show_end();
}

static void by_fault(uint16_t port)
{
    if (leave(port)) {
        signal(SIGSEGV, SIG_DFL); /* which a sanitizer has taken */
        raise(SIGSEGV);
    }
    show_end();
}

/* What the new program inherits stays open until that ends. */
static void by_exec(uint16_t port)
{
    if (leave(port))
        execl("/bin/sh", "sh", "-c", "exit 13", (char *)NULL);
    show_end();
}

/* The first thread ends, and the process does not: another is blocked. */
static void by_first_thread(uint16_t port)
{
    const struct itimerval soon = {.it_value = {.tv_usec = 100 * 1000}};
    if (leave(port)) {
        setitimer(ITIMER_REAL, &soon, NULL);
        pthread_exit(NULL);
    }
    show_end();
}

/* By return from main(), while another thread is blocked. */
static void by_return(uint16_t unused)
{
    (void)unused;
    char port[10];
    snprintf(port, sizeof port, "%u", serve_and_report());
    leaving = fork();
    if (leaving == 0)
        execl("/proc/self/exe", "left", "return", port, (char *)NULL);
    show_end();
}

static const struct play plays[] = {
    {"by_exit", by_exit},
    {"by_plain_exit", by_plain_exit},
    {"by_quick_exit", by_quick_exit},
    {"by_abort", by_abort},
    {"by_kill", by_kill},
    {"by_fault", by_fault},
    {"by_exec", by_exec},
    {"by_first_thread", by_first_thread},
    {"by_return", by_return},
};

int main(int argc, char **argv)
{
    if (argc == 3) {
        leave_open((uint16_t)atoi(argv[2]));
        return 14;
    }
    return play_or_all(argc, argv, plays, sizeof plays / sizeof *plays);
}
