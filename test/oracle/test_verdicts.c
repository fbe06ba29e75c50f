/* SPDX-License-Identifier: MIT
 * What becomes of a connection, by name: each guard says its own reason, and closes in its own way.
 */
#include "../support/network.h"
#include "../support/process.h"
#include "../support/statistics.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LIMIT_S = 20, TRACE_MAX = 65536, SETTLE_S = 1 };

/* TIME_WAIT at the end: a clean close leaves none, a plain one that comes first leaves one. */
enum { ANY = -1 };

static const struct {
    const char *program, *play, *setting;
    const char *verdicts; /* the lines of TWPOOL_LOG=trace, "none-idle" left out; NULL: any */
    int time_wait;
} cases[] = {
    {"endings", "reuse", NULL, "opened, parked, reused, parked, ended: flushed", 0},
    {"endings", "reuse", "TWPOOL_RULES=*=raw", "opened, parked, reused, parked, ended: flushed", 0},
    {"endings", "reuse", "TWPOOL_RULES=*=off", "opened: rule-off, opened: rule-off", 2},
    {"endings", "reuse", "TWPOOL_RULES=*=clean",
     "opened, not parked: rule-clean, opened, not parked: rule-clean", 0},
    {"endings", "reuse", "TWPOOL_CLOSE=plain", "opened, parked, reused, parked, ended: flushed", 1},
    {"endings", "reuse", "TWPOOL=off", "", 2},
    {"endings", "linger_abort", NULL, "opened, not parked: linger", 0},
    {"endings", "linger_and_private", NULL, "opened, not parked: option", 1},
    {"endings", "option_alone", NULL, "opened, not parked: option", 0},
    {"endings", "option_while_unused", NULL, "opened, parked, reused, not parked: option", 0},
    {"endings", "half_request", NULL, "opened, parked, reused, not parked: request-incomplete", 1},
    {"endings", "half_response", NULL, "opened, parked, ended: flushed", 0},
    {"endings", "half_response", "TWPOOL_DRAIN=0", "opened, not parked: response-incomplete", ANY},
    {"endings", "one_of_two_read", "TWPOOL_RULES=*=raw", "opened, not parked: unread", ANY},
    {"endings", "connect_elsewhere", NULL, "opened, not parked: not-connected", 1},
    {"endings", "half_closed", NULL, "opened, parked, ended: flushed", 0},
    {"endings", "half_closed", "TWPOOL_GOODBYES=send", "opened, not parked: half-closed", 0},
    {"endings", "wrapped", NULL, "opened, not parked: stream", 0},
    {"endings", "urgent_sent", NULL, "opened, not parked: urgent", 1},
    {"endings", "urgent_asked_for", NULL, "opened, not parked: urgent", ANY},
    {"endings", "truncated", "TWPOOL_RULES=*=raw", "opened, not parked: unseen-bytes", ANY},
    {"endings", "zerocopy", "TWPOOL_RULES=*=raw", "opened, not parked: unseen-bytes", 0},
    {"endings", "sent_from_file", NULL, "opened, not parked: unseen-bytes", 1},
    {"endings", "spliced_in", NULL, "opened, not parked: unseen-bytes", 1},
    {"endings", "spliced_out", "TWPOOL_RULES=*=raw", "opened, not parked: unseen-bytes", 1},
    {"endings", "printed", NULL, "opened, not parked: unseen-bytes", 1},
    {"endings", "many_messages_sent", NULL, "opened, not parked: unseen-bytes", 1},
    {"endings", "many_messages_received", NULL, "opened, not parked: unseen-bytes", 1},
    {"endings", "peeked", NULL, "opened, parked, ended: flushed", 0},
    {"endings", "peeked", "TWPOOL_DRAIN=0", "opened, not parked: response-incomplete", 0},
    {"endings", "peer_left", "TWPOOL_RULES=*=raw", "opened, not parked: peer-closed", ANY},
    {"endings", "asked_for_signals", NULL,
     "opened, not parked: option, opened, not parked: option, opened, not parked: option", 0},
    {"endings", "looked_at", NULL, "opened, parked, ended: flushed", 0},
    {"endings", "bound_to_port", NULL, "not reused: socket-busy, opened, not parked: bound-port",
     0},
    {"endings", "nothing_said", "TWPOOL_RULES=*=raw",
     "opened, parked, reused, parked, ended: flushed", 0},
    {"endings", "timed_out", "TWPOOL_RULES=*=raw", "opened, not parked: timed-out", 0},
    {"endings", "did_not_wait", "TWPOOL_RULES=*=raw", "opened, parked, ended: flushed", 0},
    {"endings", "interrupted", "TWPOOL_RULES=*=raw", "opened, not parked: response-incomplete", 0},
    {"endings", "interrupted_wait", "TWPOOL_RULES=*=raw", "opened, not parked: response-incomplete",
     0},
    {"endings", "overwritten_by_nothing", NULL, "opened, parked, ended: flushed", 0},
    {"endings", "one_of_two_closed", NULL,
     "opened, opened, parked, parked, ended: flushed, ended: flushed", 0},
    {"endings", "fast_open", NULL, "not reused: socket-busy, opened, not parked: option", ANY},
    {"endings", "killed", NULL, "opened, parked", 0},
    {"endings", "killed", "TWPOOL_CLOSE=plain", "opened, parked", 1},
    {"endings", "option_alone", "TWPOOL_CLOSE=plain", "opened, not parked: option", 1},
    {"turns", "lines", "TWPOOL_RULES=*=lines", "opened, parked, reused, parked, ended: flushed", 0},
    {"turns", "lines", NULL,
     "opened, not parked: unknown-protocol, opened, not parked: unknown-protocol", 0},
    {"turns", "lines", "TWPOOL_RULES=*=frame(0,4,be,0)",
     "opened, not parked: malformed, opened, not parked: malformed", 0},
    {"turns", "frames", "TWPOOL_RULES=*=frame(0,4,be,0)",
     "opened, parked, reused, parked, ended: flushed", 0},
    {"turns", "frames", "TWPOOL_RULES=*=frame(0,4,le,0)",
     "opened, not parked: malformed, opened, not parked: malformed", 0},
    {"turns", "pipelined", "TWPOOL_RULES=*=lines", "opened, parked, ended: flushed", 0},
    {"turns", "one_of_two_read", "TWPOOL_RULES=*=lines", "opened, not parked: response-incomplete",
     ANY},
    {"turns", "half_read", "TWPOOL_RULES=*=frame(0,4,be,0)",
     "opened, not parked: response-incomplete", ANY},
    {"turns", "read_late", "TWPOOL_RULES=*=frame(0,4,be,0)", "opened, parked, ended: flushed", 0},
    {"turns", "half_sent", "TWPOOL_RULES=*=lines", "opened, not parked: malformed", 0},
    {"turns", "told_goodbye", "TWPOOL_RULES=*=lines",
     "opened, parked, reused, parked, ended: flushed", 0},
    {"turns", "through_a_proxy", "TWPOOL_RULES=*=lines", "opened, not parked: tunnel", 0},
    {"turns", "greeted", "TWPOOL_RULES=*=lines", "opened, not parked: server-first", 0},
    {"lives", "linger_off_again", NULL, "opened, parked, ended: flushed", 0},
    {"lives", "linger_before_connect", NULL, "opened, parked, reused, not parked: linger", ANY},
    {"lives", "own_linger2", NULL, "opened, not parked: option", 1},
    {"lives", "keepalive", NULL, "opened, parked, reused, parked, reused, parked, ended: flushed",
     ANY},
    {"lives", "interrupted_and_read_on", "TWPOOL_RULES=*=raw", "opened, parked, ended: flushed",
     ANY},
    {"lives", "nothing_asked", NULL, "opened, parked, ended: flushed", ANY},
    {"lives", "sent_last", NULL, "opened, not parked: request-incomplete", 1},
    {"lives", "overwritten", NULL, "opened, parked, reused, parked, ended: flushed", ANY},
    {"lives", "overwritten_with_wrong_flags", NULL, "opened, parked, ended: flushed", ANY},
    {"lives", "two_reasons", NULL, "opened, not parked: option", 1},
    {"lives", "notes_used_again", "TWPOOL_GOODBYES=send",
     "opened, not parked: half-closed, opened, parked, ended: flushed", ANY},
    {"lives", "linger_time", NULL, "opened, parked, reused, parked, ended: flushed", ANY},
    {"lives", "untold", NULL, "opened, parked, reused, parked, ended: flushed", ANY},
    {"lives", "keepalive_before_connect", NULL,
     "opened, parked, reused, parked, reused, parked, ended: flushed", ANY},
    {"lives", "bound_to_device", NULL,
     "opened, parked, opened, parked, ended: flushed, ended: flushed", ANY},
    {"lives", "priority", NULL, "opened, parked, reused, parked, ended: flushed", ANY},
    {"lives", "two_closed_at_once", NULL, "opened, parked, ended: flushed", ANY},
    {"lives", "environment_overwritten", NULL, "opened, parked, reused, parked, ended: flushed",
     ANY},
    {"drains", "body_left", NULL, "opened, parked, reused, parked, ended: flushed", 0},
    {"drains", "body_left", "TWPOOL_DRAIN=1k", "opened, parked, reused, parked, ended: flushed", 0},
    {"drains", "body_left", "TWPOOL_DRAIN=0",
     "opened, not parked: response-incomplete, opened, not parked: response-incomplete", 0},
    {"drains", "larger_body_left", "TWPOOL_DRAIN=1k", "opened, not parked: response-incomplete", 0},
    {"drains", "largest_body_left", NULL, "opened, parked, ended: flushed", 0},
    {"drains", "too_large_body_left", NULL, "opened, not parked: response-incomplete", 0},
    {"drains", "too_large_body_left", "TWPOOL_DRAIN=1m", "opened, parked, ended: flushed", 0},
    {"drains", "read_again", NULL, "opened, parked, reused, parked, reused, parked, ended: flushed",
     0},
    {"drains", "nothing_read", NULL, "opened, parked, ended: flushed", 0},
    {"drains", "nothing_read", "TWPOOL_RULES=*=raw", "opened, not parked: response-incomplete", 0},
    {"drains", "peeked", NULL, "opened, parked, ended: flushed", 0},
    {"drains", "two_left", NULL, "opened, parked, ended: flushed", 0},
    {"drains", "rest_under_way", NULL, "opened, not parked: response-incomplete", 0},
    {"drains", "rest_not_here", NULL, "opened, not parked: response-incomplete", ANY},
    {"drains", "close_announced", NULL, "opened, not parked: response-incomplete", 0},
    {"drains", "more_behind", NULL, "opened, not parked: response-incomplete", 0},
    {"drains", "lingers", NULL, "opened, not parked: linger", 0},
    {"drains", "urgent_behind", NULL, "opened, not parked: response-incomplete", ANY},
    {"drains", "peer_left", NULL, "opened, not parked: response-incomplete", ANY},
    {"drains", "value_left", NULL, "opened, parked, reused, parked, ended: flushed", ANY},
    {"drains", "value_left_in_vain", "TWPOOL_DRAIN=0", "opened, not parked: response-incomplete",
     0},
    {"drains", "value_left_in_vain", "TWPOOL_MAX_IDLE=0", "opened, not parked: limit", 0},
    {"drains", "value_left_in_vain", "TWPOOL=off", "", 0},
    {"held", "replaced_while_draining", NULL, "opened, not parked: unread", ANY},
    {"held", "read_while_draining", NULL, "opened, not parked: unread", 1},
    {"deferrals", "announced", NULL,
     "opened, deferred, not parked: announced-close, opened, parked, ended: flushed", ANY},
    {"deferrals", "overwritten", NULL,
     "opened, deferred, not parked: announced-close, opened, parked, ended: flushed", ANY},
    {"deferrals", "by_close_range", NULL,
     "opened, deferred, not parked: announced-close, opened, parked, ended: flushed", ANY},
    {"deferrals", "said_more", NULL,
     "opened, deferred, not parked: announced-close, opened, parked, ended: flushed", ANY},
    {"deferrals", "unread_already", NULL, "opened, not parked: announced-close", ANY},
    {"deferrals", "waited_in_vain", "TWPOOL_DEFER=150ms",
     "opened, deferred, not parked: announced-close, opened, parked, ended: deferral-timed-out, "
     "reused, parked, reused, not parked: announced-close",
     0},
    {"deferrals", "many", NULL,
     "opened, opened, opened, opened, deferred, not parked: announced-close, deferred, not parked: "
     "announced-close, deferred, not parked: announced-close, deferred, not parked: "
     "announced-close, opened, parked, ended: flushed",
     ANY},
    {"deferrals", "beyond_the_room", "TWPOOL_MAX_IDLE=1",
     "opened, opened, deferred, not parked: announced-close, deferred, ended: evicted, not parked: "
     "announced-close, ended: flushed",
     0},
    {"deferrals", "bound_to_port", NULL, "not reused: socket-busy, opened, not parked: bound-port",
     ANY},
    {"deferrals", "option_and_bound_to_port", NULL,
     "not reused: socket-busy, opened, not parked: option", ANY},
    {"deferrals", "option", NULL,
     "opened, deferred, not parked: option, opened, parked, ended: flushed", ANY},
    {"deferrals", "linger", NULL, "opened, not parked: linger", ANY},
    {"deferrals", "half_closed", "TWPOOL_GOODBYES=send", "opened, not parked: half-closed", ANY},
    {"deferrals", "half_read", NULL, "opened, not parked: response-incomplete", ANY},
    {"deferrals", "asked_again", NULL, "opened, not parked: announced-close", ANY},
    {"deferrals", "registered", NULL,
     "opened, deferred, not parked: announced-close, ended: flushed", ANY},
    {"deferrals", "registered_and_overwritten", NULL, "opened, not parked: epoll", ANY},
    {"deferrals", "forked", NULL,
     "opened, deferred, not parked: announced-close, opened, parked, ended: flushed", ANY},
    {"deferrals", "shared", NULL, "opened, not parked: shared", ANY},
    {"deferrals", "number_overwritten", NULL,
     "opened, deferred, not parked: announced-close, ended: evicted, opened, parked, ended: "
     "flushed",
     ANY},
    {"deferrals", "ends_meanwhile", NULL,
     "opened, deferred, not parked: announced-close, ended: flushed", 0},
    {"deferrals", "killed_meanwhile", NULL, "opened, deferred, not parked: announced-close", 0},
    {"deferrals", "number_reused_unseen", NULL,
     "opened, deferred, not parked: announced-close, ended: lost, opened, parked, ended: flushed",
     ANY},
    {"deferrals", "sent_unseen", NULL, "opened, not parked: announced-close", ANY},
    {"deferrals", "forked_with_one_waiting", NULL,
     "opened, deferred, not parked: announced-close, opened, parked, reused, opened, opened, "
     "parked, reused, deferred, not parked: announced-close, parked, parked, ended: flushed, "
     "ended: flushed, ended: flushed, ended: flushed",
     ANY},
    {"deferrals", "blocks_in_a_read", "TWPOOL_DEFER=10s", NULL, ANY},
    {"deferrals", "interrupted_in_a_read", "TWPOOL_DEFER=10s",
     "opened, deferred, not parked: announced-close, opened, not parked: response-incomplete, "
     "ended: flushed",
     ANY},
    {"deferrals", "restarted_in_a_read", "TWPOOL_DEFER=10s",
     "opened, deferred, not parked: announced-close, opened, parked, ended: flushed, ended: "
     "flushed",
     ANY},
    {"deferrals", "cancelled_in_a_read", "TWPOOL_DEFER=10s", NULL, ANY},
    {"deferrals", "does_not_block", "TWPOOL_DEFER=10s", NULL, ANY},
    {"deferrals", "times_out_in_a_read", "TWPOOL_DEFER=10s", NULL, ANY},
    {"deferrals", "closed_under_a_read", "TWPOOL_DEFER=10s", NULL, ANY},
    {"deferrals", "asked_for_signals", NULL, "opened, not parked: option", ANY},
    {"deferrals", "asked_for_signals_by_ioctl", NULL, "opened, not parked: option", ANY},
    {"deferrals", "linger_unseen", NULL, "opened, not parked: announced-close", ANY},
    {"deferrals", "looked_after_in_a_wait", "TWPOOL_DEFER=10s",
     "opened, deferred, not parked: announced-close", ANY},
    {"deferrals", "not_deferred", "TWPOOL_DEFER=0", "opened, not parked: announced-close", ANY},
    {"deferrals", "not_deferred", "TWPOOL_CLOSE=plain", "opened, not parked: announced-close", ANY},
    {"deferrals", "not_deferred", "TWPOOL_MAX_IDLE=0", "opened, not parked: announced-close", ANY},
    {"waits", "by_poll", "TWPOOL_RULES=*=raw", "opened, not parked: timed-out", ANY},
    {"waits", "by_poll_at_once", "TWPOOL_RULES=*=raw", "opened, parked, ended: flushed", ANY},
    {"waits", "by_ppoll", "TWPOOL_RULES=*=raw", "opened, not parked: timed-out", ANY},
    {"waits", "by_select", "TWPOOL_RULES=*=raw", "opened, not parked: timed-out", ANY},
    {"waits", "by_pselect", "TWPOOL_RULES=*=raw", "opened, not parked: timed-out", ANY},
    {"waits", "by_epoll", "TWPOOL_RULES=*=raw", "opened, not parked: timed-out", ANY},
    {"waits", "by_epoll_pwait", "TWPOOL_RULES=*=raw", "opened, not parked: timed-out", ANY},
    {"waits", "by_epoll_pwait2", "TWPOOL_RULES=*=raw", "opened, not parked: timed-out", ANY},
    {"waits", "by_poll_on_epoll", "TWPOOL_RULES=*=raw", "opened, not parked: timed-out", ANY},
    {"waits", "by_select_on_epoll", "TWPOOL_RULES=*=raw", "opened, not parked: timed-out", ANY},
    {"waits", "registered", NULL, "opened, parked, ended: flushed", 0},
    {"waits", "registered_and_deleted", NULL, "opened, parked, ended: flushed", 0},
    {"waits", "registered_in_a_copied_set", NULL, "opened, not parked: epoll", ANY},
    {"waits", "registered_in_an_overwriting_copy", NULL, "opened, not parked: epoll", ANY},
    {"waits", "registered_in_a_nested_set", NULL, "opened, not parked: epoll", ANY},
    {"waits", "registered_through_a_copy", NULL, "opened, not parked: epoll", ANY},
    {"waits", "registered_in_two_sets", NULL, "opened, parked, ended: flushed", ANY},
    {"waits", "registered_in_five_sets", NULL, "opened, not parked: epoll", ANY},
    {"waits", "registered_under_two_numbers", NULL, "opened, not parked: epoll", ANY},
    {"waits", "among_many", NULL, "opened, not parked: in-call", ANY},
    {"waits", "closed_under_reader", NULL,
     "opened, not parked: in-call, opened, parked, ended: flushed", ANY},
    {"waits", "closed_under_poll", NULL,
     "opened, not parked: in-call, opened, parked, ended: flushed", ANY},
    {"waits", "registered_in_a_closed_set", NULL, "opened, parked, ended: flushed", ANY},
    {"waits", "registered_in_a_set_that_lives_on", NULL, "opened, not parked: epoll", ANY},
    {"waits", "connected_under_select", NULL,
     "opened, parked, not reused: socket-busy, opened, parked, ended: flushed, ended: flushed",
     ANY},
    {"waits", "close_is_a_cancellation_point", NULL, "opened, parked, ended: flushed", ANY},
    {"waits", "closed_under_another", NULL,
     "opened, not parked: in-call, opened, not parked: in-call", ANY},
    {"beginnings", "duplicated", NULL,
     "opened, parked, not reused: socket-busy, opened, parked, ended: flushed, ended: flushed",
     ANY},
    {"beginnings", "with_an_option", NULL,
     "opened, parked, not reused: socket-busy, opened, not parked: option, ended: flushed", ANY},
    {"beginnings", "inherited", NULL,
     "opened, parked, not reused: socket-busy, opened, not parked: shared, ended: flushed", ANY},
    {"beginnings", "registered", NULL, "opened, parked, reused, parked, ended: flushed", ANY},
    {"beginnings", "after_more", NULL,
     "opened, parked, ended: stale, opened, parked, ended: flushed", ANY},
    {"beginnings", "after_urgent", NULL,
     "opened, parked, ended: stale, opened, parked, ended: flushed", ANY},
    {"beginnings", "after_the_end", NULL,
     "opened, parked, ended: stale, opened, parked, ended: flushed", ANY},
    {"beginnings", "after_a_while", "TWPOOL_IDLE_TIMEOUT=300ms",
     "opened, parked, ended: expired, opened, parked, ended: flushed", ANY},
    {"beginnings", "after_a_while", "TWPOOL_MAX_AGE=300ms",
     "opened, parked, ended: aged, opened, parked, ended: flushed", ANY},
    {"beginnings", "after_a_while", "TWPOOL_IDLE_TIMEOUT=0",
     "opened, not parked: limit, opened, not parked: limit", 0},
    {"beginnings", "after_a_long_use", "TWPOOL_MAX_AGE=100ms", "opened, not parked: too-old", 0},
    {"beginnings", "after_a_promise", NULL,
     "opened, parked, ended: expired, opened, parked, ended: flushed", ANY},
    {"beginnings", "after_a_promise_in_time", "TWPOOL_IDLE_TIMEOUT=50ms",
     "opened, parked, ended: expired, opened, parked, ended: flushed", ANY},
    {"beginnings", "of_one_age", "TWPOOL_MAX_AGE=1500ms", NULL, ANY},
    {"beginnings", "two_with_room_for_one", "TWPOOL_MAX_IDLE=1",
     "opened, opened, parked, ended: evicted, parked, ended: flushed", ANY},
    {"beginnings", "two_with_room_for_one", "TWPOOL_MAX_IDLE_PER_DEST=1",
     "opened, opened, parked, ended: evicted, parked, ended: flushed", ANY},
    {"beginnings", "dropped_twice", NULL,
     "opened, parked, reused, not parked: peer-closed, opened, parked, reused, not parked: "
     "peer-closed, not reused: stale-backoff, opened, parked, not reused: stale-backoff, opened, "
     "parked, ended: flushed, ended: flushed",
     ANY},
    {"beginnings", "reset_twice", NULL,
     "opened, parked, reused, not parked: peer-closed, opened, parked, reused, not parked: "
     "peer-closed, not reused: stale-backoff, opened, parked, not reused: stale-backoff, opened, "
     "parked, ended: flushed, ended: flushed",
     ANY},
    {"beginnings", "multipath", NULL, "", ANY},
    {"beginnings", "mapped_and_v6only", NULL, "opened, parked, ended: flushed", ANY},
    {"beginnings", "v6only_and_not", NULL,
     "opened, parked, opened, parked, reused, parked, ended: flushed, ended: flushed", ANY},
    {"beginnings", "dissolved_before_it_was_told", NULL,
     "opened, parked, reused, not parked: not-connected", ANY},
    {"beginnings", "good_between_drops", NULL,
     "opened, parked, reused, not parked: peer-closed, opened, parked, reused, parked, reused, not "
     "parked: peer-closed, opened, parked, reused, parked, ended: flushed",
     ANY},
    {"beginnings", "proven_first", NULL,
     "opened, parked, reused, opened, parked, parked, reused, ended: flushed", ANY},
    {"beginnings", "swept_by_a_close", "TWPOOL_IDLE_TIMEOUT=50ms",
     "opened, opened, parked, ended: expired, not parked: unused", ANY},
    {"beginnings", "bound_to_port_v6", NULL,
     "not reused: socket-busy, opened, not parked: bound-port", ANY},
    {"beginnings", "bound_to_addresses_v6", NULL,
     "opened, parked, opened, parked, reused, parked, ended: flushed, ended: flushed", ANY},
    {"beginnings", "room_for_a_set", NULL, "opened, parked, ended: evicted", ANY},
    {"beginnings", "room_for_a_socket", NULL, "opened, parked, ended: evicted", ANY},
    {"beginnings", "without_cookies", NULL, "", ANY},
    {"beginnings", "without_counters", NULL,
     "opened, not parked: identity, opened, not parked: identity", ANY},
    {"processes", "forked", NULL, "opened, not parked: shared", 1},
    {"processes", "forked_plainly", NULL, "opened, not parked: shared", ANY},
    {"processes", "forked_by_syscall", NULL, "opened, not parked: shared", ANY},
    {"processes", "forked_unseen", NULL,
     "opened, parked, opened, parked, reused, parked, ended: flushed, reused, parked, ended: "
     "flushed",
     ANY},
    {"processes", "vforked", NULL, "opened, not parked: shared", ANY},
    {"processes", "vforked_child_closes", NULL,
     "opened, not parked: shared, opened, parked, ended: flushed", ANY},
    {"processes", "vforked_child_exits", NULL, "opened, parked, reused, parked, ended: flushed",
     ANY},
    {"processes", "vforked_child_executes", NULL, "opened, parked, reused, parked, ended: flushed",
     ANY},
    {"processes", "vforked_child_connects", NULL, "opened, parked, reused, parked, ended: flushed",
     ANY},
    {"processes", "cloned", NULL, "opened, not parked: shared", ANY},
    {"processes", "spawned", NULL, "opened, not parked: shared", ANY},
    {"processes", "spawned_by_name", NULL, "opened, not parked: shared", ANY},
    {"processes", "by_system", NULL, "opened, not parked: shared", ANY},
    {"processes", "by_popen", NULL, "opened, not parked: shared", ANY},
    {"processes", "child_lives_on", NULL, "opened, parked, ended: flushed", ANY},
    {"processes", "by_execve", NULL, "opened, parked, ended: flushed", 0},
    {"processes", "by_execv", NULL, "opened, parked, ended: flushed", ANY},
    {"processes", "by_execvp", NULL, "opened, parked, ended: flushed", ANY},
    {"processes", "by_execvpe", NULL, "opened, parked, ended: flushed", ANY},
    {"processes", "by_fexecve", NULL, "opened, parked, ended: flushed", ANY},
    {"processes", "by_execveat", NULL, "opened, parked, ended: flushed", ANY},
    {"processes", "by_quick_end", NULL, "opened, parked, ended: flushed", ANY},
    {"processes", "by_syscall_end", NULL, "opened, parked, ended: flushed", 0},
    {"processes", "all_closed", NULL,
     "opened, parked, reused, opened, parked, parked, ended: evicted, ended: evicted, opened, "
     "parked, ended: flushed",
     ANY},
    {"processes", "passed_in_a_message", NULL, "opened, not parked: shared", 1},
    {"processes", "passed_in_messages", NULL, "opened, not parked: shared", 1},
    {"processes", "all_closed_from", NULL,
     "opened, parked, reused, parked, ended: evicted, opened, parked, ended: flushed", ANY},
    {"processes", "vforked_child_overwrites", NULL,
     "opened, parked, reused, opened, parked, not parked: shared, not reused: socket-busy, opened, "
     "not parked: shared, reused, parked, ended: flushed",
     ANY},
    {"processes", "vforked_child_closes_all", NULL,
     "opened, parked, reused, opened, parked, not parked: shared, not reused: socket-busy, opened, "
     "not parked: shared, reused, parked, ended: flushed",
     ANY},
    {"processes", "vforked_child_connects_ours", NULL,
     "opened, parked, reused, opened, parked, not parked: shared, not reused: socket-busy, not "
     "opened, reused, parked, ended: flushed",
     ANY},
    {"processes", "vforked_child_changes_user", NULL,
     "opened, parked, reused, opened, parked, not parked: shared, not reused: socket-busy, opened, "
     "not parked: shared, reused, parked, ended: flushed",
     ANY},
    {"processes", "vforked_child_opens", NULL,
     "opened, parked, reused, opened, parked, not parked: shared, not reused: socket-busy, opened, "
     "not parked: shared, reused, parked, ended: flushed",
     ANY},
    {"processes", "vforked_child_closes_fresh", NULL,
     "opened, parked, reused, opened, parked, not parked: shared, not reused: socket-busy, opened, "
     "not parked: shared, reused, parked, ended: flushed",
     ANY},
    {"processes", "vforked_child_closes_stream", NULL, "opened", ANY},
    {"processes", "forked_child_closes", NULL,
     "opened, opened, parked, reused, parked, ended: flushed, not parked: shared", ANY},
    {"descendants", "idle_through_a_storm", NULL, NULL, ANY},
    {"descendants", "in_use_through_a_storm", NULL, NULL, ANY},
    {"descendants", "as_daemon", NULL, NULL, ANY},
    {"descendants", "first_thread_ends", NULL, NULL, ANY},
    {"descendants", "highest_limit", NULL, NULL, ANY},
    {"identities", "by_setuid", NULL,
     "opened, parked, reused, opened, parked, ended: flushed, not parked: shared", ANY},
    {"identities", "by_seteuid", NULL,
     "opened, parked, reused, opened, parked, ended: flushed, not parked: shared", ANY},
    {"identities", "by_setreuid", NULL,
     "opened, parked, reused, opened, parked, ended: flushed, not parked: shared", ANY},
    {"identities", "by_setresuid", NULL,
     "opened, parked, reused, opened, parked, ended: flushed, not parked: shared", ANY},
    {"identities", "by_setgid", NULL,
     "opened, parked, reused, opened, parked, ended: flushed, not parked: shared", ANY},
    {"identities", "by_setegid", NULL,
     "opened, parked, reused, opened, parked, ended: flushed, not parked: shared", ANY},
    {"identities", "by_setregid", NULL,
     "opened, parked, reused, opened, parked, ended: flushed, not parked: shared", ANY},
    {"identities", "by_setresgid", NULL,
     "opened, parked, reused, opened, parked, ended: flushed, not parked: shared", ANY},
    {"identities", "by_setfsuid", NULL,
     "opened, parked, reused, opened, parked, ended: flushed, not parked: shared", ANY},
    {"identities", "by_setfsgid", NULL,
     "opened, parked, reused, opened, parked, ended: flushed, not parked: shared", ANY},
    {"identities", "by_setns", NULL,
     "opened, parked, ended: flushed, opened, parked, ended: flushed", ANY},
    {"identities", "by_unshare", NULL,
     "opened, parked, ended: flushed, opened, parked, ended: flushed", ANY},
    {"identities", "thread_in_another_network", NULL,
     "opened, parked, not opened, reused, parked, ended: flushed", ANY},
    {"identities", "by_unshare_files", NULL, "opened", ANY},
    {"identities", "by_close_range_unshare", NULL, "opened", ANY},
    {"identities", "by_close_range_unshare_with_idle", NULL, "opened, parked, ended: flushed", ANY},
    {"unseen", "sent", NULL, "opened, not parked: counters", 1},
    {"unseen", "received", "TWPOOL_RULES=*=raw", "opened, not parked: counters", 1},
    {"unseen", "corked", NULL, "opened, not parked: unacked", 1},
    {"unseen", "another_at_its_number", NULL, "opened, not parked: identity", ANY},
    {"unseen", "another_before_connect", NULL,
     "opened, parked, not reused: socket-busy, opened, not parked: identity, ended: flushed", ANY},
    {"unseen", "another_behind_a_new_socket", NULL,
     "opened, not parked: unseen-close, opened, parked, ended: flushed", ANY},
    {"unseen", "signals_before_connect", NULL,
     "opened, parked, not reused: socket-busy, opened, not parked: unused, ended: flushed", ANY},
    {"unseen", "nagle", NULL, "opened, parked, reused, parked, ended: flushed", ANY},
    {"unseen", "hidden_replaced_by_another", NULL,
     "opened, parked, ended: stale, opened, parked, ended: flushed", ANY},
    {"unseen", "hidden_replaced_before_fork", NULL, "opened, parked, ended: flushed", ANY},
    {"unseen", "hidden_closed_in_the_child", NULL, "opened, parked, reused, parked, ended: flushed",
     ANY},
    {"unseen", "hidden_is_not_open", NULL, "opened, parked, reused, parked, ended: flushed", ANY},
    {"unseen", "hidden_closed", NULL,
     "opened, parked, ended: evicted, opened, parked, ended: flushed", ANY},
    {"unseen", "hidden_above_the_limit", NULL, "opened, parked, ended: flushed", ANY},
    {"unseen", "hidden_below_the_limit", NULL, "opened, parked, ended: flushed", ANY},
    {"unseen", "hidden_below_a_high_limit", NULL, "opened, parked, ended: flushed", ANY},
    {"unseen", "copy_closed", NULL, "opened, parked, ended: flushed", ANY},
    {"unseen", "another_behind_an_untracked_socket", NULL, "opened, not parked: unseen-close", ANY},
    {"unseen", "hidden_taken", NULL, "opened, parked, ended: lost", ANY},
    {"unseen", "hidden_taken_and_read", NULL, "opened, parked, ended: lost", ANY},
    {"unseen", "hidden_taken_and_closed", NULL, "opened, parked, ended: lost", ANY},
    {"unseen", "hidden_taken_and_overwritten", NULL, "opened, parked, ended: lost", ANY},
    {"unseen", "hidden_taken_and_polled", NULL, "opened, parked, ended: lost", ANY},
    {"unseen", "hidden_taken_and_connected", NULL, "opened, parked, ended: lost", ANY},
    {"unseen", "hidden_taken_by_a_duplicate", NULL, "opened, parked, ended: lost", ANY},
    {"unseen", "vforked_child_takes_hidden", NULL, "opened, parked, reused, parked, ended: flushed",
     ANY},
    {"unseen", "hidden_is_not_waited_on", NULL, "opened, parked, reused, parked, ended: flushed",
     ANY},
    {"unseen", "select_over_all", NULL, "opened, parked, ended: flushed", ANY},
    {"unseen", "hidden_below_what_is_closed", NULL, "opened, parked, ended: evicted", ANY},
    {"unseen", "hidden_closes_on_exec", NULL, "opened, parked, ended: flushed", ANY},
    {"option_plays", "what_can_be_restored", NULL, NULL, 0},
    {"option_plays", "what_cannot_be_restored", NULL, NULL, ANY},
    {"option_plays", "refused_by_the_kernel", NULL,
     "opened, parked, reused, parked, ended: flushed", 0},
    {"option_plays", "by_syscall", NULL, "opened, parked, reused, not parked: option", 0},
    {"option_plays", "by_a_duplicate", NULL, "opened, parked, reused, not parked: option", 0},
    {"option_plays", "unseen_low_water", NULL,
     "opened, not parked: option, opened, parked, ended: flushed", 0},
    {"option_plays", "unseen_timeout", NULL,
     "opened, not parked: option, opened, parked, ended: flushed", 0},
    {"option_plays", "unseen_linger", NULL,
     "opened, not parked: option, opened, parked, ended: flushed", ANY},
    {"option_plays", "seen_timeout_and_linger", NULL,
     "opened, parked, reused, parked, ended: flushed", 0},
    {"option_plays", "linger2_and_linger", NULL, "opened, not parked: option", 1},
    {"option_plays", "tos_before_connect", NULL,
     "opened, parked, opened, parked, reused, parked, ended: flushed, ended: flushed", 0},
    {"option_plays", "tclass_before_connect", NULL,
     "opened, parked, opened, parked, reused, parked, ended: flushed, ended: flushed", 0},
    {"option_plays", "route_after_tos", NULL,
     "opened, parked, reused, parked, reused, not parked: option", 0},
    {"option_plays", "route_lost", NULL, "opened, not parked: option", 0},
    {"option_plays", "buffer_while_connecting", "TWPOOL_RULES=*=raw",
     "opened, opened, not parked: option, not parked: unused", ANY},
    {"option_plays", "signals_by_ioctl", NULL,
     "opened, not parked: option, opened, not parked: option, opened, not parked: option", 0},
    {"option_plays", "peek_waits", NULL, "opened, not parked: peek-wait", 0},
    {"option_plays", "quick_acks", NULL, NULL, ANY},
    {"option_plays", "quick_acks_while_receiving", NULL, NULL, ANY},
    {"option_plays", "quick_acks_while_receiving", "TWPOOL_RULES=*=raw", NULL, ANY},
    {"option_plays", "quick_acks_unwanted", NULL, "opened, parked, reused, parked, ended: flushed",
     0},
    {"option_plays", "quick_acks_at_first", NULL, "opened, parked, reused, parked, ended: flushed",
     0},
    {"held", "call_while_parking", NULL, "opened, not parked: concurrent", ANY},
    {"held", "call_just_after_parking", NULL, "opened, parked, ended: flushed", ANY},
    {"held", "closed_and_reused_meanwhile", NULL, "opened, parked, reused, parked, ended: flushed",
     ANY},
    {"held", "closed_while_handed_out", NULL, "opened, parked, reused, parked, ended: flushed",
     ANY},
    {"held", "used_while_handed_out", NULL, "opened, parked, reused, parked, ended: flushed", ANY},
    {"held", "number_taken_while_parking", NULL,
     "opened, parked, reused, parked, reused, parked, ended: flushed", ANY},
    {"held", "duplicated_while_closed", NULL,
     "opened, opened, parked, parked, ended: flushed, ended: flushed", ANY},
    {"held", "forked_while_parking", NULL, "opened, not parked: shared", ANY},
    {"held", "forked_between_numbers", NULL, "opened, not parked: shared", ANY},
    {"held", "forked_while_tracking", NULL, "not reused: socket-busy, opened, not parked: shared",
     ANY},
    {"held", "forked_while_handed_out", NULL, "opened, parked, reused, not parked: shared", ANY},
    {"held", "identity_changed_while_parking", NULL,
     "opened, parked, ended: flushed, opened, parked, ended: flushed", ANY},
    {"held", "opened_while_spawning", NULL, "opened, not parked: shared", ANY},
    {"held", "closed_while_ending", "TWPOOL_STATS=/dev/null", "opened, not parked: inert", ANY},
    {"epoll_lives", "level", NULL, "opened, parked, reused, parked, reused, parked, ended: flushed",
     ANY},
    {"epoll_lives", "edge", NULL, "opened, parked, reused, parked, reused, parked, ended: flushed",
     ANY},
    {"epoll_lives", "edge_not_fetched", NULL, "opened, parked, reused, parked, ended: flushed",
     ANY},
    {"epoll_lives", "one_shot_armed", NULL,
     "opened, parked, reused, parked, reused, parked, ended: flushed", ANY},
    {"epoll_lives", "one_shot_fired", NULL,
     "opened, parked, reused, parked, reused, parked, ended: flushed", ANY},
    {"epoll_lives", "exclusive", NULL,
     "opened, parked, reused, parked, reused, parked, ended: flushed", ANY},
    {"epoll_lives", "wakeup", NULL,
     "opened, parked, reused, parked, reused, parked, ended: flushed", ANY},
    {"epoll_lives", "in_two_sets", NULL, "opened, parked, reused, parked, ended: flushed", ANY},
    {"epoll_lives", "among_others", NULL,
     "opened, opened, parked, parked, ended: flushed, ended: flushed", ANY},
    {"epoll_lives", "modified", NULL, "opened, parked, reused, parked, ended: flushed", ANY},
    {"epoll_lives", "deleted", NULL, "opened, parked, reused, parked, ended: flushed", ANY},
    {"epoll_lives", "by_syscall", NULL, "opened, parked, reused, parked, ended: flushed", ANY},
    {"epoll_lives", "under_a_copy", NULL,
     "opened, not parked: epoll, opened, parked, ended: flushed", ANY},
    {"epoll_lives", "under_its_number_again", NULL,
     "opened, parked, reused, parked, ended: flushed", ANY},
    {"epoll_lives", "under_two_numbers", NULL,
     "opened, not parked: epoll, opened, parked, ended: flushed", ANY},
    {"epoll_lives", "deleted_under_another_number", NULL,
     "opened, parked, reused, parked, ended: flushed", ANY},
    {"epoll_lives", "deleted_and_copied", NULL, "opened, parked, reused, parked, ended: flushed",
     ANY},
    {"epoll_lives", "overwritten", NULL,
     "opened, not parked: epoll, opened, parked, ended: flushed", ANY},
    {"epoll_owners", "in_a_copied_set", NULL,
     "opened, not parked: epoll, opened, parked, ended: flushed", ANY},
    {"epoll_owners", "in_an_inherited_set", NULL,
     "opened, not parked: epoll, opened, parked, ended: flushed", ANY},
    {"epoll_owners", "in_a_passed_set", NULL,
     "opened, not parked: epoll, opened, parked, ended: flushed", ANY},
    {"epoll_owners", "in_a_nested_set", NULL,
     "opened, not parked: epoll, opened, parked, ended: flushed", ANY},
    {"epoll_owners", "in_a_polled_set", NULL, "opened, parked, reused, parked, ended: flushed",
     ANY},
    {"epoll_owners", "under_a_waiting_thread", NULL,
     "opened, parked, reused, parked, reused, parked, ended: flushed", ANY},
    {"epoll_owners", "in_a_set_closed_under_a_waiting_thread", NULL,
     "opened, not parked: epoll, opened, parked, reused, parked, ended: flushed", ANY},
    {"epoll_owners", "in_a_set_closed_under_a_polling_thread", NULL,
     "opened, not parked: epoll, opened, parked, reused, parked, ended: flushed", ANY},
    {"epoll_owners", "in_a_set_closed_under_its_maker", NULL,
     "opened, not parked: epoll, opened, parked, ended: flushed", ANY},
    {"epoll_owners", "in_a_set_for_each_wait", NULL,
     "opened, parked, reused, parked, ended: flushed", ANY},
    {"epoll_owners", "in_a_set_closed_unseen", NULL,
     "opened, not parked: epoll, opened, parked, ended: flushed", ANY},
    {"epoll_owners", "in_a_number_closed_unseen", NULL,
     "opened, not parked: epoll, opened, parked, ended: flushed", ANY},
    {"epoll_owners", "timed_out", NULL, "opened, parked, ended: flushed", ANY},
    {"epoll_owners", "timed_out_in_a_closed_set", NULL, "opened, parked, ended: flushed", ANY},
    {"epoll_owners", "timed_out_in_two_sets_in_turn", NULL, "opened, parked, ended: flushed", ANY},
    {"epoll_owners", "not_timed_out", NULL, "opened, parked, reused, parked, ended: flushed", ANY},
    {"epoll_owners", "overwritten_set", NULL,
     "opened, not parked: epoll, opened, parked, ended: flushed", ANY},
    {"epoll_beginnings", "level", NULL,
     "opened, parked, reused, parked, reused, parked, ended: flushed", ANY},
    {"epoll_beginnings", "level_nonblocking", NULL,
     "opened, parked, reused, parked, reused, parked, ended: flushed", ANY},
    {"epoll_beginnings", "for_reading", NULL,
     "opened, parked, reused, parked, reused, parked, ended: flushed", ANY},
    {"epoll_beginnings", "for_nothing", NULL,
     "opened, parked, reused, parked, reused, parked, ended: flushed", ANY},
    {"epoll_beginnings", "edge", NULL,
     "opened, parked, reused, parked, reused, parked, ended: flushed", ANY},
    {"epoll_beginnings", "edge_nonblocking", NULL,
     "opened, parked, reused, parked, reused, parked, ended: flushed", ANY},
    {"epoll_beginnings", "one_shot", NULL,
     "opened, parked, not reused: socket-busy, opened, parked, reused, parked, ended: flushed, "
     "ended: flushed",
     ANY},
    {"epoll_beginnings", "one_shot_nonblocking", NULL,
     "opened, parked, not reused: socket-busy, opened, parked, reused, parked, ended: flushed, "
     "ended: flushed",
     ANY},
    {"epoll_beginnings", "one_shot_fired", NULL,
     "opened, parked, not reused: socket-busy, opened, not parked: half-closed, ended: flushed",
     ANY},
    {"epoll_beginnings", "exclusive", NULL,
     "opened, parked, not reused: socket-busy, opened, parked, ended: flushed, ended: flushed",
     ANY},
    {"epoll_beginnings", "wakeup", NULL, NULL, ANY},
    {"epoll_beginnings", "fetched_before", NULL,
     "opened, parked, reused, parked, reused, parked, ended: flushed", ANY},
    {"epoll_beginnings", "modified", NULL,
     "opened, parked, reused, parked, reused, parked, ended: flushed", ANY},
    {"epoll_beginnings", "by_syscall", NULL,
     "opened, parked, reused, parked, reused, parked, ended: flushed", ANY},
    {"epoll_beginnings", "in_two_sets", NULL, "opened, parked, reused, parked, ended: flushed",
     ANY},
    {"epoll_beginnings", "beside_a_new_socket", NULL,
     "opened, parked, reused, opened, parked, parked, ended: flushed, ended: flushed", ANY},
    {"epoll_beginnings", "deleted", NULL, "opened, parked, reused, parked, ended: flushed", ANY},
    {"epoll_beginnings", "under_a_copy", NULL,
     "opened, parked, not reused: socket-busy, opened, not parked: epoll, ended: flushed", ANY},
    {"epoll_beginnings", "in_a_copied_set", NULL,
     "opened, parked, not reused: socket-busy, opened, not parked: epoll, reused, parked, ended: "
     "flushed",
     ANY},
    {"epoll_beginnings", "among_some", NULL,
     "opened, parked, reused, parked, reused, parked, ended: flushed", ANY},
    {"epoll_beginnings", "among_many", NULL,
     "opened, parked, not reused: socket-busy, opened, parked, reused, parked, ended: flushed, "
     "ended: flushed",
     ANY},
    {"epoll_beginnings", "with_no_room", NULL,
     "opened, parked, ended: stale, opened, parked, ended: flushed", ANY},
    {"epoll_beginnings", "with_no_room_and_no_number", NULL,
     "opened, parked, ended: stale, opened, not parked: no-descriptor", ANY},
    {"epoll_beginnings", "with_no_list", NULL,
     "opened, parked, not reused: socket-busy, opened, parked, ended: flushed, ended: flushed",
     ANY},
    {"epoll_beginnings", "under_a_waiting_thread", NULL,
     "opened, parked, reused, parked, ended: flushed", ANY},
    {"epoll_beginnings", "other_registrations_stay", NULL,
     "opened, parked, reused, parked, ended: flushed", ANY},
    {"epoll_owners", "timed_out", "TWPOOL_RULES=*=raw", "opened, not parked: timed-out", ANY},
    {"epoll_owners", "timed_out_in_a_closed_set", "TWPOOL_RULES=*=raw",
     "opened, not parked: timed-out", ANY},
    {"epoll_owners", "timed_out_in_two_sets_in_turn", "TWPOOL_RULES=*=raw",
     "opened, not parked: timed-out", ANY},
    {"epoll_owners", "not_timed_out", "TWPOOL_RULES=*=raw",
     "opened, parked, reused, parked, ended: flushed", ANY},
    {"epoll_waits", "interrupted", "TWPOOL_RULES=*=raw", "opened, not parked: timed-out", ANY},
    {"epoll_waits", "interrupted_by_pwait", "TWPOOL_RULES=*=raw", "opened, not parked: timed-out",
     ANY},
    {"epoll_waits", "interrupted_by_pwait2", "TWPOOL_RULES=*=raw", "opened, not parked: timed-out",
     ANY},
    {"epoll_waits", "interrupted_in_poll", "TWPOOL_RULES=*=raw", "opened, not parked: timed-out",
     ANY},
    {"epoll_waits", "interrupted_in_select", "TWPOOL_RULES=*=raw", "opened, not parked: timed-out",
     ANY},
    {"epoll_waits", "interrupted_and_read_on", "TWPOOL_RULES=*=raw",
     "opened, parked, ended: flushed", ANY},
    {"epoll_waits", "left", "TWPOOL_RULES=*=raw", "opened, not parked: timed-out", ANY},
    {"epoll_waits", "left_and_deleted", "TWPOOL_RULES=*=raw", "opened, not parked: timed-out", ANY},
    {"epoll_waits", "left_poll", "TWPOOL_RULES=*=raw", "opened, not parked: timed-out", ANY},
    {"half_closes", "writing", NULL, "opened, parked, reused, parked, ended: flushed", 0},
    {"half_closes", "reading", NULL, "opened, parked, reused, parked, ended: flushed", 0},
    {"half_closes", "both", NULL, "opened, parked, reused, parked, ended: flushed", 0},
    {"half_closes", "one_after_the_other", NULL, "opened, parked, reused, parked, ended: flushed",
     0},
    {"half_closes", "after_harmless_calls", NULL, "opened, parked, reused, parked, ended: flushed",
     0},
    {"half_closes", "by_system_calls", NULL, "opened, parked, reused, parked, ended: flushed", 0},
    {"half_closes", "overwritten", NULL, "opened, parked, reused, parked, ended: flushed", 0},
    {"half_closes", "in_an_epoll_set", NULL, "opened, parked, reused, parked, ended: flushed", 0},
    {"half_closes", "beside_sleeping_threads", NULL,
     "opened, parked, reused, parked, ended: flushed", 0},
    {"half_closes", "of_many", NULL, NULL, ANY},
    {"half_closes", "announced", NULL,
     "opened, deferred, not parked: announced-close, ended: flushed", 0},
    {"half_closes", "never_closed", NULL, "opened", 1},
    {"half_closes", "before_the_answer", NULL, "opened, not parked: half-closed", ANY},
    {"half_closes", "of_a_duplicate", NULL, "opened, not parked: half-closed", ANY},
    {"half_closes", "duplicated_after", NULL, "opened, not parked: half-closed", ANY},
    {"half_closes", "copied_after", NULL, "opened, not parked: half-closed", ANY},
    {"half_closes", "files_unshared_after", NULL, NULL, ANY},
    {"half_closes", "sent_then_written", NULL, "opened, not parked: half-closed", ANY},
    {"half_closes", "sent_then_read", NULL, "opened, not parked: half-closed", ANY},
    {"half_closes", "looked_at", NULL, "opened, not parked: half-closed", ANY},
    {"half_closes", "looked_at_by_ioctl", NULL, "opened, not parked: half-closed", ANY},
    {"half_closes", "forked_after", NULL, "opened, not parked: half-closed", ANY},
    {"half_closes", "beside_a_waiting_thread", NULL, "opened, not parked: half-closed", ANY},
    {"half_closes", "beside_a_running_thread", NULL, "opened, parked, ended: flushed", 0},
    {"half_closes", "sent_by_another_thread", NULL, "opened, not parked: half-closed", ANY},
    {"half_closes", "sent_by_a_signal_handler", NULL, "opened, not parked: half-closed", ANY},
    {"half_closes", "unread", NULL, "opened, not parked: half-closed", ANY},
    {"half_closes", "shared_before", NULL, "opened, not parked: half-closed", ANY},
    {"half_closes", "private_before", NULL, "opened, not parked: option", ANY},
    {"half_closes", "of_another_socket", NULL, NULL, ANY},
    {"half_closes", "overwritten_after_unseen", NULL, NULL, ANY},
    {"half_closes", "aborted_after", NULL, "opened, not parked: linger", ANY},
    {"half_closes", "beside_an_idle_one", "TWPOOL_REAPER=thread",
     "opened, opened, parked, parked, ended: flushed, ended: flushed", 0},
    {"half_closes", "no_call_for_a_while", "TWPOOL_REAPER=thread",
     "opened, not parked: half-closed", ANY},
    {"half_closes", "wrapped_after", NULL, "opened, not parked: half-closed", ANY},
    {"half_closes", "stream_closed_after", NULL, "opened, not parked: half-closed", ANY},
    {"half_closes", "stream_reopened_after", NULL, "opened, not parked: half-closed", ANY},
    {"half_closes", "executed_after", NULL, NULL, ANY},
    {"half_closes", "by_no_such_way", NULL, NULL, ANY},
    {"half_closes", "after_the_server", NULL, NULL, ANY},
    {"half_closes", "closed_clean", "TWPOOL_GOODBYES=send", "opened, not parked: half-closed", 0},
    {"half_closes", "writing", "TWPOOL_GOODBYES=send",
     "opened, not parked: half-closed, opened, parked, ended: flushed", ANY},
    {"half_closes", "both", "TWPOOL_GOODBYES=send",
     "opened, not parked: half-closed, opened, parked, ended: flushed", ANY},
    {"half_closes", "writing", "TWPOOL_RULES=*=raw",
     "opened, not parked: half-closed, opened, parked, ended: flushed", ANY},
    {"epoll_waits", "left_poll_of_many_sets", "TWPOOL_RULES=*=raw", "opened, not parked: timed-out",
     ANY},
    {"epoll_waits", "left_select", "TWPOOL_RULES=*=raw", "opened, not parked: timed-out", ANY},
    {"epoll_waits", "left_and_set_closed", "TWPOOL_RULES=*=raw", "opened, not parked: timed-out",
     ANY},
    {"epoll_waits", "left_and_read_on_in_another", "TWPOOL_RULES=*=raw",
     "opened, parked, ended: flushed", ANY},
    {"epoll_waits", "waited_out_in_poll", "TWPOOL_RULES=*=raw", "opened, parked, ended: flushed",
     ANY},
    {"epoll_waits", "cancelled", "TWPOOL_RULES=*=raw", "opened, not parked: timed-out", ANY},
    {"epoll_waits", "ended_in_a_closed_set", "TWPOOL_RULES=*=raw", "opened, not parked: timed-out",
     ANY},
    {"epoll_beginnings", "level", "TWPOOL_RULES=*=raw",
     "opened, parked, reused, parked, reused, parked, ended: flushed", ANY},
    {"held", "closed_while_registered", NULL, "opened, not parked: in-call", ANY},
    {"held", "set_replaced_while_leaving", NULL, "opened, not parked: epoll", ANY},
    {"held", "set_closed_while_carried", NULL,
     "opened, parked, ended: stale, opened, parked, ended: flushed", ANY},
    {"held", "set_replaced_while_carried", NULL,
     "opened, parked, ended: stale, opened, parked, ended: flushed", ANY},
    {"held", "fetched_while_carried", NULL, "opened, parked, reused, parked, ended: flushed", ANY},
    {"held", "forked_while_carried", NULL,
     "opened, parked, ended: stale, opened, not parked: shared", ANY},
    {"streams", "closed", NULL,
     "opened, not parked: stream, opened, parked, reused, parked, ended: flushed", 0},
    {"streams", "closed", "TWPOOL_CLOSE=plain",
     "opened, not parked: stream, opened, parked, reused, parked, ended: flushed", 2},
    {"streams", "closed", "TWPOOL_RULES=*=raw",
     "opened, not parked: stream, opened, parked, reused, parked, ended: flushed", 0},
    {"streams", "closed", "TWPOOL_RULES=*=clean",
     "opened, not parked: stream, opened, not parked: rule-clean, opened, not parked: rule-clean",
     0},
    {"streams", "reopened", NULL,
     "opened, not parked: stream, opened, parked, reused, parked, reused, parked, ended: flushed",
     0},
    {"streams", "reopened_as_large", NULL,
     "opened, not parked: stream, opened, parked, reused, parked, ended: flushed", 0},
    {"streams", "reopened_in_vain", NULL,
     "opened, not parked: stream, opened, parked, reused, parked, ended: flushed", 0},
    {"streams", "two_streams_in_first", NULL,
     "opened, opened, parked, not parked: stream, reused, parked, reused, parked, ended: flushed",
     0},
    {"streams", "two_streams_out_first", NULL,
     "opened, opened, parked, not parked: stream, reused, parked, reused, parked, ended: flushed",
     0},
    {"streams", "stream_and_copy", NULL,
     "opened, not parked: stream, opened, parked, reused, parked, ended: flushed", 0},
    {"streams", "closed_by_hand", NULL,
     "opened, not parked: stream, opened, parked, reused, parked, ended: flushed", 0},
    {"streams", "used_by_hand", NULL,
     "opened, not parked: stream, opened, parked, reused, parked, ended: flushed", 0},
    {"streams", "not_wrapped", NULL,
     "opened, parked, reused, parked, reused, parked, ended: flushed", 0},
    {"streams", "given_an_idle_one", NULL,
     "opened, parked, reused, not parked: stream, opened, parked, reused, parked, ended: flushed",
     0},
    {"streams", "idle_one_not_used", NULL, "opened, parked, reused, not parked: stream", 0},
    {"streams", "output_pending", NULL, "opened, not parked: stream", 1},
    {"streams", "sent_last", NULL, "opened, not parked: stream", 1},
    {"streams", "sent_last_on_an_idle_one", NULL, "opened, parked, reused, not parked: stream", 1},
    {"streams", "never_answered", NULL, "opened, not parked: stream", 1},
    {"streams", "left_unread", NULL,
     "opened, not parked: stream, opened, parked, reused, parked, ended: flushed", ANY},
    {"streams", "peer_closes", NULL,
     "opened, not parked: stream, opened, parked, reused, parked, ended: flushed", ANY},
    {"streams", "lingering", NULL, "opened, not parked: stream", 1},
    {"streams", "inherited", NULL, "opened, not parked: stream", 1},
    {"streams", "registered", NULL,
     "opened, not parked: stream, opened, parked, reused, parked, reused, parked, ended: flushed",
     0},
    {"streams", "other_streams", NULL,
     "opened, parked, reused, parked, reused, parked, ended: flushed", ANY},
    {"streams", "all_flushed", NULL,
     "opened, not parked: stream, opened, parked, reused, parked, ended: flushed", 0},
    {"streams", "among_unknown", NULL,
     "opened, not parked: stream, opened, not parked: unknown-protocol", 0},
    {"streams", "of_no_known_protocol", "TWPOOL_RULES=*=raw", "opened, parked, ended: flushed", 0},
    {"streams", "redirected", NULL,
     "opened, not parked: server-first, opened, parked, reused, parked, ended: flushed", 0},
    {"streams", "standard_streams", NULL, NULL, ANY},
    {"streams", "in_threads", NULL, NULL, 0},
    {"unseen", "wrapped", NULL, "opened, not parked: stream, opened, parked, ended: flushed", 0},
    {"unseen", "wrapped_and_told_goodbye", NULL,
     "opened, not parked: stream, opened, parked, ended: flushed", ANY},
    {"unseen", "hidden_closed_by_stdio", NULL,
     "opened, parked, ended: evicted, opened, parked, ended: flushed", ANY},
    {"held", "number_taken_in_fclose", NULL,
     "opened, not parked: stream, opened, parked, reused, parked, ended: flushed", ANY},
    {"held", "copy_taken_in_fclose", NULL,
     "opened, opened, parked, reused, parked, not parked: stream, ended: flushed", ANY},
    {"left", "by_exit", "TWPOOL_DEFER=10s",
     "opened, opened, deferred, not parked: announced-close, opened, opened, opened, opened, "
     "opened, opened, opened, parked, ended: flushed, ended: flushed",
     ANY},
    {"left", "by_plain_exit", "TWPOOL_DEFER=10s",
     "opened, opened, deferred, not parked: announced-close, opened, opened, opened, opened, "
     "opened, opened, opened, parked, ended: flushed, ended: flushed",
     ANY},
    {"left", "by_quick_exit", "TWPOOL_DEFER=10s",
     "opened, opened, deferred, not parked: announced-close, opened, opened, opened, opened, "
     "opened, opened, opened, parked",
     ANY},
    {"left", "by_abort", "TWPOOL_DEFER=10s",
     "opened, opened, deferred, not parked: announced-close, opened, opened, opened, opened, "
     "opened, opened, opened, parked",
     ANY},
    {"left", "by_kill", "TWPOOL_DEFER=10s",
     "opened, opened, deferred, not parked: announced-close, opened, opened, opened, opened, "
     "opened, opened, opened, parked",
     ANY},
    {"left", "by_fault", "TWPOOL_DEFER=10s",
     "opened, opened, deferred, not parked: announced-close, opened, opened, opened, opened, "
     "opened, opened, opened, parked",
     ANY},
    {"left", "by_exec", "TWPOOL_DEFER=10s",
     "opened, opened, deferred, not parked: announced-close, opened, opened, opened, opened, "
     "opened, opened, opened, parked, ended: flushed, ended: flushed",
     ANY},
    {"left", "by_first_thread", "TWPOOL_DEFER=10s",
     "opened, opened, deferred, not parked: announced-close, opened, opened, opened, opened, "
     "opened, opened, opened, parked",
     ANY},
    {"left", "by_return", "TWPOOL_DEFER=10s",
     "opened, opened, deferred, not parked: announced-close, opened, opened, opened, opened, "
     "opened, opened, opened, parked, ended: flushed, ended: flushed",
     ANY},
};
enum { CASES = sizeof cases / sizeof *cases };

