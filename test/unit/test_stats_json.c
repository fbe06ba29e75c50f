/* SPDX-License-Identifier: MIT
 * The report in JSON, as another reader of JSON understands it: python3's. */
#include "../../shim/json.h"
#include "../../shim/report.h"
#include "report.h"

#include <sys/resource.h>

static char script_path[96];

static void set_up_json(void)
{
    set_up();
    snprintf(config.stats, sizeof config.stats, "%s/report.json", directory);
    snprintf(script_path, sizeof script_path, "%s/script.py", directory);
}

/* The standard output of a python script that finds the report in `reports`: a list, of a line
 * each. */
static const char *python(const char *script)
{
    static char output[1 << 16];
    char command[256];
    FILE *file = fopen(script_path, "w");
    ck_assert_ptr_nonnull(file);
    fprintf(file,
            "import json\n"
            "def refuse(pairs):\n"
            "    assert len(dict(pairs)) == len(pairs), pairs\n"
            "    return dict(pairs)\n"
            "text = open('%s', encoding='utf-8', newline='').read()\n"
            "assert text.endswith('\\n')\n"
            "reports = [json.loads(line, object_pairs_hook=refuse)\n"
            "           for line in text[:-1].split('\\n')]\n"
            "%s\n",
            config.stats, script);
    fclose(file);
    snprintf(command, sizeof command, "python3 %s 2>&1", script_path);
    FILE *pipe = popen(command, "r");
    ck_assert_ptr_nonnull(pipe);
    size_t len = fread(output, 1, sizeof output - 1, pipe);
    output[len] = '\0';
    ck_assert_msg(pclose(pipe) == 0, "%s", output);
    return output;
}

START_TEST(the_report_is_one_object_on_one_line)
{
    struct dest *dest = see("10.0.0.2", 80, RULE_AUTO);
    config.max_idle = 1024;
    config.max_idle_per_dest = 256;
    config.idle_timeout_ms = 2000;
    config.max_age_ms = 60000;
    config.defer_ms = 1000;
    config.drain_max = 65536;
    dest->opened = 12;
    dest->failed = 1;
    dest->reused = 9988;
    dest->parked = 9999;
    dest->deferred = 3;
    refuse(dest, REASON_NONE_IDLE, 13);
    refuse(dest, REASON_EXPIRED, 2);
    refuse(dest, REASON_ANNOUNCED_CLOSE, 1);
    refuse(dest, REASON_UNKNOWN_PROTOCOL, 4);
    report();
    ck_assert_str_eq(
        python("r, = reports\n"
               "print(r.pop('program')[-15:])\n"
               "print(len(r.pop('twpool').split('.')))\n"
               "print(json.dumps(r))"),
        "test_stats_json\n3\n"
        "{\"pid\": 1234, \"settings\": {\"close\": \"clean\", \"max_idle\": 1024, "
        "\"max_idle_per_dest\": 256, \"idle_timeout_ms\": 2000, \"max_age_ms\": 60000, "
        "\"defer_ms\": 1000, \"drain_bytes\": 65536}, "
        "\"destinations\": [{\"address\": \"10.0.0.2\", \"port\": 80, \"family\": \"inet\", "
        "\"rule\": \"auto\", \"opened\": 12, \"failed\": 1, \"reused\": 9988, \"parked\": 9999, "
        "\"deferred\": 3, \"idle\": 0, "
        "\"not_parked\": {\"unknown-protocol\": 4, \"announced-close\": 1}, "
        "\"ended_idle\": {\"expired\": 2}, \"not_reused\": {\"none-idle\": 13}, "
        "\"hints\": [\"if its client always reads the whole reply, "
        "TWPOOL_RULES='10.0.0.2:80=raw' would reuse it\"]}]}\n");
}
END_TEST

START_TEST(a_rule_is_shown_with_its_parameters)
{
    struct dest *dest = see("10.0.0.2", 80, RULE_FRAME);
    dest->frame = (struct frame){.offset = 2, .width = 4, .adjust = -6, .little_endian = true};
    report();
    ck_assert_str_eq(python("print(reports[0]['destinations'][0]['rule'])"), "frame(2,4,le,-6)\n");
}
END_TEST

START_TEST(being_switched_off_is_a_member)
{
    stats_write(NULL, &config, PID, "the kernel has no \"SO_COOKIE\"");
    ck_assert_str_eq(python("print(reports[0]['switched_off'], reports[0]['destinations'])"),
                     "the kernel has no \"SO_COOKIE\" []\n");
}
END_TEST

