/* SPDX-License-Identifier: MIT
 * A copy of the witness reads ahead: bytes that are read away would turn libc's RST into a FIN. */
#include "drain.h"

#include "kernel.h"
#include "settings.h"
#include "tcp.h"

static bool is_whole(const struct conn *conn, int fd, struct drain *drain);

bool drain_look(const struct conn *conn, int fd, struct drain *drain)
{
    if (!conn->witness.protocol->finds_ends)
        return false;
    drain->len = tcp_unread(fd);
    if (drain->len == 0 || drain->len > settings()->drain_max)
        return false;
    /* An urgent byte stands in no queue, and after the peer's end there is nothing to keep. */
    if (kernel_poll_now(fd, POLLPRI | POLLRDHUP) != 0)
        return false;
    return is_whole(conn, fd, drain);
}

/* A peek always begins at the head of the queue: so all at once, and into a mapping, since the
 * caller's stack may be a signal handler's. */
static bool is_whole(const struct conn *conn, int fd, struct drain *drain)
{
    void *bytes = kernel_map(drain->len);
    if (bytes == NULL)
        return false;
    bool peeked = tcp_peek(fd, bytes, drain->len);
    drain->witness = conn->witness;
    if (peeked)
        witness_received(&drain->witness, bytes, drain->len);
    kernel_unmap(bytes, drain->len);
    return drain->witness.state == WITNESS_IDLE;
}

/* As many arrived in all as at the look, which the caller has seen; when as many are unread, too,
 * they are the same. */
bool drain_take(struct conn *conn, int fd, const struct drain *drain)
{
    if (tcp_unread(fd) != drain->len)
        return false;
    if (tcp_drop_unread(fd, drain->len) != drain->len) {
        drain_abort(conn, fd);
        return false;
    }
    conn->witness = drain->witness;
    conn->received += drain->len;
    return true;
}

void drain_abort(struct conn *conn, int fd)
{
    conn_set(conn, CONN_PLAIN_CLOSE);
    tcp_set_abort(fd);
}
