/* SPDX-License-Identifier: MIT
 * The commands of memcached's text protocol: what each is answered, and where its data end. */
#include "memcached.h"

#include <string.h>

enum { LINE_MAX = 2048 }; /* of all but get and gets; memcached closes at a longer one */
enum { ANY = UINT8_MAX };

/* Those that leave the connection as it was. Not watch, which makes it a log; nor lru_crawler,
 * whose answers have a form of their own; nor whatever else there is. */
static const struct text_command {
    const char *name;
    uint8_t kind;
    uint8_t length_at;            /* which word is the length of the data, 0: none follow */
    uint8_t words_min, words_max; /* without noreply */
    bool may_be_silent;           /* noreply may be its last word */
    bool meta;                    /* flags follow, and q among them makes it quiet */
} commands[] = {
    {"get", MEMCACHED_VALUES, 0, 2, ANY, false, false},
    {"gets", MEMCACHED_VALUES, 0, 2, ANY, false, false},
    {"gat", MEMCACHED_VALUES, 0, 3, ANY, false, false},
    {"gats", MEMCACHED_VALUES, 0, 3, ANY, false, false},
    {"set", MEMCACHED_STORAGE, 5, 5, 5, true, false},
    {"add", MEMCACHED_STORAGE, 5, 5, 5, true, false},
    {"replace", MEMCACHED_STORAGE, 5, 5, 5, true, false},
    {"append", MEMCACHED_STORAGE, 5, 5, 5, true, false},
    {"prepend", MEMCACHED_STORAGE, 5, 5, 5, true, false},
    {"cas", MEMCACHED_STORAGE, 5, 6, 6, true, false},
    {"delete", MEMCACHED_DELETION, 0, 2, 3, true, false},
    {"incr", MEMCACHED_NUMBER, 0, 3, 3, true, false},
    {"decr", MEMCACHED_NUMBER, 0, 3, 3, true, false},
    {"touch", MEMCACHED_TOUCH, 0, 3, 3, true, false},
    {"stats", MEMCACHED_STATISTICS, 0, 1, 4, false, false},
    {"version", MEMCACHED_VERSION, 0, 1, 1, false, false},
    {"verbosity", MEMCACHED_OK, 0, 2, 2, true, false},
    {"flush_all", MEMCACHED_OK, 0, 1, 2, true, false},
    {"cache_memlimit", MEMCACHED_OK, 0, 2, 2, true, false},
    {"slabs", MEMCACHED_SLABS, 0, 3, 4, true, false},
    {"lru", MEMCACHED_OK, 0, 3, 6, true, false},
    {"mg", MEMCACHED_META, 0, 2, ANY, false, true},
    {"ms", MEMCACHED_META_STORAGE, 3, 3, ANY, false, true},
    {"md", MEMCACHED_META, 0, 2, ANY, false, true},
    {"ma", MEMCACHED_META, 0, 2, ANY, false, true},
    {"me", MEMCACHED_META_DUMP, 0, 2, 3, false, false},
    {"mn", MEMCACHED_META_NOOP, 0, 1, 1, false, false},
    {"quit", MEMCACHED_KINDS, 0, 1, 1, false, false},
};
enum { COMMANDS = sizeof commands / sizeof *commands };

static const struct text_command *find(const struct memcached_text *text);
static enum memcached_progress end_line(const struct memcached_text *text,
                                        struct memcached_command *command);

enum memcached_progress memcached_text_request_take(struct memcached_text *text, const char **at,
                                                    const char *end,
                                                    struct memcached_command *command)
{
    enum memcached_progress progress = MEMCACHED_MORE;
    while (*at < end && progress == MEMCACHED_MORE) {
        if (text->in_data) {
            progress = memcached_data_take(text, at, end);
            if (progress == MEMCACHED_WHOLE) {
                progress = end_line(text, command);
            }
            continue;
        }
        char byte = *(*at)++;
        if (byte == ' ' && text->words == 1) {
            const struct text_command *known = find(text);
            text->length_at = known == NULL ? 0 : known->length_at;
        }
        progress = memcached_line_take(text, byte);
        if (progress == MEMCACHED_WHOLE) {
            progress = end_line(text, command);
            /* The data that are announced belong to it. */
            if (progress == MEMCACHED_WHOLE && text->in_data) {
                progress = MEMCACHED_MORE;
            }
        }
    }
    return progress;
}

enum recognition memcached_text_begins(const char *sent, uint8_t len)
{
    enum recognition best = NOT_MINE;
    for (size_t i = 0; i < COMMANDS && best != MINE; i++) {
        size_t name_len = strlen(commands[i].name);
        if (memcmp(commands[i].name, sent, len < name_len ? len : name_len) != 0) {
            continue;
        }
        char next = len > name_len ? sent[name_len] : 0;
        if (len <= name_len) {
            best = MAYBE_MINE;
        } else if (next == ' ' || next == '\r' || next == '\n') {
            best = MINE;
        }
    }
    return best;
}

static const struct text_command *find(const struct memcached_text *text)
{
    for (size_t i = 0; i < COMMANDS; i++) {
        if (memcached_first_word_is(text, commands[i].name)) {
            return &commands[i];
        }
    }
    return NULL;
}

static bool is_too_long(const struct memcached_text *text)
{
    bool exempt = memcached_first_word_is(text, "get") || memcached_first_word_is(text, "gets");
    return text->len > LINE_MAX && !exempt;
}

/* What the line says; asked at its end, and again at that of its data. */
static enum memcached_progress end_line(const struct memcached_text *text,
                                        struct memcached_command *command)
{
    static const char noreply[] = "noreply";
    const struct text_command *known = find(text);
    if (known == NULL) {
        return MEMCACHED_STATE;
    }
    bool silent = known->may_be_silent && text->words > known->words_min &&
                  text->last_len == sizeof noreply - 1 &&
                  memcmp(text->last, noreply, sizeof noreply - 1) == 0;
    uint8_t words = text->words - silent;
    if (words < known->words_min || (words > known->words_max && known->words_max != ANY) ||
        (text->space && words == 1) || is_too_long(text)) {
        return MEMCACHED_FAULT;
    }
    bool noop = known->kind == MEMCACHED_META_NOOP;
    *command = (struct memcached_command){
        .kind = known->kind,
        .quiet = silent                            ? MEMCACHED_ERRORS
                 : known->meta && text->asks_quiet ? MEMCACHED_ANSWERS
                                                   : MEMCACHED_ANSWERED,
        .quits = known->kind == MEMCACHED_KINDS,
        .proves = noop || known->kind == MEMCACHED_VALUES || known->kind == MEMCACHED_STATISTICS ||
                  known->kind == MEMCACHED_VERSION};
    return MEMCACHED_WHOLE;
}
