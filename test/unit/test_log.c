/* SPDX-License-Identifier: MIT
 * Lines on standard error: written whole, to the right file only, and without a signal. */
#include "../../shim/log.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static int ends[2];
static volatile sig_atomic_t signals;

static void count_signal(int number)
{
    (void)number;
    signals++;
}

/* A pair of sockets, whose second end is the standard error: like a pipe, but whole messages. */
static void set_up(void)
{
    signals = 0;
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
    ck_assert_int_eq(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
    close(ends[1]);
}

static void assert_message(const char *expected)
{
    char message[256];
    ssize_t len = recv(ends[0], message, sizeof message - 1, MSG_DONTWAIT);
    ck_assert_msg(len >= 0, "nothing was written: %s", strerror(errno));
    message[len] = '\0';
    ck_assert_str_eq(message, expected);
}

static void assert_no_message(void)
{
    char message[256];
    ck_assert_int_eq(recv(ends[0], message, sizeof message, MSG_DONTWAIT), -1);
    ck_assert_int_eq(errno, EAGAIN);
}

START_TEST(a_line_is_one_write_and_leaves_errno_alone)
{
    log_open(LOG_HINT);
    errno = 77;
    log_line("one line, not more", strlen("one line"));
    ck_assert_int_eq(errno, 77);
    assert_message("twpool: one line\n");
    assert_no_message();
}
END_TEST

START_TEST(a_complaint_is_written_before_log_open_and_when_the_log_is_off)
{
    log_complaint(NULL, "early");
    assert_message("twpool: early\n");
    log_open(LOG_OFF);
    log_complaint(NULL, "late");
    assert_message("twpool: late\n");
}
END_TEST

START_TEST(a_line_before_log_open_is_not_written)
{
    log_line("too early", 9);
    assert_no_message();
}
END_TEST

START_TEST(another_file_that_got_number_2_is_not_written_to)
{
    int other[2];
    log_open(LOG_TRACE);
    ck_assert_int_eq(log_descriptor(), STDERR_FILENO);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, other), 0);
    ck_assert_int_eq(dup2(other[1], STDERR_FILENO), STDERR_FILENO);
    log_open(LOG_TRACE); /* a second call does not take the new file for the old */
    ck_assert_int_eq(log_descriptor(), -1);
    log_line("secret", 6);
    log_complaint(NULL, "secret");
    close(ends[0]);
    ends[0] = other[0];
    assert_no_message();
}
END_TEST

START_TEST(a_closed_stderr_is_not_written_to)
{
    close(STDERR_FILENO);
    log_open(LOG_TRACE);
    ck_assert_int_eq(log_descriptor(), -1);
    log_line("nobody", 6);
    ck_assert_int_eq(recv(ends[0], &(char){0}, 1, MSG_DONTWAIT), 0); /* EOF only */
}
END_TEST

START_TEST(the_level_says_which_lines_are_wanted)
{
    log_open(LOG_OFF);
    ck_assert(!log_wants(LOG_AUTO));
    ck_assert(!log_wants(LOG_HINT));
    ck_assert(!log_wants(LOG_TRACE));
    log_open(LOG_HINT);
    ck_assert(log_wants(LOG_AUTO));
    ck_assert(log_wants(LOG_HINT));
    ck_assert(!log_wants(LOG_TRACE));
    log_open(LOG_TRACE);
    ck_assert(log_wants(LOG_AUTO));
    ck_assert(log_wants(LOG_HINT));
    ck_assert(log_wants(LOG_TRACE));
}
END_TEST

START_TEST(by_itself_the_log_wants_hints_on_a_terminal_only)
{
    log_open(LOG_AUTO);
    ck_assert(!log_wants(LOG_AUTO));
    ck_assert(!log_wants(LOG_TRACE));
}
END_TEST

START_TEST(a_terminal_is_known_when_it_is_one)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    ck_assert_int_ge(master, 0);
    ck_assert_int_eq(grantpt(master), 0);
    ck_assert_int_eq(unlockpt(master), 0);
    int terminal = open(ptsname(master), O_RDWR | O_NOCTTY);
    ck_assert_int_ge(terminal, 0);
    ck_assert_int_eq(dup2(terminal, STDERR_FILENO), STDERR_FILENO);
    errno = 77;
    log_open(LOG_AUTO);
    ck_assert(log_wants(LOG_AUTO));
    ck_assert(!log_wants(LOG_HINT)); /* nobody has asked */
    ck_assert(!log_wants(LOG_TRACE));
    ck_assert_int_eq(errno, 77);
    log_open(LOG_OFF);
    ck_assert(!log_wants(LOG_AUTO));
    ck_assert(!log_wants(LOG_HINT));
}
END_TEST

static bool is_pending(int number)
{
    sigset_t pending;
    ck_assert_int_eq(sigpending(&pending), 0);
    return sigismember(&pending, number) == 1;
}

