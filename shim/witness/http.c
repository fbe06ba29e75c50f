/* SPDX-License-Identifier: MIT
 * The HTTP/1.x witness: llhttp finds the messages, this file decides what they mean for reuse. */
#include "http.h"

#include <string.h>

#if !defined(LLHTTP_STRICT_MODE) || !LLHTTP_STRICT_MODE
#error "llhttp in its loose mode swallows a byte after a CR, and with it the beginning of a message"
#endif

enum { PROTOCOL_LEN = 5 }; /* "HTTP/" */

static void feed(struct witness *witness, llhttp_t *parser, const char *buf, size_t len);
static bool is_observed(const struct witness *witness);
static void begin_message(const struct direction *to);
static void end_message(const struct direction *to);
static void note_fault(const struct direction *to);
static void settle(struct witness *witness);

static int on_url_complete(llhttp_t *parser);
static int on_chunk_header(llhttp_t *parser);
static int on_request_headers(llhttp_t *parser);
static int on_response_headers(llhttp_t *parser);
static int on_message_complete(llhttp_t *parser);

static const llhttp_settings_t request_settings = {
    .on_url_complete = on_url_complete,
    .on_header_field = http_on_header_field,
    .on_header_field_complete = http_on_header_field_complete,
    .on_header_value = http_on_header_value,
    .on_header_value_complete = http_on_header_value_complete,
    .on_headers_complete = on_request_headers,
    .on_chunk_header = on_chunk_header,
    .on_message_complete = on_message_complete,
};

static const llhttp_settings_t response_settings = {
    .on_header_field = http_on_header_field,
    .on_header_field_complete = http_on_header_field_complete,
    .on_header_value = http_on_header_value,
    .on_header_value_complete = http_on_header_value_complete,
    .on_headers_complete = on_response_headers,
    .on_chunk_header = on_chunk_header,
    .on_message_complete = on_message_complete,
};

static void http_opened(struct witness *witness)
{
    memset(&witness->http, 0, sizeof witness->http);
    llhttp_init(&witness->http.request, HTTP_REQUEST, &request_settings);
    llhttp_init(&witness->http.response, HTTP_RESPONSE, &response_settings);
}

static void http_sent(struct witness *witness, const char *buf, size_t len)
{
    feed(witness, &witness->http.request, buf, len);
}

static void http_received(struct witness *witness, const char *buf, size_t len)
{
    feed(witness, &witness->http.response, buf, len);
}

const struct witness_protocol witness_http = {
    .name = "http",
    .finds_ends = true,
    .begins = http_begins,
    .opened = http_opened,
    .sent = http_sent,
    .received = http_received,
};

struct direction http_direction(llhttp_t *parser)
{
    struct witness *witness = parser->data;
    struct http_witness *http = &witness->http;
    if (parser == &http->request) {
        return (struct direction){witness,
                                  &http->request_side,
                                  parser,
                                  &http->request_open,
                                  http->request_name,
                                  http->request_value,
                                  &http->request_name_len,
                                  &http->request_value_len};
    }
    return (struct direction){witness,
                              &http->response_side,
                              parser,
                              &http->response_open,
                              http->response_name,
                              http->response_value,
                              &http->response_name_len,
                              &http->response_value_len};
}

/* Feeds line by line outside of content: each line is admitted first, and the end of a message is
 * always the end of a piece. */
static void feed(struct witness *witness, llhttp_t *parser, const char *buf, size_t len)
{
    parser->data = witness; /* anew each time: nothing says that a witness stays where it is */
    const struct direction to = http_direction(parser);
    while (len > 0 && is_observed(witness)) {
        if (!*to.open && http_is_request(&to) && witness->http.closing) {
            witness->http.unanswered = true;
            return; /* the server will not read it, and the announced close still holds */
        }
        if (!*to.open) {
            begin_message(&to);
        }
        size_t piece = len;
        if (!to.side->in_body) {
            const char *line_feed = memchr(buf, '\n', len);
            piece = line_feed == NULL ? len : (size_t)(line_feed - buf) + 1;
        } else if (parser->content_length < len) {
            piece = parser->content_length;
        }
        size_t admitted = to.side->in_body ? piece : http_admit_line(&to, buf, piece);
        /* What was admitted goes in before the fault is noted: the first fault names the reason,
         * however the bytes were split. */
        llhttp_errno_t error = HPE_OK;
        if (admitted > 0 && is_observed(witness)) {
            error = llhttp_execute(parser, buf, admitted);
        }
        if (!is_observed(witness)) {
            return;
        }
        if ((error != HPE_OK && error != HPE_PAUSED) || admitted < piece) {
            note_fault(&to);
            return;
        }
        if (parser->content_length == 0) {
            to.side->in_body = false;
        }
        if (error == HPE_PAUSED) {
            end_message(&to);
        }
        settle(witness);
        buf += piece;
        len -= piece;
    }
}

