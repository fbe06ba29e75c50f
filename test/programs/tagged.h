/* SPDX-License-Identifier: MIT
 * Exchanges that carry their own number, so that an answer to another's question shows. */
#ifndef TWPOOL_TEST_TAGGED_H
#define TWPOOL_TEST_TAGGED_H

#include "program.h"

/* Of a SERVICE_HTTP; set before anything else here is called. All may be called by a signal
 * handler. */
extern uint16_t tagged_port;

/* Descriptors that the process may have when it verifies: its own, and what a pool keeps. */
extern int tagged_open_most;

/* The next tag: no two are the same in this process. */
int tagged_next(void);

/* Writes the request, terminated, and returns its length. */
enum { TAGGED_REQUEST_MAX = 100, TAGGED_RESPONSE_MAX = 300 };
int tagged_request(char *bytes, size_t size, int tag);
void tagged_send(int fd, int tag);

/* What was received, of at most TAGGED_RESPONSE_MAX - 1 bytes: "answered", "end", the name of errno
 * after a -1, or "ANOTHER'S ANSWER". */
const char *tagged_judge(char *bytes, ssize_t len, int tag);
const char *tagged_receive(int fd, int tag, int flags);

/* A whole exchange under a new tag. */
const char *tagged_exchange(int fd);

/* A new blocking connection; broken() when there is none. */
int tagged_connect(void);

/* Whatever has happened: "well" when two new connections at once are two, each answers what it is
 * asked, and the process has not more than tagged_open_most descriptors. Else the trouble, in
 * capitals. */
const char *tagged_verify(void);

#endif
