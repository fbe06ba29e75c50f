/* SPDX-License-Identifier: MIT
 * The settings: what each variable accepts, and what is complained of. */
#include "settings.h"

START_TEST(an_environment_without_settings_gives_the_defaults)
{
    char *foreign[] = {"PATH=/bin",
                       "TWPOOLX=1",
                       "XTWPOOL_CLOSE=2",
                       "TWPOO=3",
                       "TWPOOL_CLOSE",
                       "TWPOOL",
                       "=TWPOOL=off",
                       "",
                       NULL};
    char *none[] = {NULL};
    read_all(NULL);
    assert_defaults();
    read_all(none);
    assert_defaults();
    read_all(foreign);
    assert_defaults();
    ck_assert_int_eq(complaints, 0);
}
END_TEST

START_TEST(the_idle_limit_leaves_three_quarters_of_the_descriptors)
{
    struct {
        uint64_t soft_limit;
        uint32_t expected;
    } cases[] = {{0, 0},       {3, 0},       {256, 64},          {1024, 256},
                 {4095, 1023}, {4096, 1024}, {UINT64_MAX, 1024}, {1 << 30, 1024}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        config_read(&config, NULL, cases[i].soft_limit, note_complaint, &config);
        ck_assert_uint_eq(config.max_idle, cases[i].expected);
    }
}
END_TEST

START_TEST(an_empty_value_means_unset)
{
    char *empty[] = {"TWPOOL=",
                     "TWPOOL_CLOSE=",
                     "TWPOOL_LOG=",
                     "TWPOOL_GOODBYES=",
                     "TWPOOL_REAPER=",
                     "TWPOOL_DEEPBIND=",
                     "TWPOOL_MAX_IDLE=",
                     "TWPOOL_MAX_AGE=",
                     "TWPOOL_DEFER=",
                     "TWPOOL_DRAIN=",
                     "TWPOOL_MAX_IDLE_PER_DEST=",
                     "TWPOOL_STATS=",
                     "TWPOOL_IDLE_TIMEOUT=",
                     "TWPOOL_RULES=",
                     "TWPOOL_NO_SUCH=",
                     NULL};
    read_all(empty);
    assert_defaults();
    ck_assert_int_eq(complaints, 0);
}
END_TEST

START_TEST(the_first_of_two_entries_counts_as_in_getenv)
{
    char *twice[] = {"TWPOOL_CLOSE=plain", "TWPOOL_CLOSE=clean", "TWPOOL_LOG=", "TWPOOL_LOG=off",
                     "TWPOOL_MAX_IDLE=x",  "TWPOOL_MAX_IDLE=7",  NULL};
    read_all(twice);
    ck_assert_int_eq(config.close, CLOSE_PLAIN);
    ck_assert_int_eq(config.log, LOG_AUTO);
    ck_assert_uint_eq(config.max_idle, 1024);
    ck_assert_int_eq(complaints, 1);
}
END_TEST

START_TEST(an_unknown_name_is_complained_of_once_and_the_known_ones_listed)
{
    char *unknown[] = {"TWPOOL_MAXIDLE=5", "TWPOOL_MAXIDLE=6", NULL};
    read_all(unknown);
    ck_assert_int_eq(complaints, 1);
    ck_assert_ptr_eq(strstr(last_complaint, "TWPOOL_MAXIDLE "), last_complaint);
    ck_assert_ptr_nonnull(strstr(last_complaint, "TWPOOL_MAX_IDLE "));
    ck_assert_ptr_nonnull(strstr(last_complaint, "TWPOOL_RULES"));
    read_one("TWPOOL_=1");
    ck_assert_int_eq(complaints, 1);
    assert_defaults();
}
END_TEST

START_TEST(on_and_off_switch_the_shim)
{
    assert_accepted("TWPOOL=off");
    ck_assert(!config.enabled);
    assert_accepted("TWPOOL=0");
    ck_assert(!config.enabled);
    assert_accepted("TWPOOL=on");
    ck_assert(config.enabled);
    assert_accepted("TWPOOL=1");
    ck_assert(config.enabled);
    assert_refused("TWPOOL=no", "no");
    ck_assert(config.enabled);
    assert_refused("TWPOOL=OFF", "OFF");
    assert_refused("TWPOOL= ", " ");
    assert_refused("TWPOOL=off=on", "off=on");
}
END_TEST