/* CLOSING and PRIVATE are final: whatever follows changes nothing. */
static bool is_observed(const struct witness *witness)
{
    return witness->state == WITNESS_BUSY || witness->state == WITNESS_IDLE;
}

bool http_is_request(const struct direction *to)
{
    return to->parser->type == HTTP_REQUEST;
}

static void begin_message(const struct direction *to)
{
    struct http_witness *http = &to->witness->http;
    *to->open = true;
    *to->side = (struct http_side){.start_line = true, .line_begins = true};
    *to->name_len = 0;
    if (http_is_request(to)) {
        http->request_headers_done = false;
        return;
    }
    http->promised_idle_ms = UINT32_MAX;
    http->promised_uses = UINT32_MAX;
    http->response_early =
        http->outstanding == 1 && http->request_open && http->request_headers_done;
    if (http->outstanding == 0) {
        http_refuse(to, REASON_MALFORMED); /* unasked for, such as the 408 of an idle connection */
    }
}

static void end_message(const struct direction *to)
{
    struct http_witness *http = &to->witness->http;
    *to->open = false;
    if (!http_is_request(to) && to->parser->status_code >= HTTP_STATUS_OK) {
        http->outstanding--;
        memmove(http->head, http->head + 1, http->outstanding * sizeof *http->head);
    }
    llhttp_reset(to->parser);
}

/* A message broke the rules; or, under `auto`, the first answer shows that it never was HTTP. */
static void note_fault(const struct direction *to)
{
    const struct http_side *side = to->side;
    bool foreign = side->start_line && side->word == 0 && side->word_len < PROTOCOL_LEN;
    bool first = to->witness->sniffed && !to->witness->confirmed;
    http_refuse(to, !http_is_request(to) && foreign && first ? REASON_UNKNOWN_PROTOCOL
                                                             : REASON_MALFORMED);
}

static void settle(struct witness *witness)
{
    const struct http_witness *http = &witness->http;
    bool awaited = http->outstanding > 0; /* until the end of a response under way, too */
    witness->state = WITNESS_BUSY;
    if (http->closing && !awaited) {
        witness->state = WITNESS_CLOSING;
        witness->reason = REASON_ANNOUNCED_CLOSE;
        witness->peer_will_close = http->announced && !http->request_open && !http->unanswered;
    } else if (http->request_open) {
        witness->reason = REASON_REQUEST_INCOMPLETE;
    } else if (awaited) {
        witness->reason = REASON_RESPONSE_INCOMPLETE;
    } else {
        witness->state = WITNESS_IDLE;
        witness->reason = REASON_NONE;
    }
}

int http_refuse(const struct direction *to, enum reason reason)
{
    witness_refuse(to->witness, reason);
    return HTTP_STOP;
}

static int on_url_complete(llhttp_t *parser)
{
    const struct direction to = http_direction(parser);
    return parser->method == HTTP_PRI ? http_refuse(&to, REASON_HTTP2) : 0;
}

static int on_chunk_header(llhttp_t *parser)
{
    http_direction(parser).side->in_body = parser->content_length > 0;
    return 0;
}

/* HTTP/1.0 has no transfer codings, and our reading of them must be llhttp's. */
static bool is_well_framed(const struct direction *to)
{
    uint16_t flags = to->parser->flags;
    if ((flags & F_TRANSFER_ENCODING) &&
        (to->parser->http_minor == 0 || (flags & F_CONTENT_LENGTH))) {
        return false;
    }
    return !(flags & F_CHUNKED) == !(to->side->marks & MARK_CHUNKED);
}

