/* SPDX-License-Identifier: MIT
 * A legacy loop of requests.get() against nginx. */
#include "../support/network.h"
#include "../support/server.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

enum {
    REQUESTS = 10 * 1000,
    PER_CONNECTION = 1000, /* nginx's own limit, keepalive_requests */
    TLS_REQUESTS = 60,
    LIMIT_S = 150
};

static struct network_pair net;
static struct process nginx;

static void start_nginx(void)
{
    net = network_pair();
    nginx = server_nginx(net.server);
}

static struct process start_client(bool preload, const char *scheme, int port, int requests,
                                   const char *setting, const char *more_setting)
{
    return process_start(&(struct command){
        .argv = {"/usr/bin/python3", script_path("requests_get.py"),
                 text("%s://%s:%d", scheme, SERVER_ADDRESS, port), text("%d", requests)},
        .settings = {setting, more_setting},
        .preload = preload,
        .network = net.client});
}

static struct outcome get_many(bool preload, int requests, const char *setting,
                               const char *more_setting)
{
    struct process client =
        start_client(preload, "http", NGINX_PORT, requests, setting, more_setting);
    return process_wait(&client, LIMIT_S);
}

static void assert_all_succeeded(const struct outcome *client, int requests)
{
    ck_assert_msg(!client->timed_out, "the client hangs");
    ck_assert_msg(strstr(client->out, text("succeeded %d, failed 0, wrong 0,", requests)) != NULL,
                  "%s%s", client->out, client->err);
    ck_assert_int_eq(client->status, 0);
}

START_TEST(ten_thousand_requests_bring_the_same_bodies_over_twelve_connections)
{
    start_nginx();
    struct outcome plain = get_many(false, REQUESTS, NULL, NULL);
    assert_all_succeeded(&plain, REQUESTS);
    ck_assert_uint_eq(network_accepted(net.server), REQUESTS);
    ck_assert_uint_eq(network_time_wait(net.client), REQUESTS);

    start_nginx();
    unsigned most = 0, samples = 0;
    struct process client = start_client(true, "http", NGINX_PORT, REQUESTS, NULL, NULL);
    while (process_runs(&client, 200) && samples < LIMIT_S * 5) {
        unsigned now = network_time_wait(net.client);
        most = now > most ? now : most;
        samples++;
    }
    struct outcome pooled = process_wait(&client, LIMIT_S);
    assert_all_succeeded(&pooled, REQUESTS);
    ck_assert_str_eq(pooled.out, plain.out);
    ck_assert_str_eq(pooled.err, "");
    ck_assert_uint_ge(samples, 10);
    ck_assert_uint_eq(most, 0);
    ck_assert_uint_le(network_accepted(net.server), REQUESTS / PER_CONNECTION + 2);
    /* One connection was idle at exit. */
    ck_assert_uint_le(network_time_wait(net.client), 1);
    struct outcome printed = process_stop(&nginx);
    ck_assert_str_eq(printed.err, "");
}
END_TEST

START_TEST(where_plain_runs_out_of_ports_the_pool_does_not)
{
    start_nginx();
    network_port_range(net.client, 20000, 20299);
    struct outcome plain = get_many(false, 1000, NULL, NULL);
    ck_assert_msg(strstr(plain.out, "succeeded 300, failed 700, wrong 0") != NULL, "%s%s",
                  plain.out, plain.err);
    ck_assert_msg(strstr(plain.err, "Cannot assign requested address") != NULL, "%s", plain.err);

    start_nginx();
    network_port_range(net.client, 20000, 20299);
    struct outcome pooled = get_many(true, 1000, NULL, NULL);
    assert_all_succeeded(&pooled, 1000);
}
END_TEST

