/* SPDX-License-Identifier: MIT
 * Plays about closes that wait for the peer's, and about those that must not. */
#include "program.h"
#include "ways.h"

#include <dirent.h>
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <sys/uio.h>

enum { ESTABLISHED = 1, FIN_WAIT_2 = 5, TIME_WAIT = 6, CLOSE_WAIT = 8 /* net/tcp_states.h */ };

static volatile sig_atomic_t signals;

static void on_signal(int number)
{
    (void)number;
    signals++;
}

static int asked(uint16_t port, const char *path)
{
    int fd = connect_to(port);
    ask(fd, path);
    answer(fd);
    return fd;
}

/* The peer is no TIME_WAIT of ours, and what waits is no descriptor of the application's. */
static void expect_waiting(uint16_t port, int fd)
{
    expect(fcntl(fd, F_GETFD) == -1 && errno == EBADF, "closed for the application");
    expect(connections(port, true, ESTABLISHED) == 1, "and open for the peer");
}

/* Its FINs are here, and acknowledged; a busy server may be late. Unseen, since in a wait that the
 * library sees it would look after them. */
static void wait_until_server_closed(uint16_t port, unsigned count)
{
    for (int i = 0; i < 300 && connections(port, false, FIN_WAIT_2) < count; i++)
        pause_unseen(10);
    expect(connections(port, false, FIN_WAIT_2) == count, "the server has closed");
}

static void expect_passive_end(uint16_t port)
{
    wait_until_server_closed(port, 1);
    fetch(port, "/next"); /* a connect() and a close() look after it */
    expect(connections(port, true, TIME_WAIT) == 0, "no TIME_WAIT of the client's");
    expect(connections(port, false, TIME_WAIT) == 1, "the server's close came first");
}

static void announced(uint16_t port)
{
    int fd = asked(port, "/close-later");
    close(fd);
    expect_waiting(port, fd);
    expect_passive_end(port);
}

static void overwritten(uint16_t port)
{
    int fd = asked(port, "/close-later");
    expect(dup2(STDIN_FILENO, fd) == fd, "dup2");
    expect(connections(port, true, ESTABLISHED) == 1, "open for the peer");
    expect_passive_end(port);
}

static void by_close_range(uint16_t port)
{
    int fd = asked(port, "/close-later");
    expect(close_range((unsigned)fd, (unsigned)fd, 0) == 0, "close_range");
    expect_waiting(port, fd);
    expect_passive_end(port);
}

/* One byte more than was read has come, unasked: unread, it would make the end a reset. */
static void said_more(uint16_t port)
{
    close(asked(port, "/close-with-more"));
    expect_passive_end(port);
}

static void unread_already(uint16_t port)
{
    int fd = asked(port, "/close-with-more");
    expect(recv(fd, &(char){0}, 1, MSG_PEEK) == 1, "it is there, and stays");
    close(fd);
    sleep_ms(10);
    expect(connections(port, true, ESTABLISHED) == 0, "closed at once");
}

static void waited_in_vain(uint16_t port)
{
    close(asked(port, "/close-never"));
    sleep_ms(50);
    fetch(port, "/meanwhile");
    expect(connections(port, true, ESTABLISHED) == 2, "one is idle, one waits");
    sleep_ms(200);
    fetch(port, "/next");
    close(asked(port, "/close-never"));
    sleep_ms(50);
    expect(connections(port, true, ESTABLISHED) == 0, "not deferred again");
    expect(connections(port, true, TIME_WAIT) == 0, "a clean close");
}

static void many(uint16_t port)
{
    int fds[4];
    for (int i = 0; i < 4; i++)
        fds[i] = asked(port, "/close-later");
    for (int i = 0; i < 4; i++)
        close(fds[i]);
    expect(connections(port, true, ESTABLISHED) == 4, "all wait");
    wait_until_server_closed(port, 4);
    fetch(port, "/one"); /* two at the connect, two at the close */
    expect(connections(port, false, TIME_WAIT) == 4, "all were ended");
    expect(connections(port, true, TIME_WAIT) == 0, "passively");
}

static void beyond_the_room(uint16_t port)
{
    int one = asked(port, "/close-later"), two = asked(port, "/close-later");
    close(one);
    close(two);
    expect(connections(port, true, ESTABLISHED) == 1, "the first made room");
    expect(connections(port, true, TIME_WAIT) == 0, "by a clean close");
}

