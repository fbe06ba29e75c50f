/* SPDX-License-Identifier: MIT
 * Plays about a process whose connections outlive its children, its first thread, or itself. */
#include "tagged.h"

#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>

enum { IDLE = 6, CHILDREN = 20, LIMIT = 256 };

/* A server that is started when there are several threads is a child that starts threads. */
const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
    return "die_after_fork=0";
}

static uint16_t local_port(int fd)
{
    struct sockaddr_in addr;
    socklen_t len = sizeof addr;
    expect(getsockname(fd, (struct sockaddr *)&addr, &len) == 0, "getsockname");
    return addr.sin_port;
}

/* Several at once; the local ports tell one connection from another. */
static void use_several(uint16_t *ports)
{
    int fds[IDLE];
    for (int i = 0; i < IDLE; i++) {
        fds[i] = tagged_connect();
        expect(strcmp(tagged_exchange(fds[i]), "answered") == 0, "answered");
        ports[i] = local_port(fds[i]);
    }
    for (int i = 0; i < IDLE; i++)
        expect(close(fds[i]) == 0, "close");
}

static bool is_in(uint16_t port, const uint16_t *ports)
{
    for (int i = 0; i < IDLE; i++)
        if (ports[i] == port)
            return true;
    return false;
}

/* A child ends in every way, after everything that it may do with what it inherited. */
static _Noreturn void live_as_child(int kind)
{
    char *const argv[] = {"true", NULL};
    if (kind % 5 == 1)
        for (int fd = 3; fd < 2 * LIMIT; fd++) { /* ours are just above the limit */
            shutdown(fd, SHUT_RDWR);
            close(fd);
        }
    if (kind % 5 == 2)
        closefrom(3);
    if (kind % 5 != 3)
        expect(strcmp(tagged_exchange(tagged_connect()), "answered") == 0, "the child's own");
    if (kind % 3 == 0)
        execv("/bin/true", argv);
    if (kind % 3 == 1)
        exit(0);
    _exit(0);
}

static void bear_children(int count)
{
    pid_t children[CHILDREN];
    int status = -1;
    for (int i = 0; i < count; i++) {
        children[i] = fork();
        if (children[i] == 0)
            live_as_child(i);
    }
    for (int i = 0; i < count; i++)
        expect(waitpid(children[i], &status, 0) == children[i] && status == 0, "a child");
}

/* What is idle is the parent's alone, and lives on as it was: the same connections come back. */
static void idle_through_a_storm(uint16_t port)
{
    uint16_t before[IDLE], after[IDLE];
    struct rlimit limit = {.rlim_cur = LIMIT, .rlim_max = 4 * LIMIT};
    expect(setrlimit(RLIMIT_NOFILE, &limit) == 0, "setrlimit");
    tagged_port = port;
    use_several(before);
    bear_children(CHILDREN);
    use_several(after);
    for (int i = 0; i < IDLE; i++)
        expect(is_in(after[i], before), "an idle connection outlives the children");
}

/* What is in use goes on being the parent's. */
static void in_use_through_a_storm(uint16_t port)
{
    int fds[IDLE];
    tagged_port = port;
    for (int i = 0; i < IDLE; i++)
        fds[i] = tagged_connect();
    pid_t child = fork();
    if (child == 0) {
        closefrom(3);
        _exit(strcmp(tagged_exchange(tagged_connect()), "answered") != 0);
    }
    int status = -1;
    expect(waitpid(child, &status, 0) == child && status == 0, "the child");
    for (int i = 0; i < IDLE; i++) {
        expect(strcmp(tagged_exchange(fds[i]), "answered") == 0, "still the parent's");
        close(fds[i]);
    }
}

/* daemon(3) forks: the process that goes on has a pool of its own. */
static void as_daemon(uint16_t port)
{
    int channel[2];
    char told = 0;
    tagged_port = port;
    expect(pipe(channel) == 0, "pipe");
    pid_t child = fork();
    if (child == 0) {
        int in_use = tagged_connect();
        uint16_t ports[IDLE], again[IDLE];
        use_several(ports);
        if (daemon(1, 1) != 0)
            broken("daemon");
        bool well = strcmp(tagged_exchange(in_use), "answered") == 0 && close(in_use) == 0;
        use_several(ports);
        use_several(again);
        for (int i = 0; i < IDLE; i++)
            well = well && is_in(again[i], ports);
        _exit(write(channel[1], well ? "y" : "n", 1) != 1);
    }
    close(channel[1]);
    expect(read(channel[0], &told, 1) == 1 && told == 'y', "the daemon has a pool of its own");
    expect(waitpid(child, NULL, 0) == child, "waitpid");
}

/* Not by pthread_join(): ThreadSanitizer knows no first thread. proc(5): the state comes third. */
static void await_first_thread(void)
{
    char state = 0;
    while (state != 'Z') {
        FILE *file = fopen("/proc/self/stat", "r");
        if (file == NULL || fscanf(file, "%*d %*s %c", &state) != 1)
            broken("/proc/self/stat");
        fclose(file);
        sleep_ms(5);
    }
}

static void *go_on(void *unused)
{
    uint16_t before[IDLE], after[IDLE];
    tagged_port = serve(SERVICE_HTTP); /* lives as long as this thread */
    use_several(before);
    await_first_thread();
    use_several(after);
    for (int i = 0; i < IDLE; i++)
        expect(is_in(after[i], before), "the pool outlives the first thread");
#if defined(__SANITIZE_THREAD__)
    exit(0); /* it has a thread of its own, which is never the last to end */
#endif
    return unused;
}

/* The process goes on, and ends with its last thread. */
static void first_thread_ends(uint16_t port)
{
    pthread_t thread;
    (void)port;
    expect(pthread_create(&thread, NULL, go_on, NULL) == 0, "pthread_create");
    pthread_detach(thread);
    pthread_exit(NULL);
}

/* With the highest limit that it may have, numbers of ours do not make the kernel's table long. */
static void highest_limit(uint16_t port)
{
    char line[100];
    unsigned long most = 0;
    FILE *file = fopen("/proc/sys/fs/nr_open", "r");
    expect(file != NULL && fscanf(file, "%lu", &most) == 1, "nr_open");
    fclose(file);
    struct rlimit limit = {.rlim_cur = most, .rlim_max = most};
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) { /* it takes CAP_SYS_RESOURCE */
        expect(getrlimit(RLIMIT_NOFILE, &limit) == 0, "getrlimit");
        limit.rlim_cur = limit.rlim_max;
        expect(setrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur > 16384, "setrlimit");
    }
    tagged_port = port;
    use_several((uint16_t[IDLE]){0});
    unsigned long size = 0;
    file = fopen("/proc/self/status", "r");
    while (file != NULL && size == 0 && fgets(line, sizeof line, file) != NULL)
        sscanf(line, "FDSize: %lu", &size);
    expect(size > 0 && size <= 16384, "the table is short");
    fclose(file);
}

static const struct play plays[] = {
    {"idle_through_a_storm", idle_through_a_storm},
    {"in_use_through_a_storm", in_use_through_a_storm},
    {"as_daemon", as_daemon},
    {"first_thread_ends", first_thread_ends},
    {"highest_limit", highest_limit},
};

int main(int argc, char **argv)
{
    return play(argc, argv, plays, sizeof plays / sizeof *plays);
}
