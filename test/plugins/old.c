/* SPDX-License-Identifier: MIT
 * A plugin as it was linked long ago: with the first version of posix_spawn(), which gives a file
 * that the kernel does not understand to the shell. */
#include <spawn.h>
#include <stddef.h>
#include <sys/types.h>

extern int old_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
                     const posix_spawnattr_t *attributes, char *const argv[], char *const envp[]);
__asm__(".symver old_spawn,posix_spawn@GLIBC_2.2.5");

int deep_spawn(pid_t *child, const char *path);
int deep_spawn(pid_t *child, const char *path)
{
    char *const argv[] = {(char *)path, NULL}, *const envp[] = {NULL};
    return old_spawn(child, path, NULL, NULL, argv, envp);
}
