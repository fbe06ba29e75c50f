/* SPDX-License-Identifier: MIT
 * The pool used by many threads at once: no item owned twice, no limit passed, no race lost. */
#include "../../shim/lock.h"
#include "dests.h"

#include <check.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { DESTS = 12, INTERNED = 1000 };
enum { THREADS = 8, THREAD_STEPS = 20000, PER_THREAD = 24 };
enum { RACES = 8, RACES_MAX = 1000 }; /* each takes 5 ms; it may take several to meet one */

static struct pool pool;
static struct dest *dests[DESTS];

static void start(uint32_t idle, uint32_t idle_per_dest)
{
    pool_init(&pool, (struct pool_limits){.idle = idle, .idle_per_dest = idle_per_dest});
    for (uint32_t i = 0; i < DESTS; i++) {
        dests[i] = dest_number(&pool, i);
        ck_assert_ptr_nonnull(dests[i]);
    }
}

static uint32_t random_below(uint32_t *seed, uint32_t bound)
{
    *seed ^= *seed << 13; /* xorshift32: the same on every machine, and one per thread */
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed % bound;
}

/* What the threads find is counted, since an assertion can only fail on the main thread. */
struct owned_item {
    struct pool_item item;
    _Atomic uint32_t owners; /* 1 while a thread holds it, 0 while it is parked */
};

static struct owned_item owned[THREADS * PER_THREAD];
static _Atomic uint32_t running, owned_twice, over_limit, puts;

struct hand {
    struct owned_item *items[THREADS * PER_THREAD];
    uint32_t count;
};

static struct hand hands[THREADS];

static void receive(struct hand *hand, struct pool_item *item)
{
    struct owned_item *each = (struct owned_item *)item;
    if (item == NULL)
        return;

    if (atomic_fetch_add_explicit(&each->owners, 1, memory_order_relaxed) != 0)
        atomic_fetch_add(&owned_twice, 1);
    hand->items[hand->count++] = each;
}

static void give(struct hand *hand, uint64_t now_ms, uint32_t *seed)
{
    struct pool_item *evicted = NULL;
    if (hand->count == 0)
        return;

    struct owned_item *each = hand->items[--hand->count];
    each->item.proven = random_below(seed, 2) == 0;
    each->item.idle_since_ms = now_ms;
    each->item.idle_until_ms = now_ms + random_below(seed, 50);
    each->item.aged_at_ms = now_ms + random_below(seed, 100);
    atomic_fetch_sub_explicit(&each->owners, 1, memory_order_relaxed);
    if (pool_put(&pool, &each->item, &evicted) == REASON_NONE)
        atomic_fetch_add_explicit(&puts, 1, memory_order_relaxed);
    else
        receive(hand, &each->item);
    receive(hand, evicted);
}

static void *use_pool(void *context)
{
    struct hand *hand = context;
    uint32_t seed = 1 + (uint32_t)(hand - hands);

    for (uint64_t step = 1; step <= THREAD_STEPS; step++) {
        enum reason reason;
        uint32_t dice = random_below(&seed, 100), any = random_below(&seed, THREADS * PER_THREAD);

        if (dice < 60)
            give(hand, step, &seed);
        else if (dice < 80)
            receive(hand, pool_take(&pool, dests[random_below(&seed, DESTS)], step));
        else if (dice < 85)
            receive(hand, pool_take_expired(&pool, step, &reason));
        else if (dice < 90)
            receive(hand, pool_take_oldest(&pool));
        else if (pool_take_item(&pool, &owned[any].item))
            receive(hand, &owned[any].item);
        if (atomic_load_explicit(&pool.idle, memory_order_relaxed) > pool.limits.idle)
            atomic_fetch_add(&over_limit, 1);
    }
    atomic_fetch_sub(&running, 1);
    return NULL;
}

/* What is in the lists at one moment: nothing moves while every lock is held. */
static void look_at_all_shards(void)
{
    uint32_t count = 0;

    for (int i = 0; i < POOL_SHARDS; i++) {
        while (!lock_acquire(&pool.shards[i].lock))
            continue;
    }
    for (int i = 0; i < POOL_SHARDS; i++) {
        struct pool_item *item = pool.shards[i].oldest;
        for (; item != NULL; item = item->older_next)
            count++;
    }
    bool dest_over_limit = false;
    for (int i = 0; i < DESTS; i++)
        dest_over_limit = dest_over_limit || dests[i]->idle > pool.limits.idle_per_dest;
    for (int i = 0; i < POOL_SHARDS; i++)
        lock_release(&pool.shards[i].lock);

    ck_assert_uint_le(count, pool.limits.idle);
    ck_assert(!dest_over_limit);
}