/* Plays that leave connections open where the library has seen no end of them. */
static const struct {
    const char *play;
    long connections;
} left_open[] = {
    {"of_one_age", 40},
    {"proven_first", 1},
    {"cancelled_in_a_read", 1},
    {"does_not_block", 1},
    {"of_another_socket", 1},
    {"overwritten_after_unseen", 1},
    {"files_unshared_after", 1},
    {"never_closed", 1},

    {"times_out_in_a_read", 1},
    {"in_use_through_a_storm", 1}, /* by the child */
    {"by_unshare_files", 1},
    {"by_close_range_unshare", 1},
    {"standard_streams", 1}, /* by the first child */
    {"vforked_child_closes_stream", 1},
    {"by_exit", 7},
    {"by_plain_exit", 7},
    {"by_return", 7},
};

static long left_open_by(const char *play)
{
    for (size_t i = 0; i < sizeof left_open / sizeof *left_open; i++)
        if (strcmp(left_open[i].play, play) == 0)
            return left_open[i].connections;
    return 0;
}

/* "twpool: 127.0.0.1:4711 not parked: linger (why)" is "not parked: linger" here. */
static void add_verdict(char *trace, char *line)
{
    if (strstr(line, "TWPOOL_STATS: cannot write") != NULL)
        return; /* see writes_no_statistics() */
    char *verdict = strchr(line + strlen("twpool: "), ' ');
    ck_assert_msg(verdict != NULL, "no verdict: %s", line);
    char *explanation = strstr(verdict, " (");
    if (explanation != NULL)
        *explanation = '\0';
    if (strcmp(verdict + 1, "not reused: none-idle") == 0)
        return;
    if (strcmp(verdict + 1, "ended: as-announced") == 0)
        return; /* when is the peer's affair; that it is counted shows in the sums */
    ck_assert_uint_lt(strlen(trace) + strlen(verdict) + 2, TRACE_MAX);
    strcat(trace, trace[0] == '\0' ? "" : ",");
    strcat(trace, trace[0] == '\0' ? verdict + 1 : verdict);
}

