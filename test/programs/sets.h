/* SPDX-License-Identifier: MIT
 * What the programs about epoll share. */
#ifndef TWPOOL_TEST_SETS_H
#define TWPOOL_TEST_SETS_H

#include "program.h"

#include <sys/epoll.h>

/* A new epoll set; broken() without one. */
int new_set(void);

/* epoll_ctl(); its result. */
int control(int set, int operation, int fd, uint32_t events, uint64_t data);

/* EPOLL_CTL_ADD; broken() when it fails. */
void add(int set, int fd, uint32_t events, uint64_t data);

/* Writes what one epoll_wait() reports, in the order of the data. Returns its result. */
int show_events(int set, int timeout_ms);

/* A connection with one exchange behind it. */
int used(uint16_t port);

/* A life of a connection that registers nothing, at fd, the number of the last one: its reply is no
 * event of the set. */
void live_unregistered(uint16_t port, int set, int fd);

/* The body of main(): plays what argv[1] names, or without it every play, each in a process of its
 * own and under its name. */
int play_or_all(int argc, char **argv, const struct play *plays, size_t count);

#endif
