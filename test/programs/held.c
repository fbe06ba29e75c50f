/* SPDX-License-Identifier: MIT
 * Plays in which the kernel holds one thread inside a system call of the library's, while another
 * thread does what would be a race: seccomp_unotify(2). */
#include "program.h"

#include <sched.h>
#include <spawn.h>

#include <dlfcn.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

/* The race is the very thing that is shown: to ThreadSanitizer the use of a descriptor under
 * another thread's connect() or close() is one. */
const char *__tsan_default_suppressions(void);
const char *__tsan_default_suppressions(void)
{
    return "race:_held\nrace:number_taken_in_fclose_of\nrace:exchange_on_it\nrace:close_soon\nrace:"
           "send_soon\n";
}

static uint16_t port_of_all;
static int shared_fd;

/* The call that is held: the first of its number that the held thread makes when armed, with this
 * second argument (where it has one that matters). */
static struct {
    int listener;
    struct seccomp_notif notification;
} held;

/* From here on, in this thread alone, the call waits for the listener. */
static void arm(int number, long second, bool any_second)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)number, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1])),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)second, 0, any_second ? 0 : 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
    struct sock_fprog program = {.len = sizeof filter / sizeof *filter, .filter = filter};
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    int listener = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                                SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
    expect(listener >= 0, "seccomp");
    __atomic_store_n(&held.listener, listener, __ATOMIC_SEQ_CST);
}

/* In the other thread: waits until the call is made. */
static void await_held_call(void)
{
    while (__atomic_load_n(&held.listener, __ATOMIC_SEQ_CST) == 0)
        sleep_ms(1);
    memset(&held.notification, 0, sizeof held.notification);
    expect(ioctl(held.listener, SECCOMP_IOCTL_NOTIF_RECV, &held.notification) == 0, "RECV");
}

static void let_go(void)
{
    struct seccomp_notif_resp response = {.id = held.notification.id,
                                          .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE};
    expect(ioctl(held.listener, SECCOMP_IOCTL_NOTIF_SEND, &response) == 0, "SEND");
}

/* What the call was to do has been done: it returns 0. */
static void done(void)
{
    struct seccomp_notif_resp response = {.id = held.notification.id};
    expect(ioctl(held.listener, SECCOMP_IOCTL_NOTIF_SEND, &response) == 0, "SEND");
}

/* The same call again, and again, is let through. */
static void *let_all_go(void *unused)
{
    for (;;) {
        memset(&held.notification, 0, sizeof held.notification);
        if (ioctl(held.listener, SECCOMP_IOCTL_NOTIF_RECV, &held.notification) == 0)
            let_go();
    }
    return unused;
}

static pthread_t start(void *(*run)(void *))
{
    pthread_t thread;
    expect(pthread_create(&thread, NULL, run, NULL) == 0, "pthread_create");
    return thread;
}

/* What remains of the held thread's life goes through. */
static void join_letting_go(pthread_t thread)
{
    let_go();
    start(let_all_go);
    pthread_join(thread, NULL);
}

static int used(void)
{
    int fd = connect_to(port_of_all);
    ask(fd, "/used");
    answer(fd);
    return fd;
}

static void *close_with_parking_held(void *unused)
{
    arm(SYS_fcntl, F_DUPFD_CLOEXEC, false);
    expect(close(shared_fd) == 0, "close");
    return unused;
}

/* A call that begins during a release waits for it, and gives up waiting after a while. */
static void call_while_parking(uint16_t port)
{
    port_of_all = port;
    shared_fd = used();
    pthread_t closer = start(close_with_parking_held);
    await_held_call();
    expect(fcntl(shared_fd, F_GETFL) >= 0, "the number is still open");
    join_letting_go(closer);
}

static void *send_soon(void *unused)
{
    expect(send(shared_fd, "x", 1, MSG_NOSIGNAL) == -1 && errno == EBADF, "EBADF");
    return unused;
}

/* One that waits a little finds the number closed. */
static void call_just_after_parking(uint16_t port)
{
    port_of_all = port;
    shared_fd = used();
    pthread_t closer = start(close_with_parking_held);
    await_held_call();
    pthread_t sender = start(send_soon);
    sleep_ms(20); /* it waits for 200 ms at most */
    join_letting_go(closer);
    pthread_join(sender, NULL);
}

