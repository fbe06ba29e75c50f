/* SPDX-License-Identifier: MIT
 * Before the constructor: system calls. After it: what dlsym(RTLD_NEXT) found. */
#include "libc.h"

#include "kernel.h"
#include "wait_jump.h"

#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

/* In a C library of 2.34 or later the ordinary references would bind to GLIBC_2.34 and not load in
 * older ones; the old versions are there in all of them (before 2.34 in libdl.so.2, which we name
 * as needed for that). */
extern void *old_dlsym(void *handle, const char *name);
extern void *old_dlvsym(void *handle, const char *name, const char *version);
extern char *old_dlerror(void);
#if defined(__x86_64__)
__asm__(".symver old_dlsym,dlsym@GLIBC_2.2.5");
__asm__(".symver old_dlvsym,dlvsym@GLIBC_2.2.5");
__asm__(".symver old_dlerror,dlerror@GLIBC_2.2.5");
#else
__asm__(".symver old_dlsym,dlsym@GLIBC_2.17");
__asm__(".symver old_dlvsym,dlvsym@GLIBC_2.17");
__asm__(".symver old_dlerror,dlerror@GLIBC_2.17");
#endif

enum { KERNEL_SIGSET = 8 /* bytes of a signal set as the kernel takes it */ };

static long with_errno(long result)
{
    if (result >= 0 || result < -4095)
        return result;
    errno = (int)-result;
    return -1;
}

#define RAW6(number, a, b, c, d, e, f)                                                             \
    with_errno(                                                                                    \
        arch_syscall(number, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f)))
#define RAW1(number, a) RAW6(number, a, 0, 0, 0, 0, 0)
#define RAW2(number, a, b) RAW6(number, a, b, 0, 0, 0, 0)
#define RAW3(number, a, b, c) RAW6(number, a, b, c, 0, 0, 0)
#define RAW4(number, a, b, c, d) RAW6(number, a, b, c, d, 0, 0)
#define RAW5(number, a, b, c, d, e) RAW6(number, a, b, c, d, e, 0)

static int raw_socket(int domain, int type, int protocol)
{
    return (int)RAW3(SYS_socket, domain, type, protocol);
}

static int raw_connect(int fd, const struct sockaddr *addr, socklen_t len)
{
    return (int)RAW3(SYS_connect, fd, addr, len);
}

static int raw_bind(int fd, const struct sockaddr *addr, socklen_t len)
{
    return (int)RAW3(SYS_bind, fd, addr, len);
}

static int raw_listen(int fd, int backlog)
{
    return (int)RAW2(SYS_listen, fd, backlog);
}

static int raw_shutdown(int fd, int how)
{
    return (int)RAW2(SYS_shutdown, fd, how);
}

static int raw_setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
    return (int)RAW5(SYS_setsockopt, fd, level, name, value, len);
}

static int raw_getsockopt(int fd, int level, int name, void *value, socklen_t *len)
{
    return (int)RAW5(SYS_getsockopt, fd, level, name, value, len);
}

static int raw_close(int fd)
{
    return (int)RAW1(SYS_close, fd);
}

static int raw_close_range(unsigned first, unsigned last, int flags)
{
    return (int)RAW3(SYS_close_range, first, last, flags);
}

static void raw_closefrom(int first)
{
    arch_syscall(SYS_close_range, first < 0 ? 0 : first, ~0U, 0, 0, 0, 0);
}

static int raw_dup(int fd)
{
    return (int)RAW1(SYS_dup, fd);
}

static int raw_dup3(int fd, int new_fd, int flags)
{
    return (int)RAW3(SYS_dup3, fd, new_fd, flags);
}

/* dup2(2) of a descriptor over itself only checks it; dup3(2) would refuse. */
static int raw_dup2(int fd, int new_fd)
{
    if (fd != new_fd)
        return raw_dup3(fd, new_fd, 0);
    return RAW2(SYS_fcntl, fd, F_GETFD) < 0 ? -1 : fd;
}

static int raw_fcntl(int fd, int command, ...)
{
    va_list arguments;
    va_start(arguments, command);
    long argument = va_arg(arguments, long);
    va_end(arguments);
    return (int)RAW3(SYS_fcntl, fd, command, argument);
}

