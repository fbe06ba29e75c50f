/* SPDX-License-Identifier: MIT
 * The lines of HTTP/1.x: what begins a connection, and which lines are as RFC 9112 wants them. */
#include "http.h"

#include <string.h>

enum { VERSION_LEN = 8 }; /* "HTTP/1.1" */
enum { STATUS_LEN = 3 };  /* "200" */

static enum recognition may_be_nats(const struct first_bytes *first);
static bool admit_start_line_byte(struct http_side *side, bool request, char byte);

/* What a request begins with. PRI is HTTP/2's, which on_url_complete() names. */
static const char *const methods[] = {
#define METHOD(number, name, string) #string " ",
    HTTP_METHOD_MAP(METHOD)
#undef METHOD
        "PRI ",
};
enum { METHODS = sizeof methods / sizeof *methods };
static const char nats[] = "CONNECT {";

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

enum recognition http_begins(const struct first_bytes *first)
{
    enum recognition best = NOT_MINE;
    if (first->received_len > 0) {
        return NOT_MINE; /* no server answers less than a method */
    }
    for (size_t i = 0; i < METHODS && best != MINE; i++) {
        enum recognition recognition = begins_with(methods[i], first);
        best = recognition > best ? recognition : best;
    }
    return best == MINE && begins_with(nats, first) != NOT_MINE ? may_be_nats(first) : best;
}

/* Of NATS, too, a client begins with CONNECT and a space, and then an object: one more byte tells.
 */
static enum recognition may_be_nats(const struct first_bytes *first)
{
    return first->sent_len < sizeof nats - 1 ? MAYBE_MINE : NOT_MINE;
}

/* How many bytes of this line, or part of one, are as RFC 9112 wants them. llhttp also takes CR and
 * LF before a message, bare LF, folded headers, other versions and protocols, and odd status codes:
 * a peer that does not would see other boundaries than we do. */
size_t http_admit_line(const struct direction *to, const char *buf, size_t len)
{
    struct http_side *side = to->side;
    for (size_t i = 0; side->start_line && i < len; i++) {
        if (!admit_start_line_byte(side, http_is_request(to), buf[i])) {
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
