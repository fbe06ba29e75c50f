/* SPDX-License-Identifier: MIT
 * Whole connections and their verdicts: fed in every split, cut short, mutilated, and held against
 * a plain reader of the protocol that says whether all that was asked is answered. */
#ifndef TWPOOL_TEST_SESSIONS_H
#define TWPOOL_TEST_SESSIONS_H

#include "steps.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS_MAX = 8, SESSION_MAX = 4096, MUTATIONS = 150 };

/* How a connection ends up under the protocol's own rule, and why under `auto` where that differs;
 * and whether the peer will close. */
struct session {
    struct step steps[STEPS_MAX]; /* up to one of length 0 */
    enum witness_state state;
    enum reason reason, reason_in_auto;
    bool will_close;
};

#define IDLE WITNESS_IDLE, REASON_NONE, REASON_NONE, false
#define GOODBYE WITNESS_CLOSING, REASON_ANNOUNCED_CLOSE, REASON_ANNOUNCED_CLOSE, true
#define UNHEARD WITNESS_CLOSING, REASON_ANNOUNCED_CLOSE, REASON_ANNOUNCED_CLOSE, false
#define UNSENT WITNESS_BUSY, REASON_REQUEST_INCOMPLETE, REASON_REQUEST_INCOMPLETE, false
#define UNREAD WITNESS_BUSY, REASON_RESPONSE_INCOMPLETE, REASON_RESPONSE_INCOMPLETE, false
#define BUSY(reason) WITNESS_BUSY, REASON_##reason, REASON_##reason, false
#define PRIVATE(reason) WITNESS_PRIVATE, REASON_##reason, REASON_##reason, false
/* Before the first answer has confirmed the protocol: broken by the rule, unknown to `auto`. */
#define FOREIGN WITNESS_PRIVATE, REASON_MALFORMED, REASON_UNKNOWN_PROTOCOL, false

/* The bytes that went each way, so far. */
struct moved {
    char sent[SESSION_MAX], received[SESSION_MAX];
    size_t sent_len, received_len;
};

/* Whether something was asked, all of it whole, and all of that is answered to the end. */
typedef bool is_over(const struct moved *moved);

static inline size_t session_steps(const struct session *session)
{
    size_t count = 0;
    while (count < STEPS_MAX && session->steps[count].len > 0)
        count++;
    return count;
}

static inline struct witness session_take(const struct session *session, enum rule rule,
                                          size_t which, long cut)
{
    struct witness witness;
    witness_open(&witness, (struct rule_choice){.rule = rule});
    for (size_t i = 0; i < session_steps(session); i++)
        step_take(&witness, &session->steps[i], i == which || cut == EACH_BYTE ? cut : WHOLE);
    return witness;
}

static inline void assert_session(const struct session *session, enum rule rule, size_t which,
                                  long cut)
{
    struct witness witness = session_take(session, rule, which, cut);
    enum reason reason = rule == RULE_AUTO ? session->reason_in_auto : session->reason;
    if (witness.state != session->state || witness.reason != reason ||
        witness.peer_will_close != session->will_close)
        ck_abort_msg("%s, step %zu cut at %ld: state %d, %s, the peer %s close",
                     rule == RULE_AUTO ? "auto" : "by rule", which, cut, witness.state,
                     reason_name(witness.reason), witness.peer_will_close ? "will" : "will not");
}

/* Under the rule and under `auto`, wherever the bytes are split. */
static inline void assert_session_however_split(const struct session *session, enum rule rule)
{
    for (int i = 0; i < 2; i++) {
        enum rule observing = i == 0 ? rule : RULE_AUTO;
        assert_session(session, observing, 0, EACH_BYTE);
        for (size_t which = 0; which < session_steps(session); which++)
            for (size_t cut = 0; cut < session->steps[which].len; cut++)
                assert_session(session, observing, which, (long)cut);
    }
}

static inline void move_bytes(struct moved *moved, const struct step *step)
{
    char *to = step->sent ? moved->sent : moved->received;
    size_t *len = step->sent ? &moved->sent_len : &moved->received_len;
    if (*len + step->len > SESSION_MAX)
        ck_abort_msg("the session is too long");
    memcpy(to + *len, step->bytes, step->len);
    *len += step->len;
}