static void bound_to_port(uint16_t port)
{
    struct sockaddr_in to = loopback(port), from = loopback(0);
    int probe = socket(AF_INET, SOCK_STREAM, 0);
    socklen_t len = sizeof from;
    expect(bind(probe, (struct sockaddr *)&from, len) == 0, "bind");
    getsockname(probe, (struct sockaddr *)&from, &len);
    close(probe);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    expect(bind(fd, (struct sockaddr *)&from, len) == 0, "bind to a port");
    expect(connect(fd, (struct sockaddr *)&to, sizeof to) == 0, "connect");
    ask(fd, "/close-later");
    answer(fd);
    close(fd);
    expect(connections(port, true, ESTABLISHED) == 0, "closed at once");
}

/* The first reason alone would allow it. */
static void option_and_bound_to_port(uint16_t port)
{
    struct sockaddr_in to = loopback(port), from = loopback(0);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    expect(setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &(int){1}, sizeof(int)) == 0, "SO_RCVLOWAT");
    from.sin_port = htons(20001);
    expect(bind(fd, (struct sockaddr *)&from, sizeof from) == 0, "bind to a port");
    expect(connect(fd, (struct sockaddr *)&to, sizeof to) == 0, "connect");
    ask(fd, "/close-later");
    answer(fd);
    close(fd);
    expect(connections(port, true, ESTABLISHED) == 0, "closed at once");
}

static void option(uint16_t port)
{
    int fd = asked(port, "/close-later");
    expect(setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &(int){1}, sizeof(int)) == 0, "SO_RCVLOWAT");
    close(fd);
    expect_waiting(port, fd);
    expect_passive_end(port);
}

static void linger(uint16_t port)
{
    struct linger wait = {.l_onoff = 1, .l_linger = 1};
    int fd = asked(port, "/close-later");
    expect(setsockopt(fd, SOL_SOCKET, SO_LINGER, &wait, sizeof wait) == 0, "SO_LINGER");
    close(fd);
    expect(connections(port, true, ESTABLISHED) == 0, "closed at once");
}

static void half_closed(uint16_t port)
{
    int fd = asked(port, "/close-never");
    shutdown(fd, SHUT_WR);
    close(fd);
    expect(connections(port, true, ESTABLISHED) + connections(port, true, FIN_WAIT_2) == 0,
           "closed at once");
}

static void half_read(uint16_t port)
{
    char some[20];
    int fd = connect_to(port);
    ask(fd, "/close-later");
    expect(recv(fd, some, sizeof some, MSG_WAITALL) == sizeof some, "a part of the answer");
    close(fd);
    sleep_ms(20);
    expect(connections(port, true, ESTABLISHED) == 0, "closed at once");
}

static void asked_again(uint16_t port)
{
    int fd = asked(port, "/close-later");
    ask(fd, "/too-late");
    close(fd);
    sleep_ms(20);
    expect(connections(port, true, ESTABLISHED) == 0, "closed at once");
}

static void registered(uint16_t port)
{
    struct epoll_event event = {.events = EPOLLIN};
    int set = epoll_create1(0), fd = asked(port, "/close-never");
    expect(epoll_ctl(set, EPOLL_CTL_ADD, fd, &event) == 0, "EPOLL_CTL_ADD");
    close(fd);
    expect(epoll_wait(set, &event, 1, 500) == 0, "no event after the close");
}

/* An overwriting may fail, and would leave the connection out of the set. */
static void registered_and_overwritten(uint16_t port)
{
    struct epoll_event event = {.events = EPOLLIN};
    int set = epoll_create1(0), fd = asked(port, "/close-later");
    expect(epoll_ctl(set, EPOLL_CTL_ADD, fd, &event) == 0, "EPOLL_CTL_ADD");
    expect(dup2(STDIN_FILENO, fd) == fd, "dup2");
    expect(epoll_wait(set, &event, 1, 50) == 0, "no event");
}

static void forked(uint16_t port)
{
    close(asked(port, "/close-later"));
    pid_t child = fork();
    if (child == 0) {
        show_descriptors();
        sleep_ms(300);
        _exit(0);
    }
    expect_passive_end(port);
    waitpid(child, NULL, 0);
}

