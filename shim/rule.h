/* SPDX-License-Identifier: MIT
 * What a destination's connections are taken for. */
#ifndef TWPOOL_SHIM_RULE_H
#define TWPOOL_SHIM_RULE_H

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
    RULE_COUNT
};

#endif
