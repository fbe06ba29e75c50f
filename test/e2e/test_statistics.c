/* SPDX-License-Identifier: MIT
 * What real processes say of themselves: the hint when local ports run out, and JSON statistics. */
#include "../support/network.h"
#include "../support/process.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LIMIT_S = 60 };

struct terminal {
    int master, slave;
};

static struct terminal terminal_open(void)
{
    struct terminal terminal = {.master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)};
    ck_assert_int_ge(terminal.master, 0);
    ck_assert_int_eq(grantpt(terminal.master), 0);
    ck_assert_int_eq(unlockpt(terminal.master), 0);
    terminal.slave = open(ptsname(terminal.master), O_RDWR | O_NOCTTY | O_CLOEXEC);
    ck_assert_int_ge(terminal.slave, 0);
    fcntl(terminal.master, F_SETFL, O_NONBLOCK);
    return terminal;
}

/* What was written to it, with its line ends as they were. */
static const char *terminal_text(struct terminal terminal)
{
    static char shown[4096];
    ssize_t len = read(terminal.master, shown, sizeof shown - 1);
    ck_assert(len >= 0 || errno == EAGAIN);
    shown[len < 0 ? 0 : len] = '\0';
    for (char *at = shown; (at = strstr(at, "\r\n")) != NULL;)
        memmove(at, at + 1, strlen(at));
    return shown;
}

/* A program that uses up the local ports, of which there are forty. */
static struct outcome exhaust(const char *how, const char *setting, const char *log, int err)
{
    network_port_range(network_private(), 20000, 20039);
    struct outcome outcome = run(&(struct command){.argv = {program_path("exhaust"), how},
                                                   .settings = {log, setting},
                                                   .preload = true,
                                                   .err = err},
                                 LIMIT_S);
    ck_assert_msg(!outcome.timed_out && outcome.status == 0, "%s: status %d: %s", how,
                  outcome.status, outcome.err);
    return outcome;
}

static const struct {
    const char *how, *setting, *hint; /* %s: the port of the server */
} shortages[] = {
    {"unknown", NULL,
     "no free local port for 127.0.0.1:%s: its last connection was not pooled: unknown-protocol "
     "(no "
     "witness recognised the protocol); if its client always reads the whole reply, "
     "TWPOOL_RULES='127.0.0.1:%s=raw' would reuse it"},
    {"unread", NULL,
     "no free local port for 127.0.0.1:%s: its last connection was not pooled: unknown-protocol "
     "(no "
     "witness recognised the protocol); no rule would change that"},
    {"tls", NULL,
     "no free local port for 127.0.0.1:%s: its last connection was not pooled: tls (TLS is never "
     "reused); tls connections are never reused, whatever the rule"},
    {"unknown", "TWPOOL_RULES=*=off",
     "no free local port for 127.0.0.1:%s: its last connection was not pooled: rule-off (a rule "
     "says off); the rule off forbids it; TWPOOL_RULES='127.0.0.1:%s=auto', placed first, would "
     "reuse it if its protocol is known"},
    {"unknown", "TWPOOL_RULES=*=clean",
     "no free local port for 127.0.0.1:%s: its last connection was not pooled: rule-clean (a rule "
     "says clean); the rule clean forbids it; TWPOOL_RULES='127.0.0.1:%s=auto', placed first, "
     "would reuse it if its protocol is known"},
};
enum { SHORTAGES = sizeof shortages / sizeof *shortages };

static const char *expected_hint(const struct outcome *outcome, const char *hint)
{
    const char *port = text("%d", atoi(outcome->out)), *expected = text("twpool: %s\n", hint);
    for (const char *at; (at = strstr(expected, "%s")) != NULL;)
        expected = text("%.*s%s%s", (int)(at - expected), expected, port, at + 2);
    return expected;
}

START_TEST(one_line_on_a_terminal_names_the_rule_that_would_have_saved_a_port)
{
    struct terminal terminal = terminal_open();
    struct outcome outcome =
        exhaust(shortages[_i].how, shortages[_i].setting, "TWPOOL_LOG=auto", terminal.slave);
    ck_assert_uint_eq(occurrences(outcome.out, "EADDRNOTAVAIL\n"), 3);
    ck_assert_str_eq(terminal_text(terminal), expected_hint(&outcome, shortages[_i].hint));
}
END_TEST

START_TEST(it_is_not_said_where_nobody_looks)
{
    struct outcome outcome =
        exhaust(shortages[_i].how, shortages[_i].setting, "TWPOOL_LOG=auto", 0);
    ck_assert_uint_eq(occurrences(outcome.out, "EADDRNOTAVAIL\n"), 3);
    ck_assert_str_eq(outcome.err, "");
}
END_TEST

