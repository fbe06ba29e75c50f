/* SPDX-License-Identifier: MIT
 * The chunks of the descriptor table: published once, never unmapped. */
#include "fdtable.h"

#include "kernel.h"

#include <sys/mman.h>

_Atomic(fd_chunk) fdtable_chunks[FD_CHUNKS];

static const size_t chunk_bytes = FD_CHUNK_SIZE * sizeof(fd_entry);

static fd_chunk chunk_of(int fd)
{
    _Atomic(fd_chunk) *slot = &fdtable_chunks[(unsigned)fd >> FD_CHUNK_BITS];
    fd_chunk chunk = atomic_load_explicit(slot, memory_order_acquire);
    if (chunk != NULL)
        return chunk;
    fd_chunk fresh = kernel_map(chunk_bytes);
    if (fresh == NULL)
        return NULL;
    /* Two threads may meet here: the first to publish wins, the other's pages go back. */
    if (atomic_compare_exchange_strong_explicit(slot, &chunk, fresh, memory_order_acq_rel,
                                                memory_order_acquire))
        return fresh;
    kernel_unmap(fresh, chunk_bytes);
    return chunk;
}

bool fdtable_set(int fd, fd_entry entry)
{
    if ((unsigned)fd >= 1U << FD_NUMBER_BITS)
        return false;
    if (entry == 0 && fdtable_get(fd) == 0)
        return true;
    fd_chunk chunk = chunk_of(fd);
    if (chunk == NULL)
        return false;
    atomic_store_explicit(&chunk[(unsigned)fd & (FD_CHUNK_SIZE - 1)], entry, memory_order_release);
    return true;
}

bool fdtable_replace(int fd, fd_entry expected, fd_entry entry)
{
    if (fdtable_get(fd) != expected)
        return false;
    fd_chunk chunk = chunk_of(fd);
    return chunk != NULL && atomic_compare_exchange_strong_explicit(
                                &chunk[(unsigned)fd & (FD_CHUNK_SIZE - 1)], &expected, entry,
                                memory_order_acq_rel, memory_order_acquire);
}

void fdtable_each(int first, int last, void (*visit)(void *context, int fd, fd_entry entry),
                  void *context)
{
    if (first < 0)
        first = 0;
    for (long fd = first; fd <= last && fd < 1L << FD_NUMBER_BITS; fd++) {
        if (atomic_load_explicit(&fdtable_chunks[fd >> FD_CHUNK_BITS], memory_order_acquire) ==
            NULL) {
            fd |= FD_CHUNK_SIZE - 1;
            continue;
        }
        fd_entry entry = fdtable_get((int)fd);
        if (entry != 0)
            visit(context, (int)fd, entry);
    }
}

void fdtable_wipe(void)
{
    for (int i = 0; i < FD_CHUNKS; i++) {
        fd_chunk chunk = atomic_load_explicit(&fdtable_chunks[i], memory_order_relaxed);
        if (chunk != NULL) /* private anonymous pages read as zero again */
            arch_syscall(SYS_madvise, (long)chunk, (long)chunk_bytes, MADV_DONTNEED, 0, 0, 0);
    }
}
