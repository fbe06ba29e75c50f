/* SPDX-License-Identifier: MIT
 * Clients of redis-server that keep no connection, without a rule. */
#include "../support/network.h"
#include "../support/server.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

enum {
    REQUESTS = 100 * 1000,
    CLIENTS = 50,
    PEAK = CLIENTS + 1, /* redis-benchmark opens the new client before it closes the old */
    LIMIT_S = 120
};

static struct network_pair net;
static struct process redis;

static void start_redis(void)
{
    net = network_pair();
    redis = server_redis(net.server);
}

static struct process start_benchmark(bool preload, int requests, const char *setting,
                                      const char *more_setting)
{
    return process_start(&(struct command){
        .argv = {"redis-benchmark", "-h", SERVER_ADDRESS, "-p", text("%d", REDIS_PORT), "-n",
                 text("%d", requests), "-c", text("%d", CLIENTS), "-k", "0", "-t", "set"},
        .settings = {setting, more_setting},
        .preload = preload,
        .network = net.client});
}

static void assert_all_done(const struct outcome *benchmark, int requests)
{
    ck_assert_msg(!benchmark->timed_out, "redis-benchmark hangs: %s", benchmark->out);
    ck_assert_msg(benchmark->status == 0, "redis-benchmark ends with status %d: %s",
                  benchmark->status, benchmark->err);
    /* Its own warning that kept connections are off. */
    ck_assert_msg(strncmp(benchmark->err, "WARNING: Keepalive disabled", 27) == 0, "%s",
                  benchmark->err);
    ck_assert_msg(strstr(benchmark->out, text("%d requests completed", requests)) != NULL, "%s",
                  benchmark->out);
}

START_TEST(a_hundred_thousand_requests_take_one_connection_per_client)
{
    start_redis();
    unsigned most = 0, samples = 0;
    struct process client = start_benchmark(true, REQUESTS, NULL, NULL);
    while (process_runs(&client, 50) && samples < LIMIT_S * 20) {
        unsigned now = network_time_wait(net.client);
        /* What ended meanwhile has left its last connections. */
        if (!process_runs(&client, 0))
            break;
        most = now > most ? now : most;
        samples++;
    }
    struct outcome benchmark = process_wait(&client, LIMIT_S);
    unsigned left = network_time_wait(net.client);
    assert_all_done(&benchmark, REQUESTS);
    ck_assert_uint_eq(occurrences(benchmark.err, "\n"), 1);
    ck_assert_uint_ge(samples, 5);
    ck_assert_uint_eq(most, 0);
    /* Nothing is evicted: the destination's limit of 256 is far above the peak. */
    ck_assert_uint_le(network_accepted(net.server), PEAK);
    ck_assert_uint_le(left, PEAK / 10);
}
END_TEST

START_TEST(with_room_for_ten_the_others_are_closed_and_counted_as_evicted)
{
    start_redis();
    struct command command = {
        .argv = {"/usr/bin/python3", script_path("burst_client.py"), SERVER_ADDRESS,
                 text("%d", REDIS_PORT)},
        .settings = {"TWPOOL_RULES=*=redis", "TWPOOL_MAX_IDLE=10", "TWPOOL_STATS=stderr"},
        .preload = true,
        .network = net.client};
    struct outcome client = run(&command, LIMIT_S);
    ck_assert_str_eq(client.out, "bursts of 30, 5 times, 150 right answers\n");
    /* 30 at first; then 10 that were idle, and 20 for those that had to make room. */
    ck_assert_msg(strstr(client.err, "opened 110, reused 40, parked 150") != NULL, "statistics: %s",
                  client.err);
    const char *evicted = strstr(client.err, "evicted ");
    ck_assert_msg(evicted != NULL && atoi(evicted + 8) == 100, "statistics: %s", client.err);
    ck_assert_uint_eq(network_accepted(net.server), 110);
}
END_TEST

START_TEST(where_plain_runs_out_of_ports_the_pool_does_not)
{
    start_redis();
    network_port_range(net.client, 20000, 20999);
    struct process client = start_benchmark(false, 5000, NULL, NULL);
    struct outcome plain = process_wait(&client, LIMIT_S);
    ck_assert_msg(plain.status != 0, "plain, the ports never ran out: %s", plain.out);
    ck_assert_msg(strstr(plain.err, "Cannot assign requested address") != NULL ||
                      strstr(plain.out, "Cannot assign requested address") != NULL,
                  "%s%s", plain.out, plain.err);

    start_redis();
    network_port_range(net.client, 20000, 20999);
    client = start_benchmark(true, 5000, NULL, NULL);
    struct outcome pooled = process_wait(&client, LIMIT_S);
    assert_all_done(&pooled, 5000);
}
END_TEST

START_TEST(under_the_rule_clean_redis_is_not_reused_and_closed_clean)
{
    start_redis();
    struct process client = start_benchmark(true, 5000, "TWPOOL_RULES=*=clean", NULL);
    struct outcome benchmark = process_wait(&client, LIMIT_S);
    unsigned left = network_time_wait(net.client);
    assert_all_done(&benchmark, 5000);
    ck_assert_uint_ge(network_accepted(net.server), 5000);
    ck_assert_uint_le(left, 500);
}
END_TEST

