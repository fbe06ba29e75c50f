/* SPDX-License-Identifier: MIT
 * Writes to standard error without libc, without signals, and never to somebody else's file. */
#include "log.h"
#include "arch.h"

#include <asm/ioctls.h>
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define PREFIX "twpool: "

/* Written by the constructor only. */
static enum log_level log_level;
static struct {
    bool known;
    dev_t dev;
    ino_t ino;
} log_file;

static bool identify(dev_t *dev, ino_t *ino);
static void remember_file(void);
static bool is_terminal(void);
static long write_quietly(int fd, const struct iovec *parts, int count);

void log_open(enum log_level level)
{
    log_level = level;
    remember_file();
}

bool log_wants(enum log_level level)
{
    if (level == LOG_TRACE)
        return log_level == LOG_TRACE;
    if (level == LOG_AUTO && log_level == LOG_AUTO)
        return log_descriptor() >= 0 && is_terminal();
    return log_level == LOG_HINT || log_level == LOG_TRACE;
}

int log_descriptor(void)
{
    dev_t dev;
    ino_t ino;
    if (!log_file.known || !identify(&dev, &ino))
        return -1;
    return dev == log_file.dev && ino == log_file.ino ? STDERR_FILENO : -1;
}

void log_line(const char *line, size_t len)
{
    struct iovec parts[] = {{(char *)PREFIX, sizeof PREFIX - 1}, {(char *)line, len}, {"\n", 1}};
    int fd = log_descriptor();
    if (fd >= 0)
        write_quietly(fd, parts, 3);
}

void log_complaint(void *context, const char *line)
{
    (void)context;
    remember_file();
    log_line(line, strlen(line));
}

int log_write(int fd, const char *buf, size_t len)
{
    while (len > 0) {
        struct iovec part = {(char *)buf, len};
        long written = write_quietly(fd, &part, 1);
        if (written == -EINTR)
            continue;
        if (written <= 0)
            return written < 0 ? (int)written : -EIO;
        buf += written;
        len -= (size_t)written;
    }
    return 0;
}

static void remember_file(void)
{
    if (!log_file.known)
        log_file.known = identify(&log_file.dev, &log_file.ino);
}

static bool identify(dev_t *dev, ino_t *ino)
{
    struct stat status;
    if (arch_syscall(SYS_fstat, STDERR_FILENO, (long)&status, 0, 0, 0, 0) < 0)
        return false;
    *dev = status.st_dev;
    *ino = status.st_ino;
    return true;
}

static bool is_terminal(void)
{
    struct termios settings; /* libc's is larger than the kernel's, which is what TCGETS fills */
    return arch_syscall(SYS_ioctl, STDERR_FILENO, TCGETS, (long)&settings, 0, 0, 0) == 0;
}

static uint64_t signal_bit(int number)
{
    return 1ULL << (number - 1);
}

/* One write. The signals that it may raise are held back meanwhile, and taken away again unless one
 * was waiting before: an application that never wrote here must not die, or stop, for our line. */
static long write_quietly(int fd, const struct iovec *parts, int count)
{
    /* Reader gone, file size limit. SIGTTOU (background job, stty tostop) is not even raised while
     * it is blocked. */
    const uint64_t raised = signal_bit(SIGPIPE) | signal_bit(SIGXFSZ);
    const uint64_t held = raised | signal_bit(SIGTTOU);
    const struct timespec at_once = {0};
    uint64_t before = 0, pending = 0, ours;
    long written;

    arch_syscall(SYS_rt_sigprocmask, SIG_BLOCK, (long)&held, (long)&before, sizeof held, 0, 0);
    arch_syscall(SYS_rt_sigpending, (long)&pending, sizeof pending, 0, 0, 0, 0);
    written = arch_syscall(SYS_writev, fd, (long)parts, count, 0, 0, 0);
    ours = raised & ~pending;
    if (written < 0 && ours != 0)
        arch_syscall(SYS_rt_sigtimedwait, (long)&ours, 0, (long)&at_once, sizeof ours, 0, 0);
    arch_syscall(SYS_rt_sigprocmask, SIG_SETMASK, (long)&before, 0, sizeof before, 0, 0);
    return written;
}
