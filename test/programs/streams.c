/* SPDX-License-Identifier: MIT
 * Plays of stdio on sockets, and of every way in which stdio closes them. */
#include "program.h"
#include "sets.h"

#include <stdio_ext.h>
#include <sys/epoll.h>

enum {
    DELAYED_ACK_MS = 100, /* longer than an ACK may be delayed */
    TICK_MS = 30          /* more than two of the kernel's clock, by which it dates segments */
};

static void show_line(const char *path, char *line)
{
    line[strcspn(line, "\r\n")] = '\0';
    say("%s: %s", path, line);
}

/* A request and its whole reply: three lines of header, and one of body. */
static void talk(FILE *out, FILE *in, const char *path)
{
    char line[200];
    fprintf(out, "GET %s HTTP/1.1\r\nHost: test\r\n\r\n", path);
    SHOW(fflush(out));
    for (int i = 0; i < 4 && fgets(line, sizeof line, in) != NULL; i++)
        show_line(path, line);
}

static FILE *wrapped(uint16_t port)
{
    FILE *stream = fdopen(connect_to(port), "r+");
    expect(stream != NULL, "fdopen");
    return stream;
}

static FILE *used_stream(uint16_t port)
{
    FILE *stream = wrapped(port);
    talk(stream, stream, "/used");
    return stream;
}

/* The number is free, and who gets it next has a connection like any other. */
static void go_on(uint16_t port)
{
    show_descriptors();
    fetch(port, "/next");
    fetch(port, "/after-that");
}

static void closed(uint16_t port)
{
    FILE *stream = used_stream(port);
    SHOW(fclose(stream));
    go_on(port);
}

static void reopened(uint16_t port)
{
    FILE *stream = used_stream(port);
    stream = freopen("/dev/null", "r", stream);
    say("fileno after freopen: %d", fileno(stream));
    SHOW(fgetc(stream));
    fetch(port, "/beside");
    SHOW(fclose(stream));
    go_on(port);
}

static void reopened_as_large(uint16_t port)
{
    FILE *stream = used_stream(port);
    stream = freopen64("/dev/null", "w", stream);
    SHOW(fputs("nobody reads this", stream) >= 0);
    SHOW(fclose(stream));
    go_on(port);
}

/* freopen() closes what it cannot open another in place of. */
static void reopened_in_vain(uint16_t port)
{
    FILE *stream = used_stream(port);
    stream = freopen("/dev/null/nothing", "r", stream);
    SHOW(stream == NULL ? -1 : 0);
    go_on(port);
}

static void two_streams(uint16_t port, bool in_first)
{
    int fd = connect_to(port);
    FILE *in = fdopen(fd, "r"), *out = fdopen(dup(fd), "w");
    talk(out, in, "/two-streams");
    FILE *first = in_first ? in : out, *last = in_first ? out : in;
    SHOW(fclose(first));
    show_descriptors();
    fetch(port, "/beside");
    ask(fileno(last), "/still-there");
    answer(fileno(last));
    SHOW(fclose(last));
    go_on(port);
}

static void two_streams_in_first(uint16_t port)
{
    two_streams(port, true);
}

static void two_streams_out_first(uint16_t port)
{
    two_streams(port, false);
}

static void stream_and_copy(uint16_t port)
{
    FILE *stream = used_stream(port);
    int copy = dup(fileno(stream));
    SHOW(fclose(stream));
    ask(copy, "/by-the-copy");
    answer(copy);
    SHOW(close(copy));
    go_on(port);
}

static void closed_by_hand(uint16_t port)
{
    FILE *stream = used_stream(port);
    SHOW(close(fileno(stream)));
    SHOW(fclose(stream));
    go_on(port);
}

/* All that moved was moved by hand. */
static void used_by_hand(uint16_t port)
{
    FILE *stream = wrapped(port);
    ask(fileno(stream), "/by-hand");
    answer(fileno(stream));
    SHOW(fclose(stream));
    go_on(port);
}

static void not_wrapped(uint16_t port)
{
    int fd = connect_to(port);
    ask(fd, "/by-hand");
    answer(fd);
    SHOW(fdopen(fd, "nonsense") == NULL ? -1 : 0);
    SHOW(close(fd));
    go_on(port);
}

static void given_an_idle_one(uint16_t port)
{
    fetch(port, "/first");
    FILE *stream = used_stream(port);
    SHOW(fclose(stream));
    go_on(port);
}

static void idle_one_not_used(uint16_t port)
{
    fetch(port, "/first");
    FILE *stream = wrapped(port);
    SHOW(fclose(stream));
}

static void output_pending(uint16_t port)
{
    FILE *stream = used_stream(port);
    SHOW(fputs("GET /", stream) >= 0);
    SHOW(fclose(stream));
}

