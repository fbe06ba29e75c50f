/* SPDX-License-Identifier: MIT
 * The beginnings of the protocols that have a name here and no witness. */
#include "recognised.h"

#include <string.h>

/* What either side begins with, to the letter. */
struct opening {
    const char *text;
    uint8_t len;
    bool by_server;
    enum reason reason;
};
#define BY_SERVER(reason, text)                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1, true, REASON_##reason                                              \
    }
#define BY_CLIENT(reason, text)                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1, false, REASON_##reason                                             \
    }

static const struct opening openings[] = {
    BY_SERVER(SSH, "SSH-"),        BY_CLIENT(SSH, "SSH-"), /* RFC 4253, 4.2: either may be first */
    BY_SERVER(SMTP_FTP, "220 "),   BY_SERVER(SMTP_FTP, "220-"), /* RFC 5321, RFC 959 */
    BY_SERVER(POP3, "+OK"),                                     /* RFC 1939 */
    BY_SERVER(IMAP, "* OK"),       BY_SERVER(IMAP, "* PREAUT"), /* RFC 9051, 7.1 */
    BY_SERVER(NATS, "INFO {"),     BY_CLIENT(NATS, "CONNECT {"),
    BY_CLIENT(STOMP, "STOMP\n"),   BY_CLIENT(STOMP, "STOMP\r\n"),
    BY_CLIENT(STOMP, "CONNECT\n"), BY_CLIENT(STOMP, "CONNECT\r\n"), /* with a space it is HTTP's */
    BY_CLIENT(AMQP, "AMQP\0"),     BY_CLIENT(AMQP, "AMQP\1"),       /* 0-9-1 and 1.0; older ones */
    BY_CLIENT(AMQP, "AMQP\2"),     BY_CLIENT(AMQP, "AMQP\3"), /* 1.0 over TLS, and with SASL */
};
enum { OPENINGS = sizeof openings / sizeof *openings };

/* What the client begins with, where that takes a look at numbers. Called with a byte or more of
 * the client's; a shape that wants no answer is not asked once there is one. */
typedef enum recognition shape_begins(const struct first_bytes *first);
static shape_begins socks4_begins, socks5_begins, mongodb_begins, mqtt_begins, kafka_begins,
    ldap_begins;

static const struct shape {
    enum reason reason;
    bool wants_answer;
    shape_begins *begins;
} shapes[] = {
    {REASON_SOCKS, false, socks4_begins},    {REASON_SOCKS, true, socks5_begins},
    {REASON_MONGODB, false, mongodb_begins}, {REASON_MQTT, false, mqtt_begins},
    {REASON_KAFKA, false, kafka_begins},     {REASON_LDAP, false, ldap_begins},
};
enum { SHAPES = sizeof shapes / sizeof *shapes };

static enum recognition opens(const struct opening *opening, const struct first_bytes *first);
static enum recognition has_shape(const struct shape *shape, const struct first_bytes *first);

enum recognition recognised_begins(const struct first_bytes *first, enum reason *reason)
{
    enum recognition best = NOT_MINE;
    for (size_t i = 0; i < OPENINGS + SHAPES; i++) {
        bool is_opening = i < OPENINGS;
        enum recognition recognition =
            is_opening ? opens(&openings[i], first) : has_shape(&shapes[i - OPENINGS], first);
        if (recognition == MINE) {
            *reason = is_opening ? openings[i].reason : shapes[i - OPENINGS].reason;
            return MINE;
        }
        best = recognition > best ? recognition : best;
    }
    return best;
}

static enum recognition opens(const struct opening *opening, const struct first_bytes *first)
{
    bool by_server = opening->by_server;
    const char *bytes = by_server ? first->received : first->sent;
    uint8_t len = by_server ? first->received_len : first->sent_len;
    uint8_t others = by_server ? first->sent_len : first->received_len;
    if (memcmp(bytes, opening->text, len < opening->len ? len : opening->len) != 0)
        return NOT_MINE;
    if (len >= opening->len)
        return MINE;
    return others > 0 ? NOT_MINE : MAYBE_MINE; /* nobody answers half of it */
}

