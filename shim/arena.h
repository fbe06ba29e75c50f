/* SPDX-License-Identifier: MIT
 * Memory for bookkeeping, straight from mmap: malloc may be the very function that we are called
 * from. */
#ifndef TWPOOL_SHIM_ARENA_H
#define TWPOOL_SHIM_ARENA_H

#include <stddef.h>

enum { ARENA_CLASSES = 40 };

/* Blocks in powers of two, freed ones kept by size and handed out again; nothing is ever unmapped.
 * Not locked: whoever owns the arena serialises its use. Zero-initialised is empty and ready. */
struct arena {
    void *freed[ARENA_CLASSES]; /* singly linked through their first word */
    char *next;                 /* the untouched rest of the chunk taken last */
    size_t left;
};

/* Memory of at least size bytes, aligned to 16, not zeroed; NULL when the kernel has none. Uses raw
 * mmap only: async-signal-safe under the owner's lock. Preserves errno. */
void *arena_alloc(struct arena *arena, size_t size);

/* Takes back a block of arena_alloc(arena, size), with the same size. NULL is allowed. */
void arena_free(struct arena *arena, void *block, size_t size);

#endif
