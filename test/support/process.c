/* SPDX-License-Identifier: MIT
 * fork, exec, capture, limit: the plumbing under every black-box test. */
#include "process.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

const char *text(const char *format, ...)
{
    char *string;
    va_list arguments;
    va_start(arguments, format);
    ck_assert_int_ge(vasprintf(&string, format, arguments), 0);
    va_end(arguments);
    return string;
}

size_t occurrences(const char *haystack, const char *needle)
{
    size_t count = 0;
    for (const char *at = haystack; (at = strstr(at, needle)) != NULL; at += strlen(needle))
        count++;
    return count;
}

static const char *place(const char *variable)
{
    const char *value = getenv(variable);
    if (value == NULL || value[0] == '\0')
        ck_abort_msg("the environment variable %s is not set", variable);
    return value;
}

const char *program_path(const char *name)
{
    return text("%s/%s", place("TWPOOL_TEST_PROGRAMS"), name);
}

const char *script_path(const char *name)
{
    return text("%s/%s", place("TWPOOL_TEST_SCRIPTS"), name);
}

static bool is_ours(const char *entry)
{
    return strncmp(entry, "TWPOOL", 6) == 0 || strncmp(entry, "LD_PRELOAD=", 11) == 0;
}

/* The environment of the program: the test's own, without what could steer the library. */
static const char **environment_of(const struct command *command)
{
    size_t count = 0, used = 0;
    while (environ[count] != NULL)
        count++;
    const char **environment = calloc(count + SETTINGS_MAX + 2, sizeof *environment);
    ck_assert_ptr_nonnull(environment);
    for (size_t i = 0; i < count; i++)
        if (!is_ours(environ[i]))
            environment[used++] = environ[i];
    for (size_t i = 0; i < SETTINGS_MAX && command->settings[i] != NULL; i++)
        environment[used++] = command->settings[i];
    if (!command->preload)
        return environment;
    const char *library = place("TWPOOL_TEST_LIBRARY");
    if (access(library, R_OK) != 0)
        ck_abort_msg("TWPOOL_TEST_LIBRARY=%s: %s", library, strerror(errno));
    const char *first = getenv("TWPOOL_TEST_PRELOAD_FIRST");
    bool alone = first == NULL || first[0] == '\0';
    environment[used++] = text("LD_PRELOAD=%s%s%s", alone ? "" : first, alone ? "" : ":", library);
    return environment;
}

/* The child: only async-signal-safe calls from here to exec. */
static void become(const struct command *command, const char **environment, int out, int err)
{
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (command->network > 0 && setns(command->network, CLONE_NEWNET) != 0)
        _exit(126);
    int null = open("/dev/null", O_RDONLY);
    if (dup2(null, 0) < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0)
        _exit(126);
    close_range(3, ~0U, 0);
    execvpe(command->argv[0], (char *const *)command->argv, (char *const *)environment);
    _exit(127);
}

struct process process_start(const struct command *command)
{
    const char **environment = environment_of(command);
    struct process process = {.out = memfd_create("out", MFD_CLOEXEC),
                              .err = memfd_create("err", MFD_CLOEXEC)};
    ck_assert_int_ge(process.out, 0);
    ck_assert_int_ge(process.err, 0);
    /* Appending keeps apart what several processes write to one file. */
    fcntl(process.out, F_SETFL, O_APPEND);
    fcntl(process.err, F_SETFL, O_APPEND);
    process.pid = fork();
    ck_assert_int_ge(process.pid, 0);
    if (process.pid == 0)
        become(command, environment, process.out, command->err > 0 ? command->err : process.err);
    setpgid(process.pid, process.pid);
    free(environment);
    return process;
}

bool process_runs(const struct process *process, int ms)
{
    int pidfd = (int)syscall(SYS_pidfd_open, process->pid, 0);
    ck_assert_msg(pidfd >= 0, "pidfd_open: %s", strerror(errno));
    struct pollfd end = {.fd = pidfd, .events = POLLIN};
    int ended = poll(&end, 1, ms);
    close(pidfd);
    return ended == 0;
}

static char *contents(int file, size_t *len)
{
    off_t size = lseek(file, 0, SEEK_END);
    ck_assert_int_ge(size, 0);
    char *bytes = calloc(1, (size_t)size + 1);
    ck_assert_ptr_nonnull(bytes);
    ssize_t got = pread(file, bytes, (size_t)size, 0);
    ck_assert_int_ge(got, 0);
    *len = (size_t)got;
    close(file);
    return bytes;
}

struct outcome process_wait(struct process *process, int limit_s)
{
    struct outcome outcome = {0};
    double start = seconds_now();
    int status = 0;
    outcome.timed_out = process_runs(process, limit_s * 1000);
    outcome.seconds = seconds_now() - start;
    kill(-process->pid, SIGKILL);
    ck_assert_int_eq(waitpid(process->pid, &status, 0), process->pid);
    outcome.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    outcome.out = contents(process->out, &outcome.out_len);
    outcome.err = contents(process->err, &outcome.err_len);
    return outcome;
}

struct outcome process_stop(struct process *process)
{
    kill(process->pid, SIGTERM);
    return process_wait(process, 2);
}

struct outcome run(const struct command *command, int limit_s)
{
    struct process process = process_start(command);
    return process_wait(&process, limit_s);
}

void run_tool(const struct command *command)
{
    struct outcome outcome = run(command, 10);
    if (outcome.timed_out || outcome.status != 0)
        ck_abort_msg("%s %s %s: status %d%s: %s", command->argv[0],
                     command->argv[1] ? command->argv[1] : "",
                     command->argv[2] ? command->argv[2] : "", outcome.status,
                     outcome.timed_out ? ", timed out" : "", outcome.err);
}

bool is_among(const char *list, const char *name)
{
    size_t len = strlen(name);
    if (list == NULL)
        return true;
    for (const char *item = list; item != NULL; item = strchr(item, ',')) {
        item += *item == ',';
        if (strncmp(item, name, len) == 0 && (item[len] == '\0' || item[len] == ','))
            return true;
    }
    return false;
}
