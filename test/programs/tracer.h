/* SPDX-License-Identifier: MIT
 * A signal at a chosen moment: the program runs under a tracer, which raises SIGUSR1 in it. */
#ifndef TWPOOL_TEST_TRACER_H
#define TWPOOL_TEST_TRACER_H

/* To be called first in main(). The process becomes the tracer of a second one that executes the
 * same program with the same arguments, and ends as that one does; only the second one returns. It
 * needs the right to trace a child, ptrace(2). */
void tracer_start(char **argv);

/* SIGUSR1 is raised in the calling thread, once: after so many system calls, at the end of the last
 * (which is where a signal is handled that comes during one), and so many instructions, less than
 * 4096, a system call being one. */
void tracer_arm(int calls, int instructions);

/* The end of that. Async-signal-safe, as tracer_arm(). */
void tracer_disarm(void);

#endif
