/* SPDX-License-Identifier: MIT
 * A half-close that is no goodbye: the program waits for what the server does when it hears of it,
 * by every way of waiting there is. */
#include "../../shim/arch.h"
#include "program.h"

#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <threads.h>
#include <wchar.h>

enum { HANGS_AFTER_S = 10 };

/* What a server shares with its client beside the connection, and touches when that ends. */
struct shared {
    sem_t semaphore;
    _Atomic bool has_ended;
};

static struct {
    int listener, back; /* back: where the server connects to at the end */
    int pipe[2], pair[2];
    FILE *stream; /* of the pipe */
    FILE *sink;   /* of another one, which is read once the connection has ended */
    int sink_end, event;
    FILE *other_stream; /* of another child, which ends when there is something in the pipe */
    int locked, lock;   /* a file that the server has locked until then */
    int queue, full_queue, semaphores;
    struct shared *shared;
    pid_t server;
} peer;

static int listen_on_any(void)
{
    struct sockaddr_in addr = loopback(0);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(fd, (struct sockaddr *)&addr, sizeof addr) != 0 || listen(fd, 8) != 0)
        broken("listen");
    return fd;
}

static uint16_t port_of(int fd)
{
    struct sockaddr_in addr = {0};
    socklen_t len = sizeof addr;
    if (getsockname(fd, (struct sockaddr *)&addr, &len) != 0)
        broken("getsockname");
    return ntohs(addr.sin_port);
}

struct message {
    long type;
    char text[1024];
};

/* The client has closed its half: everything that may wake it. */
static void react(void)
{
    struct message message = {.type = 1};
    struct sembuf up = {.sem_op = 1};
    atomic_store(&peer.shared->has_ended, true);
    write(peer.pipe[1], "the end\n", 8);
    send(peer.pair[1], "the end\n", 8, MSG_NOSIGNAL);
    msgsnd(peer.queue, &message, 1, 0);
    while (msgrcv(peer.full_queue, &message, sizeof message.text, 0, IPC_NOWAIT) >= 0)
        ;
    semop(peer.semaphores, &up, 1);
    sem_post(&peer.shared->semaphore);
    eventfd_write(peer.event, 1);
    fcntl(peer.sink_end, F_SETPIPE_SZ, 1 << 20); /* all of it fits now */
    close(peer.lock);
    struct sockaddr_in addr = loopback(port_of(peer.back));
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(fd, (struct sockaddr *)&addr, sizeof addr) != 0)
        broken("connect");
    kill(getppid(), SIGUSR1);
}

/* A lock belongs to an open file: each has one of its own. */
static int open_lock(void)
{
    char path[40];
    snprintf(path, sizeof path, "/proc/self/fd/%d", peer.locked);
    return open(path, O_RDWR);
}

