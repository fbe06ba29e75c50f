/* SPDX-License-Identifier: MIT
 * Readers that are no part of the library, and share none of its code: whole texts, read at once.
 */
#ifndef TWPOOL_TEST_FUZZ_READERS_H
#define TWPOOL_TEST_FUZZ_READERS_H

#include "script.h"

/* fuzz_target.idle: every message that was sent or received has its end, each request its response,
 * and no side has said that it closes. */
void http_expect_over(const struct witness *witness, const struct talk *talk);
void redis_expect_over(const struct witness *witness, const struct talk *talk);

/* fuzz_target.goodbye of mysql, postgresql and memcached: the last message sent is one. */
void goodbyes_expect_last(const struct witness *witness, const struct talk *talk);

#endif
