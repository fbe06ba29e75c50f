/* SPDX-License-Identifier: MIT
 * Runs programs for the tests, with or without the library preloaded, with a limit on their time.
 */
#ifndef TWPOOL_TEST_PROCESS_H
#define TWPOOL_TEST_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Where things are is told by the environment:
 *   TWPOOL_TEST_LIBRARY        the library under test, an absolute path
 *   TWPOOL_TEST_PROGRAMS       the directory of the built test/programs and test/support programs
 *   TWPOOL_TEST_SCRIPTS        the directory of the Python parts, test/e2e of the source
 *   TWPOOL_TEST_PRELOAD_FIRST  optional: what a sanitizer build must preload before the library
 * A missing one fails the test that needs it. */

enum { ARGUMENTS_MAX = 24, SETTINGS_MAX = 8 };

struct command {
    const char *argv[ARGUMENTS_MAX];    /* searched in PATH unless it has a slash */
    const char *settings[SETTINGS_MAX]; /* NAME=value, added to the environment */
    bool preload;                       /* with the library under test */
    int network;                        /* the namespace to run in; 0: that of the test */
    int err;                            /* its standard error; 0: a memory file, see outcome */
};

/* A running program, in a process group of its own; killed when the test ends. */
struct process {
    pid_t pid;
    int out, err; /* memory files that hold what it wrote */
};

/* What a program left behind. The text is terminated and lives until the test ends. */
struct outcome {
    bool timed_out; /* it was killed, everything else is what there was until then */
    int status;     /* exit status, or 128 + signal */
    char *out, *err;
    size_t out_len, err_len;
    double seconds;
};

/* Starts a program; no variable TWPOOL* or LD_PRELOAD of the test's own environment reaches it. */
struct process process_start(const struct command *command);

/* True when it has not ended after that many milliseconds. */
bool process_runs(const struct process *process, int ms);

/* Waits for its end, at most that long, kills what is left of its process group, and reads what it
 * wrote. */
struct outcome process_wait(struct process *process, int limit_s);

/* SIGTERM, and SIGKILL to what is left two seconds later. */
struct outcome process_stop(struct process *process);

/* process_start() and process_wait(). */
struct outcome run(const struct command *command, int limit_s);

/* run() without the preload, which must succeed within ten seconds: for tools like ip. */
void run_tool(const struct command *command);

/* The path of a built program, or of a script: static storage, good for many calls. */
const char *program_path(const char *name);
const char *script_path(const char *name);

/* A formatted string that lives until the test ends. */
const char *text(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Whether a name is one of a list with commas; of no list (NULL) it always is. */
bool is_among(const char *list, const char *name);

/* How often needle occurs in haystack. */
size_t occurrences(const char *haystack, const char *needle);

/* CLOCK_MONOTONIC. */
double seconds_now(void);

#endif
