/* SPDX-License-Identifier: MIT
 * A second, hidden name for an exported function: own_connect is our connect(). */
#ifndef TWPOOL_SHIM_OWN_H
#define TWPOOL_SHIM_OWN_H

/* By the exported name even we would get the definition of a program, or of a preload before us.
 * To be used beside the definition. */
#define OWN_NAME(name)                                                                             \
    __asm__(".globl own_" #name "\n.hidden own_" #name "\n.set own_" #name ", " #name)

#endif