static void sent_last(uint16_t port)
{
    FILE *stream = used_stream(port);
    sleep_ms(TICK_MS);
    SHOW(fputs("GET /", stream) >= 0);
    SHOW(fflush(stream));
    sleep_ms(DELAYED_ACK_MS);
    SHOW(fclose(stream));
}

static void sent_last_on_an_idle_one(uint16_t port)
{
    fetch(port, "/first");
    FILE *stream = wrapped(port);
    SHOW(fputs("GET /", stream) >= 0);
    SHOW(fflush(stream));
    sleep_ms(DELAYED_ACK_MS);
    SHOW(fclose(stream));
}

static void never_answered(uint16_t port)
{
    FILE *stream = wrapped(port);
    SHOW(fputs("GET /", stream) >= 0);
    SHOW(fflush(stream));
    sleep_ms(DELAYED_ACK_MS);
    SHOW(fclose(stream));
}

static void left_unread(uint16_t port)
{
    FILE *stream = wrapped(port);
    SHOW(fputs("GET /big HTTP/1.1\r\n\r\n", stream) >= 0);
    SHOW(fflush(stream));
    SHOW(fgetc(stream));
    SHOW(fclose(stream));
    go_on(port);
}

static void peer_closes(uint16_t port)
{
    char line[200];
    FILE *stream = wrapped(port);
    talk(stream, stream, "/close");
    while (fgets(line, sizeof line, stream) != NULL)
        show_line("more", line);
    SHOW(feof(stream) != 0);
    SHOW(fclose(stream));
    go_on(port);
}

static void lingering(uint16_t port)
{
    struct linger linger = {.l_onoff = 1, .l_linger = 5};
    FILE *stream = used_stream(port);
    SHOW(setsockopt(fileno(stream), SOL_SOCKET, SO_LINGER, &linger, sizeof linger));
    SHOW(fclose(stream));
}

static void inherited(uint16_t port)
{
    FILE *stream = used_stream(port);
    pid_t child = fork();
    if (child == 0) {
        sleep_ms(DELAYED_ACK_MS);
        _exit(0);
    }
    SHOW(fclose(stream));
    SHOW(waitpid(child, NULL, 0) == child);
}

static void registered(uint16_t port)
{
    FILE *stream = used_stream(port);
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT, .data.u32 = 1};
    int set = epoll_create1(0);
    SHOW(epoll_ctl(set, EPOLL_CTL_ADD, fileno(stream), &event));
    SHOW(epoll_wait(set, &event, 1, 1000));
    SHOW(fclose(stream));
    SHOW(epoll_wait(set, &event, 1, 0));
    int fd = connect_to(port);
    SHOW(epoll_ctl(set, EPOLL_CTL_ADD, fd, &event));
    ask(fd, "/in-the-set");
    answer(fd);
    SHOW(epoll_ctl(set, EPOLL_CTL_DEL, fd, NULL));
    SHOW(close(fd));
    SHOW(close(set));
    go_on(port);
}

static ssize_t cookie_reads(void *cookie, char *buf, size_t size)
{
    (void)cookie;
    memset(buf, 'c', size);
    return (ssize_t)size;
}

/* Streams without a socket, and without any descriptor. */
static void other_streams(uint16_t port)
{
    char memory[] = "memory", *written = NULL;
    size_t written_len = 0;
    fetch(port, "/first");
    FILE *stream = fmemopen(memory, sizeof memory, "r");
    errno = 0;
    SHOW(fgetc(stream));
    SHOW(fclose(stream));
    stream = open_memstream(&written, &written_len);
    SHOW(fputs("some bytes", stream) >= 0);
    SHOW(fclose(stream));
    say("%zu bytes, errno %d", written_len, errno);
    free(written);
    stream = fopencookie(NULL, "r", (cookie_io_functions_t){.read = cookie_reads});
    SHOW(fgetc(stream));
    SHOW(fclose(stream));
    stream = popen("exit 3", "r");
    SHOW(pclose(stream));
    stream = fopen("/dev/null", "r");
    stream = freopen("/dev/zero", "r", stream);
    SHOW(fgetc(stream));
    SHOW(fclose(stream));
    say("errno %d", errno);
    SHOW(fdopen(-1, "r") == NULL ? -1 : 0);
    go_on(port);
}

/* It flushes, and closes nothing. */
static void all_flushed(uint16_t port)
{
    FILE *stream = wrapped(port);
    SHOW(fputs("GET /flushed HTTP/1.1\r\n\r\n", stream) >= 0);
    SHOW(fcloseall());
    answer(fileno(stream));
    SHOW(close(fileno(stream)));
    go_on(port);
}

static void of_no_known_protocol(uint16_t port)
{
    int fd = connect_to(port);
    SHOW(write(fd, "=? /unknown\r\n\r\n", 15));
    answer(fd);
    SHOW(close(fd));
}

