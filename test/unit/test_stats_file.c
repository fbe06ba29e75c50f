/* SPDX-License-Identifier: MIT
 * The report at exit: where it goes, and what happens when it cannot go there. */
#include "../../shim/log.h"
#include "report.h"

#include <sys/stat.h>

/* Makes a file of the test's the standard error; what stands there is then contents(stderr_path).
 */
static const char *capture_stderr(void)
{
    static char path[96];
    int fd;
    snprintf(path, sizeof path, "%s/stderr", directory);
    fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_APPEND, 0600);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(dup2(fd, STDERR_FILENO), STDERR_FILENO);
    close(fd);
    log_open(LOG_AUTO);
    return path;
}

static bool exists(const char *path)
{
    return access(path, F_OK) == 0;
}

START_TEST(nothing_is_written_when_nothing_was_asked_for)
{
    const char *errors = capture_stderr();
    see("10.0.0.2", 80, RULE_AUTO);
    config.stats[0] = '\0';
    stats_write(&pool, &config, PID, "too old a kernel");
    ck_assert_str_eq(contents(errors), "");
}
END_TEST

START_TEST(nothing_is_written_when_no_destination_was_seen)
{
    stats_write(&pool, &config, PID, NULL);
    stats_write(NULL, &config, PID, NULL);
    ck_assert(!exists(config.stats));
}
END_TEST

START_TEST(being_switched_off_is_said_in_one_line)
{
    stats_write(NULL, &config, PID, "the kernel has no SO_COOKIE");
    ck_assert_str_eq(contents(config.stats),
                     "twpool: switched off in process 1234: the kernel has no SO_COOKIE\n");
}
END_TEST

START_TEST(the_path_has_the_process_id_for_percent_p)
{
    char expected[128];
    size_t len = strlen(directory);
    snprintf(config.stats, sizeof config.stats, "%s/%%p-100%%%%-%%p", directory);
    see("10.0.0.2", 80, RULE_AUTO);
    ck_assert_str_eq(config.stats + len, "/%p-100%%-%p");
    stats_write(&pool, &config, PID, NULL);
    snprintf(expected, sizeof expected, "%s/1234-100%%-1234", directory);
    ck_assert(exists(expected));
}
END_TEST

START_TEST(reports_are_appended_to_a_file_that_others_may_read)
{
    struct stat status;
    size_t len;
    umask(0);
    see("10.0.0.2", 80, RULE_AUTO);
    len = strlen(report());
    ck_assert_uint_eq(strlen(report()), 2 * len);
    ck_assert_int_eq(stat(config.stats, &status), 0);
    ck_assert_int_eq(status.st_mode & 0777, 0644);
}
END_TEST

START_TEST(no_descriptor_is_left_open)
{
    int before = dup(0);
    close(before);
    see("10.0.0.2", 80, RULE_AUTO);
    report();
    int after = dup(0);
    close(after);
    ck_assert_int_eq(before, after);
}
END_TEST

START_TEST(errno_is_left_alone)
{
    capture_stderr();
    see("10.0.0.2", 80, RULE_AUTO);
    errno = 77;
    stats_write(&pool, &config, PID, NULL);
    strcpy(config.stats, "/no/such/directory/report");
    stats_write(&pool, &config, PID, NULL);
    ck_assert_int_eq(errno, 77);
}
END_TEST

START_TEST(a_path_that_cannot_be_opened_costs_one_line_on_stderr)
{
    const char *errors = capture_stderr();
    see("10.0.0.2", 80, RULE_AUTO);
    strcpy(config.stats, "/no/such/%p");
    stats_write(&pool, &config, PID, NULL);
    ck_assert_str_eq(contents(errors),
                     "twpool: TWPOOL_STATS: cannot write \"/no/such/1234\": no such directory\n");
}
END_TEST

