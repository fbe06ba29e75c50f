/* SPDX-License-Identifier: MIT
 * Which of a few common rules a connection of an unknown protocol would have fitted. */
#ifndef TWPOOL_SHIM_FIT_H
#define TWPOOL_SHIM_FIT_H

#include "turns.h"

/* Lines, and frames at offset 0 with lengths of 4 or 2 bytes that count what follows, or all. */
enum { FIT_COUNT = 9 };

/* A set of them: one bit for each, the one to be proposed first being the lowest; and `raw`. */
typedef uint32_t fits;
enum { FITS_NONE = 0, FITS_RAW = 1 << FIT_COUNT };

/* Follows one connection under all of them. Begins all zero. */
struct fit {
    struct turns turns[FIT_COUNT];
    fits broken;
};

/* len bytes that went one way. Cheap: a rule that is broken takes no further look, and one that is
 * not skips what it knows the length of. Pure; async-signal-safe. */
void fit_sent(struct fit *fit, const char *buf, size_t len);
void fit_received(struct fit *fit, const char *buf, size_t len);

/* Those under which a connection on which something was sent is idle now: all of it was sent whole,
 * and is answered. */
fits fit_found(const struct fit *fit);

/* The one to propose; RULE_AUTO when there is none. `raw` is not looked at. */
struct rule_choice fit_rule(fits found);

#endif
