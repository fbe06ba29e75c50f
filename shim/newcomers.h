/* SPDX-License-Identifier: MIT
 * Which objects a dlopen(3) has brought into the process. */
#ifndef TWPOOL_SHIM_NEWCOMERS_H
#define TWPOOL_SHIM_NEWCOMERS_H

#include "object.h"

/* What is loaded at a moment, in memory of its own (mmap). */
struct loaded;

/* NULL where there is no memory. Not async-signal-safe, as dlopen(3) is not; preserves errno. */
struct loaded *loaded_now(void);
void loaded_free(struct loaded *loaded); /* may be NULL */

/* Calls each(context, object) for the object behind a handle of dlopen(3) and for all that it
 * needs, but for what was loaded before: what came with it. Nothing but those objects is looked
 * into, since they cannot be unloaded meanwhile, and are whole: the loader may be at work on others
 * for another thread. No lock of the loader's is held in each(). */
void newcomers_visit(const struct loaded *before, void *handle,
                     void (*each)(void *context, const struct object *object), void *context);

#endif
