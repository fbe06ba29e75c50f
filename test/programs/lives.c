/* SPDX-License-Identifier: MIT
 * Plays about what one life of a connection leaves to the next, and what it does not. */
#include "program.h"

#include <signal.h>
#include <sys/time.h>

static int used(uint16_t port)
{
    int fd = connect_to(port);
    ask(fd, "/used");
    answer(fd);
    return fd;
}

static void set_linger(int fd, int on, int seconds)
{
    struct linger linger = {.l_onoff = on, .l_linger = seconds};
    expect(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger) == 0, "SO_LINGER");
}

static void linger_off_again(uint16_t port)
{
    int fd = used(port);
    set_linger(fd, 1, 5);
    set_linger(fd, 0, 0);
    close(fd);
}

static void linger_before_connect(uint16_t port)
{
    struct sockaddr_in addr = loopback(port);
    fetch(port, "/one");
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    set_linger(fd, 1, 0);
    expect(connect(fd, (struct sockaddr *)&addr, sizeof addr) == 0, "connect");
    ask(fd, "/two");
    answer(fd);
    close(fd);
}

static void own_linger2(uint16_t port)
{
    int fd = used(port);
    expect(setsockopt(fd, IPPROTO_TCP, TCP_LINGER2, &(int){5}, sizeof(int)) == 0, "TCP_LINGER2");
    close(fd);
}

static void keepalive_set(uint16_t port, int on)
{
    int fd = used(port), now = -1;
    socklen_t len = sizeof now;
    expect(getsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &now, &len) == 0 && now == 0, "off at first");
    if (on)
        expect(setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on) == 0, "SO_KEEPALIVE");
    close(fd);
}

static void keepalive(uint16_t port)
{
    keepalive_set(port, 1);
    keepalive_set(port, 0);
    keepalive_set(port, 0);
}

static void on_alarm(int signal_number)
{
    (void)signal_number;
}

static void interrupted_and_read_on(uint16_t port)
{
    struct sigaction action = {.sa_handler = on_alarm};
    struct itimerval timer = {.it_value = {.tv_usec = 10 * 1000}};
    char byte;
    int fd = connect_to(port);
    ask(fd, "/late");
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &timer, NULL);
    expect(recv(fd, &byte, 1, 0) == -1 && errno == EINTR, "EINTR");
    answer(fd);
    close(fd);
}

static void nothing_asked(uint16_t port)
{
    char byte;
    int fd = used(port);
    expect(recv(fd, &byte, 0, MSG_DONTWAIT) <= 0 && read(fd, &byte, 0) == 0, "nothing");
    close(fd);
}

/* The server waits for the rest: its end comes after ours. */
static void sent_last(uint16_t port)
{
    int fd = used(port);
    expect(send(fd, "GET /", 5, 0) == 5, "send");
    sleep_ms(100); /* longer than an ACK may be delayed */
    close(fd);
}

static void overwritten(uint16_t port)
{
    int null = open("/dev/null", O_RDONLY), fd = used(port);
    expect(dup2(null, fd) == fd, "dup2");
    fd = used(port);
    expect(dup3(null, fd, O_CLOEXEC) == fd, "dup3");
}

static void overwritten_with_wrong_flags(uint16_t port)
{
    int null = open("/dev/null", O_RDONLY), fd = used(port);
    expect(dup3(null, fd, O_NONBLOCK) == -1 && errno == EINVAL, "EINVAL");
    ask(fd, "/still-there");
    expect(answer(fd), "answer");
    close(fd);
}

static void two_reasons(uint16_t port)
{
    char byte;
    int fd = used(port);
    expect(fcntl(fd, F_SETOWN, getpid()) == 0, "F_SETOWN");
    recv(fd, &byte, 1, MSG_OOB | MSG_DONTWAIT);
    close(fd);
}

/* The library keeps its notes of a connection in the place of one that has gone. */
static void notes_used_again(uint16_t port)
{
    int fd = used(port);
    expect(shutdown(fd, SHUT_RD) == 0, "shutdown");
    close(fd);
    fetch(port, "/next");
}

