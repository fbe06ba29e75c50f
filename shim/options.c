/* SPDX-License-Identifier: MIT
 * One table says what becomes of each option; the values themselves stay in the kernel. */
#include "options.h"

#include "kernel.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/time.h>

enum option_use {
    DRESSED, /* set again for the next life, from the new socket's own value */
    KEYED,   /* before connect(): part of the key; after: private */
    PASSING, /* holds for a moment only: nothing to restore */
    SHOWN    /* TCP_NODELAY: on whatever the application asks, which reads back what it asked */
};

struct option {
    int level, name;
    enum option_use use;
    socklen_t size; /* of the value, for DRESSED */
};

/* The index is the option's bit in conn->options. IP_TOS comes before SO_PRIORITY, which it sets.
 */
static const struct option options[] = {
    {IPPROTO_IP, IP_TOS, DRESSED, sizeof(int)},
    {IPPROTO_IPV6, IPV6_TCLASS, DRESSED, sizeof(int)},
    {SOL_SOCKET, SO_PRIORITY, DRESSED, sizeof(int)},
    {SOL_SOCKET, SO_KEEPALIVE, DRESSED, sizeof(int)},
    {SOL_SOCKET, SO_RCVTIMEO, DRESSED, sizeof(struct timeval)},
    {SOL_SOCKET, SO_SNDTIMEO, DRESSED, sizeof(struct timeval)},
    {SOL_SOCKET, SO_LINGER, DRESSED, sizeof(struct linger)},
    {SOL_SOCKET, SO_OOBINLINE, DRESSED, sizeof(int)},
    {SOL_SOCKET, SO_REUSEADDR, DRESSED, sizeof(int)},
    {SOL_SOCKET, SO_REUSEPORT, DRESSED, sizeof(int)},
    {IPPROTO_TCP, TCP_CORK, DRESSED, sizeof(int)},
    {IPPROTO_TCP, TCP_KEEPIDLE, DRESSED, sizeof(int)},
    {IPPROTO_TCP, TCP_KEEPINTVL, DRESSED, sizeof(int)},
    {IPPROTO_TCP, TCP_KEEPCNT, DRESSED, sizeof(int)},
    {IPPROTO_TCP, TCP_USER_TIMEOUT, DRESSED, sizeof(int)},
    {IPPROTO_TCP, TCP_NOTSENT_LOWAT, DRESSED, sizeof(int)},
    {IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, DRESSED, sizeof(int)},
    {SOL_SOCKET, SO_RCVBUF, KEYED, 0},
    {SOL_SOCKET, SO_SNDBUF, KEYED, 0},
    {SOL_SOCKET, SO_MARK, KEYED, 0},
    {SOL_SOCKET, SO_BINDTODEVICE, KEYED, 0},
    {IPPROTO_TCP, TCP_CONGESTION, KEYED, 0},
    {IPPROTO_IPV6, IPV6_V6ONLY, KEYED, 0}, /* cannot be changed once connected, ipv6(7) */
    {IPPROTO_TCP, TCP_QUICKACK, PASSING, 0},
    {IPPROTO_TCP, TCP_NODELAY, SHOWN, 0},
};

enum { OPTION_COUNT = sizeof options / sizeof *options };
_Static_assert(OPTION_COUNT <= 32, "conn->options is 32 bits wide");

static int option_index(int level, int name)
{
    /* The 64-bit time twins of a 32-bit kernel interface: the same values in the kernel. */
    if (level == SOL_SOCKET && name == SO_RCVTIMEO_NEW)
        name = SO_RCVTIMEO;
    if (level == SOL_SOCKET && name == SO_SNDTIMEO_NEW)
        name = SO_SNDTIMEO;
    for (int i = 0; i < OPTION_COUNT; i++)
        if (options[i].level == level && options[i].name == name)
            return i;
    return -1;
}

static bool is_touched(const struct conn *conn, int level, int name)
{
    return (atomic_load(&conn->options) & 1U << option_index(level, name)) != 0;
}

static void note_linger(struct conn *conn, const void *value, socklen_t len)
{
    struct linger linger = {0};
    memcpy(&linger, value, len < sizeof linger ? len : sizeof linger);
    conn_clear(conn, CONN_LINGER);
    conn_clear(conn, CONN_LINGER_ABORT);
    if (linger.l_onoff != 0)
        conn_set(conn, CONN_LINGER);
    if (linger.l_onoff != 0 && linger.l_linger == 0)
        conn_set(conn, CONN_LINGER_ABORT);
}

static void note_nodelay(struct conn *conn, int fd, const void *value, socklen_t len)
{
    int on = 0;
    memcpy(&on, value, len < sizeof on ? len : sizeof on);
    if (on != 0) {
        conn_set(conn, CONN_APP_NODELAY);
        return;
    }
    conn_clear(conn, CONN_APP_NODELAY);
    if (conn_has(conn, CONN_NODELAY))
        kernel_set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1);
}