START_TEST(what_sets_a_destination_apart_is_said)
{
    struct dest *dest = see("fe80::2", 80, RULE_RAW);
    struct sockaddr_in6 local;
    inet_pton(AF_INET6, "fd00::7", &local.sin6_addr);
    memcpy(dest->key.local_address, &local.sin6_addr, 16);
    dest->key.net_namespace = 4026531840;
    dest->key.mark = UINT32_MAX;
    dest->key.receive_buffer = 4096;
    dest->key.send_buffer = 8192;
    dest->key.v6only = 1;
    memcpy(dest->key.device, "\"\xff\\ 0123456789abcd", 16); /* not terminated */
    strcpy(dest->key.congestion, "cubic");
    see("::ffff:10.0.0.2", 81, RULE_OFF);
    report();
    ck_assert_str_eq(
        python("for d in sorted(reports[0]['destinations'], key=lambda d: d['port']):\n"
               "    print(d['family'], d['rule'], *(ascii((k, v)) for k, v in d.items()\n"
               "          if k in 'address port local_address scope net_namespace mark device '\n"
               "          'congestion receive_buffer send_buffer v6only'.split()))"),
        "inet6 raw ('address', 'fe80::2') ('port', 80) ('local_address', 'fd00::7') "
        "('scope', 3) ('net_namespace', 4026531840) ('mark', 4294967295) "
        "('receive_buffer', 4096) ('send_buffer', 8192) ('v6only', 1) "
        "('device', '\"\\ufffd\\\\ 0123456789ab') ('congestion', 'cubic')\n"
        "inet6 off ('address', '::ffff:10.0.0.2') ('port', 81)\n");
}
END_TEST

START_TEST(every_reason_has_a_name_of_its_own_in_its_group)
{
    char expected[32];
    struct dest *dest = see("10.0.0.2", 80, RULE_AUTO);
    for (int i = REASON_NONE + 1; i < REASON_COUNT; i++)
        refuse(dest, (enum reason)i, 1);
    report();
    snprintf(expected, sizeof expected, "%d\n", REASON_COUNT - 1);
    ck_assert_str_eq(python("d, = reports[0]['destinations']\n"
                            "groups = d['not_parked'], d['ended_idle'], d['not_reused']\n"
                            "print(len(set().union(*groups)))\n"
                            "assert all(groups)"),
                     expected);
}
END_TEST

static void see_many(uint16_t count)
{
    for (uint16_t port = 1; port <= count; port++) {
        struct dest *dest = see("fd00::2", port, RULE_AUTO);
        dest->opened = port;
        refuse(dest, REASON_UNKNOWN_PROTOCOL, port);
    }
}

START_TEST(a_long_report_is_whole)
{
    see_many(3000);
    report();
    ck_assert_str_eq(python("ports = {d['port']: d['opened'] for d in reports[0]['destinations']}\n"
                            "print(len(reports), ports == {n: n for n in range(1, 3001)})"),
                     "1 True\n");
}
END_TEST

/* A socket that keeps what was written apart. */
START_TEST(a_line_is_one_write)
{
    const struct report line = {.pool = &pool, .config = &config, .pid = PID};
    int ends[2];
    see_many(300);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
    ck_assert_int_eq(report_as_json(&line, ends[1]), 0);
    ssize_t len = recv(ends[0], captured, sizeof captured, MSG_DONTWAIT);
    ck_assert_int_gt(len, 65536); /* more than a pipe holds */
    ck_assert_int_eq(captured[len - 1], '\n');
    ck_assert_ptr_eq(memchr(captured, '\n', (size_t)len), &captured[len - 1]);
    ck_assert_int_eq(recv(ends[0], captured, 1, MSG_DONTWAIT), -1);
}
END_TEST

START_TEST(reports_of_several_processes_are_lines_of_one_file)
{
    see("10.0.0.2", 80, RULE_AUTO);
    report();
    stats_write(&pool, &config, PID + 1, NULL);
    ck_assert_str_eq(python("print([r['pid'] for r in reports])"), "[1234, 1235]\n");
}
END_TEST

START_TEST(a_report_without_memory_costs_one_line_and_tears_nothing)
{
    char errors[96];
    struct rlimit limit = {0, RLIM_INFINITY};
    snprintf(errors, sizeof errors, "%s/stderr", directory);
    int fd = open(errors, O_RDWR | O_CREAT | O_APPEND, 0600);
    for (uint16_t port = 1; port < 100; port++)
        see("10.0.0.2", port, RULE_AUTO);
    ck_assert_int_eq(dup2(fd, STDERR_FILENO), STDERR_FILENO);
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &limit), 0);
    stats_write(&pool, &config, PID, NULL);
    limit.rlim_cur = RLIM_INFINITY;
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &limit), 0);
    ck_assert_ptr_nonnull(strstr(contents(errors), "report.json\": no memory\n"));
    ck_assert_str_eq(contents(config.stats), "");
}
END_TEST