START_TEST(it_is_said_without_a_terminal_where_it_was_asked_for)
{
    struct outcome outcome =
        exhaust(shortages[_i].how, shortages[_i].setting, "TWPOOL_LOG=hint", 0);
    ck_assert_str_eq(outcome.err, expected_hint(&outcome, shortages[_i].hint));
}
END_TEST

START_TEST(it_is_not_said_on_a_terminal_when_that_was_forbidden)
{
    struct terminal terminal = terminal_open();
    struct outcome outcome = exhaust("unknown", NULL, "TWPOOL_LOG=off", terminal.slave);
    ck_assert_uint_eq(occurrences(outcome.out, "EADDRNOTAVAIL\n"), 3);
    ck_assert_str_eq(terminal_text(terminal), "");
}
END_TEST

START_TEST(the_pool_is_not_blamed_for_connections_that_are_all_open)
{
    struct terminal terminal = terminal_open();
    struct outcome outcome = exhaust("open", NULL, "TWPOOL_LOG=auto", terminal.slave);
    ck_assert_uint_eq(occurrences(outcome.out, "EADDRNOTAVAIL\n"), 3);
    ck_assert_str_eq(terminal_text(terminal), "");
    outcome = exhaust("open", NULL, "TWPOOL_LOG=hint", 0);
    ck_assert_str_eq(outcome.err, expected_hint(&outcome, "no free local port for 127.0.0.1:%s: "
                                                          "none of its connections was refused "
                                                          "by the pool"));
}
END_TEST

/* connect() says EADDRNOTAVAIL then as well, and whoever tries "localhost" sees it. */
START_TEST(nothing_is_said_of_ports_where_ipv6_is_switched_off)
{
    struct terminal terminal = terminal_open();
    network_private();
    run_tool(&(struct command){
        .argv = {"sh", "-c", "echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6"}});
    struct outcome outcome = run(&(struct command){.argv = {program_path("exhaust"), "v6"},
                                                   .settings = {"TWPOOL_RULES=*=clean"},
                                                   .preload = true,
                                                   .err = terminal.slave},
                                 LIMIT_S);
    ck_assert_msg(strstr(outcome.out, "= -1 EADDRNOTAVAIL\n") != NULL, "%s", outcome.out);
    ck_assert_str_eq(terminal_text(terminal), "");
}
END_TEST

