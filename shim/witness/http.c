/* SPDX-License-Identifier: MIT
 * The HTTP/1.x witness: llhttp finds the messages, this file decides what they mean for reuse. */
#include "witness.h"

#include <string.h>

enum { STOP = -1 };           /* what a callback tells llhttp once the verdict is noted */
enum { VERSION_LEN = 8 };     /* "HTTP/1.1" */
enum { STATUS_LEN = 3 };      /* "200" */
enum { PROTOCOL_LEN = 5 };    /* "HTTP/" */
enum { COUNT_MAX = 1000000 }; /* seconds (11 days) or uses: more is as good as no limit */

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
    HEADER_CHALLENGES
};

static const struct {
    const char *name;
    size_t len;
    enum http_header request, response;
} headers[] = {
#define HEADER(name, request, response)                                                            \
    {                                                                                              \
        name, sizeof name - 1, request, response                                                   \
    }
    HEADER("content-length", HEADER_CONTENT_LENGTH, HEADER_CONTENT_LENGTH),
    HEADER("transfer-encoding", HEADER_TRANSFER_ENCODING, HEADER_TRANSFER_ENCODING),
    HEADER("connection", HEADER_CONNECTION, HEADER_CONNECTION),
    HEADER("proxy-connection", HEADER_PROXY_CONNECTION, HEADER_PROXY_CONNECTION),
    HEADER("keep-alive", HEADER_OTHER, HEADER_KEEP_ALIVE),
    HEADER("upgrade", HEADER_UPGRADE, HEADER_OTHER), /* a response only advertises with it */
    HEADER("authorization", HEADER_CREDENTIALS, HEADER_OTHER),
    HEADER("proxy-authorization", HEADER_CREDENTIALS, HEADER_OTHER),
    HEADER("www-authenticate", HEADER_OTHER, HEADER_CHALLENGES),
    HEADER("proxy-authenticate", HEADER_OTHER, HEADER_CHALLENGES),
#undef HEADER
};
enum { HEADERS = sizeof headers / sizeof *headers };

/* One direction of the connection: the callbacks serve both. */
struct direction {
    struct witness *witness;
    struct http_side *side;
    llhttp_t *parser;
    bool *open;
    char *name, *value;
    uint8_t *name_len, *value_len;
};

static struct direction direction_of(llhttp_t *parser);
static void feed(struct witness *witness, llhttp_t *parser, const char *buf, size_t len);
static bool is_observed(const struct witness *witness);
static bool is_request(const struct direction *to);
static void begin_message(const struct direction *to);
static void end_message(const struct direction *to);
static void note_fault(const struct direction *to);
static void settle(struct witness *witness);
static size_t admit_line(const struct direction *to, const char *buf, size_t len);
static bool admit_start_line_byte(struct http_side *side, bool request, char byte);
static int refuse(const struct direction *to, enum reason reason);

static int on_url_complete(llhttp_t *parser);
static int on_header_field(llhttp_t *parser, const char *at, size_t len);
static int on_header_field_complete(llhttp_t *parser);
static int on_header_value(llhttp_t *parser, const char *at, size_t len);
static int on_header_value_complete(llhttp_t *parser);
static int on_chunk_header(llhttp_t *parser);
static int on_request_headers(llhttp_t *parser);
static int on_response_headers(llhttp_t *parser);
static int on_message_complete(llhttp_t *parser);

static const llhttp_settings_t request_settings = {
    .on_url_complete = on_url_complete,
    .on_header_field = on_header_field,
    .on_header_field_complete = on_header_field_complete,
    .on_header_value = on_header_value,
    .on_header_value_complete = on_header_value_complete,
    .on_headers_complete = on_request_headers,
    .on_chunk_header = on_chunk_header,
    .on_message_complete = on_message_complete,
};

static const llhttp_settings_t response_settings = {
    .on_header_field = on_header_field,
    .on_header_field_complete = on_header_field_complete,
    .on_header_value = on_header_value,
    .on_header_value_complete = on_header_value_complete,
    .on_headers_complete = on_response_headers,
    .on_chunk_header = on_chunk_header,
    .on_message_complete = on_message_complete,
};

