/* SPDX-License-Identifier: MIT
 * Socket options: which can be carried to another life, which belong to the key, which end reuse.
 */
#ifndef TWPOOL_SHIM_OPTIONS_H
#define TWPOOL_SHIM_OPTIONS_H

#include "conn.h"
#include "dest.h"

#include <stdbool.h>
#include <sys/socket.h>

/* All are async-signal-safe and preserve errno. socket(7), tcp(7), ip(7), ipv6(7). */

/* The application has set this option, with success. What cannot be restored makes the connection
 * private. The caller is inside a call on conn. */
void options_noted(struct conn *conn, int fd, int level, int name, const void *value,
                   socklen_t len);

/* The application has read this option, with success: where we have set it to another value, puts
 * the application's own there. */
void options_shown(const struct conn *conn, int level, int name, void *value, socklen_t len);

/* The kernel has told the application ENOTCONN: true when that is our doing, and what the
 * application would have read is now in value and *len. */
bool options_shown_instead(const struct conn *conn, int fd, int level, int name, void *value,
                           socklen_t *len);

/* Fills the parts of the key that are options of the new socket. False when they cannot be told:
 * then nothing may be reused. */
bool options_key(const struct conn *fresh, int fresh_fd, struct dest_key *key);

/* Gives the idle connection the options of the new socket: those that either of them was ever
 * given; what neither was given is at its default on both. False when the kernel refused one: the
 * connection must then be retired. */
bool options_dress(struct conn *idle, int idle_fd, const struct conn *fresh, int fresh_fd);

/* SO_LINGER is on, though the application was not seen to set it: a close of ours would linger. One
 * system call. */
bool options_linger_unseen(const struct conn *conn, int fd);

/* Whether what the kernel says of the options leaves the connection fit for another user. Those
 * that could make that one wait for ever, lose data or give up must be as the calls that we saw
 * have left them: others may have been made around us. The connection's life must have ended. Three
 * system calls, 1 us. */
bool options_allow_reuse(const struct conn *conn, int fd);

/* SO_RCVTIMEO was set: EAGAIN may mean a time-out. */
bool options_has_receive_timeout(const struct conn *conn);

#endif
