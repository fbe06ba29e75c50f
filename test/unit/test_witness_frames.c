/* SPDX-License-Identifier: MIT
 * What the rules `lines` and `frame` take for an exchange, beside a plain reader of the same. */
#include "witnesses.h"

#include <errno.h>

#define IDLE WITNESS_IDLE, REASON_NONE
#define UNSENT WITNESS_BUSY, REASON_REQUEST_INCOMPLETE
#define UNREAD WITNESS_BUSY, REASON_RESPONSE_INCOMPLETE
#define BROKEN WITNESS_PRIVATE, REASON_MALFORMED
#define TUNNEL WITNESS_PRIVATE, REASON_TUNNEL
#define TEXT(text) text, sizeof(text) - 1

/* What is sent, then what is received. */
struct exchange {
    struct frame frame; /* of width 0: lines */
    const char *request;
    size_t request_len;
    const char *reply;
    size_t reply_len;
    enum witness_state state;
    enum reason reason;
};

#define LINES                                                                                      \
    {                                                                                              \
        0                                                                                          \
    }
#define FRAME(offset, width, little_endian, adjust)                                                \
    {                                                                                              \
        offset, adjust, width, little_endian                                                       \
    }
#define BE4 FRAME(0, 4, false, 0)
#define LE4 FRAME(0, 4, true, 0)
#define BE4_WHOLE FRAME(0, 4, false, -4)