static void shared(uint16_t port)
{
    int fd = asked(port, "/close-later");
    pid_t child = fork();
    if (child == 0) {
        sleep_ms(50);
        _exit(0);
    }
    close(fd);
    waitpid(child, NULL, 0);
    expect(connections(port, true, ESTABLISHED) == 0, "closed at once, and by the child's end");
}

/* What waits is behind the highest number: fcntl() would say that it is not open. */
static int hidden_number(void)
{
    int highest = -1;
    DIR *numbers = opendir("/proc/self/fd");
    if (numbers == NULL)
        broken("/proc/self/fd");
    for (struct dirent *entry; (entry = readdir(numbers)) != NULL;)
        highest = atoi(entry->d_name) > highest ? atoi(entry->d_name) : highest;
    closedir(numbers);
    return highest;
}

static void number_overwritten(uint16_t port)
{
    limit_numbers();
    close(asked(port, "/close-later"));
    int hidden = hidden_number();
    expect(hidden > 0 && dup2(STDIN_FILENO, hidden) == hidden, "dup2 over the one that waits");
    expect(connections(port, true, ESTABLISHED) == 0, "it ended");
    expect(connections(port, true, TIME_WAIT) == 0, "by FIN and RST");
    sleep_ms(400);
    fetch(port, "/next");
    expect(fcntl(hidden, F_GETFD) >= 0, "the application's number is left alone");
}

static void *unseen(const char *function)
{
    return dlsym(dlopen("libc.so.6", RTLD_NOW | RTLD_LOCAL), function);
}

/* What lies behind our number now is not the connection that waited: nothing of it may be read. */
static void number_reused_unseen(uint16_t port)
{
    int pair[2];
    char byte = 0;
    limit_numbers();
    close(asked(port, "/close-later"));
    int hidden = hidden_number();
    int (*unseen_dup2)(int, int) = (int (*)(int, int))unseen("dup2");
    expect(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0, "socketpair");
    expect(write(pair[0], "x", 1) == 1, "write");
    expect(unseen_dup2(pair[1], hidden) == hidden, "dup2");
    fetch(port, "/next");
    expect(recv(pair[1], &byte, 1, MSG_DONTWAIT) == 1 && byte == 'x', "the byte is still there");
}

static void sent_unseen(uint16_t port)
{
    ssize_t (*unseen_send)(int, const void *, size_t, int) =
        (ssize_t(*)(int, const void *, size_t, int))unseen("send");
    int fd = asked(port, "/close-later");
    expect(unseen_send(fd, "GET /", 5, 0) == 5, "send");
    sleep_ms(50); /* until it is acknowledged */
    close(fd);
    expect(connections(port, true, ESTABLISHED) == 0, "closed at once");
}

/* What waits is the parent's: the child begins anew. */
static void forked_with_one_waiting(uint16_t port)
{
    close(asked(port, "/close-never"));
    pid_t child = fork();
    if (child == 0) {
        fetch(port, "/one");
        int two = asked(port, "/two"), three = asked(port, "/three"), four = asked(port, "/four");
        close(two);
        close(asked(port, "/close-later"));
        close(three);
        close(four);
        exit(0);
    }
    int status = -1;
    waitpid(child, &status, 0);
    expect(status == 0, "the child ends well");
    expect(connections(port, true, ESTABLISHED) == 1, "the parent's still waits");
}

/* A server of one worker, which reads to the end of each connection before it takes the next. */
static uint16_t serve_one_by_one(void)
{
    static const char response[] = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n"
                                   "\r\nbody";
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof addr;
    char bytes[500];
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(listener, (struct sockaddr *)&addr, len) != 0 || listen(listener, 8) != 0 ||
        getsockname(listener, (struct sockaddr *)&addr, &len) != 0)
        broken("serve_one_by_one");
    if (fork() == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;) {
            int fd = accept(listener, NULL, NULL);
            if (recv(fd, bytes, sizeof bytes, 0) <= 0 ||
                send(fd, response, sizeof response - 1, MSG_NOSIGNAL) < 0)
                _exit(1);
            sleep_ms(20);
            shutdown(fd, SHUT_WR);
            while (recv(fd, bytes, sizeof bytes, 0) > 0)
                continue;
            close(fd);
        }
    }
    close(listener);
    return ntohs(addr.sin_port);
}

