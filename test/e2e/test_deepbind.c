/* SPDX-License-Identifier: MIT
 * Plugins loaded by RTLD_DEEPBIND: they say the same as with libc, and their connections are
 * pooled. */
#include "../support/network.h"
#include "../support/process.h"
#include "../support/server.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LIMIT_S = 60, REQUESTS = 50 };
enum { ALL = -1, FEWER = -2 }; /* connections that the server sees, against a plain run */

static const struct {
    const char *program, *play, *setting;
    int accepted;
} plays[] = {
    {"deep_user", "now", NULL, 1},
    {"deep_user", "lazy", NULL, 1},
    {"deep_user", "lazy", "LD_BIND_NOW=1", 1},
    {"deep_user", "lazy_now", NULL, 1},
    {"deep_user", "global", NULL, 1},
    {"deep_user", "without_relro", NULL, 1},
    {"deep_user", "unversioned", NULL, 1},
    {"deep_user", "alone", NULL, 1},
    {"deep_user", "in_text", NULL, 2 + 1}, /* code is left as it is */
    {"deep_user", "packed", NULL, ALL},
    {"deep_user", "old_version", NULL, 1},
    {"deep_user", "brings", NULL, 1},
    {"deep_user", "brings_now", NULL, 1},
    {"deep_user", "brings_nameless", NULL, 1},
    {"deep_user", "brings_by_path", NULL, 1},
    {"deep_user", "brought_earlier", NULL, 1},
    {"deep_user", "own", NULL, 1}, /* by syscall() */
    {"deep_user", "brings_own", NULL, 1},
    {"deep_user", "without_flag", NULL, 1},
    {"deep_user", "flag_later", NULL, 1},
    {"deep_user", "not_loaded", NULL, 1},
    {"deep_user", "by_the_programs_runpath", NULL, 3 + 1}, /* found by its caller: libc's affair */
    {"deep_user", "by_the_programs_origin", NULL, 3 + 1},
    {"deep_user", "by_a_librarys", NULL, 3 + 3 + 1},
    {"deep_user", "of_nothing", NULL, 1},
    {"deep_user", "in_vain", NULL, 1},
    {"deep_user", "unloaded", NULL, 1},
    {"deep_user", "protections", NULL, 1},
    {"deep_user", "in_another_namespace", NULL, 6 + 1},
    {"deep_user", "by_two_threads", NULL, FEWER},
    {"deep_user", "now", "TWPOOL_DEEPBIND=off", ALL},
    {"deep_user", "lazy", "TWPOOL_DEEPBIND=off", ALL},
    {"deep_user", "whose", "TWPOOL_DEEPBIND=off", ALL},
    {"deep_user", "whose", "TWPOOL=off", ALL},
    /* One that has a connect() of its own, which no plugin may meet that did not before. */
    {"deep_user_shadowing", "now", NULL, 1},
    {"deep_user_shadowing", "lazy", NULL, 1},
    {"deep_user_shadowing", "without_flag", NULL, 1},
    {"deep_user_shadowing", "brings", NULL, 1},
    {"deep_user_shadowing", "brought_earlier", NULL, 1},
};
enum { PLAYS = sizeof plays / sizeof *plays };

static int network;
static const char *port;

/* A server in a network of its own, outside of what is tested. */
static void start_serving(void)
{
    char line[16] = "";
    network = network_private();
    struct process server = process_start(&(struct command){.argv = {program_path("serving")}});
    for (int waits = 0; strchr(line, '\n') == NULL; waits++) {
        ck_assert_msg(waits < 500, "the server does not start");
        usleep(10 * 1000);
        ck_assert_int_ge(pread(server.out, line, sizeof line - 1, 0), 0);
    }
    line[strcspn(line, "\n")] = '\0';
    port = text("%s", line);
}

struct life {
    struct outcome outcome;
    unsigned accepted;
};

static struct life live(const struct command *command)
{
    unsigned before = network_accepted(network);
    struct life life = {.outcome = run(command, LIMIT_S)};
    ck_assert_msg(!life.outcome.timed_out, "%s %s hangs after: %s%s", command->argv[0],
                  command->argv[2], life.outcome.out, life.outcome.err);
    life.accepted = network_accepted(network) - before;
    return life;
}

static void assert_same(const char *what, const struct life *plain, const struct life *pooled)
{
    ck_assert_msg(plain->outcome.status == 0 && plain->accepted > 1, "%s is broken: %s%s", what,
                  plain->outcome.out, plain->outcome.err);
    ck_assert_msg(strcmp(pooled->outcome.out, plain->outcome.out) == 0,
                  "%s: the output is\n%s instead of\n%s(%s)", what, pooled->outcome.out,
                  plain->outcome.out, pooled->outcome.err);
    ck_assert_msg(strcmp(pooled->outcome.err, plain->outcome.err) == 0,
                  "%s: the errors are\n%s instead of\n%s", what, pooled->outcome.err,
                  plain->outcome.err);
    ck_assert_msg(pooled->outcome.status == plain->outcome.status, "%s: status %d instead of %d",
                  what, pooled->outcome.status, plain->outcome.status);
}

