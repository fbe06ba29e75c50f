/* SPDX-License-Identifier: MIT
 * Limits are kept while a program only waits, and its waits are what they are without the library.
 */
#include "../support/network.h"
#include "../support/process.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

enum { LIMIT_S = 60, WAYS = 14 /* of test/programs/ways.c */ };

#define REAPER "TWPOOL_REAPER=thread"
#define SHORT_LIMIT "TWPOOL_IDLE_TIMEOUT=50ms"
#define EXPIRED "ended: expired"

/* Plays that show the same plain, with the waits cut, and with the reaper. */
static const struct {
    const char *program, *play, *limit;
    const char *ending; /* what became of a connection */
} cases[] = {
    {"long_waits", "ends_while_waiting", SHORT_LIMIT, EXPIRED},
    {"long_waits", "ends_in_an_endless_wait", SHORT_LIMIT, EXPIRED},
    {"long_waits", "event_in_a_later_part", SHORT_LIMIT, EXPIRED},
    {"long_waits", "sets_of_select", SHORT_LIMIT, EXPIRED},
    {"long_waits", "refused", SHORT_LIMIT, EXPIRED},
    {"long_waits", "in_a_vfork_child", "TWPOOL_IDLE_TIMEOUT=100ms", EXPIRED},
    {"long_waits", "many_threads", SHORT_LIMIT, EXPIRED},
    {"long_waits", "deferred_while_waiting", "TWPOOL_DEFER=50ms", "deferral-timed-out"},
    {"epoll_waits", "where_poll_is_refused", SHORT_LIMIT, EXPIRED},
    {"epoll_waits", "an_event_taken_by_another", SHORT_LIMIT, EXPIRED},
    {"epoll_waits", "another_set_at_its_number", SHORT_LIMIT, EXPIRED},
    {"interrupted_waits", "at_every_phase", "TWPOOL_IDLE_TIMEOUT=10ms", EXPIRED},
    {"interrupted_waits", "at_one_kilohertz", SHORT_LIMIT, EXPIRED},
    {"interrupted_waits", "time_left", SHORT_LIMIT, EXPIRED},
    {"interrupted_waits", "jumps", SHORT_LIMIT, EXPIRED},
    {"interrupted_waits", "masks", SHORT_LIMIT, EXPIRED},
    {"interrupted_waits", "forks", SHORT_LIMIT, EXPIRED},
    {"interrupted_waits", "waits_in_the_handler", SHORT_LIMIT, EXPIRED},
    {"interrupted_waits", "stopped", SHORT_LIMIT, EXPIRED},
    {"interrupted_waits", "cancelled", SHORT_LIMIT, EXPIRED},
    {"interrupted_waits", "cancelled_before", SHORT_LIMIT, "ended: flushed"},
};
enum { CASES = sizeof cases / sizeof *cases };

static struct process begin(const char *program, const char *play, const char *limit,
                            const char *reaper, bool preload)
{
    network_private();
    return process_start(
        &(struct command){.argv = {program_path(program), play},
                          .settings = {preload ? "TWPOOL_LOG=trace" : NULL, limit, reaper},
                          .preload = preload});
}

static struct outcome end(struct process *process, const char *play, const char *how)
{
    struct outcome outcome = process_wait(process, LIMIT_S);
    ck_assert_msg(!outcome.timed_out, "%s, %s, hangs after:\n%s", play, how, outcome.out);
    ck_assert_msg(outcome.status == 0, "%s, %s: status %d after:\n%s%s", play, how, outcome.status,
                  outcome.out, outcome.err);
    return outcome;
}

START_TEST(a_wait_that_is_cut_shows_what_libc_shows)
{
    const char *play = cases[_i].play;
    struct process plain = begin(cases[_i].program, play, NULL, NULL, false);
    struct process cut = begin(cases[_i].program, play, cases[_i].limit, NULL, true);
    struct outcome expected = end(&plain, play, "plain"), seen = end(&cut, play, "cut");
    ck_assert_uint_gt(expected.out_len, 0);
    ck_assert_msg(strcmp(expected.out, seen.out) == 0, "%s, cut, shows:\n%sinstead of:\n%s", play,
                  seen.out, expected.out);
    ck_assert_msg(strstr(seen.err, cases[_i].ending) != NULL, "%s: nothing %s", play,
                  cases[_i].ending);
}
END_TEST

