/* SPDX-License-Identifier: MIT
 * Early and late life, and what else lives in the process: other preloads, tools, plugins. */
#include "../support/network.h"
#include "../support/process.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LIMIT_S = 60, FETCHES = 10, SOCKS_PORT = 9050 /* Tor's, torsocks' own default */ };
#define PROXIED_ADDRESS "10.77.0.2" /* no address of 127/8: the proxy clients leave those out */
#define LIBRARIES "/usr/lib/x86_64-linux-gnu/"

static int network;
static const char *port;

static const char *first_preload(void)
{
    const char *first = getenv("TWPOOL_TEST_PRELOAD_FIRST");
    return first == NULL || first[0] == '\0' ? NULL : first;
}

static const char *library(void)
{
    return getenv("TWPOOL_TEST_LIBRARY");
}

/* The setting that preloads a neighbour (NULL: none) and, where asked for, the library before or
 * after it. */
enum order { ALONE, BEFORE_US, AFTER_US };
static const char *preload(const char *neighbour, enum order order)
{
    ck_assert_msg(access(neighbour, R_OK) == 0, "%s is not installed", neighbour);
    if (order == ALONE)
        return text("LD_PRELOAD=%s", neighbour);
    return order == BEFORE_US ? text("LD_PRELOAD=%s:%s", neighbour, library())
                              : text("LD_PRELOAD=%s:%s", library(), neighbour);
}

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
    ck_assert_msg(!life.outcome.timed_out, "%s hangs after: %s%s", command->argv[0],
                  life.outcome.out, life.outcome.err);
    life.accepted = network_accepted(network) - before;
    return life;
}

static void assert_same(const char *what, const struct life *expected, const struct life *actual)
{
    ck_assert_msg(strcmp(actual->outcome.out, expected->outcome.out) == 0,
                  "%s: the output is\n%s instead of\n%s(%s)", what, actual->outcome.out,
                  expected->outcome.out, actual->outcome.err);
    ck_assert_msg(strcmp(actual->outcome.err, expected->outcome.err) == 0,
                  "%s: the errors are\n%s instead of\n%s", what, actual->outcome.err,
                  expected->outcome.err);
    ck_assert_msg(actual->outcome.status == expected->outcome.status, "%s: status %d instead of %d",
                  what, actual->outcome.status, expected->outcome.status);
}

static void assert_accepted(const char *what, const struct life *life, unsigned expected)
{
    ck_assert_msg(life->accepted == expected, "%s: %u connections were accepted instead of %u",
                  what, life->accepted, expected);
}

static void assert_went_well(const char *what, const struct life *life)
{
    ck_assert_msg(life->outcome.status == 0, "%s: status %d: %s", what, life->outcome.status,
                  life->outcome.err);
}

/* The ordinary client, as another name of it or with other arguments. */
static struct command fetches(const char *program, const char *count, const char *pause_ms)
{
    return (struct command){.argv = {program_path(program), "127.0.0.1", port, count, pause_ms}};
}

/* ---- Before main() and after it. */

START_TEST(connections_before_our_constructor_and_after_our_destructor_are_plain)
{
    start_serving();
    struct command command = {.argv = {program_path("early_life")},
                              .settings = {text("TEST_PORT=%s", port)}};
    struct life plain = live(&command);
    assert_went_well("plain", &plain);
    ck_assert_uint_eq(occurrences(plain.outcome.out, "HTTP/1.1 200"), plain.accepted + 2);
    unsigned left = network_time_wait(network);
    ck_assert_uint_eq(left, plain.accepted);
    command.preload = true;
    struct life pooled = live(&command);
    assert_same("preloaded", &plain, &pooled);
    /* preinit, the library's first, its constructor, the one that it keeps, its destructor; those
     * that main() keeps, and that serve everything else. */
    assert_accepted("preloaded", &pooled, 5 + 2);
    ck_assert_uint_eq(network_time_wait(network) - left, 5);
    command.settings[1] = "TWPOOL_LOG=trace";
    struct life traced = live(&command);
    ck_assert_uint_eq(occurrences(traced.outcome.err, " opened\n"), 2);
    ck_assert_uint_eq(occurrences(traced.outcome.err, " parked\n"), 7);
    ck_assert_uint_eq(occurrences(traced.outcome.err, "ended: flushed"), 1);
    ck_assert_uint_eq(occurrences(traced.outcome.err, "not parked: inert"), 1);
}
END_TEST

