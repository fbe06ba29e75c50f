/* SPDX-License-Identifier: MIT
 * The idle connections, in shards by the hash of their destination's key. No thread ever holds two
 * shard locks, so there is no order to keep. */
#define HASH_NONFATAL_OOM 1
/* Expanded inside intern() only, where these two are in scope. */
#define uthash_malloc(size) arena_alloc(arena, size)
#define uthash_free(block, size) arena_free(arena, block, size)
#define uthash_nonfatal_oom(added) (out_of_memory = true)

#include "pool.h"

#include "lock.h"

#include <string.h>
#include <utlist.h>

#undef assert /* utlist.h's would print through stdio */
#define assert(condition) ((void)0)

#define NEVER UINT64_MAX

_Static_assert(sizeof(struct dest) <= 1024, "pool.h promises that a destination takes 1 KiB");

enum { OLDEST_ATTEMPTS = 8 };                      /* races lost before any old one will do */
enum { BACKOFF_MS = 1000, BACKOFF_DOUBLINGS = 6 }; /* 1 s up to 64 s */
enum { STALE_STREAK_MIN = 2 };                     /* one alone is an idle limit's race */

static struct dest *intern(struct pool *pool, struct pool_shard *shard, const struct dest_key *key,
                           unsigned hash, struct rule_choice choice);
static struct pool_shard *shard_of_hash(struct pool *pool, unsigned hash);
static struct pool_shard *shard_of(struct pool *pool, const struct dest *dest);
static bool reserve(_Atomic uint32_t *count, uint32_t limit);
static void unreserve(_Atomic uint32_t *count);

static enum reason put_in_full_pool(struct pool *pool, struct pool_item *item,
                                    struct pool_item **evicted);
static struct pool_item *detach_oldest(struct pool *pool);
static struct pool_shard *shard_of_oldest(struct pool *pool, uint64_t *since_ms);
static struct pool_item *longest_idle(const struct dest *dest);
static struct pool_item *first_usable(struct pool_item *newest, uint64_t now_ms);
static struct pool_item *first_expired(struct pool_shard *shard, uint64_t now_ms);
static uint64_t deadline_ms(const struct pool_item *item);

static bool has_room(const struct pool *pool, const struct dest *dest);
static void link_item(struct pool_shard *shard, struct pool_item *item);
static void unlink_item(struct pool_shard *shard, struct pool_item *item);
static void link_by_age(struct pool_shard *shard, struct pool_item *item);
static void note_oldest(struct pool_shard *shard);
static struct pool_item **list_of(const struct pool_item *item);
static int by_newest(const struct pool_item *a, const struct pool_item *b);

void pool_init(struct pool *pool, struct pool_limits limits)
{
    memset(pool, 0, sizeof *pool);
    pool->limits = limits;
    for (int i = 0; i < POOL_SHARDS; i++) {
        atomic_init(&pool->shards[i].oldest_since_ms, NEVER);
        atomic_init(&pool->shards[i].next_deadline_ms, NEVER);
    }
}

struct dest *pool_dest(struct pool *pool, const struct dest_key *key, struct rule_choice choice)
{
    unsigned hash;
    HASH_VALUE(key, sizeof *key, hash);

    struct pool_shard *shard = shard_of_hash(pool, hash);
    if (!lock_acquire(&shard->lock))
        return NULL;

    struct dest *dest;
    HASH_FIND_BYHASHVALUE(hh, shard->by_key, key, sizeof *key, hash, dest);
    if (dest == NULL)
        dest = intern(pool, shard, key, hash, choice);
    lock_release(&shard->lock);
    return dest;
}

enum reason pool_put(struct pool *pool, struct pool_item *item, struct pool_item **evicted)
{
    *evicted = NULL;
    if (pool->limits.idle == 0 || pool->limits.idle_per_dest == 0)
        return REASON_LIMIT_IDLE;

    struct pool_shard *shard = shard_of(pool, item->dest);
    if (!lock_acquire(&shard->lock))
        return REASON_CONTENDED;

    bool linked = true;
    if (!has_room(pool, item->dest)) {
        /* Its place in the pool's count passes to the new one. */
        *evicted = longest_idle(item->dest);
        unlink_item(shard, *evicted);
        link_item(shard, item);
    } else if (reserve(&pool->idle, pool->limits.idle)) {
        link_item(shard, item);
    } else {
        linked = false;
    }
    lock_release(&shard->lock);

