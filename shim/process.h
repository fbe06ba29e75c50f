/* SPDX-License-Identifier: MIT
 * Whose pool this is: fork, vfork, spawn, exec, exit, and changes of identity. */
#ifndef TWPOOL_SHIM_PROCESS_H
#define TWPOOL_SHIM_PROCESS_H

#include "config.h"

#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

/* Called once, by the constructor, after the settings are known. */
void process_start(const struct config *config);

/* False for a vfork child (or another thread-like child), which shares our memory but not our
 * descriptors: it must change nothing. True for the owner; a forked child that no handler has
 * prepared yet drops what it inherited and becomes the owner of an empty pool. Async-signal-safe.
 * One getpid(2), 0.14 us, once a child was seen; before that none, three of which a pooled life
 * would take. So a child that shares our memory and is made by the instruction itself, before any
 * that we saw, is taken for the owner should it call our hooks: no program is known that does. */
bool process_owns_pool(void);

/* True while connections are tracked and may be parked: switched on, and not yet inert or exiting.
 * A load. */
bool process_is_pooling(void);

/* Switches tracking off for good, with the reason for the statistics (a static string). */
void process_go_inert(const char *reason);

/* The same before the threads' descriptors part, which one table cannot tell: what is idle is
 * ended, and every descriptor is libc's alone again. */
void process_stop_tracking(const char *reason);

/* Counts the moments at which other processes may have got copies of our descriptors: a connection
 * whose life began in an earlier epoch is shared, for good. */
uint32_t process_epoch(void);
void process_new_epoch(void);

/* A thread has changed who it is, or where: what is idle is ended, and from now on a socket is as
 * its maker was. */
void process_identity_changed(void);
bool process_has_changed_identity(void);

/* Once the process has changed its network namespace, sockets differ by the namespace that they
 * were made in. */
bool process_has_changed_namespace(void);

/* Retires everything idle and writes the statistics, once. */
void process_finish(void);

/* The layers of the hooks: the same contracts as the functions that they are named after. */
int process_plain_fork(void);
int process_posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
                        const posix_spawnattr_t *attributes, char *const argv[],
                        char *const envp[]);
int process_posix_spawnp(pid_t *pid, const char *file, const posix_spawn_file_actions_t *actions,
                         const posix_spawnattr_t *attributes, char *const argv[],
                         char *const envp[]);
int process_system(const char *command);
FILE *process_popen(const char *command, const char *mode);
int process_execve(const char *path, char *const argv[], char *const envp[]);
int process_execv(const char *path, char *const argv[]);
int process_execvp(const char *file, char *const argv[]);
int process_execvpe(const char *file, char *const argv[], char *const envp[]);
int process_fexecve(int fd, char *const argv[], char *const envp[]);
int process_execveat(int directory, const char *path, char *const argv[], char *const envp[],
                     int flags);
_Noreturn void process_exit(int status);
int process_setns(int fd, int type);
int process_unshare(int flags);
int process_setuid(uid_t uid);
int process_seteuid(uid_t uid);
int process_setreuid(uid_t real, uid_t effective);
int process_setresuid(uid_t real, uid_t effective, uid_t saved);
int process_setgid(gid_t gid);
int process_setegid(gid_t gid);
int process_setregid(gid_t real, gid_t effective);
int process_setresgid(gid_t real, gid_t effective, gid_t saved);
int process_setfsuid(uid_t uid);
int process_setfsgid(gid_t gid);

#endif
