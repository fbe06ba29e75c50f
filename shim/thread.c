/* SPDX-License-Identifier: MIT
 * Reads /proc/self/task. */
#include "thread.h"

#include "kernel.h"

#include <dirent.h>
#include <linux/futex.h>
#include <stddef.h>
#include <string.h>

enum {
    LISTING = 2048,  /* of a directory: 60 threads and more */
    PATH_MOST = 64,  /* "/proc/self/task/4294967295/syscall" */
    WORDS_MOST = 128 /* a call's number and its first arguments; nothing else is looked at */
};

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
    if (call->number != SYS_futex)
        return false;
    if ((call->arguments[1] & FUTEX_PRIVATE_FLAG) != 0)
        return true;
    long awaited = (long)(uint32_t)call->arguments[2];
    return awaited > 0 && arch_syscall(SYS_tgkill, kernel_getpid(), awaited, 0, 0, 0, 0) == 0;
}

static bool sleeps_inside(const char *thread)
{
    char path[PATH_MOST] = "/proc/self/task/", words[WORDS_MOST];
    struct blocked_call call;
    size_t len = strlen(path), name_len = strlen(thread);
    if (len + name_len + sizeof "/syscall" > sizeof path)
        return false;
    memcpy(path + len, thread, name_len);
    memcpy(path + len + name_len, "/syscall", sizeof "/syscall");
    int fd = kernel_open_to_read(path);
    if (fd < 0)
        return fd == -ENOENT; /* it has ended meanwhile */
    long got = kernel_read(fd, words, sizeof words - 1);
    kernel_close(fd);
    if (got <= 0)
        return got == -ESRCH;
    words[got] = '\0';
    return parse(words, &call) && is_inside(&call);
}

static bool is_counted(const char *name, long self)
{
    unsigned long tid;
    if (!take_number(&name, 10, &tid)) /* . and .. */
        return false;
    return (long)tid != self;
}

static bool all_sleep_inside(int directory)
{
    _Alignas(struct dirent64) char listing[LISTING];
    long self = arch_syscall(SYS_gettid, 0, 0, 0, 0, 0, 0), got;
    while ((got = arch_syscall(SYS_getdents64, directory, (long)listing, LISTING, 0, 0, 0)) > 0) {
        for (long at = 0; at < got;) {
            const struct dirent64 *entry = (const struct dirent64 *)(listing + at);
            if (is_counted(entry->d_name, self) && !sleeps_inside(entry->d_name))
                return false;
            at += entry->d_reclen;
        }
    }
    return got == 0;
}

bool thread_others_sleep_inside(void)
{
    if (kernel_threads() == 1)
        return true;
    int directory = (int)arch_syscall(SYS_openat, AT_FDCWD, (long)"/proc/self/task",
                                      O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0, 0, 0);
    if (directory < 0)
        return false;
    bool all = all_sleep_inside(directory);
    kernel_close(directory);
    return all;
}
