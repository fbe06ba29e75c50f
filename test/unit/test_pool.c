/* SPDX-License-Identifier: MIT
 * The pool of idle connections: what is kept, what is handed out, what must go. */
#include "../../shim/lock.h"
#include "dests.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static struct pool pool;

static void start(uint32_t idle, uint32_t idle_per_dest)
{
    pool_init(&pool, (struct pool_limits){.idle = idle, .idle_per_dest = idle_per_dest});
}

static struct pool_item unproven(struct dest *dest, uint64_t idle_since_ms)
{
    return (struct pool_item){.dest = dest,
                              .idle_since_ms = idle_since_ms,
                              .idle_until_ms = UINT64_MAX,
                              .aged_at_ms = UINT64_MAX};
}

static struct pool_item proven(struct dest *dest, uint64_t idle_since_ms)
{
    struct pool_item item = unproven(dest, idle_since_ms);
    item.proven = true;
    return item;
}

/* Parks it and says that nothing had to go. */
static void park(struct pool_item *item)
{
    struct pool_item *evicted = item;

    ck_assert_int_eq(pool_put(&pool, item, &evicted), REASON_NONE);
    ck_assert_ptr_null(evicted);
}

static struct pool_item *park_and_evict(struct pool_item *item)
{
    struct pool_item *evicted = NULL;

    ck_assert_int_eq(pool_put(&pool, item, &evicted), REASON_NONE);
    return evicted;
}

START_TEST(an_item_parked_is_handed_out_once)
{
    start(4, 4);
    struct dest *dest = dest_number(&pool, 1);
    struct pool_item item = unproven(dest, 1);

    ck_assert_ptr_null(pool_take(&pool, dest, 2));
    park(&item);
    ck_assert(item.parked);
    ck_assert_uint_eq(pool.idle, 1);
    ck_assert_uint_eq(dest->idle, 1);
    ck_assert_ptr_eq(pool_take(&pool, dest, 2), &item);
    ck_assert(!item.parked);
    ck_assert_uint_eq(pool.idle, 0);
    ck_assert_uint_eq(dest->idle, 0);
    ck_assert_ptr_null(pool_take(&pool, dest, 2));
}
END_TEST

START_TEST(an_item_is_handed_out_to_its_own_destination_only)
{
    start(4, 4);
    struct pool_item item = unproven(dest_number(&pool, 1), 1);

    park(&item);
    for (uint32_t other = 2; other < 100; other++)
        ck_assert_ptr_null(pool_take(&pool, dest_number(&pool, other), 2));
    ck_assert_ptr_eq(pool_take(&pool, dest_number(&pool, 1), 2), &item);
}
END_TEST

START_TEST(the_newest_proven_one_goes_out_first_and_then_the_newest_unproven)
{
    start(8, 8);
    struct dest *dest = dest_number(&pool, 1);
    struct pool_item items[] = {unproven(dest, 1), proven(dest, 2), proven(dest, 3),
                                proven(dest, 3), unproven(dest, 5)};
    const int order[] = {3, 2, 1, 4, 0}; /* of the two of the same age the one parked last */

    for (int i = 0; i < 5; i++)
        park(&items[i]);
    for (int i = 0; i < 5; i++)
        ck_assert_ptr_eq(pool_take(&pool, dest, 6), &items[order[i]]);
}
END_TEST

START_TEST(newest_is_by_the_clock_even_when_the_parking_came_out_of_order)
{
    start(8, 8);
    struct dest *dest = dest_number(&pool, 1);
    struct pool_item late = unproven(dest, 9), early = unproven(dest, 8), middle = early;
    middle.idle_since_ms = 8;

    park(&late);
    park(&early);
    park(&middle);
    ck_assert_ptr_eq(pool_take_oldest(&pool), &early);
    ck_assert_ptr_eq(pool_take(&pool, dest, 10), &late);
    ck_assert_ptr_eq(pool_take(&pool, dest, 10), &middle);
}
END_TEST