static int raw_ioctl(int fd, unsigned long request, ...)
{
    va_list arguments;
    va_start(arguments, request);
    long argument = va_arg(arguments, long);
    va_end(arguments);
    return (int)RAW3(SYS_ioctl, fd, request, argument);
}

static ssize_t raw_read(int fd, void *buf, size_t count)
{
    return RAW3(SYS_read, fd, buf, count);
}

/* The fortified twins end the program when the buffer is too small, as libc's do. */
static ssize_t raw___read_chk(int fd, void *buf, size_t count, size_t size)
{
    if (count > size)
        __builtin_trap();
    return raw_read(fd, buf, count);
}

static ssize_t raw_readv(int fd, const struct iovec *vector, int count)
{
    return RAW3(SYS_readv, fd, vector, count);
}

static ssize_t raw_preadv2(int fd, const struct iovec *vector, int count, off_t offset, int flags)
{
    return RAW6(SYS_preadv2, fd, vector, count, offset, 0, flags);
}

static ssize_t raw_recvfrom(int fd, void *buf, size_t len, int flags, struct sockaddr *addr,
                            socklen_t *addr_len)
{
    return RAW6(SYS_recvfrom, fd, buf, len, flags, addr, addr_len);
}

static ssize_t raw___recvfrom_chk(int fd, void *buf, size_t len, size_t size, int flags,
                                  struct sockaddr *addr, socklen_t *addr_len)
{
    if (len > size)
        __builtin_trap();
    return raw_recvfrom(fd, buf, len, flags, addr, addr_len);
}

static ssize_t raw_recv(int fd, void *buf, size_t len, int flags)
{
    return raw_recvfrom(fd, buf, len, flags, NULL, NULL);
}

static ssize_t raw___recv_chk(int fd, void *buf, size_t len, size_t size, int flags)
{
    return raw___recvfrom_chk(fd, buf, len, size, flags, NULL, NULL);
}

static ssize_t raw_recvmsg(int fd, struct msghdr *message, int flags)
{
    return RAW3(SYS_recvmsg, fd, message, flags);
}

static int raw_recvmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags,
                        struct timespec *timeout)
{
    return (int)RAW5(SYS_recvmmsg, fd, messages, count, flags, timeout);
}

static ssize_t raw_write(int fd, const void *buf, size_t count)
{
    return RAW3(SYS_write, fd, buf, count);
}

static ssize_t raw_writev(int fd, const struct iovec *vector, int count)
{
    return RAW3(SYS_writev, fd, vector, count);
}

static ssize_t raw_pwritev2(int fd, const struct iovec *vector, int count, off_t offset, int flags)
{
    return RAW6(SYS_pwritev2, fd, vector, count, offset, 0, flags);
}

static ssize_t raw_sendto(int fd, const void *buf, size_t len, int flags,
                          const struct sockaddr *addr, socklen_t addr_len)
{
    return RAW6(SYS_sendto, fd, buf, len, flags, addr, addr_len);
}

static ssize_t raw_send(int fd, const void *buf, size_t len, int flags)
{
    return raw_sendto(fd, buf, len, flags, NULL, 0);
}

static ssize_t raw_sendmsg(int fd, const struct msghdr *message, int flags)
{
    return RAW3(SYS_sendmsg, fd, message, flags);
}

static int raw_sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags)
{
    return (int)RAW4(SYS_sendmmsg, fd, messages, count, flags);
}

static ssize_t raw_sendfile(int out, int in, off_t *offset, size_t count)
{
    return RAW4(SYS_sendfile, out, in, offset, count);
}

static ssize_t raw_splice(int in, off64_t *in_offset, int out, off64_t *out_offset, size_t len,
                          unsigned flags)
{
    return RAW6(SYS_splice, in, in_offset, out, out_offset, len, flags);
}

static int raw_ppoll(struct pollfd *fds, nfds_t count, const struct timespec *timeout,
                     const sigset_t *mask)
{
    struct timespec left = {0};
    if (timeout != NULL)
        left = *timeout; /* the kernel writes what is left, libc's caller keeps its own */
    return (int)RAW5(SYS_ppoll, fds, count, timeout == NULL ? NULL : &left, mask, KERNEL_SIGSET);
}

static int raw___ppoll_chk(struct pollfd *fds, nfds_t count, const struct timespec *timeout,
                           const sigset_t *mask, size_t size)
{
    if (size / sizeof *fds < count)
        __builtin_trap();
    return raw_ppoll(fds, count, timeout, mask);
}

