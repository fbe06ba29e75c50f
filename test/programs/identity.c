/* SPDX-License-Identifier: MIT
 * A socket belongs to whoever makes it: a change of user, group or network is seen at once. */
#include "program.h"

#include <pthread.h>
#include <sched.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <sys/syscall.h>

static void show_owner(const char *after)
{
    struct stat status = {0};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    fstat(fd, &status);
    say("after %s a new socket belongs to %d:%d", after, status.st_uid, status.st_gid);
    close(fd);
}

static void *elsewhere(void *port)
{
    struct sockaddr_in addr = loopback(*(uint16_t *)port);
    SHOW(unshare(CLONE_NEWNET));
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    SHOW(connect(fd, (struct sockaddr *)&addr, sizeof addr));
    SHOW(close(fd));
    return NULL;
}

int main(void)
{
    pthread_t thread;
    uint16_t port = serve(SERVICE_HTTP);
    fetch(port, "/first");
    fetch(port, "/reused");
    setfsuid(1234);
    show_owner("setfsuid()");
    setfsuid(0);
    fetch(port, "/after");
    fetch(port, "/again");
    SHOW(syscall(SYS_setresuid, -1, 1235, -1));
    show_owner("a thread's own setresuid()");
    SHOW(syscall(SYS_setresuid, -1, 0, -1));
    fetch(port, "/after");
    fetch(port, "/again");
    SHOW(setegid(77));
    show_owner("setegid()");
    SHOW(setegid(0));
    fetch(port, "/after");
    fetch(port, "/again");
    pthread_create(&thread, NULL, elsewhere, &port);
    pthread_join(thread, NULL);
    fetch(port, "/still-here");
    fetch(port, "/and-again");
    return 0;
}
