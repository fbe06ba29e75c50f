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
    SHOWN    /* ours, whatever the application asks, which reads back what it asked */
};

struct option {
    int level, name;
    enum option_use use;
    socklen_t size; /* of the value, for DRESSED */
};

/* The index is the option's bit in conn->options. IP_TOS comes before SO_PRIORITY, which it sets.
 * Set before connect(), the first two belong to the key as well: routes may differ by them. */
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
    {IPPROTO_TCP, TCP_QUICKACK, SHOWN, 0},
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

/* As TCP_NODELAY, tcp(7): 0 asks for delayed ACKs. What the application wants of its own it gets.
 */
static void note_quickack(struct conn *conn, const void *value, socklen_t len)
{
    int on = 0;
    memcpy(&on, value, len < sizeof on ? len : sizeof on);
    if (on != 0)
        conn_clear(conn, CONN_DELAYED_ACK);
    else
        conn_set(conn, CONN_DELAYED_ACK);
}

/* Its own idea of a close: no other may come in its place, whatever SO_LINGER says later. */
static void note_linger2(struct conn *conn)
{
    conn_set(conn, CONN_PLAIN_CLOSE);
    conn_set(conn, CONN_NOT_DEFERRED);
}

/* The destination is known from just before the real connect(), which may block while another
 * thread sets an option. */
static bool has_a_key(const struct conn *conn)
{
    return atomic_load(&conn->dest) != NULL;
}

void options_noted(struct conn *conn, int fd, int level, int name, const void *value, socklen_t len)
{
    int index = option_index(level, name);
    conn_clear(conn, CONN_ROUTE_LOST); /* from here on it may be the application's own doing */
    if (level == IPPROTO_TCP && name == TCP_LINGER2)
        note_linger2(conn);
    if (index < 0 || (options[index].use == KEYED && has_a_key(conn))) {
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
    if (level == IPPROTO_TCP && name == TCP_QUICKACK)
        note_quickack(conn, value, len);
}

static void show(int number, void *value, socklen_t len)
{
    memcpy(value, &number, len < sizeof number ? len : sizeof number);
}

void options_shown(const struct conn *conn, int level, int name, void *value, socklen_t len)
{
    if (level != IPPROTO_TCP)
        return;
    if (name == TCP_NODELAY && conn_has(conn, CONN_NODELAY))
        show(conn_has(conn, CONN_APP_NODELAY), value, len);
    if (name == TCP_QUICKACK && conn_has(conn, CONN_REUSED)) /* on, as on a new connection */
        show(!conn_has(conn, CONN_DELAYED_ACK), value, len);
}

/* The kernel has checked the length before it found that there is no route. It writes something of
 * the same size first, so that a bad address is its EFAULT and not our crash. */
bool options_shown_instead(const struct conn *conn, int fd, int level, int name, void *value,
                           socklen_t *len)
{
    struct ip6_mtuinfo info = {.ip6m_mtu = (uint32_t)conn->path_mtu};
    bool is_mtu =
        (level == IPPROTO_IP && name == IP_MTU) || (level == IPPROTO_IPV6 && name == IPV6_MTU);
    bool is_info = level == IPPROTO_IPV6 && name == IPV6_PATHMTU;
    if (!conn_has(conn, CONN_ROUTE_LOST) || (!is_mtu && !is_info))
        return false;
    if (is_info)
        *len = sizeof info;
    if (kernel_getsockopt(fd, IPPROTO_TCP, is_info ? TCP_INFO : TCP_NODELAY, value, len) != 0)
        return false;
    if (is_info)
        memcpy(value, &info, sizeof info);
    else
        show(conn->path_mtu, value, *len);
    return true;
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
    int v6only = 0, tos = 0, tclass = 0;
    if (is_touched(fresh, IPPROTO_IP, IP_TOS) && !read_int(fd, IPPROTO_IP, IP_TOS, &tos))
        return false;
    if (is_touched(fresh, IPPROTO_IPV6, IPV6_TCLASS) &&
        !read_int(fd, IPPROTO_IPV6, IPV6_TCLASS, &tclass))
        return false;
    key->tos = (uint8_t)tos;
    key->tclass = (uint8_t)tclass;
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

static bool may_lose_route(uint32_t touched)
{
    return (touched & (1U << option_index(IPPROTO_IP, IP_TOS) |
                       1U << option_index(IPPROTO_IPV6, IPV6_TCLASS))) != 0;
}

/* A new IP_TOS makes the kernel drop the route, with the path MTU that belongs to it, until the
 * next packet is sent: the new user must not find that missing. True when it was kept for it. */
static bool keep_path_mtu(struct conn *idle, int idle_fd, uint32_t touched)
{
    bool was_lost = conn_has(idle, CONN_ROUTE_LOST);
    if (!was_lost && !may_lose_route(touched))
        return false;
    if (read_int(idle_fd, IPPROTO_IP, IP_MTU, &idle->path_mtu))
        return may_lose_route(touched);
    return was_lost; /* the user before sent nothing either: what was kept for it still holds */
}

bool options_dress(struct conn *idle, int idle_fd, const struct conn *fresh, int fresh_fd)
{
    uint32_t touched = atomic_load(&idle->options) | atomic_load(&fresh->options);
    bool has_path_mtu = keep_path_mtu(idle, idle_fd, touched);
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
    atomic_store(&idle->flags, CONN_NODELAY | (has_path_mtu ? CONN_ROUTE_LOST : 0) |
                                   (atomic_load(&fresh->flags) & kept));
    return true;
}

bool options_linger_unseen(const struct conn *conn, int fd)
{
    struct linger linger = {0};
    socklen_t len = sizeof linger;
    return !is_touched(conn, SOL_SOCKET, SO_LINGER) &&
           (kernel_getsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, &len) != 0 ||
            linger.l_onoff != 0);
}

bool options_allow_reuse(const struct conn *conn, int fd)
{
    int low_water = 0, path_mtu;
    struct timeval limit = {0};
    socklen_t limit_len = sizeof limit;
    if (!read_int(fd, SOL_SOCKET, SO_RCVLOWAT, &low_water) || low_water != 1)
        return false;
    if (!is_touched(conn, SOL_SOCKET, SO_RCVTIMEO) &&
        (kernel_getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, &limit_len) != 0 ||
         limit.tv_sec != 0 || limit.tv_usec != 0))
        return false;
    if (options_linger_unseen(conn, fd))
        return false;
    /* Lost by the application's own doing, and not found again by sending: nobody knows the path
     * MTU that a new connection would show. */
    return !may_lose_route(atomic_load(&conn->options)) || conn_has(conn, CONN_ROUTE_LOST) ||
           read_int(fd, IPPROTO_IP, IP_MTU, &path_mtu);
}

bool options_has_receive_timeout(const struct conn *conn)
{
    return is_touched(conn, SOL_SOCKET, SO_RCVTIMEO);
}
