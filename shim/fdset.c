/* SPDX-License-Identifier: MIT
 * Looks for bits beyond FD_SETSIZE without trusting that there is memory. */
#include "fdset.h"

#include "fdtable.h"
#include "hide.h"
#include "kernel.h"

#include <errno.h>
#include <sys/uio.h>

enum {
    PIECE = 512,         /* bytes looked at in one call */
    MOST_BITS = 1 << 20, /* the highest soft limit that is met in practice */
    SAVED_BITS = 8192,   /* 3 KiB of stack; a program with more descriptors does not use select() */
    BITS = 8
};

/* Not FD_ISSET: fortified, it ends the program beyond FD_SETSIZE, where a larger array of the
 * application's may go on, select(2). */
static bool is_in(const fd_set *set, int fd)
{
    const unsigned char *bytes = (const unsigned char *)set;
    return set != NULL && (bytes[fd / BITS] >> fd % BITS & 1) != 0;
}

bool fdsets_have(const struct fdsets *sets, int fd)
{
    return is_in(sets->readable, fd) || is_in(sets->writable, fd) || is_in(sets->except, fd);
}

/* The kernel copies, and says how much of it is mapped. process_vm_readv(2). */
static long copy_mapped(void *to, const void *from, size_t len)
{
    struct iovec local = {.iov_base = to, .iov_len = len};
    struct iovec remote = {.iov_base = (void *)(uintptr_t)from, .iov_len = len};
    return arch_syscall(SYS_process_vm_readv, kernel_getpid(), (long)&local, 1, (long)&remote, 1,
                        0);
}

static bool is_of_application(int fd)
{
    return fd_entry_kind(fdtable_get(fd)) != FD_OURS && kernel_fcntl(fd, F_GETFD, 0) >= 0;
}

static bool has_far_descriptor(const fd_set *set, int count)
{
    unsigned char piece[PIECE];
    for (int first = FD_SETSIZE; set != NULL && first < count; first += PIECE * BITS) {
        long copied = copy_mapped(piece, (const char *)set + first / BITS, sizeof piece);
        if (copied < 0 && copied != -EFAULT) /* a filter forbids it: leave the count alone */
            return true;
        for (long i = 0; i < copied * BITS && first + i < count; i++)
            if ((piece[i / BITS] >> i % BITS & 1) != 0 && is_of_application(first + (int)i))
                return true;
        if (copied < PIECE)
            return false;
    }
    return false;
}

int fdsets_count(const struct fdsets *sets, int count)
{
    int most = count < MOST_BITS ? count : MOST_BITS;
    if (count <= FD_SETSIZE || !hide_was_used() || has_far_descriptor(sets->readable, most) ||
        has_far_descriptor(sets->writable, most) || has_far_descriptor(sets->except, most))
        return count;
    return FD_SETSIZE;
}

bool fdsets_can_save(int count)
{
    return count >= 0 && count <= SAVED_BITS;
}

/* The kernel reads and writes whole longs. */
static size_t bytes_of(int count)
{
    const size_t bits = sizeof(long) * BITS;
    return ((size_t)count + bits - 1) / bits * sizeof(long);
}

size_t fdsets_size(int count)
{
    return 3 * bytes_of(count);
}

static bool save_one(const fd_set *set, size_t size, unsigned char *saved)
{
    return set == NULL || size == 0 || copy_mapped(saved, set, size) == (long)size;
}

bool fdsets_save(const struct fdsets *sets, int count, unsigned char *saved)
{
    size_t size = bytes_of(count);
    return save_one(sets->readable, size, saved) && save_one(sets->writable, size, saved + size) &&
           save_one(sets->except, size, saved + 2 * size);
}

/* The kernel stops at the end of its table of descriptors, count or not: what lies behind may be
 * another thread's by now, so only what was cleared is written. */
static void restore_one(fd_set *set, size_t size, const unsigned char *saved)
{
    unsigned char *bytes = (unsigned char *)set;
    for (size_t i = 0; set != NULL && i < size; i++)
        if (bytes[i] == 0 && saved[i] != 0)
            bytes[i] = saved[i];
}

void fdsets_restore(const struct fdsets *sets, int count, const unsigned char *saved)
{
    size_t size = bytes_of(count);
    restore_one(sets->readable, size, saved);
    restore_one(sets->writable, size, saved + size);
    restore_one(sets->except, size, saved + 2 * size);
}
