/* SPDX-License-Identifier: MIT
 * This process's pool: parking, taking out, and ending what idles too long. */
#ifndef TWPOOL_SHIM_IDLE_H
#define TWPOOL_SHIM_IDLE_H

#include "config.h"
#include "conn.h"

/* Only for the owner of the pool (process.h), with signals blocked, unless it says otherwise: no
 * handler may then meet our locks. All preserve errno. */

void idle_start(const struct config *config);

/* The destination of a key, and its rule: interned at first sight; NULL beyond the limits. */
struct dest *idle_dest(const struct dest_key *key);

/* Parks conn behind conn->hidden_fd, which the table shows as ours. The life must have ended, and
 * the application have no descriptor of it. On anything but REASON_NONE it is still the caller's.
 */
enum reason idle_park(struct conn *conn, uint64_t now_ms);

/* An idle connection that nothing at all was heard of since it was parked, or NULL. The caller owns
 * it. Those found stale on the way are retired. */
struct conn *idle_take(struct dest *dest, uint64_t now_ms);

/* Ends an idle connection that the caller owns, by a clean close unless TWPOOL_CLOSE is plain. Its
 * descriptor and record are gone. */
void idle_retire(struct conn *conn, enum reason reason);

/* Ends a connection that was on its way into the pool: its descriptor is closed as it is; its
 * record is freed unless free is false. */
void idle_drop(struct conn *conn, bool free);

/* Gives up the number of ours behind a record that stays: conn->hidden_fd is -1 then. */
void idle_unhide(struct conn *conn);

/* Takes out and retires the connection that idles behind fd, because the application uses that
 * number. Waits for another thread that has just taken it. Blocks signals itself. */
void idle_evict_descriptor(int fd);

/* fd was closed behind our back and has become something else: its record is dropped, and nothing
 * is closed. */
void idle_forget(struct conn *conn);

/* Retires what is past its limits, and ends deferred closes that are due, a few at a time. True
 * when there may be more. */
bool idle_sweep(uint64_t now_ms);

/* No idle connection is past its limits before this, UINT64_MAX when there is none. A few loads; by
 * anyone, also before idle_start(). */
uint64_t idle_deadline_ms(void);

/* Retires the longest idle one, to give a descriptor back. False when none was idle. */
bool idle_make_room(void);

/* Retires everything. Blocks signals itself. */
void idle_flush(enum reason reason);

/* In a new child: closes the copies of our descriptors, without a word to the peers, and forgets
 * every connection. */
void idle_abandon(void);

/* For the statistics, at exit. */
struct pool *idle_pool(void);

#endif
