/* SPDX-License-Identifier: MIT
 * Names the rule that would change a verdict, where there is one that may be proposed. */
#include "hint.h"

#include "config.h"
#include "witness/fit.h"

enum { REDIS_PORT = 6379 };

static enum reason standing_refusal(const struct dest *dest);
static bool is_never_reused(enum reason reason);
static bool is_session(enum reason reason);
static bool has_port_of_redis(const struct dest *dest);
static bool would_suit_raw(const struct dest *dest);
static struct rule_choice fitted_rule(const struct dest *dest);
static void add_rule(struct text *text, const struct dest *dest, struct rule_choice choice);
static uint64_t load(const _Atomic uint64_t *counter);

bool hint_exists(const struct dest *dest, enum reason reason)
{
    if (reason == REASON_UNKNOWN_PROTOCOL)
        return has_port_of_redis(dest) || fitted_rule(dest).rule != RULE_AUTO ||
               would_suit_raw(dest);
    return reason == REASON_RULE_OFF || reason == REASON_RULE_CLEAN || is_never_reused(reason);
}

void hint_add(struct text *text, const struct dest *dest, enum reason reason)
{
    if (is_never_reused(reason)) {
        text_add(text, reason_name(reason));
        text_add(text, is_session(reason)
                           ? " connections are sessions: never reused, and no rule is proposed"
                           : " connections are never reused, whatever the rule");
        return;
    }
    if (reason == REASON_UNKNOWN_PROTOCOL && has_port_of_redis(dest)) {
        text_add(text, "if it is Redis, with inline commands, ");
        add_rule(text, dest, (struct rule_choice){.rule = RULE_REDIS});
        text_add(text, " would reuse it");
        return;
    }
    if (reason == REASON_UNKNOWN_PROTOCOL && fitted_rule(dest).rule != RULE_AUTO) {
        struct rule_choice choice = fitted_rule(dest);
        text_add(text, choice.rule == RULE_LINES
                           ? "if each line is answered by exactly one, and leaves no state, "
                           : "if each message is answered by exactly one, and leaves no state, ");
        add_rule(text, dest, choice);
        text_add(text, " would reuse it");
        return;
    }
    if (reason == REASON_UNKNOWN_PROTOCOL) {
        text_add(text, "if its client always reads the whole reply, ");
        add_rule(text, dest, (struct rule_choice){.rule = RULE_RAW});
        text_add(text, " would reuse it");
        return;
    }
    text_add(text, "the rule ");
    text_add(text, rule_name(reason == REASON_RULE_OFF ? RULE_OFF : RULE_CLEAN));
    text_add(text, " forbids it; ");
    add_rule(text, dest, (struct rule_choice){.rule = RULE_AUTO});
    text_add(text, ", placed first, would reuse it if its protocol is known");
}

void hint_no_port(struct text *text, const struct dest *dest)
{
    enum reason reason = standing_refusal(dest);

    text_add(text, load(&dest->opened) > 0 ? "no free local port for "
                                           : "no free local address or port for ");
    dest_key_format(&dest->key, text);
    if (reason == REASON_NONE) {
        text_add(text, ": none of its connections was refused by the pool");
        return;
    }
    text_add(text, ": its last connection was not pooled: ");
    text_add(text, reason_name(reason));
    text_add(text, " (");
    text_add(text, reason_explanation(reason));
    text_add(text, "); ");
    if (hint_exists(dest, reason))
        hint_add(text, dest, reason);
    else
        text_add(text, "no rule would change that");
}

bool hint_no_port_is_ours(const struct dest *dest)
{
    return load(&dest->opened) > 0 && standing_refusal(dest) != REASON_NONE;
}

/* A rule that forbids reuse stands whether or not its closes are counted. */
static enum reason standing_refusal(const struct dest *dest)
{
    if (dest->rule == RULE_OFF)
        return REASON_RULE_OFF;
    if (dest->rule == RULE_CLEAN)
        return REASON_RULE_CLEAN;
    return (enum reason)atomic_load_explicit(&dest->last_refusal, memory_order_relaxed);
}

static bool is_never_reused(enum reason reason)
{
    return reason == REASON_SERVER_FIRST || reason == REASON_TLS || reason == REASON_HTTP2 ||
           reason == REASON_MYSQL || reason == REASON_POSTGRESQL || reason == REASON_UPGRADE ||
           reason == REASON_AUTH || reason == REASON_TUNNEL || reason == REASON_SOCKS ||
           reason == REASON_SMTP_FTP || reason == REASON_POP3 || reason == REASON_IMAP ||
           is_session(reason);
}

/* A rule that someone names for it in spite of that would be followed. */
static bool is_session(enum reason reason)
{
    return reason == REASON_SSH || reason == REASON_MONGODB || reason == REASON_AMQP ||
           reason == REASON_MQTT || reason == REASON_KAFKA || reason == REASON_LDAP ||
           reason == REASON_NATS || reason == REASON_STOMP;
}

/* Where `auto` does not recognise Redis by its arrays, a person may know that it is. Its own rule
 * asks for less than raw. */
static bool has_port_of_redis(const struct dest *dest)
{
    return dest->rule == RULE_AUTO && dest_key_port(&dest->key) == REDIS_PORT;
}

/* Raw asks the user to vouch, so it is proposed only where every connection seen met its conditions
 * and none was of a kind that must never be reused, or left state behind: under raw nobody would
 * look. */
static bool would_suit_raw(const struct dest *dest)
{
    for (int i = REASON_NONE + 1; i < REASON_COUNT; i++) {
        enum reason reason = (enum reason)i;
        if ((is_never_reused(reason) || reason == REASON_STATE) && load(&dest->refused[i]) > 0)
            return false;
    }
    return atomic_load_explicit(&dest->raw_unfit, memory_order_relaxed) == 0;
}

/* Of `lines` and the usual frames, the first that every connection seen has fitted: none was
 * parked, all were of an unknown protocol, and in each one whole exchange or more was seen. */
static struct rule_choice fitted_rule(const struct dest *dest)
{
    uint32_t found = atomic_load_explicit(&dest->fitted, memory_order_relaxed);
    if (dest->rule != RULE_AUTO || load(&dest->parked) > 0)
        return (struct rule_choice){.rule = RULE_AUTO};
    return fit_rule(found);
}

/* As one would type it in a shell. A rule has no interface scope. */
static void add_rule(struct text *text, const struct dest *dest, struct rule_choice choice)
{
    struct dest_key key = dest->key;
    key.scope_id = 0;
    text_add(text, "TWPOOL_RULES='");
    dest_key_format(&key, text);
    text_add_char(text, '=');
    rule_format(choice, text);
    text_add_char(text, '\'');
}

/* Relaxed: counters are not ordered by anything, nor against each other. */
static uint64_t load(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}