static void *close_with_signals_held(void *unused)
{
    arm(SYS_rt_sigprocmask, 0, true);
    int closed = close(shared_fd);
    expect(closed == -1 && errno == EBADF, "the second close");
    return unused;
}

static void *close_first_with_signals_held(void *unused)
{
    arm(SYS_rt_sigprocmask, 0, true);
    expect(close(shared_fd) == 0, "close");
    return unused;
}

/* Between its looking the connection up and its holding it, the connection was parked, and has
 * begun another life behind another number. */
static void closed_and_reused_meanwhile(uint16_t port)
{
    port_of_all = port;
    shared_fd = used();
    pthread_t closer = start(close_with_signals_held);
    await_held_call();
    expect(close(shared_fd) == 0, "the first close");
    int null = open("/dev/null", O_RDONLY), fd = connect_to(port); /* takes the number, first */
    expect(null == shared_fd && fd != shared_fd, "numbers");
    expect(syscall(SYS_close, null) == 0, "close");
    join_letting_go(closer);
    ask(fd, "/next-life");
    expect(answer(fd), "answer");
    close(fd);
}

static void *connect_with_dup3_held(void *unused)
{
    struct sockaddr_in addr = loopback(port_of_all);
    arm(SYS_dup3, shared_fd, false);
    expect(connect(shared_fd, (struct sockaddr *)&addr, sizeof addr) == 0, "connect");
    return unused;
}

static void *close_soon(void *unused)
{
    expect(close(shared_fd) == 0, "close");
    return unused;
}

/* The application's number is held from the lookup to the dup3: who closes it waits, so that no
 * other file is overwritten. */
static void closed_while_handed_out(uint16_t port)
{
    port_of_all = port;
    fetch(port, "/one");
    shared_fd = socket(AF_INET, SOCK_STREAM, 0);
    pthread_t connecter = start(connect_with_dup3_held);
    await_held_call();
    pthread_t closer = start(close_soon);
    sleep_ms(50);
    expect(fcntl(0, F_GETFD) >= 0, "fcntl");
    int file = open("/dev/null", O_RDONLY);
    expect(file != shared_fd, "its number is not free yet");
    join_letting_go(connecter);
    pthread_join(closer, NULL);
    expect(fcntl(shared_fd, F_GETFD) == -1, "closed in the end");
    expect(lseek(file, 0, SEEK_SET) == 0, "the file is still a file");
}

static void *exchange_on_it(void *unused)
{
    ask(shared_fd, "/by-another-thread");
    expect(answer(shared_fd), "answer");
    return unused;
}

/* A non-blocking socket may be used by another thread while its connect() is made: it waits, and
 * uses the connection that was handed out. */
static void used_while_handed_out(uint16_t port)
{
    port_of_all = port;
    fetch(port, "/one");
    shared_fd = socket(AF_INET, SOCK_STREAM, 0);
    pthread_t connecter = start(connect_with_dup3_held);
    await_held_call();
    pthread_t user = start(exchange_on_it);
    sleep_ms(50);
    join_letting_go(connecter);
    pthread_join(user, NULL);
    close(shared_fd);
}

static void *close_with_number_held(void *unused)
{
    arm(SYS_close, 0, true);
    expect(close(shared_fd) == 0, "close");
    return unused;
}

/* The number is given out again the moment after the parking has closed it: to another thread, for
 * a socket of its own. */
static void number_taken_while_parking(uint16_t port)
{
    void *libc = dlopen("libc.so.6", RTLD_NOW | RTLD_LOCAL);
    int (*unseen_close)(int);
    *(void **)&unseen_close = dlsym(libc, "close");
    struct sockaddr_in addr = loopback(port);
    port_of_all = port;
    shared_fd = used();
    pthread_t closer = start(close_with_number_held);
    await_held_call();
    expect(held.notification.data.args[0] == (uint64_t)shared_fd, "the number that is closed");
    expect(unseen_close(shared_fd) == 0, "close");
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    expect(fd == shared_fd, "the same number");
    done();
    start(let_all_go);
    pthread_join(closer, NULL);
    expect(connect(fd, (struct sockaddr *)&addr, sizeof addr) == 0, "connect");
    ask(fd, "/next");
    expect(answer(fd), "answer");
    close(fd);
    fetch(port, "/last");
}

static FILE *shared_stream;

static void *fclose_with_number_held(void *unused)
{
    arm(SYS_close, 0, true);
    expect(fclose(shared_stream) == 0, "fclose");
    return unused;
}

