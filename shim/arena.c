/* SPDX-License-Identifier: MIT
 * Power-of-two blocks cut from chunks of raw mmap. */
#include "arena.h"

#include "arch.h"

#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>

enum { CHUNK_SIZE = 64 * 1024 }; /* some sixty destinations; a multiple of every page size */
enum { CLASS_MIN = 4 };          /* 16 bytes: the alignment promised, and room for the link */

static unsigned class_of(size_t size);
static void *pop(struct arena *arena, unsigned class);
static void push(struct arena *arena, void *block, unsigned class);
static void keep_rest(struct arena *arena);
static void *map(size_t size);

void *arena_alloc(struct arena *arena, size_t size)
{
    unsigned class = class_of(size);
    if (class >= ARENA_CLASSES)
        return NULL;

    void *block = pop(arena, class);
    if (block != NULL)
        return block;

    size_t block_size = (size_t)1 << class;
    if (block_size >= CHUNK_SIZE)
        return map(block_size);

    if (block_size > arena->left) {
        char *chunk = map(CHUNK_SIZE);
        if (chunk == NULL)
            return NULL;
        keep_rest(arena);
        arena->next = chunk;
        arena->left = CHUNK_SIZE;
    }
    block = arena->next;
    arena->next += block_size;
    arena->left -= block_size;
    return block;
}

void arena_free(struct arena *arena, void *block, size_t size)
{
    if (block == NULL)
        return;
    push(arena, block, class_of(size));
}

/* The class whose blocks are 1 << class bytes: the smallest that holds size. */
static unsigned class_of(size_t size)
{
    if (size <= (size_t)1 << CLASS_MIN)
        return CLASS_MIN;
    return 64 - (unsigned)__builtin_clzll((unsigned long long)size - 1);
}

static void *pop(struct arena *arena, unsigned class)
{
    void **block = arena->freed[class];
    if (block == NULL)
        return NULL;
    arena->freed[class] = *block;
    return block;
}

static void push(struct arena *arena, void *block, unsigned class)
{
    *(void **)block = arena->freed[class];
    arena->freed[class] = block;
}

/* The rest of a chunk that is about to be left behind becomes freed blocks, largest first. */
static void keep_rest(struct arena *arena)
{
    while (arena->left > 0) {
        unsigned class = 63 - (unsigned)__builtin_clzll((unsigned long long)arena->left);
        size_t block_size = (size_t)1 << class;

        push(arena, arena->next, class);
        arena->next += block_size;
        arena->left -= block_size;
    }
}

static void *map(size_t size)
{
    long result = arch_syscall(SYS_mmap, 0, (long)size, PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (result < 0 && result >= -4095) /* the range of -errno */
        return NULL;
    return (void *)result;
}
