/* SPDX-License-Identifier: MIT
 * A timer, and a thread that forks, spawns and runs commands by turns. */
#include "disturbance.h"

#include "tagged.h"

#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <sys/time.h>

enum {
    SIGNALS_PER_EXCHANGE = 16, /* a handler that is always busy leaves nothing to disturb */
    BETWEEN_CHILDREN_MS = 15,  /* what is open while a child is made is not reused */
    NUMBERS = 400              /* that a child closes: more than are open */
};

static struct disturbance *counts;
static atomic_bool over;
static pthread_t forker;
static char *const true_argv[] = {"true", NULL};

static bool exchange_anew(void)
{
    int fd = tagged_connect();
    bool well = strcmp(tagged_exchange(fd), "answered") == 0;
    return close(fd) == 0 && well;
}

static void on_alarm(int signal_number)
{
    (void)signal_number;
    int saved = errno;
    if (atomic_fetch_add(&counts->signals, 1) % SIGNALS_PER_EXCHANGE == 0) {
        counts->wrong += !exchange_anew();
        counts->exchanges++;
    }
    errno = saved;
}

static void set_timer(int interval_us)
{
    struct itimerval timer = {.it_interval.tv_usec = interval_us, .it_value.tv_usec = interval_us};
    setitimer(ITIMER_REAL, &timer, NULL);
}

/* What it inherits it may close, in any way; what it opens is its own. */
static _Noreturn void live_as_child(int kind)
{
    bool well = true;
    for (int i = 0; kind == 1 && i < 2; i++)
        well = exchange_anew() && well;
    if (kind == 2)
        for (int fd = 3; fd < NUMBERS; fd++)
            close(fd);
    if (kind == 2 || kind == 3)
        well = (close_range(3, ~0U, 0), exchange_anew());
    if (kind == 4)
        execv("/bin/true", true_argv);
    _exit(!well);
}

static pid_t spawn(void)
{
    pid_t child;
    char *const no_environment[] = {NULL};
    if (posix_spawn(&child, "/bin/true", NULL, NULL, true_argv, no_environment) != 0)
        broken("posix_spawn");
    return child;
}

static pid_t vfork_and_execute(void)
{
    pid_t child = vfork();
    if (child == 0) {
        execv("/bin/true", true_argv);
        _exit(127);
    }
    return child;
}

static void run_command(void)
{
    FILE *output = popen("true", "r");
    if (output == NULL || pclose(output) != 0 || system("true") != 0)
        counts->wrong++;
}

static void make_child(int kind)
{
    int status = 0;
    pid_t child;
    if (kind == 7) {
        run_command();
        return;
    }
    if (kind == 5)
        child = spawn();
    else if (kind == 6)
        child = vfork_and_execute();
    else
        child = fork();
    if (child == 0)
        live_as_child(kind);
    if (waitpid(child, &status, 0) != child)
        broken("waitpid");
    counts->wrong += status != 0;
}

static void *make_children(void *unused)
{
    sigset_t alarm_only;
    sigemptyset(&alarm_only);
    sigaddset(&alarm_only, SIGALRM);
    pthread_sigmask(SIG_BLOCK, &alarm_only, NULL); /* a child would inherit a timer's last signal */
    while (!over) {
        make_child(counts->children++ % 8);
        sleep_ms(BETWEEN_CHILDREN_MS);
    }
    return unused;
}

void disturbance_begin(struct disturbance *disturbance)
{
    struct sigaction action = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
    counts = disturbance;
    sigaction(SIGALRM, &action, NULL);
    if (pthread_create(&forker, NULL, make_children, NULL) != 0)
        broken("pthread_create");
    set_timer(1000);
}

void disturbance_end(void)
{
    over = true;
    pthread_join(forker, NULL);
    set_timer(0);
}
