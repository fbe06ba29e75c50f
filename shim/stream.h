/* SPDX-License-Identifier: MIT
 * Hooks of stdio on a socket: what it moves is not seen, and what it closes is told to us first. */
#ifndef TWPOOL_SHIM_STREAM_H
#define TWPOOL_SHIM_STREAM_H

#include <stdio.h>

/* The same contracts, results and errno as the functions that they are named after, and as little
 * async-signal-safe. A connection that was given to stdio is never reused. Where it ends at rest,
 * by its last descriptor, that is a clean close. fcloseall() needs no hook: it closes nothing. */
FILE *stream_fdopen(int fd, const char *mode);
int stream_fclose(FILE *stream);
FILE *stream_freopen(const char *path, const char *mode, FILE *stream);
FILE *stream_freopen64(const char *path, const char *mode, FILE *stream);

#endif
