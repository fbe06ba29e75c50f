/* SPDX-License-Identifier: MIT
 * A home-made protocol: closed clean by default, reused where the user vouches for it. */
#include "../support/network.h"
#include "../support/server.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MESSAGES = 2000, LIMIT_S = 60 };

static struct network_pair net;
static struct process server;

static void start_server(struct network_pair pair)
{
    net = pair;
    server = server_python(net.server, "echo_server.py", NULL);
}

/* The client's run, with MESSAGES messages, on MESSAGES or fewer connections. */
static struct outcome talk(bool preload, const char *how, const char *setting,
                           const char *more_setting)
{
    return run(&(struct command){.argv = {"/usr/bin/python3", script_path("echo_client.py"),
                                          SERVER_ADDRESS, text("%d", PYTHON_PORT),
                                          text("%d", MESSAGES), how},
                                 .settings = {setting, more_setting},
                                 .preload = preload,
                                 .network = net.client},
               LIMIT_S);
}

static void assert_every_message_was_answered(const struct outcome *client)
{
    ck_assert_msg(!client->timed_out, "the client hangs");
    ck_assert_str_eq(client->out, text("succeeded %d, failed 0, wrong 0\n", MESSAGES));
    ck_assert_int_eq(client->status, 0);
}

/* The server saw the end of each stream, and nothing that it would complain of. */
static void assert_server_saw_normal_ends(unsigned connections)
{
    usleep(100 * 1000); /* its threads are still reading the last ends */
    struct outcome printed = process_stop(&server);
    ck_assert_str_eq(printed.err, "");
    ck_assert_str_eq(printed.out, text("normal ends of stream: %u\n", connections));
}

START_TEST(plain_every_connection_is_left_in_time_wait)
{
    start_server(network_pair());
    struct outcome client = talk(false, "whole", NULL, NULL);
    assert_every_message_was_answered(&client);
    ck_assert_uint_eq(network_accepted(net.server), MESSAGES);
    ck_assert_uint_eq(network_time_wait(net.client), MESSAGES);
    assert_server_saw_normal_ends(MESSAGES);
}
END_TEST

START_TEST(by_default_an_unknown_protocol_is_closed_clean_and_never_reused)
{
    start_server(network_pair());
    struct outcome client = talk(true, "whole", NULL, NULL);
    assert_every_message_was_answered(&client);
    ck_assert_str_eq(client.err, "");
    ck_assert_uint_eq(network_accepted(net.server), MESSAGES);
    ck_assert_uint_le(network_time_wait(net.client), MESSAGES / 10);
    ck_assert_uint_eq(network_time_wait(net.server), 0);
    assert_server_saw_normal_ends(MESSAGES);
}
END_TEST

START_TEST(over_a_wire_of_a_millisecond_a_clean_close_leaves_no_time_wait_at_all)
{
    start_server(network_pair_delayed(500));
    struct outcome client = talk(true, "whole", NULL, NULL);
    assert_every_message_was_answered(&client);
    ck_assert_msg(client.seconds > MESSAGES * 0.002, "the wire is shorter than a millisecond");
    ck_assert_uint_eq(network_accepted(net.server), MESSAGES);
    ck_assert_uint_eq(network_time_wait(net.client), 0);
    ck_assert_uint_eq(network_time_wait(net.server), 0);
    assert_server_saw_normal_ends(MESSAGES);
}
END_TEST

START_TEST(the_statistics_name_the_reason_and_the_rule_that_would_help)
{
    start_server(network_pair());
    struct outcome client = talk(true, "whole", "TWPOOL_STATS=stderr", NULL);
    assert_every_message_was_answered(&client);
    ck_assert_msg(strstr(client.err, text("%s:%d", SERVER_ADDRESS, PYTHON_PORT)) != NULL,
                  "no destination in: %s", client.err);
    ck_assert_msg(strstr(client.err, text("opened %d, reused 0, parked 0", MESSAGES)) != NULL,
                  "no counts in: %s", client.err);
    ck_assert_msg(strstr(client.err, "unknown-protocol") != NULL, "no reason in: %s", client.err);
    ck_assert_msg(strstr(client.err, text("%s:%d=lines", SERVER_ADDRESS, PYTHON_PORT)) != NULL,
                  "no rule in: %s", client.err);
}
END_TEST

START_TEST(under_raw_one_connection_serves_every_message)
{
    start_server(network_pair());
    struct outcome client =
        talk(true, "whole", text("TWPOOL_RULES=%s:%d=raw", SERVER_ADDRESS, PYTHON_PORT), NULL);
    assert_every_message_was_answered(&client);
    ck_assert_str_eq(client.err, "");
    ck_assert_uint_eq(network_accepted(net.server), 1);
    ck_assert_uint_le(network_time_wait(net.client), 1);
    assert_server_saw_normal_ends(1);
}
END_TEST

