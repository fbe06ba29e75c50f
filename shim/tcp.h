/* SPDX-License-Identifier: MIT
 * What the kernel itself knows of a connection: it decides where the hooks can only suppose. */
#ifndef TWPOOL_SHIM_TCP_H
#define TWPOOL_SHIM_TCP_H

#include <stdbool.h>
#include <stdint.h>

struct tcp_view {
    bool established;
    uint64_t acked;    /* bytes that the peer has acknowledged, the SYN included (RFC 4898) */
    uint64_t received; /* bytes that have arrived in order, read or not */
};

/* TCP_INFO, tcp(7): 0.7 us. False when fd is no TCP socket, or the kernel is older than the byte
 * counters (Linux 4.2). All below are async-signal-safe and preserve errno. */
bool tcp_look(int fd, struct tcp_view *view);

/* SO_COOKIE, Linux 4.6: the same across dup(2), never given to another socket. 0 on failure. */
uint64_t tcp_cookie(int fd);

/* Bytes that have arrived and were not read (FIONREAD). */
bool tcp_has_unread(int fd);

/* Makes the close that follows a clean one, tcp(7) TCP_LINGER2: FIN as always, and once the peer has
 * acknowledged all and the FIN, an RST in place of waiting for the peer's. The peer reads all that
 * was sent, and a normal end; TIME_WAIT is left on neither side, unless both FINs cross. Nothing
 * happens while another process holds the socket. */
void tcp_prepare_clean_close(int fd);

#endif
