/* SPDX-License-Identifier: MIT
 * Plays behind the library's back: by a handle of libc itself, and on numbers that it hides. */
#include "program.h"

#include <dlfcn.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>

static ssize_t (*unseen_send)(int, const void *, size_t, int);
static ssize_t (*unseen_recv)(int, void *, size_t, int);
static int (*unseen_socket)(int, int, int);
static int (*unseen_connect)(int, const struct sockaddr *, socklen_t);
static int (*unseen_close)(int);
static int (*unseen_dup2)(int, int);
static int (*unseen_fcntl)(int, int, ...);
static int (*unseen_getsockopt)(int, int, int, void *, socklen_t *);
static FILE *(*unseen_fdopen)(int, const char *);

static void find_unseen(void)
{
    void *libc = dlopen("libc.so.6", RTLD_NOW | RTLD_LOCAL);
    if (libc == NULL)
        broken("dlopen");
    *(void **)&unseen_send = dlsym(libc, "send");
    *(void **)&unseen_recv = dlsym(libc, "recv");
    *(void **)&unseen_socket = dlsym(libc, "socket");
    *(void **)&unseen_connect = dlsym(libc, "connect");
    *(void **)&unseen_close = dlsym(libc, "close");
    *(void **)&unseen_dup2 = dlsym(libc, "dup2");
    *(void **)&unseen_fcntl = dlsym(libc, "fcntl");
    *(void **)&unseen_getsockopt = dlsym(libc, "getsockopt");
    *(void **)&unseen_fdopen = dlsym(libc, "fdopen");
}

static int used(uint16_t port)
{
    int fd = connect_to(port);
    ask(fd, "/used");
    answer(fd);
    return fd;
}

/* A connection that the library never heard of, with the same exchange behind it. */
static int used_unseen(uint16_t port)
{
    static const char request[] = "GET /used HTTP/1.1\r\nHost: test\r\n\r\n";
    struct sockaddr_in addr = loopback(port);
    char bytes[200];
    int fd = unseen_socket(AF_INET, SOCK_STREAM, 0);
    expect(unseen_connect(fd, (struct sockaddr *)&addr, sizeof addr) == 0, "connect");
    expect(unseen_send(fd, request, sizeof request - 1, 0) > 0, "send");
    expect(unseen_recv(fd, bytes, sizeof bytes, 0) > 0, "recv");
    return fd;
}

static void sent(uint16_t port)
{
    int fd = connect_to(port);
    expect(unseen_send(fd, "X", 1, 0) == 1, "send");
    ask(fd, "/one-byte-more");
    answer(fd);
    close(fd);
}

static void received(uint16_t port)
{
    char bytes[200];
    int fd = connect_to(port);
    ask(fd, "/some-bytes-less");
    expect(unseen_recv(fd, bytes, 5, 0) == 5, "recv");
    expect(recv(fd, bytes, sizeof bytes, 0) > 0, "recv");
    close(fd);
}

static void corked(uint16_t port)
{
    int fd = used(port);
    expect(setsockopt(fd, IPPROTO_TCP, TCP_CORK, &(int){1}, sizeof(int)) == 0, "TCP_CORK");
    expect(unseen_send(fd, "GET /", 5, 0) == 5, "send");
    close(fd);
}

static void another_at_its_number(uint16_t port)
{
    int fd = used(port);
    expect(unseen_close(fd) == 0, "close");
    expect(used_unseen(port) == fd, "the same number");
    expect(close(fd) == 0, "close");
}

static void another_before_connect(uint16_t port)
{
    struct sockaddr_in addr = loopback(port);
    fetch(port, "/one");
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    expect(unseen_close(fd) == 0, "close");
    expect(unseen_socket(AF_INET, SOCK_STREAM, 0) == fd, "the same number");
    expect(connect(fd, (struct sockaddr *)&addr, sizeof addr) == 0, "connect");
    ask(fd, "/mine");
    answer(fd);
    close(fd);
}

