/* SPDX-License-Identifier: MIT
 * The memcached witness, both protocols: counts what is answered, and doubts after quiet commands.
 */
#include "memcached.h"

#include <string.h>

static bool is_observed(const struct witness *witness);
static void refuse(struct witness *witness, enum reason reason);
static void take_request(struct witness *witness, const char **at, const char *end);
static void take_command(struct witness *witness, const struct memcached_command *command);
static void expect_answer(struct witness *witness, const struct memcached_command *command);
static void take_item(struct witness *witness, const char **at, const char *end);
static void take_answer(struct witness *witness);
static void end_answer(struct witness *witness, bool vague);
static void settle(struct witness *witness);

static enum recognition memcached_begins(const struct first_bytes *first)
{
    if (first->received_len > 0) {
        return NOT_MINE; /* nothing is answered before a command is whole */
    }
    enum recognition text = memcached_text_begins(first->sent, first->sent_len);
    enum recognition binary = memcached_binary_begins(first->sent, first->sent_len);
    return text > binary ? text : binary;
}

static void memcached_opened(struct witness *witness)
{
    witness->memcached = (struct memcached_witness){0};
}

static void memcached_sent(struct witness *witness, const char *buf, size_t len)
{
    struct memcached_witness *memcached = &witness->memcached;
    const char *at = buf, *end = buf + len;
    if (!memcached->begun) {
        memcached->begun = true;
        memcached->binary = (uint8_t)*buf == MEMCACHED_REQUEST_MAGIC;
    }
    while (at < end && witness->state != WITNESS_PRIVATE) {
        if (memcached->quit) {
            refuse(witness, REASON_MALFORMED);
            return;
        }
        take_request(witness, &at, end);
    }
    settle(witness);
}

static void memcached_received(struct witness *witness, const char *buf, size_t len)
{
    const char *at = buf, *end = buf + len;
    while (at < end && is_observed(witness)) {
        take_item(witness, &at, end);
    }
    settle(witness);
}

const struct witness_protocol witness_memcached = {
    .name = "memcached",
    .begins = memcached_begins,
    .opened = memcached_opened,
    .sent = memcached_sent,
    .received = memcached_received,
};

static bool is_observed(const struct witness *witness)
{
    return witness->state == WITNESS_BUSY || witness->state == WITNESS_IDLE;
}

/* Other protocols have a get and a set as well: the first answer decides. */
static void refuse(struct witness *witness, enum reason reason)
{
    bool foreign = witness->sniffed && !witness->confirmed && reason == REASON_MALFORMED;
    witness_refuse(witness, foreign ? REASON_UNKNOWN_PROTOCOL : reason);
}

static void take_request(struct witness *witness, const char **at, const char *end)
{
    struct memcached_witness *memcached = &witness->memcached;
    struct memcached_command command;
    if (!memcached->request_open) {
        memset(&memcached->request, 0, sizeof memcached->request);
        memcached->request_open = true;
    }
    enum memcached_progress progress =
        memcached->binary
            ? memcached_binary_request_take(&memcached->request.binary, at, end, &command)
            : memcached_text_request_take(&memcached->request.text, at, end, &command);
    if (progress == MEMCACHED_WHOLE) {
        memcached->request_open = false;
        take_command(witness, &command);
    } else if (progress != MEMCACHED_MORE) {
        refuse(witness, progress == MEMCACHED_STATE ? REASON_STATE : REASON_MALFORMED);
    }
}

static void take_command(struct witness *witness, const struct memcached_command *command)
{
    struct memcached_witness *memcached = &witness->memcached;
    if (command->quits) {
        memcached->quit = true;
        return;
    }
    if (command->quiet != MEMCACHED_ANSWERED) {
        memcached->quiet = command->quiet > memcached->quiet ? command->quiet : memcached->quiet;
        return;
    }
    /* Its answer, and one to what was sent before it, could not be told apart. */
    if (memcached->quiet == MEMCACHED_ANSWERS && !command->proves) {
        witness_refuse(witness, REASON_QUIET);
        return;
    }
    expect_answer(witness, command);
}

static void expect_answer(struct witness *witness, const struct memcached_command *command)
{
    struct memcached_witness *memcached = &witness->memcached;
    struct memcached_run *last = &memcached->runs[memcached->run_count];
    uint8_t after = memcached->quiet;
    memcached->opaque_owed += command->opaque;
    if (command->proves) {
        memcached->quiet = MEMCACHED_ANSWERED;
    }
    if (memcached->run_count > 0 && last[-1].kind == command->kind && last[-1].after == after &&
        last[-1].count < UINT32_MAX) {
        last[-1].count++;
        return;
    }
    if (memcached->run_count == MEMCACHED_RUNS) {
        witness_refuse(witness, REASON_NO_MEMORY);
        return;
    }
    *last = (struct memcached_run){.kind = command->kind, .after = after, .count = 1};
    memcached->run_count++;
}