START_TEST(an_item_is_not_handed_out_from_its_idle_limit_on)
{
    start(8, 8);
    struct dest *dest = dest_number(&pool, 1);
    struct pool_item item = unproven(dest, 1);
    enum reason reason = REASON_NONE;

    item.idle_until_ms = 10;
    park(&item);
    ck_assert_ptr_null(pool_take_expired(&pool, 9, &reason));
    ck_assert_ptr_null(pool_take(&pool, dest, 10));
    ck_assert_ptr_eq(pool_take_expired(&pool, 10, &reason), &item);
    ck_assert_int_eq(reason, REASON_EXPIRED);
    ck_assert_ptr_null(pool_take_expired(&pool, 10, &reason));
    ck_assert_uint_eq(pool.idle, 0);

    park(&item);
    ck_assert_ptr_eq(pool_take(&pool, dest, 9), &item);
}
END_TEST

START_TEST(an_item_is_not_handed_out_from_its_age_limit_on)
{
    start(8, 8);
    struct dest *dest = dest_number(&pool, 1);
    struct pool_item item = proven(dest, 1);
    enum reason reason = REASON_NONE;

    item.aged_at_ms = 10;
    item.idle_until_ms = 20;
    park(&item);
    ck_assert_ptr_null(pool_take_expired(&pool, 9, &reason));
    ck_assert_ptr_null(pool_take(&pool, dest, 10));
    ck_assert_ptr_eq(pool_take_expired(&pool, 30, &reason), &item);
    ck_assert_int_eq(reason, REASON_AGED);
}
END_TEST

START_TEST(an_expired_item_is_passed_over_for_one_that_is_not)
{
    start(8, 8);
    struct dest *dest = dest_number(&pool, 1);
    struct pool_item good = unproven(dest, 1), bad = unproven(dest, 2), worse = proven(dest, 3);
    enum reason reason = REASON_NONE;

    bad.idle_until_ms = worse.idle_until_ms = 10;
    park(&good);
    park(&bad);
    park(&worse);
    ck_assert_ptr_eq(pool_take(&pool, dest, 10), &good);
    ck_assert_uint_eq(pool.idle, 2);
    ck_assert_ptr_nonnull(pool_take_expired(&pool, 10, &reason));
    ck_assert_ptr_nonnull(pool_take_expired(&pool, 10, &reason));
    ck_assert_ptr_null(pool_take_expired(&pool, 10, &reason));
}
END_TEST