START_TEST(with_the_reaper_a_wait_shows_what_libc_shows)
{
    const char *play = cases[_i].play;
    struct process plain = begin(cases[_i].program, play, NULL, NULL, false);
    struct process reaped = begin(cases[_i].program, play, cases[_i].limit, REAPER, true);
    struct outcome expected = end(&plain, play, "plain"), seen = end(&reaped, play, "reaped");
    ck_assert_msg(strcmp(expected.out, seen.out) == 0, "%s, reaped, shows:\n%sinstead of:\n%s",
                  play, seen.out, expected.out);
    ck_assert_msg(strstr(seen.err, cases[_i].ending) != NULL, "%s: nothing %s", play,
                  cases[_i].ending);
}
END_TEST

/* What libc does is known here, and has no part between two to be held in. */
static void held_between_parts(const char *play, const char *each)
{
    struct process process = begin("held_waits", play, SHORT_LIMIT, NULL, true);
    struct outcome outcome = end(&process, play, "cut");
    ck_assert_msg(occurrences(outcome.out, each) == WAYS && occurrences(outcome.out, "\n") == WAYS,
                  "%s shows:\n%s", play, outcome.out);
}

START_TEST(a_signal_between_two_parts_ends_the_wait)
{
    held_between_parts("signalled", " = -1 EINTR, handled 1, mask 0\n");
}
END_TEST

START_TEST(a_signal_without_a_handler_between_two_parts_does_not)
{
    held_between_parts("signalled_in_vain", " = 0, handled 0, mask 0\n");
}
END_TEST

/* 80000000 is libc's own signal for it, where that is what ends the call. */
START_TEST(a_cancellation_between_two_parts_finds_the_mask_of_the_application)
{
    held_between_parts("cancelled", ": clean-up with mask 0\n");
}
END_TEST

static void unseen_waits(const char *reaper, const char *expected)
{
    struct process process = begin("long_waits", "unseen_waits", SHORT_LIMIT, reaper, true);
    ck_assert_str_eq(end(&process, "unseen_waits", "preloaded").out, expected);
}

START_TEST(in_a_wait_that_is_not_seen_a_connection_outlives_its_limit)
{
    unseen_waits(NULL, "read: open meanwhile: 1\nfutex: open meanwhile: 1\n");
}
END_TEST

START_TEST(with_the_reaper_it_ends_in_every_wait)
{
    unseen_waits(REAPER, "read: open meanwhile: 0\nfutex: open meanwhile: 0\n");
}
END_TEST

START_TEST(an_earlier_deadline_wakes_the_reaper)
{
    struct process process =
        begin("long_waits", "an_earlier_deadline", "TWPOOL_IDLE_TIMEOUT=6s", REAPER, true);
    const char *out = end(&process, "an_earlier_deadline", "reaped").out;
    ck_assert_msg(strstr(out, "open: 1\n") != NULL, "%s", out);
}
END_TEST

/* What another thread of the process could change, which is the reaper's business alone. */
static const char *const reaper_plays[] = {
    "is_named",           "ends_with_the_last_thread",
    "ends_by_plain_exit", "forked",
    "unshared_user",      "another_user",
    "executes",           "comes_and_goes",
    "threads_and_limit",  "refused_change",
    "a_thread_exits",     "takes_its_own_table",
};
enum { REAPER_PLAYS = sizeof reaper_plays / sizeof *reaper_plays };

START_TEST(the_reaper_changes_nothing_else_in_the_process)
{
    const char *play = reaper_plays[_i];
    struct process plain = begin("reaped", play, NULL, NULL, false);
    struct process reaped = begin("reaped", play, "TWPOOL_IDLE_TIMEOUT=1s", REAPER, true);
    struct outcome expected = process_wait(&plain, LIMIT_S), seen = process_wait(&reaped, LIMIT_S);
    ck_assert_msg(!seen.timed_out, "%s hangs after:\n%s", play, seen.out);
    ck_assert_msg(expected.status == seen.status && expected.status < 99,
                  "%s: status %d instead of %d\n%s", play, seen.status, expected.status, seen.err);
    ck_assert_uint_gt(expected.out_len, 0);
    if (strcmp(play, "is_named") == 0)
        ck_assert_str_eq(seen.out, "threads: main twpool-reaper\nthreads: main\n");
    else
        ck_assert_str_eq(seen.out, expected.out);
}
END_TEST

