/* SPDX-License-Identifier: MIT
 * The functions behind our hooks: the next definition in the loader's order, which is libc's. */
#ifndef TWPOOL_SHIM_LIBC_H
#define TWPOOL_SHIM_LIBC_H

#include <poll.h>
#include <pthread.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>

struct libc {
#define HOOK(type, name, parameters, arguments, layer) type(*name) parameters;
#define BY_HAND(type, name, parameters) type(*name) parameters;
#define JUMP(name) void *name;
#define WAITS(name, stream) /* wait_jump.h */
#include "hooks.def"
#undef HOOK
#undef BY_HAND
#undef JUMP
#undef WAITS
    void (*pthread_testcancel)(void);
    /* NULL where there are no threads yet that could be cancelled. */
    void (*_pthread_cleanup_push)(struct _pthread_cleanup_buffer *buffer, void (*routine)(void *),
                                  void *argument);
    void (*_pthread_cleanup_pop)(struct _pthread_cleanup_buffer *buffer, int execute);
};

/* Always callable. Until libc_resolve() each entry makes the system call itself, so that a hook may
 * be called by another library's constructor, or by an allocator before any; the few without a
 * system call of their own, which no allocator calls, are looked up at their first use. Read-only
 * once the constructors have run. */
extern struct libc libc;

/* Looks everything up. Called once, by our constructor. Not async-signal-safe: dlsym(3) may
 * allocate. What this libc does not have keeps making the system call. */
void libc_resolve(void);

/* dlvsym(3), or with version NULL dlsym(3), and how to take back that one failed. */
void *libc_look_up(void *handle, const char *name, const char *version);
void libc_forget_error(void);

/* The definition of a name that comes after ours, NULL when there is none; of several versions the
 * one that programs are linked with. */
void *libc_look_up_next(const char *name);

#endif
