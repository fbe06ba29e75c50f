/* SPDX-License-Identifier: MIT
 * The witness of DNS over TCP: which questions are asked and not answered yet, by their numbers. */
#include "witness.h"

#include <string.h>

/* Behind the two bytes of the length: RFC 1035, 4.1.1 and 4.2.2. */
enum { ID = 2, FLAGS = 4, QUESTIONS = 6, ANSWERS = 8, AUTHORITIES = 10, ADDITIONALS = 12 };
enum { LENGTH_LEN = 2, HEADER_LEN = 12, HEAD_LEN = LENGTH_LEN + HEADER_LEN };
enum { RESPONSE = 0x8000, OPCODE = 0x7800, TRUNCATED = 0x0200 };
/* Of the flags those that no query has: RECURSION AVAILABLE, the reserved bit, and an RCODE. */
enum { NEVER_ASKED = RESPONSE | TRUNCATED | 0x00cf };

enum { LABEL_MAX = 63, NAME_MAX = 255, TYPE_AND_CLASS_LEN = 4, ROOT_LEN = 1 };
enum { RECORD_MIN = 11 };     /* the name of the root, type, class, TTL and the length of no data */
enum { ADDITIONALS_MAX = 4 }; /* EDNS, TSIG, SIG(0), and one for what is to come */
enum { QUERY_MIN = HEADER_LEN + ROOT_LEN + TYPE_AND_CLASS_LEN };
enum { QUERY_LIKELY_MAX = 1023 }; /* a name and a padding to 468 (RFC 8467) stay far below */

/* dnsmasq closes after 100 queries, also between two that were sent at once: the next user is to
 * have room for some. */
enum { QUERIES_MAX = 64 };

enum { IXFR = 251, AXFR = 252 }; /* answered by any number of messages */

static bool is_observed(const struct witness *witness);
static void refuse(struct witness *witness, enum reason reason);
static bool take_head(struct dns_message *message, char byte);
static bool is_too_short(const struct dns_message *message, uint16_t least);
static void take_body(struct dns_message *message, const char **at, const char *end);
static void take_query_head(struct witness *witness);
static void take_question_byte(struct witness *witness, uint8_t byte);
static void end_query(struct witness *witness);
static void take_reply_head(struct witness *witness);
static void settle(struct witness *witness);

