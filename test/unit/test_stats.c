/* SPDX-License-Identifier: MIT
 * The report at exit and the hint when ports run out: what they say. */
#include "../../shim/hint.h"
#include "../../shim/witness/fit.h"
#include "report.h"

START_TEST(the_report_says_for_each_destination_what_became_of_its_connections)
{
    struct dest *dest = see("10.0.0.2", 80, RULE_AUTO);
    dest->opened = 12;
    dest->reused = 9988;
    dest->parked = 9999;
    dest->deferred = 3;
    dest->failed = 2;
    refuse(dest, REASON_NONE_IDLE, 12);
    refuse(dest, REASON_EXPIRED, 2);
    refuse(dest, REASON_ANNOUNCED_CLOSE, 1);
    ck_assert_str_eq(
        report(), "twpool: statistics of process 1234\n"
                  "10.0.0.2:80 (auto): opened 12, reused 9988, parked 9999, deferred 3, failed 2\n"
                  "    not parked: announced-close 1 (one side had announced the close)\n"
                  "    ended idle: expired 2 (idle longer than its limit)\n"
                  "    not reused: none-idle 12 (no idle connection to that destination)\n");
}
END_TEST

START_TEST(every_reason_stands_in_one_of_the_three_groups)
{
    struct dest *dest = see("10.0.0.2", 80, RULE_AUTO);
    for (int i = REASON_NONE + 1; i < REASON_COUNT; i++) {
        char line[256];
        const char *labels[] = {[REASON_GROUP_NOT_PARKED] = "not parked",
                                [REASON_GROUP_ENDED_IDLE] = "ended idle",
                                [REASON_GROUP_NOT_REUSED] = "not reused"};
        enum reason_group group = reason_group((enum reason)i);
        ck_assert_int_ne(group, REASON_GROUP_NONE);
        refuse(dest, (enum reason)i, 1000 + (uint64_t)i);
        snprintf(line, sizeof line, "\n    %s: %s %d (%s)\n", labels[group],
                 reason_name((enum reason)i), 1000 + i, reason_explanation((enum reason)i));
        ck_assert_msg(strstr(report(), line) != NULL, "no%s", line);
    }
    ck_assert_int_eq(reason_group(REASON_NONE), REASON_GROUP_NONE);
    ck_assert_int_eq(reason_group(REASON_INERT), REASON_GROUP_NOT_PARKED);
    ck_assert_int_eq(reason_group(REASON_EXPIRED), REASON_GROUP_ENDED_IDLE);
    ck_assert_int_eq(reason_group(REASON_NONE_IDLE), REASON_GROUP_NOT_REUSED);
}
END_TEST

START_TEST(a_report_longer_than_a_block_is_whole)
{
    enum { DESTS = 1000 };
    size_t lines = 0;
    for (uint16_t port = 1; port <= DESTS; port++) {
        struct dest *dest = see("fd00::2", port, RULE_AUTO);
        dest->opened = port;
        refuse(dest, REASON_UNKNOWN_PROTOCOL, port);
    }
    report();
    for (const char *c = captured; *c != '\0'; c++)
        lines += *c == '\n';
    ck_assert_uint_eq(lines, 1 + 3 * DESTS);
    for (int port = 1; port <= DESTS; port++) {
        char expected[512];
        snprintf(expected, sizeof expected,
                 "\n[fd00::2]:%d (auto): opened %d, reused 0, parked 0\n"
                 "    not parked: unknown-protocol %d (no witness recognised the protocol)\n"
                 "    hint: if its client always reads the whole reply, "
                 "TWPOOL_RULES='[fd00::2]:%d=raw' would reuse it\n",
                 port, port, port, port);
        ck_assert_ptr_nonnull(strstr(captured, expected));
    }
}
END_TEST

static const char *hint(void)
{
    char *start = strstr(report(), "    hint: "), *end;
    if (start == NULL)
        return "";
    end = strchr(start, '\n');
    ck_assert_ptr_nonnull(end);
    ck_assert_ptr_null(strstr(end, "hint: "));
    *end = '\0';
    return start + strlen("    hint: ");
}

START_TEST(raw_is_proposed_where_every_connection_met_its_conditions)
{
    struct dest *dest = see("10.0.0.2", 7, RULE_AUTO);
    refuse(dest, REASON_UNKNOWN_PROTOCOL, 5);
    ck_assert_str_eq(hint(), "if its client always reads the whole reply, "
                             "TWPOOL_RULES='10.0.0.2:7=raw' would reuse it");
}
END_TEST