START_TEST(an_allocator_that_makes_hooked_calls_does_not_hang)
{
    start_serving();
    struct command command = {.argv = {program_path("allocator")}};
    struct life plain = live(&command);
    assert_went_well("plain", &plain);
    assert_accepted("plain", &plain, 5);
    command.preload = true;
    struct life pooled = live(&command);
    assert_same("preloaded", &plain, &pooled);
    assert_accepted("preloaded", &pooled, 1);
}
END_TEST

/* ---- Ways to be linked. */

static const struct {
    const char *program, *setting;
    bool is_static;
} linked[] = {{"fetches", NULL, false},       {"fetches", "LD_BIND_NOW=1", false},
              {"fetches_now", NULL, false},   {"fetches_lazy", NULL, false},
              {"fetches_static", NULL, true}, {"fetches_static_pie", NULL, true}};

START_TEST(however_it_is_linked_a_program_prints_the_same)
{
    start_serving();
    struct command command = fetches(linked[_i].program, text("%d", FETCHES), NULL);
    command.settings[0] = linked[_i].setting;
    struct life plain = live(&command);
    assert_went_well(linked[_i].program, &plain);
    command.preload = true;
    struct life pooled = live(&command);
    assert_same(linked[_i].program, &plain, &pooled);
    assert_accepted(linked[_i].program, &pooled, linked[_i].is_static ? FETCHES : 1);
}
END_TEST

/* ---- Users that come later. */

enum { KEPT = 1 /* while another is in use */, SOME = -1 };

static const struct {
    const char *plugin, *how;
    int accepted; /* SOME: fewer than without us */
} loaded[] = {
    {"plugin", "lazy", 1 + KEPT},
    {"plugin", "now", 1 + KEPT},
    {"plugin", "local", 1 + KEPT},
    {"plugin", "global", 1 + KEPT},
    {"plugin", "unloaded", 1 + KEPT},
    {"plugin_own", "lazy", 1 + KEPT}, /* by syscall() */
    {"plugin_own", "unloaded", 1 + KEPT},
    {"plugin_shadowed", "now", 1 + KEPT},
    /* A sanitizer's runtime refuses these. */
    {"plugin", "deep", 1 + KEPT},
    {"plugin_own", "deep", 1 + KEPT},
    {"plugin_shadowed", "deep", 1 + KEPT},
    {"plugin", "namespace", SOME}, /* one libc of two has no hooks */
    {"plugin_own", "namespace", SOME},
};
enum { LOADED = sizeof loaded / sizeof *loaded, LOADED_WITH_SANITIZER = 8 };

START_TEST(a_plugin_of_a_program_without_sockets_is_served)
{
    start_serving();
    struct command command = {.argv = {program_path("plugin_user"),
                                       program_path(text("%s.so", loaded[_i].plugin)), port,
                                       loaded[_i].how}};
    const char *what = text("%s, %s", loaded[_i].plugin, loaded[_i].how);
    struct life plain = live(&command);
    assert_went_well(what, &plain);
    ck_assert_uint_eq(occurrences(plain.outcome.out, "HTTP/1.1 200"), plain.accepted);
    command.preload = true;
    struct life pooled = live(&command);
    assert_same(what, &plain, &pooled);
    if (loaded[_i].accepted >= 0)
        assert_accepted(what, &pooled, (unsigned)loaded[_i].accepted);
    if (loaded[_i].accepted == SOME)
        ck_assert_msg(pooled.accepted < plain.accepted, "%s: %u connections instead of %u", what,
                      pooled.accepted, plain.accepted);
}
END_TEST

/* ---- Other preloads. */

