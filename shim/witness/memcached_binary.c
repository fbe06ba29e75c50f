/* SPDX-License-Identifier: MIT
 * Reads messages of memcached's binary protocol, and knows which of them are quiet. */
#include "memcached.h"

#include <string.h>

enum { KEY_MAX = 250 };

/* Where the parts of a header are. */
enum { OPCODE = 1, KEY_LEN = 2, EXTRAS_LEN = 4, DATA_TYPE = 5, STATUS = 6, BODY_LEN = 8 };
enum { OPAQUE = 12 };

enum { STAT = 0x10 }; /* the one that is answered by several messages, the last of them empty */

/* Outcomes: up to the last of these memcached is in step, and the connection as it was, but for the
 * one in the middle. The others are key not found, key exists, too large and not stored. */
enum { SUCCESS = 0, INVALID_ARGUMENTS = 4 /* memcached closes */, NOT_A_NUMBER = 6 };

enum kind { UNKNOWN, ASKS, QUIET, PROVES, QUITS };

/* Those that leave the connection as it was; SASL does not, and whatever is not here may not. An
 * answer proves that nothing is to come of the quiet ones before it where no quiet one is like it.
 */
static const uint8_t kinds[] = {
    [0x00] = ASKS /* get */,
    [0x01] = ASKS /* set */,
    [0x02] = ASKS /* add */,
    [0x03] = ASKS /* replace */,
    [0x04] = ASKS /* delete */,
    [0x05] = ASKS /* increment */,
    [0x06] = ASKS /* decrement */,
    [0x07] = QUITS,
    [0x08] = ASKS /* flush */,
    [0x09] = QUIET /* get */,
    [0x0a] = PROVES /* no-op */,
    [0x0b] = PROVES /* version */,
    [0x0c] = ASKS /* getk */,
    [0x0d] = QUIET /* getk */,
    [0x0e] = ASKS /* append */,
    [0x0f] = ASKS /* prepend */,
    [STAT] = PROVES,
    [0x11] = QUIET /* set */,
    [0x12] = QUIET /* add */,
    [0x13] = QUIET /* replace */,
    [0x14] = QUIET /* delete */,
    [0x15] = QUIET /* increment */,
    [0x16] = QUIET /* decrement */,
    [0x17] = QUITS,
    [0x18] = QUIET /* flush */,
    [0x19] = QUIET /* append */,
    [0x1a] = QUIET /* prepend */,
    [0x1c] = ASKS /* touch */,
    [0x1d] = ASKS /* gat */,
    [0x1e] = QUIET /* gat */,
    [0x23] = ASKS /* gatk */,
    [0x24] = QUIET /* gatk */,
};

static enum memcached_progress take(struct memcached_binary *binary, const char **at,
                                    const char *end, uint8_t magic);
static bool is_header(const uint8_t *head, uint8_t magic);

static uint32_t number_at(const uint8_t *bytes, size_t len)
{
    uint32_t number = 0;
    for (size_t i = 0; i < len; i++) {
        number = number << 8 | bytes[i];
    }
    return number;
}

static enum kind kind_of(uint8_t opcode)
{
    return opcode < sizeof kinds ? (enum kind)kinds[opcode] : UNKNOWN;
}

enum memcached_progress memcached_binary_request_take(struct memcached_binary *binary,
                                                      const char **at, const char *end,
                                                      struct memcached_command *command)
{
    enum memcached_progress progress = take(binary, at, end, MEMCACHED_REQUEST_MAGIC);
    enum kind kind = kind_of(binary->head[OPCODE]);
    if (progress != MEMCACHED_WHOLE) {
        return progress;
    }
    *command =
        (struct memcached_command){.kind = MEMCACHED_BINARY | binary->head[OPCODE],
                                   .quiet = kind == QUIET ? MEMCACHED_ANSWERS : MEMCACHED_ANSWERED,
                                   .quits = kind == QUITS,
                                   .proves = kind == PROVES,
                                   .opaque = memcached_binary_opaque(binary)};
    return kind == UNKNOWN ? MEMCACHED_STATE : MEMCACHED_WHOLE;
}

enum memcached_progress memcached_binary_reply_take(struct memcached_binary *binary,
                                                    const char **at, const char *end)
{
    return take(binary, at, end, MEMCACHED_RESPONSE_MAGIC);
}

enum memcached_answer memcached_binary_answer(const struct memcached_binary *binary, uint8_t kind,
                                              enum memcached_quiet after)
{
    uint8_t opcode = kind & ~MEMCACHED_BINARY;
    uint32_t status = number_at(binary->head + STATUS, 2);
    if (after != MEMCACHED_ANSWERED && memcached_binary_is_of_quiet(binary)) {
        return MEMCACHED_OF_QUIET;
    }
    if (binary->head[OPCODE] != opcode || status > NOT_A_NUMBER || status == INVALID_ARGUMENTS) {
        return MEMCACHED_MISPLACED;
    }
    bool empty = number_at(binary->head + BODY_LEN, 4) == 0;
    return opcode == STAT && status == SUCCESS && !empty ? MEMCACHED_GOES_ON : MEMCACHED_ENDS;
}

bool memcached_binary_is_of_quiet(const struct memcached_binary *binary)
{
    return kind_of(binary->head[OPCODE]) == QUIET;
}

uint32_t memcached_binary_opaque(const struct memcached_binary *binary)
{
    return number_at(binary->head + OPAQUE, 4);
}

enum recognition memcached_binary_begins(const char *sent, uint8_t len)
{
    uint8_t head[MEMCACHED_BEGINNING];
    if (len == 0 || (uint8_t)sent[0] != MEMCACHED_REQUEST_MAGIC) {
        return NOT_MINE;
    }
    if (len < MEMCACHED_BEGINNING) {
        return MAYBE_MINE;
    }
    memcpy(head, sent, sizeof head);
    bool known = kind_of(head[OPCODE]) != UNKNOWN;
    return known && is_header(head, MEMCACHED_REQUEST_MAGIC) ? MINE : NOT_MINE;
}

static enum memcached_progress take(struct memcached_binary *binary, const char **at,
                                    const char *end, uint8_t magic)
{
    while (*at < end && !binary->in_body) {
        binary->head[binary->head_len++] = (uint8_t) * (*at)++;
        if (binary->head_len == MEMCACHED_BEGINNING && !is_header(binary->head, magic)) {
            return MEMCACHED_FAULT;
        }
        binary->in_body = binary->head_len == MEMCACHED_HEADER_LEN;
        binary->left = binary->in_body ? number_at(binary->head + BODY_LEN, 4) : 0;
    }
    size_t available = (size_t)(end - *at);
    size_t taken = available < binary->left ? available : binary->left;
    *at += taken;
    binary->left -= (uint32_t)taken;
    return binary->in_body && binary->left == 0 ? MEMCACHED_WHOLE : MEMCACHED_MORE;
}

/* What is said up to MEMCACHED_BEGINNING. */
static bool is_header(const uint8_t *head, uint8_t magic)
{
    uint32_t key_len = number_at(head + KEY_LEN, 2), body_len = number_at(head + BODY_LEN, 4);
    bool bare = kind_of(head[OPCODE]) == QUITS && magic == MEMCACHED_REQUEST_MAGIC;
    return head[0] == magic && head[DATA_TYPE] == 0 && key_len <= KEY_MAX &&
           body_len >= key_len + head[EXTRAS_LEN] && body_len <= MEMCACHED_DATA_MAX &&
           (body_len == 0 || !bare);
}
