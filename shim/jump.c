/* SPDX-License-Identifier: MIT
 * No frame of ours may be on the stack: vfork() and clone() return twice on it, and dlopen() looks
 * at where it will return to. */
#include "deepbind.h"
#include "kernel.h"
#include "libc.h"
#include "own.h"
#include "process.h"

#include <dlfcn.h>
#include <sched.h>
#include <stddef.h>

/* Called by the machine code below: notes the child, and tells where to jump to. A child that
 * shares our memory may be born in the next instruction. */
__attribute__((used, visibility("hidden"))) void *jump_to_vfork(void)
{
    process_new_epoch();
    if (libc.vfork == NULL) /* called before our constructor */
        libc_resolve();
    return libc.vfork;
}

/* Before glibc 2.34 pthread_create() comes here: a thread holds no copies. */
__attribute__((used, visibility("hidden"))) void *jump_to_clone(int (*run)(void *), void *stack,
                                                                int flags)
{
    const int as_a_thread = CLONE_THREAD | CLONE_FILES;
    (void)run;
    (void)stack;
    if ((flags & as_a_thread) != as_a_thread)
        process_new_epoch();
    if (libc.clone == NULL)
        libc_resolve();
    return libc.clone;
}

__attribute__((used, visibility("hidden"))) void *jump_to_dlopen(const char *file, int flags)
{
    if (libc.dlopen == NULL)
        libc_resolve();
    return deepbind_concerns(file, flags) ? (void *)deepbind_open : libc.dlopen;
}

/* Arguments are kept over the question where to go, and the stack is as the caller left it when the
 * real function starts: a tail jump. */
#if defined(__x86_64__)
#define JUMP_TO(name, where)                                                                       \
    __asm__(".text\n.globl " #name "\n.type " #name ", @function\n" #name ":\n"                    \
            "    .cfi_startproc\n    endbr64\n"                                                    \
            "    push %rdi\n    push %rsi\n    push %rdx\n"                                        \
            "    push %rcx\n    push %r8\n    push %r9\n    sub $8, %rsp\n"                        \
            "    .cfi_adjust_cfa_offset 56\n"                                                      \
            "    call " #where "\n"                                                                \
            "    add $8, %rsp\n    pop %r9\n    pop %r8\n    pop %rcx\n"                           \
            "    pop %rdx\n    pop %rsi\n    pop %rdi\n"                                           \
            "    .cfi_adjust_cfa_offset -56\n    jmp *%rax\n    .cfi_endproc\n"                    \
            ".size " #name ", . - " #name "\n")
#elif defined(__aarch64__)
#define JUMP_TO(name, where)                                                                       \
    __asm__(".text\n.globl " #name "\n.type " #name ", %function\n" #name ":\n"                    \
            "    stp x29, x30, [sp, #-80]!\n    stp x0, x1, [sp, #16]\n"                           \
            "    stp x2, x3, [sp, #32]\n    stp x4, x5, [sp, #48]\n    stp x6, x7, [sp, #64]\n"    \
            "    bl " #where "\n    mov x16, x0\n"                                                 \
            "    ldp x0, x1, [sp, #16]\n    ldp x2, x3, [sp, #32]\n"                               \
            "    ldp x4, x5, [sp, #48]\n    ldp x6, x7, [sp, #64]\n"                               \
            "    ldp x29, x30, [sp], #80\n    br x16\n"                                            \
            ".size " #name ", . - " #name "\n")
#endif

JUMP_TO(vfork, jump_to_vfork);
JUMP_TO(clone, jump_to_clone);
JUMP_TO(dlopen, jump_to_dlopen);
JUMP_TO(__vfork, jump_to_vfork);
JUMP_TO(__clone, jump_to_clone);
#define JUMP(name) OWN_NAME(name);
#define HOOK(type, name, parameters, arguments, layer)
#define BY_HAND(type, name, parameters)
#define WAITS(name, stream)
#include "hooks.def"
