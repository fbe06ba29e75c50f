/* SPDX-License-Identifier: MIT
 * syscall(2): the few numbers that change what a descriptor is. */
#ifndef TWPOOL_SHIM_INDIRECT_H
#define TWPOOL_SHIM_INDIRECT_H

/* Makes the call, through the layer of its hook where the number matters to us, and returns as
 * syscall(2) does. Bytes moved by it need no hook: the kernel's counters tell of them. Called by
 * allocators inside malloc, before any constructor too. */
long indirect_syscall(long number, const long a[6]);

#endif
