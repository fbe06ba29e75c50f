/* SPDX-License-Identifier: MIT
 * Reads /proc/self/task. */
#include "thread.h"

#include "kernel.h"
#include "process.h"
#include "text.h"

#include <dirent.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

enum {
    LISTING = 2048,      /* of a directory: 60 threads and more */
    PATH_MOST = 64,      /* "/proc/self/task/4294967295/syscall" */
    WORDS_MOST = 128,    /* a call's number and its first arguments; nothing else is looked at */
    THREADS_MOST = 64,   /* to look at more takes longer than to connect anew */
    HOOK_NS = 20000,     /* from the beginning of a hook to its system call are some nanoseconds */
    PATIENCE_NS = 200000 /* for a thread that is kept from running: a close must not take longer */
};

_Thread_local bool thread_is_known;

/* A bit for each number of a thread, which the kernel gives one after the other: of two that differ
 * by a multiple of this, one is as known as the other. Set for good. */
enum { NUMBERS = 65536 };
static _Atomic uint64_t known[NUMBERS / 64];

static void know(unsigned long tid)
{
    atomic_fetch_or(&known[tid % NUMBERS / 64], UINT64_C(1) << tid % 64);
}

static bool is_known(unsigned long tid)
{
    return (atomic_load(&known[tid % NUMBERS / 64]) & UINT64_C(1) << tid % 64) != 0;
}

void thread_make_known(void)
{
    if (process_is_pooling() && !process_owns_pool())
        return; /* a vfork child, whose thread-local memory is its parent's */
    know((unsigned long)arch_syscall(SYS_gettid, 0, 0, 0, 0, 0, 0));
    thread_is_known = true;
}

bool thread_is_first(void)
{
    return arch_syscall(SYS_gettid, 0, 0, 0, 0, 0, 0) == kernel_getpid();
}

void thread_reset(void)
{
    know((unsigned long)kernel_getpid());
}

/* The arguments of a system call as the kernel prints them: "202 0x7f.. 0x80 0x2 ...". */
struct blocked_call {
    long number;
    unsigned long arguments[3];
};

static bool take_number(const char **at, unsigned base, unsigned long *number)
{
    const char *start = *at;
    for (*number = 0;; (*at)++) {
        char digit = **at;
        if (digit >= '0' && digit <= '9')
            *number = *number * base + (unsigned)(digit - '0');
        else if (base == 16 && digit >= 'a' && digit <= 'f')
            *number = *number * base + (unsigned)(digit - 'a') + 10;
        else
            return *at != start;
    }
}

/* False for a thread that runs ("running"), or that sleeps outside of a system call ("-1"). */
static bool parse(const char *words, struct blocked_call *call)
{
    unsigned long number;
    if (!take_number(&words, 10, &number))
        return false;
    call->number = (long)number;
    for (int i = 0; i < 3; i++) {
        if (strncmp(words, " 0x", 3) != 0)
            return false;
        words += 3;
        if (!take_number(&words, 16, &call->arguments[i]))
            return false;
    }
    return true;
}

/* A futex that other processes may share is one of theirs to wake; only the one of a join is not,
 * which holds the number of the thread that is to end. */
static bool is_inside(const struct blocked_call *call)
{
    enum { FUTEX_TAKEN_MOST = 2 /* of a lock: somebody waits; no thread has so small a number */ };
    if (call->number != SYS_futex)
        return false;
    if ((call->arguments[1] & FUTEX_PRIVATE_FLAG) != 0)
        return true;
    long awaited = (long)(uint32_t)call->arguments[2];
    return awaited > FUTEX_TAKEN_MOST &&
           arch_syscall(SYS_tgkill, kernel_getpid(), awaited, 0, 0, 0, 0) == 0;
}

/* What a thread is at, as the kernel prints it. False when it has ended meanwhile, or cannot be
 * looked at, which *ended tells. */
