/* SPDX-License-Identifier: MIT
 * Reads the settings: a table of variables, each with its reader and what that accepts. */
#include "config.h"
#include "rules.h"
#include "span.h"

#include <string.h>

#define PREFIX "TWPOOL"

enum { COMPLAINT_MAX = 512 }; /* the longest (RULES_ACCEPTED with 40 bytes shown) is below 400 */
enum { MAX_IDLE_MAX = 1000000 };
enum { MAX_IDLE_DEFAULT = 1024, MAX_IDLE_FD_SHARE = 4 }; /* leave the application its descriptors */
enum { MAX_IDLE_PER_DEST_DEFAULT = 256 };                /* bursts */
enum { IDLE_TIMEOUT_DEFAULT_MS = 2000 }; /* the shortest idle limit of a common server: gunicorn */
enum { MAX_AGE_DEFAULT_MS = 60000 };     /* connections must follow load balancers and DNS */
enum { DEFER_DEFAULT_MS = 1000 };        /* a peer that is about to close does so in a few RTT */
enum { DRAIN_DEFAULT = 64 << 10 }; /* what fits into the first window: it has arrived at once */
enum { DRAIN_MAX = 1 << 20 };      /* a new connection costs less than to copy more */
enum { TIME_MAX_MS = 24 * 3600 * 1000 }; /* more is a slip of the pen */

/* Sets what value says, or leaves config alone and returns false. *offending is all of value to
 * begin with; a reader that knows better narrows it. */
typedef bool setting_read(struct config *config, struct span value, struct span *offending);

static bool read_enabled(struct config *config, struct span value, struct span *offending);
static bool read_deepbind(struct config *config, struct span value, struct span *offending);
static bool read_close(struct config *config, struct span value, struct span *offending);
static bool read_log(struct config *config, struct span value, struct span *offending);
static bool read_goodbyes(struct config *config, struct span value, struct span *offending);
static bool read_reaper(struct config *config, struct span value, struct span *offending);
static bool read_max_idle(struct config *config, struct span value, struct span *offending);
static bool read_max_idle_per_dest(struct config *config, struct span value,
                                   struct span *offending);
static bool read_idle_timeout(struct config *config, struct span value, struct span *offending);
static bool read_max_age(struct config *config, struct span value, struct span *offending);
static bool read_defer(struct config *config, struct span value, struct span *offending);
static bool read_drain(struct config *config, struct span value, struct span *offending);
static bool read_stats(struct config *config, struct span value, struct span *offending);

static const struct setting {
    const char *name;
    setting_read *read;
    const char *accepted;
} settings[] = {
    {PREFIX, read_enabled, "on or 1, off or 0"},
    {PREFIX "_CLOSE", read_close, "clean or plain"},
    {PREFIX "_LOG", read_log, "auto, off, hint or trace"},
    {PREFIX "_GOODBYES", read_goodbyes, "hold or send"},
    {PREFIX "_REAPER", read_reaper, "off or thread"},
    {PREFIX "_DEEPBIND", read_deepbind, "on or 1, off or 0"},
    {PREFIX "_MAX_IDLE", read_max_idle, "a number from 0 to 1000000"},
    {PREFIX "_MAX_IDLE_PER_DEST", read_max_idle_per_dest, "a number from 0 to 1000000"},
    {PREFIX "_IDLE_TIMEOUT", read_idle_timeout,
     "a time such as 2, 0.5, 250ms, 2s or 1m, from 0 to 24 hours"},
    {PREFIX "_MAX_AGE", read_max_age,
     "a time such as 60, 0.5, 250ms, 2s or 1m, above 0 and up to 24 hours"},
    {PREFIX "_DEFER", read_defer, "a time such as 1, 0.5, 250ms, 2s or 1m, from 0 to 24 hours"},
    {PREFIX "_DRAIN", read_drain, "bytes such as 0, 1500, 64k or 1m, up to 1m"},
    {PREFIX "_STATS", read_stats,
     "stderr, or a path shorter than 4096 bytes in which %p is the process id and %% a percent"},
    {PREFIX "_RULES", rules_parse, RULES_ACCEPTED},
};
enum { SETTING_COUNT = sizeof settings / sizeof settings[0] };

static void set_defaults(struct config *config, uint64_t soft_limit);
static bool is_ours(struct span name);
static bool is_repeated(char **environment, char **entry, struct span name);
static const struct setting *find_setting(struct span name);
static void complain_unknown(struct span name, config_complain *complain, void *context);
static void complain_value(const struct setting *setting, struct span offending,
                           config_complain *complain, void *context);
static bool read_switch(struct span value, bool *on);
static bool parse_time(struct span value, uint32_t *ms);
static bool parse_size(struct span value, uint32_t max, uint32_t *bytes);
static bool take_unit(struct span *value, uint32_t *unit_ms);
static bool parse_decimal(struct span value, uint64_t *micros);

