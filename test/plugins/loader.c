/* SPDX-License-Identifier: MIT
 * A library that loads by its own RUNPATH and $ORIGIN. */
#include <dlfcn.h>

void *loader_open(const char *file, int flags);
void *loader_open(const char *file, int flags)
{
    void *volatile handle = dlopen(file, flags); /* no tail call: it returns to this library */
    return handle;
}