/* What a request begins with. PRI is HTTP/2's, which on_url_complete() names. */
static const char *const methods[] = {
#define METHOD(number, name, string) #string " ",
    HTTP_METHOD_MAP(METHOD)
#undef METHOD
        "PRI ",
};
enum { METHODS = sizeof methods / sizeof *methods };

static enum recognition begins_with(const char *method, const struct first_bytes *first)
{
    for (uint8_t i = 0; i < first->sent_len; i++) {
        if (method[i] != first->sent[i]) {
            return NOT_MINE;
        }
        if (method[i + 1] == '\0') {
            return MINE;
        }
    }
    return MAYBE_MINE;
}

static enum recognition http_begins(const struct first_bytes *first)
{
    enum recognition best = NOT_MINE;
    if (first->received_len > 0) {
        return NOT_MINE; /* no server answers less than a method */
    }
    for (size_t i = 0; i < METHODS && best != MINE; i++) {
        enum recognition recognition = begins_with(methods[i], first);
        best = recognition > best ? recognition : best;
    }
    return best;
}

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
    .begins = http_begins,
    .opened = http_opened,
    .sent = http_sent,
    .received = http_received,
};

static struct direction direction_of(llhttp_t *parser)
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
    const struct direction to = direction_of(parser);
    while (len > 0 && is_observed(witness)) {
        if (!*to.open && is_request(&to) && witness->http.closing) {
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
        size_t admitted = to.side->in_body ? piece : admit_line(&to, buf, piece);
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

static bool is_request(const struct direction *to)
{
    return to->parser->type == HTTP_REQUEST;
}

static void begin_message(const struct direction *to)
{
    struct http_witness *http = &to->witness->http;
    *to->open = true;
    *to->side = (struct http_side){.start_line = true, .line_begins = true};
    *to->name_len = 0;
    if (is_request(to)) {
        http->request_headers_done = false;
        return;
    }
    http->promised_idle_ms = UINT32_MAX;
    http->promised_uses = UINT32_MAX;
    http->response_early =
        http->outstanding == 1 && http->request_open && http->request_headers_done;
    if (http->outstanding == 0) {
        refuse(to, REASON_MALFORMED); /* unasked for, such as the 408 of an idle connection */
    }
}

static void end_message(const struct direction *to)
{
    struct http_witness *http = &to->witness->http;
    *to->open = false;
    if (!is_request(to) && to->parser->status_code >= HTTP_STATUS_OK) {
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
    refuse(to, !is_request(to) && foreign && first ? REASON_UNKNOWN_PROTOCOL : REASON_MALFORMED);
}

static void settle(struct witness *witness)
{
    const struct http_witness *http = &witness->http;
    bool awaited = http->outstanding > 0 || http->response_open;
    witness->state = WITNESS_BUSY;
    if (http->closing && !awaited) {
        witness->state = WITNESS_CLOSING;
        witness->reason = REASON_ANNOUNCED_CLOSE;
        witness->peer_will_close = !http->request_open && !http->unanswered;
    } else if (http->request_open) {
        witness->reason = REASON_REQUEST_INCOMPLETE;
    } else if (awaited) {
        witness->reason = REASON_RESPONSE_INCOMPLETE;
    } else {
        witness->state = WITNESS_IDLE;
        witness->reason = REASON_NONE;
    }
}

/* How many bytes of this line, or part of one, are as RFC 9112 wants them. llhttp also takes CR and
 * LF before a message, bare LF, folded headers, other versions and protocols, and odd status codes:
 * a peer that does not would see other boundaries than we do. */
static size_t admit_line(const struct direction *to, const char *buf, size_t len)
{
    struct http_side *side = to->side;
    for (size_t i = 0; side->start_line && i < len; i++) {
        if (!admit_start_line_byte(side, is_request(to), buf[i])) {
            return i;
        }
        if (!side->start_line) {
            side->line_begins = true;
            return len; /* the piece ends with the line */
        }
    }
    if (side->start_line) {
        return len;
    }
    if (side->line_begins && (*buf == ' ' || *buf == '\t')) {
        return 0;
    }
    side->line_begins = buf[len - 1] == '\n';
    bool after_cr = len > 1 ? buf[len - 2] == '\r' : side->cr;
    side->cr = buf[len - 1] == '\r';
    return side->line_begins && !after_cr ? len - 1 : len;
}

static bool is_version_byte(uint8_t position, char byte)
{
    if (position == VERSION_LEN - 1) {
        return byte == '0' || byte == '1';
    }
    return position < VERSION_LEN && byte == "HTTP/1."[position];
}

static bool is_start_line_byte(const struct http_side *side, bool request, char byte)
{
    bool control = (unsigned char)byte < ' ' || byte == 0x7f;
    switch (side->word) {
    case 0:
        return request ? (byte >= 'A' && byte <= 'Z') || byte == '-'
                       : is_version_byte(side->word_len, byte);
    case 1:
        return request ? !control : byte >= '0' && byte <= '9' && side->word_len < STATUS_LEN;
    default:
        return request ? is_version_byte(side->word_len, byte) : !control || byte == '\t';
    }
}

static bool end_start_line_word(struct http_side *side, bool request, char end)
{
    static const uint8_t request_words[] = {0, 0, VERSION_LEN}; /* 0: of any length but none */
    static const uint8_t response_words[] = {VERSION_LEN, STATUS_LEN, 0};
    uint8_t exact = request ? request_words[side->word] : response_words[side->word];
    if (end == '\r') {
        side->cr = true;
        return side->word == 2 ? !request || side->word_len == exact
                               : !request && side->word == 1 && side->word_len == exact;
    }
    bool whole = exact == 0 ? side->word_len > 0 : side->word_len == exact;
    side->word++;
    side->word_len = 0;
    return whole;
}

/* METHOD SP target SP HTTP/1.x CRLF, or HTTP/1.x SP 3DIGIT [SP [reason]] CRLF. */
static bool admit_start_line_byte(struct http_side *side, bool request, char byte)
{
    if (side->cr) {
        side->cr = false;
        side->start_line = byte != '\n';
        return byte == '\n';
    }
    if (byte == '\r' || (byte == ' ' && side->word < 2)) {
        return end_start_line_word(side, request, byte);
    }
    if (!is_start_line_byte(side, request, byte)) {
        return false;
    }
    side->word_len += side->word_len < UINT8_MAX;
    return true;
}

static int refuse(const struct direction *to, enum reason reason)
{
    witness_refuse(to->witness, reason);
    return STOP;
}

/* Keeps a word in lower case; a length of `size` says that it did not fit. */
static void append(char *buf, uint8_t *len, uint8_t size, char byte)
{
    if (*len + 1 >= size) {
        *len = size;
        return;
    }
    buf[(*len)++] = byte >= 'A' && byte <= 'Z' ? byte - 'A' + 'a' : byte;
}

static bool is_word(const char *buf, size_t len, const char *word)
{
    return len == strlen(word) && memcmp(buf, word, len) == 0;
}

static bool is_token_byte(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || (byte != '\0' && strchr("!#$%&'*+-.^_`|~", byte));
}

static int on_url_complete(llhttp_t *parser)
{
    const struct direction to = direction_of(parser);
    return parser->method == HTTP_PRI ? refuse(&to, REASON_HTTP2) : 0;
}

static int on_header_field(llhttp_t *parser, const char *at, size_t len)
{
    const struct direction to = direction_of(parser);
    uint8_t name_len = *to.name_len;
    for (size_t i = 0; i < len; i++) {
        append(to.name, &name_len, HTTP_NAME_MAX, at[i]);
    }
    *to.name_len = name_len;
    return 0;
}

static int on_header_field_complete(llhttp_t *parser)
{
    const struct direction to = direction_of(parser);
    if (*to.name_len == 0) {
        return refuse(&to, REASON_MALFORMED);
    }
    to.side->header = HEADER_OTHER;
    for (size_t i = 0; i < HEADERS; i++) {
        if (*to.name_len == headers[i].len &&
            memcmp(to.name, headers[i].name, headers[i].len) == 0) {
            to.side->header = is_request(&to) ? headers[i].request : headers[i].response;
        }
    }
    *to.name_len = 0;
    *to.value_len = 0;
    to.side->comma_due = false;
    if (to.side->header != HEADER_OTHER && (parser->flags & F_TRAILING)) {
        return refuse(&to, REASON_MALFORMED); /* too late to say any of these */
    }
    return to.side->header == HEADER_UPGRADE ? refuse(&to, REASON_UPGRADE) : 0;
}

/* A "timeout=5" or "max=100"; other parameters promise nothing that we know of. */
static int take_promise(const struct direction *to)
{
    struct http_witness *http = &to->witness->http;
    const char *end = to->value + *to->value_len;
    const char *equals = memchr(to->value, '=', *to->value_len);
    const char *name_end = equals == NULL ? end : equals;
    bool timeout = is_word(to->value, name_end - to->value, "timeout");
    if (!timeout && !is_word(to->value, name_end - to->value, "max")) {
        return 0;
    }
    uint32_t count = 0;
    const char *digit = equals == NULL ? end : equals + 1;
    if (digit == end) {
        return refuse(to, REASON_MALFORMED);
    }
    for (; digit < end; digit++) {
        if (*digit < '0' || *digit > '9') {
            return refuse(to, REASON_MALFORMED);
        }
        count = count < COUNT_MAX ? count * 10 + (*digit - '0') : COUNT_MAX;
    }
    if (count == 0) {
        to->side->marks |= MARK_CLOSE;
        return 0;
    }
    /* The peer counts from when it sent, we from when it was read; and a request needs its way. */
    uint32_t idle_ms = count > 1 ? count * 1000 - 1000 : 500;
    uint32_t *promise = timeout ? &http->promised_idle_ms : &http->promised_uses;
    uint32_t promised = timeout ? idle_ms : count;
    *promise = promised < *promise ? promised : *promise;
    return 0;
}

/* Takes the word that was just read to its end. */
static int take_word(const struct direction *to)
{
    struct http_side *side = to->side;
    const char *word = to->value;
    size_t len = *to->value_len;
    switch ((enum http_header)side->header) {
    case HEADER_TRANSFER_ENCODING:
        if (side->marks & MARK_CHUNKED) {
            return refuse(to, REASON_MALFORMED); /* chunked must be the last coding */
        }
        side->marks |= is_word(word, len, "chunked") ? MARK_CHUNKED : 0;
        return 0;
    case HEADER_CONNECTION:
        side->marks |= is_word(word, len, "keep-alive") ? MARK_KEEP_ALIVE : 0;
        side->marks |= is_word(word, len, "upgrade") ? MARK_UPGRADE : 0;
        side->marks |= is_word(word, len, "close") ? MARK_CLOSE : 0;
        return 0;
    case HEADER_PROXY_CONNECTION: /* not a standard one: believed only where it takes away */
        side->marks |= is_word(word, len, "close") ? MARK_CLOSE : 0;
        return 0;
    case HEADER_KEEP_ALIVE:
        return len == HTTP_VALUE_MAX ? refuse(to, REASON_MALFORMED) : take_promise(to);
    case HEADER_CREDENTIALS:
        side->header = HEADER_OTHER; /* the scheme comes first, the rest may be anything */
        /* fall through */
    case HEADER_CHALLENGES:
        side->marks |=
            is_word(word, len, "ntlm") || is_word(word, len, "negotiate") ? MARK_BOUND : 0;
        return 0;
    default:
        return 0;
    }
}

/* Whether this byte of a value stands between words. A list's words stand between commas; the
 * schemes of challenges are found among all their tokens. */
static bool separates(enum http_header header, char byte)
{
    if (header == HEADER_CREDENTIALS || header == HEADER_CHALLENGES) {
        return !is_token_byte(byte);
    }
    return byte == ',' || byte == ' ' || byte == '\t' ||
           (byte == ';' && header == HEADER_KEEP_ALIVE);
}

static int on_header_value(llhttp_t *parser, const char *at, size_t len)
{
    const struct direction to = direction_of(parser);
    for (size_t i = 0; i < len; i++) {
        enum http_header header = to.side->header;
        if (header == HEADER_OTHER || header == HEADER_CONTENT_LENGTH) {
            return 0;
        }
        bool list = header == HEADER_TRANSFER_ENCODING || header == HEADER_CONNECTION ||
                    header == HEADER_PROXY_CONNECTION;
        if (!separates(header, at[i])) {
            if (list && (to.side->comma_due || !is_token_byte(at[i]))) {
                return refuse(&to, REASON_MALFORMED);
            }
            append(to.value, to.value_len, HTTP_VALUE_MAX, at[i]);
            continue;
        }
        if (*to.value_len > 0) {
            int verdict = take_word(&to);
            *to.value_len = 0;
            to.side->comma_due = true;
            if (verdict != 0) {
                return verdict;
            }
        }
        if (at[i] == ',') {
            to.side->comma_due = false;
        }
    }
    return 0;
}

static int on_header_value_complete(llhttp_t *parser)
{
    const struct direction to = direction_of(parser);
    if (*to.value_len > 0 && take_word(&to) != 0) {
        return STOP;
    }
    bool empty_coding =
        to.side->header == HEADER_TRANSFER_ENCODING && !(parser->flags & F_TRANSFER_ENCODING);
    *to.value_len = 0;
    to.side->header = HEADER_OTHER;
    if (to.side->marks & MARK_BOUND) {
        return refuse(&to, REASON_AUTH);
    }
    return empty_coding ? refuse(&to, REASON_MALFORMED) : 0;
}

static int on_chunk_header(llhttp_t *parser)
{
    direction_of(parser).side->in_body = parser->content_length > 0;
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

static int on_request_headers(llhttp_t *parser)
{
    const struct direction to = direction_of(parser);
    struct http_witness *http = &to.witness->http;
    /* SOURCE streams without a length: Icecast's, not HTTP's. */
    if (!is_well_framed(&to) || parser->method == HTTP_SOURCE) {
        return refuse(&to, REASON_MALFORMED);
    }
    if (parser->method == HTTP_CONNECT || (to.side->marks & MARK_UPGRADE)) {
        return refuse(&to, REASON_UPGRADE);
    }
    if (http->outstanding == HTTP_PIPELINE_MAX) {
        return refuse(&to, REASON_NO_MEMORY);
    }
    if (http->closing) {
        http->unanswered = true;
    } else {
        http->head[http->outstanding++] = parser->method == HTTP_HEAD;
    }
    if (parser->http_minor == 0) {
        http->explicit_keep_alive = true;
    }
    if ((to.side->marks & MARK_CLOSE) ||
        (parser->http_minor == 0 && !(to.side->marks & MARK_KEEP_ALIVE))) {
        http->closing = true;
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
    uint8_t marks = to->side->marks;
    if (http->promised_idle_ms != UINT32_MAX) {
        witness->idle_limit_ms = http->promised_idle_ms;
    }
    if (http->promised_uses != UINT32_MAX) {
        witness->uses_left = http->promised_uses;
    } else if (witness->uses_left != UINT32_MAX) {
        witness->uses_left--; /* an earlier promise, and this exchange used one of it */
    }
    bool silent = to->parser->http_minor == 1 && !http->explicit_keep_alive;
    bool persists = silent || (marks & MARK_KEEP_ALIVE);
    if (!persists || (marks & MARK_CLOSE) || witness->uses_left == 0) {
        http->closing = true;
        http->unanswered |= http->outstanding > 1;
        http->outstanding = 1;
    }
}

static int on_response_headers(llhttp_t *parser)
{
    const struct direction to = direction_of(parser);
    struct http_witness *http = &to.witness->http;
    uint16_t status = parser->status_code;
    bool framed = (parser->flags & F_TRANSFER_ENCODING) || parser->content_length > 0;
    bool interim = status < HTTP_STATUS_OK;
    bool empty = interim || status == HTTP_STATUS_NO_CONTENT;
    if (!is_well_framed(&to) || status < 100 || status > 599 || (empty && framed)) {
        return refuse(&to, REASON_MALFORMED);
    }
    to.witness->confirmed = true;
    if (status == HTTP_STATUS_SWITCHING_PROTOCOLS) {
        return refuse(&to, REASON_UPGRADE);
    }
    if (interim) {
        http->closing |= (to.side->marks & MARK_CLOSE) != 0;
        return 1; /* llhttp: no content */
    }
    if (http->response_early) {
        return refuse(&to, REASON_MALFORMED);
    }
    take_persistence(&to);
    if (empty || http->head[0] || status == HTTP_STATUS_NOT_MODIFIED) {
        return 1;
    }
    if (!(parser->flags & (F_CHUNKED | F_CONTENT_LENGTH))) {
        to.witness->state = WITNESS_CLOSING; /* the content ends with the connection */
        to.witness->reason = REASON_ANNOUNCED_CLOSE;
        return STOP;
    }
    begin_body(&to);
    return 0;
}

static int on_message_complete(llhttp_t *parser)
{
    (void)parser;
    return HPE_PAUSED;
}
