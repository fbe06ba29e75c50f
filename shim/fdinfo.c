/* SPDX-License-Identifier: MIT
 * /proc/thread-self/fdinfo of an epoll set, read with system calls alone. */
#include "fdinfo.h"

#include "kernel.h"
#include "text.h"

#include <errno.h>
#include <string.h>

enum {
    READ_MOST = 16 * 1024, /* some 200 registrations: to list more takes longer than a connect() */
    LINE_MAX_BYTES = 256   /* the longest is 123 bytes, with every number at its longest */
};

struct cursor {
    const char *at, *end;
};

/* The value of a digit as the kernel prints them; 16 for anything else. */
static unsigned digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0');
    return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10 : 16;
}

/* One field: blanks, the label, blanks and a number; false when it is anything else. */
static bool take_field(struct cursor *cursor, const char *label, unsigned base, uint64_t *number)
{
    size_t label_len = strlen(label);
    while (cursor->at < cursor->end && *cursor->at == ' ')
        cursor->at++;
    if ((size_t)(cursor->end - cursor->at) < label_len || memcmp(cursor->at, label, label_len) != 0)
        return false;
    cursor->at += label_len;
    while (cursor->at < cursor->end && *cursor->at == ' ')
        cursor->at++;
    const char *digits = cursor->at;
    for (*number = 0; cursor->at < cursor->end; cursor->at++) {
        unsigned digit = digit_of(*cursor->at);
        if (digit >= base)
            break;
        if (*number > (UINT64_MAX - digit) / base)
            return false;
        *number = *number * base + digit;
    }
    return cursor->at > digits;
}

enum fdinfo_line fdinfo_parse(const char *line, size_t len, struct fdinfo_target *target)
{
    struct cursor cursor = {line, line + len};
    uint64_t fd, events, position;
    if (len < 4 || memcmp(line, "tfd:", 4) != 0)
        return FDINFO_OTHER;
    if (!take_field(&cursor, "tfd:", 10, &fd) || !take_field(&cursor, "events:", 16, &events) ||
        !take_field(&cursor, "data:", 16, &target->data) ||
        !take_field(&cursor, "pos:", 10, &position) ||
        !take_field(&cursor, "ino:", 16, &target->inode))
        return FDINFO_STRANGE;
    if (fd > INT32_MAX || events > UINT32_MAX || cursor.at == cursor.end || *cursor.at != ' ')
        return FDINFO_STRANGE;
    target->fd = (int)fd;
    target->events = (uint32_t)events;
    return FDINFO_TARGET;
}

struct search {
    int fd;
    uint64_t inode;
    struct fdinfo_target *found;
    unsigned count;
};

static bool look_at(struct search *search, const char *line, size_t len)
{
    struct fdinfo_target target;
    enum fdinfo_line kind = fdinfo_parse(line, len, &target);
    if (kind == FDINFO_TARGET && target.fd == search->fd && target.inode == search->inode) {
        *search->found = target;
        search->count++;
    }
    return kind != FDINFO_STRANGE;
}

/* Looks at every whole line of buf, and returns how many bytes they were; -1 at a strange one. */
static long look_at_lines(struct search *search, const char *buf, size_t len)
{
    size_t done = 0;
    for (const char *end; (end = memchr(buf + done, '\n', len - done)) != NULL;) {
        if (!look_at(search, buf + done, (size_t)(end - buf) - done))
            return -1;
        done = (size_t)(end - buf) + 1;
    }
    return (long)done;
}

static int search_file(struct search *search, int file)
{
    char buf[2 * LINE_MAX_BYTES];
    size_t len = 0;
    for (size_t read = 0; read < READ_MOST;) {
        long got = kernel_read(file, buf + len, sizeof buf - len);
        if (got <= 0)
            return got < 0 ? (int)got : len == 0 && search->count == 1 ? 0 : -ENOENT;
        read += (size_t)got;
        len += (size_t)got;
        long done = look_at_lines(search, buf, len);
        if (done < 0 || (size_t)done + LINE_MAX_BYTES < len)
            return -EPROTO;
        len -= (size_t)done;
        memmove(buf, buf + done, len);
    }
    return -E2BIG;
}

int fdinfo_find(int set_fd, int fd, uint64_t inode, struct fdinfo_target *target)
{
    struct search search = {.fd = fd, .inode = inode, .found = target};
    char path[64];
    struct text text;
    text_init(&text, path, sizeof path);
    text_add(&text, "/proc/thread-self/fdinfo/"); /* self's is empty once the first thread ended */
    text_add_number(&text, set_fd);
    int file = kernel_open_to_read(path);
    if (file < 0)
        return file;
    int result = search_file(&search, file);
    kernel_close(file);
    return result;
}
