/* SPDX-License-Identifier: MIT
 * The witness of Redis, next to hiredis and a reader of whole texts. */
#include "readers.h"

static void idle(const struct witness *witness, const struct talk *talk)
{
    if (witness->protocol == &witness_redis) { /* under `auto` it may be another */
        redis_expect_over(witness, talk);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const struct fuzz_target redis = {.rule = RULE_REDIS, .idle = idle};
    script_run(&redis, data, len);
    return 0;
}
