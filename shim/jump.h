/* SPDX-License-Identifier: MIT
 * The exported functions that are machine code. */
#ifndef TWPOOL_SHIM_JUMP_H
#define TWPOOL_SHIM_JUMP_H

/* Looks up what hooks.def's WAITS lead to. libc_resolve()'s: called once, by our constructor. */
void jump_resolve(void);

#endif