static const char *new_directory(void)
{
    char *directory = strdup("/tmp/twpool-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    return directory;
}

/* The standard output of a line of python about `reports`, which are those in the file. */
static const char *python(const char *file, const char *script)
{
    struct outcome outcome = run(
        &(struct command){
            .argv = {"python3", "-c",
                     text("import json\n"
                          "reports = [json.loads(line) for line in\n"
                          "           open('%s', encoding='utf-8').read()[:-1].split('\\n')]\n"
                          "%s",
                          file, script)}},
        LIMIT_S);
    ck_assert_msg(outcome.status == 0, "%s", outcome.err);
    return outcome.out;
}

START_TEST(the_name_of_a_program_may_be_any_bytes)
{
    const char *directory = new_directory(), *file = text("%s/stats.json", directory);
    const char *strange = text("%s/a\"b\\c\nd\x01\xff\xc3\xa4\xe2\x82.", directory);
    network_private();
    ck_assert_int_eq(symlink(program_path("many_destinations"), strange), 0);
    struct outcome outcome = run(&(struct command){.argv = {strange, "1"},
                                                   .settings = {text("TWPOOL_STATS=%s", file)},
                                                   .preload = true},
                                 LIMIT_S);
    ck_assert_msg(outcome.status == 0, "%s", outcome.err);
    ck_assert_str_eq(python(file, "print(ascii(reports[0]['program']).split('/')[-1])"),
                     "a\"b\\\\c\\nd\\x01\\ufffd\\xe4\\ufffd\\ufffd.'\n");
    ck_assert_str_eq(python(file, "d, = reports[0]['destinations']\n"
                                  "print(d['address'], d['opened'], d['reused'], d['parked'])"),
                     "127.0.0.1 1 1 2\n");
    run_tool(&(struct command){.argv = {"rm", "-r", directory}});
}
END_TEST

/* Each writes more than a page, all end at about the same time, to one file. */
START_TEST(the_lines_of_many_processes_stay_whole)
{
    enum { PROCESSES = 12, DESTINATIONS = 150 };
    const char *directory = new_directory(), *file = text("%s/stats.json", directory);
    struct process processes[PROCESSES];
    network_private();
    for (int i = 0; i < PROCESSES; i++)
        processes[i] = process_start(
            &(struct command){.argv = {program_path("many_destinations"), text("%d", DESTINATIONS)},
                              .settings = {text("TWPOOL_STATS=%s", file)},
                              .preload = true});
    for (int i = 0; i < PROCESSES; i++) {
        struct outcome outcome = process_wait(&processes[i], LIMIT_S);
        ck_assert_msg(outcome.status == 0, "%s", outcome.err);
    }
    ck_assert_str_eq(python(file,
                            "print(len({r['pid'] for r in reports}),\n"
                            "      {len(r['destinations']) for r in reports},\n"
                            "      sum(d['reused'] for r in reports for d in r['destinations']))"),
                     text("%d {%d} %d\n", PROCESSES, DESTINATIONS, PROCESSES * DESTINATIONS));
    run_tool(&(struct command){.argv = {"rm", "-r", directory}});
}
END_TEST

START_TEST(a_file_that_cannot_be_written_costs_one_line_and_nothing_else)
{
    const char *files[] = {"/no/such/directory/stats.json", "/no/such/directory/stats"};
    network_private();
    struct outcome outcome = run(&(struct command){.argv = {program_path("many_destinations"), "2"},
                                                   .settings = {text("TWPOOL_STATS=%s", files[_i])},
                                                   .preload = true},
                                 LIMIT_S);
    ck_assert_int_eq(outcome.status, 0);
    ck_assert_str_eq(outcome.out, "done\n");
    ck_assert_str_eq(
        outcome.err,
        text("twpool: TWPOOL_STATS: cannot write \"%s\": no such directory\n", files[_i]));
}
END_TEST

START_TEST(other_errors_of_connect_are_not_spoken_of)
{
    network_private();
    struct outcome outcome = run(&(struct command){.argv = {program_path("counts")},
                                                   .settings = {"TWPOOL_LOG=hint"},
                                                   .preload = true},
                                 LIMIT_S);
    ck_assert_int_eq(outcome.status, 0); /* one of its connects is refused */
    ck_assert_str_eq(outcome.err, "");
}
END_TEST

static bool proposes_raw(const char *play)
{
    network_private();
    struct outcome outcome = run(&(struct command){.argv = {program_path("streams"), play},
                                                   .settings = {"TWPOOL_STATS=stderr"},
                                                   .preload = true},
                                 LIMIT_S);
    ck_assert_msg(outcome.status == 0 && strstr(outcome.err, "unknown-protocol 1") != NULL, "%s",
                  outcome.err);
    return strstr(outcome.err, "=raw' would reuse it") != NULL;
}

START_TEST(raw_is_not_proposed_where_stdio_had_a_connection)
{
    ck_assert(proposes_raw("of_no_known_protocol"));
    ck_assert(!proposes_raw("among_unknown"));
}
END_TEST

START_TEST(a_program_may_ask_whatever_header_it_was_compiled_with)
{
    network_private();
    struct outcome outcome =
        run(&(struct command){.argv = {program_path("counts")}, .preload = true}, LIMIT_S);
    ck_assert_msg(outcome.status == 0, "%s", outcome.err);
    ck_assert_ptr_nonnull(strstr(outcome.out, "all as it must be\n"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("statistics");
    TCase *hints = tcase_create("hints"), *json = tcase_create("json");
    tcase_set_timeout(hints, 2 * LIMIT_S);
    tcase_add_loop_test(hints, one_line_on_a_terminal_names_the_rule_that_would_have_saved_a_port,
                        0, SHORTAGES);
    tcase_add_loop_test(hints, it_is_not_said_where_nobody_looks, 0, SHORTAGES);
    tcase_add_loop_test(hints, it_is_said_without_a_terminal_where_it_was_asked_for, 0, SHORTAGES);
    tcase_add_test(hints, it_is_not_said_on_a_terminal_when_that_was_forbidden);
    tcase_add_test(hints, the_pool_is_not_blamed_for_connections_that_are_all_open);
    tcase_add_test(hints, nothing_is_said_of_ports_where_ipv6_is_switched_off);
    tcase_add_test(hints, raw_is_not_proposed_where_stdio_had_a_connection);
    tcase_add_test(hints, other_errors_of_connect_are_not_spoken_of);
    suite_add_tcase(suite, hints);
    tcase_set_timeout(json, 2 * LIMIT_S);
    tcase_add_test(json, the_name_of_a_program_may_be_any_bytes);
    tcase_add_test(json, the_lines_of_many_processes_stay_whole);
    tcase_add_loop_test(json, a_file_that_cannot_be_written_costs_one_line_and_nothing_else, 0, 2);
    tcase_add_test(json, a_program_may_ask_whatever_header_it_was_compiled_with);
    suite_add_tcase(suite, json);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