static struct timespec from_milliseconds(int milliseconds)
{
    return (struct timespec){milliseconds / 1000, milliseconds % 1000 * 1000000L};
}

static int raw_poll(struct pollfd *fds, nfds_t count, int timeout)
{
    struct timespec left = from_milliseconds(timeout);
    return raw_ppoll(fds, count, timeout < 0 ? NULL : &left, NULL);
}

static int raw___poll_chk(struct pollfd *fds, nfds_t count, int timeout, size_t size)
{
    if (size / sizeof *fds < count)
        __builtin_trap();
    return raw_poll(fds, count, timeout);
}

static int raw_pselect(int count, fd_set *readable, fd_set *writable, fd_set *except,
                       const struct timespec *timeout, const sigset_t *mask)
{
    struct {
        const sigset_t *mask;
        size_t size;
    } masked = {mask, KERNEL_SIGSET};
    struct timespec left = {0};
    if (timeout != NULL)
        left = *timeout; /* the kernel writes what is left, libc's caller keeps its own */
    return (int)RAW6(SYS_pselect6, count, readable, writable, except,
                     timeout == NULL ? NULL : &left, &masked);
}

/* Linux's select(2) leaves the time not slept in *timeout. */
static int raw_select(int count, fd_set *readable, fd_set *writable, fd_set *except,
                      struct timeval *timeout)
{
    if (timeout == NULL)
        return raw_pselect(count, readable, writable, except, NULL, NULL);
    struct timespec left = {timeout->tv_sec, timeout->tv_usec * 1000};
    int result =
        (int)RAW6(SYS_pselect6, count, readable, writable, except, &left, (struct timespec *)NULL);
    *timeout = (struct timeval){left.tv_sec, left.tv_nsec / 1000};
    return result;
}

static int raw_epoll_create1(int flags)
{
    return (int)RAW1(SYS_epoll_create1, flags);
}

static int raw_epoll_create(int size)
{
    if (size > 0)
        return raw_epoll_create1(0);
    errno = EINVAL;
    return -1;
}

static int raw_epoll_ctl(int set, int operation, int fd, struct epoll_event *event)
{
    return (int)RAW4(SYS_epoll_ctl, set, operation, fd, event);
}

static int raw_epoll_pwait(int set, struct epoll_event *events, int count, int timeout,
                           const sigset_t *mask)
{
    return (int)RAW6(SYS_epoll_pwait, set, events, count, timeout, mask, KERNEL_SIGSET);
}

static int raw_epoll_wait(int set, struct epoll_event *events, int count, int timeout)
{
    return raw_epoll_pwait(set, events, count, timeout, NULL);
}

static int raw_epoll_pwait2(int set, struct epoll_event *events, int count,
                            const struct timespec *timeout, const sigset_t *mask)
{
    return (int)RAW6(SYS_epoll_pwait2, set, events, count, timeout, mask, KERNEL_SIGSET);
}

/* It returns the error, and leaves errno alone. */
static int raw_clock_nanosleep(clockid_t clock, int flags, const struct timespec *length,
                               struct timespec *left)
{
    return (int)-arch_syscall(SYS_clock_nanosleep, clock, flags, (long)length, (long)left, 0, 0);
}

static int raw_nanosleep(const struct timespec *length, struct timespec *left)
{
    return (int)RAW2(SYS_nanosleep, length, left);
}

static unsigned raw_sleep(unsigned seconds)
{
    struct timespec left = {.tv_sec = seconds};
    return raw_nanosleep(&left, &left) == 0 ? 0 : (unsigned)left.tv_sec;
}

static int raw_usleep(useconds_t microseconds)
{
    const struct timespec length = {microseconds / 1000000, microseconds % 1000000 * 1000L};
    return raw_nanosleep(&length, NULL);
}

static int raw__Fork(void)
{
    return (int)RAW5(SYS_clone, SIGCHLD, 0, 0, 0, 0);
}

static int raw_execve(const char *path, char *const argv[], char *const envp[])
{
    return (int)RAW3(SYS_execve, path, argv, envp);
}

static int raw_execv(const char *path, char *const argv[])
{
    return raw_execve(path, argv, environ);
}

static int raw_execveat(int directory, const char *path, char *const argv[], char *const envp[],
                        int flags)
{
    return (int)RAW5(SYS_execveat, directory, path, argv, envp, flags);
}