static void run_threads(uint32_t idle, uint32_t idle_per_dest)
{
    pthread_t threads[THREADS];

    start(idle, idle_per_dest);
    memset(owned, 0, sizeof owned);
    memset(hands, 0, sizeof hands);
    running = THREADS;
    owned_twice = over_limit = puts = 0;
    for (int i = 0; i < THREADS * PER_THREAD; i++) {
        struct hand *hand = &hands[i % THREADS];
        owned[i].item.dest = dests[i / THREADS % DESTS];
        owned[i].owners = 1;
        hand->items[hand->count++] = &owned[i];
    }
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, use_pool, &hands[i]), 0);
    while (running > 0) {
        look_at_all_shards();
        sched_yield();
    }
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
}

START_TEST(no_item_is_ever_owned_twice_and_no_limit_passed_by_8_threads)
{
    const struct pool_limits limits[] = {{40, 8}, {1000, 4}, {3, 3}};

    for (int round = 0; round < 3; round++) {
        struct hand rest = {.count = 0};
        struct pool_item *item;

        run_threads(limits[round].idle, limits[round].idle_per_dest);
        ck_assert_uint_eq(owned_twice, 0);
        ck_assert_uint_eq(over_limit, 0);
        ck_assert_uint_gt(puts, THREADS * THREAD_STEPS / 10);

        while ((item = pool_take_oldest(&pool)) != NULL)
            receive(&rest, item);
        ck_assert_uint_eq(owned_twice, 0);
        ck_assert_uint_eq(pool.idle, 0);
        ck_assert_uint_le(rest.count, limits[round].idle);
        for (int i = 0; i < THREADS * PER_THREAD; i++)
            ck_assert_uint_eq(owned[i].owners, 1);
    }
}
END_TEST

static void *intern_all(void *context)
{
    struct dest **found = context;

    for (uint32_t i = 0; i < INTERNED; i++)
        found[i] = dest_number(&pool, DESTS + i);
    atomic_fetch_sub(&running, 1);
    return NULL;
}

static void count_visit(void *context, struct dest *dest)
{
    uint32_t *visits = context;

    *visits += dest->rule == RULE_AUTO && dest->key.family == AF_INET;
}

START_TEST(threads_that_intern_the_same_keys_get_the_same_destinations)
{
    static struct dest *found[THREADS][INTERNED];
    pthread_t threads[THREADS];
    uint32_t visits = 0;

    start(1, 1);
    running = THREADS;
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, intern_all, found[i]), 0);
    while (running > 0) { /* visits them while they are being added */
        visits = 0;
        pool_each_dest(&pool, count_visit, &visits);
        ck_assert_uint_ge(visits, DESTS);
        ck_assert_uint_le(visits, INTERNED + DESTS);
    }
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    ck_assert_uint_eq(pool.dests, INTERNED + DESTS);
    for (int i = 0; i < THREADS; i++)
        ck_assert_mem_eq(found[i], found[0], sizeof found[0]);
}
END_TEST

/* A call made on another thread while this one holds the lock that the call will wait for. */
struct waiting_call {
    pthread_t thread;
    struct pool_item *item;  /* to put, or to take */
    struct pool_item *given; /* evicted, or taken */
    enum reason verdict;
};

static void *put(void *context)
{
    struct waiting_call *call = context;
    call->verdict = pool_put(&pool, call->item, &call->given);
    return NULL;
}

static void *take_oldest(void *context)
{
    struct waiting_call *call = context;
    call->given = pool_take_oldest(&pool);
    return NULL;
}

static void *take_item(void *context)
{
    struct waiting_call *call = context;
    if (pool_take_item(&pool, call->item))
        call->given = call->item;
    return NULL;
}

static void begin(struct waiting_call *call, void *(*function)(void *), struct pool_item *item)
{
    *call = (struct waiting_call){.item = item};
    ck_assert_int_eq(pthread_create(&call->thread, NULL, function, call), 0);
}

static void end(struct waiting_call *call)
{
    ck_assert_int_eq(pthread_join(call->thread, NULL), 0);
}

/* Time for a thread to arrive at the lock, well within the bound of its wait. */
static void let_it_wait(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
}

