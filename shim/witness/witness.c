/* SPDX-License-Identifier: MIT
 * Starts the witness of a connection that its rule asks for, and passes on bytes. */
#include "witness.h"

#include <string.h>

enum { TLS_HANDSHAKE = 0x16 }; /* the first byte of every TLS connection (RFC 8446, 5.1) */

static bool may_be_unknown(const struct witness *witness);
static void private_opened(struct witness *witness);
static void private_bytes(struct witness *witness, const char *buf, size_t len);

/* A connection that is never observed. */
static const struct witness_protocol witness_private = {
    .name = "none",
    .opened = private_opened,
    .sent = private_bytes,
    .received = private_bytes,
};

static const struct witness_protocol *const protocols[RULE_COUNT] = {
    [RULE_OFF] = &witness_private,        [RULE_CLEAN] = &witness_private,
    [RULE_AUTO] = &witness_sniff,         [RULE_HTTP] = &witness_http,
    [RULE_REDIS] = &witness_redis,        [RULE_RAW] = &witness_raw,
    [RULE_MEMCACHE] = &witness_memcached, [RULE_DNS] = &witness_dns,
    [RULE_FASTCGI] = &witness_fastcgi,    [RULE_LINES] = &witness_lines,
    [RULE_FRAME] = &witness_frame,
};

void witness_open(struct witness *witness, struct rule_choice choice)
{
    enum rule rule = choice.rule;
    memset(witness, 0, sizeof *witness);
    witness->protocol = protocols[rule];
    witness->state = WITNESS_BUSY;
    witness->reason = REASON_UNUSED;
    witness->uses_left = UINT32_MAX;
    witness->fitting = rule == RULE_AUTO;
    if (rule == RULE_FRAME) {
        witness->counted.frame = choice.frame;
    }
    witness->protocol->opened(witness);
    if (rule == RULE_OFF) {
        witness_refuse(witness, REASON_RULE_OFF);
    }
    if (rule == RULE_CLEAN) {
        witness_refuse(witness, REASON_RULE_CLEAN);
    }
}

void witness_sent(struct witness *witness, const void *buf, size_t len)
{
    if (may_be_unknown(witness)) {
        fit_sent(&witness->fit, buf, len);
    }
    witness_pass_sent(witness, buf, len);
}

void witness_received(struct witness *witness, const void *buf, size_t len)
{
    if (may_be_unknown(witness)) {
        fit_received(&witness->fit, buf, len);
    }
    witness_pass_received(witness, buf, len);
}

fits witness_fits(const struct witness *witness)
{
    bool is_unknown =
        witness->state == WITNESS_PRIVATE && witness->reason == REASON_UNKNOWN_PROTOCOL;
    return witness->fitting && is_unknown ? fit_found(&witness->fit) : FITS_NONE;
}

void witness_pass_sent(struct witness *witness, const void *buf, size_t len)
{
    if (len == 0) {
        return;
    }
    witness->peer_will_close = false;
    if (witness->state == WITNESS_PRIVATE) {
        return;
    }
    if (witness->reason == REASON_UNUSED && *(const unsigned char *)buf == TLS_HANDSHAKE) {
        witness_refuse(witness, REASON_TLS);
        return;
    }
    witness->protocol->sent(witness, buf, len);
}

void witness_pass_received(struct witness *witness, const void *buf, size_t len)
{
    if (len == 0 || witness->state == WITNESS_PRIVATE) {
        return;
    }
    if (witness->reason == REASON_UNUSED && !witness->sniffing) {
        witness_refuse(witness, REASON_SERVER_FIRST);
        return;
    }
    witness->protocol->received(witness, buf, len);
}

void witness_timed_out(struct witness *witness)
{
    if (witness->state == WITNESS_PRIVATE || witness->protocol->timed_out == NULL) {
        return;
    }
    witness->protocol->timed_out(witness);
}

void witness_refuse(struct witness *witness, enum reason reason)
{
    if (witness->state == WITNESS_PRIVATE) {
        return;
    }
    witness->state = WITNESS_PRIVATE;
    witness->reason = reason;
    witness->peer_will_close = false; /* what was taken for a goodbye may have been none */
}

/* Until an answer has told what it is: that may be the first to show that it is nothing known. */
static bool may_be_unknown(const struct witness *witness)
{
    return witness->fitting && !witness->confirmed &&
           (witness->state != WITNESS_PRIVATE || witness->reason == REASON_UNKNOWN_PROTOCOL);
}

static void private_opened(struct witness *witness)
{
    (void)witness;
}

static void private_bytes(struct witness *witness, const char *buf, size_t len)
{
    (void)witness;
    (void)buf;
    (void)len;
}
