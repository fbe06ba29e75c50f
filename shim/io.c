/* SPDX-License-Identifier: MIT
 * The read and write families. */
#include "io.h"

#include "attend.h"
#include "call.h"
#include "epollset.h"
#include "libc.h"
#include "ours.h"

#include <string.h>

/* Flags whose bytes the witness cannot follow. */
static void note_flags(struct conn *conn, int flags, int blinding)
{
    if ((flags & MSG_OOB) != 0)
        conn_refuse(conn, REASON_URGENT);
    if ((flags & blinding) != 0)
        conn_refuse(conn, REASON_UNSEEN_BYTES);
}

enum {
    BLIND_RECEIVE = MSG_TRUNC, /* TCP drops the bytes instead of giving them, tcp(7) */
    BLIND_SEND = MSG_ZEROCOPY | MSG_FASTOPEN, /* sent from the pages later; or a connect() unseen */
    PEEK_WAIT = MSG_PEEK | MSG_WAITALL
};

/* Waiting for all of a reply without taking its first part never sends the ACK that a server with
 * Nagle's algorithm waits for, and TCP_QUICKACK does not help; only a new connection's quick-ACK
 * start does, 40 ms faster. Who reads so is to have new ones. */
static void note_peek_wait(struct conn *conn, int flags)
{
    if ((flags & PEEK_WAIT) == PEEK_WAIT)
        conn_refuse(conn, REASON_PEEK_WAIT);
}

/* Returns the descriptor to pass on: -1 for one of ours, call.h. */
static int mark_unseen(int fd)
{
    struct conn *conn = call_conn(fd);
    if (conn != NULL)
        conn_refuse(conn, REASON_UNSEEN_BYTES);
    return ours_is(fd) ? -1 : fd;
}

ssize_t io_read(int fd, void *buf, size_t count)
{
    struct call call = call_begin(fd);
    if (call.conn == NULL)
        return libc.read(call.fd, buf, count);
    if (!attend_before_read(call, 0))
        return call_received(call, buf, count, 0, -1);
    return call_received(call, buf, count, 0, libc.read(fd, buf, count));
}

ssize_t io_read_chk(int fd, void *buf, size_t count, size_t size)
{
    struct call call = call_begin(fd);
    if (call.conn == NULL)
        return libc.__read_chk(call.fd, buf, count, size);
    if (!attend_before_read(call, 0))
        return call_received(call, buf, count, 0, -1);
    return call_received(call, buf, count, 0, libc.__read_chk(fd, buf, count, size));
}

ssize_t io_readv(int fd, const struct iovec *vector, int count)
{
    struct call call = call_begin(fd);
    if (call.conn == NULL)
        return libc.readv(call.fd, vector, count);
    if (!attend_before_read(call, 0))
        return call_received_vector(call, vector, (size_t)count, 0, -1);
    ssize_t result = libc.readv(fd, vector, count);
    return call_received_vector(call, vector, (size_t)count, 0, result);
}

ssize_t io_preadv2(int fd, const struct iovec *vector, int count, off_t offset, int flags)
{
    struct call call = call_begin(fd);
    if (call.conn == NULL)
        return libc.preadv2(call.fd, vector, count, offset, flags);
    if (!attend_before_read(call, flags != 0 ? MSG_DONTWAIT : 0))
        return call_received_vector(call, vector, (size_t)count, 0, -1);
    ssize_t result = libc.preadv2(fd, vector, count, offset, flags);
    return call_received_vector(call, vector, (size_t)count, 0, result);
}

ssize_t io_recv(int fd, void *buf, size_t len, int flags)
{
    struct call call = call_begin(fd);
    if (call.conn == NULL)
        return libc.recv(call.fd, buf, len, flags);
    note_flags(call.conn, flags, BLIND_RECEIVE);
    note_peek_wait(call.conn, flags);
    if (!attend_before_read(call, flags))
        return call_received(call, buf, len, flags, -1);
    return call_received(call, buf, len, flags, libc.recv(fd, buf, len, flags));
}