static const char *verdicts_of(const char *err)
{
    static char trace[TRACE_MAX];
    trace[0] = '\0';
    char *lines = strdup(err), *at;
    for (char *line = strtok_r(lines, "\n", &at); line != NULL; line = strtok_r(NULL, "\n", &at))
        if (strncmp(line, "twpool: ", 8) == 0)
            add_verdict(trace, line);
    free(lines);
    return trace;
}

/* Plays of which a process is killed, executes another program, is left by daemon(), or can open no
 * file at its end. */
static bool writes_no_statistics(const char *play)
{
    static const char *const plays[] = {
        "killed",
        "killed_meanwhile",
        "by_execve",
        "by_execv",
        "by_execvp",
        "by_execvpe",
        "by_fexecve",
        "by_execveat",
        "room_for_a_set",
        "room_for_a_socket",
        "hidden_taken",
        "hidden_taken_and_overwritten",
        "hidden_taken_and_polled",
        "hidden_taken_by_a_duplicate",
        "idle_through_a_storm",
        "as_daemon",
        "by_close_range_unshare_with_idle",
        "with_no_list",
        "executed_after",
        "by_quick_exit",
        "by_abort",
        "by_kill",
        "by_fault",
        "by_exec",
        "by_first_thread",
    };
    for (size_t i = 0; i < sizeof plays / sizeof *plays; i++)
        if (strcmp(plays[i], play) == 0)
            return true;
    return false;
}