START_TEST(close_is_clean_or_plain)
{
    assert_accepted("TWPOOL_CLOSE=plain");
    ck_assert_int_eq(config.close, CLOSE_PLAIN);
    assert_accepted("TWPOOL_CLOSE=clean");
    ck_assert_int_eq(config.close, CLOSE_CLEAN);
    assert_refused("TWPOOL_CLOSE=plainly", "plainly");
    assert_refused("TWPOOL_CLOSE=plai", "plai");
    ck_assert_int_eq(config.close, CLOSE_CLEAN);
}
END_TEST

START_TEST(goodbyes_are_held_or_sent)
{
    assert_accepted("TWPOOL_GOODBYES=send");
    ck_assert_int_eq(config.goodbyes, GOODBYES_SEND);
    assert_accepted("TWPOOL_GOODBYES=hold");
    ck_assert_int_eq(config.goodbyes, GOODBYES_HOLD);
    assert_refused("TWPOOL_GOODBYES=held", "held");
    assert_refused("TWPOOL_GOODBYES=off", "off");
    ck_assert_int_eq(config.goodbyes, GOODBYES_HOLD);
}
END_TEST

START_TEST(the_reaper_is_off_or_a_thread)
{
    assert_accepted("TWPOOL_REAPER=thread");
    ck_assert_int_eq(config.reaper, REAPER_THREAD);
    assert_accepted("TWPOOL_REAPER=off");
    ck_assert_int_eq(config.reaper, REAPER_OFF);
    assert_refused("TWPOOL_REAPER=on", "on");
    assert_refused("TWPOOL_REAPER=threads", "threads");
    ck_assert_int_eq(config.reaper, REAPER_OFF);
}
END_TEST

START_TEST(deepbind_is_on_or_off)
{
    assert_accepted("TWPOOL_DEEPBIND=off");
    ck_assert(!config.deepbind);
    assert_accepted("TWPOOL_DEEPBIND=on");
    ck_assert(config.deepbind);
    assert_accepted("TWPOOL_DEEPBIND=0");
    ck_assert(!config.deepbind);
    assert_accepted("TWPOOL_DEEPBIND=1");
    ck_assert(config.deepbind);
    assert_refused("TWPOOL_DEEPBIND=deep", "deep");
    ck_assert(config.deepbind && config.enabled);
}
END_TEST

START_TEST(log_takes_its_four_words)
{
    assert_accepted("TWPOOL_LOG=auto");
    ck_assert_int_eq(config.log, LOG_AUTO);
    assert_accepted("TWPOOL_LOG=off");
    ck_assert_int_eq(config.log, LOG_OFF);
    assert_accepted("TWPOOL_LOG=hint");
    ck_assert_int_eq(config.log, LOG_HINT);
    assert_accepted("TWPOOL_LOG=trace");
    ck_assert_int_eq(config.log, LOG_TRACE);
    assert_refused("TWPOOL_LOG=debug", "debug");
    ck_assert_int_eq(config.log, LOG_AUTO);
}
END_TEST

START_TEST(idle_limits_are_numbers_up_to_a_million)
{
    assert_accepted("TWPOOL_MAX_IDLE=0");
    ck_assert_uint_eq(config.max_idle, 0);
    ck_assert_uint_eq(config.max_idle_per_dest, 256);
    assert_accepted("TWPOOL_MAX_IDLE=1000000");
    ck_assert_uint_eq(config.max_idle, 1000000);
    assert_accepted("TWPOOL_MAX_IDLE_PER_DEST=17");
    ck_assert_uint_eq(config.max_idle_per_dest, 17);
    ck_assert_uint_eq(config.max_idle, 1024);

    assert_refused("TWPOOL_MAX_IDLE=1000001", "1000001");
    assert_refused("TWPOOL_MAX_IDLE=18446744073709551617", "18446744073709551617");
    assert_refused("TWPOOL_MAX_IDLE=-1", "-1");
    assert_refused("TWPOOL_MAX_IDLE=+1", "+1");
    assert_refused("TWPOOL_MAX_IDLE= 1", " 1");
    assert_refused("TWPOOL_MAX_IDLE=0x10", "0x10");
    assert_refused("TWPOOL_MAX_IDLE_PER_DEST=1e3", "1e3");
    assert_refused("TWPOOL_MAX_IDLE_PER_DEST=1000001", "1000001");
    assert_defaults();
}
END_TEST

