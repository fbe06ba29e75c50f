/* SPDX-License-Identifier: MIT
 * Plays about shutdown() as a goodbye: held until the close, or sent when it matters. */
#include "../../shim/arch.h"
#include "program.h"

#include <dlfcn.h>
#include <linux/sockios.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>

/* net/tcp_states.h */
enum { ESTABLISHED = 1, FIN_WAIT_1 = 4, FIN_WAIT_2 = 5, TIME_WAIT = 6, CLOSE_WAIT = 8 };

static int asked(uint16_t port, const char *path)
{
    int fd = connect_to(port);
    ask(fd, path);
    answer(fd);
    return fd;
}

static void done(int fd, int how)
{
    expect(shutdown(fd, how) == 0, "shutdown() succeeds");
}

static int state_of(int fd)
{
    struct tcp_info info;
    socklen_t len = sizeof info;
    expect(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0, "TCP_INFO");
    return info.tcpi_state;
}

/* By the instruction itself: any call that the library sees could be what sends it. */
static int state_unseen(int fd)
{
    struct tcp_info info = {0};
    socklen_t len = sizeof info;
    long result =
        arch_syscall(SYS_getsockopt, fd, IPPROTO_TCP, TCP_INFO, (long)&info, (long)&len, 0);
    return result == 0 ? info.tcpi_state : -1;
}

static void expect_sent(int fd)
{
    expect(state_unseen(fd) != ESTABLISHED, "the FIN was sent");
}

static void writing(uint16_t port)
{
    int fd = asked(port, "/one");
    done(fd, SHUT_WR);
    close(fd);
    fetch(port, "/two");
}

static void reading(uint16_t port)
{
    int fd = asked(port, "/one");
    done(fd, SHUT_RD);
    close(fd);
    fetch(port, "/two");
}

static void both(uint16_t port)
{
    int fd = asked(port, "/one");
    done(fd, SHUT_RDWR);
    close(fd);
    fetch(port, "/two");
}

/* libmemcached's way. */
static void one_after_the_other(uint16_t port)
{
    int fd = asked(port, "/one");
    done(fd, SHUT_WR);
    done(fd, SHUT_RD);
    close(fd);
    fetch(port, "/two");
}

/* Java's way, and what other runtimes ask before they close. */
static void after_harmless_calls(uint16_t port)
{
    int fd = asked(port, "/one"), error, on = 1;
    struct linger linger;
    socklen_t len = sizeof linger, error_len = sizeof error;
    done(fd, SHUT_WR);
    expect(getsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, &len) == 0, "SO_LINGER");
    expect(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &error_len) == 0, "SO_ERROR");
    expect(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0, "TCP_NODELAY");
    expect(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) == 0, "O_NONBLOCK");
    expect(fcntl(fd, F_SETFD, FD_CLOEXEC) == 0, "FD_CLOEXEC");
    close(fd);
    fetch(port, "/two");
}

static void by_system_calls(uint16_t port)
{
    int fd = asked(port, "/one");
    expect(syscall(SYS_shutdown, fd, SHUT_WR) == 0, "shutdown() succeeds");
    syscall(SYS_close, fd);
    fetch(port, "/two");
}

/* The JDK's way when a thread may be reading. */
static void overwritten(uint16_t port)
{
    int fd = asked(port, "/one"), marker[2];
    expect(pipe(marker) == 0, "a pipe");
    done(fd, SHUT_WR);
    expect(dup2(marker[0], fd) == fd, "dup2");
    close(fd);
    fetch(port, "/two");
}

static void in_an_epoll_set(uint16_t port)
{
    struct epoll_event event = {.events = EPOLLIN};
    int set = epoll_create1(0), fd = asked(port, "/one");
    expect(epoll_ctl(set, EPOLL_CTL_ADD, fd, &event) == 0, "registered");
    done(fd, SHUT_WR);
    close(fd);
    fetch(port, "/two");
}

