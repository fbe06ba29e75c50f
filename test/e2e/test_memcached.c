/* SPDX-License-Identifier: MIT
 * Clients of a real memcached that open a connection for each question, without a rule. */
#include "../support/network.h"
#include "../support/server.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

enum { LIMIT_S = 60, ROUNDS = 200 };

static struct network_pair net;

static void start_memcached(void)
{
    net = network_pair();
    server_memcached(net.server);
}

/* What a run showed, and of how many connections its server knew. */
struct seen {
    struct outcome client;
    unsigned accepted;
};

static struct seen see(struct command command, bool preload)
{
    unsigned before = network_accepted(net.server);
    command.network = net.client;
    command.preload = preload;
    command.settings[0] = preload ? "TWPOOL_STATS=stderr" : NULL;
    struct seen seen = {.client = run(&command, LIMIT_S)};
    ck_assert_msg(seen.client.status == 0 && !seen.client.timed_out, "status %d: %s%s",
                  seen.client.status, seen.client.out, seen.client.err);
    seen.accepted = network_accepted(net.server) - before;
    return seen;
}

static unsigned lines_before(const char *output, const char *line)
{
    const char *end = strstr(output, line);
    ck_assert_msg(end != NULL, "no \"%s\" in %s", line, output);
    unsigned lines = 0;
    for (const char *at = output; at < end; at++)
        lines += *at == '\n';
    return lines;
}

static struct command sessions(const char *protocol)
{
    return (struct command){.argv = {"/usr/bin/python3", script_path("memcached_sessions.py"),
                                     protocol, SERVER_ADDRESS, text("%d", MEMCACHED_PORT)}};
}

/* A fresh server each, since what is stored shows. */
static void assert_same_answers(const char *protocol, unsigned shared, unsigned private,
                                const char *reasons[])
{
    start_memcached();
    struct seen plain = see(sessions(protocol), false);
    start_memcached();
    struct seen pooled = see(sessions(protocol), true);
    ck_assert_uint_gt(lines_before(plain.client.out, "private"), shared - 1);
    ck_assert_str_eq(pooled.client.out, plain.client.out);
    ck_assert_uint_eq(plain.accepted, shared + private + 1);
    ck_assert_msg(pooled.accepted == private + 1, "%u accepted: %s", pooled.accepted,
                  pooled.client.err);
    for (; *reasons != NULL; reasons++)
        ck_assert_msg(strstr(pooled.client.err, *reasons) != NULL, "no %s: %s", *reasons,
                      pooled.client.err);
}

START_TEST(each_kind_of_text_session_is_answered_alike_and_reused_or_not)
{
    const char *reasons[] = {"state 3 ", "quiet 2 ", "malformed 2 ", "request-incomplete 1 ", NULL};
    assert_same_answers("text", 26, 8, reasons);
}
END_TEST

START_TEST(each_kind_of_binary_session_is_answered_alike_and_reused_or_not)
{
    const char *reasons[] = {"state 2 ", "quiet 1 ", NULL};
    assert_same_answers("binary", 15, 3, reasons);
}
END_TEST

START_TEST(pymemcache_in_a_loop_takes_one_connection)
{
    struct command command = {.argv = {"/usr/bin/python3", script_path("memcached_pymemcache.py"),
                                       SERVER_ADDRESS, text("%d", MEMCACHED_PORT),
                                       text("%d", ROUNDS)}};
    start_memcached();
    struct seen plain = see(command, false);
    start_memcached();
    struct seen pooled = see(command, true);
    ck_assert_uint_eq(occurrences(plain.client.out, "\n"), ROUNDS);
    ck_assert_str_eq(pooled.client.out, plain.client.out);
    ck_assert_uint_eq(plain.accepted, ROUNDS);
    ck_assert_msg(pooled.accepted == 1, "%u accepted: %s", pooled.accepted, pooled.client.err);
}
END_TEST

START_TEST(under_the_rule_memcache_the_same_is_reused)
{
    struct command command = {.argv = {"/usr/bin/python3", script_path("memcached_pymemcache.py"),
                                       SERVER_ADDRESS, text("%d", MEMCACHED_PORT), "20"},
                              .settings = {NULL, "TWPOOL_RULES=*:11211=memcache"}};
    start_memcached();
    struct seen pooled = see(command, true);
    ck_assert_uint_eq(occurrences(pooled.client.out, "\n"), 20);
    ck_assert_uint_eq(pooled.accepted, 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("memcached");
    TCase *tests = tcase_create("memcached");
    tcase_set_timeout(tests, 4 * LIMIT_S);
    tcase_add_test(tests, each_kind_of_text_session_is_answered_alike_and_reused_or_not);
    tcase_add_test(tests, each_kind_of_binary_session_is_answered_alike_and_reused_or_not);
    tcase_add_test(tests, pymemcache_in_a_loop_takes_one_connection);
    tcase_add_test(tests, under_the_rule_memcache_the_same_is_reused);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
