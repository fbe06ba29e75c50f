/* SPDX-License-Identifier: MIT
 * Ordinary socket programs, run plain and with the library: nobody can tell the runs apart. */
#include "../support/network.h"
#include "../support/process.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

enum { LIMIT_S = 60 }; /* the longest program takes five seconds, alone on one core */

/* How many connections the program's server must see, against a plain run. */
enum reuse {
    FEWER,  /* the program was given idle connections: what it shows is worth something */
    EQUAL,  /* nothing may be reused */
    EITHER, /* reuse is allowed and not asked for */
    UNFIT   /* not run: the program breaks the promise that the rule `raw` is */
};

static const struct {
    const char *name;
    enum reuse by_default, under_raw;
} programs[] = {
    {"async_owner", FEWER, FEWER},
    {"bind_local", FEWER, FEWER},
    {"blocked_reader", FEWER, FEWER},
    {"cancelled", FEWER, FEWER},
    {"cancelled_anywhere", FEWER, FEWER},
    {"close_ranges", FEWER, FEWER},
    {"close_results", FEWER, FEWER},
    {"connect_again", EITHER, EITHER},
    {"connect_errors", FEWER, FEWER},
    {"descriptor_flags", FEWER, FEWER},
    {"dprintf_unseen", FEWER, FEWER},
    {"dup2_over", EITHER, EITHER},
    {"dup_before_connect", FEWER, FEWER},
    {"dup_fails", FEWER, FEWER},
    {"dup_orders", EITHER, EITHER},
    {"echo_protocol", EQUAL, FEWER},
    {"epoll_beginnings", FEWER, FEWER},
    {"epoll_lives", FEWER, FEWER},
    {"epoll_owners", FEWER, FEWER},
    {"epoll_registered", FEWER, FEWER},
    {"epoll_waits", FEWER, FEWER},
    {"errno_kept", FEWER, FEWER},
    {"every_option", FEWER, FEWER},
    {"exec_inherits", FEWER, FEWER},
    {"exec_with_idle", FEWER, FEWER},
    {"exits", FEWER, FEWER},
    {"families", FEWER, FEWER},
    {"fork_shares", FEWER, FEWER},
    {"fresh_socket", FEWER, FEWER},
    {"full_table", FEWER, FEWER},
    {"goodbye_waits", EITHER, EITHER},
    {"half_close_reply", EQUAL, EQUAL},
    {"half_response", FEWER, FEWER},
    {"identity", FEWER, FEWER},
    {"interrupted", FEWER, FEWER},
    {"ioctls", EITHER, EITHER},
    {"kept_open", FEWER, FEWER},
    {"left", EQUAL, UNFIT}, /* leaves replies unread */
    {"libc_handle", FEWER, FEWER},
    {"linger", FEWER, FEWER},
    {"little_memory", FEWER, FEWER},
    {"looks_like_http", EQUAL, EITHER},
    {"low_limit", FEWER, FEWER},
    {"never_read", FEWER, FEWER},
    {"option_kinds", FEWER, FEWER},
    {"options", FEWER, FEWER},
    {"other_sockets", FEWER, FEWER},
    {"pass_descriptor", FEWER, FEWER},
    {"peek", FEWER, FEWER},
    {"pipelined", FEWER, UNFIT}, /* leaves replies unread */
    {"poll_timeout", FEWER, FEWER},
    {"raced", FEWER, FEWER},
    {"reconnect_blocking", FEWER, FEWER},
    {"reconnect_nonblocking", FEWER, FEWER},
    {"recv_timeout", FEWER, FEWER},
    {"select_beyond", FEWER, FEWER},
    {"select_closed", FEWER, EITHER},
    {"sendfile_splice", FEWER, FEWER},
    {"server_closes", FEWER, UNFIT}, /* a close is announced in the words of HTTP */
    {"server_first", EQUAL, UNFIT},  /* the client does not speak first */
    {"shutdown_ways", FEWER, FEWER},
    {"signal_handler", FEWER, FEWER},
    {"sigpipe", FEWER, FEWER},
    {"stdio_stream", FEWER, FEWER},
    {"streams", FEWER, FEWER},
    {"syscall_close", FEWER, FEWER},
    {"threads", FEWER, FEWER},
    {"unshare_files", FEWER, FEWER},
    {"urgent", FEWER, FEWER},
    {"vectors", FEWER, FEWER},
    {"wild_addresses", FEWER, FEWER},
};
enum { PROGRAMS = sizeof programs / sizeof programs[0] };

struct life {
    int network;
    struct process process;
    struct outcome outcome;
    unsigned accepted;
};

/* Starts the program in a network of its own: what is counted there is its doing alone. */
static void begin(struct life *life, const char *name, const char *setting, bool preload)
{
    life->network = network_private();
    life->process = process_start(
        &(struct command){.argv = {program_path(name)}, .settings = {setting}, .preload = preload});
}

static void finish(struct life *life)
{
    life->outcome = process_wait(&life->process, LIMIT_S);
    life->accepted = network_accepted(life->network);
}

/* The first line in which two texts differ, as "line 12: `this' instead of `that'". */
static const char *difference(const char *expected, const char *actual)
{
    for (int line = 1; *expected != '\0' || *actual != '\0'; line++) {
        size_t expected_len = strcspn(expected, "\n"), actual_len = strcspn(actual, "\n");
        if (expected_len != actual_len || memcmp(expected, actual, actual_len) != 0 ||
            expected[expected_len] != actual[actual_len])
            return text("line %d: `%.*s' instead of `%.*s'", line, (int)actual_len, actual,
                        (int)expected_len, expected);
        expected += expected_len + (expected[expected_len] == '\n');
        actual += actual_len + (actual[actual_len] == '\n');
    }
    return NULL;
}

