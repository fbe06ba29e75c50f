/* SPDX-License-Identifier: MIT
 * Home-made protocols under the rules `lines` and `frame`: reused, and nothing leaks from one
 * logical connection to the next. */
#include "../support/network.h"
#include "../support/server.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CONNECTIONS = 91, LIMIT_S = 60 };

/* Every third connection is treated so; those are never reused where it is careless. */
static const struct {
    const char *how;
    bool reusable;
} habits[] = {{"whole", true}, {"pipelined", true}, {"half", false},
              {"late", false}, {"twice", false},    {"part", false}};

static const struct {
    const char *protocol, *rule;
} protocols[] = {{"frames", "frame(0,4,be,0)"}, {"lines", "lines"}};

struct run {
    struct outcome client, server;
    unsigned accepted;
};

static struct run talk(bool preload, const char *protocol, const char *how, const char *rule)
{
    struct run run_now;
    struct network_pair net = network_pair();
    struct process server = server_python(net.server, "turns_server.py", protocol);
    run_now.client =
        run(&(struct command){.argv = {"/usr/bin/python3", script_path("turns_client.py"),
                                       SERVER_ADDRESS, text("%d", PYTHON_PORT),
                                       text("%d", CONNECTIONS), protocol, how},
                              .settings = {preload ? "TWPOOL_STATS=stderr" : NULL, rule},
                              .preload = preload,
                              .network = net.client},
            LIMIT_S);
    run_now.accepted = network_accepted(net.server);
    usleep(100 * 1000); /* its threads are still reading the last ends */
    run_now.server = process_stop(&server);
    ck_assert_msg(!run_now.client.timed_out, "the client hangs after: %s", run_now.client.out);
    ck_assert_msg(run_now.client.status == 0, "%s", run_now.client.err);
    ck_assert_uint_eq(occurrences(run_now.client.out, "\n"), CONNECTIONS);
    ck_assert_str_eq(run_now.server.err, "");
    return run_now;
}

static void assert_same_and_reused(int protocol, int habit)
{
    const char *name = protocols[protocol].protocol, *how = habits[habit].how;
    struct run plain = talk(false, name, how, NULL);
    struct run pooled = talk(
        true, name, how,
        text("TWPOOL_RULES=%s:%d=%s,*=off", SERVER_ADDRESS, PYTHON_PORT, protocols[protocol].rule));
    ck_assert_str_eq(pooled.client.out, plain.client.out);
    ck_assert_uint_eq(plain.accepted, CONNECTIONS);
    /* Of three connections the third is not parked; the next opens a new one, used twice more. */
    ck_assert_uint_eq(pooled.accepted, habits[habit].reusable ? 1 : (CONNECTIONS + 2) / 3);
    ck_assert_msg(
        strstr(pooled.client.err, text("%s:%d (%s): opened %u, reused %u, parked ", SERVER_ADDRESS,
                                       PYTHON_PORT, protocols[protocol].rule, pooled.accepted,
                                       CONNECTIONS - pooled.accepted)) != NULL,
        "statistics: %s", pooled.client.err);
}

START_TEST(a_framed_protocol_is_reused_and_no_half_reply_leaks)
{
    assert_same_and_reused(0, _i);
}
END_TEST

START_TEST(a_protocol_of_lines_is_reused_and_no_half_reply_leaks)
{
    assert_same_and_reused(1, _i);
}
END_TEST

/* What the user wrote is not so: nothing is reused, and nothing is different. */
START_TEST(under_the_wrong_frame_nothing_is_reused_and_everything_is_the_same)
{
    static const char *const wrong[] = {"frame(0,4,le,0)", "frame(0,2,le,0)", "frame(4,4,be,0)",
                                        "frame(0,4,be,-4)", "frame(0,4,be,1)"};
    struct run plain = talk(false, "frames", "whole", NULL);
    struct run pooled = talk(true, "frames", "whole", text("TWPOOL_RULES=*=%s", wrong[_i]));
    ck_assert_str_eq(pooled.client.out, plain.client.out);
    ck_assert_uint_eq(pooled.accepted, CONNECTIONS);
    ck_assert_msg(strstr(pooled.client.err, "reused 0, parked 0") != NULL, "%s", pooled.client.err);
}
END_TEST

static const char *hint_of(const struct run *seen)
{
    char *hint = strstr(seen->client.err, "    hint: ");
    return hint == NULL ? "" : text("%.*s", (int)strcspn(hint, "\n"), hint);
}

/* The first connection fits, and so does the last: every one of them counts. */
START_TEST(a_rule_is_proposed_where_every_connection_has_fitted_it)
{
    int protocol = _i % 2, habit = _i / 2;
    struct run seen = talk(true, protocols[protocol].protocol, habits[habit].how, NULL);
    ck_assert_uint_eq(seen.accepted, CONNECTIONS);
    ck_assert_msg(strstr(seen.client.err, "not parked: unknown-protocol") != NULL, "%s",
                  seen.client.err);
    if (habits[habit].reusable)
        ck_assert_str_eq(hint_of(&seen),
                         text("    hint: if each %s is answered by exactly one, and leaves no "
                              "state, TWPOOL_RULES='%s:%d=%s' would reuse it",
                              protocol == 0 ? "message" : "line", SERVER_ADDRESS, PYTHON_PORT,
                              protocols[protocol].rule));
    else
        ck_assert_str_eq(hint_of(&seen), "");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("turns");
    TCase *tests = tcase_create("turns");
    int each = sizeof habits / sizeof habits[0];
    tcase_set_timeout(tests, 2 * LIMIT_S);
    tcase_add_loop_test(tests, a_framed_protocol_is_reused_and_no_half_reply_leaks, 0, each);
    tcase_add_loop_test(tests, a_protocol_of_lines_is_reused_and_no_half_reply_leaks, 0, each);
    tcase_add_loop_test(tests, under_the_wrong_frame_nothing_is_reused_and_everything_is_the_same,
                        0, 5);
    tcase_add_loop_test(tests, a_rule_is_proposed_where_every_connection_has_fitted_it, 0,
                        2 * each);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