START_TEST(a_path_too_long_once_the_process_id_is_in_is_not_cut_short)
{
    const char *errors = capture_stderr();
    size_t len = strlen(config.stats);
    see("10.0.0.2", 80, RULE_AUTO);
    while (len < sizeof config.stats - 7) {
        config.stats[len] = len % 2 ? '/' : '.';
        len++;
    }
    strcpy(config.stats + len, "/x%p%p");
    stats_write(&pool, &config, PID, NULL);
    ck_assert_ptr_nonnull(strstr(contents(errors), "...\": the name is too long\n"));
}
END_TEST

START_TEST(a_full_disk_costs_one_line_on_stderr)
{
    const char *errors = capture_stderr();
    for (uint16_t port = 1; port < 1000; port++)
        see("10.0.0.2", port, RULE_AUTO);
    strcpy(config.stats, "/dev/full");
    stats_write(&pool, &config, PID, NULL);
    ck_assert_str_eq(contents(errors),
                     "twpool: TWPOOL_STATS: cannot write \"/dev/full\": no space left\n");
}
END_TEST

START_TEST(a_fifo_that_nobody_reads_does_not_hold_up_the_exit)
{
    const char *errors = capture_stderr();
    see("10.0.0.2", 80, RULE_AUTO);
    ck_assert_int_eq(mkfifo(config.stats, 0600), 0);
    stats_write(&pool, &config, PID, NULL);
    ck_assert_ptr_nonnull(strstr(contents(errors), "nobody reads the FIFO\n"));
}
END_TEST

START_TEST(stderr_is_written_while_it_is_the_one_that_we_started_with)
{
    const char *errors = capture_stderr();
    strcpy(config.stats, "stderr");
    see("10.0.0.2", 80, RULE_AUTO);
    stats_write(&pool, &config, PID, NULL);
    ck_assert_str_eq(contents(errors), "twpool: statistics of process 1234\n"
                                       "10.0.0.2:80 (auto): opened 0, reused 0, parked 0\n");
    ck_assert(!exists("stderr"));
    ck_assert_int_ge(fcntl(STDERR_FILENO, F_GETFD), 0); /* it is not ours to close */
}
END_TEST

START_TEST(stderr_is_not_written_once_it_is_another_file)
{
    char other[96];
    int fd;
    const char *errors = capture_stderr();
    snprintf(other, sizeof other, "%s/other", directory);
    fd = open(other, O_WRONLY | O_CREAT, 0600);
    ck_assert_int_eq(dup2(fd, STDERR_FILENO), STDERR_FILENO);
    strcpy(config.stats, "stderr");
    see("10.0.0.2", 80, RULE_AUTO);
    stats_write(&pool, &config, PID, NULL);
    ck_assert_str_eq(contents(other), "");
    ck_assert_str_eq(contents(errors), "");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("stats_file");
    TCase *written = tcase_create("where it goes");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(written, set_up, tear_down);
    tcase_add_test(written, nothing_is_written_when_nothing_was_asked_for);
    tcase_add_test(written, nothing_is_written_when_no_destination_was_seen);
    tcase_add_test(written, being_switched_off_is_said_in_one_line);
    tcase_add_test(written, the_path_has_the_process_id_for_percent_p);
    tcase_add_test(written, reports_are_appended_to_a_file_that_others_may_read);
    tcase_add_test(written, no_descriptor_is_left_open);
    tcase_add_test(written, errno_is_left_alone);
    tcase_add_test(written, a_path_that_cannot_be_opened_costs_one_line_on_stderr);
    tcase_add_test(written, a_path_too_long_once_the_process_id_is_in_is_not_cut_short);
    tcase_add_test(written, a_full_disk_costs_one_line_on_stderr);
    tcase_add_test(written, a_fifo_that_nobody_reads_does_not_hold_up_the_exit);
    tcase_add_test(written, stderr_is_written_while_it_is_the_one_that_we_started_with);
    tcase_add_test(written, stderr_is_not_written_once_it_is_another_file);
    suite_add_tcase(suite, written);

    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