static void of_many(uint16_t port)
{
    enum { MANY = 20 /* more than can be held */ };
    int fds[MANY];
    for (int i = 0; i < MANY; i++)
        fds[i] = asked(port, "/one");
    for (int i = 0; i < MANY; i++)
        done(fds[i], SHUT_WR);
    for (int i = 0; i < MANY; i++)
        close(fds[i]);
}

static void announced(uint16_t port)
{
    int fd = asked(port, "/close-later");
    done(fd, SHUT_WR);
    close(fd);
    expect(connections(port, true, ESTABLISHED) == 1, "it waits for the server");
}

static void never_closed(uint16_t port)
{
    int fd = asked(port, "/one");
    done(fd, SHUT_WR);
    exit(0);
}

static void before_the_answer(uint16_t port)
{
    int fd = connect_to(port);
    ask(fd, "/late");
    done(fd, SHUT_WR);
    expect_sent(fd);
    answer(fd);
    close(fd);
}

static void unread(uint16_t port)
{
    char some[20];
    int fd = connect_to(port);
    ask(fd, "/one");
    expect(recv(fd, some, sizeof some, MSG_WAITALL) == sizeof some, "a part of the answer");
    done(fd, SHUT_WR);
    expect_sent(fd);
    close(fd);
}

static void of_a_duplicate(uint16_t port)
{
    int fd = asked(port, "/one"), other = dup(fd);
    done(fd, SHUT_WR);
    expect_sent(fd);
    close(fd);
    close(other);
}

static void duplicated_after(uint16_t port)
{
    int fd = asked(port, "/one");
    done(fd, SHUT_WR);
    int other = dup(fd);
    expect_sent(fd);
    close(fd);
    close(other);
}

static void copied_after(uint16_t port)
{
    int fd = asked(port, "/one");
    done(fd, SHUT_WR);
    int other = dup2(fd, fd + 10);
    expect_sent(fd);
    close(fd);
    close(other);
}

/* The table of descriptors is forgotten then, and with it which number it is. */
static void files_unshared_after(uint16_t port)
{
    int fd = asked(port, "/one");
    done(fd, SHUT_WR);
    expect(unshare(CLONE_FILES) == 0, "unshare");
    expect_sent(fd);
    close(fd);
}

static void sent_then_written(uint16_t port)
{
    int fd = asked(port, "/one");
    done(fd, SHUT_WR);
    expect(send(fd, "x", 1, MSG_NOSIGNAL) == -1 && errno == EPIPE, "EPIPE");
    close(fd);
}

static void sent_then_read(uint16_t port)
{
    char byte;
    int fd = asked(port, "/one");
    done(fd, SHUT_RD);
    expect(recv(fd, &byte, 1, 0) == 0, "the end");
    close(fd);
}

static void looked_at(uint16_t port)
{
    int fd = asked(port, "/one");
    done(fd, SHUT_WR);
    int state = state_of(fd);
    expect(state == FIN_WAIT_1 || state == FIN_WAIT_2 ||
               state == 7 /* closed: the server was quick */,
           "half closed");
    close(fd);
}

static void looked_at_by_ioctl(uint16_t port)
{
    int unsent, fd = asked(port, "/one");
    done(fd, SHUT_WR);
    expect(ioctl(fd, SIOCOUTQ, &unsent) == 0, "SIOCOUTQ");
    expect_sent(fd);
    close(fd);
}

static void wrapped_after(uint16_t port)
{
    int fd = asked(port, "/one");
    done(fd, SHUT_WR);
    FILE *stream = fdopen(fd, "r");
    expect_sent(fd);
    expect(fgetc(stream) == EOF, "the end");
    fclose(stream);
}

/* What a stream writes at its end, and what is opened in its place, may wait for the peer. */
/* What it has not written yet may make it wait. */
static void stream_closed_after(uint16_t port)
{
    FILE *other = fopen("/dev/null", "w");
    fputs("x", other);
    int fd = asked(port, "/one");
    done(fd, SHUT_WR);
    expect(fclose(other) == 0, "fclose");
    expect_sent(fd);
    close(fd);
}

