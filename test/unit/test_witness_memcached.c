/* SPDX-License-Identifier: MIT
 * What the memcached witness makes of connections in both protocols, however their bytes are split.
 */
#include "sessions.h"

#include <stdio.h>

enum { SEED = 20030522 }; /* the date of memcached's first release */

#define ONE(request, reply)                                                                        \
    {                                                                                              \
        {SENT(request), RECEIVED(reply)}, IDLE                                                     \
    }
#define GET_ANSWERED SENT("get a\r\n"), RECEIVED("END\r\n")

static const struct session text_sessions[] = {
    /* Retrieval. */
    ONE("get a\r\n", "END\r\n"),
    ONE("get a\r\n", "VALUE a 0 1\r\nx\r\nEND\r\n"),
    ONE("get a b  c \r\n", "VALUE a 0 0\r\n\r\nVALUE c 7 7\r\nEND\r\n\r\n\r\nEND\r\n"),
    ONE("gets a\n", "VALUE a 0 1 77\r\nx\r\nEND\r\n"),
    ONE("gat 60 a b\r\n", "VALUE b 0 1\r\nx\r\nEND\r\n"),
    ONE("gats 60 a\r\n", "END\r\n"),
    ONE("get noreply\r\n", "END\r\n"),
    ONE("get a noreply\r\n", "END\r\n"),
    ONE("get a q\r\n", "END\r\n"),
    ONE("get \xc3\xbc\r\n", "END\r\n"),
    /* Storage. */
    ONE("set a 0 0 1\r\nx\r\n", "STORED\r\n"),
    ONE("set a 0 0 0\r\n\r\n", "STORED\r\n"),
    ONE("set a 0 -1 10\r\nx\r\nget b\r\n\r\n", "STORED\r\n"),
    ONE("add a 0 0 1\nx\r\n", "NOT_STORED\r\n"),
    ONE("replace a 0 0 1\r\nx\r\n", "NOT_STORED\r\n"),
    ONE("append a 0 0 1\r\nx\r\n", "STORED\r\n"),
    ONE("prepend a 0 0 1\r\nx\r\n", "STORED\r\n"),
    ONE("cas a 0 0 1 77\r\nx\r\n", "EXISTS\r\n"),
    ONE("cas a 0 0 1 77\r\nx\r\n", "NOT_FOUND\r\n"),
    ONE("set a 0 0 4\r\nquit\r\n", "SERVER_ERROR object too large for cache\r\n"),
    /* The others. */
    ONE("delete a\r\n", "DELETED\r\n"),
    ONE("delete a 0\r\n", "NOT_FOUND\r\n"),
    ONE("incr a 1\r\n", "18446744073709551615\r\n"),
    ONE("decr a 1\r\n", "0\r\n"),
    ONE("incr a 1\r\n", "NOT_FOUND\r\n"),
    ONE("touch a 60\r\n", "TOUCHED\r\n"),
    ONE("touch a 60\r\n", "NOT_FOUND\r\n"),
    ONE("stats\r\n", "STAT pid 1\r\nSTAT x \r\nEND\r\n"),
    ONE("stats items\r\n", "END\r\n"),
    ONE("stats cachedump 1 5\r\n", "ITEM a [1 b; 0 s]\r\nEND\r\n"),
    ONE("stats detail dump\r\n", "PREFIX p get 1\r\nEND\r\n"),
    ONE("stats reset\r\n", "RESET\r\n"),
    ONE("version\r\n", "VERSION 1.6.18\r\n"),
    {{GET_ANSWERED, SENT("stats detail on\r\n"), RECEIVED("OK\r\n")}, IDLE},
    {{GET_ANSWERED, SENT("flush_all\r\n"), RECEIVED("OK\r\n")}, IDLE},
    {{GET_ANSWERED, SENT("flush_all 5\r\n"), RECEIVED("OK\r\n")}, IDLE},
    {{GET_ANSWERED, SENT("verbosity 1\r\n"), RECEIVED("OK\r\n")}, IDLE},
    {{GET_ANSWERED, SENT("cache_memlimit 64\r\n"), RECEIVED("OK\r\n")}, IDLE},
    {{GET_ANSWERED, SENT("lru mode flat\r\n"), RECEIVED("OK\r\n")}, IDLE},
    {{GET_ANSWERED, SENT("slabs reassign 1 2\r\n"), RECEIVED("OK\r\n")}, IDLE},
    ONE("slabs automove 1\r\n", "BUSY currently processing reassign request\r\n"),
    ONE("slabs reassign 1 2\r\n", "BADCLASS invalid src or dst class id\r\n"),
    ONE("slabs reassign 1 2\r\n", "NOSPARE source class has no spare pages\r\n"),
    ONE("slabs reassign 1 2\r\n", "NOTFULL x\r\n"),
    ONE("slabs reassign 1 2\r\n", "UNSAFE x\r\n"),
    ONE("slabs reassign 1 1\r\n", "SAME src and dst class are identical\r\n"),
    {{GET_ANSWERED, SENT("incr a 1\r\n"),
      RECEIVED("CLIENT_ERROR cannot increment or decrement non-numeric value\r\n")},
     IDLE},
    {{GET_ANSWERED, SENT("flush_all\r\n"), RECEIVED("CLIENT_ERROR flush_all not allowed\r\n")},
     IDLE},
    {{GET_ANSWERED, SENT("mg a v\r\n"), RECEIVED("ERROR\r\n")}, IDLE},
    /* Meta commands. */
    ONE("mg a\r\n", "HD\r\n"),
    ONE("mg a v t\r\n", "VA 4 t-1\r\nHD\r\n\r\n"),
    ONE("mg a v\r\n", "VA 0\r\n\r\n"),
    ONE("mg q v\r\n", "EN\r\n"),
    ONE("ms a 4 T0\r\nquit\r\n", "HD\r\n"),
    ONE("ms a 1 c\r\nx\r\n", "HD c5\r\n"),
    ONE("ms a 1 C5\r\nx\r\n", "EX\r\n"),
    ONE("ms a 1 ME\r\nx\r\n", "NS\r\n"),
    ONE("ms a 1\r\nx\r\n", "SERVER_ERROR object too large for cache\r\n"),
    ONE("md a\r\n", "NF\r\n"),
    ONE("ma a v\r\n", "VA 1\r\n5\r\n"),
    ONE("me a\r\n", "ME a exp=-1 la=2\r\n"),
    ONE("me a\r\n", "EN\r\n"),
    ONE("mn\r\n", "MN\r\n"),
    /* Pipelines. */
    ONE("get a\r\nset b 0 0 1\r\nx\r\nget c\r\n", "END\r\nSTORED\r\nVALUE c 0 1\r\nx\r\nEND\r\n"),
    {{SENT("set b 0 0 1\r\nx\r\nset c 0 0 1\r\nx\r\n"), RECEIVED("STORED\r\n"),
      SENT("set d 0 0 1\r\nx\r\n"), RECEIVED("STORED\r\nSTORED\r\n")},
     IDLE},
    {{SENT("get a\r\nget b\r\n"), RECEIVED("END\r\n")}, UNREAD},
    {{SENT("get a\r\nset b 0 0 1\r\n"), RECEIVED("END\r\n")}, UNSENT},
    {{SENT("get a\r\nset b 0 0 1\r\n"), RECEIVED("END\r\n"), SENT("x\r\n"), RECEIVED("STORED\r\n")},
     IDLE},
    {{GET_ANSWERED, GET_ANSWERED, GET_ANSWERED}, IDLE},
    {{SENT("get a\r\nversion\r\n"), RECEIVED("VERSION 1\r\nEND\r\n")}, FOREIGN},
    {{SENT("get 1\r\nget 2\r\nmn\r\nget 3\r\nmn\r\nget 4\r\nmn\r\nget 5\r\nmn\r\nget 6\r\nmn\r\n"
           "get 7\r\nmn\r\nget 8\r\nmn\r\nget 9\r\nmn\r\n")},
     UNREAD},
    {{SENT("get 1\r\nget 2\r\nmn\r\nget 3\r\nmn\r\nget 4\r\nmn\r\nget 5\r\nmn\r\nget 6\r\nmn\r\n"
           "get 7\r\nmn\r\nget 8\r\nmn\r\nget 9\r\nmn\r\nget 10\r\n")},
     PRIVATE(NO_MEMORY)},
    /* No answer was asked for; an error may come all the same. */
    {{SENT("set a 0 0 1 noreply\r\nx\r\n")}, BUSY(QUIET)},
    {{SENT("delete a noreply\r\n")}, BUSY(QUIET)},
    {{SENT("delete a 0 noreply\r\n")}, BUSY(QUIET)},
    {{SENT("incr a 1 noreply\r\n")}, BUSY(QUIET)},
    {{SENT("touch a 1 noreply\r\n")}, BUSY(QUIET)},
    {{SENT("cas a 0 0 1 7 noreply\r\nx\r\n")}, BUSY(QUIET)},
    {{SENT("flush_all noreply\r\n")}, BUSY(QUIET)},
    {{SENT("flush_all 0 noreply\r\n")}, BUSY(QUIET)},
    {{SENT("verbosity 1 noreply\r\n")}, BUSY(QUIET)},
    {{SENT("delete noreply\r\n")}, UNREAD},
    {{SENT("set a 0 0 1 noreply\r\nx\r\nget b\r\n"), RECEIVED("END\r\n")}, IDLE},
    {{SENT("set a 0 0 1 noreply\r\nx\r\nversion\r\n"), RECEIVED("VERSION 1\r\n")}, IDLE},
    {{SENT("set a 0 0 1 noreply\r\nx\r\nmn\r\n"), RECEIVED("MN\r\n")}, IDLE},
    {{SENT("set a 0 0 1 noreply\r\nx\r\nget b\r\n")}, UNREAD},
    {{SENT("set a 0 0 1 noreply\r\nx\r\nget b\r\nset c 0 0 1 noreply\r\nx\r\n"),
      RECEIVED("END\r\n")},
     BUSY(QUIET)},
    {{SENT("set a 0 0 1 noreply\r\nx\r\nset b 0 0 1\r\nx\r\n"), RECEIVED("STORED\r\n")},
     BUSY(QUIET)},
    {{SENT("set a 0 0 1 noreply\r\nx\r\nset b 0 0 1\r\nx\r\nget c\r\n"),
      RECEIVED("STORED\r\nEND\r\n")},
     IDLE},
    {{SENT("set a 0 0 1 noreply\r\nx\r\n"), RECEIVED("S")}, PRIVATE(QUIET)},
    {{SENT("set a 0 0 9 noreply\r\n123456789\r\nset b 0 0 1\r\nx\r\n"),
      RECEIVED("SERVER_ERROR object too large for cache\r\nSTORED\r\n")},
     PRIVATE(QUIET)},
    {{SENT("set a 0 0 1 noreply\r\nx\r\nincr b 1\r\n"), RECEIVED("CLIENT_ERROR x\r\n")},
     PRIVATE(QUIET)},
    {{GET_ANSWERED, SENT("set a 0 0 1 noreply\r\nx\r\nstats\r\n"), RECEIVED("ERROR\r\n")},
     PRIVATE(QUIET)},
    {{SENT("incr a 1\r\nset b 0 0 1 noreply\r\nx\r\nincr c 1\r\n"),
      RECEIVED("1\r\nCLIENT_ERROR x\r\n")},
     PRIVATE(QUIET)},
    {{SENT("mg a v q\r\n")}, BUSY(QUIET)},
    {{SENT("mg a v q\r\n"), RECEIVED("VA 1\r\nx\r")}, UNREAD},
    {{SENT("mg a v q\r\nmg b q\r\nmn\r\n"), RECEIVED("MN\r\n")}, IDLE},
    {{SENT("mg a v q\r\nmg b q\r\nmn\r\n"), RECEIVED("VA 2\r\nMN\r\nHD\r\nMN\r\n")}, IDLE},
    {{SENT("mg a v q\r\n"), RECEIVED("VA 1\r\nx\r\n")}, BUSY(QUIET)},
    {{SENT("mg a v q\r\n"), RECEIVED("VA 1\r\nx\r"), SENT("mn\r\n"), RECEIVED("\nMN\r\n")}, IDLE},
    {{SENT("mg a v q\r\n"), RECEIVED("VA 1\r\nx\r"), SENT("mn\r\n")}, UNREAD},
    {{SENT("mg a v q\r\nmn\r\n"), RECEIVED("VA 1\r\nx\r\n")}, UNREAD},
    {{SENT("ms a 1 q\r\nx\r\nget b\r\n"), RECEIVED("NS\r\nVALUE b 0 1\r\nx\r\nEND\r\n")}, IDLE},
    {{SENT("ms a 1 q\r\nx\r\nget b\r\n"), RECEIVED("VALUE b 0 1\r\nx\r\nNS\r\nEND\r\n")},
     PRIVATE(QUIET)},
    {{SENT("mg a v q\r\nmg b\r\n")}, PRIVATE(QUIET)},
    {{SENT("mg a v q\r\nset b 0 0 1\r\nx\r\n")}, PRIVATE(QUIET)},
    {{SENT("mg a v q\r\nset b 0 0 1 noreply\r\nx\r\nmg c\r\n")}, PRIVATE(QUIET)},
    {{SENT("md a q\r\n"), RECEIVED("END\r\n")}, PRIVATE(QUIET)},
    {{SENT("ma a q\r\nmn\r\n"), RECEIVED("CLIENT_ERROR x\r\nMN\r\n")}, PRIVATE(QUIET)},
    /* The goodbye. */
    {{SENT("quit\r\n")}, UNHEARD},
    {{SENT("quit\n")}, UNHEARD},
    {{GET_ANSWERED, SENT("quit\r\n")}, GOODBYE},
    {{GET_ANSWERED, SENT("quit\n")}, GOODBYE},
    {{SENT("get a\r\nquit\r\n"), RECEIVED("END\r\n")}, GOODBYE},
    {{SENT("get a\r\nquit\r\n"), RECEIVED("END\r")}, UNREAD},
    {{SENT("get a\r\nquit\r\n")}, UNREAD},
    {{SENT("set quit 0 0 6\r\nquit\r\n\r\n")}, UNREAD},
    {{SENT("set quit 0 0 6\r\nquit\r\n\r\nquit\r\n")}, UNREAD},
    {{GET_ANSWERED, SENT("set a 0 0 1 noreply\r\nx\r\nquit\r\n")}, UNHEARD},
    {{GET_ANSWERED, SENT("mg a q\r\nquit\r\n")}, UNHEARD},
    {{GET_ANSWERED, SENT("mg a q\r\nquit\r\n"), RECEIVED("HD\r\n")}, UNHEARD},
    {{
         SENT("quit"),
     },
     WITNESS_BUSY,
     REASON_REQUEST_INCOMPLETE,
     REASON_REQUEST_INCOMPLETE,
     false},
    {{GET_ANSWERED, SENT("quit\r")}, UNSENT},
    {{GET_ANSWERED, SENT("quit now\r\n")}, PRIVATE(MALFORMED)},
    {{GET_ANSWERED, SENT("quit \r\n")}, PRIVATE(MALFORMED)},
    {{GET_ANSWERED, SENT(" quit\r\n")}, PRIVATE(MALFORMED)},
    {{GET_ANSWERED, SENT("quitq\r\n")}, PRIVATE(STATE)},
    {{GET_ANSWERED, SENT("quit\r\nget a\r\n")}, PRIVATE(MALFORMED)},
    {{GET_ANSWERED, SENT("quit\r\n"), SENT("\n")}, PRIVATE(MALFORMED)},
    {{GET_ANSWERED, SENT("quit\r\n"), RECEIVED("ERROR\r\n")}, GOODBYE},
    /* Not over yet. */
    {{SENT("get a\r\n")}, UNREAD},
    {{SENT("get a\r")}, UNSENT},
    {{SENT("set a 0 0 6\r\nquit\r\n")}, UNSENT},
    {{SENT("ms a 6 T0\r\nquit\r\n")}, UNSENT},
    {{SENT("cas a 0 0 6 77\r\nquit\r\n")}, UNSENT},
    {{SENT("set a 0 0 1073741824\r\nquit\r\n")}, UNSENT},
    {{SENT("get a\r\n"), RECEIVED("VALUE a 0 5\r\nEND\r\n")}, UNREAD},
    {{SENT("get a\r\n"), RECEIVED("VALUE a 0 1\r\nx\r\n")}, UNREAD},
    {{SENT("get a\r\n"), RECEIVED("VALUE a 0 1073741824\r\n")}, UNREAD},
    {{SENT("stats\r\n"), RECEIVED("STAT a 1\r\n")}, UNREAD},
    {{GET_ANSWERED, SENT("g")}, UNSENT},
    /* What leaves something behind, or may. */
    {{GET_ANSWERED, SENT("watch fetchers\r\n"), RECEIVED("OK\r\n")}, PRIVATE(STATE)},
    {{GET_ANSWERED, SENT("shutdown\r\n")}, PRIVATE(STATE)},
    {{GET_ANSWERED, SENT("lru_crawler metadump all\r\n")}, PRIVATE(STATE)},
    {{GET_ANSWERED, SENT("GET a\r\n")}, PRIVATE(STATE)},
    {{GET_ANSWERED, SENT("getx a\r\n")}, PRIVATE(STATE)},
    {{GET_ANSWERED, SENT("ge a\r\n")}, PRIVATE(STATE)},
    {{GET_ANSWERED, SENT("cache_memlimit_and_more 1\r\n")}, PRIVATE(STATE)},
    {{SENT("get a\r\nwatch\r\n")}, PRIVATE(STATE)},
    /* Requests that are not memcached's, or leave it out of step. */
    {{SENT("get\r\n")}, FOREIGN},
    {{SENT("gat 60\r\n")}, FOREIGN},
    {{SENT("set\r\n")}, FOREIGN},
    {{SENT("set a b\r\n")}, FOREIGN},
    {{SENT("set a 0 0\r\n")}, FOREIGN},
    {{SENT("set a 0 0 1 2\r\nx\r\n")}, FOREIGN},
    {{SENT("set a 0 0 1 2 noreply\r\nx\r\n")}, FOREIGN},
    {{SENT("set a 0 0 six\r\n")}, FOREIGN},
    {{SENT("set a 0 0 -6\r\n")}, FOREIGN},
    {{SENT("set a 0 0 1073741825\r\n")}, FOREIGN},
    {{SENT("set a 0 0 10737418240\r\n")}, FOREIGN},
    {{SENT("set a 0 0 4294967297\r\n")}, FOREIGN},
    {{SENT("cas a 0 0 1\r\n")}, FOREIGN},
    {{SENT("delete\r\n")}, FOREIGN},
    {{SENT("delete a 0 b\r\n")}, FOREIGN},
    {{SENT("incr a\r\n")}, FOREIGN},
    {{SENT("touch a\r\n")}, FOREIGN},
    {{SENT("version a\r\n")}, FOREIGN},
    {{SENT("version \r\n")}, FOREIGN},
    {{SENT("ms a S6\r\n")}, FOREIGN},
    {{SENT("mn a\r\n")}, FOREIGN},
    {{SENT("me a b c\r\n")}, FOREIGN},
    {{SENT("set a 0 0 1\r\nxquit\r\n")}, FOREIGN},
    {{SENT("set a 0 0 1\r\nx\rquit\r\n")}, FOREIGN},
    {{SENT("set a 0 0 1\r\nx\n")}, FOREIGN},
    {{SENT("get a\rquit\r\n")}, FOREIGN},
    {{SENT("get a\r\r\n")}, FOREIGN},
    {{SENT("get a\tb\r\n")}, FOREIGN},
    {{SENT("get a\x7f\r\n")}, FOREIGN},
    {{SENT("get a\0\r\n")}, FOREIGN},
    {{GET_ANSWERED, SENT("\r\n")}, PRIVATE(MALFORMED)},
    {{GET_ANSWERED, SENT("\x80\r\n")}, PRIVATE(STATE)},
    /* Answers that are not memcached's, or not to this. */
    {{SENT("get a\r\n"), RECEIVED("$-1\r\n")}, FOREIGN},
    {{SENT("get a\r\n"), RECEIVED("\x81\r\n")}, FOREIGN},
    {{SENT("get a\r\n"), RECEIVED("Error\r\n")}, FOREIGN},
    {{SENT("get a\r\n"), RECEIVED("END\n")}, FOREIGN},
    {{SENT("get a\r\n"), RECEIVED("END \r\n")}, FOREIGN},
    {{SENT("get a\r\n"), RECEIVED("END x\r\n")}, FOREIGN},
    {{SENT("get a\r\n"), RECEIVED("\r\n")}, FOREIGN},
    {{SENT("get a\r\n"), RECEIVED("STORED\r\n")}, FOREIGN},
    {{SENT("get a\r\n"), RECEIVED("VALUE a 0\r\n")}, FOREIGN},
    {{SENT("get a\r\n"), RECEIVED("VALUE a 0 x\r\n")}, FOREIGN},
    {{SENT("get a\r\n"), RECEIVED("VALUE a 0 1 2 3\r\n")}, FOREIGN},
    {{SENT("get a\r\n"), RECEIVED("VALUE a 0 1\r\nxy\r\n")}, FOREIGN},
    {{SENT("get a\r\n"), RECEIVED("VALUE a 0 1\r\nx\r\nERROR\r\n")}, FOREIGN},
    {{SENT("get a\r\n"), RECEIVED("VALUE a 0 1073741825\r\n")}, FOREIGN},
    {{SENT("get a\r\n"), RECEIVED("ERROR\r\n")}, FOREIGN},
    {{SENT("get a\r\n"), RECEIVED("CLIENT_ERROR bad command line format\r\n")}, FOREIGN},
    {{SENT("get a\r\n"), RECEIVED("SERVER_ERROR out of memory\r\n")}, FOREIGN},
    {{SENT("set a 0 0 1\r\nx\r\n"), RECEIVED("ERROR\r\n")}, FOREIGN},
    {{SENT("set a 0 0 1\r\nx\r\n"), RECEIVED("CLIENT_ERROR bad data chunk\r\n")}, FOREIGN},
    {{SENT("set a 0 0 1\r\nx\r\n"), RECEIVED("SERVER_ERROR out of memory storing object\r\n")},
     FOREIGN},
    {{SENT("set a 0 0 1\r\nx\r\n"), RECEIVED("SERVER_ERROR object too large for cache!\r\n")},
     FOREIGN},
    {{SENT("set a 0 0 1\r\nx\r\n"), RECEIVED("SERVER_ERROR object too large for cach\r\n")},
     FOREIGN},
    {{SENT("ms a 1\r\nx\r\n"), RECEIVED("CLIENT_ERROR bad data chunk\r\n")}, FOREIGN},
    {{SENT("incr a 1\r\n"), RECEIVED("123456789012345678901\r\n")}, FOREIGN},
    {{SENT("incr a 1\r\n"), RECEIVED("1x\r\n")}, FOREIGN},
    {{SENT("incr a 1\r\n"), RECEIVED("x1\r\n")}, FOREIGN},
    {{SENT("incr a 1\r\n"), RECEIVED("1 \r\n")}, FOREIGN},
    {{SENT("incr a 1\r\n"), RECEIVED("-1\r\n")}, FOREIGN},
    {{SENT("incr a 1\r\n"), RECEIVED("1 2\r\n")}, FOREIGN},
    {{SENT("stats\r\n"), RECEIVED("STAT pid 1\r\nxyz\r\n")}, FOREIGN},
    {{SENT("stats\r\n"), RECEIVED("STAT pid 1\r\nRESET\r\n")}, FOREIGN},
    {{SENT("stats\r\n"), RECEIVED("OK 923\r\n")}, FOREIGN}, /* beanstalkd */
    {{SENT("touch 5\r\n")}, FOREIGN},
    {{SENT("mg a v\r\n"), RECEIVED("VA\r\n")}, FOREIGN},
    {{SENT("mg a v\r\n"), RECEIVED("VA x\r\n")}, FOREIGN},
    {{SENT("mg a v\r\n"), RECEIVED("VALUE a 0 1\r\nx\r\n")}, FOREIGN},
    {{GET_ANSWERED, RECEIVED("END\r\n")}, PRIVATE(MALFORMED)},
    {{SENT("get a\r\n"), RECEIVED("END\r\nEND\r\n")}, PRIVATE(MALFORMED)},
    {{SENT("set a 0 0 9\r\n"), RECEIVED("SERVER_ERROR object too large for cache\r\n")}, FOREIGN},
    {{SENT("get a"), RECEIVED("E")}, FOREIGN},
    {{RECEIVED("\x18"), SENT("quit\r\n")}, PRIVATE(SERVER_FIRST)},
};
enum { TEXT_SESSIONS = sizeof text_sessions / sizeof *text_sessions };

