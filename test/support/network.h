/* SPDX-License-Identifier: MIT
 * Private network namespaces for the tests, and what the kernel counts in them. */
#ifndef TWPOOL_TEST_NETWORK_H
#define TWPOOL_TEST_NETWORK_H

#include <stdint.h>

/* A namespace is named by a descriptor of it, and lives until the test ends. All of them need the
 * right to make namespaces (CAP_SYS_ADMIN) and to configure them (CAP_NET_ADMIN): without it the
 * test fails, and says so. In all of them tcp_tw_reuse is 0, so that TIME_WAIT hurts as it does
 * between two machines. */

/* A namespace of its own with nothing but lo; the test itself moves there. */
int network_private(void);

/* Two namespaces that reach one another, at these addresses. The test moves to the client's. */
#define CLIENT_ADDRESS "10.77.0.1"
#define SERVER_ADDRESS "10.77.0.2"

struct network_pair {
    int client, server;
};

/* Joined by a veth pair: no delay. */
struct network_pair network_pair(void);

/* Joined by a relay that holds each packet back for so long, each way: a round trip takes twice
 * that. */
struct network_pair network_pair_delayed(int delay_us);

/* The same, and no packet arrives sooner than gap_us after the one before it, as on a slow line. */
struct network_pair network_pair_slow(int delay_us, int gap_us);

/* Moves the test (and what it starts from now on) into a namespace. */
void network_enter(int network);

/* Sockets in TIME_WAIT, as ss counts them. */
unsigned network_time_wait(int network);

/* Connections that listening sockets of the namespace have accepted so far (TcpPassiveOpens), or
 * that were opened from it (TcpActiveOpens). */
unsigned network_accepted(int network);
unsigned network_opened(int network);

/* Narrows the range of local ports. */
void network_port_range(int network, unsigned first, unsigned last);

/* Waits until something listens on the port, ten seconds at most. */
void network_await_listener(int network, uint16_t port);

#endif
