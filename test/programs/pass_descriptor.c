/* SPDX-License-Identifier: MIT
 * A connection handed to another process, and received from one, over a UNIX socket. */
#include "program.h"

static void send_descriptor(int channel, int fd)
{
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control = {0};
    struct iovec data = {"x", 1};
    struct msghdr message = {.msg_iov = &data,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &fd, sizeof fd);
    SHOW(sendmsg(channel, &message, 0));
}

static int receive_descriptor(int channel)
{
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control = {0};
    char byte;
    int fd = -1;
    struct iovec data = {&byte, 1};
    struct msghdr message = {.msg_iov = &data,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    ssize_t received = recvmsg(channel, &message, 0);
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    if (received != 1 || header == NULL)
        broken("no descriptor came");
    memcpy(&fd, CMSG_DATA(header), sizeof fd);
    return fd;
}

int main(void)
{
    uint16_t port = serve(SERVICE_HTTP);
    int channel[2];
    SHOW(socketpair(AF_UNIX, SOCK_STREAM, 0, channel));
    /* Another process keeps what it is given, and uses it after our close. */
    for (int i = 0; i < 3; i++) {
        pid_t child = fork();
        if (child == 0) {
            int fd = receive_descriptor(channel[1]);
            char byte;
            if (read(channel[1], &byte, 1) != 1)
                broken("read");
            ask(fd, "/by-the-receiver");
            answer(fd);
            _exit(0);
        }
        int fd = connect_to(port);
        ask(fd, "/before");
        answer(fd);
        send_descriptor(channel[0], fd);
        SHOW(close(fd));
        fetch(port, "/meanwhile");
        if (write(channel[0], "x", 1) != 1)
            broken("write");
        SHOW(waitpid(child, NULL, 0) == child);
        fetch(port, "/next");
    }
    /* To ourselves: a duplicate that no dup made. */
    for (int i = 0; i < 3; i++) {
        int fd = connect_to(port);
        ask(fd, "/before");
        answer(fd);
        send_descriptor(channel[0], fd);
        SHOW(close(fd));
        fetch(port, "/meanwhile");
        int received = SHOW(receive_descriptor(channel[1]));
        ask(received, "/after");
        answer(received);
        SHOW(close(received));
    }
    return 0;
}
