/* SPDX-License-Identifier: MIT
 * The witness of FastCGI, the client's side: requests that were begun, sent whole, and ended. */
#include "witness.h"

#include <string.h>

/* A record's header. */
enum { VERSION = 0, TYPE = 1, ID = 2, CONTENT_LEN = 4, PADDING_LEN = 6 };
enum { VERSION_1 = 1 };

enum type {
    BEGIN_REQUEST = 1,
    END_REQUEST = 3,
    PARAMS = 4,
    STDIN = 5,
    STDOUT = 6,
    STDERR = 7,
    GET_VALUES = 9,
    GET_VALUES_RESULT = 10
};

/* What begins a request, and what ends it. */
enum { ROLE = 0, FLAGS = 2, PROTOCOL_STATUS = 4 };
enum { RESPONDER = 1, KEEP_CONN = 1, REQUEST_COMPLETE = 0 };

/* A worker of PHP-FPM serves nobody else while its connection is idle. Enough for a client that
 * asks again and again. */
enum { IDLE_LIMIT_MS = 250 };

static bool is_observed(const struct witness *witness);
static void refuse(struct witness *witness, enum reason reason);
static bool take(struct fastcgi_record *record, const char **at, const char *end);
static void take_request_record(struct witness *witness);
static void begin_request(struct witness *witness);
static void take_stream(struct witness *witness);
static void take_reply_record(struct witness *witness);
static void end_request(struct witness *witness, struct fastcgi_request *request);
static void settle(struct witness *witness);

