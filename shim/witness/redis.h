/* SPDX-License-Identifier: MIT
 * What the files of the Redis witness share; nobody else includes it. */
#ifndef TWPOOL_SHIM_WITNESS_REDIS_H
#define TWPOOL_SHIM_WITNESS_REDIS_H

#include "witness.h"

enum redis_progress {
    REDIS_MORE,  /* all bytes were taken, and the message goes on (or has not begun) */
    REDIS_WHOLE, /* the last byte taken ended a message */
    REDIS_FAULT, /* the last byte taken is not what Redis would send there */
    REDIS_LIMIT, /* well-formed, and more than this witness keeps account of */
    REDIS_PUSH   /* RESP3: the server begins to speak unasked */
};

/* Take bytes from *at, which moves, up to the end of one message at most. After FAULT, LIMIT and
 * PUSH there is no going on. */
enum redis_progress redis_request_take(struct redis_request *request, const char **at,
                                       const char *end);
enum redis_progress redis_reply_take(struct redis_reply *reply, const char **at, const char *end);

bool redis_request_is_open(const struct redis_request *request); /* inside a request */

/* Of a whole reply: whether it is an error after which Redis closes the connection. */
bool redis_reply_announces_close(const struct redis_reply *reply);

enum redis_effect {
    REDIS_NO_STATE,    /* the connection is as it was before */
    REDIS_QUIT,        /* answered, and then the server closes */
    REDIS_LEAVES_STATE /* the next user would inherit something; or we do not know */
};

/* Of a whole request. */
enum redis_effect redis_request_effect(const struct redis_request *request);

/* A 64-bit integer as Redis writes it: digits without leading zeros, after a minus sign at most.
 * resp_number_add() is false when the byte has no place there. */
bool resp_number_add(struct resp_number *number, char byte);
bool resp_number_is_whole(const struct resp_number *number);

#endif
