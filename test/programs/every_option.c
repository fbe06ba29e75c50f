/* SPDX-License-Identifier: MIT
 * Every socket option that the kernel takes, set in one life, and all that can be read in the next.
 */
#include "program.h"

#include <linux/filter.h>
#include <linux/net_tstamp.h>

enum { VALUE_MAX = 256, SHOWN_MAX = 32 };

/* From and to the numbers in use, with some room for later kernels. Left out on IPv6: 64 to 69,
 * which are netfilter's own. */
static const struct {
    int level, first, last;
    const char *name;
} levels[] = {
    {SOL_SOCKET, 1, 90, "SOL_SOCKET"}, {IPPROTO_TCP, 1, 50, "TCP"},    {IPPROTO_IP, 1, 60, "IP"},
    {IPPROTO_IPV6, 1, 63, "IPV6"},     {IPPROTO_IPV6, 70, 90, "IPV6"},
};
enum { LEVELS = sizeof levels / sizeof *levels, TCP_LEVEL = 1 };

/* What two fresh connections need not have in common either, or what the path and not the program
 * decides: not compared. */
static const struct {
    int level, option;
} moving[] = {
    {SOL_SOCKET, 57},             /* SO_COOKIE: one for each kernel socket */
    {SOL_SOCKET, 55},             /* SO_MEMINFO: bytes under way */
    {SOL_SOCKET, 49},             /* SO_INCOMING_CPU: where the last packet came in */
    {SOL_SOCKET, 56},             /* SO_INCOMING_NAPI_ID: the same */
    {SOL_SOCKET, SO_SNDBUF},      /* grows with the window of the path, unless it was set */
    {SOL_SOCKET, SO_RCVBUF},      /* the same for what is received */
    {IPPROTO_TCP, TCP_INFO},      /* counters and times */
    {IPPROTO_TCP, TCP_CC_INFO},   /* what the congestion control has learned of the path */
    {IPPROTO_TCP, TCP_TIMESTAMP}, /* the clock of RFC 7323 */
    {IPPROTO_TCP, TCP_MAXSEG},    /* follows the window of the peer from segment to segment */
    {IPPROTO_IPV6, 6},            /* IPV6_2292PKTOPTIONS: the flow label of what came in */
    {IPPROTO_IP, 52},             /* IP_PROTOCOL, which shows the local port on TCP */
};

static bool is_moving(int level, int option)
{
    for (size_t i = 0; i < sizeof moving / sizeof *moving; i++)
        if (moving[i].level == level && moving[i].option == option)
            return true;
    return false;
}

/* As the socket has it; where the kernel says no, its errno. */
struct reading {
    int error;
    socklen_t len;
    unsigned char bytes[SHOWN_MAX];
};

struct picture {
    struct reading of[LEVELS][91];
};

static struct reading read_option(int fd, int level, int option)
{
    struct reading reading = {.len = sizeof reading.bytes};
    errno = 0;
    if (getsockopt(fd, level, option, reading.bytes, &reading.len) != 0)
        return (struct reading){.error = errno};
    return reading;
}

static void take_picture(int fd, struct picture *picture)
{
    memset(picture, 0, sizeof *picture);
    for (int i = 0; i < LEVELS; i++)
        for (int option = levels[i].first; option <= levels[i].last; option++)
            if (!is_moving(levels[i].level, option))
                picture->of[i][option] = read_option(fd, levels[i].level, option);
}

static bool is_same(const struct reading *one, const struct reading *other)
{
    return memcmp(one, other, sizeof *one) == 0;
}

static void say_reading(const char *whose, const char *level, int option, const struct reading *now)
{
    char hex[2 * SHOWN_MAX + 1] = "";
    for (socklen_t i = 0; i < now->len && i < SHOWN_MAX; i++)
        snprintf(hex + 2 * i, 3, "%02x", now->bytes[i]);
    say("    %s reads %s %d: %s %u %s", whose, level, option, strerrorname_np(now->error), now->len,
        hex);
}