START_TEST(a_name_that_only_looks_like_it_is_text)
{
    const char *names[] = {"json", "report.json.txt", "report.JSON", "reportjson"};
    see("10.0.0.2", 80, RULE_AUTO);
    snprintf(config.stats, sizeof config.stats, "%s/%s", directory, names[_i]);
    ck_assert_ptr_nonnull(strstr(report(), "twpool: statistics of process 1234\n"));
}
END_TEST

/* A small generator of our own: the same strings on every machine. */
static uint32_t next_random(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*seed >> 33);
}

/* Bytes that begin, continue or break UTF-8, and those that JSON escapes, oftener than by chance.
 */
static size_t random_bytes(unsigned char *bytes, size_t size, uint64_t *seed)
{
    static const unsigned char likely[] = {0x00, 0x1f, '"',  '\\', 0x7f, 0x80, 0x8f, 0x90, 0x9f,
                                           0xa0, 0xbf, 0xc1, 0xc2, 0xdf, 0xe0, 0xe2, 0xed, 0xef,
                                           0xf0, 0xf3, 0xf4, 0xf5, 0xff, '/',  'a',  '\n'};
    size_t len = next_random(seed) % size;
    for (size_t i = 0; i < len; i++)
        bytes[i] = next_random(seed) % 4 == 0 ? (unsigned char)next_random(seed)
                                              : likely[next_random(seed) % sizeof likely];
    return len;
}

/* Each line: the bytes in hexadecimal, a blank, and the string that we made of them. */
static void write_strings(unsigned count)
{
    uint64_t seed = 20240601;
    FILE *file = fopen(config.stats, "w");
    ck_assert_ptr_nonnull(file);
    for (unsigned i = 0; i < count; i++) {
        unsigned char bytes[12];
        char buf[128];
        struct text text;
        size_t len = i == 0 ? 0 : random_bytes(bytes, sizeof bytes, &seed);
        for (size_t at = 0; at < len; at++)
            fprintf(file, "%02x", bytes[at]);
        text_init(&text, buf, sizeof buf);
        json_add_bytes(&text, (const char *)bytes, len);
        fprintf(file, " %s\n", buf);
    }
    fclose(file);
}

START_TEST(any_bytes_make_a_valid_string_that_keeps_what_is_text)
{
    char output[64] = "", command[256];
    write_strings(50000);
    FILE *file = fopen(script_path, "w");
    fprintf(file,
            "import json\n"
            "lines = open('%s', 'rb').read().split(b'\\n')[:-1]\n"
            "for line in lines:\n"
            "    data, string = line.split(b' ', 1)\n"
            "    data = bytes.fromhex(data.decode())\n"
            "    meant = data.decode('utf-8', 'surrogateescape')\n"
            "    meant = ''.join('\\ufffd' if 0xdc80 <= ord(c) <= 0xdcff else c for c in meant)\n"
            "    assert json.loads(string.decode('utf-8')) == meant, (data, string)\n"
            "    assert all(byte >= 32 and byte != 127 for byte in string), string\n"
            "print(len(lines))\n",
            config.stats);
    fclose(file);
    snprintf(command, sizeof command, "python3 %s 2>&1", script_path);
    FILE *pipe = popen(command, "r");
    ck_assert_ptr_nonnull(fgets(output, sizeof output, pipe));
    ck_assert_msg(pclose(pipe) == 0, "%s", output);
    ck_assert_str_eq(output, "50000\n");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("stats_json");
    TCase *json = tcase_create("json");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(json, set_up_json, tear_down);
    tcase_set_timeout(json, 60); /* seconds: python3, on a busy machine */
    tcase_add_test(json, the_report_is_one_object_on_one_line);
    tcase_add_test(json, a_rule_is_shown_with_its_parameters);
    tcase_add_test(json, being_switched_off_is_a_member);
    tcase_add_test(json, what_sets_a_destination_apart_is_said);
    tcase_add_test(json, every_reason_has_a_name_of_its_own_in_its_group);
    tcase_add_test(json, a_long_report_is_whole);
    tcase_add_test(json, a_line_is_one_write);
    tcase_add_test(json, reports_of_several_processes_are_lines_of_one_file);
    tcase_add_test(json, a_report_without_memory_costs_one_line_and_tears_nothing);
    tcase_add_loop_test(json, a_name_that_only_looks_like_it_is_text, 0, 4);
    tcase_add_test(json, any_bytes_make_a_valid_string_that_keeps_what_is_text);
    suite_add_tcase(suite, json);

    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
