/* SPDX-License-Identifier: MIT
 * Rule `auto` and every protocol that it may find. */
#include "readers.h"

static void idle(const struct witness *witness, const struct talk *talk)
{
    expect(witness->sniffed && witness->confirmed, "what was not recognised is never IDLE");
    if (witness->protocol == &witness_http) {
        http_expect_over(witness, talk);
    } else if (witness->protocol == &witness_redis) {
        redis_expect_over(witness, talk);
    }
    expect(witness->protocol != &witness_mysql && witness->protocol != &witness_postgresql,
           "these are never IDLE");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const struct fuzz_target sniff = {
        .rule = RULE_AUTO, .idle = idle, .goodbye = goodbyes_expect_last};
    script_run(&sniff, data, len);
    return 0;
}
