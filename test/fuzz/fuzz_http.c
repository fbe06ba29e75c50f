/* SPDX-License-Identifier: MIT
 * The witness of HTTP, next to a reader of whole texts. */
#include "readers.h"

static void idle(const struct witness *witness, const struct talk *talk)
{
    if (witness->protocol == &witness_http) { /* under `auto` it may be another */
        http_expect_over(witness, talk);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const struct fuzz_target http = {.rule = RULE_HTTP, .idle = idle};
    script_run(&http, data, len);
    return 0;
}
