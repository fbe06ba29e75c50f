/* SPDX-License-Identifier: MIT
 * dlopen(3) with RTLD_DEEPBIND: what is loaded so finds libc's functions before ours. */
#ifndef TWPOOL_SHIM_DEEPBIND_H
#define TWPOOL_SHIM_DEEPBIND_H

#include <stdbool.h>

/* Whether a call has to come here: it may load something in that way, by a path that means the same
 * to every caller. Any other has to reach libc with its caller's return address, by which libc
 * finds the caller's RUNPATH and $ORIGIN. */
bool deepbind_concerns(const char *file, int flags);

/* dlopen(3), errno and dlerror(3) included; then, in the objects that came with it, what the loader
 * has bound to libc's definition of a hooked name is bound to the hook. A plugin's own definition
 * stays what it is, and so does one that another preload would change. Constructors have run by
 * then, with libc's functions. Thread-safe; not async-signal-safe, as dlopen(3) is not. */
void *deepbind_open(const char *file, int flags);

/* In a forked child, where the thread that was in the middle of it is missing. */
void deepbind_reset(void);

#endif