START_TEST(no_thread_is_started_unless_it_was_asked_for)
{
    struct process process = begin("reaped", "is_named", "TWPOOL_IDLE_TIMEOUT=300ms", NULL, true);
    ck_assert_str_eq(end(&process, "is_named", "preloaded").out, "threads: main\nthreads: main\n");
}
END_TEST

static bool has_sanitizer(const char *library)
{
    const char *sanitizer = getenv("TWPOOL_TEST_PRELOAD_FIRST");
    return sanitizer != NULL && strstr(sanitizer, library) != NULL;
}

/* ThreadSanitizer keeps its notes on each thread where libc has made it: code that it instruments
 * cannot run in a thread that libc does not know. There the reaper's tests are left out. */
static bool can_reap(void)
{
    return !has_sanitizer("tsan");
}

/* Plain runs that are no measure under a sanitizer, and left out there: AddressSanitizer takes the
 * frames that a cancelled thread has left for live ones when its clean-up handlers use the stack,
 * and under ThreadSanitizer a fork() from a signal handler hangs. */
static bool can_play(const char *play)
{
    if (strncmp(play, "cancelled", 9) == 0)
        return !has_sanitizer("asan");
    /* Nor when a handler runs: ThreadSanitizer holds it back in the calls that it does not wrap. */
    bool asks_tsan = strcmp(play, "forks") == 0 || strcmp(play, "at_every_phase") == 0;
    return !asks_tsan || !has_sanitizer("tsan");
}

int main(void)
{
    const char *only = getenv("TWPOOL_TEST_ONLY"); /* plays, by commas */
    Suite *suite = suite_create("waits");
    TCase *cut = tcase_create("cut"), *reaped = tcase_create("reaped");
    tcase_set_timeout(cut, 4 * LIMIT_S);
    tcase_set_timeout(reaped, 4 * LIMIT_S);
    for (int i = 0; i < CASES; i++) {
        if (!is_among(only, cases[i].play) || !can_play(cases[i].play))
            continue;
        tcase_add_loop_test(cut, a_wait_that_is_cut_shows_what_libc_shows, i, i + 1);
        if (can_reap())
            tcase_add_loop_test(reaped, with_the_reaper_a_wait_shows_what_libc_shows, i, i + 1);
    }
    if (is_among(only, "held_signalled"))
        tcase_add_test(cut, a_signal_between_two_parts_ends_the_wait);
    if (is_among(only, "held_signalled_in_vain"))
        tcase_add_test(cut, a_signal_without_a_handler_between_two_parts_does_not);
    if (is_among(only, "held_cancelled") && can_play("cancelled"))
        tcase_add_test(cut, a_cancellation_between_two_parts_finds_the_mask_of_the_application);
    if (is_among(only, "unseen_waits")) {
        tcase_add_test(cut, in_a_wait_that_is_not_seen_a_connection_outlives_its_limit);
        if (can_reap())
            tcase_add_test(reaped, with_the_reaper_it_ends_in_every_wait);
    }
    if (can_reap() && is_among(only, "an_earlier_deadline"))
        tcase_add_test(reaped, an_earlier_deadline_wakes_the_reaper);
    if (can_reap() && is_among(only, "is_named"))
        tcase_add_test(reaped, no_thread_is_started_unless_it_was_asked_for);
    for (int i = 0; i < REAPER_PLAYS; i++)
        if (can_reap() && is_among(only, reaper_plays[i]))
            tcase_add_loop_test(reaped, the_reaper_changes_nothing_else_in_the_process, i, i + 1);
    suite_add_tcase(suite, cut);
    suite_add_tcase(suite, reaped);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner), ran = srunner_ntests_run(runner);
    srunner_free(runner);
    return failed == 0 && ran > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
