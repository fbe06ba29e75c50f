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

static inline void arch_pause(void)
{
    __asm__ volatile("yield");
}

#else
#error "twpool knows the system calls of x86-64 and AArch64 only"
#endif

#endif
