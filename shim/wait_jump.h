/* SPDX-License-Identifier: MIT
 * hooks.def's WAITS: exported as machine code, so that what is held is sent before such a wait. */
#ifndef TWPOOL_SHIM_WAIT_JUMP_H
#define TWPOOL_SHIM_WAIT_JUMP_H

#include <stddef.h>

/* Where a wait leads to. */
struct wait_jump {
    void *function; /* libc's; NULL while it is not looked up */
    const char *name;
    int stream; /* hooks.def's */
};

#define HOOK(type, name, parameters, arguments, layer)
#define BY_HAND(type, name, parameters)
#define JUMP(name)
#define WAITS(name, stream)                                                                        \
    extern struct wait_jump wait_jump_##name __attribute__((visibility("hidden")));
#include "hooks.def"
#undef HOOK
#undef BY_HAND
#undef JUMP
#undef WAITS

/* Looks all of them up. libc_resolve()'s: called once, by our constructor. */
void wait_jump_resolve(void);

#endif
