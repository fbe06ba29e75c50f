/* SPDX-License-Identifier: MIT
 * The descriptor behind a stream is released just before libc closes it. */
#include "stream.h"

#include "call.h"
#include "goodbye.h"
#include "libc.h"
#include "release.h"

#include <errno.h>
#include <stddef.h>
#include <stdio_ext.h>

typedef FILE *(*reopener)(const char *path, const char *mode, FILE *stream);

/* A call that ends a stream: its arguments, and what libc made of it. */
struct last_call {
    struct stream_end end;
    FILE *stream;
    const char *path, *mode;
    reopener reopen;
    int result;
    FILE *reopened;
};

static int number_of(FILE *stream);
static void really_close(struct stream_end *end);
static void really_reopen(struct stream_end *end);
static void make_last_call(int fd, struct last_call *call);

FILE *stream_fdopen(int fd, const char *mode)
{
    struct call call = call_begin(fd); /* what the stream does is not seen */
    FILE *stream = libc.fdopen(call.fd, mode);
    if (call.conn == NULL)
        return stream;
    if (stream != NULL)
        conn_refuse(call.conn, REASON_STREAM);
    call_end(call, 0);
    return stream;
}

int stream_fclose(FILE *stream)
{
    int fd = number_of(stream);
    bool is_untracked = fdtable_get(fd) == 0;
    if (!is_untracked || __fpending(stream) > 0)
        goodbye_send_first(); /* what it writes may block */
    if (__builtin_expect(is_untracked, 1))
        return libc.fclose(stream);
    struct last_call call = {.end.really = really_close, .stream = stream};
    make_last_call(fd, &call);
    return call.result;
}

static FILE *reopen(reopener really, const char *path, const char *mode, FILE *stream)
{
    goodbye_send_first(); /* as may what it opens */
    int fd = number_of(stream);
    if (__builtin_expect(fdtable_get(fd) == 0, 1))
        return really(path, mode, stream);
    struct last_call call = {.end.really = really_reopen,
                             .reopen = really,
                             .path = path,
                             .mode = mode,
                             .stream = stream};
    make_last_call(fd, &call);
    return call.reopened;
}

FILE *stream_freopen(const char *path, const char *mode, FILE *stream)
{
    return reopen(libc.freopen, path, mode, stream);
}

FILE *stream_freopen64(const char *path, const char *mode, FILE *stream)
{
    return reopen(libc.freopen64, path, mode, stream);
}

/* -1 for streams without a descriptor: fmemopen(), open_memstream(), fopencookie(). It takes no
 * lock, as the libc function that follows will. */
static int number_of(FILE *stream)
{
    int saved_errno = errno, fd = fileno(stream);
    errno = saved_errno;
    return fd;
}

/* Its result tells of the output alone: the descriptor is closed in any case. */
static void really_close(struct stream_end *end)
{
    struct last_call *call = (struct last_call *)end;
    call->result = libc.fclose(call->stream);
}

/* freopen(3) closes the descriptor also when it cannot open the path. */
static void really_reopen(struct stream_end *end)
{
    struct last_call *call = (struct last_call *)end;
    call->reopened = call->reopen(call->path, call->mode, call->stream);
}

static void make_last_call(int fd, struct last_call *call)
{
    call->end.has_output = __fpending(call->stream) > 0;
    release_by_stream(fd, &call->end);
}