START_TEST(raw_is_not_proposed_where_one_connection_did_not_meet_its_conditions)
{
    struct dest *dest = see("10.0.0.2", 7, RULE_AUTO);
    refuse(dest, REASON_UNKNOWN_PROTOCOL, 5000);
    dest->raw_unfit = 1;
    ck_assert_str_eq(hint(), "");
}
END_TEST

static const struct {
    uint32_t fitted;
    const char *said;
} fitting[] = {
    {1 << 0, "if each line is answered by exactly one, and leaves no state, "
             "TWPOOL_RULES='10.0.0.2:7=lines' would reuse it"},
    {1 << 1, "if each message is answered by exactly one, and leaves no state, "
             "TWPOOL_RULES='10.0.0.2:7=frame(0,4,be,0)' would reuse it"},
    {1 << 8 | FITS_RAW, "if each message is answered by exactly one, and leaves no state, "
                        "TWPOOL_RULES='10.0.0.2:7=frame(0,2,le,-2)' would reuse it"},
    {1 << 0 | 1 << 1, "if each line is answered by exactly one, and leaves no state, "
                      "TWPOOL_RULES='10.0.0.2:7=lines' would reuse it"},
    {1 << 2 | 1 << 5, "if each message is answered by exactly one, and leaves no state, "
                      "TWPOOL_RULES='10.0.0.2:7=frame(0,4,be,-4)' would reuse it"},
    {FITS_RAW, "if its client always reads the whole reply, "
               "TWPOOL_RULES='10.0.0.2:7=raw' would reuse it"},
};

START_TEST(the_rule_that_every_connection_has_fitted_is_proposed_before_raw)
{
    struct dest *dest = see("10.0.0.2", 7, RULE_AUTO);
    refuse(dest, REASON_UNKNOWN_PROTOCOL, 5);
    dest->fitted = fitting[_i / 2].fitted;
    dest->raw_unfit = _i % 2;
    bool is_silent = dest->fitted == FITS_RAW && dest->raw_unfit > 0;
    ck_assert_str_eq(hint(), is_silent ? "" : fitting[_i / 2].said);
}
END_TEST

START_TEST(no_frame_is_proposed_where_a_connection_was_understood)
{
    struct dest *dest = see("10.0.0.2", 7, RULE_AUTO);
    refuse(dest, REASON_UNKNOWN_PROTOCOL, 5);
    dest->fitted = 1 << 1;
    dest->raw_unfit = 1;
    dest->parked = 1;
    ck_assert_str_eq(hint(), "");
}
END_TEST

START_TEST(at_the_port_of_redis_its_own_rule_is_proposed_and_asks_for_no_conditions)
{
    struct dest *dest = see("10.0.0.2", 6379, RULE_AUTO);
    refuse(dest, REASON_UNKNOWN_PROTOCOL, 5);
    dest->raw_unfit = 1;
    ck_assert_str_eq(hint(), "if it is Redis, with inline commands, "
                             "TWPOOL_RULES='10.0.0.2:6379=redis' would reuse it");
}
END_TEST

START_TEST(under_its_own_rule_nothing_more_is_proposed)
{
    struct dest *dest = see("10.0.0.2", 6379, RULE_REDIS);
    refuse(dest, REASON_STATE, 5);
    refuse(dest, REASON_MALFORMED, 5);
    ck_assert_str_eq(hint(), "");
}
END_TEST

START_TEST(raw_is_not_proposed_where_every_connection_was_understood)
{
    struct dest *dest = see("10.0.0.2", 7, RULE_AUTO);
    refuse(dest, REASON_ANNOUNCED_CLOSE, 5);
    refuse(dest, REASON_NONE_IDLE, 5);
    ck_assert_str_eq(hint(), "");
}
END_TEST

START_TEST(raw_is_not_proposed_where_state_was_left_on_a_connection)
{
    struct dest *dest = see("10.0.0.2", 7, RULE_AUTO);
    refuse(dest, REASON_UNKNOWN_PROTOCOL, 5);
    refuse(dest, REASON_STATE, 1);
    ck_assert_str_eq(hint(), "");
}
END_TEST

static const enum reason never_reused[] = {REASON_TLS,   REASON_SERVER_FIRST, REASON_HTTP2,
                                           REASON_MYSQL, REASON_POSTGRESQL,   REASON_UPGRADE,
                                           REASON_AUTH,  REASON_TUNNEL};

START_TEST(what_is_never_reused_is_said_to_be_and_raw_not_proposed)
{
    struct dest *dest = see("10.0.0.2", 443, RULE_AUTO);
    char expected[128];
    refuse(dest, REASON_UNKNOWN_PROTOCOL, 5);
    refuse(dest, never_reused[_i], 1);
    snprintf(expected, sizeof expected, "%s connections are never reused, whatever the rule",
             reason_name(never_reused[_i]));
    ck_assert_str_eq(hint(), expected);
}
END_TEST