/* After each byte: idle where the plain reader sees the end, and nowhere else; unless the session
 * is refused, by then or before. */
static inline void assert_idle_exactly_where_over(const struct session *session, enum rule rule,
                                                  is_over *over)
{
    struct moved moved = {.sent_len = 0};
    struct witness witness;
    witness_open(&witness, (struct rule_choice){.rule = rule});
    for (size_t i = 0; i < session_steps(session); i++) {
        for (size_t at = 0; at < session->steps[i].len; at++) {
            struct step byte = {session->steps[i].sent, session->steps[i].bytes + at, 1};
            step_take(&witness, &byte, WHOLE);
            move_bytes(&moved, &byte);
            bool idle = witness.state == WITNESS_IDLE;
            bool refused = witness.state == WITNESS_PRIVATE || witness.state == WITNESS_CLOSING;
            if (idle != over(&moved) && !refused)
                ck_abort_msg("after byte %zu of step %zu: %s, and it is %s", at, i,
                             idle ? "idle" : "busy", idle ? "not over" : "over");
        }
    }
}

/* Changes, drops, doubles or moves a few bytes. The bytes may grow by three. */
static inline size_t mutilate(char *bytes, size_t len, const char *tasty, size_t tasty_len,
                              unsigned int *seed)
{
    for (int change = rand_r(seed) % 3; change >= 0 && len > 1; change--) {
        size_t at = (size_t)rand_r(seed) % len;
        switch (rand_r(seed) % 4) {
        case 0:
            bytes[at] = tasty[(size_t)rand_r(seed) % tasty_len];
            break;
        case 1:
            memmove(bytes + at, bytes + at + 1, --len - at);
            break;
        case 2:
            memmove(bytes + at + 1, bytes + at, len++ - at);
            break;
        default:
            bytes[at] ^= (char)(1 << rand_r(seed) % 8);
        }
    }
    return len;
}

/* A mutilated session has one verdict however it is split, and is never idle where the plain reader
 * waits for more. Each step is in memory of its own, so that a read beyond it is seen. */
static inline void assert_mutilated_is_judged_alike(const struct session *session, enum rule rule,
                                                    is_over *over, const char *tasty,
                                                    size_t tasty_len, unsigned int seed)
{
    size_t count = session_steps(session);
    for (int round = 0; round < MUTATIONS && count > 0; round++) {
        struct session copy = *session;
        struct moved moved = {.sent_len = 0};
        size_t which = (size_t)rand_r(&seed) % count;
        char *bytes = malloc(copy.steps[which].len + 3);
        ck_assert_ptr_nonnull(bytes);
        memcpy(bytes, copy.steps[which].bytes, copy.steps[which].len);
        copy.steps[which].bytes = bytes;
        copy.steps[which].len = mutilate(bytes, copy.steps[which].len, tasty, tasty_len, &seed);
        enum rule observing = round % 2 == 0 ? rule : RULE_AUTO;
        long cut = (long)((size_t)rand_r(&seed) % (copy.steps[which].len + 1));
        struct witness whole = session_take(&copy, observing, which, WHOLE);
        struct witness split = session_take(&copy, observing, which, cut);
        struct witness each = session_take(&copy, observing, which, EACH_BYTE);
        for (size_t i = 0; i < count; i++)
            move_bytes(&moved, &copy.steps[i]);
        if (split.state != whole.state || split.reason != whole.reason ||
            each.state != whole.state || each.reason != whole.reason ||
            split.peer_will_close != whole.peer_will_close ||
            each.peer_will_close != whole.peer_will_close)
            ck_abort_msg("round %d: judged by the split: %d %s, %d %s, %d %s", round, whole.state,
                         reason_name(whole.reason), split.state, reason_name(split.reason),
                         each.state, reason_name(each.reason));
        if (whole.state == WITNESS_IDLE && !over(&moved))
            ck_abort_msg("round %d: idle, and not over", round);
        free(bytes);
    }
}

#endif
