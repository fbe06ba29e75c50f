/* SPDX-License-Identifier: MIT
 * The Redis witness: counts what is answered, and refuses what leaves state on the connection. */
#include "redis.h"

#include <string.h>

/* Requests without an answer yet. redis-benchmark -P and bulk loaders send some thousands. */
enum { OUTSTANDING_MAX = 1 << 20 };
enum { COUNT_DIGITS_MAX = 7 }; /* of 1048576, the most arguments that Redis takes */

static bool is_observed(const struct witness *witness);
static void take_request(struct witness *witness);
static void take_reply(struct witness *witness);
static enum reason fault_reason(enum redis_progress progress);
static void settle(struct witness *witness);

/* The beginning of every client library's first request: *N CR LF $. */
static enum recognition redis_begins(const struct first_bytes *first)
{
    static const char rest[] = "\r\n$";
    const char *sent = first->sent;
    uint8_t digits = 0;
    if (first->received_len > 0 || sent[0] != '*') {
        return NOT_MINE;
    }
    while (1 + digits < first->sent_len && sent[1 + digits] >= '0' && sent[1 + digits] <= '9') {
        digits++;
    }
    uint8_t left = first->sent_len - 1 - digits;
    if (digits > COUNT_DIGITS_MAX || (digits > 0 && sent[1] == '0') || (digits == 0 && left > 0) ||
        left >= sizeof rest || memcmp(sent + 1 + digits, rest, left) != 0) {
        return NOT_MINE;
    }
    return left == sizeof rest - 1 ? MINE : MAYBE_MINE;
}

static void redis_opened(struct witness *witness)
{
    memset(&witness->redis, 0, sizeof witness->redis);
    /* Nothing but the rule tells an inline command from another protocol's line. */
    witness->redis.request.inline_allowed = !witness->sniffed;
}

static void redis_sent(struct witness *witness, const char *buf, size_t len)
{
    struct redis_witness *redis = &witness->redis;
    const char *at = buf, *end = buf + len;
    while (at < end && is_observed(witness) && !redis->closing) {
        enum redis_progress progress = redis_request_take(&redis->request, &at, end);
        if (progress == REDIS_WHOLE) {
            take_request(witness);
        } else if (progress != REDIS_MORE) {
            witness_refuse(witness, fault_reason(progress));
        }
    }
    redis->unanswered |= at < end; /* the server reads nothing after QUIT */
    settle(witness);
}

static void redis_received(struct witness *witness, const char *buf, size_t len)
{
    struct redis_witness *redis = &witness->redis;
    const char *at = buf, *end = buf + len;
    while (at < end && is_observed(witness)) {
        if (redis->outstanding == 0) {
            if (!redis->closing) {
                witness_refuse(witness, REASON_MALFORMED); /* unasked for */
            }
            break;
        }
        enum redis_progress progress = redis_reply_take(&redis->reply, &at, end);
        if (progress == REDIS_WHOLE) {
            take_reply(witness);
        } else if (progress != REDIS_MORE) {
            bool foreign = witness->sniffed && !witness->confirmed;
            witness_refuse(witness, foreign ? REASON_UNKNOWN_PROTOCOL : fault_reason(progress));
        }
    }
    settle(witness);
}

const struct witness_protocol witness_redis = {
    .name = "redis",
    .finds_ends = true,
    .begins = redis_begins,
    .opened = redis_opened,
    .sent = redis_sent,
    .received = redis_received,
};

/* CLOSING and PRIVATE are final: whatever follows changes nothing. */
static bool is_observed(const struct witness *witness)
{
    return witness->state == WITNESS_BUSY || witness->state == WITNESS_IDLE;
}

static enum reason fault_reason(enum redis_progress progress)
{
    if (progress == REDIS_LIMIT) {
        return REASON_NO_MEMORY;
    }
    return progress == REDIS_PUSH ? REASON_STATE : REASON_MALFORMED;
}

static void take_request(struct witness *witness)
{
    struct redis_witness *redis = &witness->redis;
    switch (redis_request_effect(&redis->request)) {
    case REDIS_QUIT: /* its own reply is not waited for: many clients do not */
        redis->closing = true;
        return;
    case REDIS_LEAVES_STATE:
        witness_refuse(witness, REASON_STATE);
        return;
    case REDIS_NO_STATE:
        break;
    }
    if (redis->outstanding == OUTSTANDING_MAX) {
        witness_refuse(witness, REASON_NO_MEMORY);
        return;
    }
    redis->outstanding++;
}

static void take_reply(struct witness *witness)
{
    struct redis_witness *redis = &witness->redis;
    witness->confirmed = true;
    redis->outstanding--;
    if (redis_reply_announces_close(&redis->reply)) {
        redis->closing = true;
        redis->unanswered |= redis->outstanding > 0 || redis_request_is_open(&redis->request);
        redis->outstanding = 0;
    }
}

static void settle(struct witness *witness)
{
    const struct redis_witness *redis = &witness->redis;
    if (!is_observed(witness)) {
        return;
    }
    witness->state = WITNESS_BUSY;
    if (redis->closing && redis->outstanding == 0) {
        witness->state = WITNESS_CLOSING;
        witness->reason = REASON_ANNOUNCED_CLOSE;
        witness->peer_will_close = !redis->unanswered;
    } else if (redis_request_is_open(&redis->request)) {
        witness->reason = REASON_REQUEST_INCOMPLETE;
    } else if (redis->outstanding > 0) {
        witness->reason = REASON_RESPONSE_INCOMPLETE;
    } else {
        witness->state = WITNESS_IDLE;
        witness->reason = REASON_NONE;
    }
}
