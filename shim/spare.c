/* SPDX-License-Identifier: MIT
 * A few slots, each emptied by an exchange: whoever gets the record owns it. */
#include "spare.h"

#include "fdtable.h"
#include "idle.h"
#include "kernel.h"
#include "process.h"
#include "tcp.h"

enum { SPARES = 4 }; /* one for each thread that connects at this moment; a miss costs a socket() */

static _Atomic(struct conn *) spares[SPARES];

bool spare_is_pristine(const struct conn *fresh)
{
    return atomic_load(&fresh->options) == 0 && atomic_load(&fresh->flags) == 0 &&
           atomic_load(&fresh->refusal) == REASON_NONE;
}

void spare_keep(struct conn *fresh)
{
    for (int i = 0; i < SPARES; i++) {
        struct conn *none = NULL;
        if (!atomic_compare_exchange_strong(&spares[i], &none, fresh))
            continue;
        if (!process_is_pooling()) /* nobody would come for it */
            spare_drop(fresh);
        return;
    }
    idle_drop(fresh, true);
}

bool spare_drop(struct conn *fresh)
{
    for (int i = 0; i < SPARES; i++) {
        struct conn *kept = fresh;
        if (atomic_compare_exchange_strong(&spares[i], &kept, NULL)) {
            idle_drop(fresh, true);
            return true;
        }
    }
    return false;
}

bool spare_drop_any(void)
{
    for (int i = 0; i < SPARES; i++) {
        struct conn *kept = atomic_exchange(&spares[i], NULL);
        if (kept != NULL) {
            idle_drop(kept, true);
            return true;
        }
    }
    return false;
}

static struct conn *take_record(int family, uint32_t epoch)
{
    for (int i = 0; i < SPARES; i++) {
        struct conn *kept = atomic_exchange(&spares[i], NULL); /* ours before it is looked at */
        if (kept == NULL)
            continue;
        if (atomic_load(&kept->epoch) != epoch) {
            idle_drop(kept, true); /* a child may hold it, or it was made under another identity */
            continue;
        }
        if (kept->family == family)
            return kept;
        spare_keep(kept);
    }
    return NULL;
}

int spare_take(int family, int type, uint32_t epoch, uint64_t *cookie)
{
    struct conn *kept = take_record(family, epoch);
    if (kept == NULL)
        return -1;
    int duplicate = (type & SOCK_CLOEXEC) != 0 ? F_DUPFD_CLOEXEC : F_DUPFD;
    int fd = kernel_fcntl(kept->hidden_fd, duplicate, 0);
    /* It must still be what was kept, and is the application's alone once ours is closed. */
    if (fd < 0 || tcp_cookie(fd) != kept->cookie ||
        kernel_fcntl(fd, F_SETFL, O_RDWR | (type & SOCK_NONBLOCK)) < 0) {
        if (fd >= 0)
            kernel_close(fd);
        idle_drop(kept, true);
        return -1;
    }
    *cookie = kept->cookie;
    kernel_close(kept->hidden_fd);
    fdtable_replace(kept->hidden_fd, fd_entry_make(FD_OURS, kept), 0);
    conn_free(kept);
    return fd;
}

void spare_forget_all(void)
{
    for (int i = 0; i < SPARES; i++)
        atomic_store(&spares[i], NULL);
}