#define MESSAGE(magic, opcode, key, extras, status, body, opaque)                                  \
    magic opcode key extras "\x00" status body opaque "\x00\x00\x00\x00\x00\x00\x00\x00"
#define REQUEST(opcode, key, extras, body)                                                         \
    MESSAGE("\x80", opcode, key, extras, "\x00\x00", body, "\xca\xfe\x00\x01")
#define REPLY(opcode, status, body)                                                                \
    MESSAGE("\x81", opcode, "\x00\x00", "\x00", status, body, "\xca\xfe\x00\x01")
#define BARE(opcode) REQUEST(opcode, "\x00\x00", "\x00", "\x00\x00\x00\x00")
#define KEYED(opcode) REQUEST(opcode, "\x00\x04", "\x00", "\x00\x00\x00\x04") "key1"
#define STORING(opcode)                                                                            \
    REQUEST(opcode, "\x00\x04", "\x08", "\x00\x00\x00\x0e")                                        \
    "\0\0\0\0\0\0\0\0"                                                                             \
    "key1"                                                                                         \
    "\x80\n"
#define DONE(opcode) REPLY(opcode, "\x00\x00", "\x00\x00\x00\x00")
#define MISSED(opcode) REPLY(opcode, "\x00\x01", "\x00\x00\x00\x09") "Not found"
#define HIT(opcode) REPLY(opcode, "\x00\x00", "\x00\x00\x00\x06") "\x80\x81\x00\x00\r\n"
#define FAILED(opcode, status) REPLY(opcode, status, "\x00\x00\x00\x00")
#define GET "\x00"
#define SET "\x01"
#define QUIT "\x07"
#define GETQ "\x09"
#define NOOP "\x0a"
#define VERSION "\x0b"
#define STAT "\x10"
#define SETQ "\x11"
#define QUITQ "\x17"
#define BINARY_ANSWERED SENT(KEYED(GET)), RECEIVED(MISSED(GET))

