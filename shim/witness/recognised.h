/* SPDX-License-Identifier: MIT
 * Protocols that are known by their first bytes, and are never reused by themselves. */
#ifndef TWPOOL_SHIM_RECOGNISED_H
#define TWPOOL_SHIM_RECOGNISED_H

#include "witness.h"

/* Whether a connection that begins so speaks one of them. With MINE, *reason is the name that it is
 * counted by; else it is untouched. Asked after each byte; pure. */
enum recognition recognised_begins(const struct first_bytes *first, enum reason *reason);

#endif