static const struct {
    const char *value;
    uint32_t ms;
} times[] = {
    {"2", 2000},         {"0.5", 500},
    {"250ms", 250},      {"2s", 2000},
    {"1m", 60000},       {"1.5m", 90000},
    {"0.5s", 500},       {"86400", 86400000},
    {"1440m", 86400000}, {"86400000ms", 86400000},
    {"007", 7000},       {"0.0001", 1},
    {"0.00000001", 1},   {"0.5ms", 1},
    {"1.0000000", 1000}, {"0.001", 1},
    {"0.0010000001", 2}, {"0.999999m", 60000},
};

START_TEST(times_are_seconds_or_have_a_unit)
{
    char entry[64];
    snprintf(entry, sizeof entry, "TWPOOL_IDLE_TIMEOUT=%s", times[_i].value);
    assert_accepted(entry);
    ck_assert_uint_eq(config.idle_timeout_ms, times[_i].ms);
    ck_assert(config.idle_timeout_is_set);
    ck_assert_uint_eq(config.max_age_ms, 60000);

    snprintf(entry, sizeof entry, "TWPOOL_MAX_AGE=%s", times[_i].value);
    assert_accepted(entry);
    ck_assert_uint_eq(config.max_age_ms, times[_i].ms);
    ck_assert_uint_eq(config.idle_timeout_ms, 2000);
    ck_assert(!config.idle_timeout_is_set);

    snprintf(entry, sizeof entry, "TWPOOL_DEFER=%s", times[_i].value);
    assert_accepted(entry);
    ck_assert_uint_eq(config.defer_ms, times[_i].ms);
    ck_assert_uint_eq(config.max_age_ms, 60000);
}
END_TEST

static const char *const absurd_times[] = {"-1",
                                           "+1",
                                           "86401",
                                           "86400.001",
                                           "1441m",
                                           "86400001ms",
                                           "1h",
                                           "1 s",
                                           "s",
                                           "ms",
                                           ".",
                                           ".5",
                                           "5.",
                                           "5.s",
                                           "1.2.3",
                                           "1,5",
                                           "2sec",
                                           "2ss",
                                           "2mss",
                                           "2S",
                                           "1e3",
                                           "inf",
                                           "nan",
                                           "abc",
                                           " 2",
                                           "2 ",
                                           "0x2",
                                           "99999999999999999999",
                                           "307445734561825861m",
                                           "0.-1",
                                           "1.5.s"};

START_TEST(absurd_times_are_complained_of)
{
    char entry[64];
    snprintf(entry, sizeof entry, "TWPOOL_IDLE_TIMEOUT=%s", absurd_times[_i]);
    assert_refused(entry, absurd_times[_i]);
    assert_defaults();
    snprintf(entry, sizeof entry, "TWPOOL_MAX_AGE=%s", absurd_times[_i]);
    assert_refused(entry, absurd_times[_i]);
    assert_defaults();
    snprintf(entry, sizeof entry, "TWPOOL_DEFER=%s", absurd_times[_i]);
    assert_refused(entry, absurd_times[_i]);
    assert_defaults();
}
END_TEST

START_TEST(a_size_is_bytes_or_has_a_unit)
{
    static const struct {
        const char *entry;
        uint32_t bytes;
    } sizes[] = {{"TWPOOL_DRAIN=0", 0},
                 {"TWPOOL_DRAIN=1500", 1500},
                 {"TWPOOL_DRAIN=0k", 0},
                 {"TWPOOL_DRAIN=64k", 65536},
                 {"TWPOOL_DRAIN=1m", 1048576},
                 {"TWPOOL_DRAIN=1024k", 1048576},
                 {"TWPOOL_DRAIN=1048576", 1048576}};
    static const char *const absurd[] = {"k",       "m",     "-1",  "1.5k",       "64K",
                                         "1 k",     "1kk",   "2m",  "64kb",       "1km",
                                         "1048577", "1025k", "0x1", "99999999999"};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        assert_accepted(sizes[i].entry);
        ck_assert_uint_eq(config.drain_max, sizes[i].bytes);
    }
    for (size_t i = 0; i < sizeof absurd / sizeof *absurd; i++) {
        char entry[64];
        snprintf(entry, sizeof entry, "TWPOOL_DRAIN=%s", absurd[i]);
        assert_refused(entry, absurd[i]);
        assert_defaults();
    }
}
END_TEST

