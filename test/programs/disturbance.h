/* SPDX-License-Identifier: MIT
 * What disturbs a program that has many connections: signals whose handler makes some of its own,
 * and children in every way there is. */
#ifndef TWPOOL_TEST_DISTURBANCE_H
#define TWPOOL_TEST_DISTURBANCE_H

#include <stdatomic.h>

struct disturbance {
    atomic_int signals, exchanges, children; /* so far */
    atomic_int wrong;                        /* exchanges, of handlers and children, gone wrong */
};

/* A thousand signals a second to the threads that do not block SIGALRM, and a thread that makes
 * children all the time. tagged_port is to be set. */
void disturbance_begin(struct disturbance *disturbance);

/* Returns when the last child has ended. */
void disturbance_end(void);

#endif
