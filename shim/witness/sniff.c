/* SPDX-License-Identifier: MIT
 * Recognises the protocol of a connection under `auto` by its first bytes, whoever sends them. */
#include "recognised.h"

/* Asked in this order after each byte; the first that says MINE has the connection. */
static const struct witness_protocol *const candidates[] = {
    &witness_http,      &witness_redis, &witness_mysql,  &witness_postgresql,
    &witness_memcached, &witness_dns,   &witness_fastcgi};
enum { CANDIDATES = sizeof candidates / sizeof *candidates };

static enum reason unknown(const struct first_bytes *first);
static void ask(struct witness *witness);
static void give_up(struct witness *witness, enum reason reason);
static void hand_over(struct witness *witness, const struct witness_protocol *protocol);

static void sniff_opened(struct witness *witness)
{
    witness->sniffing = true;
    witness->first = (struct first_bytes){0};
}

static void sniff_sent(struct witness *witness, const char *buf, size_t len)
{
    size_t seen = 0;
    witness->reason = REASON_REQUEST_INCOMPLETE;
    while (seen < len && witness->sniffing) {
        struct first_bytes *first = &witness->first;
        /* A second turn would be lost when the bytes are fed again. */
        bool answered = !first->server_first && first->received_len > 0;
        if (answered || first->sent_len == FIRST_SENT_MAX) {
            give_up(witness, unknown(first));
            return;
        }
        first->sent[first->sent_len++] = buf[seen++];
        ask(witness);
    }
    witness_pass_sent(witness, buf + seen, len - seen);
}

static void sniff_received(struct witness *witness, const char *buf, size_t len)
{
    size_t seen = 0;
    if (witness->reason == REASON_UNUSED) {
        witness->reason = REASON_SERVER_FIRST;
        witness->first.server_first = true;
    }
    while (seen < len && witness->sniffing) {
        struct first_bytes *first = &witness->first;
        bool answered = first->server_first && first->sent_len > 0;
        if (answered || first->received_len == FIRST_RECEIVED_MAX) {
            give_up(witness, unknown(first));
            return;
        }
        first->received[first->received_len++] = buf[seen++];
        ask(witness);
    }
    witness_pass_received(witness, buf + seen, len - seen);
}

const struct witness_protocol witness_sniff = {
    .name = "auto",
    .opened = sniff_opened,
    .sent = sniff_sent,
    .received = sniff_received,
};

static void ask(struct witness *witness)
{
    enum reason reason = unknown(&witness->first);
    bool hope = false;
    for (size_t i = 0; i < CANDIDATES; i++) {
        enum recognition recognition = candidates[i]->begins(&witness->first);
        if (recognition == MINE) {
            hand_over(witness, candidates[i]);
            return;
        }
        hope |= recognition == MAYBE_MINE;
    }
    enum recognition recognition = recognised_begins(&witness->first, &reason);
    hope |= recognition == MAYBE_MINE;
    if (!hope || recognition == MINE) {
        give_up(witness, reason);
    }
}

static enum reason unknown(const struct first_bytes *first)
{
    return first->server_first ? REASON_SERVER_FIRST : REASON_UNKNOWN_PROTOCOL;
}

static void give_up(struct witness *witness, enum reason reason)
{
    witness->sniffing = false;
    witness_refuse(witness, reason);
}

static void hand_over(struct witness *witness, const struct witness_protocol *protocol)
{
    struct first_bytes first = witness->first; /* opened() writes over it */
    witness->sniffing = false;
    witness->sniffed = true;
    witness->protocol = protocol;
    protocol->opened(witness);
    if (first.server_first) {
        witness_pass_received(witness, first.received, first.received_len);
    }
    witness_pass_sent(witness, first.sent, first.sent_len);
    if (!first.server_first) {
        witness_pass_received(witness, first.received, first.received_len);
    }
}