/* Content, if there is any, follows the header block. */
static void begin_body(const struct direction *to)
{
    to->side->in_body = !(to->parser->flags & F_CHUNKED) && to->parser->content_length > 0;
}

/* Whether the message says that its sender takes the connection to be over (RFC 9112, 9.3). */
static bool announces_close(const struct direction *to)
{
    uint8_t marks = to->side->marks;
    return (marks & MARK_CLOSE) || (to->parser->http_minor == 0 && !(marks & MARK_KEEP_ALIVE));
}

static void note_announced_close(struct http_witness *http)
{
    http->closing = true;
    http->announced = true;
}

static int on_request_headers(llhttp_t *parser)
{
    const struct direction to = http_direction(parser);
    struct http_witness *http = &to.witness->http;
    /* SOURCE streams without a length: Icecast's, not HTTP's. */
    if (!is_well_framed(&to) || parser->method == HTTP_SOURCE) {
        return http_refuse(&to, REASON_MALFORMED);
    }
    if (parser->method == HTTP_CONNECT || (to.side->marks & MARK_UPGRADE)) {
        return http_refuse(&to, REASON_UPGRADE);
    }
    if (http->outstanding == HTTP_PIPELINE_MAX) {
        return http_refuse(&to, REASON_NO_MEMORY);
    }
    if (http->closing) {
        http->unanswered = true;
    } else {
        http->head[http->outstanding++] = parser->method == HTTP_HEAD;
    }
    if (parser->http_minor == 0) {
        http->explicit_keep_alive = true;
    }
    if (announces_close(&to)) {
        note_announced_close(http);
    }
    http->request_headers_done = true;
    begin_body(&to);
    return 0;
}

/* What a final response says of the connection's future (RFC 9112, 9.3). */
static void take_persistence(const struct direction *to)
{
    struct witness *witness = to->witness;
    struct http_witness *http = &witness->http;
    if (http->promised_idle_ms != UINT32_MAX) {
        witness->idle_limit_ms = http->promised_idle_ms;
    }
    if (http->promised_uses != UINT32_MAX) {
        witness->uses_left = http->promised_uses;
    } else if (witness->uses_left != UINT32_MAX) {
        witness->uses_left--; /* an earlier promise, and this exchange used one of it */
    }
    if (announces_close(to)) {
        note_announced_close(http);
    }
    bool silent = http->explicit_keep_alive && !(to->side->marks & MARK_KEEP_ALIVE);
    if (http->announced || silent || witness->uses_left == 0) {
        http->closing = true;
        http->unanswered |= http->outstanding > 1;
        http->outstanding = 1;
    }
}

static int on_response_headers(llhttp_t *parser)
{
    const struct direction to = http_direction(parser);
    struct http_witness *http = &to.witness->http;
    uint16_t status = parser->status_code;
    bool framed = (parser->flags & F_TRANSFER_ENCODING) || parser->content_length > 0;
    bool interim = status < HTTP_STATUS_OK;
    bool empty = interim || status == HTTP_STATUS_NO_CONTENT;
    if (!is_well_framed(&to) || status < 100 || status > 599 || (empty && framed)) {
        return http_refuse(&to, REASON_MALFORMED);
    }
    to.witness->confirmed = true;
    if (status == HTTP_STATUS_SWITCHING_PROTOCOLS) {
        return http_refuse(&to, REASON_UPGRADE);
    }
    if (interim) {
        if (to.side->marks & MARK_CLOSE) {
            note_announced_close(http);
        }
        return 1; /* llhttp: no content */
    }
    if (http->response_early) {
        return http_refuse(&to, REASON_MALFORMED);
    }
    take_persistence(&to);
    if (empty || http->head[0] || status == HTTP_STATUS_NOT_MODIFIED) {
        return 1;
    }
    if (!(parser->flags & (F_CHUNKED | F_CONTENT_LENGTH))) {
        to.witness->state = WITNESS_CLOSING; /* the content ends with the connection */
        to.witness->reason = REASON_ANNOUNCED_CLOSE;
        return HTTP_STOP;
    }
    begin_body(&to);
    return 0;
}

static int on_message_complete(llhttp_t *parser)
{
    (void)parser;
    return HPE_PAUSED;
}