static void among_unknown(uint16_t port)
{
    FILE *stream = used_stream(port);
    SHOW(fclose(stream));
    of_no_known_protocol(port);
}

/* In a child, whose standard streams are the socket. */
static void on_the_socket(uint16_t port, bool closes)
{
    char line[200];
    int shown = dup(STDOUT_FILENO), fd = connect_to(port);
    dup2(fd, STDIN_FILENO);
    dup2(fd, STDOUT_FILENO);
    close(fd);
    printf("GET /standard HTTP/1.1\r\n\r\n");
    fflush(stdout);
    for (int i = 0; i < 4 && fgets(line, sizeof line, stdin) != NULL; i++)
        dprintf(shown, "%s", line);
    printf("GET /");
    if (closes)
        dprintf(shown, "fclose %d %d\n", fclose(stdin), fclose(stdout));
    exit(0);
}

/* As a shell does it: printf 'GET ...' >&3. */
static void redirected(uint16_t port)
{
    int fd = connect_to(port), terminal = dup(STDOUT_FILENO);
    expect(dup2(fd, STDOUT_FILENO) == STDOUT_FILENO, "dup2");
    printf("GET /redirected HTTP/1.1\r\nHost: test\r\n\r\n");
    fflush(stdout);
    expect(dup2(terminal, STDOUT_FILENO) == STDOUT_FILENO, "dup2");
    close(terminal);
    answer(fd);
    SHOW(close(fd));
    go_on(port);
}

static void standard_streams(uint16_t port)
{
    int status = -1;
    fetch(port, "/first");
    for (int closes = 0; closes < 2; closes++) {
        pid_t child = fork();
        if (child == 0)
            on_the_socket(port, closes);
        SHOW(waitpid(child, &status, 0) == child);
        say("status %#x", status);
    }
    go_on(port);
}

/* A reply is its own request's, and nothing else is read. */
static void talk_quietly(FILE *stream, const char *path)
{
    char line[200], expected[200];
    fprintf(stream, "GET %s HTTP/1.1\r\n\r\n", path);
    expect(fflush(stream) == 0, "fflush");
    for (int i = 0; i < 4; i++)
        expect(fgets(line, sizeof line, stream) != NULL, "fgets");
    snprintf(expected, sizeof expected, "you asked for %s\n", path);
    expect(strcmp(line, expected) == 0, "the reply");
}

static uint16_t port_of_all;

static void *come_and_go(void *argument)
{
    enum { TIMES = 150 };
    char path[100];
    for (int i = 0; i < TIMES; i++) {
        int fd = connect_to(port_of_all);
        FILE *stream = fdopen(i % 3 == 0 ? dup(fd) : fd, "r+");
        snprintf(path, sizeof path, "/%s-%d", (const char *)argument, i);
        talk_quietly(stream, path);
        expect(fclose(stream) == 0, "fclose");
        expect(i % 3 != 0 || close(fd) == 0, "close");
    }
    return NULL;
}

/* Each takes the numbers that the others have just given up. */
static void in_threads(uint16_t port)
{
    static char *const names[] = {"one", "two", "three", "four"};
    enum { THREADS = sizeof names / sizeof *names };
    pthread_t threads[THREADS];
    port_of_all = port;
    for (int i = 0; i < THREADS; i++)
        expect(pthread_create(&threads[i], NULL, come_and_go, names[i]) == 0, "pthread_create");
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    go_on(port);
}

static const struct play plays[] = {
    {"closed", closed},
    {"reopened", reopened},
    {"reopened_as_large", reopened_as_large},
    {"reopened_in_vain", reopened_in_vain},
    {"two_streams_in_first", two_streams_in_first},
    {"two_streams_out_first", two_streams_out_first},
    {"stream_and_copy", stream_and_copy},
    {"closed_by_hand", closed_by_hand},
    {"used_by_hand", used_by_hand},
    {"not_wrapped", not_wrapped},
    {"given_an_idle_one", given_an_idle_one},
    {"idle_one_not_used", idle_one_not_used},
    {"output_pending", output_pending},
    {"sent_last", sent_last},
    {"sent_last_on_an_idle_one", sent_last_on_an_idle_one},
    {"never_answered", never_answered},
    {"left_unread", left_unread},
    {"peer_closes", peer_closes},
    {"lingering", lingering},
    {"inherited", inherited},
    {"registered", registered},
    {"other_streams", other_streams},
    {"all_flushed", all_flushed},
    {"of_no_known_protocol", of_no_known_protocol},
    {"among_unknown", among_unknown},
    {"redirected", redirected},
    {"standard_streams", standard_streams},
    {"in_threads", in_threads},
};

int main(int argc, char **argv)
{
    return play_or_all(argc, argv, plays, sizeof plays / sizeof *plays);
}
