/* SPDX-License-Identifier: MIT
 * The tracer: it steps through the thread that asked for it, which speaks to it by SIGUSR2. */
#include "tracer.h"

#include "program.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>

#define TRACED "TEST_IS_TRACED"

enum { DISARMED = -1, CALLS_SHIFT = 12, INSTRUCTIONS_MASK = (1 << CALLS_SHIFT) - 1 };

static struct {
    pid_t process, thread; /* the traced one, and that of its threads which is watched */
    bool armed, inside;    /* a system call, that is */
    int calls_left, instructions_left;
} watch;

static void tell(int value)
{
    if (pthread_sigqueue(pthread_self(), SIGUSR2, (union sigval){.sival_int = value}) != 0)
        broken("pthread_sigqueue");
}

void tracer_arm(int calls, int instructions)
{
    tell(calls << CALLS_SHIFT | instructions);
}

void tracer_disarm(void)
{
    tell(DISARMED);
}

static void resume(pid_t thread, int signal_number)
{
    int how = PTRACE_CONT;
    if (thread == watch.thread && watch.armed)
        how = watch.calls_left > 0 ? PTRACE_SYSCALL : PTRACE_SINGLESTEP;
    ptrace(how, thread, NULL, (long)signal_number); /* it may have been killed meanwhile */
}

static void raise_when_due(void)
{
    if (!watch.armed || watch.calls_left > 0 || watch.instructions_left > 0)
        return;
    watch.armed = false;
    syscall(SYS_tgkill, watch.process, watch.thread, SIGUSR1); /* taken when it goes on */
}

/* The word of the traced thread; not passed on. */
static void obey(pid_t thread)
{
    siginfo_t info = {0};
    if (ptrace(PTRACE_GETSIGINFO, thread, NULL, &info) != 0)
        return;
    int value = info.si_value.sival_int;
    watch.thread = thread;
    watch.armed = value != DISARMED;
    watch.inside = false;
    watch.calls_left = value >> CALLS_SHIFT;
    watch.instructions_left = value & INSTRUCTIONS_MASK;
    raise_when_due();
}

static void count(pid_t thread, bool of_call)
{
    if (thread != watch.thread || !watch.armed)
        return;
    watch.inside = of_call && !watch.inside;
    if (of_call)
        watch.calls_left -= !watch.inside;
    else
        watch.instructions_left--;
    raise_when_due();
}

static void on_stop(pid_t thread, int status)
{
    int signal_number = WSTOPSIG(status), event = status >> 16;
    if (event != 0 || signal_number == SIGSTOP) { /* a new thread, or the exec */
        resume(thread, 0);
    } else if (signal_number == SIGUSR2) {
        obey(thread);
        resume(thread, 0);
    } else if (signal_number == (SIGTRAP | 0x80) || signal_number == SIGTRAP) {
        count(thread, signal_number != SIGTRAP);
        resume(thread, 0);
    } else {
        resume(thread, signal_number);
    }
}

static _Noreturn void end_like(int status)
{
    if (WIFEXITED(status))
        _exit(WEXITSTATUS(status));
    dprintf(STDERR_FILENO, "the traced program ended by signal %d\n", WTERMSIG(status));
    _exit(1);
}

static _Noreturn void follow(pid_t process)
{
    int status;
    long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_EXITKILL;
    if (waitpid(process, &status, 0) != process || !WIFSTOPPED(status) ||
        ptrace(PTRACE_SETOPTIONS, process, NULL, options) != 0)
        broken("ptrace");
    watch.process = process;
    resume(process, 0);
    for (;;) {
        pid_t thread = waitpid(-1, &status, __WALL);
        if (thread < 0)
            broken("waitpid");
        if (WIFSTOPPED(status))
            on_stop(thread, status);
        else if (thread == process)
            end_like(status);
    }
}

/* A step is two changes of process: between two processors they take five times as long. */
static void stay_on_one_processor(void)
{
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(sched_getcpu(), &one);
    sched_setaffinity(0, sizeof one, &one);
}

void tracer_start(char **argv)
{
    if (getenv(TRACED) != NULL)
        return;
    stay_on_one_processor();
    pid_t process = fork();
    if (process < 0)
        broken("fork");
    if (process != 0)
        follow(process);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0 || setenv(TRACED, "1", 1) != 0 ||
        raise(SIGSTOP) != 0)
        broken("ptrace");
    execv("/proc/self/exe", argv);
    broken("execv");
}