static void another_behind_a_new_socket(uint16_t port)
{
    int fd = used(port);
    expect(unseen_close(fd) == 0, "close");
    fetch(port, "/same-number");
}

static void signals_before_connect(uint16_t port)
{
    struct sockaddr_in addr = loopback(port);
    fetch(port, "/one");
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    expect(unseen_fcntl(fd, F_SETFL, O_ASYNC) == 0, "O_ASYNC");
    expect(connect(fd, (struct sockaddr *)&addr, sizeof addr) == 0, "connect");
    expect((unseen_fcntl(fd, F_GETFL) & O_ASYNC) != 0, "O_ASYNC is still there");
    close(fd);
}

static int nodelay(int fd, int (*get)(int, int, int, void *, socklen_t *))
{
    int on = -1;
    socklen_t len = sizeof on;
    expect(get(fd, IPPROTO_TCP, TCP_NODELAY, &on, &len) == 0, "TCP_NODELAY");
    return on;
}

/* On a reused connection the kernel has it on, whatever the program has asked for, and sees. */
static void nagle(uint16_t port)
{
    fetch(port, "/one");
    int fd = used(port);
    expect(nodelay(fd, getsockopt) == 0, "shown as off");
    expect(nodelay(fd, unseen_getsockopt) != 0, "on");
    expect(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){0}, sizeof(int)) == 0, "set");
    expect(nodelay(fd, getsockopt) == 0, "shown as off again");
    expect(nodelay(fd, unseen_getsockopt) != 0, "still on");
    expect(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int)) == 0, "set");
    expect(nodelay(fd, getsockopt) == 1, "shown as on");
    close(fd);
}

/* The number behind which the one idle connection waits: the highest that is open. */
static int hidden(void)
{
    for (int fd = 30000; fd > 30; fd--)
        if (unseen_fcntl(fd, F_GETFD) >= 0)
            return fd;
    return -1;
}

/* A socket in its place, quiet and connected. */
static void hidden_replaced_by_another(uint16_t port)
{
    limit_numbers();
    fetch(port, "/one");
    int number = hidden(), other = used_unseen(port);
    expect(number > 0 && unseen_dup2(other, number) == number, "dup2");
    int fd = connect_to(port);
    expect(unseen_fcntl(number, F_GETFD) >= 0, "it is not ours to close");
    ask(fd, "/next");
    answer(fd);
    close(fd);
    unseen_close(number);
}

/* The child inherits the numbers, and closes only what was ours. */
static void hidden_replaced_before_fork(uint16_t port)
{
    limit_numbers();
    fetch(port, "/one");
    int number = hidden(), status = -1;
    expect(number > 0 && unseen_dup2(1, number) == number, "dup2");
    pid_t child = fork();
    if (child == 0)
        _exit(unseen_fcntl(number, F_GETFD) < 0);
    expect(waitpid(child, &status, 0) == child && status == 0, "the child has it too");
}

static void hidden_closed_in_the_child(uint16_t port)
{
    fetch(port, "/one");
    int number = hidden(), status = -1;
    expect(number > 0, "hidden");
    pid_t child = fork();
    if (child == 0)
        _exit(unseen_fcntl(number, F_GETFD) >= 0);
    expect(waitpid(child, &status, 0) == child && status == 0, "the child has no copy");
    expect(unseen_fcntl(number, F_GETFD) >= 0, "the parent still has it");
    fetch(port, "/two");
}

