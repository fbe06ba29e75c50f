/* SPDX-License-Identifier: MIT
 * Plays about children and other programs. */
#include "program.h"

#include <sched.h>
#include <spawn.h>
#include <sys/syscall.h>

extern char **environ;

static char *const true_argv[] = {"true", NULL};

static int used(uint16_t port)
{
    int fd = connect_to(port);
    ask(fd, "/used");
    answer(fd);
    return fd;
}

static void wait_for(pid_t child)
{
    expect(child > 0 && waitpid(child, NULL, 0) == child, "waitpid");
}

static void forked(uint16_t port)
{
    int fd = used(port);
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    wait_for(child);
    close(fd);
}

static void forked_plainly(uint16_t port)
{
    int fd = used(port);
    pid_t child = _Fork();
    if (child == 0)
        _exit(0);
    wait_for(child);
    close(fd);
}

static void forked_by_syscall(uint16_t port)
{
    int fd = used(port);
    pid_t child = (pid_t)syscall(SYS_clone, SIGCHLD, 0L, 0L, 0L, 0L);
    if (child == 0)
        _exit(0);
    wait_for(child);
    close(fd);
}

static void vforked(uint16_t port)
{
    int fd = used(port);
    pid_t child = vfork();
    if (child == 0) {
        execl("/bin/true", "true", NULL);
        _exit(127);
    }
    wait_for(child);
    close(fd);
}

/* The child shares our memory: what it closes is its own copy. */
static void vforked_child_closes(uint16_t port)
{
    int fd = used(port);
    pid_t child = vfork();
    if (child == 0) {
        close(fd);
        _exit(0);
    }
    wait_for(child);
    ask(fd, "/still-there");
    expect(answer(fd), "answer");
    close(fd);
    fetch(port, "/next");
}

/* The child ends: what is idle is its parent's. */
static void vforked_child_exits(uint16_t port)
{
    fetch(port, "/one");
    pid_t child = vfork();
    if (child == 0)
        _exit(0);
    wait_for(child);
    fetch(port, "/next");
}

static void vforked_child_executes(uint16_t port)
{
    fetch(port, "/one");
    pid_t child = vfork();
    if (child == 0) {
        execv("/bin/true", true_argv);
        _exit(127);
    }
    wait_for(child);
    fetch(port, "/next");
}

static void vforked_child_connects(uint16_t port)
{
    fetch(port, "/one");
    pid_t child = vfork();
    if (child == 0) {
        struct sockaddr_in addr = loopback(port);
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        int failed = connect(fd, (struct sockaddr *)&addr, sizeof addr);
        close(fd);
        _exit(failed != 0);
    }
    wait_for(child);
    fetch(port, "/next");
}

static int do_nothing(void *unused)
{
    (void)unused;
    return 0;
}

static void cloned(uint16_t port)
{
    static char stack[65536] __attribute__((aligned(16)));
    int fd = used(port);
    wait_for(clone(do_nothing, stack + sizeof stack, SIGCHLD, NULL));
    close(fd);
}

static void spawned(uint16_t port)
{
    pid_t child = 0;
    int fd = used(port);
    expect(posix_spawn(&child, "/bin/true", NULL, NULL, true_argv, environ) == 0, "posix_spawn");
    wait_for(child);
    close(fd);
}

static void spawned_by_name(uint16_t port)
{
    pid_t child = 0;
    int fd = used(port);
    expect(posix_spawnp(&child, "true", NULL, NULL, true_argv, environ) == 0, "posix_spawnp");
    wait_for(child);
    close(fd);
}

static void by_system(uint16_t port)
{
    int fd = used(port);
    expect(system("true") == 0, "system");
    close(fd);
}

static void by_popen(uint16_t port)
{
    int fd = used(port);
    FILE *output = popen("true", "r");
    expect(output != NULL && pclose(output) == 0, "popen");
    close(fd);
}