static int raw_fexecve(int fd, char *const argv[], char *const envp[])
{
    return raw_execveat(fd, "", argv, envp, 0x1000 /* AT_EMPTY_PATH */);
}

static void raw__exit(int status)
{
    for (;;)
        arch_syscall(SYS_exit_group, status, 0, 0, 0, 0, 0);
}

static int raw_setns(int fd, int type)
{
    return (int)RAW2(SYS_setns, fd, type);
}

static int raw_unshare(int flags)
{
    return (int)RAW1(SYS_unshare, flags);
}

static int raw_setreuid(uid_t real, uid_t effective)
{
    return (int)RAW2(SYS_setreuid, real, effective);
}

static int raw_setresuid(uid_t real, uid_t effective, uid_t saved)
{
    return (int)RAW3(SYS_setresuid, real, effective, saved);
}

static int raw_seteuid(uid_t uid)
{
    return raw_setresuid((uid_t)-1, uid, (uid_t)-1);
}

static int raw_setuid(uid_t uid)
{
    return (int)RAW1(SYS_setuid, uid);
}

static int raw_setregid(gid_t real, gid_t effective)
{
    return (int)RAW2(SYS_setregid, real, effective);
}

static int raw_setresgid(gid_t real, gid_t effective, gid_t saved)
{
    return (int)RAW3(SYS_setresgid, real, effective, saved);
}

static int raw_setegid(gid_t gid)
{
    return raw_setresgid((gid_t)-1, gid, (gid_t)-1);
}

static int raw_setgid(gid_t gid)
{
    return (int)RAW1(SYS_setgid, gid);
}

static int raw_setfsuid(uid_t uid)
{
    return (int)RAW1(SYS_setfsuid, uid);
}

static int raw_setfsgid(gid_t gid)
{
    return (int)RAW1(SYS_setfsgid, gid);
}