/* The second is answered only after the first is closed, which waits for the server's end. */
static void blocks_in(ssize_t (*receive)(int, void *, size_t))
{
    uint16_t port = serve_one_by_one();
    char bytes[200];
    alarm(5);
    for (int i = 0; i < 3; i++) {
        int fd = connect_to(port);
        ask(fd, "/one");
        expect(receive(fd, bytes, sizeof bytes) > 0, "an answer");
        close(fd);
    }
}

static ssize_t receive_by_readv(int fd, void *buf, size_t len)
{
    struct iovec one = {.iov_base = buf, .iov_len = len};
    return readv(fd, &one, 1);
}

static ssize_t receive_by_recv(int fd, void *buf, size_t len)
{
    return recv(fd, buf, len, 0);
}

static ssize_t receive_by_recvfrom(int fd, void *buf, size_t len)
{
    return recvfrom(fd, buf, len, 0, NULL, NULL);
}

static ssize_t receive_by_recvmsg(int fd, void *buf, size_t len)
{
    struct iovec one = {.iov_base = buf, .iov_len = len};
    struct msghdr message = {.msg_iov = &one, .msg_iovlen = 1};
    return recvmsg(fd, &message, 0);
}

static void blocks_in_a_read(uint16_t port)
{
    (void)port;
    blocks_in(read);
    blocks_in(receive_by_readv);
    blocks_in(receive_by_recv);
    blocks_in(receive_by_recvfrom);
    blocks_in(receive_by_recvmsg);
}

/* Reads, with one close waiting, and a signal in 50 ms; the answer comes after 300. */
static ssize_t read_with_a_signal(uint16_t port, int flags)
{
    char bytes[300];
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = flags};
    struct itimerval timer = {.it_value = {.tv_usec = 50 * 1000}};
    close(asked(port, "/close-never"));
    int fd = connect_to(port);
    ask(fd, "/late");
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &timer, NULL);
    ssize_t result = recv(fd, bytes, sizeof bytes, 0);
    int error = errno;
    close(fd);
    errno = error;
    return result;
}

static void interrupted_in_a_read(uint16_t port)
{
    signals = 0;
    expect(read_with_a_signal(port, 0) == -1 && errno == EINTR && signals == 1, "EINTR");
}

static void restarted_in_a_read(uint16_t port)
{
    signals = 0;
    expect(read_with_a_signal(port, SA_RESTART) > 0 && signals == 1, "the answer");
}

static void *read_until_cancelled(void *argument)
{
    char byte;
    recv(*(int *)argument, &byte, 1, 0);
    return NULL;
}

static void cancelled_in_a_read(uint16_t port)
{
    pthread_t thread;
    void *result = NULL;
    close(asked(port, "/close-never"));
    int fd = connect_to(port);
    alarm(3);
    pthread_create(&thread, NULL, read_until_cancelled, &fd);
    sleep_ms(50);
    pthread_cancel(thread);
    pthread_join(thread, &result);
    expect(result == PTHREAD_CANCELED, "it ends by the cancellation");
}

static void times_out_in_a_read(uint16_t port)
{
    char byte;
    struct timeval limit = {.tv_usec = 100 * 1000};
    close(asked(port, "/close-never"));
    int fd = connect_to(port);
    alarm(3);
    expect(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) == 0, "SO_RCVTIMEO");
    expect(recv(fd, &byte, 1, 0) == -1 && errno == EAGAIN, "EAGAIN in its time");
}

static char read_meanwhile[300];

static void *read_whatever_comes(void *fd)
{
    recv(*(int *)fd, read_meanwhile, sizeof read_meanwhile - 1, 0);
    return NULL;
}

/* The close under a read is the very thing that is shown. */
const char *__tsan_default_suppressions(void);
const char *__tsan_default_suppressions(void)
{
    return "race:closed_under_a_read\n";
}

/* The number is another connection's when its bytes come, and they are not for the reader. */
static void closed_under_a_read(uint16_t port)
{
    close(asked(port, "/close-never"));
    int fd = connect_to(port), blocked = fd;
    ask(fd, "/late");
    pthread_t reader;
    pthread_create(&reader, NULL, read_whatever_comes, &blocked);
    sleep_ms(50);
    close(fd);
    expect(connect_to(port) == fd, "the same number");
    ask(fd, "/of-the-next");
    sleep_ms(100);
    answer(fd);
    close(fd);
    pthread_join(reader, NULL);
    expect(strstr(read_meanwhile, "/of-the-next") == NULL, "each reads its own");
}

