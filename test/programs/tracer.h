/* SPDX-License-Identifier: MIT
 * A signal at a chosen moment: the program runs under a tracer, which raises SIGUSR1 in it. */
#ifndef TWPOOL_TEST_TRACER_H
#define TWPOOL_TEST_TRACER_H

/* To be called first in main(). The process becomes the tracer of a second one that executes the
 * same program with the same arguments, and ends as that one does; only the second one returns. It
 * needs the right to trace a child, ptrace(2). */
void tracer_start(char **argv);

/* The moments are the ends of system calls, which is where a signal is handled that comes during
 * one, or instructions, a system call being one. */
enum moment { AT_CALLS, AT_INSTRUCTIONS };

/* From here on the calling thread is watched: SIGUSR1 is raised at its moment of that number,
 * counted from 0, once. */
void tracer_arm(enum moment moment, int number);

/* The end of that. Async-signal-safe, as tracer_arm(). */
void tracer_disarm(void);

#endif