static enum recognition has_shape(const struct shape *shape, const struct first_bytes *first)
{
    if (first->server_first || (first->received_len > 0 && !shape->wants_answer))
        return NOT_MINE;
    return shape->begins(first);
}

static uint8_t byte_at(const struct first_bytes *first, uint8_t at)
{
    return (uint8_t)first->sent[at];
}

/* The first bytes, as far as there are any, are these. */
static bool agrees(const struct first_bytes *first, uint8_t at, const char *bytes, uint8_t len)
{
    uint8_t left = first->sent_len > at ? (uint8_t)(first->sent_len - at) : 0;
    return memcmp(first->sent + at, bytes, left < len ? left : len) == 0;
}

static uint32_t big_endian(const struct first_bytes *first, uint8_t at, int count)
{
    uint32_t value = 0;
    while (count-- > 0)
        value = value << 8 | byte_at(first, at++);
    return value;
}

static uint32_t little_endian(const struct first_bytes *first, uint8_t at)
{
    uint32_t value = 0;
    for (int i = 3; i >= 0; i--)
        value = value << 8 | byte_at(first, (uint8_t)(at + i));
    return value;
}

/* Version, CONNECT or BIND, a port, an address, a user's name, NUL. */
static enum recognition socks4_begins(const struct first_bytes *first)
{
    enum { VERSION = 4, CONNECT = 1, BIND = 2, PORT_END = 4, USER = 8 };
    uint8_t len = first->sent_len;
    if (byte_at(first, 0) != VERSION ||
        (len > 1 && byte_at(first, 1) != CONNECT && byte_at(first, 1) != BIND) ||
        (len >= PORT_END && big_endian(first, 2, 2) == 0))
        return NOT_MINE;
    for (uint8_t i = USER; i < len; i++) {
        if (byte_at(first, i) == 0)
            return MINE;
        if (byte_at(first, i) < ' ')
            return NOT_MINE;
    }
    return MAYBE_MINE;
}

/* RFC 1928: version, how many methods, the methods; the answer is the version, and one of them. So
 * short a beginning proves nothing without it. */
static enum recognition socks5_begins(const struct first_bytes *first)
{
    enum { VERSION = 5, METHODS = 2, NONE_ACCEPTED = 0xff };
    uint8_t len = first->sent_len, count = len > 1 ? byte_at(first, 1) : 1;
    const char *answer = first->received;
    bool whole = len == METHODS + count;
    if (byte_at(first, 0) != VERSION || count == 0 || len > METHODS + count ||
        METHODS + count > FIRST_SENT_MAX || (first->received_len > 0 && !whole) ||
        (first->received_len > 0 && answer[0] != VERSION))
        return NOT_MINE;
    if (first->received_len < 2)
        return MAYBE_MINE;
    bool answers = (uint8_t)answer[1] == NONE_ACCEPTED ||
                   memchr(first->sent + METHODS, answer[1], count) != NULL;
    return answers ? MINE : NOT_MINE;
}

/* Length, request, response to nothing, operation; all little-endian. What drivers say of
 * themselves at first is below 8 KiB: were more believed, the second byte would not tell it from
 * text. */
static enum recognition mongodb_begins(const struct first_bytes *first)
{
    enum {
        RESPONSE_TO = 8,
        OPERATION = 12,
        HEADER_LEN = 16,
        LENGTH_TOP = 1,
        LENGTH_TOP_MAX = 0x1f
    };
    enum { OP_QUERY = 2004, OP_COMMAND = 2010, OP_COMPRESSED = 2012, OP_MSG = 2013 };
    uint8_t len = first->sent_len;
    if ((len > LENGTH_TOP && byte_at(first, LENGTH_TOP) > LENGTH_TOP_MAX) ||
        !agrees(first, LENGTH_TOP + 1, "\0", 2) || !agrees(first, RESPONSE_TO, "\0\0\0", 4))
        return NOT_MINE;
    if (len < HEADER_LEN)
        return MAYBE_MINE;
    uint32_t operation = little_endian(first, OPERATION);
    bool is_operation = operation == OP_QUERY || operation == OP_COMMAND ||
                        operation == OP_COMPRESSED || operation == OP_MSG;
    return is_operation && little_endian(first, 0) > HEADER_LEN ? MINE : NOT_MINE;
}

