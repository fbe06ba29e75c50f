/* SPDX-License-Identifier: MIT
 * Feeds the witnesses of one input, and keeps them to what holds for every protocol. */
#include "script.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* clang's sanitizers have it: tells of every allocation of the program. */
typedef void on_malloc(const volatile void *memory, size_t len);
typedef void on_free(const volatile void *memory);
int __sanitizer_install_malloc_and_free_hooks(on_malloc *, on_free *) __attribute__((weak));

/* Bytes that went one way, and wait to be given to a witness at once. */
struct piece {
    char *bytes;
    size_t len;
};

struct conversation {
    const struct fuzz_target *target;
    struct witness bytes, split[2], whole; /* fed byte by byte, as the input says, run by run */
    int place;                             /* which of split[] it is in */
    bool sent;                             /* the direction */
    char *said[2];                         /* all that was sent, and received */
    size_t said_len[2];
    struct piece piece, run;
    char *byte; /* one, in memory of its own */
};

static bool in_witness;

static void take_byte(struct conversation *c, char byte);
static void take_mark(struct conversation *c, char mark);
static void end_piece(struct conversation *c);
static void end_run(struct conversation *c);
static void compare(const struct witness *a, const struct witness *b);

void expect(bool holds, const char *what)
{
    if (holds) {
        return;
    }
    fprintf(stderr, "finding: not so: %s\n", what);
    abort();
}

static void note_malloc(const volatile void *memory, size_t len)
{
    (void)memory;
    (void)len;
    if (in_witness) {
        in_witness = false; /* what reports it allocates */
        expect(false, "a witness allocates nothing");
    }
}

static void note_free(const volatile void *memory)
{
    (void)memory;
}

static char *memory(size_t len)
{
    char *bytes = calloc(1, len + 1);
    expect(bytes != NULL, "there is memory");
    return bytes;
}

void script_run(const struct fuzz_target *target, const uint8_t *data, size_t len)
{
    static bool hooked;
    if (!hooked && __sanitizer_install_malloc_and_free_hooks != NULL) {
        __sanitizer_install_malloc_and_free_hooks(note_malloc, note_free);
    }
    hooked = true;
    if (len == 0) {
        return;
    }
    struct conversation c = {.target = target, .sent = true};
    struct rule_choice rule = {.rule = data[0] % 2 == 0 ? target->rule : RULE_AUTO};
    c.said[0] = memory(len);
    c.said[1] = memory(len);
    c.piece.bytes = memory(len);
    c.run.bytes = memory(len);
    c.byte = memory(0);
    witness_open(&c.bytes, rule);
    witness_open(&c.split[0], rule);
    witness_open(&c.whole, rule);
    for (size_t at = 1; at < len; at++) {
        bool mark = data[at] == '`' && at + 1 < len && strchr("<>|t`", data[at + 1]) != NULL &&
                    data[at + 1] != '\0';
        at += mark;
        if (!mark || data[at] == '`') {
            take_byte(&c, (char)data[at]);
        } else {
            take_mark(&c, (char)data[at]);
        }
    }
    end_run(&c);
    free(c.said[0]);
    free(c.said[1]);
    free(c.piece.bytes);
    free(c.run.bytes);
    free(c.byte);
}

static void take_mark(struct conversation *c, char mark)
{
    if (mark == '|') {
        end_piece(c);
        return;
    }
    if (mark != 't' && c->sent == (mark == '>')) {
        end_piece(c);
        return; /* goes on as before */
    }
    end_run(c);
    if (mark != 't') {
        c->sent = mark == '>';
        return;
    }
    witness_timed_out(&c->bytes);
    witness_timed_out(&c->split[c->place]);
    witness_timed_out(&c->whole);
    compare(&c->bytes, &c->whole);
}

static void tell(struct witness *witness, bool sent, const char *bytes, size_t len)
{
    in_witness = true;
    if (sent) {
        witness_sent(witness, bytes, len);
    } else {
        witness_received(witness, bytes, len);
    }
    in_witness = false;
}