static const struct {
    enum reason reason;
    const char *said;
} recognised[] = {
    {REASON_SMTP_FTP, "smtp-ftp connections are never reused, whatever the rule"},
    {REASON_POP3, "pop3 connections are never reused, whatever the rule"},
    {REASON_IMAP, "imap connections are never reused, whatever the rule"},
    {REASON_SOCKS, "socks connections are never reused, whatever the rule"},
    {REASON_SSH, "ssh connections are sessions: never reused, and no rule is proposed"},
    {REASON_MONGODB, "mongodb connections are sessions: never reused, and no rule is proposed"},
    {REASON_AMQP, "amqp connections are sessions: never reused, and no rule is proposed"},
    {REASON_MQTT, "mqtt connections are sessions: never reused, and no rule is proposed"},
    {REASON_KAFKA, "kafka connections are sessions: never reused, and no rule is proposed"},
    {REASON_LDAP, "ldap connections are sessions: never reused, and no rule is proposed"},
    {REASON_NATS, "nats connections are sessions: never reused, and no rule is proposed"},
    {REASON_STOMP, "stomp connections are sessions: never reused, and no rule is proposed"},
};

START_TEST(what_is_recognised_is_said_not_to_be_reused_and_nothing_is_proposed)
{
    struct dest *dest = see("10.0.0.2", 7, RULE_AUTO);
    refuse(dest, REASON_UNKNOWN_PROTOCOL, 5);
    refuse(dest, recognised[_i].reason, 1);
    ck_assert_str_eq(hint(), recognised[_i].said);
}
END_TEST

START_TEST(a_rule_that_forbids_reuse_is_named)
{
    refuse(see("10.0.0.2", 80, RULE_OFF), REASON_RULE_OFF, 1);
    ck_assert_str_eq(hint(), "the rule off forbids it; TWPOOL_RULES='10.0.0.2:80=auto', placed "
                             "first, would reuse it if its protocol is known");
}
END_TEST

START_TEST(the_rule_clean_is_named_likewise)
{
    refuse(see("fd00::2", 80, RULE_CLEAN), REASON_RULE_CLEAN, 1);
    ck_assert_str_eq(hint(), "the rule clean forbids it; TWPOOL_RULES='[fd00::2]:80=auto', placed "
                             "first, would reuse it if its protocol is known");
}
END_TEST

static void ignore_complaint(void *context, const char *line)
{
    (void)line;
    ++*(int *)context;
}

/* Raw; or with every frame that is looked for, and lines. */
START_TEST(a_proposed_rule_is_one_that_the_settings_accept)
{
    const char *addresses[] = {"10.0.0.2", "fd00::2", "::ffff:10.0.0.2", "fe80::2"};
    struct dest *dest = see(addresses[_i / 10], 7, RULE_AUTO);
    char entry[128], *rule, *end, *environment[] = {entry, NULL};
    static struct config understood;
    int complaints = 0;

    refuse(dest, REASON_UNKNOWN_PROTOCOL, 5);
    dest->fitted = _i % 10 == 9 ? 0 : 1u << _i % 10;
    hint();
    rule = strstr(captured, "TWPOOL_RULES='");
    ck_assert_ptr_nonnull(rule);
    rule += strlen("TWPOOL_RULES='");
    end = strchr(rule, '\'');
    snprintf(entry, sizeof entry, "TWPOOL_RULES=%.*s", (int)(end - rule), rule);
    config_read(&understood, environment, 1024, ignore_complaint, &complaints);
    ck_assert_msg(complaints == 0, "%s", entry);
    struct rule_choice proposed = config_rule(&understood, &dest->key);
    struct rule_choice fitted = fit_rule(dest->fitted);
    ck_assert_int_eq(proposed.rule, dest->fitted == 0 ? RULE_RAW : fitted.rule);
    ck_assert_mem_eq(&proposed.frame, &fitted.frame, sizeof fitted.frame);
}
END_TEST

static const char *hint_line(const struct dest *dest)
{
    static char line[400];
    struct text text;
    text_init(&text, line, sizeof line);
    hint_no_port(&text, dest);
    ck_assert_uint_lt(strlen(line), sizeof line - 1);
    return line;
}

START_TEST(the_hint_line_names_the_destination_the_reason_and_the_rule)
{
    struct dest *dest = see("10.0.0.2", 7, RULE_AUTO);
    dest->opened = 6;
    refuse(dest, REASON_UNKNOWN_PROTOCOL, 5);
    ck_assert_str_eq(hint_line(dest),
                     "no free local port for 10.0.0.2:7: its last connection was not pooled: "
                     "unknown-protocol (no witness recognised the protocol); if its client always "
                     "reads the whole reply, TWPOOL_RULES='10.0.0.2:7=raw' would reuse it");
    dest->raw_unfit = 1;
    ck_assert_str_eq(hint_line(dest),
                     "no free local port for 10.0.0.2:7: its last connection was not pooled: "
                     "unknown-protocol (no witness recognised the protocol); "
                     "no rule would change that");
}
END_TEST

