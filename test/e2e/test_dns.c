/* SPDX-License-Identifier: MIT
 * Resolvers that ask a real DNS server over TCP, a connection for each question, without a rule. */
#include "../support/network.h"
#include "../support/server.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

enum { LIMIT_S = 60, QUERIES = 200, MORE = 20 /* connections that the script opens by hand */ };
/* Three of 64 queries, one of 8 and 19 times three of them, and one for the last three. */
enum { ACCEPTED = 5 };

static struct network_pair net;

static void start_server(void)
{
    net = network_pair();
    server_dns(net.server);
}

/* How many connections the server saw; the output is the client's. */
static unsigned ask(struct command command, const char *rules, bool preload, struct outcome *client)
{
    unsigned before = network_accepted(net.server);
    command.network = net.client;
    command.preload = preload;
    command.settings[0] = preload ? "TWPOOL_STATS=stderr" : NULL;
    command.settings[1] = rules;
    *client = run(&command, LIMIT_S);
    ck_assert_msg(client->status == 0 && !client->timed_out, "status %d: %s%s", client->status,
                  client->out, client->err);
    return network_accepted(net.server) - before;
}

static struct command queries(void)
{
    return (struct command){.argv = {"/usr/bin/python3", script_path("dns_queries.py"),
                                     SERVER_ADDRESS, text("%d", DNS_PORT), text("%d", QUERIES)}};
}

START_TEST(a_resolver_in_a_loop_takes_a_connection_for_64_queries)
{
    struct outcome plain, pooled;
    start_server();
    unsigned plain_accepted = ask(queries(), NULL, false, &plain);
    unsigned pooled_accepted = ask(queries(), NULL, true, &pooled);
    ck_assert_uint_eq(occurrences(plain.out, "\n"), QUERIES + 3 * MORE);
    ck_assert_uint_ge(occurrences(plain.out, "10.1.2.3"), QUERIES / 4 + 3 * MORE);
    ck_assert_str_eq(pooled.out, plain.out);
    ck_assert_uint_eq(plain_accepted, QUERIES + MORE);
    ck_assert_msg(pooled_accepted == ACCEPTED, "%u accepted: %s", pooled_accepted, pooled.err);
}
END_TEST

START_TEST(under_the_rule_dns_the_same_is_reused)
{
    struct outcome pooled;
    start_server();
    unsigned accepted = ask(queries(), "TWPOOL_RULES=*:53=dns", true, &pooled);
    ck_assert_uint_eq(occurrences(pooled.out, "\n"), QUERIES + 3 * MORE);
    ck_assert_uint_eq(accepted, ACCEPTED);
}
END_TEST

START_TEST(dig_shows_the_same_with_and_without)
{
    struct command command = {.argv = {"dig", "+tcp", "+nocookie", "+short", "@" SERVER_ADDRESS,
                                       "-p", text("%d", DNS_PORT), "host1.example", "host2.example",
                                       "host3.example", "TXT", "none.test"}};
    struct outcome plain, pooled;
    start_server();
    ask(command, NULL, false, &plain);
    ask(command, NULL, true, &pooled);
    ck_assert_uint_ge(occurrences(plain.out, "10.1.2.3\n"), 2);
    ck_assert_str_eq(pooled.out, plain.out);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("dns");
    TCase *tests = tcase_create("dns");
    tcase_set_timeout(tests, 4 * LIMIT_S);
    tcase_add_test(tests, a_resolver_in_a_loop_takes_a_connection_for_64_queries);
    tcase_add_test(tests, under_the_rule_dns_the_same_is_reused);
    tcase_add_test(tests, dig_shows_the_same_with_and_without);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
