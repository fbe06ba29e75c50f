/* SPDX-License-Identifier: MIT
 * Every new socket is as new, whatever became of the sockets before it. */
#include "program.h"

#include <sys/stat.h>

static void show_new(int type)
{
    struct sockaddr_in addr = {0};
    socklen_t len = sizeof addr;
    int value = -1, fd = SHOW(socket(AF_INET, type, 0));
    struct stat status;
    fstat(fd, &status);
    say("type %o, flags %#x, descriptor flags %d", status.st_mode & S_IFMT, fcntl(fd, F_GETFL),
        fcntl(fd, F_GETFD));
    getsockname(fd, (struct sockaddr *)&addr, &len);
    say("bound to port %d", ntohs(addr.sin_port));
    len = sizeof addr;
    SHOW(getpeername(fd, (struct sockaddr *)&addr, &len));
    len = sizeof value;
    getsockopt(fd, SOL_SOCKET, SO_ERROR, &value, &len);
    say("error %d", value);
    show_poll(fd, POLLIN | POLLOUT, 0);
    SHOW(send(fd, "x", 1, MSG_NOSIGNAL));
    show_recv(fd, 1, 0);
    SHOW(close(fd));
}

int main(void)
{
    uint16_t port = serve(SERVICE_HTTP);
    fetch(port, "/first");
    for (int i = 0; i < 3; i++) {
        struct sockaddr_in addr = loopback(port), any = {.sin_family = AF_INET};
        int on = 1;
        fetch(port, "/leaves-a-spare-socket");
        show_new(SOCK_STREAM | SOCK_NONBLOCK);
        fetch(port, "/again");
        show_new(SOCK_STREAM | SOCK_CLOEXEC);
        /* A socket that something was done with is nobody's next. */
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        SHOW(fcntl(fd, F_SETFL, O_NONBLOCK));
        SHOW(connect(fd, (struct sockaddr *)&addr, sizeof addr) < 0 ? errno == EINPROGRESS : 1);
        show_poll(fd, POLLOUT, 2000);
        ask(fd, "/non-blocking");
        show_poll(fd, POLLIN, 2000);
        answer(fd);
        SHOW(close(fd));
        show_new(SOCK_STREAM);
        fd = socket(AF_INET, SOCK_STREAM, 0);
        SHOW(setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on));
        SHOW(connect(fd, (struct sockaddr *)&addr, sizeof addr));
        SHOW(close(fd));
        fd = socket(AF_INET, SOCK_STREAM, 0);
        SHOW(bind(fd, (struct sockaddr *)&any, sizeof any));
        SHOW(connect(fd, (struct sockaddr *)&addr, sizeof addr));
        SHOW(close(fd));
        show_new(SOCK_STREAM);
        /* Used by a server next. */
        fetch(port, "/before-a-server");
        fd = socket(AF_INET, SOCK_STREAM, 0);
        SHOW(bind(fd, (struct sockaddr *)&any, sizeof any));
        SHOW(listen(fd, 1));
        SHOW(close(fd));
    }
    show_descriptors();
    return 0;
}
