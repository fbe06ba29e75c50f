/* SPDX-License-Identifier: MIT
 * Environments full of garbage: the program runs, says the same, and each complaint names its
 * variable. */
#include "../programs/program.h"
#include "../support/network.h"
#include "../support/process.h"

#include <check.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/syscall.h>

/* TWPOOL_TEST_BATCHES: how many, 1 by default; TWPOOL_TEST_SEED: this single run. */
enum { RUNS = 500, LIMIT_MS = 20 * 1000, STATUS = 7 };
enum { ENTRIES_MAX = 8, ENTRY_SIZE = 100 * 1000 /* the kernel takes 128 KiB, execve(2) */ };

extern char **environ;

static char directory[] = "/tmp/twpool-test-XXXXXX";
static uint16_t port;
static int out_file, err_file;

/* A small generator of our own: the same environments on every machine. */
static uint32_t next_random(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*seed >> 33);
}

static uint32_t below(uint64_t *seed, uint32_t bound)
{
    return next_random(seed) % bound;
}

static const char *const names[] = {
    "TWPOOL",           "TWPOOL_CLOSE",
    "TWPOOL_LOG",       "TWPOOL_MAX_IDLE_PER_DEST",
    "TWPOOL_MAX_IDLE",  "TWPOOL_IDLE_TIMEOUT",
    "TWPOOL_STATS",     "TWPOOL_MAX_AGE",
    "TWPOOL_RULES",     "TWPOOL_DEFER",
    "TWPOOL_REAPER",    "TWPOOL_DEEPBIND",
    "TWPOOL_",          "TWPOOL_RULE",
    "TWPOOL_rules",     "TWPOOL_RULES ",
    "TWPOOL_\xff\x01",  "TWPOOL_\xc3\xa4\xe2\x82\xac",
    "TWPOOLING",        "twpool",
    "TWPOOL_STATS_PID", "TWPOOL_%s%n%p",
};

/* Not what asks for output by itself: TWPOOL_STATS=stderr, /dev/stdout and the like, and
 * TWPOOL_LOG=trace would be answered. */
static const char *const pieces[] = {
    "on",
    "off",
    "clean",
    "plain",
    "auto",
    "raw",
    "http",
    "lines",
    "10.0.0.1",
    "127.0.0.1",
    "[fd00::1]",
    "[::1]",
    "*",
    ":",
    "/",
    "=",
    ",",
    "80",
    "0",
    "1",
    "-1",
    "ms",
    "s",
    "m",
    ".",
    "..",
    "%p",
    "%%",
    "%",
    "%s%n",
    "[",
    "]",
    " ",
    "\t",
    "\n",
    "\r",
    "\"",
    "'",
    "\\",
    "$(id)",
    "65536",
    "4294967296",
    "18446744073709551616",
    "-9223372036854775809",
    "99999999999999999999999999999999",
    "1e9",
    "0x10",
    "NaN",
    "::",
    "*=off",
    "*=",
    "=raw",
    "*:=raw",
    "10.0.0.0/8:80=raw",
    "10.0.0.0/33=raw",
    "[fd00::]/64:*=off",
    "[fd00::=off",
    "0.5",
    "hint",
    "stats",
    "stats.json",
    "/no/such/directory/x.json",
    "/dev/full",
    "/dev/null",
    "frame(0,4,be,0)",
    "\xc3\xa4\xc3\xb6\xe2\x82\xac\xf0\x9f\x92\xa9",
    "\xff\xfe",
    "\xe2\x82",
    "\x7f\x01\x1b[2J",
};

