/* SPDX-License-Identifier: MIT
 * The witness of rule `raw`: the user vouches for requests that are answered and read whole. */
#include "witness.h"

static void raw_opened(struct witness *witness)
{
    witness->raw = (struct tunnel){0};
}

static void raw_sent(struct witness *witness, const char *buf, size_t len)
{
    if (!witness->confirmed)
        tunnel_sent(&witness->raw, buf, len);
    /* Asked again after giving up: two answers may come, and only one is waited for. */
    if (witness->reason == REASON_TIMED_OUT) {
        witness_refuse(witness, REASON_TIMED_OUT);
        return;
    }
    witness->state = WITNESS_BUSY;
    witness->reason = REASON_RESPONSE_INCOMPLETE;
}

static void raw_received(struct witness *witness, const char *buf, size_t len)
{
    for (size_t i = 0; i < len && !witness->confirmed; i++) {
        enum recognition tunnel = tunnel_received(&witness->raw, buf[i]);
        if (tunnel == MINE) {
            witness_refuse(witness, REASON_TUNNEL);
            return;
        }
        witness->confirmed = tunnel == NOT_MINE;
    }
    if (!witness->confirmed)
        return; /* the next byte tells */
    witness->state = WITNESS_IDLE;
    witness->reason = REASON_NONE;
}

static void raw_timed_out(struct witness *witness)
{
    if (witness->reason == REASON_UNUSED) {
        return;
    }
    /* Given up, whether the reply is due or has come in part; or a timer of the application's, and
     * the reply will still be read. */
    witness->state = WITNESS_BUSY;
    witness->reason = REASON_TIMED_OUT;
}

const struct witness_protocol witness_raw = {
    .name = "raw",
    .opened = raw_opened,
    .sent = raw_sent,
    .received = raw_received,
    .timed_out = raw_timed_out,
};