ssize_t io_recv_chk(int fd, void *buf, size_t len, size_t size, int flags)
{
    struct call call = call_begin(fd);
    if (call.conn == NULL)
        return libc.__recv_chk(call.fd, buf, len, size, flags);
    note_flags(call.conn, flags, BLIND_RECEIVE);
    note_peek_wait(call.conn, flags);
    if (!attend_before_read(call, flags))
        return call_received(call, buf, len, flags, -1);
    return call_received(call, buf, len, flags, libc.__recv_chk(fd, buf, len, size, flags));
}

ssize_t io_recvfrom(int fd, void *buf, size_t len, int flags, struct sockaddr *addr,
                    socklen_t *addr_len)
{
    struct call call = call_begin(fd);
    if (call.conn == NULL)
        return libc.recvfrom(call.fd, buf, len, flags, addr, addr_len);
    note_flags(call.conn, flags, BLIND_RECEIVE);
    note_peek_wait(call.conn, flags);
    if (!attend_before_read(call, flags))
        return call_received(call, buf, len, flags, -1);
    ssize_t result = libc.recvfrom(fd, buf, len, flags, addr, addr_len);
    return call_received(call, buf, len, flags, result);
}

ssize_t io_recvfrom_chk(int fd, void *buf, size_t len, size_t size, int flags,
                        struct sockaddr *addr, socklen_t *addr_len)
{
    struct call call = call_begin(fd);
    if (call.conn == NULL)
        return libc.__recvfrom_chk(call.fd, buf, len, size, flags, addr, addr_len);
    note_flags(call.conn, flags, BLIND_RECEIVE);
    note_peek_wait(call.conn, flags);
    if (!attend_before_read(call, flags))
        return call_received(call, buf, len, flags, -1);
    ssize_t result = libc.__recvfrom_chk(fd, buf, len, size, flags, addr, addr_len);
    return call_received(call, buf, len, flags, result);
}

ssize_t io_recvmsg(int fd, struct msghdr *message, int flags)
{
    struct call call = call_begin(fd);
    if (call.conn == NULL)
        return libc.recvmsg(call.fd, message, flags);
    note_flags(call.conn, flags, BLIND_RECEIVE);
    note_peek_wait(call.conn, flags);
    if (!attend_before_read(call, flags))
        return call_received_vector(call, NULL, 0, flags, -1);
    ssize_t result = libc.recvmsg(fd, message, flags);
    if (result < 0 || message == NULL)
        return call_received_vector(call, NULL, 0, flags, result);
    return call_received_vector(call, message->msg_iov, message->msg_iovlen, flags, result);
}

/* Several messages at once make no sense on a stream; what they moved is left to the counters. */
int io_recvmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags,
                struct timespec *timeout)
{
    struct call call = call_begin(fd);
    if (call.conn == NULL)
        return libc.recvmmsg(call.fd, messages, count, flags, timeout);
    conn_refuse(call.conn, REASON_UNSEEN_BYTES);
    return (int)call_end(call, libc.recvmmsg(fd, messages, count, flags, timeout));
}

ssize_t io_write(int fd, const void *buf, size_t count)
{
    struct call call = call_begin(fd);
    if (call.conn == NULL)
        return libc.write(call.fd, buf, count);
    return call_sent(call, buf, libc.write(fd, buf, count));
}

ssize_t io_writev(int fd, const struct iovec *vector, int count)
{
    struct call call = call_begin(fd);
    if (call.conn == NULL)
        return libc.writev(call.fd, vector, count);
    return call_sent_vector(call, vector, (size_t)count, libc.writev(fd, vector, count));
}

ssize_t io_pwritev2(int fd, const struct iovec *vector, int count, off_t offset, int flags)
{
    struct call call = call_begin(fd);
    if (call.conn == NULL)
        return libc.pwritev2(call.fd, vector, count, offset, flags);
    ssize_t result = libc.pwritev2(fd, vector, count, offset, flags);
    return call_sent_vector(call, vector, (size_t)count, result);
}

ssize_t io_send(int fd, const void *buf, size_t len, int flags)
{
    struct call call = call_begin(fd);
    if (call.conn == NULL)
        return libc.send(call.fd, buf, len, flags);
    note_flags(call.conn, flags, BLIND_SEND);
    return call_sent(call, buf, libc.send(fd, buf, len, flags));
}

