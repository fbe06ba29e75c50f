/* SPDX-License-Identifier: MIT
 * MySQL, PostgreSQL and memcached: never IDLE, and whose goodbye is heard has said it. */
#include "readers.h"

static void idle(const struct witness *witness, const struct talk *talk)
{
    (void)talk;
    expect(witness->protocol == &witness_http || witness->protocol == &witness_redis,
           "only HTTP and Redis say IDLE");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const struct fuzz_target goodbyes = {
        .rule = RULE_AUTO, .idle = idle, .goodbye = goodbyes_expect_last};
    script_run(&goodbyes, data, len);
    return 0;
}
