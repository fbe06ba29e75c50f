/* SPDX-License-Identifier: MIT
 * Descriptor -> what we know of it: two levels, lock-free, chunks mapped on first use. */
#ifndef TWPOOL_SHIM_FDTABLE_H
#define TWPOOL_SHIM_FDTABLE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An entry is a hint until the kernel confirms it (SO_COOKIE): a descriptor can be closed behind
 * our back. 0 is untracked; else a pointer, at least 8-byte aligned, with its kind in the low
 * bits. */
typedef uintptr_t fd_entry;

enum fd_kind {
    FD_UNTRACKED = 0,
    FD_CONN = 1,  /* struct conn: a TCP socket of the application */
    FD_OURS = 2,  /* struct conn: an idle connection behind a descriptor of ours */
    FD_EPOLL = 3, /* struct epoll_set */
    FD_KIND_MASK = 7
};

enum {
    FD_CHUNK_BITS = 15,  /* 256 KiB of address space a chunk, touched page by page */
    FD_NUMBER_BITS = 30, /* the highest RLIMIT_NOFILE that is met in practice (Docker's hard one) */
    FD_CHUNK_SIZE = 1 << FD_CHUNK_BITS,
    FD_CHUNKS = 1 << (FD_NUMBER_BITS - FD_CHUNK_BITS)
};

typedef _Atomic(fd_entry) *fd_chunk;
extern _Atomic(fd_chunk) fdtable_chunks[FD_CHUNKS];

/* Acquire, paired with the release in fdtable_set(): whoever sees an entry sees what it points to
 * filled in. Async-signal-safe, wait-free. */
static inline fd_entry fdtable_get(int fd)
{
    if ((unsigned)fd >= 1U << FD_NUMBER_BITS)
        return 0;
    fd_chunk chunk =
        atomic_load_explicit(&fdtable_chunks[(unsigned)fd >> FD_CHUNK_BITS], memory_order_acquire);
    if (chunk == NULL)
        return 0;
    return atomic_load_explicit(&chunk[(unsigned)fd & (FD_CHUNK_SIZE - 1)], memory_order_acquire);
}

static inline enum fd_kind fd_entry_kind(fd_entry entry)
{
    return (enum fd_kind)(entry & FD_KIND_MASK);
}

static inline void *fd_entry_pointer(fd_entry entry)
{
    return (void *)(entry & ~(fd_entry)FD_KIND_MASK);
}

static inline fd_entry fd_entry_make(enum fd_kind kind, const void *pointer)
{
    return (fd_entry)pointer | (fd_entry)kind;
}

/* Enters, or with 0 removes, what fd is. False when there is no memory for the chunk: fd is then
 * untracked. Async-signal-safe; preserves errno. */
bool fdtable_set(int fd, fd_entry entry);

/* Replaces expected by entry; false when fd had become something else meanwhile. */
bool fdtable_replace(int fd, fd_entry expected, fd_entry entry);

/* Visits every tracked descriptor in [first, last]. The visitor may change the table. */
void fdtable_each(int first, int last, void (*visit)(void *context, int fd, fd_entry entry),
                  void *context);

/* Forgets everything. For a process that has no other thread (a new child). */
void fdtable_wipe(void);

#endif
