/* SPDX-License-Identifier: MIT
 * Where the report at exit goes, and what is said when it cannot go there. */
#include "stats.h"

#include "arch.h"
#include "log.h"
#include "report.h"
#include "span.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>

enum { LINE_SIZE = 512 }; /* of a complaint: span_show() cuts the path short */

static int open_report(const struct config *config, long pid);
static bool expand_path(const char *pattern, long pid, struct text *path);
static bool is_json(const char *pattern);
static void complain(const char *path, int error);

void stats_write(struct pool *pool, const struct config *config, long pid, const char *inert_reason)
{
    bool seen = pool != NULL && atomic_load_explicit(&pool->dests, memory_order_relaxed) > 0;
    bool to_stderr = strcmp(config->stats, "stderr") == 0;
    struct report report = {
        .pool = seen ? pool : NULL, .config = config, .pid = pid, .inert_reason = inert_reason};
    int fd, error;

    if (config->stats[0] == '\0' || (!seen && inert_reason == NULL))
        return;
    fd = to_stderr ? log_descriptor() : open_report(config, pid);
    if (fd < 0)
        return;

    error = is_json(config->stats) ? report_as_json(&report, fd) : report_as_text(&report, fd);
    if (to_stderr)
        return;
    arch_syscall(SYS_close, fd, 0, 0, 0, 0, 0);
    if (error != 0)
        complain(config->stats, error);
}

static bool is_json(const char *pattern)
{
    static const char ending[] = ".json";
    size_t len = strlen(pattern), ending_len = sizeof ending - 1;
    return len >= ending_len && strcmp(pattern + len - ending_len, ending) == 0;
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

/* Its own few words: strerror() may allocate, and asks the locale. */
static void complain(const char *path, int error)
{
    static const struct {
        int error;
        const char *meaning;
    } meanings[] = {
        {ENOENT, "no such directory"},
        {EACCES, "permission denied"},
        {EISDIR, "it is a directory"},
        {EROFS, "read-only file system"},
        {ENXIO, "nobody reads the FIFO"},
        {ENAMETOOLONG, "the name is too long"},
        {ENOSPC, "no space left"},
        {EFBIG, "it would be too large"},
        {ENOMEM, "no memory"},
        {EMFILE, "no descriptor is free"},
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