static const struct {
    const char *library, *setting;
    bool pooled_before_us; /* else it goes around us to libc itself */
} neighbours[] = {
    {LIBRARIES "libjemalloc.so.2", NULL, true},
    {LIBRARIES "libeatmydata.so", NULL, true},
    {LIBRARIES "faketime/libfaketime.so.1", "FAKETIME=+10d", true},
    {LIBRARIES "faketime/libfaketimeMT.so.1", "FAKETIME=+10d", true},
    {LIBRARIES "faketime/libfaketime.so.1", "FAKETIME=+0 x10", true},
    {LIBRARIES "libfakeroot/libfakeroot-sysv.so", NULL, true},
    {LIBRARIES "libnss_wrapper.so", NULL, true},
    {LIBRARIES "libsocket_wrapper.so", NULL, false},
    {LIBRARIES "libtsocks.so", NULL, true},
    {"/usr/libexec/coreutils/libstdbuf.so", "_STDBUF_O=L", true},
};
enum { NEIGHBOURS = sizeof neighbours / sizeof *neighbours };

/* The client beside a neighbour, and beside a neighbour and us: connections is how many it needs
 * when it is pooled. */
static void assert_peace(struct command command, int neighbour, unsigned connections)
{
    const char *library = neighbours[neighbour].library;
    command.settings[0] = preload(library, ALONE);
    command.settings[1] = neighbours[neighbour].setting;
    struct life alone = live(&command);
    assert_went_well(library, &alone);
    ck_assert_uint_gt(alone.accepted, connections);
    command.settings[0] = preload(library, BEFORE_US);
    struct life before = live(&command);
    assert_same(text("%s before us", library), &alone, &before);
    assert_accepted(text("%s before us", library), &before,
                    neighbours[neighbour].pooled_before_us ? connections : alone.accepted);
    command.settings[0] = preload(library, AFTER_US);
    struct life after = live(&command);
    assert_same(text("%s after us", library), &alone, &after);
    assert_accepted(text("%s after us", library), &after, connections);
}

START_TEST(beside_another_preload_a_program_prints_the_same_and_is_pooled)
{
    start_serving();
    assert_peace(fetches("fetches", text("%d", FETCHES), NULL), _i, 1);
}
END_TEST

START_TEST(beside_another_preload_python_prints_the_same_and_is_pooled)
{
    start_serving();
    assert_peace((struct command){.argv = {"/usr/bin/python3", script_path("http_loops.py"),
                                           "127.0.0.1", port, text("%d", FETCHES)}},
                 _i, 1);
}
END_TEST

/* They are commands for their users, which preload themselves. */
static const char *const wrappers[][2] = {
    {"fakeroot", NULL}, {"eatmydata", NULL}, {"faketime", "+10 days"}, {"stdbuf", "-oL"}};

START_TEST(under_a_command_that_preloads_a_program_prints_the_same_and_is_pooled)
{
    start_serving();
    struct command command = {.argv = {wrappers[_i][0]}};
    struct command client = fetches("fetches", text("%d", FETCHES), NULL);
    for (int from = 0, to = wrappers[_i][1] == NULL ? 1 : 2; client.argv[from] != NULL; from++)
        command.argv[to++] = client.argv[from];
    if (wrappers[_i][1] != NULL)
        command.argv[1] = wrappers[_i][1];
    struct life plain = live(&command);
    assert_went_well(wrappers[_i][0], &plain);
    assert_accepted(wrappers[_i][0], &plain, FETCHES);
    command.preload = true;
    struct life pooled = live(&command);
    assert_same(wrappers[_i][0], &plain, &pooled);
    assert_accepted(wrappers[_i][0], &pooled, 1);
}
END_TEST

/* The application's clock is bent, the connections' is not: a time-out of a server is a real one.
 */