START_TEST(ruled_off_every_connection_is_closed_as_libc_closes_it)
{
    start_server(network_pair());
    struct outcome client = talk(true, "whole", "TWPOOL_RULES=10.0.0.0/8=off", NULL);
    assert_every_message_was_answered(&client);
    ck_assert_uint_eq(network_accepted(net.server), MESSAGES);
    ck_assert_uint_eq(network_time_wait(net.client), MESSAGES);
    assert_server_saw_normal_ends(MESSAGES);
}
END_TEST

/* An exchange behind our back, under the rule that trusts the most. */
static void assert_unseen_exchange_is_never_reused(const char *how)
{
    start_server(network_pair());
    struct outcome client = talk(true, how, "TWPOOL_RULES=*=raw", "TWPOOL_STATS=stderr");
    assert_every_message_was_answered(&client);
    ck_assert_uint_eq(network_accepted(net.server), MESSAGES);
    ck_assert_msg(strstr(client.err, "reused 0, parked 0") != NULL, "statistics: %s", client.err);
}

START_TEST(an_exchange_through_a_handle_of_libc_is_never_reused)
{
    assert_unseen_exchange_is_never_reused("unseen");
}
END_TEST

START_TEST(a_message_that_dprintf_wrote_is_never_followed_by_reuse)
{
    assert_unseen_exchange_is_never_reused("dprintf");
}
END_TEST

/* With fewer ports than messages, and the clean close switched off. */
static struct outcome run_out_of_ports(const char *log)
{
    start_server(network_pair());
    network_port_range(net.client, 20000, 20199);
    return talk(true, "whole", "TWPOOL_CLOSE=plain", log);
}

START_TEST(out_of_ports_one_line_names_the_destination_and_the_rule)
{
    struct outcome client = run_out_of_ports("TWPOOL_LOG=hint");
    ck_assert_msg(strstr(client.out, "first error: Cannot assign requested address") != NULL,
                  "the ports never ran out: %s", client.out);
    ck_assert_uint_eq(occurrences(client.err, "\n"), 1);
    ck_assert_msg(strstr(client.err, text("%s:%d", SERVER_ADDRESS, PYTHON_PORT)) != NULL,
                  "no destination in: %s", client.err);
    ck_assert_msg(strstr(client.err, "unknown-protocol") != NULL, "no reason in: %s", client.err);
    ck_assert_msg(strstr(client.err, "=lines") != NULL, "no rule in: %s", client.err);
}
END_TEST

START_TEST(out_of_ports_nothing_is_printed_where_stderr_is_no_terminal)
{
    struct outcome client = run_out_of_ports(NULL);
    ck_assert_msg(strstr(client.out, "first error: Cannot assign requested address") != NULL,
                  "the ports never ran out: %s", client.out);
    ck_assert_str_eq(client.err, "");
}
END_TEST

START_TEST(with_the_clean_close_the_same_ports_are_enough)
{
    start_server(network_pair_delayed(500));
    network_port_range(net.client, 20000, 20199);
    struct outcome client = talk(true, "whole", NULL, NULL);
    assert_every_message_was_answered(&client);
    ck_assert_uint_eq(network_accepted(net.server), MESSAGES);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("echo");
    TCase *tests = tcase_create("echo");
    tcase_set_timeout(tests, 2 * LIMIT_S);
    tcase_add_test(tests, plain_every_connection_is_left_in_time_wait);
    tcase_add_test(tests, by_default_an_unknown_protocol_is_closed_clean_and_never_reused);
    tcase_add_test(tests, over_a_wire_of_a_millisecond_a_clean_close_leaves_no_time_wait_at_all);
    tcase_add_test(tests, the_statistics_name_the_reason_and_the_rule_that_would_help);
    tcase_add_test(tests, under_raw_one_connection_serves_every_message);
    tcase_add_test(tests, ruled_off_every_connection_is_closed_as_libc_closes_it);
    tcase_add_test(tests, an_exchange_through_a_handle_of_libc_is_never_reused);
    tcase_add_test(tests, a_message_that_dprintf_wrote_is_never_followed_by_reuse);
    tcase_add_test(tests, out_of_ports_one_line_names_the_destination_and_the_rule);
    tcase_add_test(tests, out_of_ports_nothing_is_printed_where_stderr_is_no_terminal);
    tcase_add_test(tests, with_the_clean_close_the_same_ports_are_enough);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
