/* SPDX-License-Identifier: MIT
 * Destinations by number, for tests that care for nothing else about them. */
#ifndef TWPOOL_TEST_UNIT_DESTS_H
#define TWPOOL_TEST_UNIT_DESTS_H

#include "../../shim/pool.h"

#include <arpa/inet.h>
#include <netinet/in.h>

enum { FIRST_ADDRESS = 0x0a000000 }; /* 10.0.0.0 */

/* The destination 10.x.y.z:80 whose address is that many after 10.0.0.0; NULL as pool_dest(). Makes
 * no assertion, so any thread may call it. */
static inline struct dest *dest_number(struct pool *pool, uint32_t number)
{
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons(80)};
    struct dest_key key;

    addr.sin_addr.s_addr = htonl(FIRST_ADDRESS + number);
    if (!dest_key_init(&key, AF_INET, (struct sockaddr *)&addr, sizeof addr))
        return NULL;
    return pool_dest(pool, &key, (struct rule_choice){.rule = RULE_AUTO});
}

#endif
