/* SPDX-License-Identifier: MIT
 * The beginnings of the ways through a proxy: RFC 1928 (SOCKS5), SOCKS4, RFC 9110 (CONNECT). */
#include "tunnel.h"

#include <stdbool.h>
#include <string.h>

static const char connect_method[] = "CONNECT ";
enum { CONNECT_LEN = sizeof connect_method - 1 };
enum { SOCKS5 = 5, SOCKS5_NONE_ACCEPTED = 0xff };
enum { SOCKS4 = 4, SOCKS4_USER = 8, SOCKS4_REPLY = 0, SOCKS4_GRANTED = 90, SOCKS4_REFUSED = 93 };

static enum recognition begins_tunnel(const struct tunnel *tunnel);

void tunnel_sent(struct tunnel *tunnel, const char *buf, size_t len)
{
    for (size_t i = 0; i < len && tunnel->sent_len + i < TUNNEL_FIRST_MAX; i++)
        tunnel->first[tunnel->sent_len + i] = (uint8_t)buf[i];
    tunnel->sent_len += len;
}

enum recognition tunnel_received(struct tunnel *tunnel, char byte)
{
    tunnel->reply[tunnel->reply_len++] = (uint8_t)byte;
    return begins_tunnel(tunnel);
}

/* Version, how many methods, the methods; more may follow at once. Answered by one of them. */
static enum recognition begins_socks5(const struct tunnel *tunnel)
{
    uint8_t methods = tunnel->first[1];
    if (tunnel->sent_len < 2 + (uint64_t)methods || tunnel->reply[0] != SOCKS5)
        return NOT_MINE;
    if (tunnel->reply_len < 2)
        return MAYBE_MINE;
    bool answers = tunnel->reply[1] == SOCKS5_NONE_ACCEPTED ||
                   memchr(tunnel->first + 2, tunnel->reply[1], methods) != NULL;
    return answers ? MINE : NOT_MINE;
}

/* Version, command, port, address, user, NUL; a name may follow, and what is meant for the host. */
static enum recognition begins_socks4(const struct tunnel *tunnel)
{
    size_t len = tunnel->sent_len < TUNNEL_FIRST_MAX ? (size_t)tunnel->sent_len : TUNNEL_FIRST_MAX;
    if (tunnel->first[0] != SOCKS4 || len <= SOCKS4_USER || tunnel->reply[0] != SOCKS4_REPLY ||
        memchr(tunnel->first + SOCKS4_USER, '\0', len - SOCKS4_USER) == NULL)
        return NOT_MINE;
    if (tunnel->reply_len < 2)
        return MAYBE_MINE;
    bool answers = tunnel->reply[1] >= SOCKS4_GRANTED && tunnel->reply[1] <= SOCKS4_REFUSED;
    return answers ? MINE : NOT_MINE;
}

/* A connection that begins so leads on to wherever it was told to, by a proxy that will not take
 * such a beginning again: what the user vouched for is the protocol inside. Told from the whole
 * greeting and the beginning of the reply, since another protocol may well begin with a 4 or 5. */
static enum recognition begins_tunnel(const struct tunnel *tunnel)
{
    if (tunnel->sent_len >= CONNECT_LEN && memcmp(tunnel->first, connect_method, CONNECT_LEN) == 0)
        return MINE;
    return tunnel->first[0] == SOCKS5 ? begins_socks5(tunnel) : begins_socks4(tunnel);
}
