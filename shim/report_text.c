/* SPDX-License-Identifier: MIT
 * The report for people, built block by block. */
#include "report.h"

#include "hint.h"
#include "log.h"

enum { BLOCK_SIZE = 4096 }; /* PIPE_BUF: a block in a pipe or a log is not torn by other writers */
enum { LINE_SIZE = 512 };   /* room for any line: the longest, a hint, is below 400 bytes */

struct page {
    int fd, error; /* error: the first that a write gave, as -errno */
    long pid;
    bool started;
    struct text text;
    char block[BLOCK_SIZE];
};

static void flush(struct page *page);
static void end_line(struct page *page);
static void add_dest(void *context, struct dest *dest);
static void add_reasons(struct page *page, const struct dest *dest);
static void add_count(struct text *text, const char *label, const _Atomic uint64_t *counter);
static uint64_t load(const _Atomic uint64_t *counter);

int report_as_text(const struct report *report, int fd)
{
    struct page page = {.fd = fd, .pid = report->pid};

    text_init(&page.text, page.block, sizeof page.block);
    if (report->inert_reason != NULL) {
        text_add(&page.text, "twpool: switched off in process ");
        text_add_number(&page.text, report->pid);
        text_add(&page.text, ": ");
        text_add(&page.text, report->inert_reason);
        end_line(&page);
    }
    if (report->pool != NULL)
        pool_each_dest(report->pool, add_dest, &page);
    flush(&page);
    return page.error;
}

static void flush(struct page *page)
{
    if (page->error == 0)
        page->error = log_write(page->fd, page->block, page->text.len);
    text_init(&page->text, page->block, sizeof page->block);
}

static void end_line(struct page *page)
{
    text_add_char(&page->text, '\n');
    if (page->text.size - page->text.len < LINE_SIZE)
        flush(page);
}

static void add_dest(void *context, struct dest *dest)
{
    struct page *page = context;
    struct text *text = &page->text;

    if (!page->started) {
        text_add(text, "twpool: statistics of process ");
        text_add_number(text, page->pid);
        end_line(page);
        page->started = true;
    }
    dest_key_format(&dest->key, text);
    text_add(text, " (");
    rule_format(dest_choice(dest), text);
    add_count(text, "): opened ", &dest->opened);
    add_count(text, ", reused ", &dest->reused);
    add_count(text, ", parked ", &dest->parked);
    if (load(&dest->deferred) > 0)
        add_count(text, ", deferred ", &dest->deferred);
    if (load(&dest->failed) > 0)
        add_count(text, ", failed ", &dest->failed);
    end_line(page);
    add_reasons(page, dest);
}

static void add_reasons(struct page *page, const struct dest *dest)
{
    static const char *const labels[] = {
        [REASON_GROUP_NOT_PARKED] = "    not parked: ",
        [REASON_GROUP_ENDED_IDLE] = "    ended idle: ",
        [REASON_GROUP_NOT_REUSED] = "    not reused: ",
    };
    struct text *text = &page->text;

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
        end_line(page);
    }
    for (int i = REASON_NONE + 1; i < REASON_COUNT; i++) {
        if (load(&dest->refused[i]) == 0 || !hint_exists(dest, (enum reason)i))
            continue;
        text_add(text, "    hint: ");
        hint_add(text, dest, (enum reason)i);
        end_line(page);
    }
}

static void add_count(struct text *text, const char *label, const _Atomic uint64_t *counter)
{
    text_add(text, label);
    text_add_number(text, (int64_t)load(counter));
}

/* Relaxed: counters are not ordered by anything, nor against each other. */
static uint64_t load(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}
