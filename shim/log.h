/* SPDX-License-Identifier: MIT
 * Lines on the standard error that the process was started with, and nowhere else. */
#ifndef TWPOOL_SHIM_LOG_H
#define TWPOOL_SHIM_LOG_H

#include "config.h"

#include <stdbool.h>
#include <stddef.h>

/* Every function below makes raw system calls only, preserves errno, and raises no signal of its
 * own (SIGPIPE, SIGXFSZ, SIGTTOU). All but log_open() are async-signal-safe. */

/* Remembers the level, and at the first call also which file descriptor 2 is: a program may close
 * it and get a socket as number 2. Called by the constructor. */
void log_open(enum log_level level);

/* Whether a line of this level is wanted: LOG_HINT and LOG_TRACE, where it was asked for; LOG_AUTO,
 * also unasked while stderr is a terminal. */
bool log_wants(enum log_level level);

/* 2 while that is still the file that it was at log_open(), else -1. */
int log_descriptor(void);

/* Writes "twpool: ", the line and a newline in one call, or nothing when log_descriptor() says so.
 * Asks no level: see log_wants(). */
void log_line(const char *line, size_t len);

/* A config_complain: a line at every level, since a setting that is silently not in force misleads.
 * Works before log_open() as well. */
void log_complaint(void *context, const char *line);

/* Writes all of it, or returns -errno; a descriptor that would block counts as failed. */
int log_write(int fd, const char *buf, size_t len);

#endif
