/* SPDX-License-Identifier: MIT
 * The idle connections, by destination: a pure data structure, which makes no system call but to
 * wait for its own locks and to map memory. */
#ifndef TWPOOL_SHIM_POOL_H
#define TWPOOL_SHIM_POOL_H

#include "arena.h"
#include "dest.h"
#include "reason.h"
#include "rule.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <uthash.h>

/* One idle connection, embedded in the caller's own record. The caller fills the first part before
 * pool_put(); the rest is the pool's. An item is in the pool or owned by one caller, never both. */
struct pool_item {
    _Atomic(struct dest *) dest;
    uint64_t idle_since_ms, idle_until_ms; /* it may be handed out before idle_until_ms */
    uint64_t aged_at_ms;                   /* and before this, whatever its idle limit */
    bool proven;                           /* it was reused with success at least once */

    _Atomic bool parked;
    struct pool_item *prev, *next;             /* dest's list, newest first (utlist DL_) */
    struct pool_item *older_prev, *older_next; /* the shard's list, oldest first */
};

/* A destination seen by this process: interned once, never freed, so a pointer to it is its
 * identity. Counters are for the statistics: relaxed, nothing is ordered by them. */
struct dest {
    struct dest_key key;
    enum rule rule;     /* set by whoever interns it first, as are its parameters; immutable */
    struct frame frame; /* afterwards */
    _Atomic uint64_t opened, reused, parked, deferred;
    _Atomic uint64_t failed; /* real connect() calls that opened nothing */
    _Atomic uint64_t refused[REASON_COUNT];
    _Atomic uint32_t last_refusal;     /* enum reason: why the last close was not a parking */
    _Atomic uint32_t raw_unfit;        /* connections that did not meet the conditions of `raw` */
    _Atomic uint32_t fitted;           /* verdict.h: by every connection so far */
    _Atomic uint32_t stale_streak;     /* hand-outs in a row that proved stale */
    _Atomic uint64_t backoff_until_ms; /* no reuse before this (stale twice in a row) */
    _Atomic bool never_defer;          /* its peer did not close after announcing it */

    struct pool_item *proven, *unproven; /* idle here, newest first; under the shard's lock */
    _Atomic uint32_t idle;               /* written under the shard's lock, read by anyone */
    UT_hash_handle hh;
    struct dest *list_next; /* the one interned before it in the shard; immutable */
};

/* A power of two: enough that two threads rarely meet, few enough to look at all of them. */
enum { POOL_SHARDS = 8 };
/* Destinations interned at most; beyond it a destination is simply not pooled. Each takes
 * 1 KiB, so a crawler cannot take more than 17 MiB. */
enum { POOL_DESTS_MAX = 16384 };

struct pool_limits {
    uint32_t idle, idle_per_dest; /* 0: nothing is ever parked */
};

struct pool_shard {
    _Atomic uint32_t lock;
    struct arena arena;
    struct dest *by_key;                /* uthash */
    _Atomic(struct dest *) newest_dest; /* head of list_next, readable without the lock */
    struct pool_item *oldest;           /* head of the shard's list by idle_since_ms */
    _Atomic uint64_t
        oldest_since_ms; /* of that head, UINT64_MAX when none: read without the lock */
    _Atomic uint64_t next_deadline_ms; /* no item of the shard expires before this */
};

struct pool {
    struct pool_limits limits;
    _Atomic uint32_t idle, dests;
    struct pool_shard shards[POOL_SHARDS];
};

/* Every function below may be called by any thread that has its signals blocked: a handler that
 * came here while its own thread holds a lock would only wait out the bound. A lock that stays
 * taken past that bound is given up on, and the call reports that nothing was found or done. None
 * allocates with malloc; all preserve errno. Time is the caller's: milliseconds of CLOCK_MONOTONIC.
 */

void pool_init(struct pool *pool, struct pool_limits limits);

/* The destination for a key, interned with this rule at first sight. NULL when there are
 * POOL_DESTS_MAX already, no memory, or the lock is contended. */
struct dest *pool_dest(struct pool *pool, const struct dest_key *key, struct rule_choice choice);

static inline struct rule_choice dest_choice(const struct dest *dest)
{
    return (struct rule_choice){.rule = dest->rule, .frame = dest->frame};
}

/* Parks an item whose dest is set. Returns REASON_NONE: the pool owns it; or why it was not parked
 * (LIMIT_IDLE, CONTENDED): it is still the caller's. *evicted is always set, to NULL or to an item
 * that had to make room and is the caller's now: the destination's own longest idle when the
 * destination is full, else the longest idle of all. It can come with CONTENDED too, when another
 * thread filled the destination between the eviction and the parking. */
enum reason pool_put(struct pool *pool, struct pool_item *item, struct pool_item **evicted);

/* Takes the newest proven item of the destination, else the newest, that may still be used now.
 * Items found expired on the way stay, for pool_take_expired(). NULL when there is none, or before
 * the destination's backoff_until_ms. */
struct pool_item *pool_take(struct pool *pool, struct dest *dest, uint64_t now_ms);

/* Takes one given item. False when it is not parked (any more). The caller sees to it that the
 * item's memory and dest stay what they are during the call. */
bool pool_take_item(struct pool *pool, struct pool_item *item);

/* Takes one item past its limits; call until NULL. *reason is EXPIRED or AGED. Costs a few loads
 * while nothing is due. */
struct pool_item *pool_take_expired(struct pool *pool, uint64_t now_ms, enum reason *reason);

/* No item expires before this; UINT64_MAX when the pool is empty, which is one load. It may be too
 * early, where the item that it was for has been taken: the next pool_take_expired() mends that. */
uint64_t pool_deadline_ms(const struct pool *pool);

/* Takes the longest idle item of all; NULL when the pool is empty. */
struct pool_item *pool_take_oldest(struct pool *pool);

/* Notes how a hand-out turned out. Two stale ones in a row close the destination for 1 s, each
 * further one for twice as long, at most 64 s; a good one forgets that. What proves stale while the
 * destination is closed was handed out before, and does not count: a server's restart makes all
 * that were in use stale at once. */
void pool_note_stale(struct dest *dest, uint64_t now_ms);
void pool_note_good(struct dest *dest);

/* Visits every destination, without a lock: destinations are never freed. */
void pool_each_dest(struct pool *pool, void (*visit)(void *context, struct dest *dest),
                    void *context);

#endif