static void block(int number)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, number);
    ck_assert_int_eq(sigprocmask(SIG_BLOCK, &set, NULL), 0);
}

START_TEST(a_reader_that_is_gone_raises_no_signal)
{
    sigset_t mask;
    signal(SIGPIPE, count_signal);
    log_open(LOG_HINT);
    close(ends[0]);
    log_line("nobody", 6);
    ck_assert_int_eq(signals, 0);
    ck_assert(!is_pending(SIGPIPE));
    ck_assert_int_eq(sigprocmask(SIG_BLOCK, NULL, &mask), 0);
    ck_assert_int_eq(sigismember(&mask, SIGPIPE), 0);

    block(SIGPIPE);
    log_line("nobody", 6);
    ck_assert(!is_pending(SIGPIPE));
    ck_assert_int_eq(sigprocmask(SIG_BLOCK, NULL, &mask), 0);
    ck_assert_int_eq(sigismember(&mask, SIGPIPE), 1);
}
END_TEST

START_TEST(a_signal_that_was_waiting_already_still_waits)
{
    signal(SIGPIPE, count_signal);
    log_open(LOG_HINT);
    close(ends[0]);
    block(SIGPIPE);
    raise(SIGPIPE);
    log_line("nobody", 6);
    ck_assert(is_pending(SIGPIPE));
    ck_assert_int_eq(signals, 0);
}
END_TEST

START_TEST(a_size_limit_raises_no_signal)
{
    struct rlimit before, limit;
    char path[] = "/tmp/test_log.XXXXXX";
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    unlink(path);
    signal(SIGXFSZ, count_signal);
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
    limit = before;
    limit.rlim_cur = 4;
    setrlimit(RLIMIT_FSIZE, &limit); /* no assertion meanwhile: libcheck writes to a file as well */
    int error = log_write(fd, "12345678", 8);
    setrlimit(RLIMIT_FSIZE, &before);
    ck_assert_int_eq(error, -EFBIG);
    ck_assert_int_eq(signals, 0);
    close(fd);
}
END_TEST

START_TEST(a_write_that_signals_cut_short_goes_on_where_it_stopped)
{
    int pipe_ends[2];
    static char sent[400000], received[sizeof sent];
    for (size_t i = 0; i < sizeof sent; i++)
        sent[i] = (char)(i * 7 + i / 251); /* does not repeat by pages */
    ck_assert_int_eq(pipe(pipe_ends), 0);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        struct sigaction action = {.sa_handler = count_signal}; /* without SA_RESTART */
        struct itimerval often = {{0, 1000}, {0, 1000}};
        close(pipe_ends[0]);
        sigaction(SIGALRM, &action, NULL);
        setitimer(ITIMER_REAL, &often, NULL);
        int error = log_write(pipe_ends[1], sent, sizeof sent);
        usleep(1000); /* ThreadSanitizer runs handlers at libc's calls only */
        _exit(error == 0 && signals > 0 ? 0 : 1);
    }
    close(pipe_ends[1]);
    size_t len = 0;
    ssize_t got;
    int status;
    do { /* slower than the signals come */
        usleep(5000);
        got = read(pipe_ends[0], received + len, sizeof received - len);
        len += got > 0 ? (size_t)got : 0;
    } while (got > 0);
    ck_assert_uint_eq(len, sizeof sent);
    ck_assert_mem_eq(sent, received, sizeof sent);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(what_would_block_fails)
{
    static char much[1 << 20];
    int pipe_ends[2];
    ck_assert_int_eq(pipe2(pipe_ends, O_NONBLOCK), 0);
    ck_assert_int_eq(log_write(pipe_ends[1], much, sizeof much), -EAGAIN);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("log");
    TCase *lines = tcase_create("lines");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(lines, set_up, NULL);
    tcase_add_test(lines, a_line_is_one_write_and_leaves_errno_alone);
    tcase_add_test(lines, a_complaint_is_written_before_log_open_and_when_the_log_is_off);
    tcase_add_test(lines, a_line_before_log_open_is_not_written);
    tcase_add_test(lines, another_file_that_got_number_2_is_not_written_to);
    tcase_add_test(lines, a_closed_stderr_is_not_written_to);
    tcase_add_test(lines, the_level_says_which_lines_are_wanted);
    tcase_add_test(lines, by_itself_the_log_wants_hints_on_a_terminal_only);
    tcase_add_test(lines, a_terminal_is_known_when_it_is_one);
    tcase_add_test(lines, a_reader_that_is_gone_raises_no_signal);
    tcase_add_test(lines, a_signal_that_was_waiting_already_still_waits);
    tcase_add_test(lines, a_size_limit_raises_no_signal);
    tcase_add_test(lines, a_write_that_signals_cut_short_goes_on_where_it_stopped);
    tcase_add_test(lines, what_would_block_fails);
    suite_add_tcase(suite, lines);

    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