/* To the application the number is not open. */
static void hidden_is_not_open(uint16_t port)
{
    struct sockaddr_in addr = loopback(port);
    char byte;
    fetch(port, "/one");
    int fd = hidden();
    expect(fd > 0, "hidden");
    expect(read(fd, &byte, 1) == -1 && errno == EBADF, "read");
    expect(write(fd, "x", 1) == -1 && errno == EBADF, "write");
    expect(send(fd, "x", 1, 0) == -1 && errno == EBADF, "send");
    expect(fcntl(fd, F_GETFD) == -1 && errno == EBADF, "fcntl");
    expect(dup(fd) == -1 && errno == EBADF, "dup");
    expect(dup2(fd, 50) == -1 && errno == EBADF, "dup2");
    expect(shutdown(fd, SHUT_RDWR) == -1 && errno == EBADF, "shutdown");
    expect(syscall(SYS_write, fd, "x", 1) == -1 && errno == EBADF, "SYS_write");
    expect(connect(fd, (struct sockaddr *)&addr, sizeof addr) == -1 && errno == EBADF, "connect");
    expect(setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &(int){1}, sizeof(int)) == -1 && errno == EBADF,
           "setsockopt");
    expect(sendfile(fd, 0, NULL, 1) == -1 && errno == EBADF, "sendfile");
    expect(dprintf(fd, "x") == -1 && errno == EBADF, "dprintf");
    expect(fdopen(fd, "r") == NULL && errno == EBADF, "fdopen");
    fetch(port, "/two");
}

/* Closed by number, as a loop over all of them does: EBADF, and nothing is left to hand out. */
static void hidden_closed(uint16_t port)
{
    fetch(port, "/one");
    int fd = hidden();
    expect(fd > 0 && close(fd) == -1 && errno == EBADF, "close");
    expect(unseen_fcntl(fd, F_GETFD) == -1, "it is gone");
    fetch(port, "/two");
}

static void limit(rlim_t soft, rlim_t hard)
{
    struct rlimit limit = {.rlim_cur = soft, .rlim_max = hard};
    expect(setrlimit(RLIMIT_NOFILE, &limit) == 0, "setrlimit");
}

static void expect_hidden(uint16_t port, int from, int to, rlim_t soft)
{
    struct rlimit limit;
    fetch(port, "/one");
    int number = hidden();
    say("hidden in its range: %d", number >= from && number < to);
    expect(number >= from && number < to, "where it is hidden");
    expect(getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur == soft, "the limit is as set");
}

static void hidden_above_the_limit(uint16_t port)
{
    limit(64, 1024);
    expect_hidden(port, 64, 70, 64);
}

static void hidden_below_the_limit(uint16_t port)
{
    limit(64, 64);
    expect_hidden(port, 48, 64, 64);
}

static void hidden_below_a_high_limit(uint16_t port)
{
    limit(12000, 12000);
    expect_hidden(port, 8192, 8200, 12000);
}

static void hidden_is_not_waited_on(uint16_t port)
{
    limit(64, 64); /* a number that fits into an fd_set */
    fetch(port, "/one");
    int fd = hidden();
    struct pollfd polled[] = {{.fd = fd, .events = POLLIN}, {.fd = 1, .events = POLLOUT}};
    struct timespec second = {.tv_sec = 1};
    struct timeval long_time = {.tv_sec = 1};
    fd_set set;
    expect(poll(polled, 1, 1000) == 1 && polled[0].revents == POLLNVAL, "poll");
    expect(poll(polled, 2, -1) == 2 && polled[1].revents == POLLOUT, "poll");
    expect(ppoll(polled, 1, &second, NULL) == 1 && polled[0].revents == POLLNVAL, "ppoll");
    FD_ZERO(&set);
    FD_SET(fd, &set);
    expect(select(fd + 1, &set, NULL, NULL, &long_time) == -1 && errno == EBADF, "select");
    expect(FD_ISSET(fd, &set), "the set is as it was");
    expect(pselect(fd + 1, NULL, NULL, &set, &second, NULL) == -1 && errno == EBADF, "pselect");
    fetch(port, "/two");
}

static void copy_closed(uint16_t port)
{
    int fd = used(port), copy = dup(fd);
    expect(unseen_close(copy) == 0, "close");
    expect(socket(AF_INET, SOCK_STREAM, 0) == copy, "the same number");
    ask(fd, "/still-there");
    expect(answer(fd), "answer");
    close(fd);
}

static void another_behind_an_untracked_socket(uint16_t port)
{
    int fd = used(port);
    expect(unseen_close(fd) == 0, "close");
    expect(socket(AF_INET, SOCK_DGRAM, 0) == fd, "the same number");
    close(fd);
}

