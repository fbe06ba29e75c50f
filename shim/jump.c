/* SPDX-License-Identifier: MIT
 * vfork() and clone(): the child returns on the caller's stack, so no frame of ours may be there.
 * And waits of any type: whatever their arguments are, they reach libc's untouched. */
#include "jump.h"

#include "goodbye.h"
#include "kernel.h"
#include "libc.h"
#include "process.h"

#include <dlfcn.h>
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

__attribute__((used, visibility("hidden"))) void *jump_to_clone(void)
{
    process_new_epoch();
    if (libc.clone == NULL)
        libc_resolve();
    return libc.clone;
}

/* Arguments are kept over the question where to go, and the stack is as the caller left it when the
 * real function starts: a tail jump. */
#if defined(__x86_64__)
#define JUMP_TO(name, where)                                                                       \
    __asm__(".text\n.globl " #name "\n.type " #name ", @function\n" #name ":\n"                    \
            "    endbr64\n"                                                                        \
            "    push %rdi\n    push %rsi\n    push %rdx\n"                                        \
            "    push %rcx\n    push %r8\n    push %r9\n    sub $8, %rsp\n"                        \
            "    call " #where "\n"                                                                \
            "    add $8, %rsp\n    pop %r9\n    pop %r8\n    pop %rcx\n"                           \
            "    pop %rdx\n    pop %rsi\n    pop %rdi\n"                                           \
            "    jmp *%rax\n"                                                                      \
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
JUMP_TO(__vfork, jump_to_vfork);
JUMP_TO(__clone, jump_to_clone);

/* A wait: where it leads to, NULL while that is not looked up. */
struct wait_jump {
    void *function;
    const char *name;
};

#define HOOK(type, name, parameters, arguments, layer)
#define BY_HAND(type, name, parameters)
#define JUMP(name)
#define WAITS(name)                                                                                \
    __attribute__((used, visibility("hidden"))) struct wait_jump wait_jump_##name = {NULL, #name};
#include "hooks.def"
#undef WAITS

void jump_resolve(void)
{
#define WAITS(name) wait_jump_##name.function = libc_find(#name);
#include "hooks.def"
#undef WAITS
}

__attribute__((used, visibility("hidden"))) void *jump_to_wait(struct wait_jump *wait)
{
    int saved_errno = errno;
    goodbye_send_first();
    if (wait->function == NULL) /* called before our constructor */
        wait->function = libc_find(wait->name);
    errno = saved_errno;
    return wait->function;
}

/* Straight on while nothing is held: getc() is called for every byte. */
#if defined(__x86_64__)
#define WAITS(name)                                                                                \
    __asm__(".text\n.globl " #name "\n.type " #name ", @function\n" #name ":\n"                    \
            "    endbr64\n"                                                                        \
            "    cmpl $0, goodbyes_held(%rip)\n    jne 1f\n"                                       \
            "    mov wait_jump_" #name "(%rip), %r11\n"                                            \
            "    test %r11, %r11\n    jz 1f\n    jmp *%r11\n"                                      \
            "1:  push %rdi\n    push %rsi\n    push %rdx\n"                                        \
            "    push %rcx\n    push %r8\n    push %r9\n    push %rax\n"                           \
            "    lea wait_jump_" #name "(%rip), %rdi\n    call jump_to_wait\n"                     \
            "    mov %rax, %r11\n    pop %rax\n    pop %r9\n    pop %r8\n"                         \
            "    pop %rcx\n    pop %rdx\n    pop %rsi\n    pop %rdi\n    jmp *%r11\n"              \
            ".size " #name ", . - " #name "\n");
#elif defined(__aarch64__)
#define WAITS(name)                                                                                \
    __asm__(".text\n.globl " #name "\n.type " #name ", %function\n" #name ":\n"                    \
            "    adrp x16, goodbyes_held\n    ldr w16, [x16, :lo12:goodbyes_held]\n"               \
            "    cbnz w16, 1f\n    adrp x16, wait_jump_" #name "\n"                                \
            "    ldr x16, [x16, :lo12:wait_jump_" #name "]\n    cbz x16, 1f\n    br x16\n"         \
            "1:  stp x29, x30, [sp, #-80]!\n    stp x0, x1, [sp, #16]\n"                           \
            "    stp x2, x3, [sp, #32]\n    stp x4, x5, [sp, #48]\n    stp x6, x7, [sp, #64]\n"    \
            "    adrp x0, wait_jump_" #name "\n    add x0, x0, :lo12:wait_jump_" #name "\n"        \
            "    bl jump_to_wait\n    mov x16, x0\n"                                               \
            "    ldp x0, x1, [sp, #16]\n    ldp x2, x3, [sp, #32]\n"                               \
            "    ldp x4, x5, [sp, #48]\n    ldp x6, x7, [sp, #64]\n"                               \
            "    ldp x29, x30, [sp], #80\n    br x16\n"                                            \
            ".size " #name ", . - " #name "\n");
#endif
#include "hooks.def"