static const struct exchange corpus[] = {
    {LINES, TEXT("PING\n"), TEXT("PONG\n"), IDLE},
    {LINES, TEXT("PING\r\n"), TEXT("PONG\r\n"), IDLE},
    {LINES, TEXT("\n"), TEXT("\n"), IDLE},
    {LINES, TEXT("a\0b\n"), TEXT("\xff\n"), IDLE},
    {LINES, TEXT("a\nb\nc\n"), TEXT("1\n2\n3\n"), IDLE},
    {LINES, TEXT("P"), TEXT(""), UNSENT},
    {LINES, TEXT("PING\r"), TEXT(""), UNSENT},
    {LINES, TEXT("a\nb"), TEXT("1\n"), UNSENT},
    {LINES, TEXT("a\nb"), TEXT("1"), UNSENT},
    {LINES, TEXT("PING\n"), TEXT(""), UNREAD},
    {LINES, TEXT("PING\n"), TEXT("P"), UNREAD},
    {LINES, TEXT("PING\n"), TEXT("PONG\r"), UNREAD},
    {LINES, TEXT("a\nb\n"), TEXT("1\n"), UNREAD},
    {LINES, TEXT("a\nb\n"), TEXT("1\n2"), UNREAD},
    {LINES, TEXT("PING\n"), TEXT("one\ntwo\n"), BROKEN},
    {LINES, TEXT("PING\n"), TEXT("one\nt"), BROKEN},
    {LINES, TEXT("PING"), TEXT("P"), BROKEN},
    {LINES, TEXT("a\nb"), TEXT("1\n2"), BROKEN},
    {LINES, TEXT("CONNECT host:80 HTTP/1.1\r\n\r\n"), TEXT("HTTP/1.1 200 OK\r\n\r\n"), TUNNEL},
    {LINES, TEXT("\4\1\0\x50\n\0\0\1u\0"), TEXT("\0Z\n"), TUNNEL},

    {BE4, TEXT("\0\0\0\3abc"), TEXT("\0\0\0\1x"), IDLE},
    {BE4, TEXT("\0\0\0\0"), TEXT("\0\0\0\0"), IDLE},
    {BE4, TEXT("\0\0\0\1a\0\0\0\2bc"), TEXT("\0\0\0\0\0\0\0\1x"), IDLE},
    {BE4, TEXT("\0"), TEXT(""), UNSENT},
    {BE4, TEXT("\0\0\0\3ab"), TEXT(""), UNSENT},
    {BE4, TEXT("\0\0\0\0\0"), TEXT("\0\0\0\0"), UNSENT},
    {BE4, TEXT("\0\0\0\1a"), TEXT("\0\0\0"), UNREAD},
    {BE4, TEXT("\0\0\0\1a"), TEXT("\0\0\1\0x"), UNREAD},
    {BE4, TEXT("\0\0\0\1a\0\0\0\2bc"), TEXT("\0\0\0\0"), UNREAD},
    {BE4, TEXT("\0\0\0\1a"), TEXT("\0\0\0\1x\0"), BROKEN},
    {BE4, TEXT("\0\0\0\1"), TEXT("\0"), BROKEN},
    {BE4, TEXT("\x40\0\0\0"), TEXT(""), UNSENT}, /* 1 GiB */
    {BE4, TEXT("\x40\0\0\1"), TEXT(""), BROKEN},
    {BE4, TEXT("\xff\xff\xff\xff"), TEXT(""), BROKEN},
    {BE4, TEXT("\0\0\0\0"), TEXT("\x40\0\0\1"), BROKEN},
    {BE4, TEXT("GET / HTTP/1.1\r\n\r\n"), TEXT(""), BROKEN},
    {LE4, TEXT("\3\0\0\0abc"), TEXT("\1\0\0\0x"), IDLE},
    {LE4, TEXT("\0\0\0\x40"), TEXT(""), UNSENT},
    {LE4, TEXT("\1\0\0\x40"), TEXT(""), BROKEN},
    {BE4_WHOLE, TEXT("\0\0\0\5a"), TEXT("\0\0\0\4"), IDLE},
    {BE4_WHOLE, TEXT("\0\0\0\3"), TEXT(""), BROKEN},
    {BE4_WHOLE, TEXT("\0\0\0\4"), TEXT("\0\0\0\0"), BROKEN},
    {BE4_WHOLE, TEXT("\x40\0\0\4"), TEXT(""), UNSENT},
    {BE4_WHOLE, TEXT("\x40\0\0\5"), TEXT(""), BROKEN},
    {FRAME(0, 1, false, 0), TEXT("\2ab"), TEXT("\0"), IDLE},
    {FRAME(0, 1, false, 2), TEXT("\0ab"), TEXT("\1xyz"), IDLE},
    {FRAME(2, 1, false, 0), TEXT("\xff\xff\1a"), TEXT("\0\0\0"), IDLE},
    {FRAME(2, 1, false, 0), TEXT("\xff"), TEXT(""), UNSENT},
    {FRAME(2, 1, false, -3), TEXT("\xff\xff\4a"), TEXT("\0\0\3"), IDLE},
    {FRAME(0, 2, true, 0), TEXT("\2\0ab"), TEXT("\0\0"), IDLE},
    {FRAME(0, 2, true, 0), TEXT("\0\1ab"), TEXT(""), UNSENT},
    {FRAME(0, 3, false, 1), TEXT("\0\0\1#a"), TEXT("\0\0\0#"), IDLE},
    {FRAME(0, 3, true, 1), TEXT("\1\0\0#a"), TEXT("\0\0\0#"), IDLE},
    {FRAME(0, 8, false, 0), TEXT("\0\0\0\0\0\0\0\1a"), TEXT("\0\0\0\0\0\0\0\0"), IDLE},
    {FRAME(0, 8, true, 0), TEXT("\1\0\0\0\0\0\0\0a"), TEXT("\0\0\0\0\0\0\0\0"), IDLE},
    {FRAME(0, 8, false, 0), TEXT("\xff\xff\xff\xff\xff\xff\xff\xff"), TEXT(""), BROKEN},
    {FRAME(0, 8, false, 1), TEXT("\xff\xff\xff\xff\xff\xff\xff\xff"), TEXT(""), BROKEN},
    {FRAME(0, 8, true, 0), TEXT("\1\0\0\0\1\0\0\0a"), TEXT(""), BROKEN},
    {FRAME(0, 8, false, 0), TEXT("\x80\0\0\0\0\0\0\0"), TEXT(""), BROKEN},
    /* The ways through proxies are messages with a length as well. */
    {FRAME(1, 1, false, 0), TEXT("\5\1\0"), TEXT("\5\0"), TUNNEL},
    {FRAME(1, 1, false, 0), TEXT("\5\2\0\2"), TEXT("\5\xff"), TUNNEL},
    {FRAME(1, 1, false, 0), TEXT("\5\1\0"), TEXT("\5"), UNREAD},
    {FRAME(1, 1, false, 0), TEXT("\5\1\2"), TEXT("\5\0"), IDLE},
    {FRAME(1, 1, false, 0), TEXT("\6\1\0"), TEXT("\5\0"), IDLE},
    {FRAME(1, 1, false, 7), TEXT("\4\1\0\x50\n\0\0\1u\0"), TEXT("\0Z"), TUNNEL},
    {FRAME(0, 2, false, 0), TEXT("\x16\3\1"), TEXT(""), WITNESS_PRIVATE, REASON_TLS},
    {FRAME(0, 1, false, 0), TEXT(""), TEXT("\0"), WITNESS_PRIVATE, REASON_SERVER_FIRST},
    {LINES, TEXT(""), TEXT("220 ready\r\n"), WITNESS_PRIVATE, REASON_SERVER_FIRST},
};
enum { CORPUS = sizeof corpus / sizeof *corpus };