void options_noted(struct conn *conn, int fd, int level, int name, const void *value, socklen_t len)
{
    int index = option_index(level, name);
    if (level == IPPROTO_TCP && name == TCP_LINGER2)
        conn_set(conn, CONN_LINGER); /* its own idea of a close: no clean one */
    if (index < 0 || (options[index].use == KEYED && conn_has(conn, CONN_CONNECTED))) {
        conn_refuse(conn, REASON_OPTION);
        return;
    }
    atomic_fetch_or(&conn->options, 1U << index);
    if (level == IPPROTO_IP && name == IP_TOS)
        atomic_fetch_or(&conn->options, 1U << option_index(SOL_SOCKET, SO_PRIORITY));
    if (level == SOL_SOCKET && name == SO_LINGER)
        note_linger(conn, value, len);
    if (level == IPPROTO_TCP && name == TCP_NODELAY)
        note_nodelay(conn, fd, value, len);
}

void options_shown(struct conn *conn, int level, int name, void *value, socklen_t len)
{
    if (level != IPPROTO_TCP || name != TCP_NODELAY || !conn_has(conn, CONN_NODELAY))
        return;
    int on = conn_has(conn, CONN_APP_NODELAY);
    memcpy(value, &on, len < sizeof on ? len : sizeof on);
}

static bool read_int(int fd, int level, int name, void *value)
{
    socklen_t len = sizeof(int);
    return kernel_getsockopt(fd, level, name, value, &len) == 0;
}

static bool read_name(int fd, int level, int name, char *value, socklen_t size)
{
    return kernel_getsockopt(fd, level, name, value, &size) == 0;
}

bool options_key(const struct conn *fresh, int fd, struct dest_key *key)
{
    int v6only = 0;
    if (is_touched(fresh, SOL_SOCKET, SO_RCVBUF) &&
        !read_int(fd, SOL_SOCKET, SO_RCVBUF, &key->receive_buffer))
        return false;
    if (is_touched(fresh, SOL_SOCKET, SO_SNDBUF) &&
        !read_int(fd, SOL_SOCKET, SO_SNDBUF, &key->send_buffer))
        return false;
    if (is_touched(fresh, SOL_SOCKET, SO_MARK) && !read_int(fd, SOL_SOCKET, SO_MARK, &key->mark))
        return false;
    if (is_touched(fresh, SOL_SOCKET, SO_BINDTODEVICE) &&
        !read_name(fd, SOL_SOCKET, SO_BINDTODEVICE, key->device, sizeof key->device))
        return false;
    if (is_touched(fresh, IPPROTO_TCP, TCP_CONGESTION) &&
        !read_name(fd, IPPROTO_TCP, TCP_CONGESTION, key->congestion, sizeof key->congestion))
        return false;
    if (fresh->family != AF_INET6)
        return true;
    /* Always asked: on a V6ONLY socket a mapped address cannot be connected to, ipv6(7). */
    if (!read_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6only))
        return false;
    key->v6only = (uint16_t)v6only;
    return !(v6only != 0 && dest_key_is_mapped(key));
}

/* The kernel takes the time only where lingering is on, and shows it also where it is off. */
static bool copy_linger(int from_fd, int to_fd)
{
    struct linger linger = {0};
    socklen_t len = sizeof linger;
    if (kernel_getsockopt(from_fd, SOL_SOCKET, SO_LINGER, &linger, &len) != 0)
        return false;
    struct linger timed = {.l_onoff = 1, .l_linger = linger.l_linger};
    return kernel_setsockopt(to_fd, SOL_SOCKET, SO_LINGER, &timed, sizeof timed) == 0 &&
           kernel_setsockopt(to_fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger) == 0;
}

static bool copy_option(const struct option *option, int from_fd, int to_fd)
{
    char value[sizeof(struct timeval)] = {0};
    socklen_t len = option->size;
    if (option->level == SOL_SOCKET && option->name == SO_LINGER)
        return copy_linger(from_fd, to_fd);
    return kernel_getsockopt(from_fd, option->level, option->name, value, &len) == 0 &&
           kernel_setsockopt(to_fd, option->level, option->name, value, len) == 0;
}

bool options_dress(struct conn *idle, int idle_fd, const struct conn *fresh, int fresh_fd)
{
    uint32_t touched = atomic_load(&idle->options) | atomic_load(&fresh->options);
    for (int i = 0; i < OPTION_COUNT; i++)
        if ((touched & 1U << i) != 0 && options[i].use == DRESSED &&
            !copy_option(&options[i], fresh_fd, idle_fd))
            return false;
    /* A reused connection is past the quick-ACK start of a new one: with Nagle's algorithm a second
     * small write would wait for the peer's delayed ACK, 40 ms. */
    if (!conn_has(idle, CONN_NODELAY) && kernel_set_int(idle_fd, IPPROTO_TCP, TCP_NODELAY, 1) != 0)
        return false;
    atomic_store(&idle->options, atomic_load(&fresh->options));
    uint32_t kept = CONN_APP_NODELAY | CONN_LINGER | CONN_LINGER_ABORT;
    atomic_store(&idle->flags, CONN_NODELAY | (atomic_load(&fresh->flags) & kept));
    return true;
}

bool options_has_receive_timeout(const struct conn *conn)
{
    return is_touched(conn, SOL_SOCKET, SO_RCVTIMEO);
}