static void assert_clock(const char *clock, const char *limit, const char *pause_ms,
                         unsigned connections)
{
    start_serving();
    struct command command = fetches("fetches", "4", pause_ms);
    command.settings[1] = text("FAKETIME=%s", clock);
    command.settings[2] = limit;
    for (enum order order = BEFORE_US; order <= AFTER_US; order++) {
        command.settings[0] = preload(LIBRARIES "faketime/libfaketimeMT.so.1", order);
        struct life life = live(&command);
        assert_went_well(clock, &life);
        assert_accepted(clock, &life, connections);
    }
}

START_TEST(a_clock_that_runs_faster_expires_nothing)
{
    assert_clock("+0 x1000000", NULL, "0", 1); /* a millisecond is a quarter of an hour */
}
END_TEST

START_TEST(a_clock_that_stands_still_keeps_nothing)
{
    assert_clock("2020-02-02 02:02:02", "TWPOOL_IDLE_TIMEOUT=100ms", "200", 4);
}
END_TEST

/* ---- Preloads that lead connections elsewhere. */

static const struct {
    const char *library, *variable, *contents;
} tunnellers[] = {
    {LIBRARIES "torsocks/libtorsocks.so", NULL, NULL},
    {LIBRARIES "libtsocks.so", "TSOCKS_CONF_FILE",
     "server = 127.0.0.1\nserver_type = 5\nserver_port = %d\n"
     "local = 127.0.0.0/255.0.0.0\n"},
    {LIBRARIES "libproxychains.so.4", "PROXYCHAINS_CONF_FILE",
     "strict_chain\nquiet_mode\n[ProxyList]\nsocks5 127.0.0.1 %d\n"},
};
enum { TUNNELLERS = sizeof tunnellers / sizeof *tunnellers };

/* A file of this configuration, as NAME=path. */
static const char *configuration(const char *variable, const char *contents)
{
    char path[] = "/tmp/twpool-neighbour-XXXXXX";
    if (variable == NULL)
        return NULL;
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    dprintf(fd, contents, SOCKS_PORT);
    close(fd);
    return text("%s=%s", variable, path);
}

static void start_proxy(void)
{
    run_tool(
        &(struct command){.argv = {"ip", "address", "add", PROXIED_ADDRESS "/32", "dev", "lo"}});
    process_start(
        &(struct command){.argv = {"microsocks", "-i", "127.0.0.1", "-p", text("%d", SOCKS_PORT)}});
    network_await_listener(network, SOCKS_PORT);
}

START_TEST(a_tunnel_through_a_proxy_is_never_reused)
{
    static const char *const rules[] = {NULL, "TWPOOL_RULES=*=raw"};
    const char *library = tunnellers[_i].library;
    start_serving();
    start_proxy();
    struct command command = fetches("fetches", text("%d", FETCHES), NULL);
    command.argv[1] = PROXIED_ADDRESS;
    command.settings[0] = preload(library, ALONE);
    const char *file = configuration(tunnellers[_i].variable, tunnellers[_i].contents);
    command.settings[1] = file == NULL ? "NO_FILE=1" : file;
    struct life alone = live(&command);
    assert_went_well(library, &alone);
    assert_accepted(library, &alone, 2 * FETCHES); /* by the proxy, and by the server */
    for (unsigned rule = 0; rule < 2; rule++) {
        command.settings[2] = rules[rule];
        for (enum order order = BEFORE_US; order <= AFTER_US; order++) {
            const char *what =
                text("%s %s us, rule %u", library, order == BEFORE_US ? "before" : "after", rule);
            command.settings[0] = preload(library, order);
            struct life life = live(&command);
            assert_same(what, &alone, &life);
            assert_accepted(what, &life, 2 * FETCHES);
        }
    }
    if (file != NULL)
        unlink(strchr(file, '=') + 1);
}
END_TEST

