/* SPDX-License-Identifier: MIT
 * One page that forked children find empty tells owner, forked child and vfork child apart. */
#include "process.h"

#include "deepbind.h"
#include "fdtable.h"
#include "goodbye.h"
#include "hide.h"
#include "idle.h"
#include "kernel.h"
#include "libc.h"
#include "reaper.h"
#include "stats.h"
#include "thread.h"
#include "upkeep.h"

#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/mman.h>

/* glibc's own way to register fork handlers: pthread_atfork() is linked in statically and would ask
 * for GLIBC_2.34; this one is in every libc since 2.3.2. */
extern int __register_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void),
                             void *dso_handle);
extern void *__dso_handle __attribute__((visibility("hidden")));

static struct {
    const struct config *config;
    _Atomic int *owner; /* the owner's pid, on the page that a fork wipes (MADV_WIPEONFORK, 4.14) */
    _Atomic uint32_t epoch;
    _Atomic bool pooling, namespace_changed, identity_changed, finished;
    _Atomic(const char *) inert_reason;
} process;

static void become_owner(void)
{
    atomic_store(process.owner, kernel_getpid());
}

/* Everything inherited is the parent's too: in the child it is as if we had never seen it. */
static void start_as_child(void)
{
    if (process.owner == NULL)
        return;
    int saved_errno = errno;
    uint64_t signals = kernel_block_signals();
    hide_reset();
    goodbye_forget_all();
    thread_reset();
    deepbind_reset();
    upkeep_reset();
    idle_abandon();
    atomic_store(&process.finished, false);
    become_owner();
    kernel_restore_signals(signals);
    errno = saved_errno;
}

void process_start(const struct config *config)
{
    process.config = config;
    process.owner = kernel_map(4096);
    if (process.owner == NULL) {
        process_go_inert("no memory");
        return;
    }
    if (arch_syscall(SYS_madvise, (long)process.owner, 4096, MADV_WIPEONFORK, 0, 0, 0) != 0)
        process_new_epoch(); /* then a forked child is told by its pid alone */
    become_owner();
    idle_start(config);
    /* Before and after: what other threads open while the child is made is copied too. */
    __register_atfork(process_new_epoch, process_new_epoch, start_as_child, &__dso_handle);
    atomic_store(&process.pooling, config->enabled);
}

bool process_owns_pool(void)
{
    if (process.owner == NULL)
        return false;
    int owner = atomic_load(process.owner);
    if (owner == 0) {
        start_as_child();
        return true;
    }
    /* A child that shares our memory is announced by a new epoch (jump.c, indirect.c): before the
     * first one nobody else can be here, and the question is spared. */
    return process_epoch() == 0 || owner == kernel_getpid();
}

bool process_is_pooling(void)
{
    return atomic_load_explicit(&process.pooling, memory_order_relaxed);
}

void process_go_inert(const char *reason)
{
    atomic_store(&process.inert_reason, reason);
    atomic_store(&process.pooling, false);
}

void process_stop_tracking(const char *reason)
{
    if (!process_owns_pool())
        return;
    goodbye_send_first();
    process_go_inert(reason);
    idle_flush(REASON_FLUSHED);
    fdtable_wipe();
}

uint32_t process_epoch(void)
{
    return atomic_load(&process.epoch);
}

void process_new_epoch(void)
{
    goodbye_send_first(); /* a child may wait for it, or its parent for the child */
    atomic_fetch_add(&process.epoch, 1);
}

bool process_has_changed_identity(void)
{
    return atomic_load(&process.identity_changed);
}

bool process_has_changed_namespace(void)
{
    return atomic_load(&process.namespace_changed);
}

void process_finish(void)
{
    if (process.owner == NULL || !process_owns_pool() || atomic_exchange(&process.finished, true))
        return;
    int saved_errno = errno;
    goodbye_send_first();
    atomic_store(&process.pooling, false); /* other destructors may still close connections */
    idle_flush(REASON_FLUSHED);
    stats_write(idle_pool(), process.config, kernel_getpid(), atomic_load(&process.inert_reason));
    errno = saved_errno;
}

int process_plain_fork(void)
{
    process_new_epoch();
    int pid = libc._Fork();
    process_new_epoch();
    return pid;
}

int process_posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
                        const posix_spawnattr_t *attributes, char *const argv[], char *const envp[])
{
    process_new_epoch();
    int result = libc.posix_spawn(pid, path, actions, attributes, argv, envp);
    process_new_epoch(); /* see process_start() */
    return result;
}

