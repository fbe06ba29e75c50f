/* SPDX-License-Identifier: MIT
 * The kernel decides: a number is ours while the socket behind it is the one that we put there. */
#include "ours.h"

#include "fdtable.h"
#include "idle.h"
#include "process.h"
#include "tcp.h"

bool ours_is(int fd)
{
    fd_entry entry = fdtable_get(fd);
    if (fd_entry_kind(entry) != FD_OURS)
        return false;
    struct conn *conn = fd_entry_pointer(entry);
    if (tcp_cookie(fd) == conn->cookie)
        return true;
    /* A vfork child has closed only its own copy. And where the entry has changed, another thread
     * has taken the connection: it is not that number's any more, and none of this call's. */
    if (process_owns_pool() && fdtable_get(fd) == entry)
        idle_forget(conn);
    return false;
}
