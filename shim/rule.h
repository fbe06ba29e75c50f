/* SPDX-License-Identifier: MIT
 * What a destination's connections are taken for. */
#ifndef TWPOOL_SHIM_RULE_H
#define TWPOOL_SHIM_RULE_H

#include <stdbool.h>
#include <stdint.h>

enum rule {
    RULE_OFF,      /* exactly libc */
    RULE_CLEAN,    /* never reused; clean close */
    RULE_AUTO,     /* the default: reused when a witness recognises the protocol */
    RULE_HTTP,     /* HTTP/1.x, without looking first */
    RULE_REDIS,    /* Redis, inline commands included */
    RULE_MEMCACHE, /* memcached, both of its protocols */
    RULE_DNS,      /* DNS over TCP */
    RULE_FASTCGI,  /* FastCGI, the client's side */
    RULE_RAW,      /* the user vouches for request/response, read whole */
    RULE_LINES,    /* each request line is answered by exactly one line */
    RULE_FRAME,    /* messages with a length, each answered by exactly one */
    RULE_COUNT
};

/* Where a message has its length, and what that counts: Netty's LengthFieldBasedFrameDecoder. A
 * message has offset + width + the field's value + adjust bytes. */
enum {
    FRAME_OFFSET_MAX = 65535, /* of any header that is known, by far */
    FRAME_ADJUST_MAX = 65535, /* either way: a header that the length counts, or leaves out */
    FRAME_WIDTH_MAX = 8
};
struct frame {
    uint32_t offset; /* bytes before the length field */
    int32_t adjust;  /* to be added to its value for the number of bytes that follow it */
    uint8_t width;   /* of the field: 1, 2, 3, 4 or 8 bytes */
    bool little_endian;
};

/* A rule with its parameters. */
struct rule_choice {
    enum rule rule;
    struct frame frame; /* of RULE_FRAME; else all zero */
};

#endif