/* What a child leaves open keeps nothing of ours alive. */
static void child_lives_on(uint16_t port)
{
    fetch(port, "/one");
    pid_t child = fork();
    if (child == 0) {
        close_range(3, 20, 0);
        sleep_ms(300);
        _exit(0);
    }
    sleep_ms(30);
    say("idle in the child as well: nobody can tell");
}

/* By the instruction itself: no handler of ours runs. The child has a pool of its own. */
static void forked_unseen(uint16_t port)
{
    fetch(port, "/one");
    long child;
#if defined(__x86_64__)
    __asm__ volatile("syscall" : "=a"(child) : "a"(SYS_fork) : "rcx", "r11", "memory");
#else
    child = syscall(SYS_clone, SIGCHLD, 0L, 0L, 0L, 0L);
#endif
    if (child == 0) {
        fetch(port, "/child-one");
        fetch(port, "/child-two");
        _exit(0);
    }
    wait_for((pid_t)child);
    fetch(port, "/two");
}

static void by_execve(uint16_t port)
{
    fetch(port, "/one");
    execve("/bin/true", true_argv, environ);
}

static void by_execv(uint16_t port)
{
    fetch(port, "/one");
    execv("/bin/true", true_argv);
}

static void by_execvp(uint16_t port)
{
    fetch(port, "/one");
    execvp("true", true_argv);
}

static void by_execvpe(uint16_t port)
{
    fetch(port, "/one");
    execvpe("true", true_argv, environ);
}

static void by_fexecve(uint16_t port)
{
    fetch(port, "/one");
    fexecve(open("/bin/true", O_RDONLY | O_CLOEXEC), true_argv, environ);
}

static void by_execveat(uint16_t port)
{
    fetch(port, "/one");
    execveat(AT_FDCWD, "/bin/true", true_argv, environ, 0);
}

static void by_quick_end(uint16_t port)
{
    fetch(port, "/one");
    _exit(0);
}

static void by_syscall_end(uint16_t port)
{
    fetch(port, "/one");
    syscall(SYS_exit_group, 0);
}

static void all_closed(uint16_t port)
{
    fetch(port, "/one");
    int fd = used(port), other = used(port);
    expect(close_range(3, ~0U, 0) == 0, "close_range");
    expect(fcntl(fd, F_GETFD) == -1 && fcntl(other, F_GETFD) == -1, "closed");
    fetch(port, "/next");
}

/* A parent and its child are both told of the connection. */
static void passed(uint16_t port, bool many)
{
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control = {0};
    int channel[2], fd = used(port);
    struct iovec data = {"x", 1};
    struct mmsghdr message = {.msg_hdr = {.msg_iov = &data,
                                          .msg_iovlen = 1,
                                          .msg_control = control.bytes,
                                          .msg_controllen = sizeof control.bytes}};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message.msg_hdr);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &fd, sizeof fd);
    expect(socketpair(AF_UNIX, SOCK_STREAM, 0, channel) == 0, "socketpair");
    expect(many ? sendmmsg(channel[0], &message, 1, 0) == 1
                : sendmsg(channel[0], &message.msg_hdr, 0) == 1,
           "sendmsg");
    close(channel[1]); /* with it the only copy goes */
    close(fd);
}

static void passed_in_a_message(uint16_t port)
{
    passed(port, false);
}

static void passed_in_messages(uint16_t port)
{
    passed(port, true);
}

static void all_closed_from(uint16_t port)
{
    fetch(port, "/one");
    int fd = used(port);
    closefrom(3);
    expect(fcntl(fd, F_GETFD) == -1, "closed");
    fetch(port, "/next");
}