    if (linked)
        return REASON_NONE;
    return put_in_full_pool(pool, item, evicted);
}

struct pool_item *pool_take(struct pool *pool, struct dest *dest, uint64_t now_ms)
{
    if (now_ms < atomic_load_explicit(&dest->backoff_until_ms, memory_order_relaxed))
        return NULL;
    /* The usual miss, without the lock; what is being parked at this moment may be missed too. */
    if (atomic_load_explicit(&dest->idle, memory_order_relaxed) == 0)
        return NULL;

    struct pool_shard *shard = shard_of(pool, dest);
    if (!lock_acquire(&shard->lock))
        return NULL;

    struct pool_item *item = first_usable(dest->proven, now_ms);
    if (item == NULL)
        item = first_usable(dest->unproven, now_ms);
    if (item != NULL)
        unlink_item(shard, item);
    lock_release(&shard->lock);

    if (item != NULL)
        unreserve(&pool->idle);
    return item;
}

bool pool_take_item(struct pool *pool, struct pool_item *item)
{
    /* Once: the item may be taken, and be parked elsewhere, at any moment until the lock is ours.
     */
    struct dest *dest = atomic_load(&item->dest);
    if (dest == NULL)
        return false;

    struct pool_shard *shard = shard_of(pool, dest);
    if (!lock_acquire(&shard->lock))
        return false;

    bool taken = atomic_load(&item->dest) == dest && atomic_load(&item->parked);
    if (taken)
        unlink_item(shard, item);
    lock_release(&shard->lock);

    if (taken)
        unreserve(&pool->idle);
    return taken;
}

struct pool_item *pool_take_expired(struct pool *pool, uint64_t now_ms, enum reason *reason)
{
    for (int i = 0; i < POOL_SHARDS; i++) {
        struct pool_shard *shard = &pool->shards[i];
        if (now_ms < atomic_load_explicit(&shard->next_deadline_ms, memory_order_relaxed))
            continue;
        if (!lock_acquire(&shard->lock))
            continue;

        struct pool_item *item = first_expired(shard, now_ms);
        if (item != NULL)
            unlink_item(shard, item);
        lock_release(&shard->lock);

        if (item == NULL)
            continue;
        unreserve(&pool->idle);
        *reason = item->aged_at_ms <= item->idle_until_ms ? REASON_AGED : REASON_EXPIRED;
        return item;
    }
    return NULL;
}

uint64_t pool_deadline_ms(const struct pool *pool)
{
    uint64_t next_ms = NEVER;

    if (atomic_load_explicit(&pool->idle, memory_order_relaxed) == 0)
        return NEVER;
    for (int i = 0; i < POOL_SHARDS; i++) {
        uint64_t shard_ms =
            atomic_load_explicit(&pool->shards[i].next_deadline_ms, memory_order_relaxed);
        if (shard_ms < next_ms)
            next_ms = shard_ms;
    }
    return next_ms;
}

struct pool_item *pool_take_oldest(struct pool *pool)
{
    struct pool_item *item = detach_oldest(pool);

    if (item != NULL)
        unreserve(&pool->idle);
    return item;
}

void pool_note_stale(struct dest *dest, uint64_t now_ms)
{
    uint64_t until_ms = atomic_load_explicit(&dest->backoff_until_ms, memory_order_relaxed);
    if (now_ms < until_ms)
        return;

    uint32_t streak = atomic_fetch_add_explicit(&dest->stale_streak, 1, memory_order_relaxed) + 1;
    if (streak < STALE_STREAK_MIN)
        return;

    uint32_t doublings = streak - STALE_STREAK_MIN;
    if (doublings > BACKOFF_DOUBLINGS)
        doublings = BACKOFF_DOUBLINGS;
    /* When it fails, another thread has just closed the destination: once is enough. */
    atomic_compare_exchange_strong_explicit(&dest->backoff_until_ms, &until_ms,
                                            now_ms + ((uint64_t)BACKOFF_MS << doublings),
                                            memory_order_relaxed, memory_order_relaxed);
}

void pool_note_good(struct dest *dest)
{
    /* Nearly always 0 already: looking first keeps the cache line shared. */
    if (atomic_load_explicit(&dest->stale_streak, memory_order_relaxed) == 0)
        return;
    atomic_store_explicit(&dest->stale_streak, 0, memory_order_relaxed);
    atomic_store_explicit(&dest->backoff_until_ms, 0, memory_order_relaxed);
}