ssize_t io_sendto(int fd, const void *buf, size_t len, int flags, const struct sockaddr *addr,
                  socklen_t addr_len)
{
    struct call call = call_begin(fd);
    if (call.conn == NULL)
        return libc.sendto(call.fd, buf, len, flags, addr, addr_len);
    note_flags(call.conn, flags, BLIND_SEND);
    return call_sent(call, buf, libc.sendto(fd, buf, len, flags, addr, addr_len));
}

/* Descriptors that travel over a Unix socket: another process will hold them, whatever socket it
 * is sent over. unix(7), cmsg(3). */
static void note_passed_descriptors(const struct msghdr *message)
{
    for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header != NULL;
         header = CMSG_NXTHDR((struct msghdr *)(uintptr_t)message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
            continue;
        if (header->cmsg_len < CMSG_LEN(0))
            return; /* EINVAL from the kernel */
        size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count; i++) {
            int passed;
            memcpy(&passed, CMSG_DATA(header) + i * sizeof passed, sizeof passed);
            struct conn *conn = call_conn(passed);
            if (conn != NULL)
                conn_refuse(conn, REASON_SHARED);
            epollset_share(passed);
        }
    }
}

ssize_t io_sendmsg(int fd, const struct msghdr *message, int flags)
{
    if (message != NULL && message->msg_control != NULL)
        note_passed_descriptors(message);
    struct call call = call_begin(fd);
    if (call.conn == NULL)
        return libc.sendmsg(call.fd, message, flags);
    note_flags(call.conn, flags, BLIND_SEND);
    ssize_t result = libc.sendmsg(fd, message, flags);
    if (result < 0 || message == NULL)
        return call_sent_vector(call, NULL, 0, result);
    return call_sent_vector(call, message->msg_iov, message->msg_iovlen, result);
}

int io_sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags)
{
    for (unsigned i = 0; messages != NULL && i < count; i++)
        if (messages[i].msg_hdr.msg_control != NULL)
            note_passed_descriptors(&messages[i].msg_hdr);
    struct call call = call_begin(fd);
    if (call.conn == NULL)
        return libc.sendmmsg(call.fd, messages, count, flags);
    return (int)call_sent_unseen(call, libc.sendmmsg(fd, messages, count, flags));
}

ssize_t io_sendfile(int out, int in, off_t *offset, size_t count)
{
    int source = mark_unseen(in);
    struct call call = call_begin(out);
    if (call.conn == NULL)
        return libc.sendfile(call.fd, source, offset, count);
    return call_sent_unseen(call, libc.sendfile(out, source, offset, count));
}

ssize_t io_sendfile64(int out, int in, off64_t *offset, size_t count)
{
    int source = mark_unseen(in);
    struct call call = call_begin(out);
    if (call.conn == NULL)
        return libc.sendfile64(call.fd, source, offset, count);
    return call_sent_unseen(call, libc.sendfile64(out, source, offset, count));
}

ssize_t io_splice(int in, off64_t *in_offset, int out, off64_t *out_offset, size_t len,
                  unsigned flags)
{
    int source = mark_unseen(in);
    struct call call = call_begin(out);
    if (call.conn == NULL)
        return libc.splice(source, in_offset, call.fd, out_offset, len, flags);
    return call_sent_unseen(call, libc.splice(source, in_offset, out, out_offset, len, flags));
}

int io_vdprintf(int fd, const char *format, va_list arguments)
{
    struct call call = call_begin(fd);
    if (call.conn == NULL)
        return libc.vdprintf(call.fd, format, arguments);
    return (int)call_sent_unseen(call, libc.vdprintf(fd, format, arguments));
}

int io_vdprintf_chk(int fd, int flag, const char *format, va_list arguments)
{
    struct call call = call_begin(fd);
    if (call.conn == NULL)
        return libc.__vdprintf_chk(call.fd, flag, format, arguments);
    return (int)call_sent_unseen(call, libc.__vdprintf_chk(fd, flag, format, arguments));
}
