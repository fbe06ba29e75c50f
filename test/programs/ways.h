/* SPDX-License-Identifier: MIT
 * Every hooked way of letting time pass, under one signature. */
#ifndef TWPOOL_TEST_WAYS_H
#define TWPOOL_TEST_WAYS_H

#include <stdbool.h>
#include <stdint.h>

/* Connections that the idle limit of these tests (50 ms) ends while a wait lasts. */
void leave_idle(uint16_t port, int count);

/* Lets time pass by a way that the library does not see. */
void pause_unseen(int ms);

struct way {
    const char *name;
    /* Waits so long, on fd for being readable where the way can (-1: on nothing). What the call
     * returned, with its errno; clock_nanosleep() as one that has errno. */
    int (*wait)(int fd, int ms);
    bool watches; /* it can wait on a descriptor */
};

extern const struct way ways[];
extern const int way_count;

/* What the last wait by it left: of sleeps that tell, the time left in ms; else -1. */
extern _Thread_local int left_ms;

/* Connections to that port that are established, as the kernel lists them. */
int open_connections(uint16_t port);

/* CLOCK_MONOTONIC. */
double now_ms(void);

#endif