static const struct session binary_sessions[] = {
    ONE(KEYED(GET), MISSED(GET)),
    ONE(KEYED(GET), HIT(GET)),
    ONE(STORING(SET), DONE(SET)),
    ONE(STORING(SET), FAILED(SET, "\x00\x02")),
    ONE(STORING(SET), FAILED(SET, "\x00\x03")),
    ONE(STORING(SET), FAILED(SET, "\x00\x05")),
    ONE(KEYED("\x05"), FAILED("\x05", "\x00\x06")),
    ONE(BARE(NOOP), DONE(NOOP)),
    ONE(BARE(VERSION), HIT(VERSION)),
    ONE(KEYED("\x04") KEYED("\x04"), DONE("\x04") MISSED("\x04")),
    ONE(KEYED("\x1c") KEYED("\x1d") KEYED("\x23"), DONE("\x1c") HIT("\x1d") HIT("\x23")),
    ONE(STORING("\x0e") STORING("\x0f") STORING("\x02") STORING("\x03"),
        DONE("\x0e") DONE("\x0f") DONE("\x02") DONE("\x03")),
    ONE(BARE("\x08") KEYED("\x06") KEYED("\x0c"), DONE("\x08") HIT("\x06") HIT("\x0c")),
    ONE(BARE(STAT), HIT(STAT) HIT(STAT) DONE(STAT)),
    ONE(KEYED(STAT), MISSED(STAT)),
    {{SENT(BARE(STAT)), RECEIVED(HIT(STAT))}, UNREAD},
    {{SENT(KEYED(GET) KEYED(GET)), RECEIVED(HIT(GET))}, UNREAD},
    /* Quiet ones are over when the no-op behind them is answered. */
    {{SENT(KEYED(GETQ))}, BUSY(QUIET)},
    {{SENT(STORING(SETQ))}, BUSY(QUIET)},
    {{SENT(KEYED("\x0d") STORING("\x12") STORING("\x13") KEYED("\x14") KEYED("\x15"))},
     BUSY(QUIET)},
    {{SENT(KEYED("\x16") BARE("\x18") STORING("\x19") STORING("\x1a") KEYED("\x1e") KEYED("\x24"))},
     BUSY(QUIET)},
    ONE(KEYED(GETQ) KEYED(GETQ) BARE(NOOP), DONE(NOOP)),
    ONE(KEYED(GETQ) KEYED(GETQ) BARE(NOOP), HIT(GETQ) DONE(NOOP)),
    ONE(STORING(SETQ) BARE(NOOP), FAILED(SETQ, "\x00\x82") DONE(NOOP)),
    ONE(STORING(SETQ) BARE(STAT), FAILED(SETQ, "\x00\x02") HIT(STAT) DONE(STAT)),
    {{SENT(KEYED(GETQ)), RECEIVED(HIT(GETQ))}, BUSY(QUIET)},
    {{SENT(KEYED(GETQ)), RECEIVED(HIT(GETQ)), SENT(BARE(NOOP)), RECEIVED(DONE(NOOP))}, IDLE},
    {{SENT(KEYED(GETQ) BARE(NOOP)), RECEIVED(HIT(GETQ))}, UNREAD},
    {{SENT(KEYED(GETQ) KEYED(GET))}, PRIVATE(QUIET)},
    {{SENT(STORING(SETQ) KEYED(GET))}, PRIVATE(QUIET)},
    {{SENT(KEYED(GETQ) BARE(NOOP)), RECEIVED(HIT(GET))}, PRIVATE(QUIET)},
    {{SENT(KEYED(GETQ)), RECEIVED(HIT(GET))}, PRIVATE(QUIET)},
    {{SENT(BARE(NOOP) KEYED(GETQ)), RECEIVED(DONE(NOOP))}, BUSY(QUIET)},
    /* The goodbye. */
    {{SENT(BARE(QUIT))}, UNHEARD},
    {{BINARY_ANSWERED, SENT(BARE(QUIT))}, GOODBYE},
    {{BINARY_ANSWERED, SENT(BARE(QUIT)), RECEIVED(DONE(QUIT))}, GOODBYE},
    {{BINARY_ANSWERED, SENT(BARE(QUITQ))}, GOODBYE},
    {{SENT(KEYED(GET) BARE(QUITQ)), RECEIVED(MISSED(GET))}, GOODBYE},
    {{SENT(KEYED(GET) BARE(QUITQ))}, UNREAD},
    {{BINARY_ANSWERED, SENT(KEYED(GETQ) BARE(QUIT))}, UNHEARD},
    {{BINARY_ANSWERED, SENT(BARE(QUIT) BARE(QUIT))}, PRIVATE(MALFORMED)},
    {{SENT(REQUEST(GET, "\x00\x18", "\x00", "\x00\x00\x00\x18") BARE(QUIT))}, UNREAD},
    /* What leaves something behind, or may. */
    {{BINARY_ANSWERED, SENT(BARE("\x20"))}, PRIVATE(STATE)},
    {{BINARY_ANSWERED, SENT(KEYED("\x21"))}, PRIVATE(STATE)},
    {{BINARY_ANSWERED, SENT(KEYED("\x22"))}, PRIVATE(STATE)},
    {{BINARY_ANSWERED, SENT(BARE("\x1b"))}, PRIVATE(STATE)},
    {{BINARY_ANSWERED, SENT(BARE("\x25"))}, PRIVATE(STATE)},
    {{BINARY_ANSWERED, SENT(KEYED("\x89"))}, PRIVATE(STATE)},
    {{SENT(KEYED("\x21"))}, WITNESS_PRIVATE, REASON_STATE, REASON_UNKNOWN_PROTOCOL, false},
    /* Broken. */
    {{SENT(KEYED(GET)), RECEIVED("\x80")}, BUSY(RESPONSE_INCOMPLETE)},
    {{SENT(KEYED(GET)), RECEIVED("VALUE a 0 1\r\n")}, FOREIGN},
    {{SENT(KEYED(GET)), RECEIVED(DONE(SET))}, FOREIGN},
    {{SENT(KEYED(GET)), RECEIVED(FAILED(GET, "\x00\x04"))}, FOREIGN},
    {{SENT(KEYED(GET)), RECEIVED(FAILED(GET, "\x00\x20"))}, FOREIGN},
    {{SENT(KEYED(GET)), RECEIVED(FAILED(GET, "\x00\x81"))}, FOREIGN},
    {{SENT(KEYED(GET)), RECEIVED(MESSAGE("\x81", GET, "\x00\x00", "\x00", "\x00\x00",
                                         "\x00\x00\x00\x00", "\xca\xfe\x00\x02"))},
     PRIVATE(MALFORMED)},
    {{BINARY_ANSWERED, SENT(KEYED(GET)), RECEIVED(MISSED(GET) MISSED(GET))}, PRIVATE(MALFORMED)},
    {{BINARY_ANSWERED, SENT("get a\r\n......")}, PRIVATE(MALFORMED)},
    {{BINARY_ANSWERED, SENT("get a\r\n....")}, UNSENT},
    {{BINARY_ANSWERED, SENT("\x81\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00\x04")},
     PRIVATE(MALFORMED)},
    {{SENT(REQUEST(QUIT, "\x00\x00", "\x00", "\x00\x00\x00\x01"))}, FOREIGN},
    {{BINARY_ANSWERED, SENT(REQUEST(QUITQ, "\x00\x00", "\x00", "\x00\x00\x00\x01"))},
     PRIVATE(MALFORMED)},
    {{SENT(REQUEST(GET, "\x00\xfb", "\x00", "\x00\x00\x00\xfb"))}, FOREIGN},
    {{SENT(REQUEST(GET, "\x00\xfa", "\x00", "\x00\x00\x00\xfa"))}, UNSENT},
    {{SENT(REQUEST(SET, "\x00\x04", "\x08", "\x00\x00\x00\x0b"))}, FOREIGN},
    {{SENT("\x80\x01\x00\x04\x00\x01\x00\x00\x00\x00\x00\x04")}, FOREIGN},
    {{SENT(REQUEST(SET, "\x00\x04", "\x00", "\x40\x00\x00\x01"))}, FOREIGN},
    {{SENT(REQUEST(SET, "\x00\x04", "\x00", "\x40\x00\x00\x00"))}, UNSENT},
    {{SENT("\x80\x2e\x01\x03\x01\x00\x15\x00\x00\x00\x10\x00\x00\x2f")}, FOREIGN}, /* SSL 2 */
};
enum { BINARY_SESSIONS = sizeof binary_sessions / sizeof *binary_sessions };

