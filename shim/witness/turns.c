/* SPDX-License-Identifier: MIT
 * Cuts both directions of a connection into messages, and counts requests against replies. */
#include "turns.h"

#include <string.h>

enum cut {
    CUT_MORE,  /* all bytes were taken, and the message goes on */
    CUT_WHOLE, /* a message ended here */
    CUT_BAD    /* its length cannot be */
};

static enum cut cut(struct turns_side *side, const struct frame *frame, const char **at,
                    const char *end);
static enum cut cut_line(struct turns_side *side, const char **at, const char *end);
static enum cut cut_frame(struct turns_side *side, const struct frame *frame, const char **at,
                          const char *end);
static void take_header(struct turns_side *side, const struct frame *frame, const char **at,
                        const char *end);
static bool take_length(struct turns_side *side, const struct frame *frame);

enum reason turns_sent(struct turns *turns, const struct frame *frame, const char *buf, size_t len)
{
    const char *at = buf, *end = buf + len;
    while (at < end) {
        enum cut end_of = cut(&turns->request, frame, &at, end);
        if (end_of == CUT_BAD)
            return REASON_MALFORMED;
        if (end_of == CUT_MORE)
            break;
        if (turns->outstanding == TURNS_OUTSTANDING_MAX)
            return REASON_NO_MEMORY;
        turns->outstanding++;
    }
    return REASON_NONE;
}

enum reason turns_received(struct turns *turns, const struct frame *frame, const char *buf,
                           size_t len)
{
    const char *at = buf, *end = buf + len;
    while (at < end) {
        if (turns->outstanding == 0)
            return REASON_MALFORMED; /* unasked for, or before the request was whole */
        enum cut end_of = cut(&turns->reply, frame, &at, end);
        if (end_of == CUT_BAD)
            return REASON_MALFORMED;
        if (end_of == CUT_MORE)
            break;
        turns->outstanding--;
    }
    return REASON_NONE;
}

/* Takes one byte or more, and none behind the end of a message. */
static enum cut cut(struct turns_side *side, const struct frame *frame, const char **at,
                    const char *end)
{
    return frame == NULL ? cut_line(side, at, end) : cut_frame(side, frame, at, end);
}

static enum cut cut_line(struct turns_side *side, const char **at, const char *end)
{
    const char *newline = memchr(*at, '\n', (size_t)(end - *at));
    side->header_len = newline == NULL;
    *at = newline == NULL ? end : newline + 1;
    return newline == NULL ? CUT_MORE : CUT_WHOLE;
}

static enum cut cut_frame(struct turns_side *side, const struct frame *frame, const char **at,
                          const char *end)
{
    const uint32_t header_len = frame->offset + frame->width;
    if (side->header_len < header_len) {
        take_header(side, frame, at, end);
        if (side->header_len < header_len)
            return CUT_MORE;
        if (!take_length(side, frame))
            return CUT_BAD;
    }
    size_t available = (size_t)(end - *at);
    size_t piece = side->left < available ? side->left : available;
    side->left -= (uint32_t)piece;
    *at += piece;
    if (side->left > 0)
        return CUT_MORE;
    *side = (struct turns_side){0};
    return CUT_WHOLE;
}

/* What is before the length field may be anything. */
static void take_header(struct turns_side *side, const struct frame *frame, const char **at,
                        const char *end)
{
    while (*at < end && side->header_len < frame->offset + frame->width) {
        uint32_t before = side->header_len < frame->offset ? frame->offset - side->header_len : 0;
        size_t available = (size_t)(end - *at);
        if (before > 0) {
            uint32_t piece = before < available ? before : (uint32_t)available;
            side->header_len += piece;
            *at += piece;
            continue;
        }
        uint64_t byte = (uint8_t) * (*at)++;
        uint32_t position = side->header_len++ - frame->offset;
        side->value =
            frame->little_endian ? side->value | byte << 8 * position : side->value << 8 | byte;
    }
}

/* The value is bounded before it is added to: that of 8 bytes would wrap. */
static bool take_length(struct turns_side *side, const struct frame *frame)
{
    if (side->value > (uint64_t)TURNS_LENGTH_MAX + FRAME_ADJUST_MAX)
        return false;
    int64_t length = (int64_t)side->value + frame->adjust;
    if (length < 0 || length > TURNS_LENGTH_MAX)
        return false;
    side->left = (uint32_t)length;
    return true;
}