void config_read(struct config *config, char **environment, uint64_t soft_limit,
                 config_complain *complain, void *context)
{
    set_defaults(config, soft_limit);
    for (char **entry = environment; entry != NULL && *entry != NULL; entry++) {
        struct span value = span_of(*entry);
        struct span name = span_take(&value, '=');
        struct span offending = value;
        const struct setting *setting;

        /* An empty value means unset: that is how a shell script takes a setting back. */
        if (!is_ours(name) || value.len == 0 || is_repeated(environment, entry, name))
            continue;
        setting = find_setting(name);
        if (setting == NULL) {
            complain_unknown(name, complain, context);
            continue;
        }
        if (!setting->read(config, value, &offending))
            complain_value(setting, offending, complain, context);
    }
}

static void set_defaults(struct config *config, uint64_t soft_limit)
{
    uint64_t share = soft_limit / MAX_IDLE_FD_SHARE;
    memset(config, 0, sizeof *config);
    config->enabled = true;
    config->close = CLOSE_CLEAN;
    config->log = LOG_AUTO;
    config->goodbyes = GOODBYES_HOLD;
    config->reaper = REAPER_OFF;
    config->deepbind = true;
    config->max_idle = share < MAX_IDLE_DEFAULT ? (uint32_t)share : MAX_IDLE_DEFAULT;
    config->max_idle_per_dest = MAX_IDLE_PER_DEST_DEFAULT;
    config->idle_timeout_ms = IDLE_TIMEOUT_DEFAULT_MS;
    config->max_age_ms = MAX_AGE_DEFAULT_MS;
    config->defer_ms = DEFER_DEFAULT_MS;
    config->drain_max = DRAIN_DEFAULT;
}

static bool is_ours(struct span name)
{
    struct span head = {name.start, sizeof PREFIX - 1};
    if (name.len < head.len || !span_is(head, PREFIX))
        return false;
    return name.len == head.len || name.start[head.len] == '_';
}

/* The first entry of a name counts, as in getenv(3). */
static bool is_repeated(char **environment, char **entry, struct span name)
{
    for (char **earlier = environment; earlier < entry; earlier++) {
        struct span rest = span_of(*earlier);
        struct span earlier_name = span_take(&rest, '=');
        if (earlier_name.len == name.len && memcmp(earlier_name.start, name.start, name.len) == 0)
            return true;
    }
    return false;
}

static const struct setting *find_setting(struct span name)
{
    for (int i = 0; i < SETTING_COUNT; i++) {
        if (span_is(name, settings[i].name))
            return &settings[i];
    }
    return NULL;
}

static void complain_unknown(struct span name, config_complain *complain, void *context)
{
    char line[COMPLAINT_MAX];
    struct text text;
    text_init(&text, line, sizeof line);
    span_show(name, &text);
    text_add(&text, " ignored: no such setting; there are");
    for (int i = 0; i < SETTING_COUNT; i++) {
        text_add_char(&text, ' ');
        text_add(&text, settings[i].name);
    }
    complain(context, line);
}

static void complain_value(const struct setting *setting, struct span offending,
                           config_complain *complain, void *context)
{
    char line[COMPLAINT_MAX];
    struct text text;
    text_init(&text, line, sizeof line);
    text_add(&text, setting->name);
    text_add(&text, " ignored: cannot use \"");
    span_show(offending, &text);
    text_add(&text, "\"; accepted: ");
    text_add(&text, setting->accepted);
    complain(context, line);
}

static bool read_enabled(struct config *config, struct span value, struct span *offending)
{
    (void)offending;
    return read_switch(value, &config->enabled);
}

static bool read_deepbind(struct config *config, struct span value, struct span *offending)
{
    (void)offending;
    return read_switch(value, &config->deepbind);
}

static bool read_switch(struct span value, bool *on)
{
    bool is_on = span_is(value, "on") || span_is(value, "1");
    if (!is_on && !span_is(value, "off") && !span_is(value, "0"))
        return false;
    *on = is_on;
    return true;
}

static bool read_close(struct config *config, struct span value, struct span *offending)
{
    (void)offending;
    if (!span_is(value, "clean") && !span_is(value, "plain"))
        return false;
    config->close = span_is(value, "plain") ? CLOSE_PLAIN : CLOSE_CLEAN;
    return true;
}

static bool read_log(struct config *config, struct span value, struct span *offending)
{
    static const char *const words[] = {
        [LOG_AUTO] = "auto", [LOG_OFF] = "off", [LOG_HINT] = "hint", [LOG_TRACE] = "trace"};
    (void)offending;
    for (int i = LOG_AUTO; i <= LOG_TRACE; i++) {
        if (!span_is(value, words[i]))
            continue;
        config->log = (enum log_level)i;
        return true;
    }
    return false;
}