/* ---- plain readers, which see all the bytes at once */

struct cursor {
    const char *at;
    size_t left;
};

/* A line without its end; false when it is not there whole. */
static bool read_line(struct cursor *from, char *line, size_t size)
{
    const char *end = memchr(from->at, '\n', from->left);
    size_t len = end == NULL ? 0 : (size_t)(end - from->at) + 1;
    if (len == 0 || len > size)
        return false;
    memcpy(line, from->at, len);
    line[len - 1] = '\0';
    line[strcspn(line, "\r")] = '\0';
    from->at += len;
    from->left -= len;
    return true;
}

static bool skip(struct cursor *from, size_t len)
{
    if (len > from->left)
        return false;
    from->at += len;
    from->left -= len;
    return true;
}

static bool starts(const char *line, const char *word)
{
    size_t len = strlen(word);
    return strncmp(line, word, len) == 0 && (line[len] == ' ' || line[len] == '\0');
}

/* One answer; a meta command's data are skipped. */
static bool read_answer(struct cursor *from, char *line, size_t size)
{
    size_t len;
    if (!read_line(from, line, size))
        return false;
    if (sscanf(line, "VALUE %*s %*s %zu", &len) == 1 || sscanf(line, "VA %zu", &len) == 1)
        return skip(from, len + 2);
    return true;
}