static uint16_t number_at(const uint8_t *bytes)
{
    return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

/* The record that begins a request to a responder, whole but for its padding. */
static enum recognition fastcgi_begins(const struct first_bytes *first)
{
    static const uint8_t masks[FASTCGI_HEAD_LEN + FASTCGI_BODY_LEN] = {
        0xff, 0xff, 0, 0, 0xff, 0xff, 0, 0xff, 0xff, 0xff, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff};
    static const uint8_t values[sizeof masks] = {[VERSION] = VERSION_1,
                                                 [TYPE] = BEGIN_REQUEST,
                                                 [CONTENT_LEN + 1] = FASTCGI_BODY_LEN,
                                                 [FASTCGI_HEAD_LEN + ROLE + 1] = RESPONDER};
    uint8_t len = first->sent_len;
    if (first->received_len > 0 || len == 0) {
        return NOT_MINE;
    }
    for (uint8_t i = 0; i < len && i < sizeof masks; i++) {
        if (((uint8_t)first->sent[i] & masks[i]) != values[i]) {
            return NOT_MINE;
        }
    }
    return len < sizeof masks ? MAYBE_MINE : MINE;
}

static void fastcgi_opened(struct witness *witness)
{
    witness->fastcgi = (struct fastcgi_witness){0};
    witness->idle_limit_ms = IDLE_LIMIT_MS;
}

static void fastcgi_sent(struct witness *witness, const char *buf, size_t len)
{
    struct fastcgi_record *record = &witness->fastcgi.request;
    const char *at = buf, *end = buf + len;
    while (at < end && is_observed(witness)) {
        if (take(record, &at, end)) {
            take_request_record(witness);
            *record = (struct fastcgi_record){0};
        }
    }
    settle(witness);
}

static void fastcgi_received(struct witness *witness, const char *buf, size_t len)
{
    struct fastcgi_record *record = &witness->fastcgi.reply;
    const char *at = buf, *end = buf + len;
    while (at < end && is_observed(witness)) {
        if (record->head_len == 0 && (uint8_t)*at != VERSION_1) {
            refuse(witness, REASON_MALFORMED);
        } else if (take(record, &at, end)) {
            take_reply_record(witness);
            *record = (struct fastcgi_record){0};
        }
    }
    settle(witness);
}

const struct witness_protocol witness_fastcgi = {
    .name = "fastcgi",
    .begins = fastcgi_begins,
    .opened = fastcgi_opened,
    .sent = fastcgi_sent,
    .received = fastcgi_received,
};

static bool is_observed(const struct witness *witness)
{
    return witness->state == WITNESS_BUSY || witness->state == WITNESS_IDLE;
}

/* Until a first request has ended, it may be another protocol. */
static void refuse(struct witness *witness, enum reason reason)
{
    bool foreign = witness->sniffed && !witness->confirmed;
    witness_refuse(witness, foreign ? REASON_UNKNOWN_PROTOCOL : reason);
}

/* True when the record is whole, padding included. */
static bool take(struct fastcgi_record *record, const char **at, const char *end)
{
    while (*at < end && record->head_len < FASTCGI_HEAD_LEN) {
        record->head[record->head_len++] = (uint8_t) * (*at)++;
        record->left = (uint32_t)number_at(record->head + CONTENT_LEN) + record->head[PADDING_LEN];
    }
    if (record->head_len < FASTCGI_HEAD_LEN) {
        return false;
    }
    while (*at < end && record->left > 0 && record->body_len < FASTCGI_BODY_LEN) {
        record->body[record->body_len++] = (uint8_t) * (*at)++;
        record->left--;
    }
    size_t available = (size_t)(end - *at);
    size_t taken = available < record->left ? available : record->left;
    *at += taken;
    record->left -= (uint32_t)taken;
    return record->left == 0;
}

static struct fastcgi_request *find(struct fastcgi_witness *fastcgi, uint16_t id)
{
    for (uint8_t i = 0; i < fastcgi->request_count; i++) {
        if (fastcgi->requests[i].id == id) {
            return &fastcgi->requests[i];
        }
    }
    return NULL;
}

static void take_request_record(struct witness *witness)
{
    struct fastcgi_witness *fastcgi = &witness->fastcgi;
    const uint8_t *head = fastcgi->request.head;
    if (head[VERSION] != VERSION_1) {
        refuse(witness, REASON_MALFORMED);
        return;
    }
    switch (head[TYPE]) {
    case BEGIN_REQUEST:
        begin_request(witness);
        return;
    case PARAMS:
    case STDIN:
        take_stream(witness);
        return;
    case GET_VALUES:
        if (number_at(head + ID) != 0 || fastcgi->values_due == UINT8_MAX) {
            refuse(witness, REASON_MALFORMED);
            return;
        }
        fastcgi->values_due++;
        return;
    default: /* ABORT_REQUEST, whose answer may or may not come, or DATA, for a filter */
        refuse(witness, REASON_MALFORMED);
    }
}

static void begin_request(struct witness *witness)
{
    struct fastcgi_witness *fastcgi = &witness->fastcgi;
    const struct fastcgi_record *record = &fastcgi->request;
    uint16_t id = number_at(record->head + ID);
    uint8_t flags = record->body[FLAGS];
    if (id == 0 || number_at(record->head + CONTENT_LEN) != FASTCGI_BODY_LEN ||
        number_at(record->body + ROLE) != RESPONDER || (flags & ~KEEP_CONN) != 0 ||
        fastcgi->closing || find(fastcgi, id) != NULL) {
        refuse(witness, REASON_MALFORMED);
        return;
    }
    if (fastcgi->request_count == FASTCGI_REQUESTS_MAX) {
        refuse(witness, REASON_NO_MEMORY);
        return;
    }
    fastcgi->requests[fastcgi->request_count++] = (struct fastcgi_request){.id = id};
    fastcgi->closing = (flags & KEEP_CONN) == 0;
}

/* Each stream ends with an empty record. */
static void take_stream(struct witness *witness)
{
    struct fastcgi_witness *fastcgi = &witness->fastcgi;
    const uint8_t *head = fastcgi->request.head;
    struct fastcgi_request *request = find(fastcgi, number_at(head + ID));
    if (request == NULL) {
        refuse(witness, REASON_MALFORMED);
        return;
    }
    bool *over = head[TYPE] == PARAMS ? &request->parameters_over : &request->input_over;
    if (*over) {
        refuse(witness, REASON_MALFORMED);
        return;
    }
    *over = number_at(head + CONTENT_LEN) == 0;
}

static void take_reply_record(struct witness *witness)
{
    struct fastcgi_witness *fastcgi = &witness->fastcgi;
    const uint8_t *head = fastcgi->reply.head;
    struct fastcgi_request *request = find(fastcgi, number_at(head + ID));
    if (head[TYPE] == GET_VALUES_RESULT && number_at(head + ID) == 0 && fastcgi->values_due > 0) {
        fastcgi->values_due--;
        return;
    }
    if (request != NULL && head[TYPE] == END_REQUEST) {
        end_request(witness, request);
        return;
    }
    if (request == NULL || (head[TYPE] != STDOUT && head[TYPE] != STDERR)) {
        refuse(witness, REASON_MALFORMED);
    }
}

static void end_request(struct witness *witness, struct fastcgi_request *request)
{
    struct fastcgi_witness *fastcgi = &witness->fastcgi;
    const struct fastcgi_record *record = &fastcgi->reply;
    /* What is still sent of a request that has ended belongs to none. */
    if (!request->parameters_over || !request->input_over ||
        number_at(record->head + CONTENT_LEN) != FASTCGI_BODY_LEN ||
        record->body[PROTOCOL_STATUS] != REQUEST_COMPLETE) {
        refuse(witness, REASON_MALFORMED);
        return;
    }
    *request = fastcgi->requests[--fastcgi->request_count];
    witness->confirmed = true;
}

static bool is_sent_whole(const struct fastcgi_witness *fastcgi)
{
    bool whole = fastcgi->request.head_len == 0;
    for (uint8_t i = 0; i < fastcgi->request_count; i++) {
        whole &= fastcgi->requests[i].parameters_over && fastcgi->requests[i].input_over;
    }
    return whole;
}

static void settle(struct witness *witness)
{
    const struct fastcgi_witness *fastcgi = &witness->fastcgi;
    if (!is_observed(witness)) {
        return;
    }
    witness->state = WITNESS_BUSY;
    if (!is_sent_whole(fastcgi)) {
        witness->reason = REASON_REQUEST_INCOMPLETE;
    } else if (fastcgi->request_count > 0 || fastcgi->values_due > 0 ||
               fastcgi->reply.head_len > 0) {
        witness->reason = REASON_RESPONSE_INCOMPLETE;
    } else if (fastcgi->closing) {
        witness->state = WITNESS_CLOSING;
        witness->reason = REASON_ANNOUNCED_CLOSE;
        witness->peer_will_close = true;
    } else {
        witness->state = WITNESS_IDLE;
        witness->reason = REASON_NONE;
    }
}
