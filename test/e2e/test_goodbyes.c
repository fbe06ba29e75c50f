/* SPDX-License-Identifier: MIT
 * Clients that say goodbye first, a millisecond away: their close waits, and leaves no TIME_WAIT.
 */
#include "../support/network.h"
#include "../support/server.h"

#include <check.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CONNECTIONS = 300, LIMIT_S = 60 };

static struct network_pair net;

static void set_stage(struct process (*start_server)(int network))
{
    net = network_pair_slow(500, 200);
    start_server(net.server);
}

/* What a run left behind. */
struct ends {
    unsigned time_wait, accepted, deferred;
    struct outcome client;
};

static struct ends observe(struct command command)
{
    unsigned accepted = network_accepted(net.server), left = network_time_wait(net.client);
    command.network = net.client;
    command.settings[0] = "TWPOOL_STATS=stderr";
    command.settings[1] = "TWPOOL_DEFER=10s"; /* a busy machine may stall for the default second */
    struct ends ends = {.client = run(&command, LIMIT_S)};
    ck_assert_msg(!ends.client.timed_out && ends.client.status == 0, "status %d: %s%s",
                  ends.client.status, ends.client.out, ends.client.err);
    usleep(50 * 1000); /* the last one may still be ending */
    ends.time_wait = network_time_wait(net.client) - left;
    ends.accepted = network_accepted(net.server) - accepted;
    const char *deferred = strstr(ends.client.err, "deferred ");
    ends.deferred = deferred == NULL ? 0 : (unsigned)atoi(deferred + strlen("deferred "));
    return ends;
}

/* Times and rates differ from run to run: each number becomes one '#'. */
static void drop_numbers(char *output)
{
    char *to = output;
    for (const char *from = output; *from != '\0'; from++) {
        bool follows = to > output && to[-1] == '#';
        bool number = isdigit((unsigned char)*from) || (*from == '.' && follows);
        if (!number || !follows)
            *to++ = (char)(number ? '#' : *from);
    }
    *to = '\0';
}

/* The client asks `connections` times, once with the library and once without. `at_exit` of its
 * goodbyes may be under way when it exits: nobody is left to wait for the server's close. When that
 * has begun and ours then meets it on the way, a TIME_WAIT stays, as it does without the library.
 */
static void assert_no_time_wait_is_left(struct command command, unsigned connections,
                                        unsigned at_exit, bool shows_times)
{
    command.preload = true;
    struct ends pooled = observe(command);
    command.preload = false;
    struct ends plain = observe(command);
    if (shows_times) {
        drop_numbers(pooled.client.out);
        drop_numbers(plain.client.out);
    }
    ck_assert_str_eq(pooled.client.out, plain.client.out);
    ck_assert_msg(strncmp(pooled.client.err, plain.client.err, plain.client.err_len) == 0,
                  "plain: %s, pooled: %s", plain.client.err, pooled.client.err);
    ck_assert_uint_eq(plain.accepted, connections);
    ck_assert_uint_eq(pooled.accepted, connections);
    ck_assert_uint_ge(plain.time_wait, connections / 2); /* else there was nothing to show */
    ck_assert_msg(pooled.time_wait <= at_exit, "%u TIME_WAIT: %s", pooled.time_wait,
                  pooled.client.err);
    ck_assert_uint_ge(pooled.deferred, connections / 2);
    ck_assert_ptr_null(strstr(pooled.client.err, "deferral-timed-out"));
}

static const char *port_of(int port)
{
    return text("%d", port);
}

START_TEST(curl_with_connection_close)
{
    set_stage(server_nginx);
    assert_no_time_wait_is_left(
        (struct command){
            .argv = {"curl", "--silent", "--header", "Connection: close",
                     text("http://%s:%d/page/[1-%d]", SERVER_ADDRESS, NGINX_PORT, CONNECTIONS)}},
        CONNECTIONS, 0, false);
}
END_TEST

START_TEST(pgbench_with_a_connection_per_transaction)
{
    set_stage(server_postgresql);
    assert_no_time_wait_is_left(
        (struct command){.argv = {POSTGRESQL_PROGRAM("pgbench"), "--no-vacuum", "--connect",
                                  "--transactions", text("%d", CONNECTIONS), "--file",
                                  script_path("goodbye_select.sql"), "--host", SERVER_ADDRESS,
                                  "--port", port_of(POSTGRESQL_PORT), "--username", "postgres",
                                  "postgres"}},
        CONNECTIONS + 1 /* it looks around first */, 1, true);
}
END_TEST

START_TEST(mysqlslap_that_reconnects_for_each_query)
{
    set_stage(server_mariadb);
    assert_no_time_wait_is_left(
        (struct command){.argv = {"mysqlslap", "--no-defaults", "--host", SERVER_ADDRESS, "--port",
                                  port_of(MARIADB_PORT), "--user", "root", "--query", "SELECT 1",
                                  "--create-schema", "information_schema", "--number-of-queries",
                                  text("%d", CONNECTIONS), "--detach", "1"}},
        CONNECTIONS + 2 /* one to make ready, one to begin with */, 2, true);
}
END_TEST

static struct command goodbyes_by_python(const char *protocol, int port)
{
    return (struct command){.argv = {"/usr/bin/python3", script_path("goodbye_client.py"), protocol,
                                     SERVER_ADDRESS, port_of(port), text("%d", CONNECTIONS)}};
}

START_TEST(pymysql_in_a_loop)
{
    set_stage(server_mariadb);
    assert_no_time_wait_is_left(goodbyes_by_python("mysql", MARIADB_PORT), CONNECTIONS, 1, false);
}
END_TEST

START_TEST(quit_said_to_redis)
{
    set_stage(server_redis);
    assert_no_time_wait_is_left(goodbyes_by_python("redis", REDIS_PORT), CONNECTIONS, 0, false);
}
END_TEST

START_TEST(quit_said_to_memcached)
{
    set_stage(server_memcached);
    assert_no_time_wait_is_left(goodbyes_by_python("memcached", MEMCACHED_PORT), CONNECTIONS, 1,
                                false);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("goodbyes");
    TCase *tests = tcase_create("goodbyes");
    tcase_set_timeout(tests, 2 * LIMIT_S);
    /* These two load libp11-kit, whose destructor hangs under the sanitizers' runtimes, also
     * without the library. */
    const char *runtime = getenv("TWPOOL_TEST_PRELOAD_FIRST");
    if (runtime == NULL || runtime[0] == '\0') {
        tcase_add_test(tests, curl_with_connection_close);
        tcase_add_test(tests, pgbench_with_a_connection_per_transaction);
    }
    tcase_add_test(tests, mysqlslap_that_reconnects_for_each_query);
    tcase_add_test(tests, pymysql_in_a_loop);
    tcase_add_test(tests, quit_said_to_redis);
    tcase_add_test(tests, quit_said_to_memcached);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
