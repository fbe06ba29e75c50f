/* SPDX-License-Identifier: MIT
 * Plays in which the peer sends back what it gets: lines, or frames with their length before them.
 */
#include "program.h"

static const char framed[] = "\0\0\0\3abc";
enum { FRAMED_LEN = sizeof framed - 1, WAIT_MS = 1000 };

static void say_all(int fd, const char *bytes, size_t len)
{
    expect(send(fd, bytes, len, 0) == (ssize_t)len, "send");
}

static void hear_all(int fd, size_t len)
{
    char buf[64];
    expect(recv(fd, buf, len, MSG_WAITALL) == (ssize_t)len, "recv");
}

static void await(int fd)
{
    struct pollfd entry = {.fd = fd, .events = POLLIN};
    expect(poll(&entry, 1, WAIT_MS) == 1, "poll");
}

static void lines(uint16_t port)
{
    for (int i = 0; i < 2; i++) {
        int fd = connect_to(port);
        say_all(fd, "ask\n", 4);
        hear_all(fd, 4);
        close(fd);
    }
}

static void frames(uint16_t port)
{
    for (int i = 0; i < 2; i++) {
        int fd = connect_to(port);
        say_all(fd, framed, FRAMED_LEN);
        hear_all(fd, FRAMED_LEN);
        close(fd);
    }
}

/* Both are answered, and read. */
static void pipelined(uint16_t port)
{
    int fd = connect_to(port);
    say_all(fd, "one\ntwo\n", 8);
    hear_all(fd, 8);
    close(fd);
}

static void one_of_two_read(uint16_t port)
{
    int fd = connect_to(port);
    say_all(fd, "one\ntwo\n", 8);
    hear_all(fd, 4);
    close(fd);
}

static void half_read(uint16_t port)
{
    int fd = connect_to(port);
    say_all(fd, framed, FRAMED_LEN);
    await(fd);
    hear_all(fd, FRAMED_LEN - 1);
    close(fd);
}

static void read_late(uint16_t port)
{
    int fd = connect_to(port);
    struct pollfd entry = {.fd = fd, .events = POLLIN};
    expect(poll(&entry, 1, 10) == 0, "poll");
    say_all(fd, framed, FRAMED_LEN);
    expect(poll(&entry, 1, WAIT_MS) == 1, "poll");
    hear_all(fd, FRAMED_LEN);
    close(fd);
}

/* The beginning of a second one, which an echo answers at once. */
static void half_sent(uint16_t port)
{
    int fd = connect_to(port);
    say_all(fd, "one\nt", 5);
    hear_all(fd, 5);
    close(fd);
}

static void told_goodbye(uint16_t port)
{
    for (int i = 0; i < 2; i++) {
        int fd = connect_to(port);
        say_all(fd, "ask\n", 4);
        hear_all(fd, 4);
        expect(shutdown(fd, SHUT_WR) == 0, "shutdown");
        close(fd);
    }
}

static void through_a_proxy(uint16_t port)
{
    int fd = connect_to(port);
    say_all(fd, "CONNECT host:80 HTTP/1.1\n", 25);
    hear_all(fd, 25);
    close(fd);
}

static void greeted(uint16_t port)
{
    int fd = connect_to(port);
    hear_all(fd, 6);
    say_all(fd, "ask\n", 4);
    hear_all(fd, 4);
    close(fd);
}

static const struct {
    struct play play;
    enum service service;
} plays[] = {
    {{"lines", lines}, SERVICE_ECHO},
    {{"frames", frames}, SERVICE_ECHO},
    {{"pipelined", pipelined}, SERVICE_ECHO},
    {{"one_of_two_read", one_of_two_read}, SERVICE_ECHO},
    {{"half_read", half_read}, SERVICE_ECHO},
    {{"read_late", read_late}, SERVICE_ECHO},
    {{"half_sent", half_sent}, SERVICE_ECHO},
    {{"told_goodbye", told_goodbye}, SERVICE_ECHO},
    {{"through_a_proxy", through_a_proxy}, SERVICE_ECHO},
    {{"greeted", greeted}, SERVICE_GREETS},
};

int main(int argc, char **argv)
{
    for (size_t i = 0; argc == 2 && i < sizeof plays / sizeof *plays; i++) {
        if (strcmp(argv[1], plays[i].play.name) != 0)
            continue;
        plays[i].play.run(serve(plays[i].service));
        sleep_ms(30); /* the server ends what it has left */
        return 0;
    }
    broken("there is no such play");
}