static struct witness framed(struct frame frame)
{
    struct witness witness;
    witness_open(&witness, (struct rule_choice){frame.width == 0 ? RULE_LINES : RULE_FRAME, frame});
    return witness;
}

static struct witness taken(const struct exchange *exchange, size_t request_cut, size_t reply_cut)
{
    struct witness witness = framed(exchange->frame);
    feed(&witness, true, exchange->request, exchange->request_len, request_cut);
    feed(&witness, false, exchange->reply, exchange->reply_len, reply_cut);
    return witness;
}

START_TEST(an_exchange_has_its_verdict_wherever_its_bytes_are_split)
{
    const struct exchange *exchange = &corpus[_i];
    struct witness whole = taken(exchange, WHOLE, WHOLE), bytes = taken(exchange, BYTES, BYTES);
    assert_is(&whole, exchange->state, exchange->reason);
    assert_is(&bytes, exchange->state, exchange->reason);
    for (size_t cut = 1; cut < exchange->request_len; cut++) {
        struct witness witness = taken(exchange, cut, WHOLE);
        assert_same(&witness, &whole);
    }
    for (size_t cut = 1; cut < exchange->reply_len; cut++) {
        struct witness witness = taken(exchange, BYTES, cut);
        assert_same(&witness, &whole);
    }
}
END_TEST

START_TEST(no_part_of_an_exchange_is_idle)
{
    const struct exchange *exchange = &corpus[_i];
    for (size_t sent = 0; sent <= exchange->request_len; sent++) {
        struct witness witness = framed(exchange->frame);
        feed(&witness, true, exchange->request, sent, WHOLE);
        ck_assert_int_ne(witness.state, WITNESS_IDLE);
    }
    for (size_t received = 0; received < exchange->reply_len; received++) {
        struct witness witness = framed(exchange->frame);
        feed(&witness, true, exchange->request, exchange->request_len, WHOLE);
        feed(&witness, false, exchange->reply, received, WHOLE);
        if (exchange->state == WITNESS_IDLE)
            ck_assert_int_ne(witness.state, WITNESS_IDLE);
    }
}
END_TEST

/* Whatever the connection does after it, and however good that looks. */
START_TEST(what_is_private_stays_private)
{
    const struct exchange *exchange = &corpus[_i];
    struct witness witness = taken(exchange, WHOLE, WHOLE);
    if (exchange->state != WITNESS_PRIVATE)
        return;
    feed(&witness, true, "\0\0\0\0\n", 5, BYTES);
    feed(&witness, false, "\0\0\0\0\n", 5, BYTES);
    witness_timed_out(&witness);
    assert_is(&witness, exchange->state, exchange->reason);
}
END_TEST

