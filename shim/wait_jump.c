/* SPDX-License-Identifier: MIT
 * Waits that move no bytes of ours: whatever their arguments are, they reach libc's untouched. */
#include "wait_jump.h"

#include "goodbye.h"
#include "kernel.h"
#include "libc.h"
#include "own.h"

#include <dlfcn.h>
#include <errno.h>
#include <sys/stat.h>

#define HOOK(type, name, parameters, arguments, layer)
#define BY_HAND(type, name, parameters)
#define JUMP(name)
#define WAITS(name, stream) struct wait_jump wait_jump_##name = {NULL, #name, stream};
#include "hooks.def"
#undef WAITS

void wait_jump_resolve(void)
{
#define WAITS(name, stream) wait_jump_##name.function = libc_look_up(RTLD_NEXT, #name, NULL);
#include "hooks.def"
#undef WAITS
}

#if defined(__x86_64__)
enum { ARGUMENTS = 6 /* in registers */ };
#elif defined(__aarch64__)
enum { ARGUMENTS = 8 };
#endif

/* A file on a disk waits for nobody. Runtimes read such (what they may use of the machine) in
 * threads that else are never seen here, and are to stay so. But a look costs a system call, and
 * getc() is called for every byte: a thread has only so many. */
static bool reads_a_file(FILE *stream)
{
    enum { LOOKS_MOST = 10000 /* 3 ms in all */ };
    static _Thread_local int looks __attribute__((tls_model("initial-exec")));
    struct stat status;
    if (looks == LOOKS_MOST || thread_is_first())
        return false;
    looks++;
    return arch_syscall(SYS_fstat, fileno(stream), (long)&status, 0, 0, 0, 0) == 0 &&
           S_ISREG(status.st_mode);
}

/* The arguments lie on the stack from the last to the first. */
__attribute__((used, visibility("hidden"))) void *jump_to_wait(struct wait_jump *wait,
                                                               void *const *arguments)
{
    int saved_errno = errno;
    if (wait->stream == 0 || !reads_a_file(arguments[ARGUMENTS - wait->stream]))
        goodbye_send_first();
    if (wait->function == NULL) /* called before our constructor */
        wait->function = libc_look_up(RTLD_NEXT, wait->name, NULL);
    errno = saved_errno;
    return wait->function;
}

/* Straight on while nothing is held: getc() is called for every byte. */
#if defined(__x86_64__)
#define WAITS(name, stream)                                                                        \
    __asm__(".text\n.globl " #name "\n.type " #name ", @function\n" #name ":\n"                    \
            "    endbr64\n"                                                                        \
            "    mov thread_is_known@gottpoff(%rip), %r11\n    cmpb $0, %fs:(%r11)\n    je 1f\n"   \
            "    cmpl $0, goodbyes_held(%rip)\n    jne 1f\n"                                       \
            "    mov wait_jump_" #name "(%rip), %r11\n"                                            \
            "    test %r11, %r11\n    jz 1f\n    jmp *%r11\n"                                      \
            "1:  push %rax\n    push %rdi\n    push %rsi\n    push %rdx\n"                         \
            "    push %rcx\n    push %r8\n    push %r9\n    mov %rsp, %rsi\n"                      \
            "    lea wait_jump_" #name "(%rip), %rdi\n    call jump_to_wait\n"                     \
            "    mov %rax, %r11\n    pop %r9\n    pop %r8\n    pop %rcx\n"                         \
            "    pop %rdx\n    pop %rsi\n    pop %rdi\n    pop %rax\n    jmp *%r11\n"              \
            ".size " #name ", . - " #name "\n");                                                   \
    OWN_NAME(name);
#elif defined(__aarch64__)
#define WAITS(name, stream)                                                                        \
    __asm__(".text\n.globl " #name "\n.type " #name ", %function\n" #name ":\n"                    \
            "    adrp x16, :gottprel:thread_is_known\n    ldr x16, [x16, "                         \
            ":gottprel_lo12:thread_is_known]\n"                                                    \
            "    mrs x17, tpidr_el0\n    ldrb w16, [x16, x17]\n    cbz w16, 1f\n"                  \
            "    adrp x16, goodbyes_held\n    ldr w16, [x16, :lo12:goodbyes_held]\n"               \
            "    cbnz w16, 1f\n    adrp x16, wait_jump_" #name "\n"                                \
            "    ldr x16, [x16, :lo12:wait_jump_" #name "]\n    cbz x16, 1f\n    br x16\n"         \
            "1:  stp x29, x30, [sp, #-80]!\n    stp x7, x6, [sp, #16]\n"                           \
            "    stp x5, x4, [sp, #32]\n    stp x3, x2, [sp, #48]\n    stp x1, x0, [sp, #64]\n"    \
            "    add x1, sp, #16\n"                                                                \
            "    adrp x0, wait_jump_" #name "\n    add x0, x0, :lo12:wait_jump_" #name "\n"        \
            "    bl jump_to_wait\n    mov x16, x0\n"                                               \
            "    ldp x7, x6, [sp, #16]\n    ldp x5, x4, [sp, #32]\n"                               \
            "    ldp x3, x2, [sp, #48]\n    ldp x1, x0, [sp, #64]\n"                               \
            "    ldp x29, x30, [sp], #80\n    br x16\n"                                            \
            ".size " #name ", . - " #name "\n");                                                   \
    OWN_NAME(name);
#endif
#include "hooks.def"