static struct pool_item item_of(struct dest *dest, uint64_t idle_since_ms)
{
    return (struct pool_item){.dest = dest,
                              .idle_since_ms = idle_since_ms,
                              .idle_until_ms = UINT64_MAX,
                              .aged_at_ms = UINT64_MAX};
}

static void park(struct pool_item *item)
{
    struct pool_item *evicted;
    ck_assert_int_eq(pool_put(&pool, item, &evicted), REASON_NONE);
}

/* The shard where the only item is parked. */
static struct pool_shard *shard_in_use(void)
{
    for (int i = 0; i < POOL_SHARDS; i++) {
        if (pool.shards[i].oldest != NULL)
            return &pool.shards[i];
    }
    ck_abort_msg("nothing is parked");
    return NULL;
}

/* The shard of dests[0]; the pool is empty. */
static struct pool_shard *first_shard(void)
{
    struct pool_item probe = item_of(dests[0], 1);

    park(&probe);
    struct pool_shard *shard = shard_in_use();
    ck_assert(pool_take_item(&pool, &probe));
    return shard;
}

/* A destination of another shard; the pool is empty. */
static struct dest *dest_outside(const struct pool_shard *shard)
{
    for (int i = 1; i < DESTS; i++) {
        struct pool_item probe = item_of(dests[i], 1);
        park(&probe);
        bool outside = shard_in_use() != shard;
        ck_assert(pool_take_item(&pool, &probe));
        if (outside)
            return dests[i];
    }
    ck_abort_msg("every destination is in one shard");
    return NULL;
}

START_TEST(a_destination_filled_while_room_was_made_refuses_and_hands_over_the_evicted)
{
    uint32_t seen = 0;

    for (int round = 0; round < RACES_MAX && seen == 0; round++) {
        struct waiting_call call;

        start(2, 1);
        struct pool_shard *shard = first_shard();
        struct dest *dest = dest_outside(shard);
        struct pool_item oldest = item_of(dests[0], 1);
        struct pool_item slower = item_of(dest, 2), faster = item_of(dest, 3);

        park(&oldest);
        atomic_fetch_add(&pool.idle, 1); /* full: as if a third were just being parked */
        ck_assert(lock_acquire(&shard->lock));
        begin(&call, put, &slower); /* waits to evict the oldest */
        let_it_wait();
        atomic_fetch_sub(&pool.idle, 1);
        park(&faster);
        lock_release(&shard->lock);
        end(&call);

        ck_assert_uint_eq(dest->idle, 1);
        ck_assert_uint_eq(pool.idle, oldest.parked + slower.parked + faster.parked);
        if (call.verdict == REASON_NONE || call.given == NULL)
            continue; /* it came too early or too late for the race */
        ck_assert_int_eq(call.verdict, REASON_CONTENDED);
        ck_assert_ptr_eq(call.given, &oldest);
        ck_assert(!slower.parked);
        seen++;
    }
    ck_assert_uint_gt(seen, 0);
}
END_TEST

START_TEST(the_oldest_is_looked_for_again_when_it_was_taken_meanwhile)
{
    uint32_t seen = 0;

    for (int round = 0; round < RACES_MAX && seen < RACES; round++) {
        struct waiting_call first, second;

        start(8, 8);
        struct pool_shard *shard = first_shard();
        struct pool_item oldest = item_of(dests[0], 1), youngest = item_of(dests[0], 9);
        struct pool_item middle = item_of(dest_outside(shard), 5);

        park(&oldest);
        park(&youngest);
        park(&middle);
        ck_assert(lock_acquire(&shard->lock));
        begin(&first, take_item, &oldest);
        begin(&second, take_oldest, NULL);
        let_it_wait();
        lock_release(&shard->lock);
        end(&first);
        end(&second);

        ck_assert_ptr_eq(second.given, first.given == NULL ? &oldest : &middle);
        seen += first.given != NULL;
    }
    ck_assert_uint_ge(seen, RACES);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pool under threads");
    TCase *threads = tcase_create("threads");

    tcase_add_test(threads, no_item_is_ever_owned_twice_and_no_limit_passed_by_8_threads);
    tcase_add_test(threads, threads_that_intern_the_same_keys_get_the_same_destinations);
    tcase_add_test(threads,
                   a_destination_filled_while_room_was_made_refuses_and_hands_over_the_evicted);
    tcase_add_test(threads, the_oldest_is_looked_for_again_when_it_was_taken_meanwhile);
    suite_add_tcase(suite, threads);

    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
