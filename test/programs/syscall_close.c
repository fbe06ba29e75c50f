/* SPDX-License-Identifier: MIT
 * A runtime that closes with syscall(), as Node.js does, and one that does all of it so. */
#include "program.h"

#include <sys/mman.h>
#include <sys/syscall.h>

/* The sixth argument is where in the file the mapping begins. */
static void use_six_arguments(void)
{
    long page = sysconf(_SC_PAGESIZE);
    int file = memfd_create("six", 0);
    if (file < 0 || ftruncate(file, 2 * page) != 0 || pwrite(file, "second", 7, page) != 7)
        broken("memfd_create");
    char *mapped = (char *)syscall(SYS_mmap, NULL, page, PROT_READ, MAP_PRIVATE, file, page);
    if (mapped == MAP_FAILED)
        broken("mmap");
    say("mapped: %s", mapped);
    close(file);
}

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
    use_six_arguments();
    return 0;
}
