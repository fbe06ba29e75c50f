/* SPDX-License-Identifier: MIT
 * Every call of the read and write families on a connection. */
#include "program.h"

#include <sys/uio.h>

static const char head[] = "GET /vec", tail[] = "tor HTTP/1.1\r\nHost: test\r\n\r\n";
static struct iovec out[2] = {{(void *)head, sizeof head - 1}, {(void *)tail, sizeof tail - 1}};

static void send_by(int way, int fd)
{
    struct msghdr message = {.msg_iov = out, .msg_iovlen = 2};
    struct mmsghdr messages[2] = {{.msg_hdr = {.msg_iov = &out[0], .msg_iovlen = 1}},
                                  {.msg_hdr = {.msg_iov = &out[1], .msg_iovlen = 1}}};
    struct sockaddr_in elsewhere = loopback(9);
    switch (way) {
    case 0:
        SHOW(writev(fd, out, 2));
        return;
    case 1:
        SHOW(sendmsg(fd, &message, 0));
        return;
    case 2:
        SHOW(sendmmsg(fd, messages, 2, 0));
        say("%u %u", messages[0].msg_len, messages[1].msg_len);
        return;
    case 3:
        SHOW(sendto(fd, head, sizeof head - 1, MSG_MORE, NULL, 0));
        SHOW(sendto(fd, tail, sizeof tail - 1, 0, (struct sockaddr *)&elsewhere, sizeof elsewhere));
        return;
    case 4:
        SHOW(pwritev2(fd, out, 2, -1, 0));
        return;
    default:
        SHOW(write(fd, head, sizeof head - 1));
        SHOW(write(fd, tail, sizeof tail - 1));
    }
}

static void receive_by(int way, int fd)
{
    char first[10], second[100];
    struct iovec in[2] = {{first, sizeof first}, {second, sizeof second}};
    struct msghdr message = {.msg_iov = in, .msg_iovlen = 2};
    struct mmsghdr messages[1] = {{.msg_hdr = {.msg_iov = in, .msg_iovlen = 2}}};
    struct sockaddr_in from;
    socklen_t from_len = sizeof from;
    switch (way) {
    case 0:
        SHOW(readv(fd, in, 2));
        break;
    case 1:
        SHOW(recvmsg(fd, &message, 0));
        say("flags %#x, name %u, control %zu", message.msg_flags, message.msg_namelen,
            message.msg_controllen);
        break;
    case 2:
        SHOW(recvmmsg(fd, messages, 1, MSG_WAITFORONE, NULL));
        say("%u", messages[0].msg_len);
        break;
    case 3:
        SHOW(recvfrom(fd, first, sizeof first, 0, (struct sockaddr *)&from, &from_len));
        say("name %u", from_len);
        SHOW(recvfrom(fd, second, sizeof second, 0, NULL, NULL));
        break;
    case 4:
        SHOW(preadv2(fd, in, 2, -1, 0));
        break;
    default:
        SHOW(read(fd, first, sizeof first));
        SHOW(read(fd, second, sizeof second));
    }
    say("%.10s %.49s", first, second);
}

int main(void)
{
    uint16_t port = serve(SERVICE_HTTP);
    for (int sending = 0; sending < 6; sending++) {
        for (int receiving = 0; receiving < 6; receiving++) {
            int fd = connect_to(port);
            send_by(sending, fd);
            receive_by(receiving, fd);
            SHOW(close(fd));
        }
    }
    volatile int negative = -1; /* volatile: the compiler would refuse the plain number */
    int fd = connect_to(port);
    SHOW(writev(fd, out, negative));
    SHOW(writev(fd, out, 0));
    SHOW(preadv(fd, out, 2, 0));
    SHOW(pread(fd, out, 2, 0));
    SHOW(lseek(fd, 0, SEEK_SET));
    SHOW(send(fd, NULL, 10, 0));
    SHOW(recv(fd, NULL, 0, MSG_DONTWAIT));
    ask(fd, "/still");
    answer(fd);
    SHOW(close(fd));
    return 0;
}
