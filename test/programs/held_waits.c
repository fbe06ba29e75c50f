/* SPDX-License-Identifier: MIT
 * Plays in which the kernel holds a waiting thread between two parts of its wait, as it ends an
 * idle connection there, while another thread signals or cancels it: seccomp_unotify(2). */
#include "program.h"
#include "ways.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

static uint16_t server;
static int listeners[2]; /* a pipe that carries the listener of each thread */
static volatile sig_atomic_t handled;

static void count_signal(int number)
{
    (void)number;
    handled++;
}

static unsigned long mask_now(void)
{
    sigset_t set;
    unsigned long word;
    pthread_sigmask(SIG_SETMASK, NULL, &set);
    memcpy(&word, &set, sizeof word);
    return word;
}

/* From here on each close() of this thread waits for the listener. */
static void hold_closes(void)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_close, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
    struct sock_fprog program = {.len = sizeof filter / sizeof *filter, .filter = filter};
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    int listener = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                                SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
    expect(listener >= 0, "seccomp");
    expect(write(listeners[1], &listener, sizeof listener) == sizeof listener, "write");
}

static struct seccomp_notif await_close(int listener)
{
    struct seccomp_notif notification = {0};
    expect(ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &notification) == 0, "RECV");
    return notification;
}

static void let_go(int listener, struct seccomp_notif notification)
{
    struct seccomp_notif_resp response = {.id = notification.id,
                                          .flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE};
    ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response); /* fails where a signal ended the call */
}

static void *let_all_go(void *argument)
{
    int listener = (int)(intptr_t)argument;
    for (;;) {
        struct seccomp_notif notification = {0};
        if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &notification) == 0)
            let_go(listener, notification);
        else if (errno != EINTR)
            return NULL;
    }
}

static void show_mask(void *argument)
{
    say("%s: clean-up with mask %lx", (const char *)argument, mask_now());
}

static void *wait_held(void *argument)
{
    const struct way *way = argument;
    leave_idle(server, 1);
    hold_closes();
    pthread_cleanup_push(show_mask, (void *)(uintptr_t)way->name);
    int result = way->wait(-1, 1000), error = errno;
    say("%s = %d%s%s, handled %d, mask %lx", way->name, result, result < 0 ? " " : "",
        result < 0 ? strerrorname_np(error) : "", handled, mask_now());
    pthread_cleanup_pop(0);
    return NULL;
}

static void in_the_gap(uint16_t port, void (*act)(pthread_t thread))
{
    server = port;
    if (pipe(listeners) != 0)
        broken("pipe");
    for (int i = 0; i < way_count; i++) {
        pthread_t thread, other;
        int listener;
        handled = 0;
        expect(pthread_create(&thread, NULL, wait_held, (void *)(uintptr_t)&ways[i]) == 0,
               "pthread_create");
        expect(read(listeners[0], &listener, sizeof listener) == sizeof listener, "read");
        struct seccomp_notif notification = await_close(listener);
        act(thread);
        pause_unseen(20);
        let_go(listener, notification);
        pthread_create(&other, NULL, let_all_go, (void *)(intptr_t)listener);
        pthread_detach(other);
        pthread_join(thread, NULL);
    }
}

static void send_signal(pthread_t thread)
{
    pthread_kill(thread, SIGUSR1);
}

static void cancel(pthread_t thread)
{
    pthread_cancel(thread);
}

static void signalled(uint16_t port)
{
    struct sigaction action = {.sa_handler = count_signal, .sa_flags = SA_RESTART};
    sigaction(SIGUSR1, &action, NULL);
    in_the_gap(port, send_signal);
}

/* No handler takes it: no wait ends by it. */
static void send_ignored(pthread_t thread)
{
    pthread_kill(thread, SIGWINCH);
}

static void signalled_in_vain(uint16_t port)
{
    in_the_gap(port, send_ignored);
}

static void cancelled(uint16_t port)
{
    in_the_gap(port, cancel);
}

static const struct play plays[] = {
    {"signalled", signalled}, {"signalled_in_vain", signalled_in_vain}, {"cancelled", cancelled}};

int main(int argc, char **argv)
{
    return play(argc, argv, plays, sizeof plays / sizeof *plays);
}
