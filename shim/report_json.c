/* SPDX-License-Identifier: MIT
 * The report as one JSON object, built whole before it is written. */
#include "report.h"

#include "hint.h"
#include "json.h"
#include "kernel.h"
#include "log.h"

#include <errno.h>
#include <string.h>
#include <sys/auxv.h>

enum { SIZE_FIRST = 4096 };               /* three or four destinations: no memory is mapped */
static const size_t size_most = 1U << 28; /* all destinations with every reason are below 64 MiB */

/* An object or an array that is being written: what comes before its next member. */
struct list {
    struct text *text;
    const char *separator;
};

static void add_object(struct text *text, const struct report *report);
static void add_program(struct list *list);
static void add_settings(struct list *list, const struct config *config);
static void add_dest(void *context, struct dest *dest);
static void add_key(struct list *list, const struct dest_key *key);
static void add_rule(struct list *list, const struct dest *dest);
static void add_reasons(struct list *list, const char *name, const struct dest *dest,
                        enum reason_group group);
static void add_hints(struct list *list, const struct dest *dest);
static struct list begin(struct text *text, char bracket);
static void next(struct list *list);
static struct text *member(struct list *list, const char *name);
static void add_number(struct list *list, const char *name, int64_t number);
static void add_count(struct list *list, const char *name, const _Atomic uint64_t *counter);
static void add_string(struct list *list, const char *name, const char *string);
static uint64_t load(const _Atomic uint64_t *counter);

int report_as_json(const struct report *report, int fd)
{
    char first[SIZE_FIRST], *block = first;
    size_t size = sizeof first;
    struct text text;
    int error = -ENOMEM;

    while (block != NULL) {
        text_init(&text, block, size);
        add_object(&text, report);
        bool fits = text.len + 1 < text.size;
        if (fits)
            error = log_write(fd, block, text.len);
        if (block != first)
            kernel_unmap(block, size);
        size *= 4;
        block = fits || size > size_most ? NULL : kernel_map(size);
    }
    return error;
}

static void add_object(struct text *text, const struct report *report)
{
    struct list object = begin(text, '{');
    add_string(&object, "twpool", TWPOOL_VERSION);
    add_number(&object, "pid", report->pid);
    add_program(&object);
    if (report->inert_reason != NULL)
        add_string(&object, "switched_off", report->inert_reason);
    add_settings(&object, report->config);
    struct list dests = begin(member(&object, "destinations"), '[');
    if (report->pool != NULL)
        pool_each_dest(report->pool, add_dest, &dests);
    text_add(text, "]}\n");
}

/* As it was executed: of a script, the script. */
static void add_program(struct list *list)
{
    int saved_errno = errno; /* getauxval() sets it where there is no such entry */
    const char *name = (const char *)getauxval(AT_EXECFN); // NOLINT(performance-no-int-to-ptr)
    errno = saved_errno;
    add_string(list, "program", name == NULL ? "" : name);
}

static void add_settings(struct list *list, const struct config *config)
{
    struct list settings = begin(member(list, "settings"), '{');
    add_string(&settings, "close", config->close == CLOSE_CLEAN ? "clean" : "plain");
    add_number(&settings, "max_idle", config->max_idle);
    add_number(&settings, "max_idle_per_dest", config->max_idle_per_dest);
    add_number(&settings, "idle_timeout_ms", config->idle_timeout_ms);
    add_number(&settings, "max_age_ms", config->max_age_ms);
    add_number(&settings, "defer_ms", config->defer_ms);
    add_number(&settings, "drain_bytes", config->drain_max);
    text_add_char(list->text, '}');
}

static void add_dest(void *context, struct dest *dest)
{
    struct list *dests = context;
    next(dests);
    struct list object = begin(dests->text, '{');
    add_key(&object, &dest->key);
    add_rule(&object, dest);
    add_count(&object, "opened", &dest->opened);
    add_count(&object, "failed", &dest->failed);
    add_count(&object, "reused", &dest->reused);
    add_count(&object, "parked", &dest->parked);
    add_count(&object, "deferred", &dest->deferred);
    add_number(&object, "idle", atomic_load_explicit(&dest->idle, memory_order_relaxed));
    add_reasons(&object, "not_parked", dest, REASON_GROUP_NOT_PARKED);
    add_reasons(&object, "ended_idle", dest, REASON_GROUP_ENDED_IDLE);
    add_reasons(&object, "not_reused", dest, REASON_GROUP_NOT_REUSED);
    add_hints(&object, dest);
    text_add_char(dests->text, '}');
}

