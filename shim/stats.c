/* SPDX-License-Identifier: MIT
 * Builds the report block by block, and opens the file that it goes to. */
#include "stats.h"
#include "arch.h"
#include "log.h"
#include "reason.h"
#include "span.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>

enum { BLOCK_SIZE = 4096 }; /* PIPE_BUF: a block in a pipe or a log is not torn by other writers */
enum { REDIS_PORT = 6379 };
enum { LINE_SIZE = 512 }; /* room for any line: the longest, a hint, is below 400 bytes */

/* Where the report goes. Blocks end between lines, so that several processes may share a file. */
struct report {
    int fd, error; /* error: the first that a write gave, as -errno */
    long pid;
    bool started;
    struct text text;
    char block[BLOCK_SIZE];
};

static enum reason standing_refusal(const struct dest *dest);
static int open_report(const struct config *config, long pid);
static bool expand_path(const char *pattern, long pid, struct text *path);
static void flush(struct report *report);
static void add_dest(void *context, struct dest *dest);
static void add_reasons(struct report *report, const struct dest *dest);
static bool has_hint(const struct dest *dest, enum reason reason);
static void add_hint(struct text *text, const struct dest *dest, enum reason reason);
static bool is_never_reused(enum reason reason);
static bool has_port_of_redis(const struct dest *dest);
static bool would_suit_raw(const struct dest *dest);
static void add_rule(struct text *text, const struct dest *dest, enum rule rule);
static void complain(const char *path, int error);
static uint64_t load(const _Atomic uint64_t *counter);

void stats_write(struct pool *pool, const struct config *config, long pid, const char *inert_reason)
{
    struct report report = {.pid = pid};
    bool seen = pool != NULL && atomic_load_explicit(&pool->dests, memory_order_relaxed) > 0;
    bool to_stderr = strcmp(config->stats, "stderr") == 0;

    if (config->stats[0] == '\0' || (!seen && inert_reason == NULL))
        return;
    report.fd = to_stderr ? log_descriptor() : open_report(config, pid);
    if (report.fd < 0)
        return;

    text_init(&report.text, report.block, sizeof report.block);
    if (inert_reason != NULL) {
        text_add(&report.text, "twpool: switched off in process ");
        text_add_number(&report.text, pid);
        text_add(&report.text, ": ");
        text_add(&report.text, inert_reason);
        text_add_char(&report.text, '\n');
    }
    if (seen)
        pool_each_dest(pool, add_dest, &report);
    flush(&report);
    if (to_stderr)
        return;
    arch_syscall(SYS_close, report.fd, 0, 0, 0, 0, 0);
    if (report.error != 0)
        complain(config->stats, report.error);
}

