/* SPDX-License-Identifier: MIT
 * The arena and the lock that the pool stands on, and the pool when memory has run out. */
#include "../../shim/arena.h"
#include "../../shim/lock.h"
#include "dests.h"

#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

enum { CHUNK_SIZE = 64 * 1024 };

/* While memory is exhausted every mmap fails; nothing but the code under test may run. */
static struct rlimit memory_limit;

static void exhaust_memory(void)
{
    ck_assert_int_eq(getrlimit(RLIMIT_AS, &memory_limit), 0);
    struct rlimit none = {.rlim_cur = 1, .rlim_max = memory_limit.rlim_max};
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &none), 0);
}

static void restore_memory(void)
{
    ck_assert_int_eq(setrlimit(RLIMIT_AS, &memory_limit), 0);
}

START_TEST(blocks_are_aligned_and_their_own)
{
    enum { COUNT = 3000 };
    static unsigned char *blocks[COUNT];
    struct arena arena = {.left = 0};

    for (size_t i = 0; i < COUNT; i++) {
        blocks[i] = arena_alloc(&arena, i);
        ck_assert_ptr_nonnull(blocks[i]);
        ck_assert_uint_eq((uintptr_t)blocks[i] % 16, 0);
        memset(blocks[i], (int)(i % 251), i);
    }
    for (size_t i = 0; i < COUNT; i++) {
        for (size_t j = 0; j < i; j++) {
            if (blocks[i][j] != i % 251)
                ck_abort_msg("byte %zu of block %zu was overwritten", j, i);
        }
    }
}
END_TEST

START_TEST(a_freed_block_is_handed_out_again_for_any_size_of_its_class)
{
    struct arena arena = {.left = 0};
    void *a = arena_alloc(&arena, 100), *b = arena_alloc(&arena, 128);

    arena_free(&arena, NULL, 100);
    arena_free(&arena, a, 100);
    arena_free(&arena, b, 128);
    ck_assert_ptr_eq(arena_alloc(&arena, 65), b);
    void *other = arena_alloc(&arena, 64);
    ck_assert_ptr_ne(other, a);
    ck_assert_ptr_eq(arena_alloc(&arena, 128), a);
    void *larger = arena_alloc(&arena, 129);
    ck_assert_ptr_ne(larger, a);
    ck_assert_ptr_ne(larger, b);
}
END_TEST

START_TEST(what_a_chunk_has_left_is_not_lost)
{
    struct arena arena = {.left = 0};
    char *first = arena_alloc(&arena, 16);
    char *half = arena_alloc(&arena, CHUNK_SIZE / 2);

    ck_assert_ptr_eq(half, first + 16);
    ck_assert_ptr_nonnull(arena_alloc(&arena, CHUNK_SIZE / 2)); /* a new chunk */
    ck_assert_ptr_nonnull(arena_alloc(&arena, CHUNK_SIZE / 2)); /* the rest of that */
    char *quarter = arena_alloc(&arena, CHUNK_SIZE / 4);
    ck_assert(quarter > first && quarter < first + CHUNK_SIZE);
}
END_TEST

START_TEST(large_blocks_come_straight_from_the_kernel_and_impossible_ones_not_at_all)
{
    struct arena arena = {.left = 0};
    char *large = arena_alloc(&arena, 3 * CHUNK_SIZE);

    ck_assert_ptr_nonnull(large);
    memset(large, 1, 3 * CHUNK_SIZE);
    ck_assert_uint_eq(arena.left, 0);
    arena_free(&arena, large, 3 * CHUNK_SIZE);
    ck_assert_ptr_eq(arena_alloc(&arena, 4 * CHUNK_SIZE), large);
    ck_assert_ptr_null(arena_alloc(&arena, (size_t)1 << 40));
    ck_assert_ptr_null(arena_alloc(&arena, SIZE_MAX));
}
END_TEST

START_TEST(no_memory_is_a_null_and_leaves_errno_alone)
{
    struct arena arena = {.left = 0};

    errno = EXDEV;
    exhaust_memory();
    void *block = arena_alloc(&arena, 16);
    int seen_errno = errno;
    restore_memory();
    ck_assert_ptr_null(block);
    ck_assert_int_eq(seen_errno, EXDEV);
    ck_assert_ptr_nonnull(arena_alloc(&arena, 16));
}
END_TEST

/* Interns until it fails with memory exhausted, then says that nothing was damaged. Returns how
 * many were interned before it failed. */
static uint32_t intern_until_memory_is_out(struct pool *pool)
{
    static struct dest *dests[POOL_DESTS_MAX];
    uint32_t count = 0;

    exhaust_memory();
    while (count < POOL_DESTS_MAX && (dests[count] = dest_number(pool, count)) != NULL)
        count++;
    restore_memory();

    ck_assert_uint_lt(count, POOL_DESTS_MAX);
    ck_assert_uint_eq(pool->dests, count);
    for (uint32_t i = 0; i < count; i++)
        ck_assert_ptr_eq(dest_number(pool, i), dests[i]);
    for (uint32_t i = count; i < POOL_DESTS_MAX; i++)
        ck_assert_ptr_nonnull(dest_number(pool, i));
    for (uint32_t i = 0; i < count; i++)
        ck_assert_ptr_eq(dest_number(pool, i), dests[i]);
    ck_assert_uint_eq(pool->dests, POOL_DESTS_MAX);
    return count;
}