static uint16_t number_at(const uint8_t *bytes)
{
    return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

/* A query for one thing, as every resolver sends it; told from all of its header. */
static enum recognition dns_begins(const struct first_bytes *first)
{
    /* Which bits of which byte have to be what. */
    static const uint8_t masks[HEAD_LEN] = {0xfc, 0,    0,    0,    0xfa, 0xcf, 0xff,
                                            0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xf8};
    static const uint8_t values[HEAD_LEN] = {[QUESTIONS + 1] = 1};
    uint8_t len = first->sent_len, head[HEAD_LEN] = {0};
    if (first->received_len > 0 || len == 0) {
        return NOT_MINE;
    }
    for (uint8_t i = 0; i < len && i < HEAD_LEN; i++) {
        head[i] = (uint8_t)first->sent[i];
        if ((head[i] & masks[i]) != values[i]) {
            return NOT_MINE;
        }
    }
    if (len >= LENGTH_LEN && number_at(head) < QUERY_MIN) {
        return NOT_MINE;
    }
    if (len < HEAD_LEN) {
        return MAYBE_MINE;
    }
    return number_at(head + ADDITIONALS) <= ADDITIONALS_MAX ? MINE : NOT_MINE;
}

static void dns_opened(struct witness *witness)
{
    _Static_assert(QUERY_LIKELY_MAX == 0x3ff, "masks[0] lets these lengths pass");
    witness->dns = (struct dns_witness){0};
    witness->uses_left = QUERIES_MAX;
}

static void dns_sent(struct witness *witness, const char *buf, size_t len)
{
    struct dns_witness *dns = &witness->dns;
    const char *at = buf, *end = buf + len;
    while (at < end && is_observed(witness)) {
        if (dns->query.head_len < HEAD_LEN) {
            if (take_head(&dns->query, *at++)) {
                take_query_head(witness);
            } else if (is_too_short(&dns->query, QUERY_MIN)) {
                refuse(witness, REASON_MALFORMED);
            }
        } else if (!dns->question_over) {
            take_question_byte(witness, (uint8_t)*at++);
        } else {
            take_body(&dns->query, &at, end);
        }
        if (dns->question_over && dns->query.left == 0 && is_observed(witness)) {
            end_query(witness);
        }
    }
    settle(witness);
}

static void dns_received(struct witness *witness, const char *buf, size_t len)
{
    struct dns_message *reply = &witness->dns.reply;
    const char *at = buf, *end = buf + len;
    while (at < end && is_observed(witness)) {
        if (reply->head_len < HEAD_LEN) {
            if (take_head(reply, *at++)) {
                take_reply_head(witness);
            } else if (is_too_short(reply, HEADER_LEN)) {
                refuse(witness, REASON_MALFORMED);
            }
        } else {
            take_body(reply, &at, end);
        }
        if (reply->head_len == HEAD_LEN && reply->left == 0) {
            reply->head_len = 0;
            witness->confirmed = true;
        }
    }
    settle(witness);
}

const struct witness_protocol witness_dns = {
    .name = "dns",
    .begins = dns_begins,
    .opened = dns_opened,
    .sent = dns_sent,
    .received = dns_received,
};

static bool is_observed(const struct witness *witness)
{
    return witness->state == WITNESS_BUSY || witness->state == WITNESS_IDLE;
}

/* Until the first answer has confirmed it, it may be another protocol. */
static void refuse(struct witness *witness, enum reason reason)
{
    bool foreign = witness->sniffed && !witness->confirmed && reason == REASON_MALFORMED;
    witness_refuse(witness, foreign ? REASON_UNKNOWN_PROTOCOL : reason);
}

/* True when the head is whole. */
static bool take_head(struct dns_message *message, char byte)
{
    message->head[message->head_len++] = (uint8_t)byte;
    if (message->head_len < HEAD_LEN) {
        return false;
    }
    message->left = number_at(message->head) - HEADER_LEN;
    return true;
}

/* Told from the length, before the header that it has no room for. */
static bool is_too_short(const struct dns_message *message, uint16_t least)
{
    return message->head_len == LENGTH_LEN && number_at(message->head) < least;
}

static void take_body(struct dns_message *message, const char **at, const char *end)
{
    size_t available = (size_t)(end - *at);
    size_t taken = available < message->left ? available : message->left;
    *at += taken;
    message->left -= (uint16_t)taken;
}

static void take_query_head(struct witness *witness)
{
    struct dns_witness *dns = &witness->dns;
    const uint8_t *head = dns->query.head;
    uint16_t flags = number_at(head + FLAGS), additionals = number_at(head + ADDITIONALS);
    if ((flags & OPCODE) != 0 && (flags & RESPONSE) == 0) {
        refuse(witness, REASON_STATE); /* of stateful operations (RFC 8490), perhaps */
        return;
    }
    if ((flags & NEVER_ASKED) != 0 || number_at(head + QUESTIONS) != 1 ||
        number_at(head + ANSWERS) != 0 || additionals > ADDITIONALS_MAX) {
        refuse(witness, REASON_MALFORMED);
    }
    dns->question_over = false;
    dns->name_over = false;
    dns->name_len = dns->label_left = dns->type_len = 0;
}

/* The name that is asked for, and after it the type, whose first bytes tell how it is answered. */
static void take_question_byte(struct witness *witness, uint8_t byte)
{
    struct dns_witness *dns = &witness->dns;
    dns->query.left--;
    if (!dns->name_over) {
        bool length = dns->label_left == 0;
        dns->name_over = length && byte == 0;
        dns->label_left = length ? byte : dns->label_left - 1;
        dns->name_len++;
        if ((length && byte > LABEL_MAX) || (dns->name_len == NAME_MAX && !dns->name_over)) {
            refuse(witness, REASON_MALFORMED);
        }
    } else {
        dns->type[dns->type_len++] = byte;
        dns->question_over = dns->type_len == TYPE_AND_CLASS_LEN;
    }
    if (!dns->question_over && dns->query.left == 0) {
        refuse(witness, REASON_MALFORMED);
    }
}

static void end_query(struct witness *witness)
{
    struct dns_witness *dns = &witness->dns;
    const uint8_t *head = dns->query.head;
    uint16_t id = number_at(head + ID), type = number_at(dns->type);
    if (type == AXFR || type == IXFR) {
        refuse(witness, REASON_TRANSFER);
        return;
    }
    if (number_at(head + AUTHORITIES) != 0) {
        refuse(witness, REASON_MALFORMED);
        return;
    }
    for (uint8_t i = 0; i < dns->outstanding; i++) {
        if (dns->ids[i] == id) {
            refuse(witness, REASON_MALFORMED); /* which of the two an answer is for, none can say */
            return;
        }
    }
    if (dns->outstanding == DNS_OUTSTANDING_MAX) {
        refuse(witness, REASON_NO_MEMORY);
        return;
    }
    witness->uses_left -= witness->uses_left > 0;
    dns->ids[dns->outstanding++] = id;
    dns->query.head_len = 0;
    dns->question_over = false;
}

/* Answers may come in any order. */
static void take_reply_head(struct witness *witness)
{
    struct dns_witness *dns = &witness->dns;
    const uint8_t *head = dns->reply.head;
    uint16_t flags = number_at(head + FLAGS);
    bool answers = (flags & RESPONSE) != 0 && (flags & (OPCODE | TRUNCATED)) == 0;
    for (uint8_t i = 0; i < dns->outstanding && answers; i++) {
        if (dns->ids[i] == number_at(head + ID)) {
            dns->ids[i] = dns->ids[--dns->outstanding];
            return;
        }
    }
    refuse(witness, REASON_MALFORMED);
}

static void settle(struct witness *witness)
{
    const struct dns_witness *dns = &witness->dns;
    if (!is_observed(witness)) {
        return;
    }
    witness->state = WITNESS_BUSY;
    if (dns->query.head_len > 0) {
        witness->reason = REASON_REQUEST_INCOMPLETE;
    } else if (dns->outstanding > 0 || dns->reply.head_len > 0) {
        witness->reason = REASON_RESPONSE_INCOMPLETE;
    } else if (witness->uses_left == 0) {
        witness->state = WITNESS_CLOSING; /* by us: nobody has announced it */
        witness->reason = REASON_USED_UP;
    } else {
        witness->state = WITNESS_IDLE;
        witness->reason = REASON_NONE;
    }
}