static void assert_accepted(const char *what, const struct life *plain, const struct life *pooled,
                            int accepted)
{
    if (accepted == FEWER) {
        ck_assert_msg(pooled->accepted < plain->accepted, "%s: %u connections instead of %u", what,
                      pooled->accepted, plain->accepted);
        return;
    }
    unsigned expected = accepted == ALL ? plain->accepted : (unsigned)accepted;
    ck_assert_msg(pooled->accepted == expected, "%s: %u connections were accepted instead of %u",
                  what, pooled->accepted, expected);
}

START_TEST(a_plugin_loaded_deeply_says_the_same_and_is_pooled)
{
    start_serving();
    struct command command = {.argv = {program_path(plays[_i].program), port, plays[_i].play},
                              .settings = {plays[_i].setting}};
    const char *what = text("%s %s, %s", plays[_i].program, plays[_i].play,
                            plays[_i].setting == NULL ? "by default" : plays[_i].setting);
    struct life plain = live(&command);
    command.preload = true;
    struct life pooled = live(&command);
    assert_same(what, &plain, &pooled);
    assert_accepted(what, &plain, &pooled, plays[_i].accepted);
}
END_TEST

/* A preload beside us is passed by: libc's functions are meant, and not its own. */
START_TEST(another_preload_is_passed_by_as_without_us)
{
    start_serving();
    const char *library = getenv("TWPOOL_TEST_LIBRARY");
    const char *neighbour = program_path("plugins/neighbour.so");
    struct command command = {.argv = {program_path("deep_user"), port, "brings"},
                              .settings = {text("LD_PRELOAD=%s", neighbour)}};
    struct life alone = live(&command);
    ck_assert_ptr_null(strstr(alone.outcome.out, "neighbour"));
    command.settings[0] = text("LD_PRELOAD=%s:%s", neighbour, library);
    struct life before_us = live(&command);
    assert_same("before us", &alone, &before_us);
    assert_accepted("before us", &alone, &before_us, 1);
    command.settings[0] = text("LD_PRELOAD=%s:%s", library, neighbour);
    struct life after_us = live(&command);
    assert_same("after us", &alone, &after_us);
    assert_accepted("after us", &alone, &after_us, ALL); /* ours would lead to its own */
}
END_TEST

/* ---- PHP, which loads every extension so. */

static const struct {
    const char *setting;
    unsigned accepted;
} php[] = {{NULL, 1}, {"TWPOOL_DEEPBIND=off", REQUESTS}};

START_TEST(php_with_curl_gets_the_same_answers_over_one_connection)
{
    struct network_pair net = network_pair();
    server_nginx(net.server);
    struct command command = {.argv = {"/usr/bin/php", script_path("curl_loop.php"),
                                       text("http://%s:%d", SERVER_ADDRESS, NGINX_PORT),
                                       text("%d", REQUESTS)},
                              .settings = {php[_i].setting},
                              .network = net.client};
    struct outcome plain = run(&command, LIMIT_S);
    unsigned before = network_accepted(net.server);
    ck_assert_uint_eq(before, REQUESTS);
    ck_assert_uint_eq(occurrences(plain.out, "0 200 you asked for /request/"), REQUESTS);
    command.preload = true;
    struct outcome pooled = run(&command, LIMIT_S);
    ck_assert_str_eq(pooled.out, plain.out);
    ck_assert_str_eq(pooled.err, plain.err);
    ck_assert_int_eq(pooled.status, plain.status);
    ck_assert_uint_eq(network_accepted(net.server) - before, php[_i].accepted);
}
END_TEST

/* A sanitizer's runtime refuses RTLD_DEEPBIND: what remains is that a dlopen() without it is
 * libc's.
 */
static bool can_be_played(const char *play)
{
    const char *sanitizer = getenv("TWPOOL_TEST_PRELOAD_FIRST");
    return sanitizer == NULL || sanitizer[0] == '\0' || strcmp(play, "without_flag") == 0;
}

int main(void)
{
    const char *only = getenv("TWPOOL_TEST_ONLY"); /* some of the plays, by commas */
    Suite *suite = suite_create("deepbind");
    TCase *plugins = tcase_create("plugins");
    tcase_set_timeout(plugins, 3 * LIMIT_S);
    for (int i = 0; i < PLAYS; i++)
        if (is_among(only, plays[i].play) && can_be_played(plays[i].play))
            tcase_add_loop_test(plugins, a_plugin_loaded_deeply_says_the_same_and_is_pooled, i,
                                i + 1);
    if (is_among(only, "neighbours") && can_be_played("neighbours"))
        tcase_add_test(plugins, another_preload_is_passed_by_as_without_us);
    suite_add_tcase(suite, plugins);
    TCase *real = tcase_create("php");
    tcase_set_timeout(real, 3 * LIMIT_S);
    if (is_among(only, "php") && can_be_played("php"))
        tcase_add_loop_test(real, php_with_curl_gets_the_same_answers_over_one_connection, 0,
                            (int)(sizeof php / sizeof *php));
    suite_add_tcase(suite, real);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner), ran = srunner_ntests_run(runner);
    srunner_free(runner);
    return failed == 0 && ran > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