static bool text_is_over(const struct moved *moved)
{
    struct cursor asked = {moved->sent, moved->sent_len};
    struct cursor answers = {moved->received, moved->received_len};
    char line[SESSION_MAX], answer[SESSION_MAX];
    bool doubt = false, any = false;
    while (asked.left > 0) {
        size_t len = 0, words_len = 0;
        if (!read_line(&asked, line, sizeof line))
            return false;
        bool stores = sscanf(line, "%*s %*s %*s %*s %zu", &len) == 1 &&
                      (starts(line, "set") || starts(line, "add") || starts(line, "replace") ||
                       starts(line, "append") || starts(line, "prepend") || starts(line, "cas"));
        stores |= starts(line, "ms") && sscanf(line, "%*s %*s %zu", &len) == 1;
        if (stores && !skip(&asked, len + 2))
            return false;
        bool meta = line[0] == 'm' && line[1] != '\0' && (line[2] == ' ' || line[2] == '\0');
        words_len = strlen(line);
        while (words_len > 0 && line[words_len - 1] == ' ')
            words_len--;
        bool silent = words_len > 8 && strncmp(line + words_len - 8, " noreply", 8) == 0 &&
                      !starts(line, "get") && strcmp(line, "delete noreply") != 0;
        const char *flags = meta ? strchr(line, ' ') : NULL;
        flags = flags == NULL ? NULL : strchr(flags + 1 + strspn(flags, " ") - 1, ' ');
        if (silent || (flags != NULL && strstr(flags, " q") != NULL)) {
            doubt = true;
            continue;
        }
        bool many = starts(line, "get") || starts(line, "gets") || starts(line, "gat") ||
                    starts(line, "gats") || starts(line, "stats");
        bool first = true;
        do {
            if (!read_answer(&answers, answer, sizeof answer))
                return false;
            if (doubt && (starts(line, "mn") || many) &&
                (starts(answer, "HD") || starts(answer, "VA") || starts(answer, "EN") ||
                 starts(answer, "NF") || starts(answer, "NS") || starts(answer, "EX")))
                continue;
            if (starts(line, "stats") && first &&
                (starts(answer, "OK") || starts(answer, "RESET") || starts(answer, "ERROR") ||
                 starts(answer, "CLIENT_ERROR")))
                break;
            first = false;
            if (many ? strcmp(answer, "END") == 0 : !starts(line, "mn") || starts(answer, "MN"))
                break;
        } while (true);
        doubt &= !many && !starts(line, "mn") && !starts(line, "version");
        any = true;
    }
    return any && !doubt && answers.left == 0;
}