/* In memory of its own length that is gone afterwards: what reads too far, or keeps a pointer, is
 * seen by the sanitizer. */
static void flush(struct piece *piece, struct witness *witness, bool sent)
{
    if (piece->len == 0) {
        return;
    }
    char *copy = malloc(piece->len);
    expect(copy != NULL, "there is memory");
    memcpy(copy, piece->bytes, piece->len);
    tell(witness, sent, copy, piece->len);
    free(copy);
    piece->len = 0;
}

static void check_step(enum witness_state was, enum reason reason, const struct witness *is,
                       bool sent)
{
    bool final = was == WITNESS_CLOSING || was == WITNESS_PRIVATE;
    expect((is->state == WITNESS_IDLE) == (is->reason == REASON_NONE), "a reason unless IDLE");
    expect(!is->peer_will_close || is->state == WITNESS_CLOSING, "whose peer closes is CLOSING");
    expect(was != WITNESS_PRIVATE || is->state == WITNESS_PRIVATE, "PRIVATE is for good");
    expect(was != WITNESS_PRIVATE || is->reason == reason, "the first reason stays");
    expect(!final || is->state == WITNESS_CLOSING || is->state == WITNESS_PRIVATE,
           "CLOSING is for good");
    expect(!sent || is->state != WITNESS_IDLE, "what was sent awaits its answer");
}

static void take_byte(struct conversation *c, char byte)
{
    enum witness_state state = c->bytes.state;
    enum reason reason = c->bytes.reason;
    bool leaving = c->bytes.peer_will_close;
    int direction = c->sent ? 0 : 1;
    c->said[direction][c->said_len[direction]++] = byte;
    c->said[direction][c->said_len[direction]] = '\0';
    c->piece.bytes[c->piece.len++] = byte;
    c->run.bytes[c->run.len++] = byte;
    *c->byte = byte;
    tell(&c->bytes, c->sent, c->byte, 1);
    check_step(state, reason, &c->bytes, c->sent);
    struct talk talk = {c->said[0], c->said[1], c->said_len[0], c->said_len[1]};
    if (c->bytes.state == WITNESS_IDLE && c->target->idle != NULL) {
        c->target->idle(&c->bytes, &talk);
    }
    if (c->bytes.peer_will_close && !leaving && c->target->goodbye != NULL) {
        c->target->goodbye(&c->bytes, &talk);
    }
}

/* The witness is somewhere else afterwards, as an entry that is handed on may be. */
static void end_piece(struct conversation *c)
{
    struct witness *here = &c->split[c->place], *there = &c->split[!c->place];
    flush(&c->piece, here, c->sent);
    *there = *here;
    memset(here, 0xa5, sizeof *here);
    c->place = !c->place;
    compare(&c->bytes, there);
}

static void end_run(struct conversation *c)
{
    end_piece(c);
    flush(&c->run, &c->whole, c->sent);
    compare(&c->bytes, &c->whole);
}

static void compare(const struct witness *a, const struct witness *b)
{
    if (a->state != b->state || a->reason != b->reason) {
        fprintf(stderr, "%d/%s, and otherwise split %d/%s\n", a->state, reason_name(a->reason),
                b->state, reason_name(b->reason));
    }
    expect(a->state == b->state, "one state however the bytes are split");
    expect(a->reason == b->reason, "one reason");
    expect(a->peer_will_close == b->peer_will_close, "one peer_will_close");
    expect(a->idle_limit_ms == b->idle_limit_ms, "one idle limit");
    expect(a->uses_left == b->uses_left, "one number of uses");
    expect(a->sniffing == b->sniffing && a->sniffed == b->sniffed, "one recognition");
    expect(a->confirmed == b->confirmed, "one confirmation");
    expect(a->protocol == b->protocol, "one protocol");
}
