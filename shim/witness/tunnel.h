/* SPDX-License-Identifier: MIT
 * Whether a connection under a user's own rule begins as the way through a proxy. */
#ifndef TWPOOL_SHIM_TUNNEL_H
#define TWPOOL_SHIM_TUNNEL_H

#include <stddef.h>
#include <stdint.h>

enum recognition {
    NOT_MINE,   /* and no further byte can change that */
    MAYBE_MINE, /* more bytes are needed */
    MINE
};

/* What a tunnel may begin with: a SOCKS5 greeting that offers all that it can, and the answer.
 * Begins all zero. */
enum { TUNNEL_FIRST_MAX = 2 + 255, TUNNEL_REPLY_MAX = 2 };
struct tunnel {
    uint64_t sent_len; /* before the first reply; of it first holds as much as it can */
    uint8_t first[TUNNEL_FIRST_MAX], reply[TUNNEL_REPLY_MAX], reply_len;
};

/* Both until tunnel_received() says something else than MAYBE_MINE, which it does at the second
 * byte at the latest. Pure; async-signal-safe. */
void tunnel_sent(struct tunnel *tunnel, const char *buf, size_t len);
enum recognition tunnel_received(struct tunnel *tunnel, char byte);

#endif
