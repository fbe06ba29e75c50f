/* SPDX-License-Identifier: MIT
 * Starts the witness of a connection, recognises the protocol under `auto`, and passes on bytes. */
#include "witness.h"

#include <string.h>

enum { TLS_HANDSHAKE = 0x16 }; /* the first byte of every TLS connection (RFC 8446, 5.1) */

static void private_opened(struct witness *witness);
static void private_bytes(struct witness *witness, const char *buf, size_t len);
static void sniff_opened(struct witness *witness);
static void sniff_sent(struct witness *witness, const char *buf, size_t len);
static void sniff_received(struct witness *witness, const char *buf, size_t len);
static bool sniff_byte(struct sniffer *sniffer, char byte);

/* A connection that is never observed. */
static const struct witness_protocol witness_private = {
    .name = "none",
    .opened = private_opened,
    .sent = private_bytes,
    .received = private_bytes,
};

/* A connection whose first bytes have not told its protocol yet. */
static const struct witness_protocol witness_sniff = {
    .name = "auto",
    .opened = sniff_opened,
    .sent = sniff_sent,
    .received = sniff_received,
};

static const struct witness_protocol *const protocols[RULE_COUNT] = {
    [RULE_OFF] = &witness_private, [RULE_CLEAN] = &witness_private, [RULE_AUTO] = &witness_sniff,
    [RULE_HTTP] = &witness_http,   [RULE_RAW] = &witness_raw,
};

/* What an HTTP request begins with. PRI is HTTP/2's, which the HTTP witness names. */
static const char *const methods[] = {
#define METHOD(number, name, string) #string " ",
    HTTP_METHOD_MAP(METHOD)
#undef METHOD
        "PRI ",
};
enum { METHODS = sizeof methods / sizeof *methods };

void witness_open(struct witness *witness, enum rule rule)
{
    memset(witness, 0, sizeof *witness);
    witness->protocol = protocols[rule];
    witness->state = WITNESS_BUSY;
    witness->reason = REASON_UNUSED;
    witness->uses_left = UINT32_MAX;
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
    if (len == 0 || witness->state == WITNESS_PRIVATE) {
        return;
    }
    if (witness->reason == REASON_UNUSED && *(const unsigned char *)buf == TLS_HANDSHAKE) {
        witness_refuse(witness, REASON_TLS);
        return;
    }
    witness->protocol->sent(witness, buf, len);
}

void witness_received(struct witness *witness, const void *buf, size_t len)
{
    if (len == 0 || witness->state == WITNESS_PRIVATE) {
        return;
    }
    if (witness->reason == REASON_UNUSED) {
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

static void sniff_opened(struct witness *witness)
{
    witness->sniffing = true;
}

static void sniff_sent(struct witness *witness, const char *buf, size_t len)
{
    witness->reason = REASON_REQUEST_INCOMPLETE;
    struct sniffer sniffer = witness->sniffer;
    size_t seen = 0;
    while (seen < len) {
        if (!sniff_byte(&sniffer, buf[seen++])) {
            witness_refuse(witness, REASON_UNKNOWN_PROTOCOL);
            return;
        }
        const char *begin = methods[sniffer.method];
        if (begin[sniffer.len] == '\0') {
            /* The bytes of earlier sends are gone; the method that they matched says them again. */
            witness->sniffing = false;
            witness->sniffed = true;
            witness->protocol = &witness_http;
            witness_http.opened(witness);
            witness_http.sent(witness, begin, sniffer.len);
            witness_sent(witness, buf + seen, len - seen);
            return;
        }
    }
    witness->sniffer = sniffer;
}

/* The server answered a request that no witness could recognise yet. */
static void sniff_received(struct witness *witness, const char *buf, size_t len)
{
    (void)buf;
    (void)len;
    witness_refuse(witness, REASON_UNKNOWN_PROTOCOL);
}

/* Follows the bytes to a method that begins with them; false when there is none. */
static bool sniff_byte(struct sniffer *sniffer, char byte)
{
    const char *seen = methods[sniffer->method];
    for (size_t i = 0; i < METHODS; i++) {
        if (strncmp(methods[i], seen, sniffer->len) == 0 && methods[i][sniffer->len] == byte) {
            sniffer->method = i;
            sniffer->len++;
            return true;
        }
    }
    return false;
}
