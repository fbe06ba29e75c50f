/* SPDX-License-Identifier: MIT
 * Reads settings as the constructor does, and counts what is complained of. */
#ifndef TWPOOL_TEST_UNIT_SETTINGS_H
#define TWPOOL_TEST_UNIT_SETTINGS_H

#include "../../shim/config.h"

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COMPLAINT_MAX_LEN = 511 };

static struct config config;
static int complaints;
static char last_complaint[COMPLAINT_MAX_LEN + 1];

static inline void note_complaint(void *context, const char *line)
{
    ck_assert_ptr_eq(context, &config);
    ck_assert_uint_le(strlen(line), COMPLAINT_MAX_LEN);
    for (const char *c = line; *c != '\0'; c++)
        ck_assert_msg(*c >= ' ' && *c <= '~', "byte %d in a complaint", *c);
    strcpy(last_complaint, line);
    complaints++;
}

static inline void read_all(char **environment)
{
    complaints = 0;
    last_complaint[0] = '\0';
    memset(&config, 0xa5, sizeof config); /* nothing may be left unset */
    config_read(&config, environment, 1 << 20, note_complaint, &config);
}

/* From a copy that ends where its memory ends: under ASan one byte too far is seen. */
static inline void read_one(const char *entry)
{
    char *copy = strdup(entry);
    char *environment[] = {"HOME=/root", copy, NULL};
    ck_assert_ptr_nonnull(copy);
    read_all(environment);
    free(copy); /* config_read() keeps nothing of it */
}

static inline void assert_accepted(const char *entry)
{
    read_one(entry);
    ck_assert_msg(complaints == 0, "%s: %s", entry, last_complaint);
}

/* One complaint, which names the variable and this part of its value. */
static inline void assert_refused(const char *entry, const char *offending)
{
    char name[64] = "", quoted[128];
    read_one(entry);
    ck_assert_msg(complaints == 1, "%s: %d complaints", entry, complaints);
    strncat(name, entry, strcspn(entry, "="));
    strcat(name, " ");
    ck_assert_msg(strncmp(last_complaint, name, strlen(name)) == 0, "%s: %s", entry,
                  last_complaint);
    snprintf(quoted, sizeof quoted, "\"%s\"", offending);
    ck_assert_msg(strstr(last_complaint, quoted) != NULL, "%s: %s", entry, last_complaint);
    ck_assert_ptr_nonnull(strstr(last_complaint, "accepted: "));
}

static inline void assert_defaults(void)
{
    ck_assert(config.enabled);
    ck_assert_int_eq(config.close, CLOSE_CLEAN);
    ck_assert_int_eq(config.log, LOG_AUTO);
    ck_assert_int_eq(config.reaper, REAPER_OFF);
    ck_assert(config.deepbind);
    ck_assert_uint_eq(config.max_idle, 1024);
    ck_assert_uint_eq(config.max_idle_per_dest, 256);
    ck_assert_uint_eq(config.idle_timeout_ms, 2000);
    ck_assert_uint_eq(config.max_age_ms, 60000);
    ck_assert_uint_eq(config.drain_max, 65536);
    ck_assert(!config.idle_timeout_is_set);
    ck_assert_str_eq(config.stats, "");
    ck_assert_uint_eq(config.rule_count, 0);
}

static inline enum rule rule_of(const char *address, uint16_t port)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    struct dest_key key;
    if (inet_pton(AF_INET, address, &v4.sin_addr) == 1) {
        ck_assert(dest_key_init(&key, AF_INET, (struct sockaddr *)&v4, sizeof v4));
        return config_rule(&config, &key).rule;
    }
    ck_assert_int_eq(inet_pton(AF_INET6, address, &v6.sin6_addr), 1);
    ck_assert(dest_key_init(&key, AF_INET6, (struct sockaddr *)&v6, sizeof v6));
    return config_rule(&config, &key).rule;
}

#endif
