/* SPDX-License-Identifier: MIT
 * Waits that move no bytes of ours: whatever their arguments are, they reach libc's untouched. */
#include "wait_jump.h"

#include "goodbye.h"
#include "libc.h"
#include "own.h"

#include <dlfcn.h>
#include <errno.h>

#define HOOK(type, name, parameters, arguments, layer)
#define BY_HAND(type, name, parameters)
#define JUMP(name)
#define WAITS(name) struct wait_jump wait_jump_##name = {NULL, #name};
#include "hooks.def"
#undef WAITS

void wait_jump_resolve(void)
{
#define WAITS(name) wait_jump_##name.function = libc_look_up(RTLD_NEXT, #name, NULL);
#include "hooks.def"
#undef WAITS
}

__attribute__((used, visibility("hidden"))) void *jump_to_wait(struct wait_jump *wait)
{
    int saved_errno = errno;
    goodbye_send_first();
    if (wait->function == NULL) /* called before our constructor */
        wait->function = libc_look_up(RTLD_NEXT, wait->name, NULL);
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
            ".size " #name ", . - " #name "\n");                                                   \
    OWN_NAME(name);
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
            ".size " #name ", . - " #name "\n");                                                   \
    OWN_NAME(name);
#endif
#include "hooks.def"
