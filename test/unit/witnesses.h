/* SPDX-License-Identifier: MIT
 * Feeds witnesses as the kernel might, and says what is expected of them. */
#ifndef TWPOOL_TEST_UNIT_WITNESSES_H
#define TWPOOL_TEST_UNIT_WITNESSES_H

#include "../../shim/witness/witness.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

enum { WHOLE = 0, BYTES = SIZE_MAX };

/* For the inner loops: each ck_assert() that holds costs a system call. */
static inline void require(bool holds, const char *what)
{
    if (!holds) {
        ck_abort_msg("not so: %s", what);
    }
}

/* Feeds a text as the kernel might move it: cut in two at `cut`, whole, or byte by byte. Each piece
 * is in memory of its own that is gone afterwards, so that a witness that keeps a pointer, or reads
 * too far, is seen by the sanitizer. */
static inline void feed(struct witness *witness, bool sent, const char *text, size_t len,
                        size_t cut)
{
    for (size_t at = 0, piece; at < len; at += piece) {
        piece = cut == BYTES ? 1 : at < cut && cut < len ? cut - at : len - at;
        char *buf = malloc(piece);
        require(buf != NULL, "memory");
        memcpy(buf, text + at, piece);
        if (sent) {
            witness_sent(witness, buf, piece);
        } else {
            witness_received(witness, buf, piece);
        }
        free(buf);
    }
}

static inline void sent(struct witness *witness, const char *text)
{
    feed(witness, true, text, strlen(text), WHOLE);
}

static inline void received(struct witness *witness, const char *text)
{
    feed(witness, false, text, strlen(text), WHOLE);
}

static inline struct witness opened(enum rule rule)
{
    struct witness witness;
    witness_open(&witness, (struct rule_choice){.rule = rule, .frame.width = 4});
    return witness;
}

static inline struct witness after(enum rule rule, const char *request, size_t request_cut,
                                   const char *response, size_t response_cut)
{
    struct witness witness = opened(rule);
    feed(&witness, true, request, strlen(request), request_cut);
    feed(&witness, false, response, strlen(response), response_cut);
    return witness;
}

static inline void assert_is(const struct witness *witness, enum witness_state state,
                             enum reason reason)
{
    ck_assert_str_eq(reason_name(witness->reason), reason_name(reason));
    ck_assert_int_eq(witness->state, state);
}

static inline void assert_same(const struct witness *a, const struct witness *b)
{
    assert_is(a, b->state, b->reason);
    ck_assert_uint_eq(a->idle_limit_ms, b->idle_limit_ms);
    ck_assert_uint_eq(a->uses_left, b->uses_left);
    ck_assert_int_eq(a->confirmed, b->confirmed);
    ck_assert_int_eq(a->peer_will_close, b->peer_will_close);
}

/* Changes, drops, doubles or moves a few bytes, with a taste for those that the protocol is made
 * of. The text may grow by three bytes. */
static inline size_t mutate(char *text, size_t len, const char *tasty, size_t tasty_len,
                            unsigned int *seed)
{
    for (int change = rand_r(seed) % 3; change >= 0 && len > 1; change--) {
        size_t at = rand_r(seed) % len;
        switch (rand_r(seed) % 4) {
        case 0:
            text[at] = tasty[rand_r(seed) % tasty_len];
            break;
        case 1:
            memmove(text + at, text + at + 1, --len - at);
            break;
        case 2:
            memmove(text + at + 1, text + at, len++ - at);
            break;
        default:
            text[at] ^= 1 << rand_r(seed) % 8;
        }
    }
    return len;
}

#endif
