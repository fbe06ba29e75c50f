/* SPDX-License-Identifier: MIT
 * MySQL and PostgreSQL are never IDLE; of these and memcached, whose goodbye is heard has said it.
 */
#include "readers.h"

static void idle(const struct witness *witness, const struct talk *talk)
{
    expect(witness->protocol != &witness_mysql && witness->protocol != &witness_postgresql,
           "these are never IDLE");
    expect(talk->sent_len > 0 && talk->received_len > 0, "a request and an answer");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const struct fuzz_target goodbyes = {
        .rule = RULE_AUTO, .idle = idle, .goodbye = goodbyes_expect_last};
    script_run(&goodbyes, data, len);
    return 0;
}
