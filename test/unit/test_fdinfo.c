/* SPDX-License-Identifier: MIT
 * The list that the kernel shows of an epoll set: its words, and the kernel's own. */
#include "../../shim/fdinfo.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static enum fdinfo_line parse(const char *line, struct fdinfo_target *target)
{
    return fdinfo_parse(line, strlen(line), target);
}

START_TEST(a_registration_is_understood)
{
    struct fdinfo_target target;
    ck_assert_int_eq(parse("tfd:        5 events: 8000201d data: ffffffffffffffff  pos:0 "
                           "ino:30a9f sdev:8",
                           &target),
                     FDINFO_TARGET);
    ck_assert_int_eq(target.fd, 5);
    ck_assert_uint_eq(target.events, 0x8000201d);
    ck_assert_uint_eq(target.data, UINT64_MAX);
    ck_assert_uint_eq(target.inode, 0x30a9f);
}
END_TEST

static const char *const strange[] = {
    "tfd:",
    "tfd: x",
    "tfd: 5",
    "tfd: 5 events: 19",
    "tfd: 5 events: 19 data: 5", /* Linux 4.12 */
    "tfd: 5 events: 19 data: 5 pos:0",
    "tfd: 5 events: 19 data: 5 pos:0 ino:",
    "tfd: 5 events: 19 data: 5 pos:0 ino:5", /* may go on */
    "tfd: 5 events: 19 data: 5 pos:0 ino:5x sdev:8",
    "tfd: -5 events: 19 data: 5 pos:0 ino:5 sdev:8",
    "tfd: 2147483648 events: 19 data: 5 pos:0 ino:5 sdev:8",
    "tfd: 5 events: 100000000 data: 5 pos:0 ino:5 sdev:8",
    "tfd: 5 events: 19 data: 10000000000000000 pos:0 ino:5 sdev:8",
    "tfd: 5 data: 5 events: 19 pos:0 ino:5 sdev:8",
    "tfd:5a events: 19 data: 5 pos:0 ino:5 sdev:8",
};

START_TEST(other_words_are_not_understood)
{
    struct fdinfo_target target;
    ck_assert_msg(parse(strange[_i], &target) == FDINFO_STRANGE, "%s", strange[_i]);
}
END_TEST

START_TEST(other_lines_are_no_registrations)
{
    static const char *const others[] = {"pos:\t0", "flags:\t02000002", "mnt_id:\t15", "", "tf"};
    struct fdinfo_target target;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        ck_assert_int_eq(parse(others[i], &target), FDINFO_OTHER);
}
END_TEST

static uint64_t inode_of(int fd)
{
    struct stat status;
    ck_assert_int_eq(fstat(fd, &status), 0);
    return status.st_ino;
}

static void add(int set, int fd, uint32_t events, uint64_t data)
{
    struct epoll_event event = {.events = events, .data.u64 = data};
    ck_assert_int_eq(epoll_ctl(set, EPOLL_CTL_ADD, fd, &event), 0);
}

START_TEST(the_kernel_shows_the_mask_of_one_among_others)
{
    struct fdinfo_target target;
    int set = epoll_create1(0), fd = socket(AF_INET, SOCK_STREAM, 0), lowest = dup(0);
    close(lowest);
    for (int i = 0; i < 100; i++)
        add(set, fcntl(fd, F_DUPFD, 100), EPOLLIN, (uint64_t)i);
    add(set, fd, EPOLLIN | EPOLLRDHUP | EPOLLET, 0xfedcba9876543210);
    errno = EDOM;
    ck_assert_int_eq(fdinfo_find(set, fd, inode_of(fd), &target), 0);
    ck_assert_int_eq(target.fd, fd);
    ck_assert_uint_eq(target.events, EPOLLIN | EPOLLRDHUP | EPOLLET | EPOLLERR | EPOLLHUP);
    ck_assert_uint_eq(target.data, 0xfedcba9876543210);
    ck_assert_int_eq(errno, EDOM);
    int again = dup(0);
    ck_assert_int_eq(again, lowest); /* no descriptor is left open */
}
END_TEST

START_TEST(a_one_shot_that_has_fired_shows_no_mask)
{
    struct fdinfo_target target;
    struct epoll_event event;
    int set = epoll_create1(0), fd = socket(AF_INET, SOCK_STREAM, 0);
    add(set, fd, EPOLLOUT | EPOLLONESHOT, 1);
    ck_assert_int_eq(epoll_wait(set, &event, 1, 0), 1);
    ck_assert_int_eq(fdinfo_find(set, fd, inode_of(fd), &target), 0);
    ck_assert_uint_eq(target.events, EPOLLONESHOT);
}
END_TEST

START_TEST(what_is_not_there_once_is_not_found)
{
    struct fdinfo_target target;
    int set = epoll_create1(0), fd = socket(AF_INET, SOCK_STREAM, 0);
    uint64_t inode = inode_of(fd);
    ck_assert_int_eq(fdinfo_find(set, fd, inode, &target), -ENOENT);
    add(set, fd, EPOLLIN, 1);
    ck_assert_int_eq(fdinfo_find(set, fd, inode + 1, &target), -ENOENT);
    ck_assert_int_eq(fdinfo_find(set, fd + 1, inode, &target), -ENOENT);
    ck_assert_int_eq(fdinfo_find(fd, fd, inode, &target), -ENOENT);
    ck_assert_int_eq(fdinfo_find(-1, fd, inode, &target), -ENOENT);
}
END_TEST

START_TEST(a_long_list_is_not_read_to_its_end)
{
    struct fdinfo_target target;
    int set = epoll_create1(0), fd = socket(AF_INET, SOCK_STREAM, 0);
    for (int i = 0; i < 500; i++)
        add(set, fcntl(fd, F_DUPFD, 100), EPOLLIN, (uint64_t)i);
    add(set, fd, EPOLLIN, 1);
    ck_assert_int_eq(fdinfo_find(set, fd, inode_of(fd), &target), -E2BIG);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fdinfo");
    TCase *words = tcase_create("words"), *kernel = tcase_create("kernel");
    tcase_add_test(words, a_registration_is_understood);
    tcase_add_loop_test(words, other_words_are_not_understood, 0, sizeof strange / sizeof *strange);
    tcase_add_test(words, other_lines_are_no_registrations);
    tcase_add_test(kernel, the_kernel_shows_the_mask_of_one_among_others);
    tcase_add_test(kernel, a_one_shot_that_has_fired_shows_no_mask);
    tcase_add_test(kernel, what_is_not_there_once_is_not_found);
    tcase_add_test(kernel, a_long_list_is_not_read_to_its_end);
    suite_add_tcase(suite, words);
    suite_add_tcase(suite, kernel);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