/* stdio has closed the number, and a new socket has it: what was known of it is the new one's. */
static void number_taken_in_fclose_of(int wrapped, uint16_t port)
{
    void *libc = dlopen("libc.so.6", RTLD_NOW | RTLD_LOCAL);
    int (*unseen_close)(int);
    *(void **)&unseen_close = dlsym(libc, "close");
    struct sockaddr_in addr = loopback(port);
    shared_stream = fdopen(wrapped, "r+");
    pthread_t closer = start(fclose_with_number_held);
    await_held_call();
    expect(held.notification.data.args[0] == (uint64_t)wrapped, "the number that is closed");
    expect(unseen_close(wrapped) == 0, "close");
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    expect(fd == wrapped, "the same number");
    done();
    start(let_all_go);
    pthread_join(closer, NULL);
    expect(connect(fd, (struct sockaddr *)&addr, sizeof addr) == 0, "connect");
    ask(fd, "/next");
    expect(answer(fd), "answer");
    close(fd);
    fetch(port, "/last");
}

static void number_taken_in_fclose(uint16_t port)
{
    port_of_all = port;
    number_taken_in_fclose_of(used(), port);
}

static void copy_taken_in_fclose(uint16_t port)
{
    port_of_all = port;
    int fd = used();
    number_taken_in_fclose_of(dup(fd), port);
    ask(fd, "/still-there");
    expect(answer(fd), "answer");
    close(fd);
}

/* Another descriptor of it is made meanwhile: that one stays. */
static void duplicated_while_closed(uint16_t port)
{
    port_of_all = port;
    shared_fd = used();
    pthread_t closer = start(close_first_with_signals_held);
    await_held_call();
    int copy = dup(shared_fd);
    join_letting_go(closer);
    fetch(port, "/meanwhile");
    ask(copy, "/still-there");
    expect(answer(copy), "answer");
    close(copy);
}

/* Exits with 0 when no number is open that could be one of ours. */
static pid_t fork_looking_for_ours(void)
{
    pid_t child = fork();
    if (child != 0)
        return child;
    for (int fd = 100; fd < 20000; fd++)
        if (fcntl(fd, F_GETFD) >= 0)
            _exit(1);
    _exit(0);
}

static void fork_meanwhile(void)
{
    int status = -1;
    pid_t child = fork_looking_for_ours();
    expect(waitpid(child, &status, 0) == child && status == 0, "a child without ours");
}

static void forked_while_parking(uint16_t port)
{
    port_of_all = port;
    shared_fd = used();
    pthread_t closer = start(close_with_parking_held);
    await_held_call();
    fork_meanwhile();
    join_letting_go(closer);
}

/* When it waits behind our number already, and has not left the program's. */
static void forked_between_numbers(uint16_t port)
{
    port_of_all = port;
    shared_fd = used();
    pthread_t closer = start(close_with_number_held);
    await_held_call();
    fork_meanwhile();
    join_letting_go(closer);
}

/* A response is seen whole, and before the library drops it somebody unseen reads of it. */
static pthread_t leave_body_held(uint16_t port, const char *path, size_t taken)
{
    void *libc = dlopen("libc.so.6", RTLD_NOW | RTLD_LOCAL);
    ssize_t (*unseen_recv)(int, void *, size_t, int);
    *(void **)&unseen_recv = dlsym(libc, "recv");
    char bytes[38];
    shared_fd = connect_to(port);
    ask(shared_fd, path);
    expect(recv(shared_fd, bytes, 38, MSG_WAITALL) == 38, "a head but for its last byte");
    sleep_ms(50);
    pthread_t closer = start(close_with_number_held);
    await_held_call();
    expect(unseen_recv(shared_fd, bytes, taken, MSG_DONTWAIT) == (ssize_t)taken, "unseen");
    return closer;
}

static void read_while_draining(uint16_t port)
{
    join_letting_go(leave_body_held(port, "/body-10", 11));
}

/* As many are unread then as before, and others. */
static void replaced_while_draining(uint16_t port)
{
    pthread_t closer = leave_body_held(port, "/body-10-more", 1);
    sleep_ms(500);
    join_letting_go(closer);
}

static void *fetch_with_cookie_held(void *unused)
{
    arm(SYS_getsockopt, SOL_SOCKET, false);
    fetch(port_of_all, "/one");
    return unused;
}

