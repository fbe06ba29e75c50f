/* SPDX-License-Identifier: MIT
 * The verdict on a logical close: park, wait for the peer, clean close, or leave it to libc. */
#ifndef TWPOOL_SHIM_PARKING_H
#define TWPOOL_SHIM_PARKING_H

#include "conn.h"
#include "fdtable.h"
#include "release.h"

#include <stdbool.h>

/* How the application's number goes: closed, overwritten by a duplicate of source, or by stdio. */
struct departure {
    int fd;
    enum overwrite how;
    struct stream_end *end; /* stdio's, else NULL */
    int source;             /* what overwrites it */
    int flags;              /* dup3's */
};

/* Or as good as: it goes whatever the result. */
static inline bool departure_is_close(const struct departure *departure)
{
    return departure->how != BY_DUP2 && departure->how != BY_DUP3;
}

/* What has become of the application's number once a release has looked at it. */
enum outcome {
    LEFT,   /* it is gone, and the call's result is known */
    REMAINS /* the real call is still to be made */
};

/* Decides, and does it. conn is held, in this process' hands alone, and behind departure->fd, whose
 * entry this is; signals are blocked. Afterwards its life is over. REMAINS: the number is still to
 * be closed, really. */
enum outcome parking_release(struct conn *conn, fd_entry entry, const struct departure *departure);

/* The application's number is about to go by a real call, and this life, which we hold, with it. */
void parking_end_here(struct conn *conn, fd_entry entry, int fd);

/* Under which the close is counted: none where no connect() was, or all have failed. */
struct dest *parking_counted_dest(const struct conn *conn);

#endif