void pool_each_dest(struct pool *pool, void (*visit)(void *context, struct dest *dest),
                    void *context)
{
    for (int i = 0; i < POOL_SHARDS; i++) {
        /* Pairs with the release in intern(): what is reachable is complete. */
        struct dest *dest =
            atomic_load_explicit(&pool->shards[i].newest_dest, memory_order_acquire);
        for (; dest != NULL; dest = dest->list_next)
            visit(context, dest);
    }
}

/* Under the shard's lock. */
static struct dest *intern(struct pool *pool, struct pool_shard *shard, const struct dest_key *key,
                           unsigned hash, struct rule_choice choice)
{
    struct arena *arena = &shard->arena;
    bool out_of_memory = false;

    if (!reserve(&pool->dests, POOL_DESTS_MAX))
        return NULL;

    struct dest *dest = arena_alloc(arena, sizeof *dest);
    if (dest != NULL) {
        memset(dest, 0, sizeof *dest);
        dest->key = *key;
        dest->rule = choice.rule;
        dest->frame = choice.frame;
        HASH_ADD_BYHASHVALUE(hh, shard->by_key, key, sizeof dest->key, hash, dest);
    }
    if (dest == NULL || out_of_memory) {
        arena_free(arena, dest, sizeof *dest);
        unreserve(&pool->dests);
        return NULL;
    }

    dest->list_next = atomic_load_explicit(&shard->newest_dest, memory_order_relaxed);
    /* Pairs with the acquire in pool_each_dest(). */
    atomic_store_explicit(&shard->newest_dest, dest, memory_order_release);
    return dest;
}

static struct pool_shard *shard_of_hash(struct pool *pool, unsigned hash)
{
    return &pool->shards[(hash >> 24) %
                         POOL_SHARDS]; /* uthash takes its bucket from the low bits */
}

static struct pool_shard *shard_of(struct pool *pool, const struct dest *dest)
{
    return shard_of_hash(pool, dest->hh.hashv);
}

/* Counts one more unless that would pass the limit. */
static bool reserve(_Atomic uint32_t *count, uint32_t limit)
{
    uint32_t seen = atomic_load_explicit(count, memory_order_relaxed);

    while (seen < limit) {
        /* Pairs with the release in unreserve(): the one that made room is out of its lists. */
        if (atomic_compare_exchange_weak_explicit(count, &seen, seen + 1, memory_order_acquire,
                                                  memory_order_relaxed))
            return true;
    }
    return false;
}

/* Only after the item has left its lists: the count never falls short of what is in them. */
static void unreserve(_Atomic uint32_t *count)
{
    atomic_fetch_sub_explicit(count, 1, memory_order_release);
}

/* The victim's place in the pool's count passes to the item. Called without a lock. */
static enum reason put_in_full_pool(struct pool *pool, struct pool_item *item,
                                    struct pool_item **evicted)
{
    *evicted = detach_oldest(pool);
    /* None left: others were faster, and may have left room. */
    if (*evicted == NULL && !reserve(&pool->idle, pool->limits.idle))
        return REASON_CONTENDED;

    struct pool_shard *shard = shard_of(pool, item->dest);
    bool linked = false;
    if (lock_acquire(&shard->lock)) {
        linked = has_room(pool, item->dest);
        if (linked)
            link_item(shard, item);
        lock_release(&shard->lock);
    }
    if (linked)
        return REASON_NONE;
    unreserve(&pool->idle);
    return REASON_CONTENDED;
}

/* Takes the longest idle item out of its lists; its place in the pool's count stays taken. */
static struct pool_item *detach_oldest(struct pool *pool)
{
    for (int left = OLDEST_ATTEMPTS; left > 0; left--) {
        uint64_t since_ms;
        struct pool_shard *shard = shard_of_oldest(pool, &since_ms);
        if (shard == NULL || !lock_acquire(&shard->lock))
            return NULL;

        /* The head that was seen may be gone: look again, but not for ever. */
        struct pool_item *item = shard->oldest;
        if (item != NULL && item->idle_since_ms > since_ms && left > 1)
            item = NULL;
        if (item != NULL)
            unlink_item(shard, item);
        lock_release(&shard->lock);
        if (item != NULL)
            return item;
    }
    return NULL;
}

/* A guess, without a lock; NULL when every shard is empty. */
static struct pool_shard *shard_of_oldest(struct pool *pool, uint64_t *since_ms)
{
    struct pool_shard *oldest = NULL;