static bool is_quiet(uint8_t opcode)
{
    return opcode == 0x09 || opcode == 0x0d || (opcode >= 0x11 && opcode <= 0x1a) ||
           opcode == 0x1e || opcode == 0x24;
}

/* A header, its opcode and the length of its body; the body is skipped. */
static bool read_message(struct cursor *from, uint8_t *opcode, size_t *body)
{
    const uint8_t *head = (const uint8_t *)from->at;
    if (from->left < 24)
        return false;
    *opcode = head[1];
    *body = (size_t)head[8] << 24 | (size_t)head[9] << 16 | (size_t)head[10] << 8 | head[11];
    return skip(from, 24 + *body);
}

static bool binary_is_over(const struct moved *moved)
{
    struct cursor asked = {moved->sent, moved->sent_len};
    struct cursor answers = {moved->received, moved->received_len};
    uint8_t opcode, answered;
    size_t body;
    bool doubt = false, any = false;
    while (asked.left > 0) {
        if (!read_message(&asked, &opcode, &body))
            return false;
        if (is_quiet(opcode)) {
            doubt = true;
            continue;
        }
        do {
            const uint8_t *head = (const uint8_t *)answers.at;
            if (!read_message(&answers, &answered, &body))
                return false;
            bool more = opcode == 0x10 && body > 0 && head[6] == 0 && head[7] == 0;
            if (answered == opcode && !more)
                break;
        } while (true);
        doubt = false;
        any = true;
    }
    return any && !doubt && answers.left == 0;
}

