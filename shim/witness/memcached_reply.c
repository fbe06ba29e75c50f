/* SPDX-License-Identifier: MIT
 * The answers of memcached's text protocol, and which command is answered how. */
#include "memcached.h"

enum item {
    VALUE = 1 << 0, /* data follow, and then the answer goes on */
    STAT = 1 << 1,  /* the answer goes on */
    END = 1 << 2,
    STORED = 1 << 3,
    NOT_FOUND = 1 << 4,
    DELETED = 1 << 5,
    TOUCHED = 1 << 6,
    NUMBER = 1 << 7,
    RESET = 1 << 8,
    VERSION = 1 << 9,
    OK = 1 << 10,
    SLABS = 1 << 11,
    META = 1 << 12,
    MISS = 1 << 13,
    DUMP = 1 << 14,
    NOOP = 1 << 15,
    ERROR = 1 << 16,
    CLIENT_ERROR = 1 << 17,
    TOO_LARGE = 1 << 18
};

static const struct {
    const char *word;
    uint32_t item;
    uint8_t length_at;            /* which word is the length of the data, 0: none follow */
    uint8_t words_min, words_max; /* UINT8_MAX: any text may follow */
} items[] = {
    {"VALUE", VALUE, 4, 4, 5},
    {"STAT", STAT, 0, 2, UINT8_MAX},
    {"ITEM", STAT, 0, 2, UINT8_MAX},
    {"PREFIX", STAT, 0, 2, UINT8_MAX},
    {"END", END, 0, 1, 1},
    {"STORED", STORED, 0, 1, 1},
    {"NOT_STORED", STORED, 0, 1, 1},
    {"EXISTS", STORED, 0, 1, 1},
    {"NOT_FOUND", NOT_FOUND, 0, 1, 1},
    {"DELETED", DELETED, 0, 1, 1},
    {"TOUCHED", TOUCHED, 0, 1, 1},
    {"RESET", RESET, 0, 1, 1},
    {"VERSION", VERSION, 0, 2, UINT8_MAX},
    {"OK", OK, 0, 1, 1},
    {"BUSY", SLABS, 0, 1, UINT8_MAX},
    {"BADCLASS", SLABS, 0, 1, UINT8_MAX},
    {"NOSPARE", SLABS, 0, 1, UINT8_MAX},
    {"NOTFULL", SLABS, 0, 1, UINT8_MAX},
    {"UNSAFE", SLABS, 0, 1, UINT8_MAX},
    {"SAME", SLABS, 0, 1, UINT8_MAX},
    {"HD", META, 0, 1, UINT8_MAX},
    {"VA", META, 2, 2, UINT8_MAX},
    {"NF", META, 0, 1, UINT8_MAX},
    {"NS", META, 0, 1, UINT8_MAX},
    {"EX", META, 0, 1, UINT8_MAX},
    {"EN", MISS, 0, 1, UINT8_MAX},
    {"ME", DUMP, 0, 2, UINT8_MAX},
    {"MN", NOOP, 0, 1, 1},
    {"ERROR", ERROR, 0, 1, 1},
    {"CLIENT_ERROR", CLIENT_ERROR, 0, 2, UINT8_MAX},
};
enum { ITEMS = sizeof items / sizeof *items };

/* What ends an answer of each kind. An error that may leave memcached out of step with the client
 * is none: after most errors of a storage command its data would be read as commands. */
