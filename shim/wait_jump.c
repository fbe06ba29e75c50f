/* SPDX-License-Identifier: MIT
 * Waits that move no bytes of ours: whatever their arguments are, they reach libc's untouched. */
#include "wait_jump.h"

#include "goodbye.h"
#include "kernel.h"
#include "libc.h"
#include "own.h"

#include <dlfcn.h>
#include <errno.h>
#include <gnu/lib-names.h>
#include <sys/stat.h>

#define HOOK(type, name, parameters, arguments, layer)
#define BY_HAND(type, name, parameters)
#define JUMP(name)
#define WAITS(name, stream) struct wait_jump wait_jump_##name = {NULL, #name, stream};
#include "hooks.def"
#undef WAITS

void wait_jump_resolve(void)
{
#define WAITS(name, stream) wait_jump_##name.function = libc_look_up_next(#name);
#include "hooks.def"
#undef WAITS
}

#if defined(__x86_64__)
enum { ARGUMENTS = 6 /* in registers */ };
#elif defined(__aarch64__)
enum { ARGUMENTS = 8 };
#endif

/* A file on a disk waits for nobody. Runtimes use such (what they may use of the machine) in
 * threads that else are never seen here, and are to stay so. But a look costs a system call, and
 * getc() is called for every byte: a thread has only so many. */
static bool is_of_a_file(FILE *stream)
{
    enum { LOOKS_MOST = 10000 /* 3 ms in all */ };
    static _Thread_local int looks;
    struct stat status;
    if (looks == LOOKS_MOST || thread_is_first())
        return false;
    looks++;
    return arch_syscall(SYS_fstat, fileno(stream), (long)&status, 0, 0, 0, 0) == 0 &&
           S_ISREG(status.st_mode);
}

/* A wait within the process makes a thread no better known (thread.h); and one that has never
 * touched anything outside is a runtime's own, which waits so all the time. */
static void send_before(const struct wait_jump *wait, void *const *arguments)
{
    bool is_inside = wait->stream < 0;
    if (wait->stream > 0 && is_of_a_file(arguments[ARGUMENTS - wait->stream]))
        return;
    if (!is_inside)
        goodbye_send_first();
    else if (thread_is_known && atomic_load(&goodbyes_held) != 0)
        goodbye_send_all();
}

/* Called before our constructor; or it is not libc's own before glibc 2.34. */
static void *look_up(const char *name)
{
    void *found = libc_look_up_next(name);
    if (found != NULL || libc.dlopen == NULL)
        return found;
    void *(*open)(const char *file, int flags) = (void *(*)(const char *, int))libc.dlopen;
    void *threads = open(LIBPTHREAD_SO, RTLD_NOLOAD | RTLD_LAZY);
    return threads == NULL ? NULL : libc_look_up(threads, name, NULL);
}

/* In place of what this libc does not have: a program that asks for the name finds ours. */
static long not_there(void)
{
    errno = ENOSYS;
    return -1;
}

/* The arguments lie on the stack from the last to the first. */
__attribute__((used, visibility("hidden"))) void *jump_to_wait(struct wait_jump *wait,
                                                               void *const *arguments)
{
    int saved_errno = errno;
    send_before(wait, arguments);
    if (wait->function == NULL)
        wait->function = look_up(wait->name);
    errno = saved_errno;
    return wait->function != NULL ? wait->function : (void *)not_there;
}

/* Straight on while nothing is held: getc() is called for every byte. Arguments may be in any of
 * the registers that a function takes them in, those for numbers with a fraction included. */