START_TEST(a_connection_serves_one_exchange_after_another)
{
    struct witness lines = framed((struct frame){0});
    struct witness frames = framed((struct frame)BE4);
    for (int i = 0; i < 1000; i++) {
        feed(&lines, true, "ask\n", 4, i % 4);
        assert_is(&lines, UNREAD);
        feed(&lines, false, "answer\n", 7, i % 7);
        assert_is(&lines, IDLE);
        feed(&frames, true, "\0\0\0\2ab", 6, i % 6);
        assert_is(&frames, UNREAD);
        feed(&frames, false, "\0\0\0\3xyz", 7, i % 7);
        assert_is(&frames, IDLE);
    }
}
END_TEST

START_TEST(an_unasked_message_on_an_idle_connection_makes_it_private)
{
    struct witness lines = taken(&corpus[0], WHOLE, WHOLE);
    assert_is(&lines, IDLE);
    received(&lines, "b");
    assert_is(&lines, BROKEN);
}
END_TEST

START_TEST(only_the_beginning_of_a_connection_can_be_a_tunnels)
{
    struct witness witness = framed((struct frame)FRAME(1, 1, false, 0));
    feed(&witness, true, "\1\0", 2, WHOLE);
    feed(&witness, false, "\1\0", 2, WHOLE);
    feed(&witness, true, "\5\1\0", 3, WHOLE);
    feed(&witness, false, "\5\0", 2, WHOLE);
    assert_is(&witness, IDLE);
}
END_TEST

START_TEST(so_many_requests_may_be_outstanding_and_no_more)
{
    struct witness lines = framed((struct frame){0});
    static char requests[TURNS_OUTSTANDING_MAX];
    memset(requests, '\n', sizeof requests);
    witness_sent(&lines, requests, sizeof requests);
    assert_is(&lines, UNREAD);
    struct witness more = lines;
    witness_received(&lines, requests, sizeof requests);
    assert_is(&lines, IDLE);
    witness_sent(&more, "x", 1);
    assert_is(&more, UNSENT);
    witness_sent(&more, "\n", 1);
    assert_is(&more, WITNESS_PRIVATE, REASON_NO_MEMORY);
}
END_TEST

/* 1 GiB is what a frame may have, and it is counted to its last byte. */
START_TEST(a_frame_of_a_gigabyte_is_counted_to_its_last_byte)
{
    enum { PIECE = 1 << 20 };
    static const struct frame frames[] = {BE4, FRAME(0, 8, false, 0)};
    static char piece[PIECE];
    struct witness witness = framed(frames[_i]);
    const char *header = "\0\0\0\0\x40\0\0\0" + (8 - frames[_i].width);
    witness_sent(&witness, header, frames[_i].width);
    for (int i = 0; i < TURNS_LENGTH_MAX / PIECE - 1; i++)
        witness_sent(&witness, piece, PIECE);
    witness_sent(&witness, piece, PIECE - 1);
    assert_is(&witness, UNSENT);
    witness_sent(&witness, piece, 1);
    assert_is(&witness, UNREAD);
    feed(&witness, false, "\0\0\0\0\0\0\0\0", frames[_i].width, WHOLE);
    assert_is(&witness, IDLE);
}
END_TEST

START_TEST(the_longest_header_before_a_length_is_passed_over)
{
    static const char header[FRAME_OFFSET_MAX + 1];
    struct witness witness = framed((struct frame)FRAME(FRAME_OFFSET_MAX, 1, false, 0));
    feed(&witness, true, header, sizeof header - 1, BYTES);
    assert_is(&witness, UNSENT);
    feed(&witness, true, "\1", 1, WHOLE);
    assert_is(&witness, UNSENT);
    feed(&witness, true, "x", 1, WHOLE);
    assert_is(&witness, UNREAD);
    feed(&witness, false, header, sizeof header, 7);
    assert_is(&witness, IDLE);
}
END_TEST

