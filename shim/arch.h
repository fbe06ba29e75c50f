/* SPDX-License-Identifier: MIT
 * The system call instruction itself: libc's wrappers are what we interpose, and set errno. */
#ifndef TWPOOL_SHIM_ARCH_H
#define TWPOOL_SHIM_ARCH_H

/* Makes system call `number` with up to six arguments, pass 0 for those it does not take. Returns
 * what the kernel returned: a value, or -errno. Touches no errno, is no cancellation point, and is
 * safe before any constructor, in signal handlers and in vfork children. syscall(2). */
static inline long arch_syscall(long number, long a, long b, long c, long d, long e, long f);

/* What tells the calling thread from every other one that lives: its thread pointer. */
static inline const void *arch_thread(void);

/* Starts a thread by clone(2): it runs `run`, which must end by SYS_exit, on the stack that ends at
 * stack_end (aligned to 16), with thread_pointer as its own. Returns its number, or -errno. */
static inline long arch_clone(unsigned long flags, void *stack_end, int *parent_tid, int *child_tid,
                              void *thread_pointer, void (*run)(void));

#if defined(__x86_64__)

static inline long arch_syscall(long number, long a, long b, long c, long d, long e, long f)
{
    long result;
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

static inline const void *arch_thread(void)
{
    const void *thread; /* at its offset 0 glibc keeps the pointer itself */
    __asm__("mov %%fs:0, %0" : "=r"(thread));
    return thread;
}

/* The child has every register but rax, rcx and r11, and a stack with nothing on it. */
static inline long arch_clone(unsigned long flags, void *stack_end, int *parent_tid, int *child_tid,
                              void *thread_pointer, void (*run)(void))
{
    long result;
    register int *r10 __asm__("r10") = child_tid;
    register void *r8 __asm__("r8") = thread_pointer;
    register void (*r9)(void) __asm__("r9") = run;
    __asm__ volatile("syscall\n"
                     "    test %%rax, %%rax\n"
                     "    jnz 1f\n"
                     "    xor %%ebp, %%ebp\n"
                     "    call *%%r9\n"
                     "    ud2\n"
                     "1:"
                     : "=a"(result)
                     : "a"(56L /* SYS_clone */), "D"(flags), "S"(stack_end), "d"(parent_tid),
                       "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory", "cc");
    return result;
}

static inline void arch_pause(void)
{
    __builtin_ia32_pause();
}

#elif defined(__aarch64__)

static inline long arch_syscall(long number, long a, long b, long c, long d, long e, long f)
{
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    register long x4 __asm__("x4") = e;
    register long x5 __asm__("x5") = f;
    __asm__ volatile("svc 0"
                     : "+r"(x0)
                     : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
                     : "memory");
    return x0;
}

static inline const void *arch_thread(void)
{
    const void *thread;
    __asm__("mrs %0, tpidr_el0" : "=r"(thread));
    return thread;
}

static inline long arch_clone(unsigned long flags, void *stack_end, int *parent_tid, int *child_tid,
                              void *thread_pointer, void (*run)(void))
{
    register long x8 __asm__("x8") = 220; /* SYS_clone */
    register long x0 __asm__("x0") = (long)flags;
    register void *x1 __asm__("x1") = stack_end;
    register int *x2 __asm__("x2") = parent_tid;
    register void *x3 __asm__("x3") = thread_pointer; /* here before the other: clone(2) */
    register int *x4 __asm__("x4") = child_tid;
    register void (*x5)(void) __asm__("x5") = run;
    __asm__ volatile("svc 0\n"
                     "    cbnz x0, 1f\n"
                     "    mov x29, xzr\n"
                     "    blr x5\n"
                     "    brk 0\n"
                     "1:"
                     : "+r"(x0)
                     : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
                     : "memory", "cc");
    return x0;
}

static inline void arch_pause(void)
{
    __asm__ volatile("yield");
}

#else
#error "twpool knows the system calls of x86-64 and AArch64 only"
#endif

#endif