static const uint32_t endings[MEMCACHED_KINDS] = {
    [MEMCACHED_VALUES] = END,
    [MEMCACHED_STORAGE] = STORED | NOT_FOUND | TOO_LARGE,
    [MEMCACHED_DELETION] = DELETED | NOT_FOUND | CLIENT_ERROR,
    [MEMCACHED_NUMBER] = NUMBER | NOT_FOUND | CLIENT_ERROR,
    [MEMCACHED_TOUCH] = TOUCHED | NOT_FOUND | CLIENT_ERROR,
    [MEMCACHED_STATISTICS] = END | RESET | OK | ERROR | CLIENT_ERROR,
    [MEMCACHED_VERSION] = VERSION,
    [MEMCACHED_OK] = OK | ERROR | CLIENT_ERROR,
    [MEMCACHED_SLABS] = OK | SLABS | ERROR | CLIENT_ERROR,
    [MEMCACHED_META] = META | MISS | ERROR | CLIENT_ERROR,
    [MEMCACHED_META_STORAGE] = META | TOO_LARGE,
    [MEMCACHED_META_DUMP] = DUMP | MISS,
    [MEMCACHED_META_NOOP] = NOOP,
};
enum { ERRORS = ERROR | CLIENT_ERROR | TOO_LARGE, VAGUE = OK | ERROR | CLIENT_ERROR };

enum { DIGITS_MAX = 20 }; /* of a 64-bit number without a sign */

static uint32_t item_of(const struct memcached_text *text);
static bool is_number(const struct memcached_text *text);

enum memcached_progress memcached_text_reply_take(struct memcached_text *text, const char **at,
                                                  const char *end)
{
    while (*at < end && text->in_data) {
        enum memcached_progress progress = memcached_data_take(text, at, end);
        if (progress != MEMCACHED_MORE) {
            return progress;
        }
    }
    while (*at < end) {
        char byte = *(*at)++;
        if (byte == '\n' && !text->cr) {
            return MEMCACHED_FAULT;
        }
        for (size_t i = 0; i < ITEMS && byte == ' ' && text->words == 1; i++) {
            if (memcached_first_word_is(text, items[i].word)) {
                text->length_at = items[i].length_at;
            }
        }
        enum memcached_progress progress = memcached_line_take(text, byte);
        if (progress == MEMCACHED_FAULT || (progress == MEMCACHED_WHOLE && item_of(text) == 0)) {
            return MEMCACHED_FAULT;
        }
        if (progress == MEMCACHED_WHOLE) {
            return text->in_data ? memcached_text_reply_take(text, at, end) : MEMCACHED_WHOLE;
        }
    }
    return MEMCACHED_MORE;
}

enum memcached_answer memcached_text_answer(const struct memcached_text *text, uint8_t kind,
                                            enum memcached_quiet after, bool begun)
{
    uint32_t item = item_of(text);
    /* Is it for this request, or for one that was to be silent? */
    if (after != MEMCACHED_ANSWERED && (item & ERRORS) != 0) {
        return MEMCACHED_MISPLACED;
    }
    if (after == MEMCACHED_ANSWERS && !begun && memcached_text_is_of_quiet(text)) {
        return MEMCACHED_OF_QUIET;
    }
    if ((kind == MEMCACHED_VALUES && item == VALUE) ||
        (kind == MEMCACHED_STATISTICS && item == STAT)) {
        return MEMCACHED_GOES_ON;
    }
    if ((endings[kind] & item) == 0 || (begun && item != END)) {
        return MEMCACHED_MISPLACED;
    }
    return (item & VAGUE) != 0 ? MEMCACHED_ENDS_VAGUE : MEMCACHED_ENDS;
}

bool memcached_text_is_of_quiet(const struct memcached_text *text)
{
    return (item_of(text) & (META | MISS)) != 0;
}

/* 0 for what is none. A trailing space stands where a word is missing. */
static uint32_t item_of(const struct memcached_text *text)
{
    if (is_number(text)) {
        return NUMBER;
    }
    if (memcached_line_says_too_large(text)) {
        return TOO_LARGE;
    }
    for (size_t i = 0; i < ITEMS; i++) {
        bool fits = text->words >= items[i].words_min && text->words <= items[i].words_max &&
                    (items[i].words_max == UINT8_MAX || !text->space);
        if (memcached_first_word_is(text, items[i].word)) {
            return fits ? items[i].item : 0;
        }
    }
    return 0;
}

static bool is_number(const struct memcached_text *text)
{
    return text->number && text->len == text->first_len && text->len <= DIGITS_MAX;
}