/* Everything in which this socket is not as the first of its kind, on which nothing was ever set.
 * While bytes move, TCP_QUICKACK changes by itself, tcp(7). */
static void say_difference(const char *whose, int fd, const struct picture *usual, bool has_moved)
{
    static struct picture now;
    take_picture(fd, &now);
    if (has_moved)
        now.of[TCP_LEVEL][TCP_QUICKACK] = usual->of[TCP_LEVEL][TCP_QUICKACK];
    for (int i = 0; i < LEVELS; i++)
        for (int option = levels[i].first; option <= levels[i].last; option++)
            if (!is_same(&now.of[i][option], &usual->of[i][option]))
                say_reading(whose, levels[i].name, option, &now.of[i][option]);
}

/* Values worth trying: the first that the kernel takes and that changes what is read. */
static const int numbers[] = {1, 2, 7, 64, 1000, 0, -1, 0x01000000};
static const socklen_t sizes[] = {8, 16, 20, 24, 40, 136, 216};
static const struct sock_filter all_pass = {.code = BPF_RET | BPF_K, .k = 0xffffffff};
static const struct sock_fprog filter = {.len = 1, .filter = (struct sock_filter *)&all_pass};
static const struct timeval second = {.tv_sec = 1, .tv_usec = 500000};

struct value {
    socklen_t len;
    unsigned char bytes[VALUE_MAX];
};

static struct value value_of(const void *bytes, socklen_t len)
{
    struct value value = {.len = len};
    memcpy(value.bytes, bytes, len);
    return value;
}

enum {
    NUMBERS = sizeof numbers / sizeof *numbers,
    SIZES = sizeof sizes / sizeof *sizes,
    CANDIDATES = NUMBERS + SIZES + 1
};

/* An RFC 2385 key for a peer that nobody talks to. */
static struct value signature(int family)
{
    struct tcp_md5sig md5 = {.tcpm_keylen = 3, .tcpm_key = "key"};
    struct sockaddr_in *v4 = (struct sockaddr_in *)&md5.tcpm_addr;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&md5.tcpm_addr;
    if (family == AF_INET) {
        v4->sin_family = AF_INET;
        v4->sin_addr.s_addr = htonl(0xc0000201); /* RFC 5737 */
    } else {
        v6->sin6_family = AF_INET6;
        v6->sin6_addr.s6_addr[0] = 0xfd;
    }
    return value_of(&md5, sizeof md5);
}

static struct value candidate(int family, int level, int option, int index)
{
    struct value padded = {.bytes = {1}};
    if (index == 0 && level == SOL_SOCKET && option == SO_BINDTODEVICE)
        return value_of("lo", 3);
    if (index == 0 && level == SOL_SOCKET && option == SO_ATTACH_FILTER)
        return value_of(&filter, sizeof filter);
    if (index == 0 && level == SOL_SOCKET && (option == SO_RCVTIMEO || option == SO_SNDTIMEO))
        return value_of(&second, sizeof second);
    if (index == 0 && level == IPPROTO_TCP && option == TCP_CONGESTION)
        return value_of("reno", 4);
    if (index == 0 && level == IPPROTO_TCP && option == TCP_ULP)
        return value_of("tls", 3);
    if (index == 0 && level == IPPROTO_TCP && option == TCP_MD5SIG)
        return signature(family);
    if (index == 0)
        return (struct value){0};
    if (index <= NUMBERS)
        return value_of(&numbers[index - 1], sizeof(int));
    padded.len = sizes[index - 1 - NUMBERS];
    return padded;
}

static int set_value(int fd, int level, int option, const struct value *value)
{
    return setsockopt(fd, level, option, value->bytes, value->len);
}

/* How a program gets to the server: three kinds of sockets and addresses. */
struct way {
    int family;
    const char *address;
};

static const struct way ways[] = {
    {AF_INET, "127.0.0.1"}, {AF_INET6, "::1"}, {AF_INET6, "::ffff:127.0.0.1"}};

static uint16_t port;

