/* SPDX-License-Identifier: MIT
 * A runtime that closes with syscall(), as Node.js does, and one that does all of it so. */
#include "program.h"

#include <sys/syscall.h>

int main(void)
{
    uint16_t port = serve(SERVICE_HTTP);
    struct sockaddr_in addr = loopback(port);
    for (int i = 0; i < 4; i++) {
        int fd = connect_to(port);
        ask(fd, "/syscall");
        answer(fd);
        SHOW(syscall(SYS_close, fd));
        SHOW(syscall(SYS_close, fd));
    }
    for (int i = 0; i < 3; i++) {
        char bytes[1000];
        int fd = SHOW(syscall(SYS_socket, AF_INET, SOCK_STREAM, 0));
        SHOW(syscall(SYS_connect, fd, &addr, sizeof addr));
        ask(fd, "/all-syscalls");
        SHOW(syscall(SYS_read, fd, bytes, sizeof bytes));
        SHOW(syscall(SYS_dup2, fd, 20));
        SHOW(syscall(SYS_close, fd));
        SHOW(syscall(SYS_fcntl, 20, F_GETFD));
        SHOW(syscall(SYS_close, 20));
    }
    SHOW(syscall(SYS_close, 600));
    SHOW(syscall(-1));
    return 0;
}