/* CONNECT, the length in 1 to 4 groups of 7 bits, and the protocol's name: "MQTT", or that of 3.1.
 */
static enum recognition mqtt_begins(const struct first_bytes *first)
{
    enum { CONNECT = 0x10, GOES_ON = 0x80, GROUPS_END = 1 + 4, NAME_LEN = 6, OLD_NAME_LEN = 8 };
    uint8_t len = first->sent_len, at = 1;
    if (byte_at(first, 0) != CONNECT)
        return NOT_MINE;
    while (at < len && at < GROUPS_END && (byte_at(first, at) & GOES_ON) != 0)
        at++;
    if (at == GROUPS_END)
        return NOT_MINE;
    at++;
    if (agrees(first, at, "\0\4MQTT", NAME_LEN))
        return len >= at + NAME_LEN ? MINE : MAYBE_MINE;
    if (agrees(first, at, "\0\6MQIsdp", OLD_NAME_LEN))
        return len >= at + OLD_NAME_LEN ? MINE : MAYBE_MINE;
    return NOT_MINE;
}

/* Size, one of the requests that a client begins with, its version, a number, and how long the
 * client's name is. */
static enum recognition kafka_begins(const struct first_bytes *first)
{
    enum { KEY = 4, VERSION = 6, NAME_LEN = 12, HEADER_LEN = 14, BEHIND_SIZE = HEADER_LEN - KEY };
    enum { METADATA = 3, SASL_HANDSHAKE = 17, API_VERSIONS = 18 };
    enum { VERSION_MAX = 15, NO_NAME = 0xffff };
    uint8_t len = first->sent_len;
    if (!agrees(first, 0, "\0", 2) || !agrees(first, KEY, "", 1) || !agrees(first, VERSION, "", 1))
        return NOT_MINE; /* 64 KiB and more it would not begin with */
    if (len < VERSION)
        return MAYBE_MINE;
    uint8_t key = byte_at(first, KEY + 1);
    if ((key != METADATA && key != SASL_HANDSHAKE && key != API_VERSIONS) ||
        (len > VERSION + 1 && byte_at(first, VERSION + 1) > VERSION_MAX))
        return NOT_MINE;
    if (len < HEADER_LEN)
        return MAYBE_MINE;
    uint32_t size = big_endian(first, 0, 4), name = big_endian(first, NAME_LEN, 2);
    if (name == NO_NAME)
        name = 0;
    return size >= BEHIND_SIZE + name ? MINE : NOT_MINE;
}

/* RFC 4511: a sequence, its length in one form or the other, an integer of up to four bytes, and
 * one of the requests that may come first. */
static enum recognition ldap_begins(const struct first_bytes *first)
{
    enum { SEQUENCE = 0x30, INTEGER = 0x02, LONG_FORM = 0x80, LENGTHS_MAX = 4, ID_LEN_MAX = 4 };
    enum { BIND = 0x60, SEARCH = 0x63, EXTENDED = 0x77 };
    uint8_t len = first->sent_len, length = len > 1 ? byte_at(first, 1) : 0;
    uint8_t more = length >= LONG_FORM ? (uint8_t)(length - LONG_FORM) : 0;
    uint8_t id = 2 + more, id_len = len > id + 1 ? byte_at(first, id + 1) : 1;
    uint8_t request = id + 2 + id_len;
    if (byte_at(first, 0) != SEQUENCE || length == LONG_FORM || more > LENGTHS_MAX ||
        (len > id && byte_at(first, id) != INTEGER) || id_len == 0 || id_len > ID_LEN_MAX)
        return NOT_MINE;
    if (len <= request)
        return MAYBE_MINE;
    uint8_t tag = byte_at(first, request);
    return tag == BIND || tag == SEARCH || tag == EXTENDED ? MINE : NOT_MINE;
}