static void stream_reopened_after(uint16_t port)
{
    FILE *other = fopen("/dev/null", "w");
    int fd = asked(port, "/one");
    done(fd, SHUT_WR);
    other = freopen("/dev/null", "r", other);
    expect(other != NULL, "freopen");
    expect_sent(fd);
    close(fd);
    fclose(other);
}

static void compute_ms(int ms)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    int64_t until_ms = now.tv_sec * 1000 + now.tv_nsec / 1000000 + ms;
    while (now.tv_sec * 1000 + now.tv_nsec / 1000000 < until_ms)
        clock_gettime(CLOCK_MONOTONIC, &now);
}

static void forked_after(uint16_t port)
{
    int fd = asked(port, "/one");
    done(fd, SHUT_WR);
    pid_t child = fork();
    if (child == 0)
        _exit(state_unseen(fd) != ESTABLISHED ? 0 : 1);
    int status;
    compute_ms(50); /* waitpid() would send it too */
    waitpid(child, &status, 0);
    expect(status == 0, "sent before the child was made");
    close(fd);
}

/* The new program has the descriptor, and its server waits for the end. */
static void executed_after(uint16_t port)
{
    char number[16];
    int fd = asked(port, "/one");
    fcntl(fd, F_SETFD, 0);
    done(fd, SHUT_WR);
    snprintf(number, sizeof number, "%d", fd);
    execl("/proc/self/exe", "half_closes", "executed", number, NULL);
    broken("execl");
}

static void by_no_such_way(uint16_t port)
{
    int fd = asked(port, "/one");
    expect(shutdown(fd, SHUT_RD - 1) == -1 && errno == EINVAL, "EINVAL");
    close(fd);
    fd = asked(port, "/two");
    expect(shutdown(fd, SHUT_RDWR + 1) == -1 && errno == EINVAL, "EINVAL");
    close(fd);
}

static void shared_before(uint16_t port)
{
    int fd = asked(port, "/one");
    pid_t child = fork();
    if (child == 0)
        pause();
    done(fd, SHUT_WR);
    expect_sent(fd);
    kill(child, SIGKILL);
    close(fd);
}

/* Its close would not park it, whatever is held. */
static void private_before(uint16_t port)
{
    int fd = asked(port, "/one"), bytes = 100;
    expect(setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &bytes, sizeof bytes) == 0, "SO_RCVLOWAT");
    done(fd, SHUT_WR);
    expect_sent(fd);
    close(fd);
}

/* The number is another socket's, and nobody saw how it became that. */
static void of_another_socket(uint16_t port)
{
    int other[2], fd = asked(port, "/one");
    char byte;
    int (*unseen_dup2)(int, int) =
        (int (*)(int, int))dlsym(dlopen("libc.so.6", RTLD_NOW | RTLD_NOLOAD), "dup2");
    expect(socketpair(AF_UNIX, SOCK_STREAM, 0, other) == 0, "socketpair");
    expect(unseen_dup2(other[1], fd) == fd, "dup2");
    done(fd, SHUT_WR);
    expect(recv(other[0], &byte, 1, MSG_DONTWAIT) == 0, "the end");
}

static void overwritten_after_unseen(uint16_t port)
{
    int other[2], fd = asked(port, "/one");
    char byte;
    int (*unseen_dup2)(int, int) =
        (int (*)(int, int))dlsym(dlopen("libc.so.6", RTLD_NOW | RTLD_NOLOAD), "dup2");
    expect(socketpair(AF_UNIX, SOCK_STREAM, 0, other) == 0, "socketpair");
    done(fd, SHUT_WR);
    expect(unseen_dup2(other[1], fd) == fd, "dup2");
    expect(recv(other[0], &byte, 1, MSG_DONTWAIT) == -1 && errno == EAGAIN, "no end");
}