/* verdict.h's sums, for each destination of each process that wrote its statistics. */
static void assert_it_adds_up(const char *name, const struct tally *tallies, size_t count,
                              long as_traced, long left_open)
{
    long open = 0, opened = 0;
    for (size_t i = 0; i < count; i++) {
        const struct tally *is = &tallies[i];
        ck_assert_msg(is->opened + is->failed == is->not_reused + is->ruled_off,
                      "%s: opened %ld + failed %ld, but not reused %ld + ruled off %ld", name,
                      is->opened, is->failed, is->not_reused, is->ruled_off);
        ck_assert_msg(is->parked + is->deferred == is->reused + is->ended_idle + is->idle,
                      "%s: parked %ld + deferred %ld, but reused %ld + ended idle %ld + idle %ld",
                      name, is->parked, is->deferred, is->reused, is->ended_idle, is->idle);
        ck_assert_msg(is->deferred <= is->not_parked, "%s: deferred %ld, but not parked %ld", name,
                      is->deferred, is->not_parked);
        opened += is->opened;
        open += is->opened + is->reused - is->parked - is->not_parked;
    }
    ck_assert_msg(opened == as_traced, "%s: %ld opened, and %ld traced", name, opened, as_traced);
    ck_assert_msg(open == left_open, "%s: %ld are said to be open instead of %ld", name, open,
                  left_open);
}

