/* SPDX-License-Identifier: MIT
 * A connection's registrations in epoll sets: out of them at a release, carried over at a hand-out.
 */
#ifndef TWPOOL_SHIM_REGISTRATION_H
#define TWPOOL_SHIM_REGISTRATION_H

#include "conn.h"

#include <sys/epoll.h>

/* Nothing here matters to a connection without CONN_REGISTERED. All are async-signal-safe and
 * preserve errno. */

/* EPOLL_CTL_ADD or EPOLL_CTL_DEL of fd, a number of conn's, has succeeded on a set; NULL: one that
 * we do not know. Under the lock of conn. */
void registration_added(struct conn *conn, struct epoll_set *set, int fd);
void registration_deleted(struct conn *conn, struct epoll_set *set, int fd);

/* For a conn that the caller holds, whose last number fd is. Whether registration_leave() would
 * succeed: each registration is under fd itself (-1: there is none at all), in a set that this
 * process alone has, by one known number. */
bool registration_may_leave(const struct conn *conn, int fd);

/* Takes fd out of every set. On false it may still be in some: its real close must follow, or its
 * registrations be lost. */
bool registration_leave(struct conn *conn, int fd);

/* What a new socket's registrations are when its number becomes another connection. */
struct carry {
    int count;
    struct {
        struct registration registration;
        struct epoll_event event;
    } each[CONN_REGISTRATIONS];
};

/* Before the number is replaced; the caller holds fresh, whose only number fd is. False when one
 * cannot be carried: nothing has happened then. */
bool carry_look(struct carry *carry, const struct conn *fresh, int fd);

/* fd is the other connection now, and the new socket open behind a number of ours: registers fd,
 * silently. On false nothing is registered, and the new socket's registrations are as they were:
 * they count again once the number is its own. */
bool carry_reserve(const struct carry *carry, int fd);

/* The new socket is closed, and with it its registrations: those of fd begin, noted in conn, which
 * the caller owns. */
void carry_finish(const struct carry *carry, struct conn *conn, int fd);

#endif
