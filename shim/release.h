/* SPDX-License-Identifier: MIT
 * The close side: the verdict on a logical close, then park, clean close, or plain close. */
#ifndef TWPOOL_SHIM_RELEASE_H
#define TWPOOL_SHIM_RELEASE_H

#include <stdbool.h>

/* close(2): 0 with errno left alone, or libc's result. The number is free afterwards, whatever
 * became of the connection. The last descriptor of a connection is its logical close; the others
 * are only counted. A number of ours, which the application cannot know, is given back: EBADF.
 * Async-signal-safe; a cancellation point, as libc's. */
int release_close(int fd);

/* The same for a number that a call for many closes: no cancellation point, no result. */
void release_close_quietly(int fd);

/* dup2(2), or dup3(2) with its flags: new_fd becomes a duplicate of source, in one step; what
 * new_fd was before is released as by a close. libc's results. */
enum overwrite { BY_CLOSE, BY_QUIET_CLOSE, BY_STREAM, BY_DUP2, BY_DUP3 };
int release_overwrite(int source, int new_fd, enum overwrite how, int flags);

/* The end of a stream: stdio closes its descriptor, or puts another file there, by calls of its own
 * that no hook sees. */
struct stream_end {
    void (*really)(struct stream_end *end); /* libc's function, which does that; never fails to */
    bool has_output;                        /* that it writes first */
};

/* Releases fd, as by a close but never to be kept, and calls end->really once: the entry is gone
 * before the number is free. errno is what that left. */
void release_by_stream(int fd, struct stream_end *end);

/* The kernel has just given out fd, or fd is none of our business any more: whatever was known of
 * that number is forgotten, and nothing is closed. */
void release_forget(int fd);

#endif
