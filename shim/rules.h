/* SPDX-License-Identifier: MIT
 * TWPOOL_RULES, the list of destinations and what they are taken for; config.h has the lookups. */
#ifndef TWPOOL_SHIM_RULES_H
#define TWPOOL_SHIM_RULES_H

#include "config.h"
#include "span.h"

/* What rules_parse() takes, in words. */
#define RULES_ACCEPTED                                                                             \
    "ADDRESS[/PREFIX][:PORT]=RULE[,...], where ADDRESS is like 10.0.0.1, [fd00::1] or *, "         \
    "RULE is off, clean, auto, http, redis, memcache, dns, fastcgi, raw, lines or "                \
    "frame(OFFSET,WIDTH,be,ADJUST) (be or le, and a WIDTH of 1, 2, 3, 4 or 8), and there are "     \
    "128 at most"

/* Reads a list into config->rules. Blanks around entries and parameters, and empty entries, are
 * passed over; bits of an address beyond its prefix are masked off. When an entry cannot be
 * understood there are no rules at all, *offending is that entry, or its frame(...), and the result
 * is false. */
bool rules_parse(struct config *config, struct span list, struct span *offending);

#endif
