/* SPDX-License-Identifier: MIT
 * The settings: read from the environment once, before main(), and never written again. */
#ifndef TWPOOL_SHIM_CONFIG_H
#define TWPOOL_SHIM_CONFIG_H

#include "dest.h"
#include "rule.h"

#include <stdbool.h>
#include <stdint.h>

enum { RULES_MAX = 128 };       /* entries in TWPOOL_RULES: a list that a person keeps by hand */
enum { STATS_PATH_MAX = 4096 }; /* PATH_MAX */

enum close_style { CLOSE_CLEAN, CLOSE_PLAIN };

enum goodbyes { GOODBYES_HOLD, GOODBYES_SEND };

enum reaper { REAPER_OFF, REAPER_THREAD };

enum log_level {
    LOG_AUTO, /* the EADDRNOTAVAIL hint, when stderr is a terminal */
    LOG_OFF,  /* nothing */
    LOG_HINT, /* the EADDRNOTAVAIL hint, terminal or not */
    LOG_TRACE /* a line for every acquire and release as well */
};

/* One entry of TWPOOL_RULES. */
struct rule_entry {
    struct rule_choice choice;
    uint8_t family; /* AF_INET, AF_INET6, or 0 for any */
    uint8_t prefix; /* how many leading bits of address count */
    uint8_t address[16];
    uint16_t port; /* host byte order, 0 = any */
};

struct config {
    bool enabled;           /* TWPOOL=on|off */
    enum close_style close; /* TWPOOL_CLOSE=clean|plain */
    enum log_level log;     /* TWPOOL_LOG=auto|off|hint|trace */
    enum goodbyes goodbyes; /* TWPOOL_GOODBYES=hold|send */
    enum reaper reaper;     /* TWPOOL_REAPER=off|thread */
    bool deepbind;          /* TWPOOL_DEEPBIND=on|off */
    uint32_t max_idle;      /* TWPOOL_MAX_IDLE: connections; default min(1024, soft limit / 4) */
    uint32_t max_idle_per_dest; /* TWPOOL_MAX_IDLE_PER_DEST: connections */
    uint32_t idle_timeout_ms;   /* TWPOOL_IDLE_TIMEOUT: seconds, a fraction, or with ms, s, m */
    uint32_t max_age_ms;        /* TWPOOL_MAX_AGE: likewise */
    uint32_t defer_ms;          /* TWPOOL_DEFER: likewise; 0: no close waits for the peer's */
    uint32_t drain_max;         /* TWPOOL_DRAIN: bytes, or with k, m; 0: nothing is drained */
    bool idle_timeout_is_set;   /* the user chose it: no witness raises it */
    char stats[STATS_PATH_MAX]; /* TWPOOL_STATS: empty, "stderr", or a path whose %p is the pid */
    uint32_t rule_count;
    struct rule_entry rules[RULES_MAX];
};

/* Takes one complaint (a whole line, without a newline). */
typedef void config_complain(void *context, const char *line);

/* Fills config with the defaults, then with what the environment says: strings "NAME=value" as in
 * environ(7), may be NULL; only names that begin with TWPOOL are looked at. Each value that cannot
 * be understood, and each unknown TWPOOL_ name, is complained of in one line that names the
 * variable, the offending part and what is accepted; that setting keeps its default. Copies what it
 * needs. soft_limit is the soft RLIMIT_NOFILE. No allocation; not for signal handlers. */
void config_read(struct config *config, char **environment, uint64_t soft_limit,
                 config_complain *complain, void *context);

/* The rule of a destination: the first entry that matches, RULE_AUTO when none does. An IPv4-mapped
 * destination is matched as the IPv4 address that it means. Pure; async-signal-safe. */
struct rule_choice config_rule(const struct config *config, const struct dest_key *key);

/* The word that names a rule in TWPOOL_RULES, without its parameters. */
const char *rule_name(enum rule rule);

/* Appends a rule as it stands in TWPOOL_RULES, with its parameters. */
enum { RULE_TEXT_SIZE = 40 }; /* room for the longest, frame(65535,8,le,-65535) */
void rule_format(struct rule_choice choice, struct text *text);

#endif
