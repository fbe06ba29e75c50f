/* SPDX-License-Identifier: MIT
 * memcached, both protocols: not reused yet; the commands are followed, to recognise quit. */
#include "witness.h"

#include <string.h>

enum { DATA_MAX = 1 << 30 }; /* the largest item that memcached -I allows */
enum { DATA_END_LEN = 2 };   /* CR LF, after the data of a text command */
enum { KEY_MAX = 250 };
enum { REQUEST_MAGIC = 0x80, RESPONSE_MAGIC = 0x81 };
enum { QUIT = 0x07, QUIT_QUIETLY = 0x17 };

/* Where the parts of a binary header are. */
enum { OPCODE = 1, KEY_LEN = 2, EXTRAS_LEN = 4, DATA_TYPE = 5, BODY_LEN = 8, BODY_LEN_END = 12 };
enum { HEADER_LEN = 24 };

/* What a text session begins with, and which word of the line is the length of the data that
 * follows it (0: none does). */
static const struct {
    const char *name;
    uint8_t length_at;
} commands[] = {{"get", 0},   {"gets", 0},    {"gat", 0},       {"gats", 0},      {"set", 4},
                {"add", 4},   {"replace", 4}, {"append", 4},    {"prepend", 4},   {"cas", 4},
                {"mg", 0},    {"ms", 2},      {"md", 0},        {"ma", 0},        {"me", 0},
                {"mn", 0},    {"incr", 0},    {"decr", 0},      {"delete", 0},    {"touch", 0},
                {"stats", 0}, {"version", 0}, {"verbosity", 0}, {"flush_all", 0}, {"quit", 0}};
enum { COMMANDS = sizeof commands / sizeof *commands };

/* How the answers to those commands begin; or with a digit. Not OK: flush_all and verbosity alone
 * are answered so, and so is much else. */
static const char answers[][2] = {"CL", "DE", "EN", "ER", "EX", "HD", "ME", "MN", "NF",
                                  "NO", "NS", "RE", "SE", "ST", "TO", "VA", "VE"};
enum { ANSWERS = sizeof answers / sizeof *answers };

static enum recognition recognise_answer(const struct memcached_witness *memcached);
static size_t take_binary(struct witness *witness, const char *buf, size_t len);
static size_t take_text(struct witness *witness, const char *buf, size_t len);
static void take_line_byte(struct witness *witness, char byte);
static void end_word(struct memcached_line *line);
static void end_line(struct witness *witness);
static void say_goodbye(struct witness *witness);

static uint32_t body_len(const char *head)
{
    uint32_t len = 0;
    for (int i = BODY_LEN; i < BODY_LEN_END; i++) {
        len = len << 8 | (uint8_t)head[i];
    }
    return len;
}

static bool quits(const char *head)
{
    return head[OPCODE] == QUIT || head[OPCODE] == QUIT_QUIETLY;
}

/* What is said up to BODY_LEN_END. */
static bool is_request(const char *head)
{
    uint32_t key_len = (uint32_t)(uint8_t)head[KEY_LEN] << 8 | (uint8_t)head[KEY_LEN + 1];
    uint32_t body = body_len(head);
    return (uint8_t)head[0] == REQUEST_MAGIC && head[DATA_TYPE] == 0 && key_len <= KEY_MAX &&
           body >= key_len + (uint8_t)head[EXTRAS_LEN] && body <= DATA_MAX &&
           (body == 0 || !quits(head));
}

static enum recognition begins_with(const char *name, const char *sent, uint8_t len)
{
    size_t name_len = strlen(name);
    if (memcmp(name, sent, len < name_len ? len : name_len) != 0) {
        return NOT_MINE;
    }
    if (len <= name_len) {
        return MAYBE_MINE;
    }
    char end = sent[name_len];
    return end == ' ' || end == '\r' || end == '\n' ? MINE : NOT_MINE;
}

static enum recognition memcached_begins(const struct first_bytes *first)
{
    const char *sent = first->sent;
    uint8_t len = first->sent_len;
    enum recognition best = NOT_MINE;
    if (first->received_len > 0) {
        return NOT_MINE; /* nothing is answered before a command is whole */
    }
    if (len >= BODY_LEN_END && is_request(sent)) {
        return MINE;
    }
    if (len > 0 && len < BODY_LEN_END && (uint8_t)sent[0] == REQUEST_MAGIC) {
        return MAYBE_MINE;
    }
    for (size_t i = 0; i < COMMANDS && best != MINE; i++) {
        enum recognition recognition = begins_with(commands[i].name, sent, len);
        best = recognition > best ? recognition : best;
    }
    return best;
}

static void memcached_opened(struct witness *witness)
{
    witness->memcached = (struct memcached_witness){0};
    witness->reason = REASON_MEMCACHED;
}

static void memcached_sent(struct witness *witness, const char *buf, size_t len)
{
    struct memcached_witness *memcached = &witness->memcached;
    if (!memcached->begun) {
        memcached->begun = true;
        memcached->binary = (uint8_t)*buf == REQUEST_MAGIC;
    }
    while (len > 0 && witness->state != WITNESS_PRIVATE) {
        if (witness->state == WITNESS_CLOSING) {
            witness_refuse(witness, REASON_MALFORMED);
            return;
        }
        size_t taken =
            memcached->binary ? take_binary(witness, buf, len) : take_text(witness, buf, len);
        buf += taken;
        len -= taken;
    }
}