static void add_rule(struct list *list, const struct dest *dest)
{
    char buf[RULE_TEXT_SIZE];
    struct text rule;
    text_init(&rule, buf, sizeof buf);
    rule_format(dest_choice(dest), &rule);
    add_string(list, "rule", buf);
}

static void add_address(struct list *list, const char *name, uint16_t family,
                        const uint8_t address[16])
{
    struct text *text = member(list, name);
    text_add_char(text, '"');
    dest_address_format(family, address, text);
    text_add_char(text, '"');
}

/* Of what is beyond address and port, only what sets this destination apart. */
static void add_key(struct list *list, const struct dest_key *key)
{
    static const uint8_t none[sizeof key->local_address];
    const struct {
        const char *name;
        uint64_t value;
    } numbers[] = {
        {"scope", key->scope_id},
        {"net_namespace", key->net_namespace},
        {"mark", key->mark},
        {"receive_buffer", (uint64_t)key->receive_buffer},
        {"send_buffer", (uint64_t)key->send_buffer},
        {"v6only", key->v6only},
    };
    const struct {
        const char *name, *value;
        size_t size;
    } names[] = {
        {"device", key->device, sizeof key->device},
        {"congestion", key->congestion, sizeof key->congestion},
    };

    add_address(list, "address", key->family, key->address);
    add_number(list, "port", dest_key_port(key));
    add_string(list, "family", key->family == AF_INET ? "inet" : "inet6");
    if (memcmp(key->local_address, none, sizeof none) != 0)
        add_address(list, "local_address", key->family, key->local_address);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (numbers[i].value != 0)
            add_number(list, numbers[i].name, (int64_t)numbers[i].value);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].value[0] != '\0')
            json_add_bytes(member(list, names[i].name), names[i].value,
                           strnlen(names[i].value, names[i].size));
}

static void add_reasons(struct list *list, const char *name, const struct dest *dest,
                        enum reason_group group)
{
    struct list reasons = begin(member(list, name), '{');
    for (int i = REASON_NONE + 1; i < REASON_COUNT; i++)
        if (reason_group((enum reason)i) == group && load(&dest->refused[i]) > 0)
            add_count(&reasons, reason_name((enum reason)i), &dest->refused[i]);
    text_add_char(list->text, '}');
}

static void add_hints(struct list *list, const struct dest *dest)
{
    char buf[512]; /* hint_add() writes less than 250 */
    struct text hint;
    struct list hints = begin(member(list, "hints"), '[');
    for (int i = REASON_NONE + 1; i < REASON_COUNT; i++) {
        if (load(&dest->refused[i]) == 0 || !hint_exists(dest, (enum reason)i))
            continue;
        text_init(&hint, buf, sizeof buf);
        hint_add(&hint, dest, (enum reason)i);
        next(&hints);
        json_add(hints.text, buf);
    }
    text_add_char(list->text, ']');
}

static struct list begin(struct text *text, char bracket)
{
    text_add_char(text, bracket);
    return (struct list){.text = text, .separator = ""};
}

static void next(struct list *list)
{
    text_add(list->text, list->separator);
    list->separator = ",";
}

/* Where the value of the next member goes. The name is one of ours: nothing in it needs escaping.
 */
static struct text *member(struct list *list, const char *name)
{
    next(list);
    text_add_char(list->text, '"');
    text_add(list->text, name);
    text_add(list->text, "\":");
    return list->text;
}

static void add_number(struct list *list, const char *name, int64_t number)
{
    text_add_number(member(list, name), number);
}

static void add_count(struct list *list, const char *name, const _Atomic uint64_t *counter)
{
    add_number(list, name, (int64_t)load(counter));
}

static void add_string(struct list *list, const char *name, const char *string)
{
    json_add(member(list, name), string);
}

/* Relaxed: counters are not ordered by anything, nor against each other. */
static uint64_t load(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}