START_TEST(a_time_out_does_not_matter_and_errno_is_left_alone)
{
    const struct exchange *exchange = &corpus[_i];
    struct witness plain = taken(exchange, WHOLE, WHOLE), witness = framed(exchange->frame);
    errno = ENOTTY;
    feed(&witness, true, exchange->request, exchange->request_len, BYTES);
    witness_timed_out(&witness);
    feed(&witness, false, exchange->reply, exchange->reply_len, BYTES);
    witness_timed_out(&witness);
    ck_assert_int_eq(errno, ENOTTY);
    assert_same(&witness, &plain);
}
END_TEST

/* The plain reader: it keeps all bytes, and reads them anew from the beginning. */

enum { READER_MAX = 4096 };
struct reader {
    struct frame frame;
    uint8_t bytes[2][READER_MAX]; /* received, sent */
    size_t len[2];
    bool broken;
};

/* How many messages are whole; -1 when there is one that cannot be. *rest: bytes of one begun. */
static int count_messages(const struct reader *reader, int way, size_t *rest)
{
    const struct frame *frame = &reader->frame;
    const uint8_t *bytes = reader->bytes[way];
    size_t at = 0, len = reader->len[way];
    int count = 0;
    for (;;) {
        size_t end = at;
        *rest = len - at;
        if (frame->width == 0) {
            while (end < len && bytes[end] != '\n')
                end++;
            if (end == len)
                return count;
            end++;
        } else {
            __int128 value = 0;
            if (len - at < frame->offset + frame->width)
                return count;
            for (int i = 0; i < frame->width; i++) {
                int place = frame->little_endian ? frame->width - 1 - i : i;
                value = value * 256 + bytes[at + frame->offset + place];
            }
            value += frame->adjust;
            if (value < 0 || value > TURNS_LENGTH_MAX)
                return -1;
            if (value > (__int128)(len - at - frame->offset - frame->width))
                return count;
            end = at + frame->offset + frame->width + (size_t)value;
        }
        at = end;
        count++;
    }
}

static enum witness_state reader_take(struct reader *reader, bool sent, char byte)
{
    size_t unsent, unread;
    reader->bytes[sent][reader->len[sent]++] = (uint8_t)byte;
    int asked = count_messages(reader, 1, &unsent), answered = count_messages(reader, 0, &unread);
    reader->broken |=
        asked < 0 || answered < 0 || answered > asked || (answered == asked && unread > 0);
    if (reader->broken)
        return WITNESS_PRIVATE;
    return unsent == 0 && asked == answered ? WITNESS_IDLE : WITNESS_BUSY;
}

static size_t make_message(const struct frame *frame, uint8_t *message, unsigned int *seed)
{
    size_t content = rand_r(seed) % 6, header = frame->offset + frame->width;
    if (frame->width == 0) {
        for (size_t i = 0; i < content; i++)
            message[i] = (uint8_t)('a' + rand_r(seed) % 20);
        message[content] = '\n';
        return content + 1;
    }
    if (frame->adjust > (int)content)
        content = (size_t)frame->adjust;
    uint64_t value = (uint64_t)((int64_t)content - frame->adjust);
    for (size_t i = 0; i < header + content; i++)
        message[i] = (uint8_t)rand_r(seed);
    for (int i = 0; i < frame->width; i++) {
        int shift = frame->little_endian ? i : frame->width - 1 - i;
        message[frame->offset + i] = (uint8_t)(value >> 8 * shift);
    }
    return header + content;
}

static const struct frame fuzzed[] = {LINES,
                                      BE4,
                                      LE4,
                                      BE4_WHOLE,
                                      FRAME(0, 1, false, 0),
                                      FRAME(3, 2, true, 4),
                                      FRAME(1, 3, false, -4),
                                      FRAME(0, 8, false, -8),
                                      FRAME(2, 8, true, 1)};
enum { FUZZED = sizeof fuzzed / sizeof *fuzzed };

/* Conversations that are right, or are not, in any order and any pieces: the same verdict as the
 * plain reader's after each piece. */
