/* SPDX-License-Identifier: MIT
 * Hooks that move bytes: each makes the real call and tells the witness what it moved. */
#ifndef TWPOOL_SHIM_IO_H
#define TWPOOL_SHIM_IO_H

#include <stdarg.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

/* The same contracts, results, errno and cancellation as the functions that they are named after;
 * async-signal-safe where those are. An untracked descriptor costs a bounds check and two loads. */
ssize_t io_read(int fd, void *buf, size_t count);
ssize_t io_read_chk(int fd, void *buf, size_t count, size_t size);
ssize_t io_readv(int fd, const struct iovec *vector, int count);
ssize_t io_preadv2(int fd, const struct iovec *vector, int count, off_t offset, int flags);
ssize_t io_recv(int fd, void *buf, size_t len, int flags);
ssize_t io_recv_chk(int fd, void *buf, size_t len, size_t size, int flags);
ssize_t io_recvfrom(int fd, void *buf, size_t len, int flags, struct sockaddr *addr,
                    socklen_t *addr_len);
ssize_t io_recvfrom_chk(int fd, void *buf, size_t len, size_t size, int flags,
                        struct sockaddr *addr, socklen_t *addr_len);
ssize_t io_recvmsg(int fd, struct msghdr *message, int flags);
int io_recvmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags,
                struct timespec *timeout);

ssize_t io_write(int fd, const void *buf, size_t count);
ssize_t io_writev(int fd, const struct iovec *vector, int count);
ssize_t io_pwritev2(int fd, const struct iovec *vector, int count, off_t offset, int flags);
ssize_t io_send(int fd, const void *buf, size_t len, int flags);
ssize_t io_sendto(int fd, const void *buf, size_t len, int flags, const struct sockaddr *addr,
                  socklen_t addr_len);
ssize_t io_sendmsg(int fd, const struct msghdr *message, int flags);
int io_sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags);

/* These move bytes that we do not see: the connections on either end become private. */
ssize_t io_sendfile(int out, int in, off_t *offset, size_t count);
ssize_t io_sendfile64(int out, int in, off64_t *offset, size_t count);
ssize_t io_splice(int in, off64_t *in_offset, int out, off64_t *out_offset, size_t len,
                  unsigned flags);
int io_vdprintf(int fd, const char *format, va_list arguments);
int io_vdprintf_chk(int fd, int flag, const char *format, va_list arguments);

#endif
