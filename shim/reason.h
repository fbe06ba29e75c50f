/* SPDX-License-Identifier: MIT
 * Why a connection was not parked or not reused: the verdicts that the statistics count by name. */
#ifndef TWPOOL_SHIM_REASON_H
#define TWPOOL_SHIM_REASON_H

enum reason {
    REASON_NONE, /* nothing stands against it */
#define REASON(group, name, shown, explanation) REASON_##name,
#include "reason.def"
#undef REASON
    REASON_COUNT
};

/* At which point of a connection's life the reason stands. */
enum reason_group {
    REASON_GROUP_NONE,       /* REASON_NONE's */
    REASON_GROUP_NOT_PARKED, /* at its close */
    REASON_GROUP_ENDED_IDLE, /* after it was parked */
    REASON_GROUP_NOT_REUSED  /* at a connect(), which then opened a new one */
};

/* The name that the statistics print, and a few words for a person. Static strings;
 * async-signal-safe. */
const char *reason_name(enum reason reason);
const char *reason_explanation(enum reason reason);

enum reason_group reason_group(enum reason reason);

#endif