START_TEST(a_plain_reader_has_the_same_verdicts)
{
    unsigned int seed = 20240 + (unsigned int)_i;
    long idle = 0, private = 0;
    for (int run = 0; run < 3000; run++) {
        static struct reader reader;
        struct witness witness = framed(fuzzed[_i]);
        int asked = 0, answered = 0;
        memset(&reader, 0, sizeof reader);
        reader.frame = fuzzed[_i];
        for (int turn = 0; turn < 12; turn++) {
            uint8_t message[64];
            bool sends = asked == answered || rand_r(&seed) % 3 == 0;
            if (turn > 0 && rand_r(&seed) % 40 == 0)
                sends = !sends;
            size_t len = make_message(&fuzzed[_i], message, &seed);
            if (rand_r(&seed) % 25 == 0)
                message[rand_r(&seed) % len] ^= (uint8_t)(1 << rand_r(&seed) % 8);
            if (rand_r(&seed) % 25 == 0)
                len -= len > 1;
            if (turn == 0)
                message[0] = fuzzed[_i].offset > 0 ? 'x' : message[0];
            enum witness_state state = WITNESS_BUSY;
            for (size_t at = 0, piece; at < len; at += piece) {
                piece = 1 + rand_r(&seed) % (len - at);
                feed(&witness, sends, (char *)message + at, piece, WHOLE);
                for (size_t i = at; i < at + piece; i++)
                    state = reader_take(&reader, sends, (char)message[i]);
                if (witness.reason == REASON_TUNNEL || witness.reason == REASON_TLS)
                    break;
                require(witness.state == state, "the verdict of the plain reader");
                idle += state == WITNESS_IDLE;
                private += state == WITNESS_PRIVATE;
            }
            asked += sends;
            answered += !sends;
        }
    }
    ck_assert_int_gt(idle, 1000); /* or nothing was compared */
    ck_assert_int_gt(private, 1000);
}
END_TEST

START_TEST(a_witness_goes_on_where_it_was_moved_to)
{
    struct witness witness = framed((struct frame)BE4), moved;
    feed(&witness, true, "\0\0\0\2a", 5, WHOLE);
    memcpy(&moved, &witness, sizeof moved);
    memset(&witness, 0xff, sizeof witness);
    feed(&moved, true, "b", 1, WHOLE);
    feed(&moved, false, "\0\0\0\0", 4, WHOLE);
    assert_is(&moved, IDLE);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("witness_frames");
    TCase *exchanges = tcase_create("exchanges"), *bounds = tcase_create("bounds");
    TCase *reader = tcase_create("reader");
    SRunner *runner = srunner_create(suite);

    tcase_add_loop_test(exchanges, an_exchange_has_its_verdict_wherever_its_bytes_are_split, 0,
                        CORPUS);
    tcase_add_loop_test(exchanges, no_part_of_an_exchange_is_idle, 0, CORPUS);
    tcase_add_loop_test(exchanges, what_is_private_stays_private, 0, CORPUS);
    tcase_add_test(exchanges, a_connection_serves_one_exchange_after_another);
    tcase_add_test(exchanges, an_unasked_message_on_an_idle_connection_makes_it_private);
    tcase_add_test(exchanges, only_the_beginning_of_a_connection_can_be_a_tunnels);
    tcase_add_loop_test(exchanges, a_time_out_does_not_matter_and_errno_is_left_alone, 0, CORPUS);
    tcase_add_test(exchanges, a_witness_goes_on_where_it_was_moved_to);
    tcase_add_test(bounds, so_many_requests_may_be_outstanding_and_no_more);
    tcase_add_loop_test(bounds, a_frame_of_a_gigabyte_is_counted_to_its_last_byte, 0, 2);
    tcase_add_test(bounds, the_longest_header_before_a_length_is_passed_over);
    tcase_add_loop_test(reader, a_plain_reader_has_the_same_verdicts, 0, FUZZED);
    suite_add_tcase(suite, exchanges);
    suite_add_tcase(suite, bounds);
    suite_add_tcase(suite, reader);

    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
