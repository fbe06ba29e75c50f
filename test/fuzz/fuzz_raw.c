/* SPDX-License-Identifier: MIT
 * The witness of rule `raw`: IDLE only after an answer, and never for a tunnel. */
#include "readers.h"

#include <string.h>

static void idle(const struct witness *witness, const struct talk *talk)
{
    if (witness->protocol != &witness_raw) {
        return; /* `auto` */
    }
    bool tunnel = talk->sent_len >= 8 && memcmp(talk->sent, "CONNECT ", 8) == 0;
    /* Version 5, one method, and the answer that takes it. */
    bool socks = talk->sent_len >= 3 && talk->received_len >= 2 &&
                 memcmp(talk->sent, "\5\1", 2) == 0 && talk->received[0] == 5 &&
                 talk->received[1] == talk->sent[2];
    expect(talk->sent_len > 0 && talk->received_len > 0, "a request and an answer");
    expect(!tunnel && !socks, "no tunnel");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const struct fuzz_target raw = {.rule = RULE_RAW, .idle = idle};
    script_run(&raw, data, len);
    return 0;
}