START_TEST(the_hint_line_names_a_rule_that_forbids_reuse_counted_or_not)
{
    ck_assert_ptr_nonnull(strstr(hint_line(see("10.0.0.2", 7, RULE_OFF)),
                                 "rule-off (a rule says off); the rule off forbids it; "));
    ck_assert_ptr_nonnull(strstr(hint_line(see("10.0.0.3", 7, RULE_CLEAN)),
                                 "rule-clean (a rule says clean); the rule clean forbids it; "));
}
END_TEST

START_TEST(the_hint_line_does_not_blame_the_pool_for_what_it_did_not_refuse)
{
    struct dest *dest = see("10.0.0.2", 7, RULE_AUTO);
    dest->opened = 1;
    ck_assert_str_eq(hint_line(dest),
                     "no free local port for 10.0.0.2:7: none of its connections was refused by "
                     "the pool");
    ck_assert(!hint_no_port_is_ours(dest));
}
END_TEST

START_TEST(an_address_that_was_never_reached_may_lack_more_than_a_port)
{
    struct dest *dest = see("fd00::2", 7, RULE_CLEAN); /* as with IPv6 switched off */
    ck_assert_ptr_eq(strstr(hint_line(dest), "no free local address or port for [fd00::2]:7: "),
                     hint_line(dest));
    ck_assert(!hint_no_port_is_ours(dest));
    dest->opened = 1;
    ck_assert(hint_no_port_is_ours(dest));
}
END_TEST

START_TEST(the_longest_hint_line_fits)
{
    struct dest *dest = see("fe80:1111:2222:3333:4444:5555:6666:7777", 65535, RULE_AUTO);
    dest->key.scope_id = UINT32_MAX;
    for (int i = REASON_NONE + 1; i < REASON_COUNT; i++) {
        atomic_store(&dest->last_refusal, (uint32_t)i);
        dest->fitted = 0;
        hint_line(dest);
        dest->fitted = 1 << 2;
        hint_line(dest);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("stats");
    TCase *said = tcase_create("what it says");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(said, set_up, tear_down);
    tcase_add_test(said, the_report_says_for_each_destination_what_became_of_its_connections);
    tcase_add_test(said, every_reason_stands_in_one_of_the_three_groups);
    tcase_add_test(said, a_report_longer_than_a_block_is_whole);
    tcase_add_test(said, raw_is_proposed_where_every_connection_met_its_conditions);
    tcase_add_test(said, raw_is_not_proposed_where_one_connection_did_not_meet_its_conditions);
    tcase_add_loop_test(said, the_rule_that_every_connection_has_fitted_is_proposed_before_raw, 0,
                        2 * sizeof fitting / sizeof fitting[0]);
    tcase_add_test(said, no_frame_is_proposed_where_a_connection_was_understood);
    tcase_add_test(said, at_the_port_of_redis_its_own_rule_is_proposed_and_asks_for_no_conditions);
    tcase_add_test(said, under_its_own_rule_nothing_more_is_proposed);
    tcase_add_test(said, raw_is_not_proposed_where_every_connection_was_understood);
    tcase_add_test(said, raw_is_not_proposed_where_state_was_left_on_a_connection);
    tcase_add_loop_test(said, what_is_never_reused_is_said_to_be_and_raw_not_proposed, 0,
                        sizeof never_reused / sizeof never_reused[0]);
    tcase_add_loop_test(said, what_is_recognised_is_said_not_to_be_reused_and_nothing_is_proposed,
                        0, sizeof recognised / sizeof recognised[0]);
    tcase_add_test(said, a_rule_that_forbids_reuse_is_named);
    tcase_add_test(said, the_rule_clean_is_named_likewise);
    tcase_add_loop_test(said, a_proposed_rule_is_one_that_the_settings_accept, 0, 40);
    tcase_add_test(said, the_hint_line_names_the_destination_the_reason_and_the_rule);
    tcase_add_test(said, the_hint_line_names_a_rule_that_forbids_reuse_counted_or_not);
    tcase_add_test(said, the_hint_line_does_not_blame_the_pool_for_what_it_did_not_refuse);
    tcase_add_test(said, an_address_that_was_never_reached_may_lack_more_than_a_port);
    tcase_add_test(said, the_longest_hint_line_fits);
    suite_add_tcase(suite, said);

    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
