/* SPDX-License-Identifier: MIT
 * Other programs started in every way while a connection is open, some of which inherit it. */
#include "program.h"

#include <spawn.h>

extern char **environ;

static void wait_for(pid_t child)
{
    int status = -1;
    if (waitpid(child, &status, 0) != child)
        broken("waitpid");
    say("child: %#x", status);
}

/* head reads the first line of the answer: it has the socket as its standard input. */
static void head_reads(int fd, bool by_vfork)
{
    char *argv[] = {"head", "-n", "1", NULL};
    pid_t child = by_vfork ? vfork() : fork();
    if (child == 0) {
        dup2(fd, STDIN_FILENO);
        close(fd);
        execvp(argv[0], argv);
        _exit(127);
    }
    wait_for(child);
}

static void head_spawned(int fd)
{
    char *argv[] = {"head", "-n", "1", NULL};
    posix_spawn_file_actions_t actions;
    pid_t child;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, fd, STDIN_FILENO);
    int spawned = posix_spawnp(&child, argv[0], &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    wait_for(child);
    say("posix_spawnp = %d", spawned); /* after the lines of the child, which has its own pace */
}

static void run_true(void)
{
    pid_t child = vfork();
    if (child == 0) {
        execl("/bin/true", "true", NULL);
        _exit(127);
    }
    wait_for(child);
}

static void run_popen(const char *command)
{
    char line[100] = "";
    FILE *output = popen(command, "r");
    if (output == NULL || fgets(line, sizeof line, output) == NULL)
        say("no output");
    say("popen: %.*s", (int)strcspn(line, "\n"), line);
    SHOW(pclose(output));
}

int main(void)
{
    uint16_t port = serve(SERVICE_HTTP);
    for (int i = 0; i < 3; i++) {
        int fd = connect_to(port);
        ask(fd, "/read-by-head");
        show_poll(fd, POLLIN, 1000);
        switch (i) {
        case 0:
            head_reads(fd, true);
            break;
        case 1:
            head_reads(fd, false);
            break;
        default:
            head_spawned(fd);
        }
        SHOW(close(fd));
        fetch(port, "/next");

        /* Children that inherit the connection and leave it alone. */
        fd = connect_to(port);
        ask(fd, "/before");
        run_true();
        SHOW(system("exit 3"));
        run_popen("echo said");
        answer(fd);
        ask(fd, "/after");
        answer(fd);
        SHOW(close(fd));
        run_true();
        SHOW(system("exit 4"));
        /* What is idle is not inherited: descriptors of a child are those that it was given. */
        run_popen("ls /proc/self/fd | tr '\\n' ' '");
        fetch(port, "/next");
    }
    return 0;
}
