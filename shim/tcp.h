/* SPDX-License-Identifier: MIT
 * What the kernel itself knows of a connection: it decides where the hooks can only suppose. */
#ifndef TWPOOL_SHIM_TCP_H
#define TWPOOL_SHIM_TCP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tcp_view {
    bool established;
    bool half_closed;  /* our FIN is sent, and the peer's has not come */
    bool heard_last;   /* the last bytes to move came in, to a tick of the kernel (1 to 10 ms) */
    bool has_unsent;   /* bytes wait to be sent, corked ones too, or to be acknowledged */
    uint64_t acked;    /* bytes that the peer has acknowledged, the SYN included (RFC 4898) */
    uint64_t received; /* bytes that have arrived in order, read or not */
};

/* TCP_INFO, tcp(7): 0.7 us. 0; -ENOSYS when the kernel is older than the counters (Linux 4.6); else
 * -errno, for fd is no TCP socket. All below are async-signal-safe and preserve errno. */
int tcp_look(int fd, struct tcp_view *view);

/* SO_COOKIE, Linux 4.6: the same across dup(2), never given to another socket. 0 on failure. */
uint64_t tcp_cookie(int fd);

/* Has a non-blocking connect() that has succeeded told so: the kernel says 0 to the first connect()
 * after it and EISCONN to all others, and the next user must find it at the latter. */
void tcp_settle_connect(int fd);

/* Bytes that have arrived and were not read, those after an urgent one left out (FIONREAD). */
size_t tcp_unread(int fd);

/* Looks at the next len bytes that have arrived; true when there are as many. */
bool tcp_peek(int fd, void *buf, size_t len);

/* Reads and drops what has arrived, most bytes at most. How many it was. */
size_t tcp_drop_unread(int fd, size_t most);

/* Its last close will be an RST, as one with bytes unread is. */
void tcp_set_abort(int fd);

/* FIN, and an RST at once: the descriptor is that of an unconnected socket then. No bytes of ours
 * may be on their way: the RST could overtake them. The peer reads what it was sent, and a normal
 * end; TIME_WAIT is left on neither side, unless the peer's FIN arrives between the two. */
void tcp_disconnect(int fd);

/* Whether the last close of this connection will be a clean one, tcp(7) TCP_LINGER2: FIN as always,
 * and once the peer has acknowledged all and the FIN, an RST in place of waiting for the peer's.
 * The peer reads all that was sent, and a normal end; TIME_WAIT is left on neither side, unless
 * both FINs cross. Where the peer has closed first it changes nothing. */
void tcp_set_clean_close(int fd, bool clean);

#endif