START_TEST(the_statistics_count_what_was_opened_and_reused)
{
    start_nginx();
    struct outcome client = get_many(true, 100, "TWPOOL_STATS=stderr", NULL);
    assert_all_succeeded(&client, 100);
    ck_assert_msg(strstr(client.err, text("%s:%d", SERVER_ADDRESS, NGINX_PORT)) != NULL &&
                      strstr(client.err, "opened 1, reused 99, parked 100") != NULL,
                  "statistics: %s", client.err);
}
END_TEST

START_TEST(under_the_rule_http_the_same_is_reused)
{
    start_nginx();
    struct outcome client = get_many(true, 100, "TWPOOL_RULES=*:8080=http,*=off", NULL);
    assert_all_succeeded(&client, 100);
    ck_assert_uint_eq(network_accepted(net.server), 1);
}
END_TEST

START_TEST(under_the_rule_clean_nothing_is_reused_and_little_is_left)
{
    start_nginx();
    struct outcome client = get_many(true, 1000, "TWPOOL_RULES=*=clean", NULL);
    assert_all_succeeded(&client, 1000);
    ck_assert_uint_eq(network_accepted(net.server), 1000);
    ck_assert_uint_le(network_time_wait(net.client), 100);
}
END_TEST

START_TEST(with_no_room_for_idle_connections_every_request_opens_one)
{
    start_nginx();
    struct outcome client = get_many(true, 200, "TWPOOL_MAX_IDLE=0", NULL);
    assert_all_succeeded(&client, 200);
    ck_assert_uint_eq(network_accepted(net.server), 200);
}
END_TEST

START_TEST(a_setting_that_cannot_be_understood_costs_one_line_and_no_request)
{
    start_nginx();
    struct outcome client = get_many(true, 100, "TWPOOL_MAX_IDLE=many", NULL);
    assert_all_succeeded(&client, 100);
    ck_assert_uint_eq(network_accepted(net.server), 1);
    ck_assert_uint_eq(occurrences(client.err, "\n"), 1);
    ck_assert_msg(strstr(client.err, "TWPOOL_MAX_IDLE") != NULL &&
                      strstr(client.err, "many") != NULL,
                  "%s", client.err);
}
END_TEST

/* TLS is never reused, whatever the rule. */
START_TEST(requests_over_tls_are_answered_alike_and_never_reused)
{
    static const char *const rules[] = {NULL, "TWPOOL_RULES=*=raw", "TWPOOL_RULES=*=http"};
    const char *rule = rules[_i];
    start_nginx();
    struct process client = start_client(false, "https", NGINX_TLS_PORT, TLS_REQUESTS, NULL, NULL);
    struct outcome plain = process_wait(&client, LIMIT_S);
    assert_all_succeeded(&plain, TLS_REQUESTS);
    unsigned before = network_accepted(net.server);
    client = start_client(true, "https", NGINX_TLS_PORT, TLS_REQUESTS, rule, NULL);
    struct outcome pooled = process_wait(&client, LIMIT_S);
    assert_all_succeeded(&pooled, TLS_REQUESTS);
    ck_assert_str_eq(pooled.out, plain.out);
    ck_assert_str_eq(pooled.err, plain.err);
    ck_assert_uint_eq(network_accepted(net.server) - before, TLS_REQUESTS);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("nginx");
    TCase *tests = tcase_create("nginx");
    tcase_set_timeout(tests, 3 * LIMIT_S);
    tcase_add_test(tests, ten_thousand_requests_bring_the_same_bodies_over_twelve_connections);
    tcase_add_test(tests, where_plain_runs_out_of_ports_the_pool_does_not);
    tcase_add_test(tests, the_statistics_count_what_was_opened_and_reused);
    tcase_add_test(tests, under_the_rule_http_the_same_is_reused);
    tcase_add_test(tests, under_the_rule_clean_nothing_is_reused_and_little_is_left);
    tcase_add_test(tests, with_no_room_for_idle_connections_every_request_opens_one);
    tcase_add_test(tests, a_setting_that_cannot_be_understood_costs_one_line_and_no_request);
    tcase_add_loop_test(tests, requests_over_tls_are_answered_alike_and_never_reused, 0, 3);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
