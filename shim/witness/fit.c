/* SPDX-License-Identifier: MIT
 * Counts the turns of an unknown protocol by lines and by the usual frames, side by side. */
#include "fit.h"

/* Where several fit, as small frames with 4 bytes do with 2, the more common comes first. */
static const struct rule_choice candidates[FIT_COUNT] = {
    {RULE_LINES, {.width = 0}},
    {RULE_FRAME, {.width = 4}},
    {RULE_FRAME, {.width = 4, .adjust = -4}},
    {RULE_FRAME, {.width = 4, .little_endian = true}},
    {RULE_FRAME, {.width = 4, .little_endian = true, .adjust = -4}},
    {RULE_FRAME, {.width = 2}},
    {RULE_FRAME, {.width = 2, .adjust = -2}},
    {RULE_FRAME, {.width = 2, .little_endian = true}},
    {RULE_FRAME, {.width = 2, .little_endian = true, .adjust = -2}},
};

typedef enum reason take_bytes(struct turns *turns, const struct frame *frame, const char *buf,
                               size_t len);

static void take(struct fit *fit, take_bytes *take_bytes, const char *buf, size_t len)
{
    for (int i = 0; i < FIT_COUNT; i++) {
        const struct rule_choice *candidate = &candidates[i];
        const struct frame *frame = candidate->rule == RULE_FRAME ? &candidate->frame : NULL;
        if ((fit->broken & 1u << i) == 0 &&
            take_bytes(&fit->turns[i], frame, buf, len) != REASON_NONE)
            fit->broken |= 1u << i;
    }
}

void fit_sent(struct fit *fit, const char *buf, size_t len)
{
    take(fit, turns_sent, buf, len);
}

void fit_received(struct fit *fit, const char *buf, size_t len)
{
    take(fit, turns_received, buf, len);
}

fits fit_found(const struct fit *fit)
{
    fits found = FITS_NONE;
    for (int i = 0; i < FIT_COUNT; i++) {
        if ((fit->broken & 1u << i) == 0 && turns_are_over(&fit->turns[i]))
            found |= 1u << i;
    }
    return found;
}

struct rule_choice fit_rule(fits found)
{
    for (int i = 0; i < FIT_COUNT; i++) {
        if ((found & 1u << i) != 0)
            return candidates[i];
    }
    return (struct rule_choice){.rule = RULE_AUTO};
}