START_TEST(an_idle_timeout_of_0_is_a_choice_and_an_age_of_0_a_mistake)
{
    assert_accepted("TWPOOL_IDLE_TIMEOUT=0");
    ck_assert_uint_eq(config.idle_timeout_ms, 0);
    ck_assert(config.idle_timeout_is_set);
    assert_accepted("TWPOOL_IDLE_TIMEOUT=0.000ms");
    ck_assert_uint_eq(config.idle_timeout_ms, 0);
    assert_accepted("TWPOOL_DEFER=0");
    ck_assert_uint_eq(config.defer_ms, 0);
    assert_refused("TWPOOL_MAX_AGE=0", "0");
    assert_refused("TWPOOL_MAX_AGE=0.0s", "0.0s");
    assert_defaults();
}
END_TEST

START_TEST(statistics_go_to_stderr_or_to_a_path)
{
    char longest[sizeof "TWPOOL_STATS=" + STATS_PATH_MAX] = "TWPOOL_STATS=";
    size_t head = strlen(longest);

    assert_accepted("TWPOOL_STATS=stderr");
    ck_assert_str_eq(config.stats, "stderr");
    assert_accepted("TWPOOL_STATS=/var/log/a b=%p.%%txt%p");
    ck_assert_str_eq(config.stats, "/var/log/a b=%p.%%txt%p");

    assert_refused("TWPOOL_STATS=/var/log/%d.txt", "%d");
    assert_refused("TWPOOL_STATS=/var/log/%", "%");
    assert_refused("TWPOOL_STATS=%%%", "%");
    assert_refused("TWPOOL_STATS=%p%P", "%P");
    assert_defaults();

    memset(longest + head, 'x', STATS_PATH_MAX - 1);
    assert_accepted(longest);
    ck_assert_uint_eq(strlen(config.stats), STATS_PATH_MAX - 1);
    longest[head + STATS_PATH_MAX - 1] = 'x';
    assert_refused(longest, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...");
    assert_defaults();
}
END_TEST

START_TEST(what_a_complaint_quotes_is_printable_and_short)
{
    assert_refused("TWPOOL_LOG=\x1b[31m\n\x7f\xc3\xa9", "?[31m????");
    assert_refused("TWPOOL_LOG=1234567890123456789012345678901234567890",
                   "1234567890123456789012345678901234567890");
    assert_refused("TWPOOL_LOG=12345678901234567890123456789012345678901",
                   "1234567890123456789012345678901234567890...");
    read_one("TWPOOL_\x1b]0;\a=1");
    ck_assert_int_eq(complaints, 1);
    ck_assert_ptr_eq(strstr(last_complaint, "TWPOOL_?]0;? "), last_complaint);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("config");
    TCase *values = tcase_create("values");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_test(values, an_environment_without_settings_gives_the_defaults);
    tcase_add_test(values, the_idle_limit_leaves_three_quarters_of_the_descriptors);
    tcase_add_test(values, an_empty_value_means_unset);
    tcase_add_test(values, the_first_of_two_entries_counts_as_in_getenv);
    tcase_add_test(values, an_unknown_name_is_complained_of_once_and_the_known_ones_listed);
    tcase_add_test(values, on_and_off_switch_the_shim);
    tcase_add_test(values, close_is_clean_or_plain);
    tcase_add_test(values, log_takes_its_four_words);
    tcase_add_test(values, goodbyes_are_held_or_sent);
    tcase_add_test(values, the_reaper_is_off_or_a_thread);
    tcase_add_test(values, deepbind_is_on_or_off);
    tcase_add_test(values, idle_limits_are_numbers_up_to_a_million);
    tcase_add_loop_test(values, times_are_seconds_or_have_a_unit, 0,
                        sizeof times / sizeof times[0]);
    tcase_add_loop_test(values, absurd_times_are_complained_of, 0,
                        sizeof absurd_times / sizeof absurd_times[0]);
    tcase_add_test(values, a_size_is_bytes_or_has_a_unit);
    tcase_add_test(values, an_idle_timeout_of_0_is_a_choice_and_an_age_of_0_a_mistake);
    tcase_add_test(values, statistics_go_to_stderr_or_to_a_path);
    tcase_add_test(values, what_a_complaint_quotes_is_printable_and_short);
    suite_add_tcase(suite, values);

    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
