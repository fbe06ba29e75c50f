/* SPDX-License-Identifier: MIT
 * The witness of rule `raw`: the user vouches for requests that are answered and read whole. */
#include "witness.h"

#include <string.h>

/* The beginnings of the ways through a proxy: RFC 1928 (SOCKS5), SOCKS4, RFC 9110 (CONNECT). */
static const char connect_method[RAW_FIRST_MAX] = "CONNECT ";
enum { SOCKS5 = 5, SOCKS4 = 4, SOCKS4_MIN = 9, SOCKS4_REPLY = 0 };

static void note_first_sent(struct raw_witness *raw, const char *buf, size_t len)
{
    for (size_t i = 0; i < len && raw->sent_len + i < RAW_FIRST_MAX; i++)
        raw->first[raw->sent_len + i] = buf[i];
    raw->sent_len += len;
    raw->last = buf[len - 1];
}

/* A connection that begins so leads on to wherever it was told to, by a proxy that will not take
 * such a beginning again: what the user vouched for is the protocol inside. Told from the whole
 * greeting and the first byte of the reply, since another protocol may well begin with a 4 or 5. */
static bool begins_tunnel(const struct raw_witness *raw, char reply)
{
    if (raw->sent_len >= RAW_FIRST_MAX && memcmp(raw->first, connect_method, RAW_FIRST_MAX) == 0)
        return true;
    if (raw->first[0] == SOCKS5) /* version, how many methods, the methods */
        return reply == SOCKS5 && raw->sent_len == 2 + (uint64_t)(uint8_t)raw->first[1];
    return raw->first[0] == SOCKS4 && raw->sent_len >= SOCKS4_MIN && raw->last == '\0' &&
           reply == SOCKS4_REPLY;
}

static void raw_opened(struct witness *witness)
{
    witness->raw.replied = false;
}

static void raw_sent(struct witness *witness, const char *buf, size_t len)
{
    if (!witness->confirmed)
        note_first_sent(&witness->raw, buf, len);
    /* Asked again after giving up: two answers may come, and only one is waited for. */
    if (witness->reason == REASON_TIMED_OUT) {
        witness_refuse(witness, REASON_TIMED_OUT);
        return;
    }
    witness->raw.replied = false;
    witness->state = WITNESS_BUSY;
    witness->reason = REASON_RESPONSE_INCOMPLETE;
}

static void raw_received(struct witness *witness, const char *buf, size_t len)
{
    (void)len;
    if (!witness->confirmed && begins_tunnel(&witness->raw, buf[0])) {
        witness_refuse(witness, REASON_TUNNEL);
        return;
    }
    witness->raw.replied = true;
    witness->confirmed = true;
    witness->state = WITNESS_IDLE;
    witness->reason = REASON_NONE;
}

static void raw_timed_out(struct witness *witness)
{
    if (witness->reason == REASON_UNUSED) {
        return;
    }
    /* Given up, whether the reply is due or has come in part; or a timer of the application's, and
     * the reply will still be read. */
    witness->state = WITNESS_BUSY;
    witness->reason = REASON_TIMED_OUT;
}

const struct witness_protocol witness_raw = {
    .name = "raw",
    .opened = raw_opened,
    .sent = raw_sent,
    .received = raw_received,
    .timed_out = raw_timed_out,
};