/* The kernel gives the number to a socket of the program's. */
static void hidden_taken(uint16_t port)
{
    limit(64, 64);
    fetch(port, "/one");
    int number = hidden();
    while (open("/dev/null", O_RDONLY) >= 0)
        continue;
    expect(number > 0 && unseen_close(number) == 0, "close");
    expect(socket(AF_INET, SOCK_DGRAM, 0) == number, "the same number");
    expect(fcntl(number, F_GETFD) >= 0, "it is the program's");
}

/* The number is the program's then, whatever it is asked first. Its last free one is ours. */
static int take_hidden(uint16_t port, int (*take)(void))
{
    limit(64, 64);
    fetch(port, "/one");
    int number = hidden();
    while (open("/dev/null", O_RDONLY) >= 0)
        continue;
    expect(number > 0 && unseen_close(number) == 0, "close");
    expect(take() == number, "the same number");
    return number;
}

static int by_open(void)
{
    return open("/dev/null", O_RDWR);
}

static int by_unseen_socket(void)
{
    return unseen_socket(AF_INET, SOCK_STREAM, 0);
}

static int by_duplicate(void)
{
    return fcntl(1, F_DUPFD, 3);
}

static void hidden_taken_and_read(uint16_t port)
{
    char byte;
    int number = take_hidden(port, by_open);
    expect(read(number, &byte, 1) == 0, "read");
    expect(write(number, "x", 1) == 1, "write");
    expect(close(number) == 0, "close");
}

static void hidden_taken_and_closed(uint16_t port)
{
    int number = take_hidden(port, by_open);
    expect(close(number) == 0 && unseen_fcntl(number, F_GETFD) == -1, "close");
}

static void hidden_taken_and_overwritten(uint16_t port)
{
    int number = take_hidden(port, by_open);
    expect(dup2(1, number) == number && write(number, "", 0) == 0, "dup2");
}

static void hidden_taken_and_polled(uint16_t port)
{
    struct pollfd polled = {.fd = take_hidden(port, by_open), .events = POLLOUT};
    expect(poll(&polled, 1, 0) == 1 && polled.revents == POLLOUT, "poll");
}

static void hidden_taken_and_connected(uint16_t port)
{
    struct sockaddr_in addr = loopback(port);
    int number = take_hidden(port, by_unseen_socket);
    expect(connect(number, (struct sockaddr *)&addr, sizeof addr) == 0, "connect");
    ask(number, "/mine");
    expect(answer(number) && close(number) == 0, "answer");
}

static void hidden_taken_by_a_duplicate(uint16_t port)
{
    int number = take_hidden(port, by_duplicate);
    expect(fcntl(number, F_GETFD) == 0 && write(number, "", 0) == 0, "fcntl");
}

/* The child shares our memory; what it closes is its copy of our number. */
static void vforked_child_takes_hidden(uint16_t port)
{
    static int number; /* on no stack that vfork() may confuse */
    fetch(port, "/one");
    number = hidden();
    pid_t child = vfork();
    if (child == 0) {
        unseen_close(number);
        _exit(unseen_dup2(0, number) != number || fcntl(number, F_GETFD) != 0);
    }
    int status = -1;
    expect(waitpid(child, &status, 0) == child && status == 0, "the child's number");
    expect(fcntl(number, F_GETFD) == -1 && errno == EBADF, "not the parent's");
    fetch(port, "/two");
}

/* A count beyond the set, as getdtablesize() gives it: the kernel looks as far as numbers are open.
 */
static void select_over_all(uint16_t port)
{
    struct {
        fd_set set;
        unsigned char beyond[8192];
    } in;
    struct timeval at_once = {0};
    fetch(port, "/one");
    memset(&in.beyond, 0xff, sizeof in.beyond);
    FD_ZERO(&in.set);
    expect(select(20000, &in.set, NULL, NULL, &at_once) == 0, "select");
}