static unsigned time_wait_settled(int network, unsigned expected)
{
    double deadline = seconds_now() + SETTLE_S;
    unsigned now;
    while ((now = network_time_wait(network)) < expected && seconds_now() < deadline)
        usleep(20 * 1000);
    return now;
}

START_TEST(a_connection_comes_to_the_end_that_is_its_own)
{
    int network = network_private();
    const char *name = text("%s %s, %s", cases[_i].program, cases[_i].play,
                            cases[_i].setting != NULL ? cases[_i].setting : "by default");
    const char *file = statistics_file();
    bool own_statistics =
        cases[_i].setting != NULL && strncmp(cases[_i].setting, "TWPOOL_STATS=", 13) == 0;
    struct command command = {
        .argv = {program_path(cases[_i].program), cases[_i].play},
        .settings = {"TWPOOL_LOG=trace", text("TWPOOL_STATS=%s", file), cases[_i].setting},
        .preload = true};
    struct outcome outcome = run(&command, LIMIT_S);
    struct tally *tallies;
    size_t tallied = statistics_take(file, &tallies);
    ck_assert_msg(!outcome.timed_out, "%s: it hangs after:\n%.2000s%.2000s", name, outcome.out,
                  outcome.err);
    ck_assert_msg(outcome.status == 0 || outcome.status == 128 + 9, "%s: status %d: %.3000s", name,
                  outcome.status, outcome.err);
    const char *verdicts = verdicts_of(outcome.err);
    bool any = cases[_i].verdicts == NULL;
    ck_assert_msg(any || strcmp(verdicts, cases[_i].verdicts) == 0,
                  "%s: \"%.2000s\" instead of \"%s\"\n%.2000s", name, verdicts, cases[_i].verdicts,
                  outcome.out);
    if (!writes_no_statistics(cases[_i].play) && !own_statistics)
        assert_it_adds_up(name, tallies, tallied,
                          (long)occurrences(outcome.err, " opened") -
                              (long)occurrences(outcome.err, " not opened"),
                          left_open_by(cases[_i].play));
    if (cases[_i].time_wait == ANY)
        return;
    unsigned left = time_wait_settled(network, (unsigned)cases[_i].time_wait);
    ck_assert_msg(left == (unsigned)cases[_i].time_wait, "%s: %u in TIME_WAIT instead of %d", name,
                  left, cases[_i].time_wait);
}
END_TEST

