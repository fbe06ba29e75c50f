/* SPDX-License-Identifier: MIT
 * FastCGI clients that open a connection for each request, and a real PHP-FPM. */
#include "../support/network.h"
#include "../support/server.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

enum { LIMIT_S = 60, TURNS = 140, ANSWERS = TURNS + TURNS / 10, CLOSED = TURNS / 7 - TURNS / 70 };

static struct network_pair net;

static void start_server(void)
{
    net = network_pair();
    server_php_fpm(net.server);
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

static struct command requests(void)
{
    return (struct command){.argv = {"/usr/bin/python3", script_path("fastcgi_requests.py"),
                                     SERVER_ADDRESS, text("%d", PHP_FPM_PORT), PHP_FPM_SCRIPT,
                                     text("%d", TURNS)}};
}

/* Each of those after which the server closes takes one, which may have been reused before. They
 * idle for 250 ms only: where the machine pauses for longer, a few more are opened. */
static void assert_reused(const struct outcome *client, unsigned accepted)
{
    ck_assert_uint_eq(occurrences(client->out, "turn="), ANSWERS);
    ck_assert_msg(accepted >= CLOSED && accepted <= CLOSED + TURNS / 10, "%u accepted: %s",
                  accepted, client->err);
}

START_TEST(requests_are_answered_alike_and_connections_that_are_kept_are_reused)
{
    struct outcome plain, pooled;
    start_server();
    ck_assert_uint_eq(ask(requests(), NULL, false, &plain), TURNS);
    unsigned accepted = ask(requests(), NULL, true, &pooled);
    ck_assert_str_eq(pooled.out, plain.out);
    assert_reused(&pooled, accepted);
    ck_assert_msg(strstr(pooled.err, "announced-close") != NULL, "%s", pooled.err);
}
END_TEST

START_TEST(under_the_rule_fastcgi_the_same_is_reused)
{
    struct outcome pooled;
    start_server();
    unsigned accepted = ask(requests(), "TWPOOL_RULES=*:9000=fastcgi", true, &pooled);
    assert_reused(&pooled, accepted);
}
END_TEST

/* It asks for no kept connection. */
START_TEST(cgi_fcgi_in_a_loop_shows_the_same_with_and_without)
{
    static const char loop[] =
        "for i in 1 2 3 4 5; do SCRIPT_FILENAME=" PHP_FPM_SCRIPT
        " REQUEST_METHOD=GET QUERY_STRING=turn=$i cgi-fcgi -bind -connect " SERVER_ADDRESS
        ":9000; done";
    struct command command = {.argv = {"sh", "-c", loop}};
    struct outcome plain, pooled;
    start_server();
    ask(command, NULL, false, &plain);
    ask(command, NULL, true, &pooled);
    ck_assert_uint_eq(occurrences(plain.out, "turn="), 5);
    ck_assert_str_eq(pooled.out, plain.out);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fastcgi");
    TCase *tests = tcase_create("fastcgi");
    tcase_set_timeout(tests, 4 * LIMIT_S);
    tcase_add_test(tests, requests_are_answered_alike_and_connections_that_are_kept_are_reused);
    tcase_add_test(tests, under_the_rule_fastcgi_the_same_is_reused);
    tcase_add_test(tests, cgi_fcgi_in_a_loop_shows_the_same_with_and_without);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