static long raw_syscall(long number, ...)
{
    long a[6];
    va_list arguments;
    va_start(arguments, number);
    for (int i = 0; i < 6; i++)
        a[i] = va_arg(arguments, long);
    va_end(arguments);
    return RAW6(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

static void no_cancellation(void)
{
}

/* These have no system call of their own. */
#define LATE(type, name, parameters, arguments)                                                    \
    static type late_##name parameters                                                             \
    {                                                                                              \
        libc.name = (type(*) parameters)libc_look_up_next(#name);                                  \
        return libc.name arguments;                                                                \
    }

LATE(FILE *, fdopen, (int fd, const char *mode), (fd, mode))
LATE(int, fclose, (FILE * stream), (stream))
LATE(FILE *, freopen, (const char *path, const char *mode, FILE *stream), (path, mode, stream))
LATE(FILE *, freopen64, (const char *path, const char *mode, FILE *stream), (path, mode, stream))
LATE(int, vdprintf, (int fd, const char *format, va_list arguments), (fd, format, arguments))
LATE(int, __vdprintf_chk, (int fd, int flag, const char *format, va_list arguments),
     (fd, flag, format, arguments))
LATE(int, posix_spawn,
     (pid_t * pid, const char *path, const posix_spawn_file_actions_t *actions,
      const posix_spawnattr_t *attributes, char *const argv[], char *const envp[]),
     (pid, path, actions, attributes, argv, envp))
LATE(int, posix_spawnp,
     (pid_t * pid, const char *file, const posix_spawn_file_actions_t *actions,
      const posix_spawnattr_t *attributes, char *const argv[], char *const envp[]),
     (pid, file, actions, attributes, argv, envp))
LATE(int, system, (const char *command), (command))
LATE(FILE *, popen, (const char *command, const char *mode), (command, mode))
LATE(int, execvp, (const char *file, char *const argv[]), (file, argv))
LATE(int, execvpe, (const char *file, char *const argv[], char *const envp[]), (file, argv, envp))

#define SAME(name) .name = raw_##name
#define TWIN(name, other) .name = raw_##other

struct libc libc = {
    SAME(socket),
    SAME(connect),
    SAME(bind),
    SAME(listen),
    SAME(shutdown),
    SAME(setsockopt),
    SAME(getsockopt),
    SAME(close),
    SAME(close_range),
    SAME(closefrom),
    SAME(dup),
    SAME(dup2),
    SAME(dup3),
    .fdopen = late_fdopen,
    .fclose = late_fclose,
    .freopen = late_freopen,
    .freopen64 = late_freopen64,
    SAME(fcntl),
    TWIN(fcntl64, fcntl),
    SAME(ioctl),
    SAME(read),
    SAME(__read_chk),
    SAME(readv),
    SAME(preadv2),
    TWIN(preadv64v2, preadv2),
    SAME(recv),
    SAME(__recv_chk),
    SAME(recvfrom),
    SAME(__recvfrom_chk),
    SAME(recvmsg),
    SAME(recvmmsg),
    SAME(write),
    SAME(writev),
    SAME(pwritev2),
    TWIN(pwritev64v2, pwritev2),
    SAME(send),
    SAME(sendto),
    SAME(sendmsg),
    SAME(sendmmsg),
    SAME(sendfile),
    TWIN(sendfile64, sendfile),
    SAME(splice),
    .vdprintf = late_vdprintf,
    .__vdprintf_chk = late___vdprintf_chk,
    SAME(poll),
    SAME(__poll_chk),
    SAME(ppoll),
    SAME(__ppoll_chk),
    SAME(select),
    SAME(pselect),
    SAME(epoll_create),
    SAME(epoll_create1),
    SAME(epoll_ctl),
    SAME(epoll_wait),
    SAME(epoll_pwait),
    SAME(epoll_pwait2),
    SAME(nanosleep),
    SAME(clock_nanosleep),
    SAME(sleep),
    SAME(usleep),
    SAME(_Fork),
    .posix_spawn = late_posix_spawn,
    .posix_spawnp = late_posix_spawnp,
    .system = late_system,
    .popen = late_popen,
    SAME(execve),
    SAME(execv),
    .execvp = late_execvp,
    .execvpe = late_execvpe,
    SAME(fexecve),
    SAME(execveat),
    SAME(_exit),
    TWIN(_Exit, _exit),
    SAME(setns),
    SAME(unshare),
    SAME(setuid),
    SAME(seteuid),
    SAME(setreuid),
    SAME(setresuid),
    SAME(setgid),
    SAME(setegid),
    SAME(setregid),
    SAME(setresgid),
    SAME(setfsuid),
    SAME(setfsgid),
    SAME(syscall),
    .pthread_testcancel = no_cancellation,
};

/* Before glibc 2.36 dlsym(RTLD_NEXT) gives the oldest version of a name (bug 14932): one for other
 * condition variables, or that runs what is no program by a shell. */
void *libc_look_up_next(const char *name)
{
#if defined(__x86_64__) /* later architectures have one version of each */
    static const char *const newest[][2] = {{"pthread_cond_timedwait", "GLIBC_2.3.2"},
                                            {"posix_spawn", "GLIBC_2.15"},
                                            {"posix_spawnp", "GLIBC_2.15"}};
    for (size_t i = 0; i < sizeof newest / sizeof *newest; i++) {
        if (strcmp(name, newest[i][0]) != 0)
            continue;
        void *found = old_dlvsym(RTLD_NEXT, name, newest[i][1]);
        if (found != NULL)
            return found;
    }
#endif
    return old_dlsym(RTLD_NEXT, name);
}

static void resolve(void *slot, const char *name)
{
    void *found = libc_look_up_next(name);
    if (found != NULL)
        *(void **)slot = found;
}

void libc_resolve(void)
{
    int saved_errno = errno;
#define HOOK(type, name, parameters, arguments, layer) resolve(&libc.name, #name);
#define BY_HAND(type, name, parameters) resolve(&libc.name, #name);
#define JUMP(name) resolve(&libc.name, #name);
#define WAITS(name, stream)
#include "hooks.def"
    wait_jump_resolve();
    resolve(&libc.pthread_testcancel, "pthread_testcancel");
    resolve(&libc._pthread_cleanup_push, "_pthread_cleanup_push");
    resolve(&libc._pthread_cleanup_pop, "_pthread_cleanup_pop");
    old_dlerror(); /* the application's first dlerror(3) must not tell of our failed look-ups */
    errno = saved_errno;
}

void *libc_look_up(void *handle, const char *name, const char *version)
{
    return version == NULL ? old_dlsym(handle, name) : old_dlvsym(handle, name, version);
}

void libc_forget_error(void)
{
    old_dlerror();
}
