/* SPDX-License-Identifier: MIT
 * The kernel's calls that we make for ourselves: typed, without errno, without cancellation. */
#ifndef TWPOOL_SHIM_KERNEL_H
#define TWPOOL_SHIM_KERNEL_H

#include "arch.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>

/* Each returns the kernel's result, or -errno. None touches errno; all are async-signal-safe and
 * may be called before any constructor and in a vfork child. */

static inline int kernel_close(int fd)
{
    return (int)arch_syscall(SYS_close, fd, 0, 0, 0, 0, 0);
}

static inline int kernel_fcntl(int fd, int command, long argument)
{
    return (int)arch_syscall(SYS_fcntl, fd, command, argument, 0, 0, 0);
}

static inline int kernel_dup3(int fd, int new_fd, int flags)
{
    return (int)arch_syscall(SYS_dup3, fd, new_fd, flags, 0, 0, 0);
}

static inline int kernel_getsockopt(int fd, int level, int name, void *value, socklen_t *len)
{
    return (int)arch_syscall(SYS_getsockopt, fd, level, name, (long)value, (long)len, 0);
}

static inline int kernel_setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
    return (int)arch_syscall(SYS_setsockopt, fd, level, name, (long)value, len, 0);
}

static inline int kernel_set_int(int fd, int level, int name, int value)
{
    return kernel_setsockopt(fd, level, name, &value, sizeof value);
}

static inline int kernel_open_to_read(const char *path)
{
    return (int)arch_syscall(SYS_openat, AT_FDCWD, (long)path, O_RDONLY | O_CLOEXEC, 0, 0, 0);
}

static inline long kernel_read(int fd, void *buf, size_t size)
{
    return arch_syscall(SYS_read, fd, (long)buf, (long)size, 0, 0, 0);
}

/* The inode behind fd, 0 when there is none. */
static inline uint64_t kernel_inode(int fd)
{
    struct stat status;
    return arch_syscall(SYS_fstat, fd, (long)&status, 0, 0, 0, 0) == 0 ? status.st_ino : 0;
}

static inline int kernel_epoll_ctl(int set_fd, int operation, int fd, struct epoll_event *event)
{
    return (int)arch_syscall(SYS_epoll_ctl, set_fd, operation, fd, (long)event, 0, 0);
}

/* The events of a set that are ready now. The application's mask is only checked: nothing waits. */
static inline int kernel_epoll_look(int set_fd, struct epoll_event *events, int count,
                                    const sigset_t *mask)
{
    return (int)arch_syscall(SYS_epoll_pwait, set_fd, (long)events, count, 0, (long)mask, 8);
}

/* What poll(2) sees on one descriptor now: revents, 0 for nothing. */
static inline int kernel_poll_now(int fd, short events)
{
    struct pollfd poll = {.fd = fd, .events = events};
    struct timespec now = {0};
    int ready = (int)arch_syscall(SYS_ppoll, (long)&poll, 1, (long)&now, 0, 0, 0);
    return ready > 0 ? poll.revents : ready;
}

/* The same, once there is something or so many milliseconds have passed. */
static inline int kernel_poll_for(int fd, short events, int ms)
{
    struct pollfd poll = {.fd = fd, .events = events};
    struct timespec length = {.tv_nsec = ms * 1000000L};
    int ready = (int)arch_syscall(SYS_ppoll, (long)&poll, 1, (long)&length, 0, 0, 0);
    return ready > 0 ? poll.revents : ready;
}

static inline int kernel_getpid(void)
{
    return (int)arch_syscall(SYS_getpid, 0, 0, 0, 0, 0, 0);
}

/* Threads of this process: a directory for each, which is a link more to the one above them. 0
 * where /proc cannot tell. */
static inline unsigned kernel_threads(void)
{
    struct stat status;
    long result =
        arch_syscall(SYS_newfstatat, AT_FDCWD, (long)"/proc/self/task", (long)&status, 0, 0, 0);
    return result == 0 && status.st_nlink > 2 ? (unsigned)status.st_nlink - 2 : 0;
}

static inline int kernel_prlimit(int resource, const struct rlimit64 *set, struct rlimit64 *old)
{
    return (int)arch_syscall(SYS_prlimit64, 0, resource, (long)set, (long)old, 0, 0);
}

/* Nanoseconds of CLOCK_MONOTONIC: from the kernel, because a preloaded libfaketime bends libc's
 * clock_gettime(). */
static inline uint64_t kernel_now_ns(void)
{
    struct timespec now = {0};
    arch_syscall(SYS_clock_gettime, CLOCK_MONOTONIC, (long)&now, 0, 0, 0, 0);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static inline uint64_t kernel_now_ms(void)
{
    return kernel_now_ns() / 1000000;
}

/* Anonymous zeroed memory, NULL when there is none. */
static inline void *kernel_map(size_t size)
{
    long address = arch_syscall(SYS_mmap, 0, (long)size, 0x3 /* PROT_READ | PROT_WRITE */,
                                0x22 /* MAP_PRIVATE | MAP_ANONYMOUS */, -1, 0);
    return address < 0 && address > -4096 ? NULL : (void *)address;
}

static inline void kernel_unmap(void *memory, size_t size)
{
    arch_syscall(SYS_munmap, (long)memory, (long)size, 0, 0, 0, 0);
}

/* Every signal of this thread, the ones that libc keeps for itself (cancellation, set*id) included:
 * between the two calls no handler runs, so none can meet our locks or leave by siglongjmp. */
static inline uint64_t kernel_block_signals(void)
{
    uint64_t all = ~0ULL, old = 0;
    arch_syscall(SYS_rt_sigprocmask, 2 /* SIG_SETMASK */, (long)&all, (long)&old, sizeof all, 0, 0);
    return old;
}

/* Those that wait because they are blocked, for this thread or for the process. */
static inline uint64_t kernel_pending_signals(void)
{
    uint64_t pending = 0;
    arch_syscall(SYS_rt_sigpending, (long)&pending, sizeof pending, 0, 0, 0, 0);
    return pending;
}

/* As the kernel has it, and not libc: libc keeps two of its own from being asked about. */
struct kernel_sigaction {
    void (*handler)(int);
    unsigned long flags;
    void (*restorer)(void);
    uint64_t mask;
};

static inline int kernel_sigaction(int number, struct kernel_sigaction *action)
{
    return (int)arch_syscall(SYS_rt_sigaction, number, 0, (long)action, sizeof action->mask, 0, 0);
}

static inline void kernel_restore_signals(uint64_t old)
{
    arch_syscall(SYS_rt_sigprocmask, 2 /* SIG_SETMASK */, (long)&old, 0, sizeof old, 0, 0);
}

/* Whether the kernel can read 8 bytes there: it copies a signal set before it looks at what to do
 * with it, and there is no -1 to be done. 0.1 us; rt_sigprocmask(2). */
static inline bool kernel_reads(const void *at)
{
    return arch_syscall(SYS_rt_sigprocmask, -1, (long)at, 0, 8, 0, 0) == -EINVAL;
}

#endif