static size_t add_value(char *value, size_t size, uint64_t *seed)
{
    uint32_t shape = below(seed, 10);
    size_t len = 0;
    if (shape == 0)
        return 0;
    if (shape == 1) { /* binary, sometimes very long */
        len = below(seed, below(seed, 8) == 0 ? (uint32_t)size : 300);
        for (size_t i = 0; i < len; i++)
            value[i] = (char)(below(seed, 255) + 1);
        return len;
    }
    if (shape == 2) { /* one letter, sometimes very often */
        len = below(seed, below(seed, 8) == 0 ? (uint32_t)size : 300);
        memset(value, "x0[,*%9/=-"[below(seed, 10)], len);
        return len;
    }
    for (uint32_t count = below(seed, shape < 8 ? 4 : 60); count > 0; count--)
        len += (size_t)snprintf(value + len, size - len, "%s",
                                pieces[below(seed, sizeof pieces / sizeof *pieces)]);
    return len;
}

/* "NAME=value", and what is not. */
static const char *new_entry(uint64_t *seed)
{
    char *entry = malloc(ENTRY_SIZE);
    ck_assert_ptr_nonnull(entry);
    size_t len = (size_t)snprintf(
        entry, ENTRY_SIZE, "%s",
        names[below(seed, below(seed, 4) == 0 ? (uint32_t)(sizeof names / sizeof *names)
                                              : 12 /* there are twelve settings */)]);
    uint32_t form = below(seed, 20);
    if (form != 0) /* else without a value */
        entry[len++] = '=';
    if (form == 1)
        memmove(entry, "=", 2), len = 1; /* without a name */
    if (form != 0)
        len += add_value(entry + len, ENTRY_SIZE - len - 1, seed);
    entry[len] = '\0';
    return entry;
}

/* The name can be given twice: both are looked at. */
struct environment {
    const char *entries[ENTRIES_MAX + 4];
    int count, garbage;
};

static struct environment environment_of(uint64_t seed, bool preload)
{
    struct environment environment = {.garbage = (int)below(&seed, ENTRIES_MAX) + 1};
    for (int i = 0; i < environment.garbage; i++)
        environment.entries[environment.count++] = new_entry(&seed);
    for (char **entry = environ; *entry != NULL; entry++)
        if (strncmp(*entry, "ASAN_OPTIONS=", 13) == 0 || strncmp(*entry, "TSAN_OPTIONS=", 13) == 0)
            environment.entries[environment.count++] = *entry;
    const char *first = getenv("TWPOOL_TEST_PRELOAD_FIRST");
    if (preload)
        environment.entries[environment.count++] =
            text("LD_PRELOAD=%s %s", first == NULL ? "" : first, getenv("TWPOOL_TEST_LIBRARY"));
    return environment;
}

static void environment_free(struct environment *environment)
{
    for (int i = 0; i < environment->garbage; i++)
        free((void *)environment->entries[i]);
}

static char *contents_of(int file)
{
    off_t size = lseek(file, 0, SEEK_END);
    char *bytes = calloc(1, (size_t)size + 1);
    ck_assert_ptr_nonnull(bytes);
    ck_assert_int_eq(pread(file, bytes, (size_t)size, 0), size);
    ck_assert_int_eq(ftruncate(file, 0), 0);
    return bytes;
}

/* Its status; -1 when it hangs. */
static int run_errand(const struct environment *environment)
{
    static const char *path;
    posix_spawn_file_actions_t actions;
    pid_t child;
    int status = 0;
    if (path == NULL)
        path = program_path("errand");
    const char *argv[] = {path, text("%u", port), NULL};
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, out_file, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, err_file, STDERR_FILENO);
    ck_assert_int_eq(
        posix_spawn(&child, path, &actions, NULL, (char **)argv, (char **)environment->entries), 0);
    posix_spawn_file_actions_destroy(&actions);
    struct pollfd end = {.fd = (int)syscall(SYS_pidfd_open, child, 0), .events = POLLIN};
    bool hangs = poll(&end, 1, LIMIT_MS) == 0;
    close(end.fd);
    if (hangs)
        kill(child, SIGKILL);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    if (hangs)
        return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* NULL, or what is wrong with the lines. */
