/* SPDX-License-Identifier: MIT
 * ioctl() on connections: FIONBIO, FIONREAD, FIOCLEX, SIOCOUTQ, SIOCATMARK, FIOASYNC. */
#include "program.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>

int main(void)
{
    uint16_t port = serve(SERVICE_HTTP);
    for (int i = 0; i < 4; i++) {
        int fd = connect_to(port), on = 1, number = -1;
        say("F_GETFL %#x, F_GETFD %d", fcntl(fd, F_GETFL), fcntl(fd, F_GETFD));
        SHOW(ioctl(fd, FIONREAD, &number));
        say("FIONREAD %d", number);
        ask(fd, "/ioctl");
        show_poll(fd, POLLIN, 1000);
        SHOW(ioctl(fd, FIONREAD, &number));
        say("FIONREAD %d", number);
        answer(fd);
        SHOW(ioctl(fd, SIOCOUTQ, &number));
        say("SIOCOUTQ %d", number);
        SHOW(ioctl(fd, SIOCATMARK, &number));
        SHOW(ioctl(fd, FIONBIO, &on));
        SHOW(ioctl(fd, FIOCLEX));
        say("F_GETFL %#x, F_GETFD %d", fcntl(fd, F_GETFL), fcntl(fd, F_GETFD));
        show_recv(fd, 10, 0);
        if (i % 2)
            SHOW(ioctl(fd, FIOASYNC, &on));
        SHOW(ioctl(fd, 0x1234, &number));
        SHOW(close(fd));
        SHOW(ioctl(fd, FIONREAD, &number));
    }
    return 0;
}
