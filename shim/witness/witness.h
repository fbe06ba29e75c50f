/* SPDX-License-Identifier: MIT
 * The witness: it sees a connection's bytes both ways and says whether the exchange is over. */
#ifndef TWPOOL_SHIM_WITNESS_H
#define TWPOOL_SHIM_WITNESS_H

#include "../reason.h"
#include "../rule.h"
#include "fit.h"
#include "tunnel.h"
#include "turns.h"

#include <llhttp/llhttp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum witness_state {
    WITNESS_IDLE,    /* every exchange is over and was read to its end: may be parked */
    WITNESS_BUSY,    /* nothing was sent yet, or a request or a response is under way */
    WITNESS_CLOSING, /* one side announced the close: never to be parked */
    WITNESS_PRIVATE  /* not understood, or not shareable: never to be parked; this is for good */
};

struct witness;

/* The bytes of a connection whose protocol is not known yet: as many as it takes to know. When both
 * lengths are not 0, all the bytes of the side that spoke first came before those of the other. */
enum { FIRST_SENT_MAX = 20, FIRST_RECEIVED_MAX = 8 };
struct first_bytes {
    uint8_t sent_len, received_len;
    bool server_first; /* something was received before anything was sent */
    char sent[FIRST_SENT_MAX], received[FIRST_RECEIVED_MAX];
};

/* One protocol, one file. Every function is async-signal-safe, allocates nothing, and is called by
 * one thread at a time (the caller holds the connection's witness lock). None is called again for a
 * witness that is PRIVATE. */
struct witness_protocol {
    const char *name;
    /* The bytes of a response say where it ends: what the application left of one may be read for
     * it when it closes. */
    bool finds_ends;
    /* Whether a connection that begins so speaks this protocol, asked after each byte; NULL: it is
     * not looked for. Once it says MINE, the same bytes come again, after opened(). */
    enum recognition (*begins)(const struct first_bytes *first);
    /* A connection was opened: nothing was sent or received on it yet. */
    void (*opened)(struct witness *witness);
    /* len > 0 bytes that the kernel took from, or gave to, the application. */
    void (*sent)(struct witness *witness, const char *buf, size_t len);
    void (*received)(struct witness *witness, const char *buf, size_t len);
    /* A wait or a read on this connection ended by its time-out. NULL where it does not matter. */
    void (*timed_out)(struct witness *witness);
};

extern const struct witness_protocol witness_http, witness_raw, witness_redis, witness_sniff,
    witness_mysql, witness_postgresql, witness_memcached, witness_dns, witness_fastcgi,
    witness_lines, witness_frame;

/* The most requests that may be outstanding on one HTTP connection: clients that pipeline send a
 * handful; beyond this the connection becomes private. */
enum { HTTP_PIPELINE_MAX = 16 };
/* Enough for the longest header name that the witness cares for ("proxy-authentication-info", 25),
 * and for the first word, or the few parameters, of its value. */
enum { HTTP_NAME_MAX = 32, HTTP_VALUE_MAX = 64 };

/* Of one direction: what llhttp does not keep of the message under way, or would let pass. */
struct http_side {
    bool start_line;        /* the request or status line is not over */
    uint8_t word, word_len; /* where in it: the word, and the bytes of that word so far */
    bool line_begins;       /* the next byte is the first of a line */
    bool cr;                /* the last byte was a CR */
    bool in_body;           /* the next content_length bytes are content or chunk data, not lines */
    uint8_t header;         /* what the header being read is to us */
    uint8_t marks;          /* what the header block has said so far */
    bool comma_due;         /* a list element has ended, another may only follow a comma */
};

struct http_witness {
    llhttp_t request, response;
    struct http_side request_side, response_side;
    /* Requests whose header block is complete and whose final response is not, oldest first; true
     * for HEAD, whose response has no body whatever its headers say. */
    bool head[HTTP_PIPELINE_MAX];
    uint8_t outstanding;
    bool request_open, response_open; /* inside a message: a byte of it was seen, its end was not */
    bool request_headers_done;
    bool closing;             /* no further request will be answered */
    bool announced;           /* and that was said, not only concluded from a silence */
    bool unanswered;          /* and bytes were sent that it leaves without an answer */
    bool explicit_keep_alive; /* a request was HTTP/1.0: to persist must be said in so many words */
    bool response_early;      /* the response under way began before its request was sent whole */
    uint32_t promised_idle_ms, promised_uses; /* Keep-Alive of that response, UINT32_MAX = none */
    /* The header being read on each side: its name, and the word of its value that is being read,
     * both lower-cased. A length of the full size says that it was longer. */
    char request_name[HTTP_NAME_MAX], response_name[HTTP_NAME_MAX];
    char request_value[HTTP_VALUE_MAX], response_value[HTTP_VALUE_MAX];
    uint8_t request_name_len, response_name_len, request_value_len, response_value_len;
};

