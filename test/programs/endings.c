/* SPDX-License-Identifier: MIT
 * Plays about how a connection ends: everything that stands against its being used again. */
#include "program.h"

#include <linux/sockios.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/time.h>
#include <sys/uio.h>

static const char request[] = "GET /half-seen HTTP/1.1\r\nHost: test\r\n\r\n";

/* A connection with one exchange behind it. */
static int used(uint16_t port)
{
    int fd = connect_to(port);
    ask(fd, "/used");
    answer(fd);
    return fd;
}

static void set_linger(int fd, int seconds)
{
    struct linger linger = {.l_onoff = 1, .l_linger = seconds};
    expect(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger) == 0, "SO_LINGER");
}

static void reuse(uint16_t port)
{
    fetch(port, "/one");
    fetch(port, "/two");
}

static void linger_abort(uint16_t port)
{
    int fd = used(port);
    set_linger(fd, 0);
    close(fd);
}

/* An option besides, which alone would make the close a clean one. */
static void linger_and_private(uint16_t port)
{
    int fd = connect_to(port);
    ask(fd, "/busy-later"); /* its end comes a while after ours */
    answer(fd);
    set_linger(fd, 5);
    setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &(int){1}, sizeof(int));
    close(fd);
}

static void option_alone(uint16_t port)
{
    int fd = used(port);
    setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &(int){1}, sizeof(int));
    close(fd);
}

static void option_while_unused(uint16_t port)
{
    fetch(port, "/one");
    int fd = connect_to(port);
    setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &(int){1}, sizeof(int));
    close(fd);
}

static void half_request(uint16_t port)
{
    fetch(port, "/one");
    int fd = connect_to(port);
    expect(send(fd, "GET /", 5, 0) == 5, "send");
    sleep_ms(100); /* longer than an ACK may be delayed */
    close(fd);
}

static void half_response(uint16_t port)
{
    int fd = connect_to(port);
    ask(fd, "/half");
    show_poll(fd, POLLIN, 1000);
    show_recv(fd, 30, 0);
    close(fd);
}

static void one_of_two_read(uint16_t port)
{
    int fd = connect_to(port);
    ask(fd, "/aa");
    ask(fd, "/bb");
    sleep_ms(20);
    show_recv(fd, 57, MSG_WAITALL);
    close(fd);
}

static void connect_elsewhere(uint16_t port)
{
    struct sockaddr_in addr = loopback(1);
    int fd = used(port);
    expect(connect(fd, (struct sockaddr *)&addr, sizeof addr) == -1 && errno == EISCONN, "EISCONN");
    close(fd);
}

static void half_closed(uint16_t port)
{
    int fd = used(port);
    expect(shutdown(fd, SHUT_RD) == 0, "shutdown");
    close(fd);
}

static void wrapped(uint16_t port)
{
    int fd = used(port);
    expect(fdopen(fd, "r+") != NULL, "fdopen");
    close(fd);
}

static void urgent_sent(uint16_t port)
{
    int fd = connect_to(port);
    expect(send(fd, "x", 1, MSG_OOB) == 1, "send");
    ask(fd, "/urgent");
    answer(fd);
    close(fd);
}

static void urgent_asked_for(uint16_t port)
{
    char byte;
    int fd = used(port);
    expect(recv(fd, &byte, 1, MSG_OOB) == -1, "recv");
    close(fd);
}

static void truncated(uint16_t port)
{
    int fd = connect_to(port);
    ask(fd, "/truncated");
    show_poll(fd, POLLIN, 1000);
    show_recv(fd, 1000, MSG_TRUNC);
    close(fd);
}

static void zerocopy(uint16_t port)
{
    int fd = connect_to(port);
    expect(send(fd, request, sizeof request - 1, MSG_ZEROCOPY) > 0, "send");
    answer(fd);
    close(fd);
}

static void sent_from_file(uint16_t port)
{
    char name[] = "/tmp/twpool-test-XXXXXX";
    off_t offset = 0;
    int file = mkstemp(name), fd = connect_to(port);
    unlink(name);
    expect(write(file, request, sizeof request - 1) > 0, "write");
    expect(sendfile(fd, file, &offset, sizeof request - 1) > 0, "sendfile");
    answer(fd);
    close(fd);
}

