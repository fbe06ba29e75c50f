/* SPDX-License-Identifier: MIT
 * What the files of the memcached witness share; nobody else includes it. */
#ifndef TWPOOL_SHIM_WITNESS_MEMCACHED_H
#define TWPOOL_SHIM_WITNESS_MEMCACHED_H

#include "witness.h"

enum { MEMCACHED_DATA_MAX = 1 << 30 }; /* the largest item that memcached -I allows */
enum { MEMCACHED_REQUEST_MAGIC = 0x80, MEMCACHED_RESPONSE_MAGIC = 0x81 };
enum { MEMCACHED_BEGINNING = 12 }; /* of a binary header: all that says how long the message is */

enum memcached_progress {
    MEMCACHED_MORE,  /* all bytes were taken, and the message goes on (or has not begun) */
    MEMCACHED_WHOLE, /* the last byte taken ended a message, or an item of one */
    MEMCACHED_FAULT, /* the last byte taken is not what memcached would expect or send there */
    MEMCACHED_STATE  /* a command that is not known to leave the connection as it was */
};

/* What a request is to the connection. */
struct memcached_command {
    uint8_t kind; /* of the answer that is due: enum memcached_kind, or MEMCACHED_BINARY | opcode */
    uint8_t quiet;   /* enum memcached_quiet: no answer is due, but one may come */
    bool quits;      /* memcached closes */
    bool proves;     /* its answer cannot be mistaken, and comes after all that came before */
    uint32_t opaque; /* of a binary request: its answer has the same */
};

enum memcached_quiet {
    MEMCACHED_ANSWERED,
    MEMCACHED_ERRORS, /* noreply: errors alone are answered */
    MEMCACHED_ANSWERS /* meta commands with q, quiet binary commands: some outcomes are */
};

/* Answers of the text protocol, one kind for all commands that are answered alike. */
enum memcached_kind {
    MEMCACHED_VALUES,
    MEMCACHED_STORAGE,
    MEMCACHED_DELETION,
    MEMCACHED_NUMBER,
    MEMCACHED_TOUCH,
    MEMCACHED_STATISTICS,
    MEMCACHED_VERSION,
    MEMCACHED_OK,
    MEMCACHED_SLABS,
    MEMCACHED_META,
    MEMCACHED_META_STORAGE,
    MEMCACHED_META_DUMP,
    MEMCACHED_META_NOOP,
    MEMCACHED_KINDS,
    MEMCACHED_BINARY = 0x80
};

/* What an item of an answer is to the request that it is for. */
enum memcached_answer {
    MEMCACHED_GOES_ON,    /* more of the answer follows */
    MEMCACHED_ENDS,       /* it was the last, or only one */
    MEMCACHED_ENDS_VAGUE, /* as are answers of many another protocol: it confirms nothing */
    MEMCACHED_OF_QUIET,   /* it is for a quiet command that was sent before */
    MEMCACHED_MISPLACED   /* that command is not so answered */
};

/* Take bytes from *at, which moves, up to the end of one message at most; its direction is zeroed
 * before the first. After FAULT and STATE there is no going on. After WHOLE of a request *command
 * says what it was. */
enum memcached_progress memcached_text_request_take(struct memcached_text *text, const char **at,
                                                    const char *end,
                                                    struct memcached_command *command);
enum memcached_progress memcached_text_reply_take(struct memcached_text *text, const char **at,
                                                  const char *end);
enum memcached_progress memcached_binary_request_take(struct memcached_binary *binary,
                                                      const char **at, const char *end,
                                                      struct memcached_command *command);
enum memcached_progress memcached_binary_reply_take(struct memcached_binary *binary,
                                                    const char **at, const char *end);

/* What the item just taken is to a request of this kind. after: what was sent quietly before that
 * request. begun: the answer has begun with another item. */
enum memcached_answer memcached_text_answer(const struct memcached_text *text, uint8_t kind,
                                            enum memcached_quiet after, bool begun);
enum memcached_answer memcached_binary_answer(const struct memcached_binary *binary, uint8_t kind,
                                              enum memcached_quiet after);
uint32_t memcached_binary_opaque(const struct memcached_binary *binary);

/* Whether the item just taken can be the answer to a quiet command. */
bool memcached_text_is_of_quiet(const struct memcached_text *text);
bool memcached_binary_is_of_quiet(const struct memcached_binary *binary);

/* Whether a session may begin so; len is that of what was sent up to now. */
enum recognition memcached_text_begins(const char *sent, uint8_t len);
enum recognition memcached_binary_begins(const char *sent, uint8_t len);

/* A line of the text protocol, and the data that may follow it; of these, no byte but the last two
 * is looked at. Errors as memcached_text_request_take(). */
enum memcached_progress memcached_line_take(struct memcached_text *text, char byte);
enum memcached_progress memcached_data_take(struct memcached_text *text, const char **at,
                                            const char *end);
bool memcached_first_word_is(const struct memcached_text *text, const char *word);
bool memcached_line_says_too_large(const struct memcached_text *text);

#endif
