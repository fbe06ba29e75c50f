/* SPDX-License-Identifier: MIT
 * Destination keys: from what connect() was given, and to what a person reads. */
#include "dest.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

enum { GROUPS = 8 }; /* 16-bit groups in an IPv6 address */

/* A run of zero groups; len 0 for none. */
struct zero_run {
    int start, len;
};

static bool init_v4(struct dest_key *key, const struct sockaddr *addr, socklen_t addr_len);
static bool init_v6(struct dest_key *key, const struct sockaddr *addr, socklen_t addr_len);
static void format_v4(const uint8_t address[4], struct text *text);
static bool is_mapped(const uint8_t address[16]);
static void format_v6(const uint8_t address[16], struct text *text);
static void format_groups(const uint8_t address[16], struct text *text);
static struct zero_run longest_zero_run(const uint8_t address[16]);
static unsigned group_at(const uint8_t address[16], int group);
static void add_hex(struct text *text, unsigned group);

bool dest_key_init(struct dest_key *key, int socket_family, const struct sockaddr *addr,
                   socklen_t addr_len)
{
    sa_family_t family;

    memset(key, 0, sizeof *key);
    if (addr == NULL || addr_len < sizeof family)
        return false;
    if (addr_len > sizeof(struct sockaddr_storage)) /* EINVAL from the kernel */
        return false;

    memcpy(&family, addr, sizeof family);
    if (family != socket_family)
        return false;
    if (family == AF_INET)
        return init_v4(key, addr, addr_len);
    if (family == AF_INET6)
        return init_v6(key, addr, addr_len);
    return false;
}

bool dest_key_equal(const struct dest_key *a, const struct dest_key *b)
{
    return memcmp(a, b, sizeof *a) == 0; /* NOLINT: padding is zero, see dest_key_init() */
}

bool dest_key_same_peer(const struct dest_key *a, const struct dest_key *b)
{
    return a->family == b->family && a->port == b->port && a->scope_id == b->scope_id &&
           memcmp(a->address, b->address, sizeof a->address) == 0;
}

bool dest_key_is_mapped(const struct dest_key *key)
{
    return key->family == AF_INET6 && is_mapped(key->address);
}

static bool is_mapped(const uint8_t address[16])
{
    static const uint8_t prefix[12] = {[10] = 0xff, [11] = 0xff};

    return memcmp(address, prefix, sizeof prefix) == 0;
}

uint16_t dest_key_port(const struct dest_key *key)
{
    return ntohs(key->port);
}

void dest_address_format(uint16_t family, const uint8_t address[16], struct text *text)
{
    if (family == AF_INET)
        format_v4(address, text);
    else
        format_v6(address, text);
}

void dest_key_format(const struct dest_key *key, struct text *text)
{
    bool is_v6 = key->family == AF_INET6;
    if (is_v6)
        text_add_char(text, '[');
    dest_address_format(key->family, key->address, text);
    if (is_v6 && key->scope_id != 0) {
        text_add_char(text, '%');
        text_add_number(text, key->scope_id);
    }
    text_add(text, is_v6 ? "]:" : ":");
    text_add_number(text, dest_key_port(key));
}

static bool init_v4(struct dest_key *key, const struct sockaddr *addr, socklen_t addr_len)
{
    struct sockaddr_in v4;
    if (addr_len < sizeof v4)
        return false;

    memcpy(&v4, addr, sizeof v4); /* the application's may be unaligned */
    key->family = AF_INET;
    key->port = v4.sin_port;
    memcpy(key->address, &v4.sin_addr, sizeof v4.sin_addr);
    return key->port != 0;
}

static bool init_v6(struct dest_key *key, const struct sockaddr *addr, socklen_t addr_len)
{
    struct sockaddr_in6 v6;
    if (addr_len < sizeof v6)
        return false;

    memcpy(&v6, addr, sizeof v6);
    key->family = AF_INET6;
    key->port = v6.sin6_port;
    memcpy(key->address, &v6.sin6_addr, sizeof v6.sin6_addr);
    /* On any other address the kernel ignores it, and some programs leave rubbish there. */
    if (IN6_IS_ADDR_LINKLOCAL(&v6.sin6_addr))
        key->scope_id = v6.sin6_scope_id;
    return key->port != 0 && v6.sin6_flowinfo == 0;
}

static void format_v4(const uint8_t address[4], struct text *text)
{
    for (int i = 0; i < 4; i++) {
        if (i > 0)
            text_add_char(text, '.');
        text_add_number(text, address[i]);
    }
}

static void format_v6(const uint8_t address[16], struct text *text)
{
    if (is_mapped(address)) { /* RFC 5952, section 5 */
        text_add(text, "::ffff:");
        format_v4(address + 12, text);
    } else {
        format_groups(address, text);
    }
}

static void format_groups(const uint8_t address[16], struct text *text)
{
    struct zero_run run = longest_zero_run(address);

    for (int i = 0; i < GROUPS; i++) {
        if (run.len > 0 && i == run.start) {
            text_add(text, "::");
            i += run.len - 1;
            continue;
        }
        if (i > 0 && i != run.start + run.len)
            text_add_char(text, ':');
        add_hex(text, group_at(address, i));
    }
}

/* The run that "::" stands for: the longest, the first of equals, never a single group (RFC 5952,
 * section 4.2). */
static struct zero_run longest_zero_run(const uint8_t address[16])
{
    struct zero_run best = {0, 0}, run = {0, 0};

    for (int i = 0; i < GROUPS; i++) {
        if (group_at(address, i) != 0) {
            run.len = 0;
            continue;
        }
        if (run.len++ == 0)
            run.start = i;
        if (run.len > best.len)
            best = run;
    }
    if (best.len < 2)
        best = (struct zero_run){0, 0};
    return best;
}

static unsigned group_at(const uint8_t address[16], int group)
{
    return (unsigned)address[2 * group] << 8 | address[2 * group + 1];
}

static void add_hex(struct text *text, unsigned group)
{
    int shift = 12;

    while (shift > 0 && group >> shift == 0)
        shift -= 4;
    for (; shift >= 0; shift -= 4)
        text_add_char(text, "0123456789abcdef"[group >> shift & 0xf]);
}
