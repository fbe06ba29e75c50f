/* SPDX-License-Identifier: MIT
 * Reads what clients of MySQL, PostgreSQL and memcached send, up to its last message. */
#include "readers.h"

#include <stdlib.h>
#include <string.h>

static const uint8_t *sent_of(const struct talk *talk)
{
    return (const uint8_t *)talk->sent;
}

/* Packets: a length of three bytes, little-endian, a number, the payload. */
static bool mysql_quits(const struct talk *talk)
{
    static const uint8_t quit[] = {1, 0, 0, 0, 1};
    const uint8_t *sent = sent_of(talk);
    size_t at = 0, last = 0;
    while (talk->sent_len - at >= 4) {
        size_t len = sent[at] | (size_t)sent[at + 1] << 8 | (size_t)sent[at + 2] << 16;
        last = at;
        if (talk->sent_len - at - 4 < len) {
            return false;
        }
        at += 4 + len;
    }
    return last > 0 && at == talk->sent_len && at - last == sizeof quit &&
           memcmp(sent + last, quit, sizeof quit) == 0;
}

static size_t big_endian(const uint8_t *bytes)
{
    return (size_t)bytes[0] << 24 | (size_t)bytes[1] << 16 | (size_t)bytes[2] << 8 | bytes[3];
}

/* Packets that begin with a length and a code up to the startup, then messages with a type. */
static bool postgresql_quits(const struct talk *talk)
{
    static const uint8_t cancel[] = {0x04, 0xd2, 0x16, 0x2e};
    const uint8_t *sent = sent_of(talk);
    size_t at = 0;
    bool session = false;
    while (talk->sent_len - at >= (session ? 5 : 8)) {
        size_t len = big_endian(sent + at + session) + session;
        bool goodbye = session ? sent[at] == 'X' : memcmp(sent + at + 4, cancel, 4) == 0;
        session |= sent[at + 4] == 0 && sent[at + 5] == 3;
        if (len < 5 || talk->sent_len - at < len) {
            return false;
        }
        at += len;
        if (goodbye) {
            return at == talk->sent_len;
        }
    }
    return false;
}

/* The length of the data that follow this line; -1: none do. */
static long data_len(const char *line)
{
    static const char *const storing[] = {"set",     "add", "replace", "append",
                                          "prepend", "cas", "ms"};
    char word[8][64] = {{0}};
    int words = 0;
    for (const char *at = line; *at != '\n' && words < 8; words++) {
        at += strspn(at, " ");
        size_t len = strcspn(at, " \r\n");
        memcpy(word[words], at, len < 63 ? len : 63);
        at += len;
        at += *at == '\r';
    }
    for (size_t i = 0; i < sizeof storing / sizeof *storing; i++) {
        if (strcmp(word[0], storing[i]) == 0) {
            return atol(word[strcmp(word[0], "ms") == 0 ? 2 : 4]);
        }
    }
    return -1;
}

static bool memcached_quits_in_text(const struct talk *talk)
{
    size_t at = 0;
    while (at < talk->sent_len) {
        const char *line = talk->sent + at;
        const char *end = memchr(line, '\n', talk->sent_len - at);
        if (end == NULL) {
            return false;
        }
        at = (size_t)(end - talk->sent) + 1;
        line += strspn(line, " ");
        bool quits = strncmp(line, "quit", 4) == 0;
        if (quits && line + 4 + strspn(line + 4, " \r") == end) { /* with a word more it is none */
            return at == talk->sent_len;
        }
        long data = data_len(line);
        at += data < 0 ? 0 : (size_t)data + 2;
    }
    return false;
}

/* Headers of 24 bytes, the length of what follows at the eighth. */
static bool memcached_quits_in_binary(const struct talk *talk)
{
    const uint8_t *sent = sent_of(talk);
    size_t at = 0;
    while (talk->sent_len - at >= 24) {
        bool quits = sent[at + 1] == 0x07 || sent[at + 1] == 0x17;
        at += 24 + big_endian(sent + at + 8);
        if (quits || at > talk->sent_len) {
            return at == talk->sent_len;
        }
    }
    return false;
}

void goodbyes_expect_last(const struct witness *witness, const struct talk *talk)
{
    if (witness->protocol == &witness_http || witness->protocol == &witness_redis) {
        return;
    }
    expect(talk->received_len > 0 || witness->protocol == &witness_postgresql,
           "nobody takes leave of a server that said nothing, but who cancels");
    if (witness->protocol == &witness_mysql) {
        expect(mysql_quits(talk), "the last packet is COM_QUIT");
    } else if (witness->protocol == &witness_postgresql) {
        expect(postgresql_quits(talk), "the last message is Terminate or CancelRequest");
    } else if (witness->protocol == &witness_memcached && sent_of(talk)[0] == 0x80) {
        expect(memcached_quits_in_binary(talk), "the last request is quit");
    } else if (witness->protocol == &witness_memcached) {
        expect(memcached_quits_in_text(talk), "the last command is quit");
    }
}
