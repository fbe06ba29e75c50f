/* SPDX-License-Identifier: MIT
 * The witness of rule `raw`: the user vouches for requests that are answered and read whole. */
#include "witness.h"

#include <string.h>

/* The beginnings of the ways through a proxy: RFC 1928 (SOCKS5), SOCKS4, RFC 9110 (CONNECT). */
static const char connect_method[] = "CONNECT ";
enum { CONNECT_LEN = sizeof connect_method - 1 };
enum { SOCKS5 = 5, SOCKS5_NONE_ACCEPTED = 0xff };
enum { SOCKS4 = 4, SOCKS4_USER = 8, SOCKS4_REPLY = 0, SOCKS4_GRANTED = 90, SOCKS4_REFUSED = 93 };

static void note_first_sent(struct raw_witness *raw, const char *buf, size_t len)
{
    for (size_t i = 0; i < len && raw->sent_len + i < RAW_FIRST_MAX; i++)
        raw->first[raw->sent_len + i] = (uint8_t)buf[i];
    raw->sent_len += len;
}

/* Version, how many methods, the methods; more may follow at once. Answered by one of them. */
static enum recognition begins_socks5(const struct raw_witness *raw)
{
    uint8_t methods = raw->first[1];
    if (raw->sent_len < 2 + (uint64_t)methods || raw->reply[0] != SOCKS5)
        return NOT_MINE;
    if (raw->reply_len < 2)
        return MAYBE_MINE;
    bool answers = raw->reply[1] == SOCKS5_NONE_ACCEPTED ||
                   memchr(raw->first + 2, raw->reply[1], methods) != NULL;
    return answers ? MINE : NOT_MINE;
}

/* Version, command, port, address, user, NUL; a name may follow, and what is meant for the host. */
static enum recognition begins_socks4(const struct raw_witness *raw)
{
    size_t len = raw->sent_len < RAW_FIRST_MAX ? (size_t)raw->sent_len : RAW_FIRST_MAX;
    if (raw->first[0] != SOCKS4 || len <= SOCKS4_USER || raw->reply[0] != SOCKS4_REPLY ||
        memchr(raw->first + SOCKS4_USER, '\0', len - SOCKS4_USER) == NULL)
        return NOT_MINE;
    if (raw->reply_len < 2)
        return MAYBE_MINE;
    bool answers = raw->reply[1] >= SOCKS4_GRANTED && raw->reply[1] <= SOCKS4_REFUSED;
    return answers ? MINE : NOT_MINE;
}

/* A connection that begins so leads on to wherever it was told to, by a proxy that will not take
 * such a beginning again: what the user vouched for is the protocol inside. Told from the whole
 * greeting and the beginning of the reply, since another protocol may well begin with a 4 or 5. */
static enum recognition begins_tunnel(const struct raw_witness *raw)
{
    if (raw->sent_len >= CONNECT_LEN && memcmp(raw->first, connect_method, CONNECT_LEN) == 0)
        return MINE;
    return raw->first[0] == SOCKS5 ? begins_socks5(raw) : begins_socks4(raw);
}

static void raw_opened(struct witness *witness)
{
    witness->raw = (struct raw_witness){0};
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
    witness->state = WITNESS_BUSY;
    witness->reason = REASON_RESPONSE_INCOMPLETE;
}

static void raw_received(struct witness *witness, const char *buf, size_t len)
{
    struct raw_witness *raw = &witness->raw;
    for (size_t i = 0; i < len && !witness->confirmed; i++) {
        raw->reply[raw->reply_len++] = (uint8_t)buf[i];
        enum recognition tunnel = begins_tunnel(raw);
        if (tunnel == MINE) {
            witness_refuse(witness, REASON_TUNNEL);
            return;
        }
        witness->confirmed = tunnel == NOT_MINE;
    }
    if (!witness->confirmed)
        return; /* the next byte tells */
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
