/* SPDX-License-Identifier: MIT
 * The pool against a naive model of itself: whatever the calls, both answer the same. */
#include "dests.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

enum { DESTS = 12, ITEMS = 96, STEPS = 300000 };

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
    *seed ^= *seed << 13; /* xorshift32: the same on every machine */
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed % bound;
}

/* The model: all items, each with the moment of its parking. Every question is answered by
 * looking at all of them. */
struct model_item {
    struct pool_item item; /* first, so that a pool_item is found again as its model_item */
    uint64_t parked_at;    /* 0 while it is ours */
};

static struct model_item model[ITEMS];
static uint64_t parkings;

static bool is_due(const struct pool_item *item, uint64_t now_ms)
{
    return item->idle_until_ms <= now_ms || item->aged_at_ms <= now_ms;
}

static uint32_t model_count(const struct dest *dest)
{
    uint32_t count = 0;

    for (int i = 0; i < ITEMS; i++)
        count += model[i].parked_at != 0 && (dest == NULL || model[i].item.dest == dest);
    return count;
}

/* What may be handed out: proven before unproven, then the newest, then the one parked last. */
static bool is_better(const struct model_item *a, const struct model_item *b)
{
    if (a->item.proven != b->item.proven)
        return a->item.proven;
    if (a->item.idle_since_ms != b->item.idle_since_ms)
        return a->item.idle_since_ms > b->item.idle_since_ms;
    return a->parked_at > b->parked_at;
}

static struct pool_item *model_best(const struct dest *dest, uint64_t now_ms)
{
    struct model_item *best = NULL;

    for (int i = 0; i < ITEMS; i++) {
        struct model_item *each = &model[i];
        if (each->parked_at == 0 || each->item.dest != dest || is_due(&each->item, now_ms))
            continue;
        if (best == NULL || is_better(each, best))
            best = each;
    }
    return best != NULL ? &best->item : NULL;
}

static uint64_t model_oldest_ms(const struct dest *dest)
{
    uint64_t oldest_ms = UINT64_MAX;

    for (int i = 0; i < ITEMS; i++) {
        const struct model_item *each = &model[i];
        if (each->parked_at == 0 || (dest != NULL && each->item.dest != dest))
            continue;
        if (each->item.idle_since_ms < oldest_ms)
            oldest_ms = each->item.idle_since_ms;
    }
    return oldest_ms;
}

/* The item has left the pool: it must have been in it. */
static void model_left(struct pool_item *item)
{
    struct model_item *each = (struct model_item *)item;

    ck_assert_uint_ne(each->parked_at, 0);
    ck_assert(!item->parked);
    each->parked_at = 0;
}

static void step_put(struct model_item *each, uint64_t now_ms, uint32_t *seed)
{
    struct pool_item *item = &each->item, *evicted = item;
    if (each->parked_at != 0)
        return;

    item->dest = dests[random_below(seed, DESTS)];
    item->proven = random_below(seed, 2) == 0;
    item->idle_since_ms = now_ms - random_below(seed, 4); /* clocks read in another order */
    item->idle_until_ms = now_ms + 1 + random_below(seed, 400);
    item->aged_at_ms = now_ms + 1 + random_below(seed, 800);

    bool dest_full = model_count(item->dest) == pool.limits.idle_per_dest;
    bool pool_full = model_count(NULL) == pool.limits.idle;
    uint64_t oldest_ms = model_oldest_ms(dest_full ? item->dest : NULL);

    ck_assert_int_eq(pool_put(&pool, item, &evicted), REASON_NONE);
    ck_assert_int_eq(evicted != NULL, dest_full || pool_full);
    if (evicted != NULL) {
        ck_assert_uint_eq(evicted->idle_since_ms, oldest_ms);
        if (dest_full)
            ck_assert_ptr_eq(evicted->dest, item->dest);
        model_left(evicted);
    }
    each->parked_at = ++parkings;
}

static void step_take(uint64_t now_ms, uint32_t *seed)
{
    struct dest *dest = dests[random_below(seed, DESTS)];
    struct pool_item *expected = model_best(dest, now_ms);

    ck_assert_ptr_eq(pool_take(&pool, dest, now_ms), expected);
    if (expected != NULL)
        model_left(expected);
}

static void step_take_expired(uint64_t now_ms)
{
    enum reason reason = REASON_NONE;
    struct pool_item *item;

    while ((item = pool_take_expired(&pool, now_ms, &reason)) != NULL) {
        ck_assert(is_due(item, now_ms));
        bool aged_first = item->aged_at_ms <= item->idle_until_ms;
        ck_assert_int_eq(reason, aged_first ? REASON_AGED : REASON_EXPIRED);
        model_left(item);
    }
    uint32_t overdue = 0;
    for (int i = 0; i < ITEMS; i++)
        overdue += model[i].parked_at != 0 && is_due(&model[i].item, now_ms);
    ck_assert_uint_eq(overdue, 0);
}

static void step_take_oldest(void)
{
    uint64_t oldest_ms = model_oldest_ms(NULL);
    struct pool_item *item = pool_take_oldest(&pool);

    ck_assert_int_eq(item != NULL, oldest_ms != UINT64_MAX);
    if (item == NULL)
        return;
    ck_assert_uint_eq(item->idle_since_ms, oldest_ms);
    model_left(item);
}

static void step_take_item(struct model_item *each)
{
    bool is_parked = each->parked_at != 0;

    ck_assert_int_eq(pool_take_item(&pool, &each->item), is_parked);
    if (is_parked)
        model_left(&each->item);
}

static void random_step(uint64_t now_ms, uint32_t *seed)
{
    struct model_item *each = &model[random_below(seed, ITEMS)];
    uint32_t dice = random_below(seed, 100);

    if (dice < 60)
        step_put(each, now_ms, seed);
    else if (dice < 85)
        step_take(now_ms, seed);
    else if (dice < 90)
        step_take_expired(now_ms);
    else if (dice < 93)
        step_take_oldest();
    else
        step_take_item(each);
}

START_TEST(any_sequence_of_calls_does_what_the_naive_model_does)
{
    const struct pool_limits limits[] = {{40, 8}, {40, 64}, {1000, 5}, {1, 1}};
    uint32_t seed = 20240229;
    uint64_t now_ms = 1000;

    for (int round = 0; round < 4; round++) {
        start(limits[round].idle, limits[round].idle_per_dest);
        memset(model, 0, sizeof model);
        for (int step = 0; step < STEPS / 4; step++) {
            now_ms += random_below(&seed, 4);
            random_step(now_ms, &seed);
            struct dest *dest = dests[step % DESTS];
            ck_assert_uint_eq(dest->idle, model_count(dest));
            ck_assert_uint_eq(pool.idle, model_count(NULL));
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pool against its model");
    TCase *model_case = tcase_create("model");

    tcase_add_test(model_case, any_sequence_of_calls_does_what_the_naive_model_does);
    suite_add_tcase(suite, model_case);

    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
