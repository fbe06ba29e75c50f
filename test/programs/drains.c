/* SPDX-License-Identifier: MIT
 * Plays about closing before a response was read to its end: what has come of it, and what has not.
 */
#include "program.h"

#include <sys/ioctl.h>

enum { HEAD = sizeof "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n" - 1 };
enum { HEAD_MAX = 256, WAIT_MS = 5000, ROOM = 200 * 1000 /* for all that a play leaves unread */ };

/* Returns once so many bytes are unread. */
static void await_unread(int fd, int len)
{
    int unread = 0;
    for (int ms = 0; ms < WAIT_MS && unread != len; ms++) {
        expect(ioctl(fd, FIONREAD, &unread) == 0, "FIONREAD");
        if (unread != len)
            sleep_ms(1);
    }
    expect(unread == len, "as many bytes as were awaited");
}

/* A connection that has read a response's head, and not its body of so many bytes. */
static int head_read(uint16_t port, const char *path, int body)
{
    char head[HEAD_MAX] = "";
    struct sockaddr_in addr = loopback(port);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    expect(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &(int){ROOM}, sizeof(int)) == 0, "SO_RCVBUF");
    expect(connect(fd, (struct sockaddr *)&addr, sizeof addr) == 0, "connect");
    ask(fd, path);
    for (int len = 0; strstr(head, "\r\n\r\n") == NULL && len < HEAD_MAX - 1; len++)
        expect(recv(fd, head + len, 1, 0) == 1, "a head");
    await_unread(fd, body);
    return fd;
}

static void leave_body(uint16_t port, const char *path, int body)
{
    expect(close(head_read(port, path, body)) == 0, "close");
}

static void body_left(uint16_t port)
{
    leave_body(port, "/body-1024", 1024);
    leave_body(port, "/body-1024", 1024);
}

static void larger_body_left(uint16_t port)
{
    leave_body(port, "/body-1025", 1025);
}

static void largest_body_left(uint16_t port)
{
    leave_body(port, "/body-65536", 65536);
}

static void too_large_body_left(uint16_t port)
{
    leave_body(port, "/body-65537", 65537);
}

static void read_again(uint16_t port)
{
    fetch(port, "/one");
    int fd = connect_to(port);
    ask(fd, "/chunked");
    show_poll(fd, POLLIN, 1000);
    show_recv(fd, 60, MSG_WAITALL);
    show_poll(fd, POLLIN, 1000);
    close(fd);
    fetch(port, "/two");
}

static void nothing_read(uint16_t port)
{
    int fd = connect_to(port);
    ask(fd, "/body-10");
    await_unread(fd, HEAD + 10);
    close(fd);
}

static void peeked(uint16_t port)
{
    char byte;
    int fd = head_read(port, "/body-10", 10);
    expect(recv(fd, &byte, 1, MSG_PEEK) == 1, "a byte");
    close(fd);
}

static void two_left(uint16_t port)
{
    int fd = head_read(port, "/body-10", 10);
    ask(fd, "/body-11");
    await_unread(fd, 10 + HEAD + 11);
    close(fd);
}

static void rest_under_way(uint16_t port)
{
    char some[50];
    int fd = connect_to(port);
    ask(fd, "/slow");
    expect(recv(fd, some, HEAD + 1, MSG_WAITALL) == HEAD + 1, "the head and a byte of the body");
    await_unread(fd, 4);
    close(fd);
}

static void rest_not_here(uint16_t port)
{
    char some[50];
    int fd = connect_to(port);
    ask(fd, "/slow");
    expect(recv(fd, some, HEAD + 5, MSG_WAITALL) == HEAD + 5, "all that has come");
    close(fd);
}

static void close_announced(uint16_t port)
{
    leave_body(port, "/body-10-close", 10);
}

static void more_behind(uint16_t port)
{
    leave_body(port, "/body-10-twice", 10 + HEAD + 10);
}

/* Its close may block, and when such a connection is retired ours must not. */
static void lingers(uint16_t port)
{
    struct linger linger = {.l_onoff = 1, .l_linger = 5};
    int fd = head_read(port, "/body-10", 10);
    expect(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger) == 0, "SO_LINGER");
    close(fd);
}

static void urgent_behind(uint16_t port)
{
    int fd = head_read(port, "/body-10-urgent", 10);
    show_poll(fd, POLLPRI, 1000);
    close(fd);
}

static void peer_left(uint16_t port)
{
    int fd = head_read(port, "/body-10-leave", 10);
    show_poll(fd, POLLRDHUP, 1000);
    close(fd);
}

static const char request[] = "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n", reply[] = "$5\r\nvalue\r\n";

/* A Redis that answers on one connection, and says how that ended. */
static void *serve_redis(void *listener)
{
    char bytes[100];
    ssize_t received;
    int fd = accept((int)(intptr_t)listener, NULL, NULL);
    while ((received = recv(fd, bytes, sizeof request - 1, MSG_WAITALL)) > 0)
        expect(send(fd, reply, sizeof reply - 1, 0) == sizeof reply - 1, "send");
    return (void *)(intptr_t)(received < 0 ? errno : 0);
}

static struct sockaddr_in start_redis(pthread_t *server)
{
    struct sockaddr_in addr = loopback(0);
    socklen_t addr_len = sizeof addr;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    expect(bind(listener, (struct sockaddr *)&addr, sizeof addr) == 0 && listen(listener, 8) == 0 &&
               getsockname(listener, (struct sockaddr *)&addr, &addr_len) == 0,
           "listen");
    expect(pthread_create(server, NULL, serve_redis, (void *)(intptr_t)listener) == 0, "thread");
    return addr;
}

static void leave_value(struct sockaddr_in addr)
{
    char type;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    expect(connect(fd, (struct sockaddr *)&addr, sizeof addr) == 0, "connect");
    expect(send(fd, request, sizeof request - 1, 0) == sizeof request - 1, "send");
    expect(recv(fd, &type, 1, 0) == 1 && type == '$', "the beginning of a reply");
    await_unread(fd, sizeof reply - 2);
    expect(close(fd) == 0, "close");
}

static void value_left(uint16_t unused)
{
    pthread_t server;
    struct sockaddr_in addr = start_redis(&server);
    (void)unused;
    leave_value(addr);
    leave_value(addr); /* nobody accepts it, should it be another connection */
    pthread_detach(server);
}

/* Where it is not kept, the server sees what it does without the library. */
static void value_left_in_vain(uint16_t unused)
{
    void *end;
    pthread_t server;
    struct sockaddr_in addr = start_redis(&server);
    (void)unused;
    leave_value(addr);
    expect(pthread_join(server, &end) == 0 && (intptr_t)end == ECONNRESET, "a reset");
}

static const struct play plays[] = {
    {"body_left", body_left},
    {"larger_body_left", larger_body_left},
    {"largest_body_left", largest_body_left},
    {"too_large_body_left", too_large_body_left},
    {"read_again", read_again},
    {"nothing_read", nothing_read},
    {"peeked", peeked},
    {"two_left", two_left},
    {"rest_under_way", rest_under_way},
    {"rest_not_here", rest_not_here},
    {"close_announced", close_announced},
    {"more_behind", more_behind},
    {"lingers", lingers},
    {"urgent_behind", urgent_behind},
    {"peer_left", peer_left},
    {"value_left", value_left},
    {"value_left_in_vain", value_left_in_vain},
};

int main(int argc, char **argv)
{
    return play(argc, argv, plays, sizeof plays / sizeof *plays);
}