/* The kernel keeps the time of a linger that is switched off. */
static void linger_time(uint16_t port)
{
    struct sockaddr_in addr = loopback(port);
    struct linger now = {0};
    socklen_t len = sizeof now;
    fetch(port, "/one");
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    set_linger(fd, 1, 3);
    set_linger(fd, 0, 0);
    expect(connect(fd, (struct sockaddr *)&addr, sizeof addr) == 0, "connect");
    expect(getsockopt(fd, SOL_SOCKET, SO_LINGER, &now, &len) == 0, "SO_LINGER");
    expect(now.l_onoff == 0 && now.l_linger == 3, "as it was set");
    close(fd);
}

/* Nobody asked how its connect() ended: the next user finds it as any connected one. */
static void untold(uint16_t port)
{
    struct sockaddr_in addr = loopback(port);
    struct sockaddr *to = (struct sockaddr *)&addr;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    expect(connect(fd, to, sizeof addr) == -1 && errno == EINPROGRESS, "EINPROGRESS");
    show_poll(fd, POLLOUT, 1000);
    ask(fd, "/untold");
    show_poll(fd, POLLIN, 1000);
    answer(fd);
    close(fd);
    fd = connect_to(port);
    expect(connect(fd, to, sizeof addr) == -1 && errno == EISCONN, "EISCONN");
    close(fd);
}

static void keepalive_before_connect(uint16_t port)
{
    struct sockaddr_in addr = loopback(port);
    fetch(port, "/one");
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    expect(setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &(int){1}, sizeof(int)) == 0, "SO_KEEPALIVE");
    expect(connect(fd, (struct sockaddr *)&addr, sizeof addr) == 0, "connect");
    close(fd);
    keepalive_set(port, 0);
}

static void bound_to_device(uint16_t port)
{
    struct sockaddr_in addr = loopback(port);
    char device[16] = "";
    socklen_t len = sizeof device;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    expect(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 2) == 0, "SO_BINDTODEVICE");
    expect(connect(fd, (struct sockaddr *)&addr, sizeof addr) == 0, "connect");
    ask(fd, "/device");
    answer(fd);
    close(fd);
    fd = used(port);
    expect(getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device, &len) == 0, "SO_BINDTODEVICE");
    expect(device[0] == '\0', "no device");
    close(fd);
}

/* IP_TOS sets SO_PRIORITY as well. */
static void priority(uint16_t port)
{
    int now = -1, fd = used(port);
    socklen_t len = sizeof now;
    expect(setsockopt(fd, IPPROTO_IP, IP_TOS, &(int){0x10}, sizeof(int)) == 0, "IP_TOS");
    ask(fd, "/another-route");
    answer(fd);
    close(fd);
    fd = used(port);
    expect(getsockopt(fd, SOL_SOCKET, SO_PRIORITY, &now, &len) == 0 && now == 0, "no priority");
    close(fd);
}

static void two_closed_at_once(uint16_t port)
{
    int fd = used(port), copy = dup(fd);
    close(fd);
    close(copy);
}

/* Some programs free their environment, or write a title over it. */
static void environment_overwritten(uint16_t port)
{
    fetch(port, "/one");
    for (char **entry = environ; *entry != NULL; entry++)
        memset(*entry, 'x', strlen(*entry));
    expect(clearenv() == 0, "clearenv");
    fetch(port, "/two");
}

static const struct play plays[] = {
    {"linger_off_again", linger_off_again},
    {"linger_before_connect", linger_before_connect},
    {"own_linger2", own_linger2},
    {"keepalive", keepalive},
    {"interrupted_and_read_on", interrupted_and_read_on},
    {"nothing_asked", nothing_asked},
    {"sent_last", sent_last},
    {"overwritten", overwritten},
    {"overwritten_with_wrong_flags", overwritten_with_wrong_flags},
    {"two_reasons", two_reasons},
    {"notes_used_again", notes_used_again},
    {"linger_time", linger_time},
    {"untold", untold},
    {"keepalive_before_connect", keepalive_before_connect},
    {"bound_to_device", bound_to_device},
    {"priority", priority},
    {"two_closed_at_once", two_closed_at_once},
    {"environment_overwritten", environment_overwritten},
};

int main(int argc, char **argv)
{
    return play(argc, argv, plays, sizeof plays / sizeof *plays);
}
