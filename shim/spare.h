/* SPDX-License-Identifier: MIT
 * Sockets that a hand-out has replaced before anything was done with them: the next socket().
 * Making and dropping one costs 5 us, more than the rest of a pooled connect(). */
#ifndef TWPOOL_SHIM_SPARE_H
#define TWPOOL_SHIM_SPARE_H

#include "conn.h"

/* Only for the owner of the pool, with signals blocked. All preserve errno and take no lock. */

/* Whether a socket is as it was made: no option, name or flag was given to it. */
bool spare_is_pristine(const struct conn *fresh);

/* Keeps a pristine socket behind fresh->hidden_fd, which the table shows as ours; the life must
 * have ended. When there are enough of them it is dropped. */
void spare_keep(struct conn *fresh);

/* A new descriptor, the lowest free one, of a kept socket of the family that was made in this
 * epoch; with the status flags O_RDWR and, where `type` has SOCK_NONBLOCK, O_NONBLOCK, and
 * FD_CLOEXEC where it has SOCK_CLOEXEC. Stores its SO_COOKIE. -1 when there is none. socket(2). */
int spare_take(int family, int type, uint32_t epoch, uint64_t *cookie);

/* Drops the one behind this record, or any; false when there is none. */
bool spare_drop(struct conn *fresh);
bool spare_drop_any(void);

/* In a new child, whose copies are closed already. */
void spare_forget_all(void);

#endif