static bool look_at(const char *path, char words[WORDS_MOST], bool *ended)
{
    int fd = kernel_open_to_read(path);
    long got = fd < 0 ? fd : kernel_read(fd, words, WORDS_MOST - 1);
    if (fd >= 0)
        kernel_close(fd);
    *ended = got == -ENOENT || got == -ESRCH;
    words[got > 0 ? got : 0] = '\0';
    return got > 0;
}

/* The processor's time that a thread of this process has taken: the kernel's number for that clock,
 * as pthread_getcpuclockid(3) makes it. */
static uint64_t cpu_ns(unsigned long tid)
{
    struct timespec taken = {0};
    long clock = (long)(int)(~(unsigned)tid << 3 | 6 /* of one thread, as it is scheduled */);
    arch_syscall(SYS_clock_gettime, clock, (long)&taken, 0, 0, 0, 0);
    return (uint64_t)taken.tv_sec * 1000000000 + (uint64_t)taken.tv_nsec;
}

static void pause_a_little(void)
{
    for (int i = 0; i < 100; i++) /* some microseconds: another thread is to get on */
        arch_pause();
}

/* One that runs may have passed the beginning of a hook before it could see what its caller has
 * just announced, and be about to wait. Once it has run on for a while it has seen it, or waits. */
static bool waits_outside(unsigned long tid, const char *path)
{
    uint64_t until_ns = kernel_now_ns() + PATIENCE_NS, begun_ns = 0;
    char words[WORDS_MOST];
    struct blocked_call call;
    bool ended;
    while (look_at(path, words, &ended)) {
        if (words[0] != 'r') /* "running" */
            return !parse(words, &call) || !is_inside(&call);
        if (!is_known(tid))
            return false;
        uint64_t now_ns = cpu_ns(tid);
        if (begun_ns == 0)
            begun_ns = now_ns;
        if (now_ns - begun_ns >= HOOK_NS)
            return false;
        if (kernel_now_ns() >= until_ns)
            return true;
        pause_a_little();
    }
    return !ended;
}

static bool is_none_or_waits_inside(const char *name, long self)
{
    char path[PATH_MOST];
    struct text text;
    const char *end = name;
    unsigned long tid;
    if (!take_number(&end, 10, &tid) || (long)tid == self) /* . and .. */
        return true;
    text_init(&text, path, sizeof path);
    text_add(&text, "/proc/self/task/");
    text_add(&text, name);
    text_add(&text, "/syscall");
    return !waits_outside(tid, path);
}

/* Else a thread whose file cannot be read would be taken for one that has ended: without that file
 * in the kernel, or with the numbers of another namespace. */
static bool can_be_told(long self)
{
    char path[PATH_MOST], words[WORDS_MOST];
    struct text text;
    bool ended;
    text_init(&text, path, sizeof path);
    text_add(&text, "/proc/self/task/");
    text_add_number(&text, (uint64_t)self);
    text_add(&text, "/syscall");
    return look_at(path, words, &ended);
}

static bool none_of_them_waits_outside(int directory)
{
    _Alignas(struct dirent64) char listing[LISTING];
    long self = arch_syscall(SYS_gettid, 0, 0, 0, 0, 0, 0), got;
    if (!can_be_told(self))
        return false;
    while ((got = arch_syscall(SYS_getdents64, directory, (long)listing, LISTING, 0, 0, 0)) > 0) {
        for (long at = 0; at < got;) {
            const struct dirent64 *entry = (const struct dirent64 *)(listing + at);
            if (!is_none_or_waits_inside(entry->d_name, self))
                return false;
            at += entry->d_reclen;
        }
    }
    return got == 0;
}

bool thread_none_waits_outside(void)
{
    unsigned threads = kernel_threads();
    if (threads == 1 || threads > THREADS_MOST)
        return threads == 1;
    int directory = (int)arch_syscall(SYS_openat, AT_FDCWD, (long)"/proc/self/task",
                                      O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0, 0, 0);
    if (directory < 0)
        return false;
    bool none = none_of_them_waits_outside(directory);
    kernel_close(directory);
    return none;
}
