/* SPDX-License-Identifier: MIT
 * The settings against 20,000 random values: understood, or complained of once. */
#include "settings.h"

#include <stdlib.h>

/* A small generator of our own: the same environments on every machine. */
static uint32_t next_random(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*seed >> 33);
}

/* What settings are made of, and what almost is. */
static const char *const pieces[] = {"on",
                                     "off",
                                     "clean",
                                     "auto",
                                     "raw",
                                     "http",
                                     "redis",
                                     "10.0.0.1",
                                     "[fd00::1]",
                                     "*",
                                     ":",
                                     "/",
                                     "=",
                                     ",",
                                     "80",
                                     "0",
                                     "1",
                                     "ms",
                                     "s",
                                     "m",
                                     ".",
                                     "%p",
                                     "%%",
                                     "%",
                                     "[",
                                     "]",
                                     " ",
                                     "stderr",
                                     "65536",
                                     "::",
                                     "\n",
                                     "*=off",
                                     "10.0.0.0/8:80=raw",
                                     "[fd00::]/64:*=off",
                                     "0.5"};

static void add_random_value(char *value, size_t size, uint64_t *seed)
{
    uint32_t shape = next_random(seed) % 8;
    size_t len = 0;
    if (shape == 0) { /* long garbage */
        len = next_random(seed) % (size - 1);
        for (size_t i = 0; i < len; i++)
            value[i] = (char)(next_random(seed) % 255 + 1);
    } else if (shape == 1) { /* one letter, often too many times */
        len = next_random(seed) % (size - 1);
        memset(value, "x0[,*%"[next_random(seed) % 6], len);
    } else {
        for (uint32_t count = next_random(seed) % (shape < 6 ? 5 : 40); count > 0; count--) {
            const char *piece = pieces[next_random(seed) % (sizeof pieces / sizeof pieces[0])];
            len += (size_t)snprintf(value + len, size - len, "%s", piece);
        }
    }
    value[len] = '\0';
}

START_TEST(random_environments_are_understood_or_complained_of_once)
{
    static const char *const names[] = {
        "TWPOOL",          "TWPOOL_CLOSE",        "TWPOOL_LOG",   "TWPOOL_MAX_IDLE_PER_DEST",
        "TWPOOL_MAX_IDLE", "TWPOOL_IDLE_TIMEOUT", "TWPOOL_STATS", "TWPOOL_MAX_AGE",
        "TWPOOL_RULES",    "TWPOOL_RULE"};
    enum { NAMES = sizeof names / sizeof names[0], ROUNDS = 20000 };
    enum { VALUE_SIZE = 5000 }; /* longer than STATS_PATH_MAX */
    char *value = malloc(VALUE_SIZE);
    uint64_t seed = 20240601;
    int good = 0, bad = 0;

    for (int round = 0; round < ROUNDS; round++) {
        const char *name = names[round % NAMES];
        struct config defaults;
        add_random_value(value, VALUE_SIZE, &seed);
        size_t size = strlen(name) + 1 + strlen(value) + 1;
        char *entry = malloc(size);
        snprintf(entry, size, "%s=%s", name, value);

        read_all(NULL);
        defaults = config;
        read_one(entry);
        ck_assert_int_le(complaints, 1);
        if (complaints == 1) {
            ck_assert_ptr_eq(strstr(last_complaint, name), last_complaint);
            defaults.stats[0] = config.stats[0];
            memcpy(defaults.rules, config.rules, sizeof defaults.rules); /* unused: count is 0 */
            ck_assert_mem_eq(&config, &defaults, sizeof config);
        }
        ck_assert_uint_le(config.rule_count, RULES_MAX);
        ck_assert_ptr_nonnull(memchr(config.stats, '\0', sizeof config.stats));
        rule_of("10.0.0.1", 80);
        rule_of("fd00::1", 80);
        good += complaints == 0;
        bad += complaints == 1;
        free(entry);
    }
    free(value);
    /* The generator must reach both sides, or it proves nothing. */
    ck_assert_int_gt(good, ROUNDS / 20);
    ck_assert_int_gt(bad, ROUNDS / 20);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("config_fuzz");
    TCase *fuzz = tcase_create("fuzz");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_test(fuzz, random_environments_are_understood_or_complained_of_once);
    tcase_set_timeout(fuzz, 120); /* seconds, under the sanitizers and on a busy machine */
    suite_add_tcase(suite, fuzz);

    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