/* ---- */

START_TEST(a_text_session_has_its_verdict_however_it_is_split)
{
    assert_session_however_split(&text_sessions[_i], RULE_MEMCACHE);
}
END_TEST

START_TEST(a_binary_session_has_its_verdict_however_it_is_split)
{
    assert_session_however_split(&binary_sessions[_i], RULE_MEMCACHE);
}
END_TEST

START_TEST(a_text_session_is_idle_exactly_where_all_is_answered)
{
    assert_idle_exactly_where_over(&text_sessions[_i], RULE_MEMCACHE, text_is_over);
}
END_TEST

START_TEST(a_binary_session_is_idle_exactly_where_all_is_answered)
{
    assert_idle_exactly_where_over(&binary_sessions[_i], RULE_MEMCACHE, binary_is_over);
}
END_TEST

START_TEST(no_mutilated_text_session_is_idle_before_its_end)
{
    static const char tasty[] = "\r\n 0149qVALUEENDSTOREDmgnoreply\0\x7f\x80";
    assert_mutilated_is_judged_alike(&text_sessions[_i], RULE_MEMCACHE, text_is_over, tasty,
                                     sizeof tasty - 1, SEED + (unsigned int)_i);
}
END_TEST

START_TEST(no_mutilated_binary_session_is_idle_before_its_end)
{
    static const char tasty[] = "\x80\x81\0\0\0\x01\x04\x09\x0a\x10\x11\x17\x20\xff";
    assert_mutilated_is_judged_alike(&binary_sessions[_i], RULE_MEMCACHE, binary_is_over, tasty,
                                     sizeof tasty - 1, SEED + (unsigned int)_i);
}
END_TEST

static void feed(struct witness *witness, bool is_sent, const char *text)
{
    struct step step = {is_sent, text, strlen(text)};
    step_take(witness, &step, WHOLE);
}

static void send_zeros(struct witness *witness, bool is_sent, size_t len)
{
    static const char zeros[1 << 20];
    for (size_t piece; len > 0; len -= piece) {
        piece = len < sizeof zeros ? len : sizeof zeros;
        struct step step = {is_sent, zeros, piece};
        step_take(witness, &step, WHOLE);
    }
}

START_TEST(items_of_a_gibibyte_are_counted_to_their_last_byte)
{
    struct witness witness;
    witness_open(&witness, (struct rule_choice){.rule = RULE_AUTO});
    feed(&witness, true, "set a 0 0 1073741824\r\n");
    send_zeros(&witness, true, 1 << 30);
    ck_assert_int_eq(witness.reason, REASON_REQUEST_INCOMPLETE);
    feed(&witness, true, "\r\nget a\r\n");
    feed(&witness, false, "STORED\r\nVALUE a 0 1073741824\r\n");
    send_zeros(&witness, false, 1 << 30);
    feed(&witness, false, "\r\nEND\r");
    ck_assert_int_eq(witness.state, WITNESS_BUSY);
    feed(&witness, false, "\n");
    ck_assert_int_eq(witness.state, WITNESS_IDLE);
}
END_TEST

