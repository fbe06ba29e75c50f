/* SPDX-License-Identifier: MIT
 * The witnesses of the rules `lines` and `frame`: over when all that was asked is answered. */
#include "witness.h"

static const struct frame *frame_of(const struct witness *witness);
static size_t take_first_bytes(struct witness *witness, const char *buf, size_t len);
static void take_received(struct witness *witness, const char *buf, size_t len);
static void settle(struct witness *witness);

/* witness_open() has zeroed everything but the frame. */
static void counted_opened(struct witness *witness)
{
    (void)witness;
}

static void counted_sent(struct witness *witness, const char *buf, size_t len)
{
    struct counted_witness *counted = &witness->counted;
    if (!witness->confirmed)
        tunnel_sent(&counted->tunnel, buf, len);
    enum reason reason = turns_sent(&counted->turns, frame_of(witness), buf, len);
    if (reason != REASON_NONE)
        witness_refuse(witness, reason);
    settle(witness);
}

static void counted_received(struct witness *witness, const char *buf, size_t len)
{
    size_t taken = take_first_bytes(witness, buf, len);
    take_received(witness, buf + taken, len - taken);
    settle(witness);
}

const struct witness_protocol witness_lines = {
    .name = "lines",
    .opened = counted_opened,
    .sent = counted_sent,
    .received = counted_received,
};

const struct witness_protocol witness_frame = {
    .name = "frame",
    .opened = counted_opened,
    .sent = counted_sent,
    .received = counted_received,
};

static const struct frame *frame_of(const struct witness *witness)
{
    return witness->protocol == &witness_frame ? &witness->counted.frame : NULL;
}

/* One by one, until they are known not to be a proxy's: which of two verdicts comes first must not
 * depend on how they were split. */
static size_t take_first_bytes(struct witness *witness, const char *buf, size_t len)
{
    size_t taken = 0;
    while (taken < len && !witness->confirmed && witness->state != WITNESS_PRIVATE) {
        enum recognition tunnel = tunnel_received(&witness->counted.tunnel, buf[taken]);
        if (tunnel == MINE)
            witness_refuse(witness, REASON_TUNNEL);
        witness->confirmed = tunnel == NOT_MINE;
        take_received(witness, buf + taken++, 1);
    }
    return taken;
}

static void take_received(struct witness *witness, const char *buf, size_t len)
{
    if (witness->state == WITNESS_PRIVATE)
        return;
    enum reason reason = turns_received(&witness->counted.turns, frame_of(witness), buf, len);
    if (reason != REASON_NONE)
        witness_refuse(witness, reason);
}

static void settle(struct witness *witness)
{
    const struct turns *turns = &witness->counted.turns;
    if (witness->state == WITNESS_PRIVATE)
        return;
    witness->state = WITNESS_BUSY;
    if (turns_side_is_open(&turns->request)) {
        witness->reason = REASON_REQUEST_INCOMPLETE;
    } else if (!turns_are_over(turns) || !witness->confirmed) {
        witness->reason = REASON_RESPONSE_INCOMPLETE;
    } else {
        witness->state = WITNESS_IDLE;
        witness->reason = REASON_NONE;
    }
}