#if defined(__x86_64__)
#define WAITS(name, stream)                                                                        \
    __asm__(".text\n.globl " #name "\n.type " #name ", @function\n" #name ":\n"                    \
            "    .cfi_startproc\n    endbr64\n"                                                    \
            "    mov thread_is_known@gottpoff(%rip), %r11\n    cmpb $0, %fs:(%r11)\n    je 1f\n"   \
            "    cmpl $0, goodbyes_held(%rip)\n    jne 1f\n"                                       \
            "    mov wait_jump_" #name "(%rip), %r11\n"                                            \
            "    test %r11, %r11\n    jz 1f\n    jmp *%r11\n"                                      \
            "1:  lea wait_jump_" #name "(%rip), %r11\n    jmp jump_slowly\n"                       \
            "    .cfi_endproc\n.size " #name ", . - " #name "\n");                                 \
    OWN_NAME(name);
__asm__(".text\n.type jump_slowly, @function\njump_slowly:\n"
        "    .cfi_startproc\n"
        "    push %rax\n    push %rdi\n    push %rsi\n    push %rdx\n"
        "    push %rcx\n    push %r8\n    push %r9\n    .cfi_adjust_cfa_offset 56\n"
        "    mov %r11, %rdi\n    mov %rsp, %rsi\n"
        "    sub $128, %rsp\n    .cfi_adjust_cfa_offset 128\n"
        "    movups %xmm0, (%rsp)\n    movups %xmm1, 16(%rsp)\n"
        "    movups %xmm2, 32(%rsp)\n    movups %xmm3, 48(%rsp)\n"
        "    movups %xmm4, 64(%rsp)\n    movups %xmm5, 80(%rsp)\n"
        "    movups %xmm6, 96(%rsp)\n    movups %xmm7, 112(%rsp)\n"
        "    call jump_to_wait\n    mov %rax, %r11\n"
        "    movups (%rsp), %xmm0\n    movups 16(%rsp), %xmm1\n"
        "    movups 32(%rsp), %xmm2\n    movups 48(%rsp), %xmm3\n"
        "    movups 64(%rsp), %xmm4\n    movups 80(%rsp), %xmm5\n"
        "    movups 96(%rsp), %xmm6\n    movups 112(%rsp), %xmm7\n"
        "    add $128, %rsp\n    .cfi_adjust_cfa_offset -128\n"
        "    pop %r9\n    pop %r8\n    pop %rcx\n    pop %rdx\n    pop %rsi\n    pop %rdi\n"
        "    pop %rax\n    .cfi_adjust_cfa_offset -56\n    jmp *%r11\n"
        "    .cfi_endproc\n.size jump_slowly, . - jump_slowly\n");
#elif defined(__aarch64__)
#define WAITS(name, stream)                                                                        \
    __asm__(".text\n.globl " #name "\n.type " #name ", %function\n" #name ":\n"                    \
            "    adrp x16, :gottprel:thread_is_known\n"                                            \
            "    ldr x16, [x16, :gottprel_lo12:thread_is_known]\n"                                 \
            "    mrs x17, tpidr_el0\n    ldrb w16, [x16, x17]\n    cbz w16, 1f\n"                  \
            "    adrp x16, goodbyes_held\n    ldr w16, [x16, :lo12:goodbyes_held]\n"               \
            "    cbnz w16, 1f\n    adrp x16, wait_jump_" #name "\n"                                \
            "    ldr x16, [x16, :lo12:wait_jump_" #name "]\n    cbz x16, 1f\n    br x16\n"         \
            "1:  adrp x16, wait_jump_" #name "\n    add x16, x16, :lo12:wait_jump_" #name "\n"     \
            "    b jump_slowly\n"                                                                  \
            ".size " #name ", . - " #name "\n");                                                   \
    OWN_NAME(name);
__asm__(".text\n.type jump_slowly, %function\njump_slowly:\n"
        "    stp x29, x30, [sp, #-208]!\n    stp x7, x6, [sp, #16]\n"
        "    stp x5, x4, [sp, #32]\n    stp x3, x2, [sp, #48]\n    stp x1, x0, [sp, #64]\n"
        "    stp q0, q1, [sp, #80]\n    stp q2, q3, [sp, #112]\n"
        "    stp q4, q5, [sp, #144]\n    stp q6, q7, [sp, #176]\n"
        "    mov x0, x16\n    add x1, sp, #16\n    bl jump_to_wait\n    mov x16, x0\n"
        "    ldp q0, q1, [sp, #80]\n    ldp q2, q3, [sp, #112]\n"
        "    ldp q4, q5, [sp, #144]\n    ldp q6, q7, [sp, #176]\n"
        "    ldp x7, x6, [sp, #16]\n    ldp x5, x4, [sp, #32]\n"
        "    ldp x3, x2, [sp, #48]\n    ldp x1, x0, [sp, #64]\n"
        "    ldp x29, x30, [sp], #208\n    br x16\n"
        ".size jump_slowly, . - jump_slowly\n");
#endif
#include "hooks.def"
