/* SPDX-License-Identifier: MIT
 * What the files of the HTTP/1.x witness share; nobody else includes it. */
#ifndef TWPOOL_SHIM_WITNESS_HTTP_H
#define TWPOOL_SHIM_WITNESS_HTTP_H

#include "witness.h"

enum { HTTP_STOP = -1 }; /* what a callback tells llhttp once the verdict is noted */

/* What the header block being read has said. */
enum http_mark {
    MARK_CLOSE = 1,
    MARK_KEEP_ALIVE = 2,
    MARK_UPGRADE = 4,
    MARK_CHUNKED = 8,
    MARK_BOUND = 16 /* credentials that belong to the connection, not to the request */
};

/* What a header is to us. */
enum http_header {
    HEADER_OTHER,
    HEADER_CONTENT_LENGTH,
    HEADER_TRANSFER_ENCODING,
    HEADER_CONNECTION,
    HEADER_PROXY_CONNECTION,
    HEADER_KEEP_ALIVE,
    HEADER_UPGRADE,
    HEADER_CREDENTIALS,
    HEADER_CHALLENGES,
    HEADER_PERSISTENT_AUTH
};

/* One direction of the connection: the callbacks serve both. */
struct direction {
    struct witness *witness;
    struct http_side *side;
    llhttp_t *parser;
    bool *open;
    char *name, *value;
    uint8_t *name_len, *value_len;
};

struct direction http_direction(llhttp_t *parser);
bool http_is_request(const struct direction *to);

/* PRIVATE with this reason; returns HTTP_STOP. */
int http_refuse(const struct direction *to, enum reason reason);

enum recognition http_begins(const struct first_bytes *first);

/* How many of these bytes, which are a line or a part of one, a strict reader takes. */
size_t http_admit_line(const struct direction *to, const char *buf, size_t len);

/* llhttp's callbacks for what stands in a header block: they leave its marks in the http_side. */
int http_on_header_field(llhttp_t *parser, const char *at, size_t len);
int http_on_header_field_complete(llhttp_t *parser);
int http_on_header_value(llhttp_t *parser, const char *at, size_t len);
int http_on_header_value_complete(llhttp_t *parser);

#endif
