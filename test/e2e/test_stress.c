/* SPDX-License-Identifier: MIT
 * Many threads, several destinations, closes at bad moments: no reply reaches the wrong request. */
#include "../support/network.h"
#include "../support/process.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

enum { LIMIT_S = 240 };

/* A sanitizer build, or a smaller machine, may ask for less than the full figures. */
static const char *threads(void)
{
    const char *set = getenv("TWPOOL_TEST_STRESS_THREADS");
    return set != NULL ? set : "8";
}

static const char *requests(void)
{
    const char *set = getenv("TWPOOL_TEST_STRESS_REQUESTS");
    return set != NULL ? set : "40000";
}

static const char *storm_seconds(void)
{
    const char *set = getenv("TWPOOL_TEST_STORM_SECONDS");
    return set != NULL ? set : "5";
}

static struct outcome stress(bool preload, const char *rule, unsigned *accepted)
{
    int network = network_private();
    struct outcome outcome =
        run(&(struct command){.argv = {program_path("stress"), threads(), requests()},
                              .settings = {rule, "TWPOOL_MAX_IDLE=64"},
                              .preload = preload},
            LIMIT_S);
    *accepted = network_accepted(network);
    ck_assert_msg(!outcome.timed_out, "the client hangs");
    ck_assert_msg(outcome.status == 0, "status %d: %s%s", outcome.status, outcome.out, outcome.err);
    int whole = atoi(requests()) / atoi(threads()) * atoi(threads());
    ck_assert_msg(strstr(outcome.out, text("requests %d, kinds of behaviour 10\n", whole)) != NULL,
                  "%s", outcome.out);
    ck_assert_msg(strstr(outcome.out, "mixed up 0, failures 0,") != NULL, "%s", outcome.out);
    ck_assert_msg(strstr(outcome.out, "descriptors left over 0\n") != NULL, "%s", outcome.out);
    ck_assert_str_eq(outcome.err, "");
    return outcome;
}

START_TEST(no_reply_reaches_the_wrong_request)
{
    unsigned accepted;
    stress(true, NULL, &accepted);
    /* Seven in ten read their answer whole; some of the others may be reused as well. */
    ck_assert_uint_lt(accepted, (unsigned)atoi(requests()) / 2);
}
END_TEST

START_TEST(plain_the_same_clients_find_nothing_amiss)
{
    unsigned accepted;
    stress(false, NULL, &accepted);
    ck_assert_uint_gt(accepted, (unsigned)atoi(requests()) / 10 * 9);
}
END_TEST

START_TEST(under_the_rule_clean_the_same_holds_and_nothing_is_reused)
{
    unsigned accepted;
    stress(true, "TWPOOL_RULES=*=clean", &accepted);
    ck_assert_uint_gt(accepted, (unsigned)atoi(requests()) / 10 * 9);
}
END_TEST

/* The number behind a word of the output. */
static int count_of(const char *out, const char *word)
{
    const char *found = strstr(out, word);
    ck_assert_msg(found != NULL, "no \"%s\" in %s", word, out);
    return atoi(found + strlen(word));
}

static void storm(bool preload)
{
    int network = network_private();
    struct outcome outcome =
        run(&(struct command){.argv = {program_path("stress"), "64", "0", storm_seconds()},
                              .settings = {"TWPOOL_MAX_IDLE=64"},
                              .preload = preload},
            LIMIT_S);
    ck_assert_msg(!outcome.timed_out, "the client hangs");
    ck_assert_msg(outcome.status == 0, "status %d: %s%s", outcome.status, outcome.out, outcome.err);
    ck_assert_msg(strstr(outcome.out, "mixed up 0, failures 0,") != NULL, "%s", outcome.out);
    ck_assert_msg(strstr(outcome.out, "in handlers and children 0\n") != NULL, "%s", outcome.out);
    ck_assert_msg(strstr(outcome.out, "descriptors left over 0\n") != NULL, "%s", outcome.out);
    ck_assert_msg(strstr(outcome.out, "next well\n") != NULL, "%s", outcome.out);
    ck_assert_int_gt(count_of(outcome.out, "exchanges in handlers "), 0);
    ck_assert_int_gt(count_of(outcome.out, "children "), 8); /* each kind at least once */
    ck_assert_str_eq(outcome.err, "");
    int requests = count_of(outcome.out, "requests "), accepted = (int)network_accepted(network);
    ck_assert_msg(preload == (accepted < requests), "%d requests, %d connections", requests,
                  accepted);
}

START_TEST(under_signals_and_forks_no_reply_is_wrong_and_no_descriptor_lost)
{
    storm(true);
}
END_TEST

START_TEST(plain_the_storm_finds_nothing_amiss)
{
    storm(false);
}
END_TEST

/* The race of the oracle's program of that name, for longer. */
START_TEST(in_a_long_race_for_a_number_no_file_is_replaced)
{
    network_private();
    struct outcome outcome =
        run(&(struct command){.argv = {program_path("raced"), storm_seconds()}, .preload = true},
            LIMIT_S);
    ck_assert_msg(!outcome.timed_out, "it hangs");
    ck_assert_msg(strstr(outcome.out, "files replaced 0, ") != NULL, "%s", outcome.out);
    ck_assert_msg(strstr(outcome.out, "strange errors 0\n") != NULL, "%s", outcome.out);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("stress");
    TCase *tests = tcase_create("stress");
    tcase_set_timeout(tests, 2 * LIMIT_S);
    tcase_add_test(tests, no_reply_reaches_the_wrong_request);
    tcase_add_test(tests, plain_the_same_clients_find_nothing_amiss);
    tcase_add_test(tests, under_the_rule_clean_the_same_holds_and_nothing_is_reused);
    suite_add_tcase(suite, tests);
    TCase *storm_case = tcase_create("storm");
    tcase_set_timeout(storm_case, 2 * LIMIT_S);
    tcase_add_test(storm_case, under_signals_and_forks_no_reply_is_wrong_and_no_descriptor_lost);
    tcase_add_test(storm_case, plain_the_storm_finds_nothing_amiss);
    if (getenv("TWPOOL_TEST_STORM_SECONDS") != NULL) /* the short one is the oracle's */
        tcase_add_test(storm_case, in_a_long_race_for_a_number_no_file_is_replaced);
    suite_add_tcase(suite, storm_case);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