/* Sockets that are Unix sockets underneath: none of them may be taken for TCP. */
START_TEST(emulated_sockets_are_left_alone)
{
    static const char *const rules[] = {NULL, "TWPOOL_RULES=*=raw"};
    char directory[] = "/tmp/twpool-sockets-XXXXXX";
    network = network_private();
    ck_assert_ptr_nonnull(mkdtemp(directory));
    struct command command = {.argv = {"/usr/bin/python3", text("%s/test/library/two_fetches.py",
                                                                getenv("TWPOOL_TEST_SOURCE"))},
                              .settings = {NULL, text("SOCKET_WRAPPER_DIR=%s", directory)}};
    for (unsigned rule = 0; rule < 2; rule++) {
        command.settings[2] = rules[rule];
        for (enum order order = ALONE; order <= AFTER_US; order++) {
            command.settings[0] = preload(LIBRARIES "libsocket_wrapper.so", order);
            struct life life = live(&command);
            ck_assert_str_eq(life.outcome.out, "accepted 3\n");
            ck_assert_str_eq(life.outcome.err, "");
            assert_accepted("emulated", &life, 0);
        }
    }
    run_tool(&(struct command){.argv = {"rm", "-r", directory}}); /* the sockets are files */
}
END_TEST

/* ---- Tools that look on. */

/* Without "==1234== ", and from a line on. Not how many bytes were allocated: libc's list of the
 * thread-local parts of a thread is longer by ours. */
static char *valgrinds_words(const char *err, const char *from)
{
    const char *begin = strstr(err, from);
    ck_assert_msg(begin != NULL, "valgrind does not say %s: %s", from, err);
    char *lines = strdup(begin), *words = calloc(1, strlen(begin) + 2), *at;
    for (char *line = strtok_r(lines, "\n", &at); line != NULL; line = strtok_r(NULL, "\n", &at)) {
        char *mark = strncmp(line, "==", 2) == 0 ? strstr(line + 2, "==") : NULL;
        char *bytes = strstr(line, " frees, ");
        if (bytes != NULL)
            *bytes = '\0';
        strcat(strcat(words, mark == NULL ? line : mark + 2), "\n");
    }
    free(lines);
    return words;
}

static const char *const checked[] = {"fetches",     "epoll_registered", "families",
                                      "fork_shares", "option_kinds",     "threads"};

START_TEST(valgrind_finds_no_error_and_no_descriptor_of_ours)
{
    start_serving();
    struct command command = {.argv = {"valgrind", "--track-fds=yes", "--leak-check=full",
                                       "--error-exitcode=9", "--child-silent-after-fork=yes",
                                       program_path(checked[_i]), "127.0.0.1", port,
                                       text("%d", FETCHES)}};
    if (_i != 0)
        command.argv[6] = NULL;
    struct life plain = live(&command);
    assert_went_well("plain", &plain);
    command.preload = true;
    struct life pooled = live(&command);
    assert_went_well("preloaded", &pooled);
    ck_assert_str_eq(pooled.outcome.out, plain.outcome.out);
    char *plainly = valgrinds_words(plain.outcome.err, "FILE DESCRIPTORS");
    char *words = valgrinds_words(pooled.outcome.err, "FILE DESCRIPTORS");
    bool same = strcmp(words, plainly) == 0;
    ck_assert_msg(same, "%.3000s instead of %.3000s", words, plainly);
    free(plainly);
    free(words);
    ck_assert_uint_lt(pooled.accepted, plain.accepted);
}
END_TEST

START_TEST(gdb_stops_in_a_pooled_program_shows_it_and_goes_on)
{
    start_serving();
    struct life plain =
        live(&(struct command){.argv = {program_path("fetches"), "127.0.0.1", port, "5"}});
    struct life pooled = live(
        &(struct command){.argv = {"gdb",       "-q",
                                   "-batch",    "-nx",
                                   "-ex",       text("set environment LD_PRELOAD %s", library()),
                                   "-ex",       "break close",
                                   "-ex",       "run",
                                   "-ex",       "backtrace",
                                   "-ex",       "finish",
                                   "-ex",       "delete",
                                   "-ex",       "continue",
                                   "--args",    program_path("fetches"),
                                   "127.0.0.1", port,
                                   "5"}});
    const char *out = pooled.outcome.out;
    assert_accepted("gdb", &pooled, 1);
    /* With debug information or without. */
    ck_assert_msg(strstr(out, "hooks.def") != NULL || strstr(out, "libtwpool.so") != NULL,
                  "it did not stop in ours: %s", out);
    ck_assert_msg(occurrences(out, " in fetch_from (") == 2,
                  "it does not show the caller, or does not return to it: %s", out);
    ck_assert_msg(strstr(out, "exited normally") != NULL, "it did not go on: %s", out);
    /* Stopped at its first close, it goes on with what it prints from there. */
    const char *rest = strstr(plain.outcome.out, "close(fd)");
    ck_assert_msg(strstr(out, rest) != NULL, "%s is not in %s", rest, out);
}
END_TEST

