/* SPDX-License-Identifier: MIT
 * What a program may ask of the pool that was preloaded into it. */
#ifndef TWPOOL_TWPOOL_H
#define TWPOOL_TWPOOL_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A program need not link anything: declared weak, each is NULL where the library is not
 * preloaded. */
#pragma weak twpool_version
#pragma weak twpool_count
#pragma weak twpool_flush

/* "MAJOR.MINOR.PATCH": a static string. Async-signal-safe. */
const char *twpool_version(void);

/* Totals of this process over all destinations since it started (a forked child starts at 0). New
 * fields are added at the end. */
struct twpool_counts {
    uint64_t size;       /* bytes, see twpool_count() */
    uint64_t opened;     /* real connections */
    uint64_t failed;     /* connect() calls that opened none */
    uint64_t reused;     /* connect() calls answered with an idle connection */
    uint64_t parked;     /* close() calls after which the connection idles */
    uint64_t deferred;   /* close() calls after which it waits for the peer's close */
    uint64_t not_parked; /* all close() calls but the parked ones: the deferred ones too */
    uint64_t ended_idle; /* connections that ended while they were idle */
    uint64_t idle;       /* connections idle now */
};

/* Fills *counts, owned by the caller, who has set its size to sizeof(struct twpool_counts). Writes
 * no more than that, and sets size to what was written: less, where the library is older than the
 * header that the caller was compiled with. Each figure is exact, but they are not of one instant.
 * Any thread; async-signal-safe. */
void twpool_count(struct twpool_counts *counts);

/* Ends every connection that is idle now. Any thread; not from a vfork(2) child, where it does
 * nothing. Async-signal-safe. */
void twpool_flush(void);

#ifdef __cplusplus
}
#endif

#endif
