/* SPDX-License-Identifier: MIT
 * What is left of a response that the application did not read: seen first, dropped only to park.
 */
#ifndef TWPOOL_SHIM_DRAIN_H
#define TWPOOL_SHIM_DRAIN_H

#include "conn.h"

#include <stdbool.h>
#include <stddef.h>

/* The rest of a response, as it lay in the receive queue. */
struct drain {
    size_t len;             /* bytes, never 0 */
    struct witness witness; /* the connection's, once it has seen them: IDLE */
};

/* Whether the response under way is all that is unread, has arrived to its end, and is within the
 * limit; *drain is then filled. Only peeks, and never waits: the connection is as it was. conn is
 * held and behind fd, and its witness says that a response was not read to its end. Both functions
 * are async-signal-safe and preserve errno. */
bool drain_look(const struct conn *conn, int fd, struct drain *drain);

/* Takes the bytes out of the queue, and conn's witness and count past them. fd must be behind a
 * number of ours, where nobody else reads. False when others are there, or fewer: somebody has read
 * unseen. */
bool drain_take(struct conn *conn, int fd, const struct drain *drain);

/* The close of conn, behind fd, becomes what libc's would have been with the bytes unread: an RST.
 */
void drain_abort(struct conn *conn, int fd);

#endif
