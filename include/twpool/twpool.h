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

/* Totals of this process over all destinations since it started (a forked child starts at 0). */
struct twpool_counts {
    uint64_t opened; /* real connections */
    uint64_t reused; /* connect() calls answered with an idle connection */
    uint64_t parked; /* close() calls after which the connection idles */
    uint64_t idle;   /* connections idle now */
};

/* Fills *counts, owned by the caller; each figure is exact, but they are not of one instant. Any
 * thread; async-signal-safe. */
void twpool_count(struct twpool_counts *counts);

/* Ends every connection that is idle now. Any thread; not from a vfork(2) child, where it does
 * nothing. Async-signal-safe. */
void twpool_flush(void);

#ifdef __cplusplus
}
#endif

#endif
