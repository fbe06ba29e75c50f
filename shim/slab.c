/* SPDX-License-Identifier: MIT
 * A stack of free records by index, with a tag that changes at every step. */
#include "slab.h"

#include "kernel.h"

#include <string.h>

static char *chunk_at(struct slab *slab, uint32_t chunk_index)
{
    char *chunk = atomic_load(&slab->chunks[chunk_index]);
    if (chunk != NULL)
        return chunk;
    char *fresh = kernel_map(slab->size * SLAB_CHUNK);
    if (fresh == NULL)
        return NULL;
    if (atomic_compare_exchange_strong(&slab->chunks[chunk_index], &chunk, fresh))
        return fresh;
    kernel_unmap(fresh, slab->size * SLAB_CHUNK);
    return chunk;
}

static char *record_at(struct slab *slab, uint32_t index)
{
    char *chunk = chunk_at(slab, index / SLAB_CHUNK);
    return chunk == NULL ? NULL : chunk + slab->size * (index % SLAB_CHUNK);
}

/* Found by address: a record does not carry its index, which a stray write could change. */
static uint32_t index_of(struct slab *slab, const char *record)
{
    for (uint32_t i = 0; i < SLAB_CHUNKS; i++) {
        const char *chunk = atomic_load(&slab->chunks[i]);
        if (chunk == NULL)
            break;
        if (record >= chunk && record < chunk + slab->size * SLAB_CHUNK)
            return i * SLAB_CHUNK + (uint32_t)((size_t)(record - chunk) / slab->size);
    }
    return UINT32_MAX;
}

static _Atomic uint32_t *next_of(struct slab *slab, char *record)
{
    return (_Atomic uint32_t *)(void *)(record + slab->next_offset);
}

static uint64_t tagged(uint64_t previous, uint32_t first)
{
    return ((previous >> 32) + 1) << 32 | first;
}

void *slab_take(struct slab *slab)
{
    uint64_t head = atomic_load(&slab->free);
    while ((uint32_t)head != 0) {
        char *record = record_at(slab, (uint32_t)head - 1);
        /* May read the link of a record that another thread has just taken: the tag then differs.
         */
        uint32_t next = atomic_load(next_of(slab, record));
        if (atomic_compare_exchange_weak(&slab->free, &head, tagged(head, next)))
            return record;
    }
    uint32_t index = atomic_load(&slab->used);
    do {
        if (index >= SLAB_CHUNK * SLAB_CHUNKS || record_at(slab, index) == NULL)
            return NULL;
    } while (!atomic_compare_exchange_weak(&slab->used, &index, index + 1));
    return record_at(slab, index);
}

void slab_give(struct slab *slab, void *record)
{
    uint32_t index = index_of(slab, record);
    if (index == UINT32_MAX)
        return;
    uint64_t head = atomic_load(&slab->free);
    do {
        atomic_store(next_of(slab, record), (uint32_t)head);
    } while (!atomic_compare_exchange_weak(&slab->free, &head, tagged(head, index + 1)));
}

void slab_reset(struct slab *slab)
{
    for (uint32_t i = 0; i < SLAB_CHUNKS; i++) {
        char *chunk = atomic_load(&slab->chunks[i]);
        if (chunk == NULL)
            break;
        memset(chunk, 0, slab->size * SLAB_CHUNK);
    }
    atomic_store(&slab->free, 0);
    atomic_store(&slab->used, 0);
}
