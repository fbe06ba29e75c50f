/* SPDX-License-Identifier: MIT
 * What the small socket programs share: lines of output, and a server to talk to. */
#ifndef TWPOOL_TEST_PROGRAM_H
#define TWPOOL_TEST_PROGRAM_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

/* A program shows everything that an application can see but times and ports, so that two runs can
 * be compared byte by byte. All output goes straight to descriptor 1: nothing waits in a buffer
 * that a fork could copy. */

/* Writes one line. Preserves errno. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Writes "call = result", with the name of errno after a -1, and returns the result. Preserves
 * errno. */
long show(const char *call, long result);
#define SHOW(call) show(#call, (long)(call))

/* Ends the program with status 99: the test itself is broken, not what it tests. */
void broken(const char *what) __attribute__((noreturn));

enum service {
    /* HTTP/1.1 with kept connections. Every body names the path that was asked for. /chunked is
     * sent in chunks, /slow pauses for 300 ms in the middle of the body, /big has 200,000 bytes,
     * /close announces the close and closes, /drop closes without a word, /late answers after
     * 300 ms, /close-later announces the close and closes after 400 ms, /close-with-more says
     * another byte then and closes after 50 ms more, /close-never does not close, /reset resets,
     * /promise keeps the connection for a second; 20 ms after their answers /more-later sends
     * another byte, /urgent-later an urgent one, and /leaves-later closes; /busy-later makes it
     * busy for 100 ms. /body-N has N
     * bytes; /body-N-close announces the close, /body-N-twice is sent twice, /body-N-urgent has an
     * urgent byte behind it, after /body-N-more a byte comes 300 ms later, and after /body-N-leave
     * it closes. */
    SERVICE_HTTP,
    SERVICE_ECHO,   /* sends back what it receives */
    SERVICE_GREETS, /* sends "hello\n" first, then echoes */
    SERVICE_DRAINS  /* reads to the end of the stream, then sends the number of bytes, and closes */
};

/* Starts a server in a child process, which lives as long as the calling thread, on all addresses
 * of both families. Returns its port. To be called before any other connection is made. */
uint16_t serve(enum service service);

/* 127.0.0.1:port, ready for connect(). */
struct sockaddr_in loopback(uint16_t port);

/* A new blocking socket connected to 127.0.0.1:port; broken() when that fails. */
int connect_to(uint16_t port);

/* Sends a GET for path in one piece; broken() when that fails. */
void ask(int fd, const char *path);

/* Reads one whole response and writes a line with its status, its length, and the first line of its
 * body; or how the connection ended instead. False when it ended. */
bool answer(int fd);

/* connect_to(), ask(), answer() and close(): the life of a connection that can be reused. */
void fetch(uint16_t port, const char *path);

/* Writes a line with what recv(fd, size, flags) gives, bytes included. */
ssize_t show_recv(int fd, size_t size, int flags);

/* Writes a line with the events that poll(events, timeout_ms) reports. */
void show_poll(int fd, short events, int timeout_ms);

/* Connections of this network namespace to the port (as_client) or from it, in a state of the
 * kernel's net/tcp_states.h: 1 is established, 6 TIME_WAIT. */
unsigned connections(uint16_t port, bool as_client, unsigned state);

/* Sets both limits on descriptors so that dup2() can reach every number, those of idle connections
 * included: a soft limit below the hard one leaves room above it. */
void limit_numbers(void);

/* Writes a line with the descriptors from 0 to 63 that are open. */
void show_descriptors(void);

void sleep_ms(int ms);

/* Starts a thread, and returns once it is blocked in a system call that waits. It may be one that
 * comes before the call that the caller has in mind: routine makes no other. broken() when that
 * does not happen within ten seconds. */
pthread_t start_blocked(void *(*routine)(void *), void *argument);

/* A program of several small plays, of which a run shows the one that it names. */
struct play {
    const char *name;
    void (*run)(uint16_t port); /* of a SERVICE_HTTP */
};

/* The body of main(): plays what argv[1] names, and returns 0. */
int play(int argc, char **argv, const struct play *plays, size_t count);

/* Ends the program with status 1 unless the play goes as it must. */
void expect(bool as_it_must, const char *what);

#endif