/* The child shares our memory, and has descriptors and a user of its own. */
static void vforked_child_does(uint16_t port, int what)
{
    struct sockaddr_in addr = loopback(port);
    fetch(port, "/one");
    int fd = used(port), fresh = socket(AF_INET, SOCK_STREAM, 0);
    fetch(port, "/two");
    pid_t child = vfork();
    if (child == 0) {
        if (what == 0)
            dup2(0, fresh);
        if (what == 1)
            close_range(3, ~0U, 0);
        if (what == 2)
            (void)connect(fresh, (struct sockaddr *)&addr, sizeof addr);
        if (what == 3 && seteuid(65534) != 0)
            broken("seteuid");
        if (what == 4 && (close(fd) != 0 || socket(AF_INET, SOCK_STREAM, 0) != fd))
            broken("socket");
        if (what == 5)
            close(fresh);
        _exit(0);
    }
    wait_for(child);
    ask(fd, "/still-there");
    expect(answer(fd), "answer");
    close(fd);
    expect(connect(fresh, (struct sockaddr *)&addr, sizeof addr) == (what == 2 ? -1 : 0), "ours");
    close(fresh);
    fetch(port, "/next");
}

static void vforked_child_overwrites(uint16_t port)
{
    vforked_child_does(port, 0);
}

static void vforked_child_closes_all(uint16_t port)
{
    vforked_child_does(port, 1);
}

static void vforked_child_connects_ours(uint16_t port)
{
    vforked_child_does(port, 2);
}

static void vforked_child_changes_user(uint16_t port)
{
    vforked_child_does(port, 3);
}

static void vforked_child_opens(uint16_t port)
{
    vforked_child_does(port, 4);
}

static void vforked_child_closes_fresh(uint16_t port)
{
    vforked_child_does(port, 5);
}

/* The stream, being memory, is gone in both; the descriptor is the child's own. */
static void vforked_child_closes_stream(uint16_t port)
{
    int fd = used(port);
    FILE *stream = fdopen(fd, "r+");
    pid_t child = vfork();
    if (child == 0) {
        fclose(stream);
        _exit(0);
    }
    wait_for(child);
    ask(fd, "/still-there");
    expect(answer(fd), "answer");
}

/* To the child what it inherits is as if the library had never seen it. */
static void forked_child_closes(uint16_t port)
{
    int fd = used(port);
    pid_t child = fork();
    if (child == 0) {
        int own = used(port);
        close(fd);
        close(own);
        fetch(port, "/child");
        _exit(0);
    }
    wait_for(child);
    close(fd);
}

static const struct play plays[] = {
    {"forked", forked},
    {"forked_plainly", forked_plainly},
    {"forked_by_syscall", forked_by_syscall},
    {"forked_unseen", forked_unseen},
    {"vforked", vforked},
    {"vforked_child_closes", vforked_child_closes},
    {"vforked_child_exits", vforked_child_exits},
    {"vforked_child_executes", vforked_child_executes},
    {"vforked_child_connects", vforked_child_connects},
    {"cloned", cloned},
    {"spawned", spawned},
    {"spawned_by_name", spawned_by_name},
    {"by_system", by_system},
    {"by_popen", by_popen},
    {"child_lives_on", child_lives_on},
    {"by_execve", by_execve},
    {"by_execv", by_execv},
    {"by_execvp", by_execvp},
    {"by_execvpe", by_execvpe},
    {"by_fexecve", by_fexecve},
    {"by_execveat", by_execveat},
    {"by_quick_end", by_quick_end},
    {"by_syscall_end", by_syscall_end},
    {"all_closed", all_closed},
    {"passed_in_a_message", passed_in_a_message},
    {"passed_in_messages", passed_in_messages},
    {"all_closed_from", all_closed_from},
    {"vforked_child_overwrites", vforked_child_overwrites},
    {"vforked_child_closes_all", vforked_child_closes_all},
    {"vforked_child_connects_ours", vforked_child_connects_ours},
    {"vforked_child_changes_user", vforked_child_changes_user},
    {"vforked_child_opens", vforked_child_opens},
    {"vforked_child_closes_fresh", vforked_child_closes_fresh},
    {"vforked_child_closes_stream", vforked_child_closes_stream},
    {"forked_child_closes", forked_child_closes},
};

int main(int argc, char **argv)
{
    return play(argc, argv, plays, sizeof plays / sizeof *plays);
}