void stats_hint_line(struct text *text, const struct dest *dest)
{
    enum reason reason = standing_refusal(dest);

    text_add(text, "no free local port for ");
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
    if (has_hint(dest, reason))
        add_hint(text, dest, reason);
    else
        text_add(text, "no rule would change that");
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

/* A descriptor, or -1 after a complaint. No O_TRUNC: several processes, or runs, may share a file.
 * No O_NOFOLLOW: /dev/stdout is a link. O_NONBLOCK: an exit must not hang on a FIFO. */
static int open_report(const struct config *config, long pid)
{
    const int flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
    char buf[STATS_PATH_MAX];
    struct text path;
    long fd = -ENAMETOOLONG;

    text_init(&path, buf, sizeof buf);
    if (expand_path(config->stats, pid, &path))
        fd = arch_syscall(SYS_openat, AT_FDCWD, (long)buf, flags, 0644, 0, 0);
    if (fd >= 0)
        return (int)fd;
    complain(buf, (int)fd);
    return -1;
}

/* False when it would not fit. The pattern has only %p and %%: config_read() saw to that. */
static bool expand_path(const char *pattern, long pid, struct text *path)
{
    for (const char *c = pattern; *c != '\0'; c++) {
        if (*c != '%')
            text_add_char(path, *c);
        else if (*++c == 'p')
            text_add_number(path, pid);
        else
            text_add_char(path, '%');
    }
    return path->len + 1 < path->size;
}

static void flush(struct report *report)
{
    if (report->error == 0)
        report->error = log_write(report->fd, report->block, report->text.len);
    text_init(&report->text, report->block, sizeof report->block);
}

static void end_line(struct report *report)
{
    text_add_char(&report->text, '\n');
    if (report->text.size - report->text.len < LINE_SIZE)
        flush(report);
}

static void add_count(struct text *text, const char *label, const _Atomic uint64_t *counter)
{
    text_add(text, label);
    text_add_number(text, (int64_t)load(counter));
}

static void add_dest(void *context, struct dest *dest)
{
    struct report *report = context;
    struct text *text = &report->text;

    if (!report->started) {
        text_add(text, "twpool: statistics of process ");
        text_add_number(text, report->pid);
        end_line(report);
        report->started = true;
    }
    dest_key_format(&dest->key, text);
    text_add(text, " (");
    text_add(text, rule_name(dest->rule));
    add_count(text, "): opened ", &dest->opened);
    add_count(text, ", reused ", &dest->reused);
    add_count(text, ", parked ", &dest->parked);
    if (load(&dest->deferred) > 0)
        add_count(text, ", deferred ", &dest->deferred);
    end_line(report);
    add_reasons(report, dest);
}

static void add_reasons(struct report *report, const struct dest *dest)
{
    static const char *const labels[] = {
        [REASON_GROUP_NOT_PARKED] = "    not parked: ",
        [REASON_GROUP_ENDED_IDLE] = "    ended idle: ",
        [REASON_GROUP_NOT_REUSED] = "    not reused: ",
    };
    struct text *text = &report->text;

    for (int i = REASON_NONE + 1; i < REASON_COUNT; i++) {
        enum reason reason = (enum reason)i;
        if (load(&dest->refused[i]) == 0)
            continue;
        text_add(text, labels[reason_group(reason)]);
        text_add(text, reason_name(reason));
        add_count(text, " ", &dest->refused[i]);
        text_add(text, " (");
        text_add(text, reason_explanation(reason));
        text_add_char(text, ')');
        end_line(report);
    }
    for (int i = REASON_NONE + 1; i < REASON_COUNT; i++) {
        if (load(&dest->refused[i]) == 0 || !has_hint(dest, (enum reason)i))
            continue;
        text_add(text, "    hint: ");
        add_hint(text, dest, (enum reason)i);
        end_line(report);
    }
}

/* False when there is no more to say than the reason itself. */
static bool has_hint(const struct dest *dest, enum reason reason)
{
    if (reason == REASON_UNKNOWN_PROTOCOL)
        return has_port_of_redis(dest) || would_suit_raw(dest);
    return reason == REASON_RULE_OFF || reason == REASON_RULE_CLEAN || is_never_reused(reason);
}

/* Appends what would get past this reason, or that nothing would. */
static void add_hint(struct text *text, const struct dest *dest, enum reason reason)
{
    if (is_never_reused(reason)) {
        text_add(text, reason_name(reason));
        text_add(text, " connections are never reused, whatever the rule");
        return;
    }
    if (reason == REASON_UNKNOWN_PROTOCOL && has_port_of_redis(dest)) {
        text_add(text, "if it is Redis, with inline commands, ");
        add_rule(text, dest, RULE_REDIS);
        text_add(text, " would reuse it");
        return;
    }
    if (reason == REASON_UNKNOWN_PROTOCOL) {
        text_add(text, "if its client always reads the whole reply, ");
        add_rule(text, dest, RULE_RAW);
        text_add(text, " would reuse it");
        return;
    }
    text_add(text, "the rule ");
    text_add(text, rule_name(reason == REASON_RULE_OFF ? RULE_OFF : RULE_CLEAN));
    text_add(text, " forbids it; ");
    add_rule(text, dest, RULE_AUTO);
    text_add(text, ", placed first, would reuse it if its protocol is known");
}

static bool is_never_reused(enum reason reason)
{
    return reason == REASON_SERVER_FIRST || reason == REASON_TLS || reason == REASON_HTTP2 ||
           reason == REASON_UPGRADE || reason == REASON_AUTH;
}

/* Where `auto` does not recognise Redis by its arrays, a person may know that it is. Its own rule
 * asks for less than raw. */
static bool has_port_of_redis(const struct dest *dest)
{
    return dest->rule == RULE_AUTO && ntohs(dest->key.port) == REDIS_PORT;
}

/* Raw asks the user to vouch, so it is proposed only where every connection seen met its conditions
 * and none was of a kind that must never be reused: under raw nobody would look. */
static bool would_suit_raw(const struct dest *dest)
{
    for (int i = REASON_NONE + 1; i < REASON_COUNT; i++) {
        if (is_never_reused((enum reason)i) && load(&dest->refused[i]) > 0)
            return false;
    }
    return atomic_load_explicit(&dest->raw_unfit, memory_order_relaxed) == 0;
}

/* As one would type it in a shell. A rule has no interface scope. */
static void add_rule(struct text *text, const struct dest *dest, enum rule rule)
{
    struct dest_key key = dest->key;
    key.scope_id = 0;
    text_add(text, "TWPOOL_RULES='");
    dest_key_format(&key, text);
    text_add_char(text, '=');
    text_add(text, rule_name(rule));
    text_add_char(text, '\'');
}

/* Its own few words: strerror() may allocate, and asks the locale. */
static void complain(const char *path, int error)
{
    static const struct {
        int error;
        const char *meaning;
    } meanings[] = {
        {ENOENT, "no such directory"},    {EACCES, "permission denied"},
        {EISDIR, "it is a directory"},    {EROFS, "read-only file system"},
        {ENXIO, "nobody reads the FIFO"}, {ENAMETOOLONG, "the name is too long"},
        {ENOSPC, "no space left"},        {EFBIG, "it would be too large"},
    };
    char line[LINE_SIZE];
    struct text text;

    text_init(&text, line, sizeof line);
    text_add(&text, "TWPOOL_STATS: cannot write \"");
    span_show(span_of(path), &text);
    text_add(&text, "\": ");
    for (size_t i = 0; i < sizeof meanings / sizeof meanings[0]; i++) {
        if (meanings[i].error == -error) {
            text_add(&text, meanings[i].meaning);
            log_complaint(NULL, line);
            return;
        }
    }
    text_add(&text, "error ");
    text_add_number(&text, -error);
    log_complaint(NULL, line);
}

/* Relaxed: counters are not ordered by anything, nor against each other. */
static uint64_t load(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}