/* A number below the one that it had: parked there while all are closed, it is closed as well. */
static void hidden_below_what_is_closed(uint16_t port)
{
    limit(64, 64);
    int fd = used(port);
    expect(dup2(fd, 62) == 62 && close(fd) == 0, "dup2");
    expect(close_range(3, ~0U, 0) == 0, "close_range");
}

static void hidden_closes_on_exec(uint16_t port)
{
    fetch(port, "/one");
    expect(unseen_fcntl(hidden(), F_GETFD) == FD_CLOEXEC, "FD_CLOEXEC");
}

/* stdio closes it, and knows nothing of what could be kept. */
static void wrapped(uint16_t port)
{
    int fd = used(port);
    FILE *stream = unseen_fdopen(fd, "r+");
    expect(stream != NULL && fclose(stream) == 0, "fclose");
    expect(unseen_fcntl(fd, F_GETFD) == -1, "it is closed");
    fetch(port, "/next");
}

/* The same where a close would wait for the peer's. */
static void wrapped_and_told_goodbye(uint16_t port)
{
    int fd = connect_to(port);
    ask(fd, "/close-later");
    answer(fd);
    FILE *stream = unseen_fdopen(fd, "r+");
    expect(stream != NULL && fclose(stream) == 0, "fclose");
    fetch(port, "/next");
}

/* A stream whose number was closed, and has become one of ours: EBADF, and its memory is free. */
static void hidden_closed_by_stdio(uint16_t port)
{
    fetch(port, "/one");
    int fd = hidden();
    FILE *stream = unseen_fdopen(fd, "r");
    expect(fd > 0 && stream != NULL, "hidden");
    expect(fclose(stream) == -1 && errno == EBADF, "fclose");
    expect(unseen_fcntl(fd, F_GETFD) == -1, "it is gone");
    fetch(port, "/two");
}

static const struct play plays[] = {
    {"sent", sent},
    {"received", received},
    {"corked", corked},
    {"another_at_its_number", another_at_its_number},
    {"another_before_connect", another_before_connect},
    {"another_behind_a_new_socket", another_behind_a_new_socket},
    {"signals_before_connect", signals_before_connect},
    {"nagle", nagle},
    {"hidden_replaced_by_another", hidden_replaced_by_another},
    {"hidden_replaced_before_fork", hidden_replaced_before_fork},
    {"hidden_closed_in_the_child", hidden_closed_in_the_child},
    {"hidden_is_not_open", hidden_is_not_open},
    {"hidden_closed", hidden_closed},
    {"hidden_above_the_limit", hidden_above_the_limit},
    {"hidden_below_the_limit", hidden_below_the_limit},
    {"hidden_below_a_high_limit", hidden_below_a_high_limit},
    {"copy_closed", copy_closed},
    {"another_behind_an_untracked_socket", another_behind_an_untracked_socket},
    {"hidden_taken", hidden_taken},
    {"hidden_taken_and_read", hidden_taken_and_read},
    {"hidden_taken_and_closed", hidden_taken_and_closed},
    {"hidden_taken_and_overwritten", hidden_taken_and_overwritten},
    {"hidden_taken_and_polled", hidden_taken_and_polled},
    {"hidden_taken_and_connected", hidden_taken_and_connected},
    {"hidden_taken_by_a_duplicate", hidden_taken_by_a_duplicate},
    {"vforked_child_takes_hidden", vforked_child_takes_hidden},
    {"hidden_is_not_waited_on", hidden_is_not_waited_on},
    {"select_over_all", select_over_all},
    {"hidden_below_what_is_closed", hidden_below_what_is_closed},
    {"hidden_closes_on_exec", hidden_closes_on_exec},
    {"wrapped", wrapped},
    {"wrapped_and_told_goodbye", wrapped_and_told_goodbye},
    {"hidden_closed_by_stdio", hidden_closed_by_stdio},
};

int main(int argc, char **argv)
{
    find_unseen();
    return play(argc, argv, plays, sizeof plays / sizeof *plays);
}