/* While another connection idles, for which a thread of the library's wakes. */
static void beside_an_idle_one(uint16_t port)
{
    int one = asked(port, "/one"), two = asked(port, "/two");
    close(one);
    sleep_ms(20);
    done(two, SHUT_WR);
    close(two);
}

static void no_call_for_a_while(uint16_t port)
{
    int fd = asked(port, "/one");
    done(fd, SHUT_WR);
    compute_ms(300);
    expect_sent(fd);
    close(fd);
}

/* Serves one request in another process, which ends with how the connection ended: 0 by its end, 1
 * by a reset. */
static pid_t serve_one(uint16_t *port)
{
    static const char reply[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    char request[1000];
    struct sockaddr_in addr = loopback(0);
    socklen_t len = sizeof addr;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(listener, (struct sockaddr *)&addr, sizeof addr) != 0 || listen(listener, 1) != 0)
        broken("listen");
    getsockname(listener, (struct sockaddr *)&addr, &len);
    *port = ntohs(addr.sin_port);
    pid_t child = fork();
    if (child != 0) {
        close(listener);
        return child;
    }
    int fd = accept(listener, NULL, NULL);
    if (recv(fd, request, sizeof request, 0) <= 0 || send(fd, reply, sizeof reply - 1, 0) <= 0)
        _exit(2);
    bool ended = recv(fd, request, sizeof request, 0) == 0;
    sleep_ms(300);
    _exit(ended ? 0 : 1);
}

/* Nothing is left of it before the server has closed. */
static void closed_clean(uint16_t port)
{
    pid_t server = serve_one(&port);
    int status, fd = asked(port, "/one");
    done(fd, SHUT_WR);
    close(fd);
    sleep_ms(50);
    expect(connections(port, true, FIN_WAIT_2) == 0, "it is gone");
    waitpid(server, &status, 0);
    expect(status == 0, "the server reads the end");
}

/* The close aborts, but not what was said before. */
static void aborted_after(uint16_t port)
{
    struct linger now = {.l_onoff = 1};
    int status;
    pid_t server = serve_one(&port);
    int fd = asked(port, "/one");
    done(fd, SHUT_WR);
    expect(setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now) == 0, "SO_LINGER");
    close(fd);
    waitpid(server, &status, 0);
    expect(status == 0, "the server reads the end");
}