START_TEST(a_hundred_thousand_alike_requests_may_be_outstanding)
{
    enum { MANY = 100 * 1000 };
    struct witness witness;
    witness_open(&witness, (struct rule_choice){.rule = RULE_AUTO});
    for (int i = 0; i < MANY; i++)
        feed(&witness, true, "set a 0 0 1\r\nx\r\n");
    for (int i = 0; i < MANY; i++) {
        if (witness.reason != REASON_RESPONSE_INCOMPLETE)
            ck_abort_msg("%d answers are due: %s", MANY - i, reason_name(witness.reason));
        feed(&witness, false, "STORED\r\n");
    }
    ck_assert_int_eq(witness.state, WITNESS_IDLE);
}
END_TEST

/* A longer line makes memcached close, unless it begins with get or gets. */
START_TEST(a_line_may_be_as_long_as_memcached_takes_it)
{
    static const struct {
        const char *command;
        size_t len;
        enum witness_state state;
    } lines[] = {{"gat 60", 2048, WITNESS_IDLE},
                 {"gat 60", 2049, WITNESS_PRIVATE},
                 {"get", 2049, WITNESS_IDLE},
                 {"gets", 100 * 1000, WITNESS_IDLE}};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct witness witness;
        witness_open(&witness, (struct rule_choice){.rule = RULE_MEMCACHE});
        feed(&witness, true, lines[i].command);
        size_t left = lines[i].len - strlen(lines[i].command);
        for (; left > 1; left -= 2)
            feed(&witness, true, " a");
        feed(&witness, true, left == 1 ? "a\r\n" : "\r\n");
        if (witness.state != WITNESS_PRIVATE)
            feed(&witness, false, "END\r\n");
        ck_assert_int_eq(witness.state, lines[i].state);
    }
}
END_TEST

static const struct {
    const char *first;
    bool recognised, refused;
} firsts[] = {
    {"g", false, false},
    {"get", false, false},
    {"get ", true, false},
    {"gets\r", true, false},
    {"getx", false, true},
    {"flush_all\n", true, false},
    {"cache_memlimit", false, false},
    {"cache_memlimit ", true, false},
    {"m", false, false},
    {"mg ", true, false},
    {"watch", false, true},
    {"GET", false, false},
    {"shutdown", false, true},
    {"\x80", false, false},
    {"\x80\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01", false, true},
};

START_TEST(auto_recognises_memcached_by_its_first_word)
{
    struct witness witness;
    witness_open(&witness, (struct rule_choice){.rule = RULE_AUTO});
    for (size_t at = 0; firsts[_i].first[at] != '\0'; at++) {
        struct step byte = {true, firsts[_i].first + at, 1};
        step_take(&witness, &byte, WHOLE);
    }
    ck_assert_int_eq(witness.protocol == &witness_memcached, firsts[_i].recognised);
    ck_assert(firsts[_i].recognised || witness.sniffing != firsts[_i].refused);
}
END_TEST

START_TEST(an_answer_that_many_protocols_give_does_not_confirm_memcached)
{
    static const struct session vague[] = {
        {{SENT("verbosity 1\r\n"), RECEIVED("OK\r\n")}, IDLE},
        {{SENT("stats\r\n"), RECEIVED("ERROR\r\n")}, IDLE},
        {{SENT("delete 1\r\n"), RECEIVED("CLIENT_ERROR what?\r\n")}, IDLE}};
    for (size_t i = 0; i < sizeof vague / sizeof *vague; i++) {
        struct witness by_rule = session_take(&vague[i], RULE_MEMCACHE, 0, WHOLE);
        struct witness sniffed = session_take(&vague[i], RULE_AUTO, 0, WHOLE);
        ck_assert_int_eq(by_rule.state, WITNESS_IDLE);
        ck_assert_int_eq(sniffed.state, WITNESS_PRIVATE);
        ck_assert_int_eq(sniffed.reason, REASON_UNKNOWN_PROTOCOL);
    }
}
END_TEST

START_TEST(a_witness_goes_on_where_it_was_moved_to)
{
    struct witness here, there;
    witness_open(&here, (struct rule_choice){.rule = RULE_MEMCACHE});
    feed(&here, true, "get a\r\n");
    feed(&here, false, "VALUE a 0 3\r\nEN");
    there = here;
    memset(&here, 0xa5, sizeof here);
    feed(&there, false, "D\r\nEND\r\n");
    ck_assert_int_eq(there.state, WITNESS_IDLE);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("witness_memcached");
    TCase *sessions = tcase_create("sessions"), *sequences = tcase_create("sequences");
    tcase_set_timeout(sessions, 60);
    tcase_set_timeout(sequences, 60);
    tcase_add_loop_test(sessions, a_text_session_has_its_verdict_however_it_is_split, 0,
                        TEXT_SESSIONS);
    tcase_add_loop_test(sessions, a_binary_session_has_its_verdict_however_it_is_split, 0,
                        BINARY_SESSIONS);
    tcase_add_loop_test(sessions, a_text_session_is_idle_exactly_where_all_is_answered, 0,
                        TEXT_SESSIONS);
    tcase_add_loop_test(sessions, a_binary_session_is_idle_exactly_where_all_is_answered, 0,
                        BINARY_SESSIONS);
    tcase_add_loop_test(sessions, no_mutilated_text_session_is_idle_before_its_end, 0,
                        TEXT_SESSIONS);
    tcase_add_loop_test(sessions, no_mutilated_binary_session_is_idle_before_its_end, 0,
                        BINARY_SESSIONS);
    tcase_add_test(sequences, items_of_a_gibibyte_are_counted_to_their_last_byte);
    tcase_add_test(sequences, a_hundred_thousand_alike_requests_may_be_outstanding);
    tcase_add_test(sequences, a_line_may_be_as_long_as_memcached_takes_it);
    tcase_add_loop_test(sequences, auto_recognises_memcached_by_its_first_word, 0,
                        sizeof firsts / sizeof *firsts);
    tcase_add_test(sequences, an_answer_that_many_protocols_give_does_not_confirm_memcached);
    tcase_add_test(sequences, a_witness_goes_on_where_it_was_moved_to);
    suite_add_tcase(suite, sessions);
    suite_add_tcase(suite, sequences);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