static void spliced_in(uint16_t port)
{
    int ends[2], fd = connect_to(port);
    expect(pipe(ends) == 0 && write(ends[1], request, sizeof request - 1) > 0, "pipe");
    expect(splice(ends[0], NULL, fd, NULL, sizeof request - 1, 0) > 0, "splice");
    answer(fd);
    close(fd);
}

static void spliced_out(uint16_t port)
{
    int ends[2], fd = connect_to(port);
    expect(pipe(ends) == 0, "pipe");
    ask(fd, "/spliced");
    show_poll(fd, POLLIN, 1000);
    expect(splice(fd, NULL, ends[1], NULL, 1000, 0) > 0, "splice");
    close(fd);
}

static void printed(uint16_t port)
{
    int fd = connect_to(port);
    expect(dprintf(fd, "%s", request) > 0, "dprintf");
    answer(fd);
    close(fd);
}

static void many_messages_sent(uint16_t port)
{
    struct iovec part = {(void *)request, sizeof request - 1};
    struct mmsghdr message = {.msg_hdr = {.msg_iov = &part, .msg_iovlen = 1}};
    int fd = connect_to(port);
    expect(sendmmsg(fd, &message, 1, 0) == 1, "sendmmsg");
    answer(fd);
    close(fd);
}

static void many_messages_received(uint16_t port)
{
    char bytes[1000];
    struct iovec part = {bytes, sizeof bytes};
    struct mmsghdr message = {.msg_hdr = {.msg_iov = &part, .msg_iovlen = 1}};
    int fd = connect_to(port);
    ask(fd, "/messages");
    expect(recvmmsg(fd, &message, 1, MSG_WAITFORONE, NULL) == 1, "recvmmsg");
    close(fd);
}

static void peeked(uint16_t port)
{
    int fd = connect_to(port);
    ask(fd, "/peeked");
    show_poll(fd, POLLIN, 1000);
    show_recv(fd, 1000, MSG_PEEK);
    close(fd);
}

static void peer_left(uint16_t port)
{
    int fd = connect_to(port);
    ask(fd, "/leaves-later");
    answer(fd);
    sleep_ms(60);
    close(fd);
}

static void asked_for_signals(uint16_t port)
{
    int fd = used(port);
    expect(fcntl(fd, F_SETOWN, getpid()) == 0, "F_SETOWN");
    close(fd);
    fd = used(port);
    expect(fcntl(fd, F_SETFL, O_ASYNC) == 0, "O_ASYNC");
    close(fd);
    fd = used(port);
    expect(ioctl(fd, FIOASYNC, &(int){1}) == 0, "FIOASYNC");
    close(fd);
}

static void looked_at(uint16_t port)
{
    int fd = used(port), number;
    expect(fcntl(fd, F_GETFL) >= 0 && fcntl(fd, F_GETFD) >= 0 && fcntl(fd, F_GETOWN) == 0, "F_GET");
    expect(fcntl(fd, F_SETFL, O_NONBLOCK) == 0 && fcntl(fd, F_SETFD, FD_CLOEXEC) == 0, "F_SET");
    expect(ioctl(fd, FIONREAD, &number) == 0 && ioctl(fd, SIOCOUTQ, &number) == 0, "ioctl");
    close(fd);
}

static void bound_to_port(uint16_t port)
{
    struct sockaddr_in addr = loopback(port), own = loopback(2345);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    expect(bind(fd, (struct sockaddr *)&own, sizeof own) == 0, "bind");
    expect(connect(fd, (struct sockaddr *)&addr, sizeof addr) == 0, "connect");
    ask(fd, "/bound");
    answer(fd);
    close(fd);
}

/* Reuse under raw needs no bytes in a life that said nothing. */
static void nothing_said(uint16_t port)
{
    fetch(port, "/one");
    close(connect_to(port));
}

static void timed_out(uint16_t port)
{
    struct timeval limit = {.tv_usec = 10 * 1000};
    int fd = used(port);
    expect(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) == 0, "SO_RCVTIMEO");
    show_recv(fd, 1, 0);
    close(fd);
}

