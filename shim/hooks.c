/* SPDX-License-Identifier: MIT
 * The exported functions: no logic, one line each to the layer below. */
#include "acquire.h"
#include "descriptor.h"
#include "epollset.h"
#include "indirect.h"
#include "io.h"
#include "libc.h"
#include "own.h"
#include "process.h"
#include "release.h"
#include "sleep.h"
#include "stream.h"
#include "wait.h"

#include <alloca.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

/* libc's headers turn some of these names into macros or 64-bit twins. */
#undef dprintf
#undef vdprintf

#define HOOK(type, name, parameters, arguments, layer)                                             \
    EXPORT type name parameters;                                                                   \
    type name parameters                                                                           \
    {                                                                                              \
        return layer arguments;                                                                    \
    }                                                                                              \
    OWN_NAME(name);
#define BY_HAND(type, name, parameters)                                                            \
    EXPORT type name parameters;                                                                   \
    OWN_NAME(name);
#define JUMP(name)
#define WAITS(name, stream)
#include "hooks.def"
#undef HOOK
#undef BY_HAND
#undef JUMP
#undef WAITS

/* The third argument of these may be missing, an int, a long or a pointer: each arrives in the same
 * register, and the kernel takes what the command wants of it. */
#define THIRD(last, argument)                                                                      \
    va_list arguments;                                                                             \
    va_start(arguments, last);                                                                     \
    long argument = va_arg(arguments, long);                                                       \
    va_end(arguments)

int fcntl(int fd, int command, ...)
{
    THIRD(command, argument);
    return descriptor_fcntl(fd, command, argument);
}

int fcntl64(int fd, int command, ...)
{
    THIRD(command, argument);
    return descriptor_fcntl(fd, command, argument);
}

int __fcntl(int fd, int command, ...)
{
    THIRD(command, argument);
    return descriptor_fcntl(fd, command, argument);
}

int ioctl(int fd, unsigned long request, ...)
{
    THIRD(request, argument);
    return descriptor_ioctl(fd, request, argument);
}

int dprintf(int fd, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int result = io_vdprintf(fd, format, arguments);
    va_end(arguments);
    return result;
}

int __dprintf_chk(int fd, int flag, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int result = io_vdprintf_chk(fd, flag, format, arguments);
    va_end(arguments);
    return result;
}

/* execl(3): the arguments up to the NULL become argv, on the stack as in libc. */
#define ARGUMENT_LIST(first, argv, after)                                                          \
    size_t count = 1;                                                                              \
    va_list arguments;                                                                             \
    va_start(arguments, first);                                                                    \
    while (va_arg(arguments, char *) != NULL)                                                      \
        count++;                                                                                   \
    va_end(arguments);                                                                             \
    char **argv = alloca((count + 1) * sizeof *argv);                                              \
    argv[0] = (char *)(uintptr_t)first;                                                            \
    va_start(arguments, first);                                                                    \
    for (size_t i = 1; i <= count; i++)                                                            \
        argv[i] = va_arg(arguments, char *);                                                       \
    after;                                                                                         \
    va_end(arguments)

int execl(const char *path, const char *argument, ...)
{
    ARGUMENT_LIST(argument, argv, (void)0);
    return process_execv(path, argv);
}

int execlp(const char *file, const char *argument, ...)
{
    ARGUMENT_LIST(argument, argv, (void)0);
    return process_execvp(file, argv);
}

int execle(const char *path, const char *argument, ...)
{
    ARGUMENT_LIST(argument, argv, char *const *envp = va_arg(arguments, char *const *));
    return process_execve(path, argv, envp);
}

void _exit(int status)
{
    process_exit(status);
}

void _Exit(int status)
{
    process_exit(status);
}

long syscall(long number, ...)
{
    long a[6];
    va_list arguments;
    va_start(arguments, number);
    for (int i = 0; i < 6; i++)
        a[i] = va_arg(arguments, long);
    va_end(arguments);
    return indirect_syscall(number, a);
}