static bool read_goodbyes(struct config *config, struct span value, struct span *offending)
{
    (void)offending;
    if (!span_is(value, "hold") && !span_is(value, "send"))
        return false;
    config->goodbyes = span_is(value, "send") ? GOODBYES_SEND : GOODBYES_HOLD;
    return true;
}

static bool read_reaper(struct config *config, struct span value, struct span *offending)
{
    (void)offending;
    if (!span_is(value, "off") && !span_is(value, "thread"))
        return false;
    config->reaper = span_is(value, "thread") ? REAPER_THREAD : REAPER_OFF;
    return true;
}

static bool read_max_idle(struct config *config, struct span value, struct span *offending)
{
    (void)offending;
    return span_number(value, MAX_IDLE_MAX, &config->max_idle);
}

static bool read_max_idle_per_dest(struct config *config, struct span value, struct span *offending)
{
    (void)offending;
    return span_number(value, MAX_IDLE_MAX, &config->max_idle_per_dest);
}

static bool read_idle_timeout(struct config *config, struct span value, struct span *offending)
{
    (void)offending;
    config->idle_timeout_is_set = parse_time(value, &config->idle_timeout_ms);
    return config->idle_timeout_is_set;
}

static bool read_max_age(struct config *config, struct span value, struct span *offending)
{
    uint32_t ms;
    (void)offending;
    if (!parse_time(value, &ms) || ms == 0) /* no connection can be younger than 0 */
        return false;
    config->max_age_ms = ms;
    return true;
}

static bool read_defer(struct config *config, struct span value, struct span *offending)
{
    (void)offending;
    return parse_time(value, &config->defer_ms);
}

static bool read_drain(struct config *config, struct span value, struct span *offending)
{
    (void)offending;
    return parse_size(value, DRAIN_MAX, &config->drain_max);
}

static bool read_stats(struct config *config, struct span value, struct span *offending)
{
    if (value.len >= sizeof config->stats)
        return false;
    for (size_t i = 0; i < value.len; i++) {
        if (value.start[i] != '%')
            continue;
        i++;
        if (i < value.len && (value.start[i] == 'p' || value.start[i] == '%'))
            continue;
        offending->start = value.start + i - 1;
        offending->len = i < value.len ? 2 : 1;
        return false;
    }
    memcpy(config->stats, value.start, value.len);
    config->stats[value.len] = '\0';
    return true;
}

/* Digits, perhaps k (1024) or m. max is at most 2^20, so that the number in any unit fits. */
static bool parse_size(struct span value, uint32_t max, uint32_t *bytes)
{
    uint32_t number;
    char unit = value.start[value.len - 1]; /* no setting is read when it is empty */
    int shift = unit == 'k' ? 10 : unit == 'm' ? 20 : 0;
    value.len -= shift > 0;
    if (!span_number(value, max >> shift, &number))
        return false;
    *bytes = number << shift;
    return true;
}

/* Digits, perhaps a point and more digits, perhaps a unit. Rounded up to a millisecond: only a time
 * written as 0 is 0, which means something else. */
static bool parse_time(struct span value, uint32_t *ms)
{
    uint64_t micros, total; /* of the unit; TIME_MAX_MS minutes of them are 5.2e18, and fit */
    uint32_t unit_ms;

    if (!take_unit(&value, &unit_ms) || !parse_decimal(value, &micros))
        return false;
    total = (micros * unit_ms + 999999) / 1000000;
    if (total > TIME_MAX_MS)
        return false;
    *ms = (uint32_t)total;
    return true;
}

/* Takes the letters at the end. None of them: seconds. */
static bool take_unit(struct span *value, uint32_t *unit_ms)
{
    struct span unit = {value->start + value->len, 0};
    while (value->len > 0 && unit.start[-1] >= 'a' && unit.start[-1] <= 'z') {
        unit.start--;
        unit.len++;
        value->len--;
    }
    *unit_ms = span_is(unit, "ms") ? 1 : span_is(unit, "m") ? 60000 : 1000;
    return unit.len == 0 || span_is(unit, "ms") || span_is(unit, "s") || span_is(unit, "m");
}

/* A number up to TIME_MAX_MS, in millionths, rounded up. */
static bool parse_decimal(struct span value, uint64_t *micros)
{
    bool has_point = memchr(value.start, '.', value.len) != NULL;
    bool beyond = false; /* there is something after the sixth digit */
    uint32_t whole, digit;
    if (!span_number(span_take(&value, '.'), TIME_MAX_MS, &whole))
        return false;
    if (has_point && value.len == 0)
        return false;
    *micros = (uint64_t)whole * 1000000;
    for (uint64_t weight = 100000; value.len > 0; weight /= 10) {
        if (!span_number((struct span){value.start, 1}, 9, &digit))
            return false;
        *micros += digit * weight;
        beyond = beyond || (weight == 0 && digit > 0);
        value.start++;
        value.len--;
    }
    *micros += beyond;
    return true;
}