/* Enough for Redis's longest command names, and the words that decide what some of them do. */
enum { REDIS_WORDS = 2, REDIS_WORD_MAX = 24 };
/* Replies within replies: COMMAND DOCS of Redis 7 nests twelve deep. */
enum { REDIS_DEPTH_MAX = 16 };
enum { RESP_DIGITS_MAX = 19 }; /* of a 64-bit integer */

struct resp_number {
    uint64_t value; /* without its sign */
    uint8_t digits;
    bool negative;
};

struct redis_request {
    uint8_t state;
    uint8_t argument; /* the one being read, REDIS_WORDS for all that nobody looks at */
    bool inline_allowed;
    struct resp_number number;
    uint32_t arguments_left, content_left;
    uint8_t word_len[REDIS_WORDS];
    char word[REDIS_WORDS][REDIS_WORD_MAX];
};

struct redis_level {
    uint32_t elements_left;
    bool attributes; /* they precede a value and are none themselves */
};

struct redis_reply {
    uint8_t state, depth;
    char type;       /* of the value being read */
    bool line_begun; /* its line has a byte */
    uint8_t error_len;
    char error[28]; /* the beginning of a reply that is an error: enough for last_words */
    struct resp_number number;
    uint32_t content_left;
    struct redis_level levels[REDIS_DEPTH_MAX];
};

struct redis_witness {
    struct redis_request request;
    struct redis_reply reply;
    uint32_t outstanding; /* whole requests whose reply is not whole; QUIT's is not counted */
    bool closing;         /* QUIT was sent, or the server's last words were read */
    bool unanswered;      /* and bytes were sent that will not be answered */
};

/* Of `lines` and `frame`. */
struct counted_witness {
    struct frame frame;
    struct turns turns;
    struct tunnel tunnel;
};

/* Of the two protocols that follow, only what the client sends: where its messages end, so that its
 * goodbye is known as one. They never say IDLE. */
struct mysql_witness {
    uint32_t payload_left; /* of the packet under way, behind what head holds */
    uint8_t head[8];       /* its header, and what of its payload matters */
    uint8_t head_len, head_end;
    uint8_t sequence; /* of the last packet */
    bool logged_in;   /* the first packet was sent, to its flags */
    bool continued;   /* the last packet was of the full size: the next belongs to it */
    bool answer_due;  /* nothing was received since what wants an answer was sent */
};

enum postgresql_phase {
    POSTGRESQL_OPENING,    /* a packet without a type is due: a request, or the startup */
    POSTGRESQL_ANSWER_DUE, /* encryption was asked for, and one byte has to answer */
    POSTGRESQL_SESSION,    /* messages with a type */
    POSTGRESQL_GOODBYE     /* the last message has begun: Terminate, or CancelRequest */
};

struct postgresql_witness {
    enum postgresql_phase phase;
    uint32_t left; /* of the message under way, behind what head holds */
    char head[8];
    uint8_t head_len;
    bool answer_due; /* nothing was received since what wants an answer was sent */
};

/* memcached's longest command that is known ("cache_memlimit", 14), and its longest last word that
 * matters ("noreply", 7). */
enum { MEMCACHED_FIRST_MAX = 16, MEMCACHED_LAST_MAX = 8 };

/* One direction of the text protocol: the line under way, or the last one. */
struct memcached_text {
    char first[MEMCACHED_FIRST_MAX], last[MEMCACHED_LAST_MAX]; /* words, as far as they fit */
    uint8_t first_len, last_len;                               /* as far as a byte can count */
    uint8_t words;     /* that have begun, as far as a byte can count */
    uint8_t length_at; /* which word, from 1, is the length of the data that follow; 0: none is */
    uint8_t sentence;  /* the bytes that it has in common with memcached's "too large" */
    bool cr, space;    /* the last byte was one */
    bool has_length;
    bool asks_quiet; /* a word behind the key begins with q, a meta command's flag */
    bool number;     /* it is digits up to here */
    bool in_data;
    uint32_t len; /* of the line */
    uint32_t length;
    uint32_t left; /* of the data, their CR LF included */
};

enum { MEMCACHED_HEADER_LEN = 24 };

/* One direction of the binary protocol. */
struct memcached_binary {
    uint8_t head[MEMCACHED_HEADER_LEN];
    uint8_t head_len;
    bool in_body;
    uint32_t left; /* of what follows the header */
};

/* Alike requests in a row, whose answers are due. */
struct memcached_run {
    uint8_t kind, after; /* memcached.h says of what answer, and after what quiet commands */
    uint32_t count;
};
enum { MEMCACHED_RUNS = 16 }; /* bulk loaders pipeline thousands of sets, but all alike */