START_TEST(a_destination_for_which_there_is_no_memory_is_none)
{
    static struct pool pool;

    pool_init(&pool, (struct pool_limits){1, 1});
    ck_assert_uint_eq(intern_until_memory_is_out(&pool), 0);
}
END_TEST

START_TEST(a_table_that_cannot_be_made_leaves_none_behind)
{
    static struct pool pool;

    pool_init(&pool, (struct pool_limits){1, 1});
    /* Room for destinations, none for the table. */
    for (int i = 0; i < POOL_SHARDS; i++)
        arena_free(&pool.shards[i].arena, arena_alloc(&pool.shards[i].arena, 1024), 1024);
    for (int i = 0; i < POOL_SHARDS; i++)
        pool.shards[i].arena.left = 0;
    ck_assert_uint_eq(intern_until_memory_is_out(&pool), 0);
}
END_TEST

START_TEST(a_table_that_cannot_grow_keeps_what_it_has)
{
    enum { BLOCKS = POOL_DESTS_MAX / POOL_SHARDS };
    static struct pool pool;
    void *blocks[BLOCKS];

    pool_init(&pool, (struct pool_limits){1, 1});
    for (uint32_t i = 0; i < 8 * POOL_SHARDS; i++)
        ck_assert_ptr_nonnull(dest_number(&pool, i));
    /* Room for every destination, none for the 2 KiB of a table of 128 buckets. */
    for (int i = 0; i < POOL_SHARDS; i++) {
        struct arena *arena = &pool.shards[i].arena;
        for (int j = 0; j < BLOCKS; j++)
            blocks[j] = arena_alloc(arena, 1024);
        for (int j = 0; j < BLOCKS; j++)
            arena_free(arena, blocks[j], 1024);
        arena->left = 0;
        memset(arena->freed + 11, 0, (ARENA_CLASSES - 11) * sizeof arena->freed[0]);
    }
    uint32_t count = intern_until_memory_is_out(&pool);
    ck_assert_uint_gt(count, 64 * POOL_SHARDS); /* it failed by the table */
}
END_TEST

START_TEST(a_lock_that_is_never_released_is_given_up_on_within_its_bound)
{
    _Atomic uint32_t lock = 0;
    struct timespec before, after;

    ck_assert(lock_acquire(&lock));
    clock_gettime(CLOCK_MONOTONIC, &before);
    ck_assert(!lock_acquire(&lock));
    clock_gettime(CLOCK_MONOTONIC, &after);
    int64_t took_ms =
        (after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000;
    ck_assert_int_ge(took_ms, 90);
    ck_assert_int_lt(took_ms, 5000); /* 100 ms, on a machine that may be busy */
    lock_release(&lock);
    ck_assert(lock_acquire(&lock));
}
END_TEST

static _Atomic uint32_t shared_lock;
static uint64_t guarded;

static void *count_up(void *context)
{
    uint32_t *done = context;

    while (*done < 50000) {
        if (!lock_acquire(&shared_lock))
            continue;
        guarded++;
        lock_release(&shared_lock);
        ++*done;
    }
    return NULL;
}

START_TEST(one_thread_at_a_time_is_inside_a_lock)
{
    pthread_t threads[4];
    uint32_t done[4] = {0};

    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, count_up, &done[i]), 0);
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    ck_assert_uint_eq(guarded, 4 * 50000);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("arena and lock");
    TCase *arena = tcase_create("arena"), *memory = tcase_create("no memory");
    TCase *lock = tcase_create("lock");

    tcase_add_test(arena, blocks_are_aligned_and_their_own);
    tcase_add_test(arena, a_freed_block_is_handed_out_again_for_any_size_of_its_class);
    tcase_add_test(arena, what_a_chunk_has_left_is_not_lost);
    tcase_add_test(arena,
                   large_blocks_come_straight_from_the_kernel_and_impossible_ones_not_at_all);
    tcase_add_test(memory, no_memory_is_a_null_and_leaves_errno_alone);
    tcase_add_test(memory, a_destination_for_which_there_is_no_memory_is_none);
    tcase_add_test(memory, a_table_that_cannot_be_made_leaves_none_behind);
    tcase_add_test(memory, a_table_that_cannot_grow_keeps_what_it_has);
    tcase_add_test(lock, a_lock_that_is_never_released_is_given_up_on_within_its_bound);
    tcase_add_test(lock, one_thread_at_a_time_is_inside_a_lock);
    suite_add_tcase(suite, arena);
    suite_add_tcase(suite, memory);
    suite_add_tcase(suite, lock);

    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