/* Other protocols have a get and a set as well: the first answer decides. */
static void memcached_received(struct witness *witness, const char *buf, size_t len)
{
    struct memcached_witness *memcached = &witness->memcached;
    for (size_t i = 0; i < len && !witness->confirmed; i++) {
        memcached->answer[memcached->answer_len++] = buf[i];
        enum recognition recognition = recognise_answer(memcached);
        witness->confirmed = recognition == MINE;
        if (recognition == NOT_MINE) {
            witness_refuse(witness, REASON_UNKNOWN_PROTOCOL);
            return;
        }
    }
    memcached->answered = witness->confirmed && memcached->left == 0;
}

const struct witness_protocol witness_memcached = {
    .name = "memcached",
    .begins = memcached_begins,
    .opened = memcached_opened,
    .sent = memcached_sent,
    .received = memcached_received,
};

static enum recognition recognise_answer(const struct memcached_witness *memcached)
{
    const char *answer = memcached->answer;
    if (memcached->binary) {
        return (uint8_t)answer[0] == RESPONSE_MAGIC ? MINE : NOT_MINE;
    }
    if (answer[0] >= '0' && answer[0] <= '9') {
        return MINE;
    }
    for (size_t i = 0; i < ANSWERS; i++) {
        if (memcmp(answer, answers[i], memcached->answer_len) == 0) {
            return memcached->answer_len == sizeof answers[i] ? MINE : MAYBE_MINE;
        }
    }
    return NOT_MINE;
}

/* This and take_text() take one byte or more, and say how many. */
static size_t take_binary(struct witness *witness, const char *buf, size_t len)
{
    struct memcached_witness *memcached = &witness->memcached;
    if (memcached->left == 0) {
        memcached->head[memcached->head_len++] = *buf;
        if (memcached->head_len < BODY_LEN_END) {
            return 1;
        }
        if (!is_request(memcached->head)) {
            witness_refuse(witness, REASON_MALFORMED);
        }
        memcached->head_len = 0;
        memcached->left = HEADER_LEN - BODY_LEN_END + body_len(memcached->head);
        return 1;
    }
    size_t taken = memcached->left < len ? memcached->left : len;
    memcached->left -= taken;
    if (memcached->left == 0 && quits(memcached->head)) {
        say_goodbye(witness);
    }
    memcached->answered &= quits(memcached->head);
    return taken;
}

static size_t take_text(struct witness *witness, const char *buf, size_t len)
{
    struct memcached_witness *memcached = &witness->memcached;
    if (memcached->left == 0) {
        take_line_byte(witness, *buf);
        return 1;
    }
    if (memcached->left <= DATA_END_LEN) {
        if (*buf != (memcached->left == DATA_END_LEN ? '\r' : '\n')) {
            witness_refuse(witness, REASON_MALFORMED);
        }
        memcached->left--;
        return 1;
    }
    size_t data_left = memcached->left - DATA_END_LEN;
    size_t taken = data_left < len ? data_left : len;
    memcached->left -= taken;
    return taken;
}

static void take_line_byte(struct witness *witness, char byte)
{
    struct memcached_line *line = &witness->memcached.line;
    if (byte == '\n') {
        end_line(witness);
        witness->memcached.answered = false;
        return;
    }
    if (line->cr) {
        witness_refuse(witness, REASON_MALFORMED);
        return;
    }
    line->cr = byte == '\r';
    if (byte == ' ') {
        end_word(line);
    }
    if (byte == ' ' || byte == '\r') {
        return;
    }
    if (line->word == 0 && line->word_len < sizeof line->command) {
        line->command[line->word_len] = byte;
    }
    line->word_len += line->word_len < UINT8_MAX;
    if (line->length_at == 0 || line->word != line->length_at) {
        return;
    }
    if (byte < '0' || byte > '9' || line->length > DATA_MAX / 10) {
        witness_refuse(witness, REASON_MALFORMED);
        return;
    }
    line->length = line->length * 10 + (byte - '0');
    line->has_length = true;
}

static bool is_command(const struct memcached_line *line, const char *name)
{
    size_t len = strlen(name);
    return line->word == 0 && line->word_len == len && memcmp(line->command, name, len) == 0;
}

/* Words may be several spaces apart. */
static void end_word(struct memcached_line *line)
{
    if (line->word_len == 0) {
        return;
    }
    for (size_t i = 0; i < COMMANDS; i++) {
        if (commands[i].length_at > 0 && is_command(line, commands[i].name)) {
            line->length_at = commands[i].length_at;
        }
    }
    line->word += line->word < UINT8_MAX;
    line->word_len = 0;
}

static void end_line(struct witness *witness)
{
    struct memcached_line *line = &witness->memcached.line;
    bool quit = is_command(line, "quit");
    end_word(line);
    if (quit) {
        say_goodbye(witness);
    } else if (line->has_length) {
        witness->memcached.left = line->length + DATA_END_LEN;
    } else if (line->length_at > 0) {
        witness_refuse(witness, REASON_MALFORMED);
    }
    *line = (struct memcached_line){0};
}

static void say_goodbye(struct witness *witness)
{
    witness->state = WITNESS_CLOSING;
    witness->peer_will_close = witness->memcached.answered;
}
