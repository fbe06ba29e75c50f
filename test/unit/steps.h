/* SPDX-License-Identifier: MIT
 * A connection as its steps, taken whole or with the bytes split in every way. */
#ifndef TWPOOL_TEST_STEPS_H
#define TWPOOL_TEST_STEPS_H

#include "../../shim/witness/witness.h"

#include <stdio.h>

/* Bytes that went one way; text is a literal, and its terminating NUL is not meant. */
struct step {
    bool sent;
    const char *bytes;
    size_t len;
};
#define SENT(text)                                                                                 \
    {                                                                                              \
        true, text, sizeof(text) - 1                                                               \
    }
#define RECEIVED(text)                                                                             \
    {                                                                                              \
        false, text, sizeof(text) - 1                                                              \
    }

enum { WHOLE = -1, EACH_BYTE = -2 };

static inline void step_feed(struct witness *witness, const struct step *step, size_t from,
                             size_t to)
{
    if (step->sent)
        witness_sent(witness, step->bytes + from, to - from);
    else
        witness_received(witness, step->bytes + from, to - from);
}

/* Cut in two before byte `cut`, or WHOLE, or EACH_BYTE alone. */
static inline void step_take(struct witness *witness, const struct step *step, long cut)
{
    size_t middle = cut < 0 ? 0 : (size_t)cut;
    for (size_t i = 0; cut == EACH_BYTE && i < step->len; i++)
        step_feed(witness, step, i, i + 1);
    if (cut == EACH_BYTE)
        return;
    step_feed(witness, step, 0, middle);
    step_feed(witness, step, middle, step->len);
}

/* The witness of rule `auto` after these steps, of which one is cut; the others are whole. */
static inline struct witness steps_take(const struct step *steps, size_t count, size_t which,
                                        long cut)
{
    struct witness witness;
    witness_open(&witness, (struct rule_choice){.rule = RULE_AUTO});
    for (size_t i = 0; i < count; i++)
        step_take(&witness, &steps[i], i == which || cut == EACH_BYTE ? cut : WHOLE);
    return witness;
}

#endif