static void does_not_block(uint16_t port)
{
    char byte;
    close(asked(port, "/close-never"));
    int fd = connect_to(port);
    alarm(3);
    expect(recv(fd, &byte, 1, MSG_DONTWAIT) == -1 && errno == EAGAIN, "MSG_DONTWAIT");
    fcntl(fd, F_SETFL, O_NONBLOCK);
    expect(recv(fd, &byte, 1, 0) == -1 && errno == EAGAIN, "O_NONBLOCK");
}

static void asked_for_signals(uint16_t port)
{
    int fd = asked(port, "/close-later");
    signal(SIGIO, on_signal);
    expect(fcntl(fd, F_SETOWN, getpid()) == 0, "F_SETOWN");
    expect(fcntl(fd, F_SETFL, O_ASYNC) == 0, "O_ASYNC");
    signals = 0;
    close(fd);
    sleep_ms(600);
    expect(signals == 0, "no signal of a closed descriptor's");
}

static void asked_for_signals_by_ioctl(uint16_t port)
{
    int fd = asked(port, "/close-later");
    expect(ioctl(fd, FIOASYNC, &(int){1}) == 0, "FIOASYNC");
    close(fd);
}

static void linger_unseen(uint16_t port)
{
    struct linger linger = {.l_onoff = 1, .l_linger = 1};
    int (*unseen_setsockopt)(int, int, int, const void *, socklen_t) =
        (int (*)(int, int, int, const void *, socklen_t))unseen("setsockopt");
    int fd = asked(port, "/close-later");
    expect(unseen_setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger) == 0, "SO_LINGER");
    close(fd);
    expect(connections(port, true, ESTABLISHED) == 0, "closed at once");
}

static void looked_after_in_a_wait(uint16_t port)
{
    close(asked(port, "/close-later"));
    expect(poll(NULL, 0, 2000) == 0, "poll");
    expect(connections(port, true, CLOSE_WAIT) == 0, "ours has ended as well");
    expect(connections(port, false, TIME_WAIT) == 1, "after the server's");
}

static void ends_meanwhile(uint16_t port)
{
    close(asked(port, "/close-later"));
}

static void killed_meanwhile(uint16_t port)
{
    close(asked(port, "/close-never"));
    kill(getpid(), SIGKILL);
}

static void not_deferred(uint16_t port)
{
    close(asked(port, "/close-later"));
    sleep_ms(20);
    expect(connections(port, true, ESTABLISHED) == 0, "closed at once");
}

static const struct play plays[] = {
    {"announced", announced},
    {"overwritten", overwritten},
    {"by_close_range", by_close_range},
    {"said_more", said_more},
    {"unread_already", unread_already},
    {"waited_in_vain", waited_in_vain},
    {"many", many},
    {"beyond_the_room", beyond_the_room},
    {"bound_to_port", bound_to_port},
    {"option_and_bound_to_port", option_and_bound_to_port},
    {"option", option},
    {"linger", linger},
    {"half_closed", half_closed},
    {"half_read", half_read},
    {"asked_again", asked_again},
    {"registered", registered},
    {"registered_and_overwritten", registered_and_overwritten},
    {"forked", forked},
    {"shared", shared},
    {"number_overwritten", number_overwritten},
    {"number_reused_unseen", number_reused_unseen},
    {"sent_unseen", sent_unseen},
    {"forked_with_one_waiting", forked_with_one_waiting},
    {"blocks_in_a_read", blocks_in_a_read},
    {"interrupted_in_a_read", interrupted_in_a_read},
    {"restarted_in_a_read", restarted_in_a_read},
    {"cancelled_in_a_read", cancelled_in_a_read},
    {"times_out_in_a_read", times_out_in_a_read},
    {"closed_under_a_read", closed_under_a_read},
    {"does_not_block", does_not_block},
    {"asked_for_signals", asked_for_signals},
    {"asked_for_signals_by_ioctl", asked_for_signals_by_ioctl},
    {"linger_unseen", linger_unseen},
    {"looked_after_in_a_wait", looked_after_in_a_wait},
    {"ends_meanwhile", ends_meanwhile},
    {"killed_meanwhile", killed_meanwhile},
    {"not_deferred", not_deferred},
};

int main(int argc, char **argv)
{
    return play(argc, argv, plays, sizeof plays / sizeof *plays);
}
