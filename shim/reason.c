/* SPDX-License-Identifier: MIT
 * The names of the verdicts, made from the one list. */
#include "reason.h"

static const char *const names[REASON_COUNT] = {
    "none",
#define REASON(group, name, shown, explanation) shown,
#include "reason.def"
#undef REASON
};

static const char *const explanations[REASON_COUNT] = {
    "nothing stands against it",
#define REASON(group, name, shown, explanation) explanation,
#include "reason.def"
#undef REASON
};

static const enum reason_group groups[REASON_COUNT] = {
    REASON_GROUP_NONE,
#define REASON(group, name, shown, explanation) REASON_GROUP_##group,
#include "reason.def"
#undef REASON
};

const char *reason_name(enum reason reason)
{
    return names[reason];
}

const char *reason_explanation(enum reason reason)
{
    return explanations[reason];
}

enum reason_group reason_group(enum reason reason)
{
    return groups[reason];
}
