/* SPDX-License-Identifier: MIT
 * A made-up pool, and the report that is written about it. */
#ifndef TWPOOL_TEST_UNIT_REPORT_H
#define TWPOOL_TEST_UNIT_REPORT_H

#include "../../shim/stats.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PID = 1234, CAPTURE_SIZE = 1 << 20 };

static struct pool pool;
static struct config config;
static char directory[64];
static char captured[CAPTURE_SIZE];

static inline void set_up(void)
{
    memset(&config, 0, sizeof config);
    pool_init(&pool, (struct pool_limits){16, 16});
    strcpy(directory, "/tmp/test_stats.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    snprintf(config.stats, sizeof config.stats, "%s/report", directory);
}

static inline void tear_down(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", directory);
    ck_assert_int_eq(system(command), 0);
}

static inline struct dest *see(const char *address, uint16_t port, enum rule rule)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    struct dest_key key;
    struct dest *dest;
    v6.sin6_scope_id = 3; /* counts for a link-local address only */
    if (inet_pton(AF_INET, address, &v4.sin_addr) == 1)
        ck_assert(dest_key_init(&key, AF_INET, (struct sockaddr *)&v4, sizeof v4));
    else if (inet_pton(AF_INET6, address, &v6.sin6_addr) == 1)
        ck_assert(dest_key_init(&key, AF_INET6, (struct sockaddr *)&v6, sizeof v6));
    else
        ck_abort_msg("%s is no address", address);
    dest = pool_dest(&pool, &key, (struct rule_choice){.rule = rule});
    ck_assert_ptr_nonnull(dest);
    return dest;
}

static inline void refuse(struct dest *dest, enum reason reason, uint64_t times)
{
    atomic_fetch_add(&dest->refused[reason], times);
    atomic_store(&dest->last_refusal, reason);
}

static inline const char *contents(const char *path)
{
    int fd = open(path, O_RDONLY);
    ssize_t len;
    ck_assert_msg(fd >= 0, "%s: %s", path, strerror(errno));
    len = read(fd, captured, sizeof captured - 1);
    ck_assert_int_ge(len, 0);
    captured[len] = '\0';
    close(fd);
    return captured;
}

static inline const char *report(void)
{
    stats_write(&pool, &config, PID, NULL);
    return contents(config.stats);
}

#endif