struct memcached_witness {
    bool begun, binary;
    union {
        struct memcached_text text;
        struct memcached_binary binary;
    } request, reply;
    struct memcached_run runs[MEMCACHED_RUNS]; /* the oldest first */
    uint8_t run_count;
    uint8_t quiet;        /* enum memcached_quiet: what was sent and is not proved to be over */
    bool request_open;    /* a byte of a request was sent, its end was not */
    bool reply_open;      /* a byte of an item was read, its end was not */
    bool reply_begun;     /* the answer that is due has begun with a whole item */
    bool quit;            /* was sent: memcached reads nothing after it */
    uint32_t opaque_owed; /* those of the requests less those of the answers, modulo 2^32 */
};

/* Questions that are asked and not answered. Resolvers that pipeline ask for a handful. */
enum { DNS_OUTSTANDING_MAX = 64 };

struct dns_message {
    uint8_t head[14], head_len; /* the length and the header */
    uint16_t left;              /* of the message, behind these */
};

struct dns_witness {
    struct dns_message query, reply;
    uint8_t name_len, label_left, type_len; /* of the question under way */
    bool name_over, question_over;
    uint8_t type[4]; /* and class */
    uint8_t outstanding;
    uint16_t ids[DNS_OUTSTANDING_MAX];
};

/* Requests under way at once; no server that is known multiplexes at all. */
enum { FASTCGI_REQUESTS_MAX = 8 };
enum { FASTCGI_HEAD_LEN = 8, FASTCGI_BODY_LEN = 8 /* of those that begin and end a request */ };

struct fastcgi_record {
    uint8_t head[FASTCGI_HEAD_LEN], body[FASTCGI_BODY_LEN];
    uint8_t head_len, body_len; /* of the body no more is kept than there is room for */
    uint32_t left;              /* of the content and its padding */
};

struct fastcgi_request {
    uint16_t id;
    bool parameters_over, input_over;
};

struct fastcgi_witness {
    struct fastcgi_record request, reply;
    struct fastcgi_request requests[FASTCGI_REQUESTS_MAX]; /* begun and not ended, in no order */
    uint8_t request_count;
    uint8_t values_due; /* questions about the server itself, not answered */
    bool closing;       /* a request was begun after which the server closes */
};

struct witness {
    const struct witness_protocol *protocol;
    enum witness_state state;
    enum reason reason;     /* why the state is not IDLE; REASON_NONE when it is */
    uint32_t idle_limit_ms; /* what the peer promised (Keep-Alive: timeout=), 0 = nothing */
    uint32_t uses_left;     /* further requests that the peer will take, UINT32_MAX = no limit */
    /* Nothing is under way, and the peer is about to close: a goodbye was sent whole with no answer
     * due, or a close was announced and the exchange is over. Then the state is CLOSING or PRIVATE,
     * and a close of ours may wait for the peer's. Bytes that are sent after it make it false
     * again. */
    bool peer_will_close;
    bool sniffing;  /* the rule is `auto` and the first bytes have not told the protocol yet */
    bool sniffed;   /* the protocol was recognised, not named by a rule */
    bool confirmed; /* a first response has confirmed the protocol */
    bool fitting;   /* fit follows the connection, should its protocol prove to be unknown */
    struct fit fit;
    union {
        struct first_bytes first; /* while sniffing */
        struct http_witness http;
        struct redis_witness redis;
        struct tunnel raw;
        struct counted_witness counted;
        struct mysql_witness mysql;
        struct postgresql_witness postgresql;
        struct memcached_witness memcached;
        struct dns_witness dns;
        struct fastcgi_witness fastcgi;
    };
};

/* Starts the witness that the rule asks for, for a connection just opened. RULE_AUTO looks at the
 * first bytes. RULE_CLEAN (and RULE_OFF) starts one that is PRIVATE from the beginning. */
void witness_open(struct witness *witness, struct rule_choice choice);

/* Bytes that the kernel took or gave; len 0 is allowed and does nothing. The verdict never depends
 * on how the bytes were split. */
void witness_sent(struct witness *witness, const void *buf, size_t len);
void witness_received(struct witness *witness, const void *buf, size_t len);
void witness_timed_out(struct witness *witness);

/* The same bytes again, for the witness that they are handed over to. */
void witness_pass_sent(struct witness *witness, const void *buf, size_t len);
void witness_pass_received(struct witness *witness, const void *buf, size_t len);

/* Of a connection under RULE_AUTO whose protocol is unknown: the rules that it has fitted. */
fits witness_fits(const struct witness *witness);

/* PRIVATE with this reason, unless it is PRIVATE already: the first reason is kept. */
void witness_refuse(struct witness *witness, enum reason reason);

#endif
