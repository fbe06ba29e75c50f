/* SPDX-License-Identifier: MIT
 * Messages that are cut by lines or by a length, and whether as many were answered as asked. */
#ifndef TWPOOL_SHIM_TURNS_H
#define TWPOOL_SHIM_TURNS_H

#include "../reason.h"
#include "../rule.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes that may follow a length field: above 1 GiB it is none. */
enum { TURNS_LENGTH_MAX = 1 << 30 };

/* Requests without an answer yet: clients that pipeline without bound, or bytes that are no
 * messages at all, are given up. */
enum { TURNS_OUTSTANDING_MAX = 1 << 16 };

/* One direction: the message under way. All zero between messages. */
struct turns_side {
    uint64_t value;      /* of the length field, as far as it was read */
    uint32_t header_len; /* bytes read of what ends with the length field; of a line: 1 */
    uint32_t left;       /* of what follows it */
};

/* Begins all zero. */
struct turns {
    struct turns_side request, reply;
    uint32_t outstanding; /* whole requests whose reply is not whole */
};

/* Both take len bytes of one direction, cut into the messages of this frame, or into lines when it
 * is NULL. REASON_NONE; or why these are no turns: MALFORMED (a length that cannot be, or an answer
 * to nothing) or NO_MEMORY (more requests than are counted), and then neither may be called again.
 * The result never depends on how the bytes were split. Pure; async-signal-safe. */
enum reason turns_sent(struct turns *turns, const struct frame *frame, const char *buf, size_t len);
enum reason turns_received(struct turns *turns, const struct frame *frame, const char *buf,
                           size_t len);

/* A byte of the message was seen, and its end was not. */
static inline bool turns_side_is_open(const struct turns_side *side)
{
    return side->header_len > 0;
}

/* Everything that was asked was asked whole, and is answered. */
static inline bool turns_are_over(const struct turns *turns)
{
    return turns->outstanding == 0 && !turns_side_is_open(&turns->request) &&
           !turns_side_is_open(&turns->reply);
}

#endif