/* ThreadSanitizer makes a fork() of every vfork(), has a thread of its own that sleeps for a time,
 * and ends a program with a thread that it does not know: those plays are other plays then, not
 * counted.
 */
static bool can_be_played(int i)
{
    const char *sanitizer = getenv("TWPOOL_TEST_PRELOAD_FIRST");
    if (sanitizer == NULL || strstr(sanitizer, "tsan") == NULL)
        return true;
    bool has_reaper =
        cases[i].setting != NULL && strcmp(cases[i].setting, "TWPOOL_REAPER=thread") == 0;
    return !has_reaper && strncmp(cases[i].play, "vforked", 7) != 0 &&
           strcmp(cases[i].play, "beside_sleeping_threads") != 0 &&
           strcmp(cases[i].play, "beside_a_running_thread") != 0;
}

int main(void)
{
    const char *only = getenv("TWPOOL_TEST_ONLY"); /* some of them: program/play, by commas */
    Suite *suite = suite_create("verdicts");
    TCase *tests = tcase_create("verdicts");
    tcase_set_timeout(tests, 2 * LIMIT_S);
    for (int i = 0; i < CASES; i++) {
        char name[100];
        snprintf(name, sizeof name, "%s/%s", cases[i].program, cases[i].play);
        if (is_among(only, name) && can_be_played(i))
            tcase_add_loop_test(tests, a_connection_comes_to_the_end_that_is_its_own, i, i + 1);
    }
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner), ran = srunner_ntests_run(runner);
    srunner_free(runner);
    return failed == 0 && ran > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