static void did_not_wait(uint16_t port)
{
    struct timeval limit = {.tv_usec = 10 * 1000};
    int fd = used(port);
    expect(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) == 0, "SO_RCVTIMEO");
    show_recv(fd, 1, MSG_DONTWAIT);
    close(fd);
}

static void on_alarm(int signal_number)
{
    (void)signal_number;
}

static void alarm_soon(void)
{
    struct sigaction action = {.sa_handler = on_alarm};
    struct itimerval timer = {.it_value = {.tv_usec = 10 * 1000}};
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &timer, NULL);
}

static void interrupted(uint16_t port)
{
    char byte;
    int fd = used(port);
    alarm_soon();
    expect(recv(fd, &byte, 1, 0) == -1 && errno == EINTR, "EINTR");
    close(fd);
}

static void interrupted_wait(uint16_t port)
{
    int fd = used(port);
    struct pollfd polled = {.fd = fd, .events = POLLIN};
    alarm_soon();
    expect(poll(&polled, 1, 1000) == -1 && errno == EINTR, "EINTR");
    close(fd);
}

static void overwritten_by_nothing(uint16_t port)
{
    int fd = used(port);
    expect(dup2(500, fd) == -1 && errno == EBADF, "EBADF");
    ask(fd, "/still-there");
    expect(answer(fd), "answer");
    close(fd);
}

static void one_of_two_closed(uint16_t port)
{
    int fd = used(port), copy = dup(fd);
    close(fd);
    fetch(port, "/meanwhile");
    ask(copy, "/still-there");
    expect(answer(copy), "answer");
    close(copy);
}

/* A connect() within the first send: by its flag, and by an option. */
static void fast_open(uint16_t port)
{
    struct sockaddr_in addr = loopback(port);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    expect(sendto(fd, request, sizeof request - 1, MSG_FASTOPEN, (struct sockaddr *)&addr,
                  sizeof addr) == sizeof request - 1,
           "MSG_FASTOPEN");
    expect(answer(fd), "answer");
    close(fd);
    fd = socket(AF_INET, SOCK_STREAM, 0);
    expect(setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &(int){1}, sizeof(int)) == 0,
           "TCP_FASTOPEN_CONNECT");
    expect(connect(fd, (struct sockaddr *)&addr, sizeof addr) == 0, "connect");
    ask(fd, "/fast");
    expect(answer(fd), "answer");
    close(fd);
}

static void killed(uint16_t port)
{
    fetch(port, "/one");
    raise(SIGKILL);
}

static const struct play plays[] = {
    {"reuse", reuse},
    {"linger_abort", linger_abort},
    {"linger_and_private", linger_and_private},
    {"option_alone", option_alone},
    {"option_while_unused", option_while_unused},
    {"half_request", half_request},
    {"half_response", half_response},
    {"one_of_two_read", one_of_two_read},
    {"connect_elsewhere", connect_elsewhere},
    {"half_closed", half_closed},
    {"wrapped", wrapped},
    {"urgent_sent", urgent_sent},
    {"urgent_asked_for", urgent_asked_for},
    {"truncated", truncated},
    {"zerocopy", zerocopy},
    {"sent_from_file", sent_from_file},
    {"spliced_in", spliced_in},
    {"spliced_out", spliced_out},
    {"printed", printed},
    {"many_messages_sent", many_messages_sent},
    {"many_messages_received", many_messages_received},
    {"peeked", peeked},
    {"peer_left", peer_left},
    {"asked_for_signals", asked_for_signals},
    {"looked_at", looked_at},
    {"bound_to_port", bound_to_port},
    {"nothing_said", nothing_said},
    {"timed_out", timed_out},
    {"did_not_wait", did_not_wait},
    {"interrupted", interrupted},
    {"interrupted_wait", interrupted_wait},
    {"overwritten_by_nothing", overwritten_by_nothing},
    {"one_of_two_closed", one_of_two_closed},
    {"fast_open", fast_open},
    {"killed", killed},
};

int main(int argc, char **argv)
{
    return play(argc, argv, plays, sizeof plays / sizeof *plays);
}