int process_posix_spawnp(pid_t *pid, const char *file, const posix_spawn_file_actions_t *actions,
                         const posix_spawnattr_t *attributes, char *const argv[],
                         char *const envp[])
{
    process_new_epoch();
    int result = libc.posix_spawnp(pid, file, actions, attributes, argv, envp);
    process_new_epoch();
    return result;
}

int process_system(const char *command)
{
    process_new_epoch();
    int result = libc.system(command);
    process_new_epoch();
    return result;
}

FILE *process_popen(const char *command, const char *mode)
{
    process_new_epoch();
    FILE *stream = libc.popen(command, mode);
    process_new_epoch();
    return stream;
}

/* What is idle would be closed by the kernel, being close-on-exec; here it is in time for the
 * statistics and for TWPOOL_CLOSE. A vfork child ends the time in which it had copies. */
static void before_exec(void)
{
    goodbye_send_first();
    if (process_owns_pool())
        idle_flush(REASON_FLUSHED);
    else
        process_new_epoch();
}

int process_execve(const char *path, char *const argv[], char *const envp[])
{
    before_exec();
    return libc.execve(path, argv, envp);
}

int process_execv(const char *path, char *const argv[])
{
    before_exec();
    return libc.execv(path, argv);
}

int process_execvp(const char *file, char *const argv[])
{
    before_exec();
    return libc.execvp(file, argv);
}

int process_execvpe(const char *file, char *const argv[], char *const envp[])
{
    before_exec();
    return libc.execvpe(file, argv, envp);
}

int process_fexecve(int fd, char *const argv[], char *const envp[])
{
    before_exec();
    return libc.fexecve(fd, argv, envp);
}

int process_execveat(int directory, const char *path, char *const argv[], char *const envp[],
                     int flags)
{
    before_exec();
    return libc.execveat(directory, path, argv, envp, flags);
}

_Noreturn void process_exit(int status)
{
    process_finish();
    process_new_epoch(); /* a vfork child's copies end here */
    libc._exit(status);
    __builtin_unreachable();
}

/* libc changes the identity of the threads that it knows, and the kernel refuses some changes of
 * the namespace to a process of several threads: ours ends before, and starts again if it is
 * still needed.
 *
 * After the change, so that nothing of the old identity is parked behind our back; whatever was
 * open before belongs to the old one and is never parked. */
static int changed_identity(int result)
{
    if (result == 0)
        process_identity_changed();
    reaper_release(); /* last: what was idle under the old identity is gone */
    return result;
}

void process_identity_changed(void)
{
    if (!process_owns_pool())
        return;
    atomic_store(&process.identity_changed, true);
    process_new_epoch();
    idle_flush(REASON_FLUSHED);
}

static int changed_namespace(int result)
{
    if (result == 0 && process_owns_pool())
        atomic_store(&process.namespace_changed, true);
    return changed_identity(result);
}

int process_setns(int fd, int type)
{
    reaper_hold();
    return changed_namespace(libc.setns(fd, type));
}

int process_unshare(int flags)
{
    reaper_hold();
    if ((flags & CLONE_FILES) != 0)
        process_stop_tracking("unshare(CLONE_FILES)");
    return changed_namespace(libc.unshare(flags));
}

int process_setuid(uid_t uid)
{
    reaper_hold();
    return changed_identity(libc.setuid(uid));
}

int process_seteuid(uid_t uid)
{
    reaper_hold();
    return changed_identity(libc.seteuid(uid));
}

int process_setreuid(uid_t real, uid_t effective)
{
    reaper_hold();
    return changed_identity(libc.setreuid(real, effective));
}

int process_setresuid(uid_t real, uid_t effective, uid_t saved)
{
    reaper_hold();
    return changed_identity(libc.setresuid(real, effective, saved));
}

int process_setgid(gid_t gid)
{
    reaper_hold();
    return changed_identity(libc.setgid(gid));
}

int process_setegid(gid_t gid)
{
    reaper_hold();
    return changed_identity(libc.setegid(gid));
}

int process_setregid(gid_t real, gid_t effective)
{
    reaper_hold();
    return changed_identity(libc.setregid(real, effective));
}

int process_setresgid(gid_t real, gid_t effective, gid_t saved)
{
    reaper_hold();
    return changed_identity(libc.setresgid(real, effective, saved));
}

/* These two return the identity that was, whatever became of it. */
int process_setfsuid(uid_t uid)
{
    int previous = libc.setfsuid(uid);
    process_identity_changed();
    return previous;
}

int process_setfsgid(gid_t gid)
{
    int previous = libc.setfsgid(gid);
    process_identity_changed();
    return previous;
}
