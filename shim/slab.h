/* SPDX-License-Identifier: MIT
 * Records that are never unmapped, handed out and taken back without a lock. */
#ifndef TWPOOL_SHIM_SLAB_H
#define TWPOOL_SHIM_SLAB_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SLAB_CHUNK = 64,      /* records mapped at a time */
    SLAB_CHUNKS = 1 << 14 /* a million records: as many as Docker's RLIMIT_NOFILE allows */
};

/* Static-initialise with the record's size and the offset in it of an `_Atomic uint32_t` that the
 * slab uses while the record is free. A record is zeroed when its chunk is mapped and otherwise
 * comes as it was given back. */
struct slab {
    size_t size, next_offset;
    _Atomic uint64_t free; /* tag (32 bits, against ABA), index + 1 of the first free one */
    _Atomic uint32_t used; /* records ever handed out, from the front */
    _Atomic(char *) chunks[SLAB_CHUNKS];
};

/* NULL without memory. Both are lock-free, async-signal-safe and preserve errno. */
void *slab_take(struct slab *slab);
void slab_give(struct slab *slab, void *record);

/* Every record is free and zero again; for a process without other threads. */
void slab_reset(struct slab *slab);

#endif
