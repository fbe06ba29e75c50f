/* SPDX-License-Identifier: MIT
 * A destination: everything that makes two connections interchangeable before a byte is sent. */
#ifndef TWPOOL_SHIM_DEST_H
#define TWPOOL_SHIM_DEST_H

#include "text.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

/* The key of the pool. Hashed and compared as bytes: always start from dest_key_init(), which
 * zeroes it, padding included. Addresses and ports are in network byte order. */
struct dest_key {
    uint64_t net_namespace; /* SO_NETNS_COOKIE, once the process has changed namespaces, else 0 */
    uint8_t address[16];    /* AF_INET: the first 4 bytes; a mapped address stays an AF_INET6 one */
    uint8_t local_address[16]; /* what the application bound, zero for none */
    uint32_t scope_id;         /* AF_INET6 link-local: the interface */
    uint32_t mark;             /* SO_MARK, where set before connect */
    int32_t receive_buffer,
        send_buffer; /* SO_RCVBUF, SO_SNDBUF, where set before connect, else 0 */
    uint16_t family; /* of the socket */
    uint16_t port;
    uint16_t v6only; /* IPV6_V6ONLY */
    uint8_t tos,
        tclass;      /* IP_TOS, IPV6_TCLASS, where set before connect: routes may differ by it */
    char device[16]; /* SO_BINDTODEVICE (IFNAMSIZ), where set */
    char congestion[16]; /* TCP_CONGESTION (TCP_CA_NAME_MAX), where set */
};

/* Fills the key from what connect() was given, all other fields zero. False when it is not an
 * address that the pool serves: a family other than AF_INET or AF_INET6, or other than the
 * socket's, an address too short for it, port 0, or a flow label. Pure; async-signal-safe.
 * connect(2), ip(7), ipv6(7). */
bool dest_key_init(struct dest_key *key, int socket_family, const struct sockaddr *addr,
                   socklen_t addr_len);

bool dest_key_equal(const struct dest_key *a, const struct dest_key *b);

/* The same family, address, scope and port, whatever the sockets' options. */
bool dest_key_same_peer(const struct dest_key *a, const struct dest_key *b);

/* True for an IPv4-mapped address (::ffff:a.b.c.d) in an AF_INET6 key. */
bool dest_key_is_mapped(const struct dest_key *key);

/* In host byte order. */
uint16_t dest_key_port(const struct dest_key *key);

/* Appends an address as it stands in a key, without brackets, scope or port. */
void dest_address_format(uint16_t family, const uint8_t address[16], struct text *text);

/* Appends "10.0.0.1:80" or "[fd00::1]:80" (RFC 5952, with %scope where there is one). */
void dest_key_format(const struct dest_key *key, struct text *text);

#endif