static void forked_while_tracking(uint16_t port)
{
    port_of_all = port;
    pthread_t fetcher = start(fetch_with_cookie_held);
    await_held_call();
    fork_meanwhile();
    join_letting_go(fetcher);
}

static void forked_while_handed_out(uint16_t port)
{
    port_of_all = port;
    fetch(port, "/one");
    shared_fd = socket(AF_INET, SOCK_STREAM, 0);
    /* The fork makes it shared; this one begins after. */
    pthread_t connecter = start(connect_with_dup3_held);
    await_held_call();
    fork_meanwhile();
    join_letting_go(connecter);
    ask(shared_fd, "/two");
    answer(shared_fd);
    close(shared_fd);
}

static void *close_with_linger2_held(void *unused)
{
    arm(SYS_setsockopt, IPPROTO_TCP, false);
    expect(close(shared_fd) == 0, "close");
    return unused;
}

/* The flush comes before it is in the pool. */
static void identity_changed_while_parking(uint16_t port)
{
    port_of_all = port;
    shared_fd = used();
    pthread_t closer = start(close_with_linger2_held);
    await_held_call();
    expect(setns(open("/proc/self/ns/mnt", O_RDONLY), 0) == 0 || errno == EINVAL, "setns");
    expect(setns(open("/proc/self/ns/net", O_RDONLY), 0) == 0, "setns");
    join_letting_go(closer);
    fetch(port, "/next");
}

static void *spawn_with_clone_held(void *unused)
{
    char *argv[] = {"true", NULL};
    pid_t child;
    arm(SYS_clone3, 0, true);
    expect(posix_spawn(&child, "/bin/true", NULL, NULL, argv, argv + 1) == 0, "posix_spawn");
    expect(waitpid(child, NULL, 0) == child, "waitpid");
    return unused;
}

/* The child has a copy of what another thread opened just before it was made. */
static void opened_while_spawning(uint16_t port)
{
    port_of_all = port;
    pthread_t spawner = start(spawn_with_clone_held);
    await_held_call();
    int fd = used();
    join_letting_go(spawner);
    close(fd);
}

static void *end_with_statistics_held(void *unused)
{
    arm(SYS_openat, 0, true);
    _exit(0);
    return unused;
}

/* Nothing is parked any more once the end has begun. */
static void closed_while_ending(uint16_t port)
{
    port_of_all = port;
    shared_fd = used();
    pthread_t ender = start(end_with_statistics_held);
    await_held_call();
    close(shared_fd);
    join_letting_go(ender);
}

static int shared_set;

static void make_set(void)
{
    shared_set = epoll_create1(0);
    expect(shared_set >= 0, "epoll_create1");
}

static int add_to_set(int fd, uint32_t events)
{
    struct epoll_event event = {.events = events};
    return epoll_ctl(shared_set, EPOLL_CTL_ADD, fd, &event);
}

static void *add_held(void *unused)
{
    arm(SYS_epoll_ctl, EPOLL_CTL_ADD, false);
    expect(add_to_set(shared_fd, EPOLLIN) == -1 && errno == EBADF, "closed meanwhile");
    return unused;
}

/* A registration that another thread is just making. */
static void closed_while_registered(uint16_t port)
{
    port_of_all = port;
    shared_fd = used();
    make_set();
    pthread_t adder = start(add_held);
    await_held_call();
    expect(close(shared_fd) == 0, "close");
    join_letting_go(adder);
}

static void *close_with_leaving_held(void *unused)
{
    arm(SYS_epoll_ctl, EPOLL_CTL_DEL, false);
    expect(close(shared_fd) == 0, "close");
    return unused;
}

/* The set is closed, and its number another set's, when the connection is to leave it. */
static void set_replaced_while_leaving(uint16_t port)
{
    port_of_all = port;
    make_set();
    shared_fd = used();
    expect(add_to_set(shared_fd, EPOLLIN) == 0, "EPOLL_CTL_ADD");
    pthread_t closer = start(close_with_leaving_held);
    await_held_call();
    int set = shared_set;
    expect(close(set) == 0, "close");
    make_set();
    expect(shared_set == set, "the lowest number");
    join_letting_go(closer);
}

