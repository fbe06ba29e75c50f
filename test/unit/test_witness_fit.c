/* SPDX-License-Identifier: MIT
 * Which rule would have fitted a connection of an unknown protocol. */
#include "../../shim/config.h"
#include "witnesses.h"

#define TEXT(text) text, sizeof(text) - 1

/* What is sent, what is received, and the rule that is proposed for it. */
static const struct exchange {
    const char *request;
    size_t request_len;
    const char *reply;
    size_t reply_len;
    const char *rule;
} exchanges[] = {
    {TEXT("hello\n"), TEXT("world\n"), "lines"},
    {TEXT("a\nb\n"), TEXT("1\n2\n"), "lines"},
    {TEXT("get a\n"), TEXT("Error\n"), "lines"}, /* until its answer it was memcached's */
    {TEXT("GE"), TEXT("x\n"), "auto"},
    {TEXT("hello\n"), TEXT("one\ntwo\n"), "auto"},
    {TEXT("hello\n"), TEXT("half"), "auto"},
    {TEXT("hello\nhal"), TEXT("world\n"), "auto"},
    {TEXT("a\nb\n"), TEXT("1\n"), "auto"},
    {TEXT("hello"), TEXT("world"), "auto"},
    {TEXT("\0\0\0\2ab"), TEXT("\0\0\0\1x"), "frame(0,4,be,0)"},
    {TEXT("\0\0\0\6ab"), TEXT("\0\0\0\5x"), "frame(0,4,be,-4)"},
    {TEXT("\0\0\0\2ab"), TEXT("\0\0\0\1"), "auto"},
    {TEXT("\0\0\0\2a"), TEXT("\0\0\0\1x"), "auto"},
    {TEXT("\2\0\0\0ab"), TEXT("\1\0\0\0x"), "frame(0,4,le,0)"},
    {TEXT("\6\0\0\0ab"), TEXT("\5\0\0\0x"), "frame(0,4,le,-4)"},
    {TEXT("\0\2ab"), TEXT("\0\1x"), "frame(0,2,be,0)"},
    {TEXT("\0\4ab"), TEXT("\0\3x"), "frame(0,2,be,-2)"},
    {TEXT("\2\0ab"), TEXT("\1\0x"), "frame(0,2,le,0)"},
    {TEXT("\4\0ab"), TEXT("\3\0x"), "frame(0,2,le,-2)"},
    /* Of several that fit the first: lines, then 4 bytes, big-endian, what follows. */
    {TEXT("\0\0\0\1\n"), TEXT("\0\0\0\1\n"), "lines"},
    {TEXT("\0\0\0\0"), TEXT("\0\0\0\0"), "frame(0,4,be,0)"},
    /* Of known protocols, and of what never is one, nothing is said. */
    {TEXT("GET / HTTP/1.0\r\n"), TEXT(""), "auto"},
    {TEXT("*1\r\n$4\r\nPING\r\n"), TEXT("+PONG\r\n"), "auto"},
    {TEXT("get a\r\n"), TEXT("END\r\n"), "auto"},
    {TEXT("STOMP\n"), TEXT("CONNECTED\n"), "auto"},
    {TEXT("\x16\n"), TEXT("\x16\n"), "auto"},
    {TEXT(""), TEXT("hello\n"), "auto"},
    {TEXT(""), TEXT(""), "auto"},
};
enum { EXCHANGES = sizeof exchanges / sizeof *exchanges };

static struct witness taken(const struct exchange *exchange, size_t request_cut, size_t reply_cut)
{
    struct witness witness = opened(RULE_AUTO);
    feed(&witness, true, exchange->request, exchange->request_len, request_cut);
    feed(&witness, false, exchange->reply, exchange->reply_len, reply_cut);
    return witness;
}

static const char *proposed(const struct witness *witness)
{
    static char shown[RULE_TEXT_SIZE];
    struct text text;
    text_init(&text, shown, sizeof shown);
    rule_format(fit_rule(witness_fits(witness)), &text);
    return shown;
}

START_TEST(the_rule_that_fits_is_found_wherever_the_bytes_are_split)
{
    const struct exchange *exchange = &exchanges[_i];
    struct witness whole = taken(exchange, WHOLE, WHOLE), bytes = taken(exchange, BYTES, BYTES);
    ck_assert_str_eq(proposed(&whole), exchange->rule);
    ck_assert_str_eq(proposed(&bytes), exchange->rule);
    for (size_t cut = 1; cut < exchange->request_len; cut++) {
        struct witness witness = taken(exchange, cut, WHOLE);
        ck_assert_uint_eq(witness_fits(&witness), witness_fits(&whole));
    }
    for (size_t cut = 1; cut < exchange->reply_len; cut++) {
        struct witness witness = taken(exchange, WHOLE, cut);
        ck_assert_uint_eq(witness_fits(&witness), witness_fits(&whole));
    }
}
END_TEST

START_TEST(a_rule_that_was_broken_once_never_fits_again)
{
    struct witness witness = opened(RULE_AUTO);
    sent(&witness, "hello\n");
    received(&witness, "world\n");
    ck_assert_str_eq(proposed(&witness), "lines");
    received(&witness, "more\n");
    ck_assert_str_eq(proposed(&witness), "auto");
    sent(&witness, "hello\n");
    received(&witness, "world\n");
    ck_assert_str_eq(proposed(&witness), "auto");
}
END_TEST

/* What is proposed for a conversation parks it, when it is named. */
START_TEST(under_the_rule_that_is_proposed_the_same_bytes_are_idle)
{
    const struct exchange *exchange = &exchanges[_i];
    struct witness seen = taken(exchange, WHOLE, WHOLE), witness;
    struct rule_choice choice = fit_rule(witness_fits(&seen));
    if (choice.rule == RULE_AUTO)
        return;
    witness_open(&witness, choice);
    feed(&witness, true, exchange->request, exchange->request_len, WHOLE);
    feed(&witness, false, exchange->reply, exchange->reply_len, WHOLE);
    assert_is(&witness, WITNESS_IDLE, REASON_NONE);
}
END_TEST

START_TEST(under_a_users_own_rule_nothing_is_looked_for)
{
    static const enum rule rules[] = {RULE_OFF, RULE_CLEAN, RULE_HTTP, RULE_RAW, RULE_LINES};
    for (int i = 0; i < 5; i++) {
        struct witness witness = opened(rules[i]);
        sent(&witness, "hello\n");
        received(&witness, "world\n");
        ck_assert_uint_eq(witness_fits(&witness), FITS_NONE);
        ck_assert(!witness.fitting);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("witness_fit");
    TCase *tests = tcase_create("fit");
    SRunner *runner = srunner_create(suite);

    tcase_add_loop_test(tests, the_rule_that_fits_is_found_wherever_the_bytes_are_split, 0,
                        EXCHANGES);
    tcase_add_loop_test(tests, under_the_rule_that_is_proposed_the_same_bytes_are_idle, 0,
                        EXCHANGES);
    tcase_add_test(tests, a_rule_that_was_broken_once_never_fits_again);
    tcase_add_test(tests, under_a_users_own_rule_nothing_is_looked_for);
    suite_add_tcase(suite, tests);

    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