static const char *fault_in(char *lines, int entries)
{
    int count = 0;
    char *at;
    for (char *line = strtok_r(lines, "\n", &at); line != NULL; line = strtok_r(NULL, "\n", &at)) {
        if (strncmp(line, "twpool: TWPOOL", 14) != 0)
            return text("a line that names no variable of ours: %s", line);
        for (char *c = line; *c != '\0'; c++)
            if (*c < ' ' || *c > '~')
                return text("byte %d in: %s", *c, line);
        count++;
    }
    /* One for each entry, and one for a report that cannot be written. */
    return count <= entries + 1 ? NULL : text("%d lines for %d entries", count, entries);
}

static int run_with(uint64_t seed, const char *expected)
{
    struct environment environment = environment_of(seed, true);
    int status = run_errand(&environment);
    char *out = contents_of(out_file), *err = contents_of(err_file);
    int complaints = (int)occurrences(err, "\n");
    ck_assert_msg(status == STATUS, "TWPOOL_TEST_SEED=%lu: status %d\n%s%s", seed, status, out,
                  err);
    ck_assert_msg(strcmp(out, expected) == 0, "TWPOOL_TEST_SEED=%lu: it says\n%sinstead of\n%s",
                  seed, out, expected);
    const char *fault = fault_in(err, environment.garbage);
    ck_assert_msg(fault == NULL, "TWPOOL_TEST_SEED=%lu: %s", seed, fault);
    free(out);
    free(err);
    environment_free(&environment);
    return complaints;
}

/* TWPOOL_STATS may name any file: only the directory that we are in can be written. */
static void confine(void)
{
    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("/", "/", NULL, MS_BIND, NULL) != 0)
        ck_abort_msg("no private mounts: %s (this test needs CAP_SYS_ADMIN)", strerror(errno));
    ck_assert_int_eq(mount("none", directory, "tmpfs", 0, NULL), 0);
    ck_assert_int_eq(chdir(directory), 0);
    ck_assert_int_eq(mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL), 0);
}

static const char *set_up_runs(void)
{
    struct environment none = {.count = 0};
    out_file = memfd_create("out", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    err_file = memfd_create("err", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    fcntl(out_file, F_SETFL, O_APPEND);
    fcntl(err_file, F_SETFL, O_APPEND);
    network_private();
    port = serve(SERVICE_HTTP);
    ck_assert_int_eq(run_errand(&none), STATUS);
    ck_assert_str_eq(contents_of(err_file), "");
    return contents_of(out_file);
}

START_TEST(no_environment_keeps_a_program_from_running)
{
    const char *only = getenv("TWPOOL_TEST_SEED");
    int quiet = 0, complained = 0;
    const char *expected;
    confine();
    expected = set_up_runs();
    for (int run = 0; run < RUNS && only == NULL; run++) {
        int complaints = run_with((uint64_t)_i * RUNS + (uint64_t)run, expected);
        quiet += complaints == 0;
        complained += complaints > 1;
    }
    if (only != NULL) {
        run_with(strtoull(only, NULL, 10), expected);
        return;
    }
    /* The generator must reach both sides, or it proves nothing. */
    ck_assert_int_gt(quiet, RUNS / 50);
    ck_assert_int_gt(complained, RUNS / 10);
}
END_TEST

int main(void)
{
    const char *batches = getenv("TWPOOL_TEST_BATCHES");
    Suite *suite = suite_create("environment");
    TCase *tests = tcase_create("environment");
    tcase_set_timeout(tests, 600);
    tcase_add_loop_test(tests, no_environment_keeps_a_program_from_running, 0,
                        batches == NULL ? 1 : atoi(batches));
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    if (mkdtemp(directory) == NULL)
        return EXIT_FAILURE;
    srunner_run_all(runner, CK_ENV);
    rmdir(directory);
    int failed = srunner_ntests_failed(runner), ran = srunner_ntests_run(runner);
    srunner_free(runner);
    return failed == 0 && ran > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