static void *connect_with_carrying_held(void *unused)
{
    struct sockaddr_in addr = loopback(port_of_all);
    arm(SYS_epoll_ctl, EPOLL_CTL_ADD, false);
    expect(connect(shared_fd, (struct sockaddr *)&addr, sizeof addr) == 0, "connect");
    return unused;
}

static void *connect_with_carried_held(void *unused)
{
    struct sockaddr_in addr = loopback(port_of_all);
    arm(SYS_epoll_ctl, EPOLL_CTL_MOD, false);
    expect(connect(shared_fd, (struct sockaddr *)&addr, sizeof addr) == 0, "connect");
    return unused;
}

static pthread_t connect_registered(uint16_t port, void *(*connect_held)(void *))
{
    port_of_all = port;
    make_set();
    fetch(port, "/first");
    shared_fd = socket(AF_INET, SOCK_STREAM, 0);
    expect(add_to_set(shared_fd, EPOLLIN | EPOLLOUT) == 0, "EPOLL_CTL_ADD");
    pthread_t connecter = start(connect_held);
    await_held_call();
    return connecter;
}

static void use_and_close(void)
{
    ask(shared_fd, "/registered");
    answer(shared_fd);
    expect(close(shared_fd) == 0, "close");
}

static void set_closed_while_carried(uint16_t port)
{
    pthread_t connecter = connect_registered(port, connect_with_carrying_held);
    expect(close(shared_set) == 0, "close");
    join_letting_go(connecter);
    use_and_close();
}

/* Nothing gets into the other set. */
static void set_replaced_while_carried(uint16_t port)
{
    pthread_t connecter = connect_registered(port, connect_with_carrying_held);
    int set = shared_set;
    expect(close(set) == 0, "close");
    make_set();
    expect(shared_set == set, "the lowest number");
    join_letting_go(connecter);
    struct epoll_event event = {.events = EPOLLIN};
    expect(epoll_ctl(set, EPOLL_CTL_MOD, shared_fd, &event) == -1 && errno == ENOENT, "ENOENT");
    use_and_close();
}

/* The new socket reports nothing any more, and the connection nothing yet: never both at once. */
static void fetched_while_carried(uint16_t port)
{
    struct epoll_event events[2];
    pthread_t connecter = connect_registered(port, connect_with_carried_held);
    expect(epoll_wait(shared_set, events, 2, 0) == 0, "no event yet");
    join_letting_go(connecter);
    expect(epoll_wait(shared_set, events, 2, 0) == 1 && events[0].events == EPOLLOUT, "one event");
    use_and_close();
}

/* Once it is forked, the child holds the set as well; what is in it already stays. */
static void forked_while_carried(uint16_t port)
{
    pthread_t connecter = connect_registered(port, connect_with_carrying_held);
    pid_t child = fork();
    if (child == 0) {
        sleep_ms(100);
        _exit(0);
    }
    join_letting_go(connecter);
    use_and_close();
    waitpid(child, NULL, 0);
}

static const struct play plays[] = {
    {"call_while_parking", call_while_parking},
    {"call_just_after_parking", call_just_after_parking},
    {"closed_and_reused_meanwhile", closed_and_reused_meanwhile},
    {"closed_while_handed_out", closed_while_handed_out},
    {"used_while_handed_out", used_while_handed_out},
    {"number_taken_while_parking", number_taken_while_parking},
    {"number_taken_in_fclose", number_taken_in_fclose},
    {"copy_taken_in_fclose", copy_taken_in_fclose},
    {"duplicated_while_closed", duplicated_while_closed},
    {"forked_while_parking", forked_while_parking},
    {"forked_between_numbers", forked_between_numbers},
    {"read_while_draining", read_while_draining},
    {"replaced_while_draining", replaced_while_draining},
    {"forked_while_tracking", forked_while_tracking},
    {"forked_while_handed_out", forked_while_handed_out},
    {"identity_changed_while_parking", identity_changed_while_parking},
    {"opened_while_spawning", opened_while_spawning},
    {"closed_while_ending", closed_while_ending},
    {"closed_while_registered", closed_while_registered},
    {"set_replaced_while_leaving", set_replaced_while_leaving},
    {"set_closed_while_carried", set_closed_while_carried},
    {"set_replaced_while_carried", set_replaced_while_carried},
    {"fetched_while_carried", fetched_while_carried},
    {"forked_while_carried", forked_while_carried},
};

int main(int argc, char **argv)
{
    return play(argc, argv, plays, sizeof plays / sizeof *plays);
}