START_TEST(while_nothing_is_due_the_sweep_takes_no_lock)
{
    start(8, 8);
    struct pool_item item = unproven(dest_number(&pool, 1), 1);
    enum reason reason = REASON_NONE;

    item.idle_until_ms = 10;
    park(&item);
    for (int i = 0; i < POOL_SHARDS; i++)
        ck_assert(lock_acquire(&pool.shards[i].lock));
    struct timespec before, after;
    clock_gettime(CLOCK_MONOTONIC, &before);
    struct pool_item *expired = pool_take_expired(&pool, 9, &reason);
    clock_gettime(CLOCK_MONOTONIC, &after);
    for (int i = 0; i < POOL_SHARDS; i++)
        lock_release(&pool.shards[i].lock);

    ck_assert_ptr_null(expired);
    /* Each lock asked for in vain would take 100 ms. */
    int64_t took_ms =
        (after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000;
    ck_assert_int_lt(took_ms, 90);
}
END_TEST

START_TEST(the_deadline_is_the_nearest_of_all_and_never_when_nothing_is_idle)
{
    start(8, 8);
    struct pool_item first = unproven(dest_number(&pool, 1), 1);
    struct pool_item second = unproven(dest_number(&pool, 2), 2);
    enum reason reason = REASON_NONE;

    ck_assert_uint_eq(pool_deadline_ms(&pool), UINT64_MAX);
    first.idle_until_ms = 30;
    second.idle_until_ms = 40;
    second.aged_at_ms = 20;
    park(&first);
    ck_assert_uint_eq(pool_deadline_ms(&pool), 30);
    park(&second);
    ck_assert_uint_eq(pool_deadline_ms(&pool), 20);
    ck_assert_ptr_eq(pool_take_expired(&pool, 20, &reason), &second);
    ck_assert_ptr_null(pool_take_expired(&pool, 20, &reason));
    ck_assert_uint_eq(pool_deadline_ms(&pool), 30);
    ck_assert(pool_take_item(&pool, &first));
    ck_assert_uint_eq(pool_deadline_ms(&pool), UINT64_MAX);
}
END_TEST

START_TEST(a_full_destination_gives_up_its_own_longest_idle)
{
    start(8, 2);
    struct dest *dest = dest_number(&pool, 1);
    struct pool_item other = unproven(dest_number(&pool, 2), 1);
    struct pool_item first = proven(dest, 2), second = unproven(dest, 3);
    struct pool_item third = unproven(dest, 4), fourth = unproven(dest, 5);

    park(&other);
    park(&first);
    park(&second);
    ck_assert_ptr_eq(park_and_evict(&third), &first);
    ck_assert(!first.parked);
    ck_assert_ptr_eq(park_and_evict(&fourth), &second);
    ck_assert_uint_eq(dest->idle, 2);
    ck_assert_uint_eq(pool.idle, 3);
}
END_TEST

START_TEST(of_two_idle_equally_long_the_unproven_one_is_evicted)
{
    start(8, 2);
    struct dest *dest = dest_number(&pool, 1);
    struct pool_item kept = proven(dest, 2), gone = unproven(dest, 2), added = proven(dest, 3);

    park(&kept);
    park(&gone);
    ck_assert_ptr_eq(park_and_evict(&added), &gone);
}
END_TEST

START_TEST(a_full_pool_gives_up_the_longest_idle_of_all_destinations)
{
    enum { COUNT = 64 };
    static struct pool_item items[2 * COUNT];

    start(COUNT, 8);
    for (uint32_t i = 0; i < COUNT; i++) {
        /* 37 is odd: all of 0 to 63 once, in a scattered order. */
        items[i] = unproven(dest_number(&pool, i), 100 + i * 37 % COUNT);
        park(&items[i]);
    }
    for (uint32_t i = 0; i < COUNT; i++) {
        struct pool_item *added = &items[COUNT + i];
        *added = proven(dest_number(&pool, 1000 + i), 1000 + i);
        struct pool_item *evicted = park_and_evict(added);
        ck_assert_ptr_nonnull(evicted);
        ck_assert_uint_eq(evicted->idle_since_ms, 100 + i);
        ck_assert_uint_eq(evicted->dest->idle, 0);
        ck_assert_uint_eq(pool.idle, COUNT);
    }
}
END_TEST

START_TEST(an_idle_limit_of_0_parks_nothing)
{
    struct pool_item item, *evicted = &item;

    start(0, 8);
    item = unproven(dest_number(&pool, 1), 1);
    ck_assert_int_eq(pool_put(&pool, &item, &evicted), REASON_LIMIT_IDLE);
    ck_assert_ptr_null(evicted);
    start(8, 0);
    item = unproven(dest_number(&pool, 1), 1);
    ck_assert_int_eq(pool_put(&pool, &item, &evicted), REASON_LIMIT_IDLE);
    ck_assert(!item.parked);
    ck_assert_ptr_null(pool_take(&pool, item.dest, 2));
    ck_assert_ptr_null(pool_take_oldest(&pool));
}
END_TEST

START_TEST(a_given_item_is_taken_from_among_the_others_and_only_once)
{
    start(8, 8);
    struct dest *dest = dest_number(&pool, 1);
    struct pool_item a = unproven(dest, 1), b = unproven(dest, 2), c = unproven(dest, 3);
    struct pool_item never = {.dest = NULL};

    park(&a);
    park(&b);
    park(&c);
    ck_assert(!pool_take_item(&pool, &never));
    ck_assert(pool_take_item(&pool, &b));
    ck_assert(!pool_take_item(&pool, &b));
    ck_assert_uint_eq(pool.idle, 2);
    ck_assert_ptr_eq(pool_take(&pool, dest, 4), &c);
    ck_assert_ptr_eq(pool_take(&pool, dest, 4), &a);
    ck_assert(!pool_take_item(&pool, &a));
}
END_TEST

START_TEST(the_oldest_first_empties_the_pool_in_the_order_of_idleness)
{
    enum { COUNT = 50 };
    static struct pool_item items[COUNT];

    start(COUNT, COUNT);
    for (uint32_t i = 0; i < COUNT; i++) {
        items[i] = unproven(dest_number(&pool, i % 20), 100 + i * 37 % COUNT);
        park(&items[i]);
    }
    for (uint32_t i = 0; i < COUNT; i++)
        ck_assert_uint_eq(pool_take_oldest(&pool)->idle_since_ms, 100 + i);
    ck_assert_ptr_null(pool_take_oldest(&pool));
    ck_assert_uint_eq(pool.idle, 0);
}
END_TEST

START_TEST(stale_twice_in_a_row_closes_a_destination_for_1_s_doubling_up_to_64_s)
{
    start(8, 8);
    struct dest *dest = dest_number(&pool, 1);
    struct pool_item item = unproven(dest, 1);
    const uint64_t seconds[] = {1, 2, 4, 8, 16, 32, 64, 64, 64};
    uint64_t now_ms = 100;

    park(&item);
    pool_note_stale(dest, now_ms);
    ck_assert_uint_eq(dest->backoff_until_ms, 0);
    for (int i = 0; i < 9; i++) {
        pool_note_stale(dest, now_ms);
        ck_assert_uint_eq(dest->backoff_until_ms, now_ms + seconds[i] * 1000);
        now_ms = dest->backoff_until_ms;
        ck_assert_ptr_null(pool_take(&pool, dest, now_ms - 1));
    }
    ck_assert_ptr_eq(pool_take(&pool, dest, now_ms), &item);
}
END_TEST

START_TEST(a_good_hand_out_forgets_the_stale_ones)
{
    start(8, 8);
    struct dest *dest = dest_number(&pool, 1);

    pool_note_stale(dest, 100);
    pool_note_good(dest);
    pool_note_stale(dest, 100);
    ck_assert_uint_eq(dest->backoff_until_ms, 0);
    pool_note_stale(dest, 100);
    ck_assert_uint_eq(dest->backoff_until_ms, 1100);
    pool_note_good(dest);
    ck_assert_uint_eq(dest->backoff_until_ms, 0);
    ck_assert_uint_eq(dest->stale_streak, 0);
}
END_TEST

START_TEST(many_that_prove_stale_at_once_close_a_destination_for_1_s_only)
{
    start(8, 8);
    struct dest *dest = dest_number(&pool, 1);

    for (uint64_t i = 0; i < 100; i++)
        pool_note_stale(dest, 100 + i);
    ck_assert_uint_eq(dest->backoff_until_ms, 1101);
    pool_note_stale(dest, 1101);
    ck_assert_uint_eq(dest->backoff_until_ms, 1101 + 2000);
}
END_TEST

static void count_visit(void *context, struct dest *dest)
{
    unsigned char *visits = context;

    visits[ntohl(*(uint32_t *)dest->key.address) - FIRST_ADDRESS]++;
}

START_TEST(as_many_destinations_as_promised_are_interned_and_no_more)
{
    static unsigned char visits[POOL_DESTS_MAX + 1];

    start(8, 8);
    memset(visits, 0, sizeof visits);
    for (uint32_t i = 0; i < POOL_DESTS_MAX; i++)
        ck_assert_ptr_nonnull(dest_number(&pool, i));
    ck_assert_ptr_null(dest_number(&pool, POOL_DESTS_MAX));
    ck_assert_uint_eq(pool.dests, POOL_DESTS_MAX);

    struct dest *known = dest_number(&pool, POOL_DESTS_MAX / 2);
    ck_assert_ptr_nonnull(known);
    struct pool_item item = unproven(known, 1);
    park(&item);
    ck_assert_ptr_eq(pool_take(&pool, known, 2), &item);

    pool_each_dest(&pool, count_visit, visits);
    for (uint32_t i = 0; i < POOL_DESTS_MAX; i++)
        ck_assert_uint_eq(visits[i], 1);
    ck_assert_uint_eq(visits[POOL_DESTS_MAX], 0);
}
END_TEST

START_TEST(a_lock_that_stays_taken_is_given_up_on_and_errno_is_left_alone)
{
    start(1, 8);
    struct dest *dest = dest_number(&pool, 1);
    struct pool_item parked = unproven(dest, 1), refused = unproven(dest, 2);
    struct pool_item *evicted = &refused;
    enum reason reason = REASON_NONE;

    park(&parked);
    for (int i = 0; i < POOL_SHARDS; i++)
        ck_assert(lock_acquire(&pool.shards[i].lock));
    errno = EXDEV;
    struct dest *found = dest_number(&pool, 1);
    enum reason verdict = pool_put(&pool, &refused, &evicted);
    struct pool_item *taken = pool_take(&pool, dest, 2);
    bool given = pool_take_item(&pool, &parked);
    struct pool_item *oldest = pool_take_oldest(&pool);
    struct pool_item *expired = pool_take_expired(&pool, UINT64_MAX, &reason);
    int seen_errno = errno;
    for (int i = 0; i < POOL_SHARDS; i++)
        lock_release(&pool.shards[i].lock);

    ck_assert_ptr_null(found);
    ck_assert_int_eq(verdict, REASON_CONTENDED);
    ck_assert_ptr_null(evicted);
    ck_assert_ptr_null(taken);
    ck_assert(!given);
    ck_assert_ptr_null(oldest);
    ck_assert_ptr_null(expired);
    ck_assert_int_eq(seen_errno, EXDEV);
    ck_assert_ptr_eq(pool_take(&pool, dest, 2), &parked);
}
END_TEST

static Suite *pool_suite(void)
{
    Suite *suite = suite_create("pool");
    TCase *take = tcase_create("take"), *limits = tcase_create("limits");
    TCase *dests = tcase_create("destinations");

    tcase_add_test(take, an_item_parked_is_handed_out_once);
    tcase_add_test(take, an_item_is_handed_out_to_its_own_destination_only);
    tcase_add_test(take, the_newest_proven_one_goes_out_first_and_then_the_newest_unproven);
    tcase_add_test(take, newest_is_by_the_clock_even_when_the_parking_came_out_of_order);
    tcase_add_test(take, an_item_is_not_handed_out_from_its_idle_limit_on);
    tcase_add_test(take, an_item_is_not_handed_out_from_its_age_limit_on);
    tcase_add_test(take, an_expired_item_is_passed_over_for_one_that_is_not);
    tcase_add_test(take, while_nothing_is_due_the_sweep_takes_no_lock);
    tcase_add_test(take, the_deadline_is_the_nearest_of_all_and_never_when_nothing_is_idle);
    tcase_add_test(take, a_given_item_is_taken_from_among_the_others_and_only_once);
    tcase_add_test(take, the_oldest_first_empties_the_pool_in_the_order_of_idleness);
    tcase_add_test(limits, a_full_destination_gives_up_its_own_longest_idle);
    tcase_add_test(limits, of_two_idle_equally_long_the_unproven_one_is_evicted);
    tcase_add_test(limits, a_full_pool_gives_up_the_longest_idle_of_all_destinations);
    tcase_add_test(limits, an_idle_limit_of_0_parks_nothing);
    tcase_add_test(limits, a_lock_that_stays_taken_is_given_up_on_and_errno_is_left_alone);
    tcase_add_test(dests, stale_twice_in_a_row_closes_a_destination_for_1_s_doubling_up_to_64_s);
    tcase_add_test(dests, a_good_hand_out_forgets_the_stale_ones);
    tcase_add_test(dests, many_that_prove_stale_at_once_close_a_destination_for_1_s_only);
    tcase_add_test(dests, as_many_destinations_as_promised_are_interned_and_no_more);
    suite_add_tcase(suite, take);
    suite_add_tcase(suite, limits);
    suite_add_tcase(suite, dests);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(pool_suite());

    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
