/* SPDX-License-Identifier: MIT
 * PostgreSQL: never reused; the client's messages are followed, to recognise Terminate. */
#include "witness.h"

#include <string.h>

enum { LENGTH_LEN = 4 };                    /* each length counts itself */
enum { CODE_END = LENGTH_LEN + 4 };         /* before the session: length, and what is asked for */
enum { HEADER_END = 1 + LENGTH_LEN };       /* in the session: type and length */
enum { PACKET_MAX = 10000 };                /* MAX_STARTUP_PACKET_LENGTH of the server */
enum { CANCEL_MIN = 16, CANCEL_MAX = 268 }; /* keys of 4 bytes, and of up to 256 in version 3.2 */
enum { TERMINATE = 'X' };

/* Codes: the versions 3.0 and 3.2 (there is no other 3), and requests in place of a version. */
enum {
    VERSION_3_0 = 3 << 16,
    VERSION_3_2 = VERSION_3_0 | 2,
    CANCEL_REQUEST = 80877102,
    SSL_REQUEST = 80877103,
    GSSENC_REQUEST = 80877104
};

static void take_head(struct witness *witness);
static void take_packet(struct witness *witness, uint32_t length, uint32_t code);
static void take_message(struct witness *witness, char type, uint32_t length);
static void take_answer(struct witness *witness, char answer);

static uint32_t big_endian(const char *bytes)
{
    uint32_t value = 0;
    for (int i = 0; i < 4; i++) {
        value = value << 8 | (uint8_t)bytes[i];
    }
    return value;
}

static bool is_version(uint32_t code)
{
    return code == VERSION_3_0 || code == VERSION_3_2;
}

static bool is_packet(uint32_t length, uint32_t code)
{
    if (code == SSL_REQUEST || code == GSSENC_REQUEST) {
        return length == CODE_END;
    }
    if (code == CANCEL_REQUEST) {
        return length >= CANCEL_MIN && length <= CANCEL_MAX;
    }
    return is_version(code) && length > CODE_END && length <= PACKET_MAX;
}

static enum recognition postgresql_begins(const struct first_bytes *first)
{
    const char *sent = first->sent;
    uint8_t len = first->sent_len;
    bool whole = len >= CODE_END;
    if ((first->received_len > 0 && (first->server_first || !whole)) || (len > 0 && sent[0] != 0) ||
        (len > 1 && sent[1] != 0) ||
        (whole && !is_packet(big_endian(sent), big_endian(sent + LENGTH_LEN)))) {
        return NOT_MINE;
    }
    return whole ? MINE : MAYBE_MINE;
}

static void postgresql_opened(struct witness *witness)
{
    witness->postgresql = (struct postgresql_witness){0};
    witness->reason = REASON_POSTGRESQL;
}

static void postgresql_sent(struct witness *witness, const char *buf, size_t len)
{
    struct postgresql_witness *postgresql = &witness->postgresql;
    while (len > 0 && witness->state != WITNESS_PRIVATE) {
        if (witness->state == WITNESS_CLOSING || postgresql->phase == POSTGRESQL_ANSWER_DUE) {
            witness_refuse(witness, REASON_MALFORMED);
            return;
        }
        size_t piece = postgresql->left < len ? postgresql->left : len;
        postgresql->left -= piece;
        if (piece == 0) {
            piece = 1;
            postgresql->head[postgresql->head_len++] = *buf;
            take_head(witness);
        }
        if (postgresql->phase == POSTGRESQL_GOODBYE && postgresql->left == 0) {
            witness->state = WITNESS_CLOSING;
            /* While it works on a query, the server reads nothing, and does not close. */
            witness->peer_will_close = !postgresql->answer_due;
        }
        buf += piece;
        len -= piece;
    }
}

static void postgresql_received(struct witness *witness, const char *buf, size_t len)
{
    struct postgresql_witness *postgresql = &witness->postgresql;
    static const char first[] = {'R', 'E', 'N', 'v'}; /* to the startup packet */
    if (postgresql->phase == POSTGRESQL_ANSWER_DUE) {
        take_answer(witness, *buf++);
        len--;
    }
    if (postgresql->left == 0) {
        postgresql->answer_due = false; /* what comes earlier answers something else */
    }
    if (len > 0 && postgresql->phase == POSTGRESQL_OPENING) {
        witness_refuse(witness, REASON_MALFORMED); /* unasked for */
    } else if (len > 0 && !witness->confirmed && memchr(first, *buf, sizeof first) == NULL) {
        witness_refuse(witness, REASON_UNKNOWN_PROTOCOL);
    } else if (len > 0) {
        witness->confirmed = true;
    }
}

const struct witness_protocol witness_postgresql = {
    .name = "postgresql",
    .begins = postgresql_begins,
    .opened = postgresql_opened,
    .sent = postgresql_sent,
    .received = postgresql_received,
};

/* One more byte of a message's beginning was sent. */
static void take_head(struct witness *witness)
{
    struct postgresql_witness *postgresql = &witness->postgresql;
    const char *head = postgresql->head;
    bool session = postgresql->phase == POSTGRESQL_SESSION;
    if (postgresql->head_len < (session ? HEADER_END : CODE_END)) {
        return;
    }
    postgresql->head_len = 0;
    if (session) {
        take_message(witness, head[0], big_endian(head + 1));
    } else {
        take_packet(witness, big_endian(head), big_endian(head + LENGTH_LEN));
    }
}

static void take_packet(struct witness *witness, uint32_t length, uint32_t code)
{
    struct postgresql_witness *postgresql = &witness->postgresql;
    if (!is_packet(length, code)) {
        witness_refuse(witness, REASON_MALFORMED);
        return;
    }
    postgresql->left = length - CODE_END;
    if (code == CANCEL_REQUEST) {
        postgresql->phase = POSTGRESQL_GOODBYE; /* the server acts on it, and only closes */
        postgresql->answer_due = false;
    } else {
        postgresql->phase = is_version(code) ? POSTGRESQL_SESSION : POSTGRESQL_ANSWER_DUE;
        postgresql->answer_due = true;
    }
}

static void take_message(struct witness *witness, char type, uint32_t length)
{
    struct postgresql_witness *postgresql = &witness->postgresql;
    if (length < LENGTH_LEN || (type == TERMINATE && length != LENGTH_LEN)) {
        witness_refuse(witness, REASON_MALFORMED);
        return;
    }
    postgresql->left = length - LENGTH_LEN;
    if (type == TERMINATE) {
        postgresql->phase = POSTGRESQL_GOODBYE;
    } else {
        postgresql->answer_due = true;
    }
}

/* To the wish for encryption: one byte, and silence until the next packet is sent. */
static void take_answer(struct witness *witness, char answer)
{
    if (answer == 'S') {
        witness_refuse(witness, REASON_TLS);
    } else if (answer != 'N') {
        witness_refuse(witness, REASON_POSTGRESQL); /* G: GSSAPI follows; E: an error */
    }
    witness->postgresql.phase = POSTGRESQL_OPENING;
}