static void take_item(struct witness *witness, const char **at, const char *end)
{
    struct memcached_witness *memcached = &witness->memcached;
    if (memcached->run_count == 0 && memcached->quiet != MEMCACHED_ANSWERS) {
        if (memcached->quit) {
            *at = end; /* the answer to the quit itself, or its end */
            return;
        }
        refuse(witness, memcached->quiet == MEMCACHED_ERRORS ? REASON_QUIET : REASON_MALFORMED);
        return;
    }
    if (!memcached->reply_open) {
        memset(&memcached->reply, 0, sizeof memcached->reply);
        memcached->reply_open = true;
    }
    enum memcached_progress progress =
        memcached->binary ? memcached_binary_reply_take(&memcached->reply.binary, at, end)
                          : memcached_text_reply_take(&memcached->reply.text, at, end);
    if (progress == MEMCACHED_FAULT) {
        refuse(witness, REASON_MALFORMED);
    } else if (progress == MEMCACHED_WHOLE) {
        memcached->reply_open = false;
        take_answer(witness);
    }
}

static void take_answer(struct witness *witness)
{
    struct memcached_witness *memcached = &witness->memcached;
    const struct memcached_run *run = &memcached->runs[0];
    const struct memcached_binary *binary = &memcached->reply.binary;
    const struct memcached_text *text = &memcached->reply.text;
    enum memcached_answer answer;
    if (memcached->run_count == 0) {
        bool quiet = memcached->binary ? memcached_binary_is_of_quiet(binary)
                                       : memcached_text_is_of_quiet(text);
        answer = quiet ? MEMCACHED_OF_QUIET : MEMCACHED_MISPLACED;
    } else {
        answer = memcached->binary
                     ? memcached_binary_answer(binary, run->kind, run->after)
                     : memcached_text_answer(text, run->kind, run->after, memcached->reply_begun);
    }
    switch (answer) {
    case MEMCACHED_OF_QUIET:
        return;
    case MEMCACHED_GOES_ON:
        memcached->reply_begun = true;
        return;
    case MEMCACHED_ENDS:
    case MEMCACHED_ENDS_VAGUE:
        end_answer(witness, answer == MEMCACHED_ENDS_VAGUE);
        return;
    case MEMCACHED_MISPLACED:
        break;
    }
    bool doubtful = memcached->run_count == 0 || run->after != MEMCACHED_ANSWERED;
    refuse(witness, doubtful ? REASON_QUIET : REASON_MALFORMED);
}

static void end_answer(struct witness *witness, bool vague)
{
    struct memcached_witness *memcached = &witness->memcached;
    struct memcached_run *run = &memcached->runs[0];
    if (witness->sniffed && !witness->confirmed && vague) {
        refuse(witness, REASON_MALFORMED);
        return;
    }
    witness->confirmed = true;
    memcached->reply_begun = false;
    if (memcached->binary) {
        memcached->opaque_owed -= memcached_binary_opaque(&memcached->reply.binary);
    }
    if (--run->count == 0) {
        memcached->run_count--;
        memmove(run, run + 1, memcached->run_count * sizeof *run);
    }
    if (memcached->run_count == 0 && memcached->opaque_owed != 0) {
        refuse(witness, REASON_MALFORMED); /* an answer was not to what was asked */
    }
}

static void settle(struct witness *witness)
{
    const struct memcached_witness *memcached = &witness->memcached;
    bool reply_due = memcached->run_count > 0 || memcached->reply_open;
    if (!is_observed(witness)) {
        return;
    }
    witness->state = WITNESS_BUSY;
    if (memcached->request_open) {
        witness->reason = REASON_REQUEST_INCOMPLETE;
    } else if (reply_due) {
        witness->reason = REASON_RESPONSE_INCOMPLETE;
    } else if (memcached->quit) {
        witness->state = WITNESS_CLOSING;
        witness->reason = REASON_ANNOUNCED_CLOSE;
        witness->peer_will_close = witness->confirmed && memcached->quiet == MEMCACHED_ANSWERED;
    } else if (memcached->quiet != MEMCACHED_ANSWERED) {
        witness->reason = REASON_QUIET;
    } else {
        witness->state = WITNESS_IDLE;
        witness->reason = REASON_NONE;
    }
}