START_TEST(redis_cli_in_a_loop_shows_the_same_with_and_without)
{
    static const char loop[] =
        "for i in 1 2 3 4 5 6 7 8; do redis-cli -h " SERVER_ADDRESS
        " set key$i value$i; redis-cli -h " SERVER_ADDRESS " get key$i; done";
    start_redis();
    struct command command = {.argv = {"sh", "-c", loop}, .network = net.client};
    struct outcome plain = run(&command, LIMIT_S);
    command.preload = true;
    struct outcome pooled = run(&command, LIMIT_S);
    ck_assert_uint_eq(occurrences(plain.out, "OK\n"), 8);
    ck_assert_str_eq(pooled.out, plain.out);
    ck_assert_str_eq(pooled.err, plain.err);
    ck_assert_int_eq(pooled.status, plain.status);
}
END_TEST

/* Each connection brings three requests, and is closed. */
static struct outcome benchmark_kinds(const char *kinds, const char *rule)
{
    start_redis();
    struct command command = {.argv = {"redis-benchmark", "-h", SERVER_ADDRESS, "-p",
                                       text("%d", REDIS_PORT), "-n", "2000", "-c", "10", "-k", "0",
                                       "-P", "3", "-q", "-t", kinds},
                              .settings = {rule},
                              .preload = true,
                              .network = net.client};
    struct outcome benchmark = run(&command, LIMIT_S);
    ck_assert_msg(benchmark.status == 0, "%s", benchmark.err);
    return benchmark;
}

START_TEST(each_kind_of_request_is_reused)
{
    struct outcome benchmark =
        benchmark_kinds("ping_mbulk,set,get,incr,lpush,rpop,lrange,sadd,hset,spop,zadd,mset", NULL);
    ck_assert_uint_ge(occurrences(benchmark.out, "requests per second"), 12);
    /* Ten clients and one more, for all of the kinds; and the one that asks for the settings. */
    ck_assert_uint_le(network_accepted(net.server), 12);
}
END_TEST

START_TEST(inline_commands_are_reused_under_the_rule_redis_only)
{
    struct outcome by_rule = benchmark_kinds("ping_inline,ping_mbulk", "TWPOOL_RULES=*=redis");
    ck_assert_uint_eq(occurrences(by_rule.out, "requests per second"), 2);
    ck_assert_uint_le(network_accepted(net.server), 12);
    struct outcome by_default = benchmark_kinds("ping_inline", NULL);
    ck_assert_uint_eq(occurrences(by_default.out, "requests per second"), 1);
    ck_assert_uint_ge(network_accepted(net.server), 2000 / 3);
}
END_TEST

START_TEST(no_connection_finds_what_another_has_left_behind)
{
    start_redis();
    struct command command = {.argv = {"/usr/bin/python3", script_path("redis_sessions.py"),
                                       SERVER_ADDRESS, text("%d", REDIS_PORT)},
                              .network = net.client};
    struct outcome plain = run(&command, LIMIT_S);
    unsigned before = network_accepted(net.server);
    ck_assert_msg(plain.status == 0, "%s", plain.err);
    ck_assert_uint_eq(occurrences(plain.out, "b'$4\\r\\nzero\\r\\n $-1\\r\\n +PONG\\r\\n'"), 14);
    command.preload = true;
    command.settings[0] = "TWPOOL_STATS=stderr";
    command.settings[1] = "TWPOOL_DRAIN=0"; /* whether the rest of a reply is there is chance */
    struct outcome pooled = run(&command, LIMIT_S);
    ck_assert_str_eq(pooled.out, plain.out);
    /* Fourteen times it was left as it was: those were parked, and all but the last reused. */
    ck_assert_msg(strstr(pooled.err, "reused 14, parked 15") != NULL, "%s", pooled.err);
    ck_assert_msg(strstr(pooled.err, "state 9 ") != NULL, "%s", pooled.err);
    ck_assert_uint_eq(network_accepted(net.server) - before, 14);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("redis");
    TCase *tests = tcase_create("redis");
    tcase_set_timeout(tests, 2 * LIMIT_S);
    tcase_add_test(tests, a_hundred_thousand_requests_take_one_connection_per_client);
    tcase_add_test(tests, with_room_for_ten_the_others_are_closed_and_counted_as_evicted);
    tcase_add_test(tests, where_plain_runs_out_of_ports_the_pool_does_not);
    tcase_add_test(tests, under_the_rule_clean_redis_is_not_reused_and_closed_clean);
    tcase_add_test(tests, redis_cli_in_a_loop_shows_the_same_with_and_without);
    tcase_add_test(tests, each_kind_of_request_is_reused);
    tcase_add_test(tests, inline_commands_are_reused_under_the_rule_redis_only);
    tcase_add_test(tests, no_connection_finds_what_another_has_left_behind);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
