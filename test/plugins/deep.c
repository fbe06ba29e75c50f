/* SPDX-License-Identifier: MIT
 * A plugin that makes connections: by calls, and by tables of functions wherever a linker puts
 * them. It uses nothing but libc's oldest names, so that it loads everywhere. */
#include "deep.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

struct functions {
    int (*socket)(int domain, int type, int protocol);
    int (*connect)(int fd, const struct sockaddr *addr, socklen_t len);
    ssize_t (*send)(int fd, const void *buf, size_t len, int flags);
    ssize_t (*recv)(int fd, void *buf, size_t len, int flags);
    int (*close)(int fd);
};

static int own_calls;

#ifdef OWN_FUNCTIONS
int connect(int fd, const struct sockaddr *addr, socklen_t len)
{
    own_calls++;
    return (int)syscall(SYS_connect, fd, addr, len);
}
#endif

int OWN_CALLS(void)
{
    return own_calls;
}

static int call_socket(int domain, int type, int protocol)
{
    return socket(domain, type, protocol);
}

static int call_connect(int fd, const struct sockaddr *addr, socklen_t len)
{
    return connect(fd, addr, len);
}

static ssize_t call_send(int fd, const void *buf, size_t len, int flags)
{
    return send(fd, buf, len, flags);
}

static ssize_t call_recv(int fd, void *buf, size_t len, int flags)
{
    return recv(fd, buf, len, flags);
}

static int call_close(int fd)
{
    return close(fd);
}

static const struct functions calls = {call_socket, call_connect, call_send, call_recv, call_close};
static const struct functions constant = {socket, connect, send, recv, close}; /* .data.rel.ro */
static struct functions variable = {socket, connect, send, recv, close};       /* .data */

/* No word of it is aligned. */
static struct __attribute__((packed)) {
    char before;
    struct functions functions;
} packed = {0, {socket, connect, send, recv, close}};

#ifdef IN_TEXT
/* In the code itself: the loader writes there (DT_TEXTREL). */
__asm__(".text\n.balign 8\n.globl in_text\n.hidden in_text\nin_text:\n"
        ".quad socket, connect, send, recv, close\n");
extern const struct functions in_text;
#else
#define in_text calls
#endif

static struct functions functions_of(enum deep_way way)
{
    /* Volatile, lest the compiler call what it sees in them. */
    const struct functions *volatile tables[] = {[DEEP_CALLS] = &calls,
                                                 [DEEP_CONSTANT] = &constant,
                                                 [DEEP_VARIABLE] = &variable,
                                                 [DEEP_IN_TEXT] = &in_text};
    struct functions copy;
    if (way != DEEP_PACKED)
        return *tables[way];
    memcpy(&copy, (char *)&packed + 1, sizeof copy);
    packed.before++; /* what can be written must stay so */
    return copy;
}

/* By a table: an address taken here would spare the linker the lazy binding of the calls. */
void *CONNECT(void)
{
    return (void *)functions_of(DEEP_VARIABLE).connect;
}

static const char request[] = "GET /deep HTTP/1.1\r\nHost: test\r\n\r\n";
static const char body[] = "you asked for /deep\n";

int VISIT(uint16_t port, enum deep_way way)
{
    struct functions use = functions_of(way);
    struct sockaddr_in addr = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    char reply[512] = "";
    size_t len = 0;
    int fd = use.socket(AF_INET, SOCK_STREAM, 0);
    if (use.connect(fd, (struct sockaddr *)&addr, sizeof addr) != 0 ||
        use.send(fd, request, sizeof request - 1, 0) != sizeof request - 1)
        return -1;
    while (len < sizeof body - 1 ||
           memcmp(reply + len - (sizeof body - 1), body, sizeof body - 1) != 0) {
        ssize_t received = use.recv(fd, reply + len, sizeof reply - len, 0);
        if (received <= 0)
            return -2;
        len += (size_t)received;
    }
    return use.close(fd) == 0 ? (int)len : -3;
}

#ifdef BRINGS
int deep_visit_dependency(uint16_t port, enum deep_way way)
{
    return dependency_visit(port, way);
}

int deep_dependency_own_calls(void)
{
    return dependency_own_calls();
}
#endif
