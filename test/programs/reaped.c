/* SPDX-License-Identifier: MIT
 * Plays about what a thread more in the process could change, with connections idle. */
#include "program.h"
#include "ways.h"

#include <dirent.h>
#include <linux/close_range.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>

static void first_line(const char *path, char *line, size_t size)
{
    FILE *file = fopen(path, "r");
    line[0] = '\0';
    if (file == NULL)
        return;
    if (fgets(line, (int)size, file) != NULL)
        line[strcspn(line, "\n")] = '\0';
    fclose(file);
}

static void each_thread(void (*visit)(const char *directory))
{
    char path[300];
    DIR *tasks = opendir("/proc/self/task");
    for (struct dirent *entry; tasks != NULL && (entry = readdir(tasks)) != NULL;) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "/proc/self/task/%s", entry->d_name);
        visit(path);
    }
    if (tasks != NULL)
        closedir(tasks);
}

static char names[300];

static void add_name(const char *directory)
{
    char path[400], name[64];
    snprintf(path, sizeof path, "%s/comm", directory);
    first_line(path, name, sizeof name);
    strcat(strcat(names, " "), name);
}

static void find_threads(void)
{
    names[0] = '\0';
    each_thread(add_name);
}

static void show_threads(void)
{
    find_threads();
    say("threads:%s", names);
}

static void is_named(uint16_t port)
{
    prctl(PR_SET_NAME, "main");
    leave_idle(port, 2);
    pause_unseen(50);
    show_threads();
    for (int i = 0; i < 100 && strstr(names, "reaper") != NULL; i++) {
        pause_unseen(100);
        find_threads();
    }
    show_threads();
}

static void *say_and_end(void *argument)
{
    pause_unseen(50);
    say("the last thread ends");
    return argument;
}

static void at_exit(void)
{
    say("exit handlers run");
}

/* The last pthread_exit() is an exit(). */
static void ends_with_the_last_thread(uint16_t port)
{
    pthread_t thread;
    atexit(at_exit);
    leave_idle(port, 1);
    pthread_create(&thread, NULL, say_and_end, NULL);
    pthread_detach(thread);
    pthread_exit(NULL);
}

static void ends_by_plain_exit(uint16_t port)
{
    int status;
    pid_t child = fork();
    if (child == 0) {
        leave_idle(port, 1);
        say("ends");
        syscall(SYS_exit, 7);
    }
    double begun = now_ms();
    waitpid(child, &status, 0);
    say("status %x, %s", status, now_ms() - begun < 250 ? "at once" : "LATER");
}

static void forked(uint16_t port)
{
    int status;
    leave_idle(port, 2);
    pid_t child = fork();
    if (child == 0) {
        leave_idle(port, 2);
        pause_unseen(2500);
        say("open in the child: %d", open_connections(port));
        leave_idle(port, 2);
        _exit(3);
    }
    waitpid(child, &status, 0);
    say("child: %x", status);
    fetch(port, "/parent");
}

/* Refused to a process of several threads. */
static void unshared_user(uint16_t port)
{
    leave_idle(port, 1);
    SHOW(unshare(CLONE_NEWUSER));
    leave_idle(port, 1);
    SHOW(unshare(CLONE_NEWNS));
    leave_idle(port, 1);
    fetch(port, "/after");
}

static char users[400];

static void add_user(const char *directory)
{
    char path[400], line[200];
    snprintf(path, sizeof path, "%s/status", directory);
    FILE *file = fopen(path, "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, "Uid:", 4) == 0 && strstr(users, line) == NULL)
            strcat(users, line);
    if (file != NULL)
        fclose(file);
}

/* Every thread of the process has the new identity. */
static void another_user(uint16_t port)
{
    leave_idle(port, 1);
    pause_unseen(30);
    SHOW(setresuid(0, 4711, 0));
    leave_idle(port, 1);
    pause_unseen(30);
    each_thread(add_user);
    say("%s", users);
    users[0] = '\0';
    SHOW(seteuid(0));
    SHOW(setuid(4712));
    leave_idle(port, 1);
    pause_unseen(30);
    each_thread(add_user);
    say("%s", users);
}

static void executes(uint16_t port)
{
    leave_idle(port, 1);
    say("becomes another");
    execl("/bin/echo", "echo", "another", NULL);
}

static void *connect_often(void *argument)
{
    for (int i = 0; i < 100; i++)
        leave_idle((uint16_t)(uintptr_t)argument, 2);
    return NULL;
}

/* Born and gone many times, while several threads connect. */
static void comes_and_goes(uint16_t port)
{
    pthread_t threads[4];
    for (int i = 0; i < 3; i++) {
        leave_idle(port, 4);
        pause_unseen(i * 200);
    }
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, connect_often, (void *)(uintptr_t)port);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    fetch(port, "/end");
}

/* No thread can be made: the waits are cut instead. */
static void threads_and_limit(uint16_t port)
{
    struct rlimit none = {0, 0};
    SHOW(setuid(4713));
    SHOW(setrlimit(RLIMIT_NPROC, &none));
    leave_idle(port, 2);
    SHOW(poll(NULL, 0, 2500));
    say("open: %d", open_connections(port));
    fetch(port, "/end");
}

/* Nothing has changed: what idles ends on time. */
static void refused_change(uint16_t port)
{
    leave_idle(port, 1);
    SHOW(setns(-1, 0));
    pause_unseen(2500);
    say("open: %d", open_connections(port));
}

static void *exit_alone(void *argument)
{
    (void)argument;
    pause_unseen(20);
    return (void *)syscall(SYS_exit, 0);
}

/* Not the last one, and libc does not know. */
static void a_thread_exits(uint16_t port)
{
    pthread_t thread;
    leave_idle(port, 1);
    pthread_create(&thread, NULL, exit_alone, NULL);
    pthread_join(thread, NULL);
    pause_unseen(2500);
    say("open: %d", open_connections(port));
}

/* What is closed in it has no other holder. */
static void takes_its_own_table(uint16_t port)
{
    int ends[2];
    if (pipe(ends) != 0)
        broken("pipe");
    leave_idle(port, 1);
    pause_unseen(30);
    SHOW(close_range((unsigned)ends[1], (unsigned)ends[1], CLOSE_RANGE_UNSHARE));
    show_poll(ends[0], POLLIN, 300);
}

static const struct play plays[] = {
    {"is_named", is_named},
    {"ends_with_the_last_thread", ends_with_the_last_thread},
    {"ends_by_plain_exit", ends_by_plain_exit},
    {"forked", forked},
    {"unshared_user", unshared_user},
    {"another_user", another_user},
    {"executes", executes},
    {"comes_and_goes", comes_and_goes},
    {"threads_and_limit", threads_and_limit},
    {"refused_change", refused_change},
    {"a_thread_exits", a_thread_exits},
    {"takes_its_own_table", takes_its_own_table},
};

int main(int argc, char **argv)
{
    return play(argc, argv, plays, sizeof plays / sizeof *plays);
}