    *since_ms = NEVER;
    for (int i = 0; i < POOL_SHARDS; i++) {
        struct pool_shard *shard = &pool->shards[i];
        uint64_t shard_since_ms =
            atomic_load_explicit(&shard->oldest_since_ms, memory_order_relaxed);
        if (shard_since_ms < *since_ms) {
            *since_ms = shard_since_ms;
            oldest = shard;
        }
    }
    return oldest;
}

/* The destination is not empty. Of equals the unproven one goes. */
static struct pool_item *longest_idle(const struct dest *dest)
{
    /* utlist keeps the tail in the head's prev. */
    struct pool_item *proven = dest->proven != NULL ? dest->proven->prev : NULL;
    struct pool_item *unproven = dest->unproven != NULL ? dest->unproven->prev : NULL;

    if (proven == NULL || unproven == NULL)
        return proven != NULL ? proven : unproven;
    return proven->idle_since_ms < unproven->idle_since_ms ? proven : unproven;
}

static struct pool_item *first_usable(struct pool_item *newest, uint64_t now_ms)
{
    struct pool_item *item = newest;

    while (item != NULL && deadline_ms(item) <= now_ms)
        item = item->next;
    return item;
}

static struct pool_item *first_expired(struct pool_shard *shard, uint64_t now_ms)
{
    uint64_t next_ms = NEVER;

    for (struct pool_item *item = shard->oldest; item != NULL; item = item->older_next) {
        uint64_t item_ms = deadline_ms(item);
        if (item_ms <= now_ms)
            return item;
        if (item_ms < next_ms)
            next_ms = item_ms;
    }
    atomic_store_explicit(&shard->next_deadline_ms, next_ms, memory_order_relaxed);
    return NULL;
}

static uint64_t deadline_ms(const struct pool_item *item)
{
    return item->idle_until_ms < item->aged_at_ms ? item->idle_until_ms : item->aged_at_ms;
}

static bool has_room(const struct pool *pool, const struct dest *dest)
{
    return atomic_load_explicit(&dest->idle, memory_order_relaxed) < pool->limits.idle_per_dest;
}

static void link_item(struct pool_shard *shard, struct pool_item *item)
{
    struct pool_item **list = list_of(item);
    DL_INSERT_INORDER(*list, item, by_newest);
    link_by_age(shard, item);
    note_oldest(shard);
    if (deadline_ms(item) < atomic_load_explicit(&shard->next_deadline_ms, memory_order_relaxed))
        atomic_store_explicit(&shard->next_deadline_ms, deadline_ms(item), memory_order_relaxed);
    atomic_fetch_add_explicit(&item->dest->idle, 1, memory_order_relaxed);
    item->parked = true;
}

/* Leaves next_deadline_ms: too early costs one look, too late would leave an item expired. */
static void unlink_item(struct pool_shard *shard, struct pool_item *item)
{
    struct pool_item **list = list_of(item);
    DL_DELETE(*list, item);
    DL_DELETE2(shard->oldest, item, older_prev, older_next);
    note_oldest(shard);
    atomic_fetch_sub_explicit(&item->dest->idle, 1, memory_order_relaxed);
    item->parked = false;
}

/* Two threads can read the clock in one order and come here in the other, so the place is looked
 * for, from the end where it nearly always is. */
static void link_by_age(struct pool_shard *shard, struct pool_item *item)
{
    struct pool_item *before = shard->oldest != NULL ? shard->oldest->older_prev : NULL;

    while (before != NULL && before->idle_since_ms > item->idle_since_ms)
        before = before != shard->oldest ? before->older_prev : NULL;
    DL_APPEND_ELEM2(shard->oldest, before, item, older_prev, older_next);
}

/* For shard_of_oldest(), which only guesses by it. */
static void note_oldest(struct pool_shard *shard)
{
    uint64_t since_ms = shard->oldest != NULL ? shard->oldest->idle_since_ms : NEVER;

    atomic_store_explicit(&shard->oldest_since_ms, since_ms, memory_order_relaxed);
}

static struct pool_item **list_of(const struct pool_item *item)
{
    return item->proven ? &item->dest->proven : &item->dest->unproven;
}

/* Of equals the one parked last counts as the newest. */
static int by_newest(const struct pool_item *a, const struct pool_item *b)
{
    return (b->idle_since_ms > a->idle_since_ms) - (b->idle_since_ms < a->idle_since_ms);
}