static void run_server(int ready)
{
    static const char reply[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    char request[1000];
    peer.lock = open_lock();
    flock(peer.lock, LOCK_EX);
    lockf(peer.lock, F_LOCK, 0); /* of the process: its end unlocks */
    write(ready, "", 1);
    int fd = accept(peer.listener, NULL, NULL);
    close(peer.listener);
    while (recv(fd, request, sizeof request, 0) > 0)
        send(fd, reply, sizeof reply - 1, MSG_NOSIGNAL);
    react();
    _exit(0);
}

static void fill(int queue)
{
    struct message message = {.type = 1};
    while (msgsnd(queue, &message, sizeof message.text, IPC_NOWAIT) == 0)
        ;
}

static void start_server(bool waits_for_child)
{
    char command[40];
    int ready[2];
    char byte;
    peer.listener = listen_on_any();
    peer.back = listen_on_any();
    peer.locked = memfd_create("locked", 0);
    peer.queue = msgget(IPC_PRIVATE, 0600);
    peer.full_queue = msgget(IPC_PRIVATE, 0600);
    peer.semaphores = semget(IPC_PRIVATE, 1, 0600);
    peer.shared =
        mmap(NULL, sizeof *peer.shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (pipe(ready) != 0 || pipe(peer.pipe) != 0 ||
        socketpair(AF_UNIX, SOCK_STREAM, 0, peer.pair) != 0 || peer.queue < 0 ||
        peer.full_queue < 0 || peer.semaphores < 0 || peer.shared == MAP_FAILED)
        broken("a way of communication");
    int sink[2];
    if (pipe(sink) != 0)
        broken("pipe");
    peer.sink_end = sink[0];
    peer.sink = fdopen(sink[1], "w");
    peer.event = eventfd(0, 0);
    sem_init(&peer.shared->semaphore, 1, 0);
    fill(peer.full_queue);
    peer.server = fork();
    if (peer.server == 0)
        run_server(ready[1]);
    if (read(ready[0], &byte, 1) != 1)
        broken("the server");
    peer.lock = open_lock();
    peer.stream = fdopen(peer.pipe[0], "r");
    snprintf(command, sizeof command, "read line <&%d", peer.pipe[0]);
    peer.other_stream = waits_for_child ? popen(command, "r") : NULL;
}

static void remove_queues(void)
{
    msgctl(peer.queue, IPC_RMID, NULL);
    msgctl(peer.full_queue, IPC_RMID, NULL);
    semctl(peer.semaphores, 0, IPC_RMID);
}

static void on_signal(int number)
{
    (void)number;
}

/* A connection at rest. */
static int at_rest(void)
{
    int fd = connect_to(port_of(peer.listener));
    ask(fd, "/");
    answer(fd);
    return fd;
}

static bool has_ended(void)
{
    return atomic_load(&peer.shared->has_ended);
}

/* ---- Ways to wait. Each returns once the server has reacted. */

static char byte_read[16];

static void by_read(void)
{
    read(peer.pipe[0], byte_read, 1);
}

static void by_readv(void)
{
    struct iovec one = {byte_read, 1};
    readv(peer.pipe[0], &one, 1);
}

static void by_recv(void)
{
    recv(peer.pair[0], byte_read, 1, 0);
}

static void by_recvfrom(void)
{
    recvfrom(peer.pair[0], byte_read, 1, 0, NULL, NULL);
}

static void by_recvmsg(void)
{
    struct iovec one = {byte_read, 1};
    struct msghdr message = {.msg_iov = &one, .msg_iovlen = 1};
    (void)recvmsg(peer.pair[0], &message, 0);
}

static void by_system_call(void)
{
    syscall(SYS_read, peer.pipe[0], byte_read, 1);
}

static void by_poll(void)
{
    poll(&(struct pollfd){.fd = peer.pipe[0], .events = POLLIN}, 1, -1);
}

static void by_ppoll(void)
{
    ppoll(&(struct pollfd){.fd = peer.pipe[0], .events = POLLIN}, 1, NULL, NULL);
}

static void by_select(void)
{
    fd_set readable;
    FD_ZERO(&readable);
    FD_SET(peer.pipe[0], &readable);
    select(peer.pipe[0] + 1, &readable, NULL, NULL, NULL);
}

static void by_pselect(void)
{
    fd_set readable;
    FD_ZERO(&readable);
    FD_SET(peer.pipe[0], &readable);
    pselect(peer.pipe[0] + 1, &readable, NULL, NULL, NULL, NULL);
}

static int set_of_pipe(void)
{
    struct epoll_event event = {.events = EPOLLIN};
    int set = epoll_create1(0);
    epoll_ctl(set, EPOLL_CTL_ADD, peer.pipe[0], &event);
    return set;
}

static void by_epoll_wait(void)
{
    epoll_wait(set_of_pipe(), &(struct epoll_event){0}, 1, -1);
}

static void by_epoll_pwait(void)
{
    epoll_pwait(set_of_pipe(), &(struct epoll_event){0}, 1, -1, NULL);
}

static void by_epoll_pwait2(void)
{
    epoll_pwait2(set_of_pipe(), &(struct epoll_event){0}, 1, NULL, NULL);
}

static void by_usleep(void)
{
    while (!has_ended())
        usleep(1000);
}

static void by_sleep(void)
{
    while (!has_ended())
        sleep(1); /* cut short by the signal */
}

static void by_nanosleep(void)
{
    while (!has_ended())
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

static void by_clock_nanosleep(void)
{
    while (!has_ended())
        clock_nanosleep(CLOCK_MONOTONIC, 0, &(struct timespec){.tv_nsec = 1000000}, NULL);
}

static void by_wait(void)
{
    wait(NULL);
}

static void by_waitpid(void)
{
    waitpid(peer.server, NULL, 0);
}

static void by_wait3(void)
{
    wait3(NULL, 0, NULL);
}

static void by_wait4(void)
{
    wait4(peer.server, NULL, 0, NULL);
}

static void by_waitid(void)
{
    waitid(P_PID, (id_t)peer.server, &(siginfo_t){0}, WEXITED);
}

static sigset_t its_signal(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    return set;
}

static void by_sigwait(void)
{
    int number;
    sigset_t set = its_signal();
    sigwait(&set, &number);
}

static void by_sigwaitinfo(void)
{
    sigset_t set = its_signal();
    sigwaitinfo(&set, NULL);
}

static void by_sigtimedwait(void)
{
    sigset_t set = its_signal();
    sigtimedwait(&set, NULL, &(struct timespec){.tv_sec = 2 * HANGS_AFTER_S});
}

static void by_sigsuspend(void)
{
    sigset_t none;
    sigemptyset(&none);
    sigsuspend(&none);
}

/* The signal may come just before it waits: another one ends that. */
static void by_pause(void)
{
    sigset_t set = its_signal();
    signal(SIGALRM, on_signal);
    alarm(1);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    pause();
    signal(SIGALRM, SIG_DFL);
    alarm(HANGS_AFTER_S);
    while (!has_ended())
        pause();
}

static void by_accept(void)
{
    accept(peer.back, NULL, NULL);
}

static void by_accept4(void)
{
    accept4(peer.back, NULL, NULL, SOCK_CLOEXEC);
}

static void by_msgrcv(void)
{
    msgrcv(peer.queue, &(struct message){0}, 1, 0, 0);
}

static void by_msgsnd(void)
{
    struct message message = {.type = 1};
    msgsnd(peer.full_queue, &message, sizeof message.text, 0);
}

static void by_semop(void)
{
    semop(peer.semaphores, &(struct sembuf){.sem_op = -1}, 1);
}

static void by_semtimedop(void)
{
    semtimedop(peer.semaphores, &(struct sembuf){.sem_op = -1}, 1,
               &(struct timespec){.tv_sec = 2 * HANGS_AFTER_S});
}

static void by_flock(void)
{
    flock(peer.lock, LOCK_EX);
}

static void by_lockf(void)
{
    lockf(peer.lock, F_LOCK, 0);
}

static void by_fcntl(void)
{
    struct flock whole = {.l_type = F_WRLCK};
    fcntl(peer.lock, F_SETLKW, &whole);
}

static void by_fgets(void)
{
    fgets(byte_read, sizeof byte_read, peer.stream);
}

static void by_fgetc(void)
{
    fgetc(peer.stream);
}

static void by_getc_unlocked(void)
{
    getc_unlocked(peer.stream);
}

static void by_fread(void)
{
    fread(byte_read, 1, 1, peer.stream);
}

static void by_getline(void)
{
    char *line = NULL;
    size_t size = 0;
    getline(&line, &size, peer.stream);
    free(line);
}

static void by_getdelim(void)
{
    char *line = NULL;
    size_t size = 0;
    getdelim(&line, &size, 'e', peer.stream);
    free(line);
}

static void by_fscanf(void)
{
    fscanf(peer.stream, "%10s", byte_read);
}

static void by_fgetws(void)
{
    wchar_t line[16];
    fgetws(line, 16, peer.stream);
}

static void by_getchar(void)
{
    dup2(peer.pipe[0], 0);
    getchar();
}

static void by_scanf(void)
{
    dup2(peer.pipe[0], 0);
    scanf("%10s", byte_read);
}

/* Looking at something from outside, again and again. */
static void by_cond_timedwait(void)
{
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t never = PTHREAD_COND_INITIALIZER;
    pthread_mutex_lock(&mutex);
    while (!has_ended())
        pthread_cond_timedwait(&never, &mutex, &(struct timespec){.tv_nsec = 1});
}

static void by_sem_timedwait(void)
{
    sem_t never;
    sem_init(&never, 0, 0);
    while (!has_ended())
        sem_timedwait(&never, &(struct timespec){.tv_nsec = 1});
}

static void by_sem_wait(void)
{
    sem_wait(&peer.shared->semaphore);
}

static void by_thrd_sleep(void)
{
    while (!has_ended())
        thrd_sleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

static void by_sched_yield(void)
{
    while (!has_ended())
        sched_yield();
}

/* By the name that the header gives it in a program. */
extern int its_sigpause(int number) __asm__("__xpg_sigpause");

static void by_sigpause(void)
{
    its_sigpause(SIGUSR1);
}

static void by_eventfd_read(void)
{
    eventfd_t value;
    eventfd_read(peer.event, &value);
}

/* Nobody reads before the end. */
static void by_fwrite(void)
{
    static char much[500000];
    fwrite(much, 1, sizeof much, peer.sink);
}

static void by_fprintf(void)
{
    for (int i = 0; i < 10000; i++)
        fprintf(peer.sink, "%g %d %s\n", i / 3.0, i, "and so on");
}

static void by_wscanf(void)
{
    wchar_t word[16];
    fwscanf(peer.stream, L"%10ls", word);
}

static void by_pclose(void)
{
    pclose(peer.other_stream);
}

static const struct {
    const char *name;
    void (*wait)(void);
} ways[] = {
    {"read", by_read},
    {"readv", by_readv},
    {"recv", by_recv},
    {"recvfrom", by_recvfrom},
    {"recvmsg", by_recvmsg},
    {"system_call", by_system_call},
    {"poll", by_poll},
    {"ppoll", by_ppoll},
    {"select", by_select},
    {"pselect", by_pselect},
    {"epoll_wait", by_epoll_wait},
    {"epoll_pwait", by_epoll_pwait},
    {"epoll_pwait2", by_epoll_pwait2},
    {"usleep", by_usleep},
    {"sleep", by_sleep},
    {"nanosleep", by_nanosleep},
    {"clock_nanosleep", by_clock_nanosleep},
    {"wait", by_wait},
    {"waitpid", by_waitpid},
    {"wait3", by_wait3},
    {"wait4", by_wait4},
    {"waitid", by_waitid},
    {"sigwait", by_sigwait},
    {"sigwaitinfo", by_sigwaitinfo},
    {"sigtimedwait", by_sigtimedwait},
    {"sigsuspend", by_sigsuspend},
    {"pause", by_pause},
    {"accept", by_accept},
    {"accept4", by_accept4},
    {"msgrcv", by_msgrcv},
    {"msgsnd", by_msgsnd},
    {"semop", by_semop},
    {"semtimedop", by_semtimedop},
    {"flock", by_flock},
    {"lockf", by_lockf},
    {"fcntl", by_fcntl},
    {"fgets", by_fgets},
    {"fgetc", by_fgetc},
    {"getc_unlocked", by_getc_unlocked},
    {"fread", by_fread},
    {"getline", by_getline},
    {"getdelim", by_getdelim},
    {"fscanf", by_fscanf},
    {"fgetws", by_fgetws},
    {"getchar", by_getchar},
    {"scanf", by_scanf},
    {"pclose", by_pclose},
    {"cond_timedwait", by_cond_timedwait},
    {"sem_timedwait", by_sem_timedwait},
    {"sem_wait", by_sem_wait},
    {"thrd_sleep", by_thrd_sleep},
    {"sched_yield", by_sched_yield},
    {"sigpause", by_sigpause},
    {"eventfd_read", by_eventfd_read},
    {"fwrite", by_fwrite},
    {"fprintf", by_fprintf},
    {"wscanf", by_wscanf},
};

/* ---- Waits of another thread that are there before: no hook can see their beginning. */

static int waited_for; /* the connection's number */

static void *in_epoll_wait(void *argument)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP};
    int set = epoll_create1(0);
    epoll_ctl(set, EPOLL_CTL_ADD, waited_for, &event);
    epoll_wait(set, &event, 1, -1);
    return argument;
}

static void *in_an_inlined_poll(void *argument)
{
    struct pollfd end = {.fd = waited_for, .events = POLLIN};
    arch_syscall(SYS_ppoll, (long)&end, 1, 0, 0, 0, 0);
    return argument;
}

static void *in_read(void *argument)
{
    by_read();
    return argument;
}

static void *in_fgets(void *argument)
{
    by_fgets();
    return argument;
}

static void *in_sigwait(void *argument)
{
    by_sigwait();
    return argument;
}

static void *in_a_shared_semaphore(void *argument)
{
    sem_wait(&peer.shared->semaphore);
    return argument;
}

static void *in_waitpid(void *argument)
{
    by_waitpid();
    return argument;
}

static const struct {
    const char *name;
    void *(*wait)(void *);
} threads[] = {
    {"in_epoll_wait", in_epoll_wait},
    {"in_an_inlined_poll", in_an_inlined_poll},
    {"in_read", in_read},
    {"in_fgets", in_fgets},
    {"in_sigwait", in_sigwait},
    {"in_a_shared_semaphore", in_a_shared_semaphore},
    {"in_waitpid", in_waitpid},
};

/* Nothing is written between the two: that would be another call that can block. */
static void wait_for_it(void (*wait)(void))
{
    int fd = at_rest(), result = shutdown(fd, SHUT_WR);
    wait();
    show("shutdown", result);
    close(fd);
}

/* And then by a join, which no hook sees. */
static void wait_in_thread(void *(*wait)(void *))
{
    waited_for = at_rest();
    pthread_t thread = start_blocked(wait, NULL);
    int result = shutdown(waited_for, SHUT_WR);
    pthread_join(thread, NULL);
    show("shutdown", result);
    close(waited_for);
}

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static bool go;

static void *when_told(void *argument)
{
    pthread_mutex_lock(&lock);
    while (!go)
        pthread_cond_wait(&condition, &lock);
    pthread_mutex_unlock(&lock);
    by_read();
    return argument;
}

static void close_half(int number)
{
    (void)number;
    shutdown(waited_for, SHUT_WR);
}

/* By a handler that interrupts a wait of its own thread, which goes on after it. */
static void close_half_in_a_handler(void)
{
    struct sigaction restart = {.sa_handler = close_half, .sa_flags = SA_RESTART};
    pid_t self = getpid();
    sigaction(SIGUSR2, &restart, NULL);
    pid_t child = fork();
    if (child == 0) {
        usleep(50000);
        kill(self, SIGUSR2);
        _exit(0);
    }
    waited_for = at_rest();
    by_read();
    waitpid(child, NULL, 0);
    close(waited_for);
}

/* One that sleeps at the half-close, and waits for what it does afterwards. */
static void wait_in_a_thread_that_wakes(void)
{
    pthread_t thread = start_blocked(when_told, NULL);
    int fd = at_rest(), result = shutdown(fd, SHUT_WR);
    pthread_mutex_lock(&lock);
    go = true;
    pthread_cond_signal(&condition);
    pthread_mutex_unlock(&lock);
    pthread_join(thread, NULL);
    show("shutdown", result);
    close(fd);
}

/* Each in a process of its own, with a server of its own. */
static void in_child(const char *name, void (*wait)(void), void *(*thread)(void *))
{
    int status;
    say("%s", name);
    pid_t child = fork();
    if (child == 0) {
        sigset_t set = its_signal();
        signal(SIGUSR1, on_signal);
        if (strcmp(name, "usleep") != 0 && strcmp(name, "sleep") != 0)
            sigprocmask(SIG_BLOCK, &set, NULL);
        alarm(HANGS_AFTER_S);
        start_server(strcmp(name, "pclose") == 0);
        if (thread != NULL)
            wait_in_thread(thread);
        else
            wait_for_it(wait);
        waitpid(peer.server, NULL, 0); /* it has connected back then, whatever woke us */
        say("has ended: %d", has_ended());
        remove_queues();
        exit(0);
    }
    waitpid(child, &status, 0);
    show("status", status);
}

int main(int argc, char **argv)
{
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
        if (argc < 2 || strcmp(argv[1], ways[i].name) == 0)
            in_child(ways[i].name, ways[i].wait, NULL);
    for (size_t i = 0; i < sizeof threads / sizeof *threads; i++)
        if (argc < 2 || strcmp(argv[1], threads[i].name) == 0)
            in_child(threads[i].name, NULL, threads[i].wait);
    if (argc < 2 || strcmp(argv[1], "handler") == 0) {
        signal(SIGUSR1, on_signal);
        alarm(HANGS_AFTER_S);
        start_server(false);
        close_half_in_a_handler();
        waitpid(peer.server, NULL, 0);
        say("has ended: %d", has_ended());
        remove_queues();
    }
    if (argc < 2 || strcmp(argv[1], "wakes") == 0) {
        signal(SIGUSR1, on_signal);
        alarm(HANGS_AFTER_S);
        start_server(false);
        wait_in_a_thread_that_wakes();
        waitpid(peer.server, NULL, 0);
        say("has ended: %d", has_ended());
        remove_queues();
    }
    return 0;
}