static const char *const tracers[][4] = {{"strace", "-f", "-o", "/dev/null"},
                                         {"ltrace", "-f", "-o", "/dev/null"}};

START_TEST(a_traced_program_prints_the_same_and_is_pooled)
{
    start_serving();
    struct command command = fetches("fetches", text("%d", FETCHES), NULL);
    struct command traced = {.preload = true};
    struct life plain = live(&command);
    memcpy(traced.argv, tracers[_i], sizeof tracers[_i]);
    memcpy(traced.argv + 4, command.argv, 4 * sizeof *command.argv);
    struct life pooled = live(&traced);
    assert_same(tracers[_i][0], &plain, &pooled);
    assert_accepted(tracers[_i][0], &pooled, 1);
}
END_TEST

static TCase *add_case(Suite *suite, const char *name)
{
    TCase *tests = tcase_create(name);
    tcase_set_timeout(tests, 4 * LIMIT_S);
    suite_add_tcase(suite, tests);
    return tests;
}

int main(void)
{
    Suite *suite = suite_create("neighbours");
    TCase *early = add_case(suite, "early"), *loading = add_case(suite, "loading");
    TCase *preloads = add_case(suite, "preloads"), *clocks = add_case(suite, "clocks");
    TCase *tunnels = add_case(suite, "tunnels"), *tools = add_case(suite, "tools");
    /* A sanitizer's runtime brings its own allocator, refuses RTLD_DEEPBIND, and wants to be the
     * only one that looks on: those tests are not about it, and not counted. */
    bool alone = first_preload() == NULL;
    tcase_add_test(early, connections_before_our_constructor_and_after_our_destructor_are_plain);
    tcase_add_loop_test(loading, a_plugin_of_a_program_without_sockets_is_served, 0,
                        alone ? LOADED : LOADED_WITH_SANITIZER);
    if (alone) {
        tcase_add_test(early, an_allocator_that_makes_hooked_calls_does_not_hang);
        tcase_add_loop_test(loading, however_it_is_linked_a_program_prints_the_same, 0,
                            sizeof linked / sizeof *linked);
        tcase_add_loop_test(preloads,
                            beside_another_preload_a_program_prints_the_same_and_is_pooled, 0,
                            NEIGHBOURS);
        tcase_add_loop_test(preloads, beside_another_preload_python_prints_the_same_and_is_pooled,
                            0, NEIGHBOURS);
        tcase_add_loop_test(preloads,
                            under_a_command_that_preloads_a_program_prints_the_same_and_is_pooled,
                            0, sizeof wrappers / sizeof *wrappers);
        tcase_add_test(preloads, emulated_sockets_are_left_alone);
        tcase_add_test(clocks, a_clock_that_runs_faster_expires_nothing);
        tcase_add_test(clocks, a_clock_that_stands_still_keeps_nothing);
        tcase_add_loop_test(tunnels, a_tunnel_through_a_proxy_is_never_reused, 0, TUNNELLERS);
        tcase_add_loop_test(tools, valgrind_finds_no_error_and_no_descriptor_of_ours, 0,
                            sizeof checked / sizeof *checked);
        tcase_add_test(tools, gdb_stops_in_a_pooled_program_shows_it_and_goes_on);
        tcase_add_loop_test(tools, a_traced_program_prints_the_same_and_is_pooled, 0,
                            sizeof tracers / sizeof *tracers);
    }
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