static int connect_by(const struct way *way, int fd)
{
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    struct sockaddr_in v4 = loopback(port);
    if (way->family == AF_INET)
        return connect(fd, (struct sockaddr *)&v4, sizeof v4);
    inet_pton(AF_INET6, way->address, &v6.sin6_addr);
    return connect(fd, (struct sockaddr *)&v6, sizeof v6);
}

/* With these nothing arrives any more: a socket in repair mode sends nothing, and IPv6 drops a
 * packet with this extension header alone. Set after connect() only, and then nothing is said. */
static bool is_muting(int level, int option)
{
    return (level == IPPROTO_TCP && option == TCP_REPAIR) ||
           (level == IPPROTO_IPV6 && option == IPV6_RTHDRDSTOPTS);
}

static void exchange(int fd, int level, int option)
{
    if (is_muting(level, option))
        return;
    ask(fd, "/every");
    answer(fd);
}

/* What the kernel takes, on a socket that is given up at once. len 0: nothing. */
static struct value find_value(const struct way *way, int level, int option, bool connected)
{
    struct value found = {0};
    int fd = socket(way->family, SOCK_STREAM, 0), refusal = 0;
    if (fd < 0 || (connected && connect_by(way, fd) != 0))
        broken("connect");
    struct reading before = read_option(fd, level, option);
    for (int i = 0; i < CANDIDATES; i++) {
        struct value value = candidate(way->family, level, option, i);
        if (value.len == 0)
            continue;
        if (set_value(fd, level, option, &value) != 0) {
            refusal = errno;
            continue;
        }
        struct reading after = read_option(fd, level, option);
        bool changed = !is_moving(level, option) && !is_same(&before, &after);
        if (found.len == 0 || changed)
            found = value;
        if (changed)
            break;
    }
    if (found.len == 0 && refusal != ENOPROTOOPT)
        say("level %d, %d %s connect(): %s", level, option, connected ? "after" : "before",
            strerrorname_np(refusal));
    close(fd);
    return found;
}

/* One user sets it, before connect() or after; the next sets nothing; a third sets it before. */
static void three_lives(const struct way *way, const struct picture *usual, int at, int option,
                        bool after)
{
    int level = levels[at].level;
    if (!after && is_muting(level, option))
        return;
    struct value value = find_value(way, level, option, after);
    if (value.len == 0)
        return;
    say("%s %d, %u bytes from %d, %s connect() to %s", levels[at].name, option, value.len,
        value.bytes[0], after ? "after" : "before", way->address);
    for (int life = 0; life < 3; life++) {
        static const char *const whose[] = {"who sets it", "the next", "who sets it too"};
        int fd = socket(way->family, SOCK_STREAM, 0);
        if ((life == 2 && !is_muting(level, option)) || (life == 0 && !after))
            say("    set: %s",
                set_value(fd, level, option, &value) == 0 ? "yes" : strerrorname_np(errno));
        int connected = connect_by(way, fd);
        if (connected != 0)
            say("    connect: %s", strerrorname_np(errno)); /* V6ONLY, to a mapped address */
        if (life == 0 && after)
            say("    set: %s",
                set_value(fd, level, option, &value) == 0 ? "yes" : strerrorname_np(errno));
        say_difference(whose[life], fd, usual, false);
        if (connected == 0)
            exchange(fd, level, life == 0 ? option : 0);
        say_difference("afterwards it", fd, usual, true);
        close(fd);
    }
}

static void walk(const struct way *way)
{
    static struct picture usual;
    int fd = socket(way->family, SOCK_STREAM, 0);
    if (fd < 0 || connect_by(way, fd) != 0)
        broken("connect");
    take_picture(fd, &usual);
    exchange(fd, 0, 0);
    close(fd);
    for (int at = 0; at < LEVELS; at++)
        for (int option = levels[at].first; option <= levels[at].last; option++)
            for (int after = 0; after < 2; after++)
                three_lives(way, &usual, at, option, after);
}

int main(void)
{
    port = serve(SERVICE_HTTP);
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
        walk(&ways[i]);
    return 0;
}
