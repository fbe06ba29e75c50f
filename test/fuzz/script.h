/* SPDX-License-Identifier: MIT
 * An input as a conversation: the same bytes split in three ways, and one verdict for all. */
#ifndef TWPOOL_TEST_FUZZ_SCRIPT_H
#define TWPOOL_TEST_FUZZ_SCRIPT_H

#include "../../shim/witness/witness.h"

#include <stddef.h>
#include <stdint.h>

/* All that was said so far; a NUL follows. */
struct talk {
    const char *sent, *received;
    size_t sent_len, received_len;
};

/* What a target adds. */
struct fuzz_target {
    enum rule rule; /* for inputs that begin with an even byte, such as r; the others have `auto` */
    /* Called after each byte with which the witness came to say IDLE, and with which it came to
     * expect the peer's close: an independent reader says what it thinks of that by finding(). */
    void (*idle)(const struct witness *witness, const struct talk *talk);
    void (*goodbye)(const struct witness *witness, const struct talk *talk);
};

/* Runs an input: a byte that chooses the rule, then what is sent, up to the marks
 *     `<   from here on it is received          `>   sent again
 *     `|   here the bytes are split             `t   a wait timed out
 *     ``   a backquote
 * Aborts, with a line on stderr, when a promise of the witness is broken. */
void script_run(const struct fuzz_target *target, const uint8_t *data, size_t len);

/* Aborts with this line unless it holds. */
void expect(bool holds, const char *what);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#endif
