/* SPDX-License-Identifier: MIT
 * Clients that leave responses unread, servers that speak first, TLS: the same bytes as plain, and
 * nothing reused. */
#include "../support/network.h"
#include "../support/server.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CONNECTIONS = 20, LIMIT_S = 60, TLS_PORT = 7443 };

static struct network_pair net;

static const char *const habits[] = {"half", "never", "ahead", "gives-up"};

static struct outcome behave(bool preload, const char *how)
{
    struct outcome outcome =
        run(&(struct command){.argv = {"/usr/bin/python3", script_path("careless_client.py"),
                                       SERVER_ADDRESS, text("%d", PYTHON_PORT),
                                       text("%d", CONNECTIONS), how},
                              .preload = preload,
                              .network = net.client},
            LIMIT_S);
    ck_assert_msg(!outcome.timed_out, "the client hangs after: %s", outcome.out);
    ck_assert_msg(outcome.status == 0, "%s", outcome.err);
    ck_assert_uint_eq(occurrences(outcome.out, "\n"), CONNECTIONS);
    return outcome;
}

/* The client's run against a server of its own, and what that server printed. */
static struct outcome behave_alone(bool preload, const char *how, struct outcome *server_end)
{
    net = network_pair();
    bool greeted = strcmp(how, "greeted") == 0;
    struct process server =
        server_python(net.server, "careless_server.py", greeted ? "greet" : NULL);
    struct outcome outcome = behave(preload, how);
    ck_assert_uint_eq(network_accepted(net.server), CONNECTIONS);
    usleep(200 * 1000); /* the server takes the last of them from its queue */
    *server_end = process_stop(&server);
    return outcome;
}

static void assert_nobody_can_tell(const char *how)
{
    struct outcome plain_server, pooled_server;
    struct outcome plain = behave_alone(false, how, &plain_server);
    struct outcome pooled = behave_alone(true, how, &pooled_server);
    ck_assert_str_eq(pooled.out, plain.out);
    ck_assert_str_eq(pooled.err, plain.err);
    ck_assert_str_eq(pooled_server.out, plain_server.out);
    ck_assert_str_eq(pooled_server.err, plain_server.err);
}

START_TEST(a_client_that_does_not_read_its_response_is_treated_as_by_libc)
{
    assert_nobody_can_tell(habits[_i]);
}
END_TEST

START_TEST(a_server_that_speaks_first_is_never_reused)
{
    assert_nobody_can_tell("greeted");
}
END_TEST

static struct outcome talk_tls(bool preload, const char *rule)
{
    const char *command = text("for i in 1 2 3 4 5; do printf 'line %%d\\nCLOSE\\n' $i | openssl "
                               "s_client -quiet -connect %s:%d 2>/dev/null; done",
                               SERVER_ADDRESS, TLS_PORT);
    return run(&(struct command){.argv = {"sh", "-c", command},
                                 .settings = {rule},
                                 .preload = preload,
                                 .network = net.client},
               LIMIT_S);
}

START_TEST(openssl_s_client_receives_the_same_and_is_never_reused)
{
    net = network_pair();
    const char *key = text("/tmp/twpool-test-%d.pem", getpid());
    run_tool(&(struct command){.argv = {"openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes",
                                        "-days", "2", "-subj", "/CN=test", "-keyout", key, "-out",
                                        key}});
    /* -rev: each line comes back reversed, until one says CLOSE. */
    struct process server =
        process_start(&(struct command){.argv = {"openssl", "s_server", "-rev", "-quiet", "-port",
                                                 text("%d", TLS_PORT), "-cert", key, "-key", key},
                                        .network = net.server});
    network_await_listener(net.server, TLS_PORT);
    unlink(key);
    struct outcome plain = talk_tls(false, NULL);
    ck_assert_msg(strstr(plain.out, "5 enil") != NULL, "TLS does not work: %s", plain.out);
    unsigned before = network_accepted(net.server);
    struct outcome pooled = talk_tls(true, NULL);
    struct outcome raw = talk_tls(true, "TWPOOL_RULES=*=raw");
    ck_assert_str_eq(pooled.out, plain.out);
    ck_assert_str_eq(raw.out, plain.out);
    ck_assert_str_eq(pooled.err, plain.err);
    ck_assert_str_eq(raw.err, plain.err);
    ck_assert_uint_eq(network_accepted(net.server), before + 10);
    process_stop(&server);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("careless");
    TCase *tests = tcase_create("careless");
    tcase_set_timeout(tests, 2 * LIMIT_S);
    tcase_add_loop_test(tests, a_client_that_does_not_read_its_response_is_treated_as_by_libc, 0,
                        sizeof habits / sizeof habits[0]);
    tcase_add_test(tests, a_server_that_speaks_first_is_never_reused);
    tcase_add_test(tests, openssl_s_client_receives_the_same_and_is_never_reused);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