static void after_the_server(uint16_t port)
{
    int fd = asked(port, "/leaves-later");
    for (int i = 0; i < 300 && connections(port, false, FIN_WAIT_2) == 0; i++)
        sleep_ms(10);
    expect(state_unseen(fd) == CLOSE_WAIT, "it has closed");
    done(fd, SHUT_WR);
    expect(state_unseen(fd) != CLOSE_WAIT, "and hears of our end");
    close(fd);
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static bool go;

static void *sleep_until_told(void *argument)
{
    pthread_mutex_lock(&lock);
    while (!go)
        pthread_cond_wait(&condition, &lock);
    pthread_mutex_unlock(&lock);
    return argument;
}

static void *join(void *thread)
{
    pthread_join(*(pthread_t *)thread, NULL);
    return NULL;
}

/* As a runtime's own threads do all the time. */
static void beside_sleeping_threads(uint16_t port)
{
    pthread_t sleeper = start_blocked(sleep_until_told, NULL);
    pthread_t joiner = start_blocked(join, &sleeper);
    int fd = asked(port, "/one");
    done(fd, SHUT_WR);
    close(fd);
    fetch(port, "/two");
    pthread_mutex_lock(&lock);
    go = true;
    pthread_cond_signal(&condition);
    pthread_mutex_unlock(&lock);
    pthread_join(joiner, NULL);
}

static int pair[2];

static void *read_unseen(void *argument)
{
    char byte;
    read(pair[0], &byte, 1);
    return argument;
}

static void beside_a_waiting_thread(uint16_t port)
{
    expect(pipe(pair) == 0, "a pipe");
    pthread_t reader = start_blocked(read_unseen, NULL);
    int fd = asked(port, "/one");
    done(fd, SHUT_WR);
    expect_sent(fd);
    close(fd);
    expect(write(pair[1], "", 1) == 1, "write");
    pthread_join(reader, NULL);
}

static volatile bool spin = true;

static void *compute(void *argument)
{
    while (spin)
        ;
    return argument;
}

/* As a compiler of a runtime does. */
static void beside_a_running_thread(uint16_t port)
{
    pthread_t computer;
    pthread_create(&computer, NULL, compute, NULL);
    int fd = asked(port, "/one");
    done(fd, SHUT_WR);
    close(fd);
    spin = false;
    pthread_join(computer, NULL);
}

/* One that is held is another thread's to send, when that waits. */
static void *sleep_a_little(void *fd)
{
    usleep(1000);
    expect_sent(*(int *)fd);
    return NULL;
}

static void sent_by_another_thread(uint16_t port)
{
    int fd = asked(port, "/one");
    pthread_t other;
    done(fd, SHUT_WR);
    pthread_create(&other, NULL, sleep_a_little, &fd);
    pthread_join(other, NULL);
    close(fd);
}

static volatile int from_handler = -1;

static void wait_in_handler(int number)
{
    char byte;
    (void)number;
    from_handler = (int)recv(pair[0], &byte, 1, MSG_DONTWAIT);
}

static void sent_by_a_signal_handler(uint16_t port)
{
    expect(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0, "socketpair");
    signal(SIGUSR1, wait_in_handler);
    int fd = asked(port, "/one");
    done(fd, SHUT_WR);
    raise(SIGUSR1);
    expect_sent(fd);
    close(fd);
}

static const struct play plays[] = {
    {"writing", writing},
    {"reading", reading},
    {"both", both},
    {"one_after_the_other", one_after_the_other},
    {"after_harmless_calls", after_harmless_calls},
    {"by_system_calls", by_system_calls},
    {"overwritten", overwritten},
    {"in_an_epoll_set", in_an_epoll_set},
    {"of_many", of_many},
    {"announced", announced},
    {"never_closed", never_closed},
    {"before_the_answer", before_the_answer},
    {"unread", unread},
    {"of_a_duplicate", of_a_duplicate},
    {"duplicated_after", duplicated_after},
    {"copied_after", copied_after},
    {"files_unshared_after", files_unshared_after},
    {"sent_then_written", sent_then_written},
    {"sent_then_read", sent_then_read},
    {"looked_at", looked_at},
    {"looked_at_by_ioctl", looked_at_by_ioctl},
    {"wrapped_after", wrapped_after},
    {"stream_closed_after", stream_closed_after},
    {"stream_reopened_after", stream_reopened_after},
    {"forked_after", forked_after},
    {"executed_after", executed_after},
    {"by_no_such_way", by_no_such_way},
    {"shared_before", shared_before},
    {"private_before", private_before},
    {"of_another_socket", of_another_socket},
    {"overwritten_after_unseen", overwritten_after_unseen},
    {"beside_an_idle_one", beside_an_idle_one},
    {"no_call_for_a_while", no_call_for_a_while},
    {"closed_clean", closed_clean},
    {"aborted_after", aborted_after},
    {"after_the_server", after_the_server},
    {"beside_sleeping_threads", beside_sleeping_threads},
    {"beside_a_waiting_thread", beside_a_waiting_thread},
    {"beside_a_running_thread", beside_a_running_thread},
    {"sent_by_another_thread", sent_by_another_thread},
    {"sent_by_a_signal_handler", sent_by_a_signal_handler},
};

int main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "executed") == 0) {
        expect_sent(atoi(argv[2]));
        return 0;
    }
    return play(argc, argv, plays, sizeof plays / sizeof *plays);
}