static void assert_same(const char *name, const char *how, const struct life *plain,
                        const struct life *pooled, enum reuse reuse)
{
    ck_assert_msg(!pooled->outcome.timed_out, "%s, %s, hangs after:\n%s", name, how,
                  pooled->outcome.out);
    const char *output = difference(plain->outcome.out, pooled->outcome.out);
    ck_assert_msg(output == NULL, "%s, %s, shows in %s (status %d)\n%s", name, how, output,
                  pooled->outcome.status, pooled->outcome.err);
    const char *errors = difference(plain->outcome.err, pooled->outcome.err);
    ck_assert_msg(errors == NULL, "%s, %s, writes to stderr in %s", name, how, errors);
    ck_assert_msg(pooled->outcome.status == plain->outcome.status,
                  "%s, %s, ends with status %d instead of %d", name, how, pooled->outcome.status,
                  plain->outcome.status);
    if (reuse == FEWER)
        ck_assert_msg(pooled->accepted < plain->accepted,
                      "%s, %s: %u connections, as many as plain: nothing was reused", name, how,
                      pooled->accepted);
    if (reuse == EQUAL)
        ck_assert_msg(pooled->accepted == plain->accepted, "%s, %s: %u connections instead of %u",
                      name, how, pooled->accepted, plain->accepted);
}

START_TEST(a_program_shows_the_same_with_and_without_the_library)
{
    const char *name = programs[_i].name;
    struct life plain, pooled, raw;
    bool run_raw = programs[_i].under_raw != UNFIT;
    begin(&plain, name, NULL, false);
    begin(&pooled, name, NULL, true);
    if (run_raw)
        begin(&raw, name, "TWPOOL_RULES=*=raw", true);
    finish(&plain);
    finish(&pooled);
    if (run_raw)
        finish(&raw);
    ck_assert_msg(!plain.outcome.timed_out && plain.outcome.status < 99 &&
                      plain.outcome.out_len > 0 && plain.accepted > 0,
                  "%s is broken: status %d, %s", name, plain.outcome.status, plain.outcome.err);
    assert_same(name, "by default", &plain, &pooled, programs[_i].by_default);
    if (run_raw)
        assert_same(name, "under raw", &plain, &raw, programs[_i].under_raw);
}
END_TEST

/* Without this one, a program that differs from run to run could pass by chance. */
START_TEST(a_program_shows_the_same_twice)
{
    struct life first, second;
    begin(&first, programs[_i].name, NULL, false);
    begin(&second, programs[_i].name, NULL, false);
    finish(&first);
    finish(&second);
    /* Who wins a race decides whether a connection is made. */
    enum reuse reuse = strcmp(programs[_i].name, "raced") == 0 ? EITHER : EQUAL;
    assert_same(programs[_i].name, "run again", &first, &second, reuse);
}
END_TEST

START_TEST(a_program_with_the_pool_off_shows_the_same_and_reuses_nothing)
{
    struct life plain, off, ruled_off;
    begin(&plain, "reconnect_blocking", NULL, false);
    begin(&off, "reconnect_blocking", "TWPOOL=off", true);
    begin(&ruled_off, "reconnect_blocking", "TWPOOL_RULES=*=off", true);
    finish(&plain);
    finish(&off);
    finish(&ruled_off);
    assert_same("reconnect_blocking", "with TWPOOL=off", &plain, &off, EQUAL);
    assert_same("reconnect_blocking", "ruled off", &plain, &ruled_off, EQUAL);
}
END_TEST

/* ThreadSanitizer keeps a signal back until a call that blocks, so no moment can be chosen; and
 * AddressSanitizer takes what a cancelled thread leaves on its stack for an error, in any program.
 */
static bool can_be_run(const char *name)
{
    const char *sanitizer = getenv("TWPOOL_TEST_PRELOAD_FIRST");
    if (sanitizer == NULL || sanitizer[0] == '\0')
        return true;
    if (strcmp(name, "cancelled_anywhere") == 0)
        return false;
    bool asks_for_a_moment = strcmp(name, "interrupted") == 0 || strcmp(name, "goodbye_waits") == 0;
    return !asks_for_a_moment || strstr(sanitizer, "tsan") == NULL;
}

int main(void)
{
    const char *only = getenv("TWPOOL_TEST_ONLY"); /* some of them, by commas */
    Suite *suite = suite_create("oracle");
    TCase *programs_case = tcase_create("programs");
    tcase_set_timeout(programs_case, 4 * LIMIT_S);
    for (int i = 0; i < PROGRAMS; i++)
        if (is_among(only, programs[i].name) && can_be_run(programs[i].name))
            tcase_add_loop_test(programs_case,
                                a_program_shows_the_same_with_and_without_the_library, i, i + 1);
    if (only == NULL)
        tcase_add_test(programs_case,
                       a_program_with_the_pool_off_shows_the_same_and_reuses_nothing);
    suite_add_tcase(suite, programs_case);
    TCase *steady_case = tcase_create("steady");
    tcase_set_timeout(steady_case, 4 * LIMIT_S);
    for (int i = 0; only == NULL && i < PROGRAMS; i++)
        if (can_be_run(programs[i].name))
            tcase_add_loop_test(steady_case, a_program_shows_the_same_twice, i, i + 1);
    suite_add_tcase(suite, steady_case);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner), ran = srunner_ntests_run(runner);
    srunner_free(runner);
    return failed == 0 && ran > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
