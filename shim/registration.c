/* SPDX-License-Identifier: MIT
 * EPOLL_CTL_DEL before a number goes, and EPOLL_CTL_ADD after it has become another connection. */
#include "registration.h"

#include "call.h"
#include "fdinfo.h"
#include "fdtable.h"
#include "kernel.h"
#include "process.h"

/* What a registration may ask for and still be carried: EPOLLET among it. Not EPOLLONESHOT: one
 * that has fired is disarmed, EPOLLERR and EPOLLHUP included, and epoll_ctl() cannot make it so;
 * and an armed one could fire in another thread between our look at it and its end, and then again.
 * Not EPOLLEXCLUSIVE, which refuses EPOLL_CTL_MOD; not EPOLLWAKEUP, which asks for a capability. */
enum {
    CARRIED = EPOLLIN | EPOLLPRI | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLRDNORM | EPOLLRDBAND |
              EPOLLWRNORM | EPOLLWRBAND | EPOLLMSG | EPOLLRDHUP
};

/* Its set was closed since, which ends a registration. */
static bool is_over(const struct registration *registration)
{
    return registration->set == NULL || atomic_load(&registration->set->life) != registration->life;
}

/* The set is ours alone, and its number leads to it. The life is looked at last: a close changes it
 * before the number goes, so what was done through the number before this call was done to the set.
 */
static bool is_reachable(const struct registration *registration)
{
    struct epoll_set *set = registration->set;
    return fdtable_get(atomic_load(&set->fd)) == fd_entry_make(FD_EPOLL, set) &&
           !epoll_set_is_shared(set, process_epoch()) && !is_over(registration);
}

/* A registration that we may lose sight of would deliver the next user's events to this one. */
void registration_added(struct conn *conn, struct epoll_set *set, int fd)
{
    conn_set(conn, CONN_REGISTERED);
    if (conn_take_ended_set_waits(conn)) /* of sets whose place this one may take */
        call_note_time_out(conn);
    if (set == NULL || epoll_set_is_shared(set, process_epoch())) {
        conn_refuse(conn, REASON_EPOLL);
        return;
    }
    for (int i = 0; i < CONN_REGISTRATIONS; i++) {
        if (!is_over(&conn->registrations[i]))
            continue;
        atomic_store(&set->registered, true); /* first: its close looks at it */
        conn->registrations[i] = (struct registration){.set = set,
                                                       .life = atomic_load(&set->life),
                                                       .timeouts = atomic_load(&set->timeouts),
                                                       .fd = fd};
        return;
    }
    conn_refuse(conn, REASON_EPOLL);
}

void registration_deleted(struct conn *conn, struct epoll_set *set, int fd)
{
    if (conn_take_set_timeouts(conn))
        call_note_time_out(conn);
    for (int i = 0; i < CONN_REGISTRATIONS; i++) {
        struct registration *registration = &conn->registrations[i];
        if (registration->set != set || registration->fd != fd || is_over(registration))
            continue;
        *registration = (struct registration){0};
        return;
    }
}

bool registration_may_leave(const struct conn *conn, int fd)
{
    for (int i = 0; i < CONN_REGISTRATIONS; i++) {
        const struct registration *registration = &conn->registrations[i];
        if (!is_over(registration) && (registration->fd != fd || !is_reachable(registration)))
            return false;
    }
    return true;
}

bool registration_leave(struct conn *conn, int fd)
{
    for (int i = 0; i < CONN_REGISTRATIONS; i++) {
        struct registration *registration = &conn->registrations[i];
        if (!is_over(registration) &&
            (kernel_epoll_ctl(atomic_load(&registration->set->fd), EPOLL_CTL_DEL, fd, NULL) != 0 ||
             !is_reachable(registration)))
            return false;
        *registration = (struct registration){0};
    }
    return true;
}

bool carry_look(struct carry *carry, const struct conn *fresh, int fd)
{
    struct fdinfo_target target;
    carry->count = 0;
    if (!conn_has(fresh, CONN_REGISTERED))
        return true;
    uint64_t inode = kernel_inode(fd);
    for (int i = 0; i < CONN_REGISTRATIONS; i++) {
        const struct registration *registration = &fresh->registrations[i];
        if (is_over(registration))
            continue;
        int set_fd = atomic_load(&registration->set->fd);
        if (registration->fd != fd || !is_reachable(registration) || inode == 0 ||
            fdinfo_find(set_fd, fd, inode, &target) != 0 ||
            (target.events & ~((uint32_t)CARRIED | EPOLLET)) != 0)
            return false;
        carry->each[carry->count].registration = *registration;
        carry->each[carry->count].event =
            (struct epoll_event){.events = target.events, .data.u64 = target.data};
        carry->count++;
    }
    return true;
}

static int control(const struct carry *carry, int i, int operation, int fd, uint32_t events)
{
    const struct epoll_set *set = carry->each[i].registration.set;
    struct epoll_event event = {.events = events, .data = carry->each[i].event.data};
    return kernel_epoll_ctl(atomic_load(&set->fd), operation, fd, &event);
}

/* The kernel's key is (file, number), so the number can be registered only once it is the other
 * connection; and an EPOLL_CTL_ADD may fail (ENOMEM, ENOSPC), so until all have succeeded the new
 * socket stays open and in its sets. Both with their real masks could report twice in one
 * epoll_wait(). So: first an ADD that reports nothing of a sound connection, then the end of the
 * new socket, and then an EPOLL_CTL_MOD, which cannot fail, and which reports what is ready, once,
 * as the end of a real connect() does. */
bool carry_reserve(const struct carry *carry, int fd)
{
    for (int i = 0; i < carry->count; i++) {
        /* A set closed meanwhile: what the number led to may have been another. */
        if (control(carry, i, EPOLL_CTL_ADD, fd, 0) == 0 &&
            is_reachable(&carry->each[i].registration))
            continue;
        for (; i >= 0; i--)
            control(carry, i, EPOLL_CTL_DEL, fd, 0);
        return false;
    }
    return true;
}

void carry_finish(const struct carry *carry, struct conn *conn, int fd)
{
    for (int i = 0; i < carry->count; i++) {
        struct registration *registration = &conn->registrations[i];
        *registration = carry->each[i].registration;
        registration->timeouts = atomic_load(&registration->set->timeouts);
        conn_set(conn, CONN_REGISTERED);
        control(carry, i, EPOLL_CTL_MOD, fd, carry->each[i].event.events);
    }
}
