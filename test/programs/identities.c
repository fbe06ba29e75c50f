/* SPDX-License-Identifier: MIT
 * Plays about other users, other namespaces, and tables of descriptors that part. */
#include "program.h"

#include <linux/close_range.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/fsuid.h>

static int used(uint16_t port)
{
    int fd = connect_to(port);
    ask(fd, "/used");
    answer(fd);
    return fd;
}

static void change_user(uint16_t port, int (*change)(void))
{
    fetch(port, "/one");
    int fd = connect_to(port);
    ask(fd, "/two");
    answer(fd);
    fetch(port, "/three");
    expect(change() == 0, "a change of user");
    close(fd);
}

static int change_uid(void)
{
    return setuid(65534);
}

static int change_euid(void)
{
    return seteuid(65534);
}

static int change_reuid(void)
{
    return setreuid(65534, 65534);
}

static int change_resuid(void)
{
    return setresuid(65534, 65534, 65534);
}

static void by_setuid(uint16_t port)
{
    change_user(port, change_uid);
}

static void by_seteuid(uint16_t port)
{
    change_user(port, change_euid);
}

static void by_setreuid(uint16_t port)
{
    change_user(port, change_reuid);
}

static void by_setresuid(uint16_t port)
{
    change_user(port, change_resuid);
}

static int change_gid(void)
{
    return setgid(65534);
}

static int change_egid(void)
{
    return setegid(65534);
}

static int change_regid(void)
{
    return setregid(65534, 65534);
}

static int change_resgid(void)
{
    return setresgid(65534, 65534, 65534);
}

/* These two return what was: root, before any change. */
static int change_fsuid(void)
{
    return setfsuid(65534);
}

static int change_fsgid(void)
{
    return setfsgid(65534);
}

static void by_setgid(uint16_t port)
{
    change_user(port, change_gid);
}

static void by_setegid(uint16_t port)
{
    change_user(port, change_egid);
}

static void by_setregid(uint16_t port)
{
    change_user(port, change_regid);
}

static void by_setresgid(uint16_t port)
{
    change_user(port, change_resgid);
}

static void by_setfsuid(uint16_t port)
{
    change_user(port, change_fsuid);
}

static void by_setfsgid(uint16_t port)
{
    change_user(port, change_fsgid);
}

static void by_setns(uint16_t port)
{
    fetch(port, "/one");
    expect(setns(open("/proc/self/ns/net", O_RDONLY), CLONE_NEWNET) == 0, "setns");
    fetch(port, "/two");
}

static void by_unshare(uint16_t port)
{
    fetch(port, "/one");
    expect(unshare(CLONE_NEWNS) == 0, "unshare");
    fetch(port, "/two");
}

static atomic_int thread_may_connect;
static uint16_t thread_port;

/* Its new network has no way to anywhere. */
static void *connect_elsewhere(void *unused)
{
    struct sockaddr_in addr = loopback(thread_port);
    expect(unshare(CLONE_NEWNET) == 0, "unshare");
    thread_may_connect = 1;
    while (thread_may_connect == 1)
        sleep_ms(1);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    expect(connect(fd, (struct sockaddr *)&addr, sizeof addr) == -1 && errno == ENETUNREACH,
           "another network is out of reach");
    close(fd);
    return unused;
}

static void thread_in_another_network(uint16_t port)
{
    pthread_t thread;
    thread_port = port;
    expect(pthread_create(&thread, NULL, connect_elsewhere, NULL) == 0, "pthread_create");
    while (thread_may_connect == 0)
        sleep_ms(1);
    fetch(port, "/one");
    thread_may_connect = 2;
    pthread_join(thread, NULL);
    fetch(port, "/two");
}

static void by_unshare_files(uint16_t port)
{
    int fd = used(port);
    expect(unshare(CLONE_FILES) == 0, "unshare");
    close(fd);
    fetch(port, "/next");
}

static void by_close_range_unshare(uint16_t port)
{
    int fd = used(port);
    expect(close_range(60, 70, CLOSE_RANGE_UNSHARE) == 0, "close_range");
    close(fd);
    fetch(port, "/next");
}

/* What was idle is ended before, not at the end of the program. */
static void by_close_range_unshare_with_idle(uint16_t port)
{
    fetch(port, "/one");
    expect(close_range(60, 70, CLOSE_RANGE_UNSHARE) == 0, "close_range");
    raise(SIGKILL);
}

static const struct play plays[] = {
    {"by_setuid", by_setuid},
    {"by_seteuid", by_seteuid},
    {"by_setreuid", by_setreuid},
    {"by_setresuid", by_setresuid},
    {"by_setgid", by_setgid},
    {"by_setegid", by_setegid},
    {"by_setregid", by_setregid},
    {"by_setresgid", by_setresgid},
    {"by_setfsuid", by_setfsuid},
    {"by_setfsgid", by_setfsgid},
    {"by_setns", by_setns},
    {"by_unshare", by_unshare},
    {"thread_in_another_network", thread_in_another_network},
    {"by_unshare_files", by_unshare_files},
    {"by_close_range_unshare", by_close_range_unshare},
    {"by_close_range_unshare_with_idle", by_close_range_unshare_with_idle},
};

int main(int argc, char **argv)
{
    return play(argc, argv, plays, sizeof plays / sizeof *plays);
}
