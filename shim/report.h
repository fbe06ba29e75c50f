/* SPDX-License-Identifier: MIT
 * The two forms of the report at exit: text for people, and JSON. */
#ifndef TWPOOL_SHIM_REPORT_H
#define TWPOOL_SHIM_REPORT_H

#include "config.h"
#include "pool.h"

/* What is reported; all of it is the caller's. */
struct report {
    struct pool *pool; /* NULL when no destination was seen */
    const struct config *config;
    long pid;
    const char *inert_reason; /* NULL, or why the shim switched itself off */
};

/* Each writes the whole report to fd, and returns 0 or the first -errno. Neither allocates with
 * malloc; both preserve errno. */

/* In blocks that end between lines. */
int report_as_text(const struct report *report, int fd);

/* One object and a newline, in one write, so that the lines of processes that share a file opened
 * with O_APPEND stay whole; -ENOMEM when there is no memory for a line that long. */
int report_as_json(const struct report *report, int fd);

#endif
