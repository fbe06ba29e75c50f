/* SPDX-License-Identifier: MIT
 * MySQL and MariaDB: never reused; the client's packets are followed, to recognise COM_QUIT. */
#include "witness.h"

enum { GREETING_VERSION = 10 }; /* of the handshake, since MySQL 3.21 */
enum { GREETING_BEGINS = 6 };   /* its header, its version, and the server's first digit */
enum { LENGTH_MAX = 0xffffff }; /* a packet of this length is continued by the next one */
enum { SEQUENCE_LAST = 255 };   /* the number after it is 0 again */
enum { COM_QUIT = 1 };
enum { COM_STMT_SEND_LONG_DATA = 0x18, COM_STMT_CLOSE = 0x19 }; /* the two without an answer */

/* Where a packet's parts end. */
enum { HEADER_END = 4, COMMAND_END = HEADER_END + 1, FLAGS_END = HEADER_END + 4 };

/* What the client asks for, of the capabilities that the greeting offered. */
enum { CLIENT_COMPRESS = 0x20, CLIENT_SSL = 0x800, CLIENT_ZSTD_COMPRESSION = 0x4000000 };

static void take_head(struct witness *witness);
static uint8_t take_header(struct witness *witness, uint32_t length, uint8_t sequence);
static void take_command(struct witness *witness, uint8_t command, uint32_t length);
static void take_flags(struct witness *witness, uint32_t flags);

/* The server speaks first. No greeting is 64 KiB long. */
static enum recognition mysql_begins(const struct first_bytes *first)
{
    const char *received = first->received;
    uint8_t len = first->received_len;
    bool whole = len >= GREETING_BEGINS;
    if ((first->sent_len > 0 && !(first->server_first && whole)) || (len > 2 && received[2] != 0) ||
        (len > 3 && received[3] != 0) || (len > 4 && received[4] != GREETING_VERSION) ||
        (whole && (received[5] < '0' || received[5] > '9'))) {
        return NOT_MINE;
    }
    return whole ? MINE : MAYBE_MINE;
}

static void mysql_opened(struct witness *witness)
{
    witness->mysql = (struct mysql_witness){.head_end = HEADER_END};
    witness->reason = REASON_MYSQL;
}

static void mysql_sent(struct witness *witness, const char *buf, size_t len)
{
    struct mysql_witness *mysql = &witness->mysql;
    while (len > 0 && witness->state != WITNESS_PRIVATE) {
        if (witness->state == WITNESS_CLOSING) {
            witness_refuse(witness, REASON_MALFORMED);
            return;
        }
        size_t piece = mysql->payload_left < len ? mysql->payload_left : len;
        mysql->payload_left -= piece;
        if (piece == 0) {
            piece = 1;
            mysql->head[mysql->head_len++] = (uint8_t)*buf;
            if (mysql->head_len == mysql->head_end) {
                take_head(witness);
            }
        }
        buf += piece;
        len -= piece;
    }
}

/* Where the server's packets end does not matter: each command is numbered 0, and nothing else. */
static void mysql_received(struct witness *witness, const char *buf, size_t len)
{
    struct mysql_witness *mysql = &witness->mysql;
    (void)buf;
    (void)len;
    witness->confirmed = true;
    if (mysql->payload_left == 0 && !mysql->continued) {
        mysql->answer_due = false; /* what comes earlier answers something else */
    }
}

const struct witness_protocol witness_mysql = {
    .name = "mysql",
    .begins = mysql_begins,
    .opened = mysql_opened,
    .sent = mysql_sent,
    .received = mysql_received,
};

static uint32_t little_endian(const uint8_t *bytes, int count)
{
    uint32_t value = 0;
    while (count-- > 0) {
        value = value << 8 | bytes[count];
    }
    return value;
}

static void take_head(struct witness *witness)
{
    struct mysql_witness *mysql = &witness->mysql;
    uint32_t length = little_endian(mysql->head, 3);
    if (mysql->head_len == HEADER_END) {
        mysql->head_end = take_header(witness, length, mysql->head[3]);
        if (mysql->head_end != HEADER_END) {
            return;
        }
    } else if (!mysql->logged_in) {
        take_flags(witness, little_endian(mysql->head + HEADER_END, 4));
    } else {
        take_command(witness, mysql->head[HEADER_END], length);
    }
    mysql->payload_left = length - (mysql->head_len - HEADER_END);
    mysql->head_len = 0;
    mysql->head_end = HEADER_END;
}

/* Up to where this packet has to be read. */
static uint8_t take_header(struct witness *witness, uint32_t length, uint8_t sequence)
{
    struct mysql_witness *mysql = &witness->mysql;
    bool first = !mysql->continued;
    bool wrapped = sequence == 0 && mysql->sequence == SEQUENCE_LAST;
    mysql->continued = length == LENGTH_MAX;
    mysql->sequence = sequence;
    if (!mysql->logged_in) {
        if (sequence != 1 || length < FLAGS_END - HEADER_END) {
            witness_refuse(witness, REASON_MALFORMED);
        }
        return FLAGS_END;
    }
    if (first && wrapped) {
        witness_refuse(witness, REASON_MYSQL); /* the packets of a local file, or a command? */
    }
    if (first && sequence == 0 && length > 0) {
        return COMMAND_END;
    }
    mysql->answer_due |= first; /* a part of the login, or of a file */
    return HEADER_END;
}

static void take_command(struct witness *witness, uint8_t command, uint32_t length)
{
    struct mysql_witness *mysql = &witness->mysql;
    if (command == COM_QUIT && length == 1) {
        witness->state = WITNESS_CLOSING;
        /* Until a command has been executed the server reads nothing, and does not close. */
        witness->peer_will_close = !mysql->answer_due;
    } else if (command != COM_STMT_SEND_LONG_DATA && command != COM_STMT_CLOSE) {
        mysql->answer_due = true;
    }
}

static void take_flags(struct witness *witness, uint32_t flags)
{
    witness->mysql.logged_in = true;
    witness->mysql.answer_due = true;
    if (flags & CLIENT_SSL) {
        witness_refuse(witness, REASON_TLS);
    }
    if (flags & (CLIENT_COMPRESS | CLIENT_ZSTD_COMPRESSION)) {
        witness_refuse(witness, REASON_MYSQL); /* its packets are inside others */
    }
}
