/* SPDX-License-Identifier: MIT
 * CPython makes children in all its ways while other threads have connections reused. */
#include "../support/network.h"
#include "../support/server.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

enum { LIMIT_S = 120, REQUESTS = 4 * 400 /* as in spawning_client.py */ };

static struct network_pair net;
static struct process nginx;

static struct outcome run_client(bool preload)
{
    struct outcome client =
        run(&(struct command){.argv = {"/usr/bin/python3", script_path("spawning_client.py"),
                                       SERVER_ADDRESS, text("%d", NGINX_PORT)},
                              .preload = preload,
                              .network = net.client},
            LIMIT_S);
    ck_assert_msg(!client.timed_out && client.status == 0, "status %d: %s%s", client.status,
                  client.out, client.err);
    return client;
}

START_TEST(a_python_that_spawns_gets_its_own_answers_and_its_children_are_well)
{
    net = network_pair();
    nginx = server_nginx(net.server);
    struct outcome plain = run_client(false);
    ck_assert_str_eq(plain.out, text("asked %d, wrong 0, children that failed 0\n"
                                     "descriptors True\n",
                                     REQUESTS));
    unsigned before = network_accepted(net.server);
    struct outcome pooled = run_client(true);
    ck_assert_str_eq(pooled.out, plain.out);
    ck_assert_str_eq(pooled.err, plain.err);
    /* What is open while a child is made is not reused: the others are. */
    ck_assert_uint_lt(network_accepted(net.server) - before, before);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("spawning");
    TCase *tests = tcase_create("spawning");
    tcase_set_timeout(tests, 3 * LIMIT_S);
    tcase_add_test(tests, a_python_that_spawns_gets_its_own_answers_and_its_children_are_well);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
