/* SPDX-License-Identifier: MIT
 * Network namespaces by unshare, setns, ip and ss. */
#include "network.h"

#include "process.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { DESCRIPTOR_MIN = 100 }; /* out of the way of what a test counts */

static void write_file(const char *path, const char *value)
{
    int fd = open(path, O_WRONLY);
    if (fd < 0 || write(fd, value, strlen(value)) < 0)
        ck_abort_msg("%s: %s", path, strerror(errno));
    close(fd);
}

static int current_network(void)
{
    int at = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    int network = fcntl(at, F_DUPFD_CLOEXEC, DESCRIPTOR_MIN);
    if (network < 0)
        ck_abort_msg("/proc/self/ns/net: %s", strerror(errno));
    close(at);
    return network;
}

void network_enter(int network)
{
    if (setns(network, CLONE_NEWNET) != 0)
        ck_abort_msg("setns: %s (this test needs CAP_SYS_ADMIN)", strerror(errno));
}

int network_private(void)
{
    if (unshare(CLONE_NEWNET) != 0)
        ck_abort_msg("no private network namespace: %s (this test needs CAP_SYS_ADMIN and "
                     "CAP_NET_ADMIN: run it as root, in a container with --privileged)",
                     strerror(errno));
    run_tool(&(struct command){.argv = {"ip", "link", "set", "lo", "up"}});
    write_file("/proc/sys/net/ipv4/tcp_tw_reuse", "0");
    return current_network();
}

struct network_pair network_pair(void)
{
    struct network_pair pair;
    pair.server = network_private();
    pair.client = network_private();
    run_tool(&(struct command){.argv = {"ip", "link", "add", "veth0", "type", "veth", "peer",
                                        "name", "veth1", "netns",
                                        text("/proc/%d/fd/%d", getpid(), pair.server)}});
    run_tool(
        &(struct command){.argv = {"ip", "address", "add", CLIENT_ADDRESS "/24", "dev", "veth0"}});
    run_tool(&(struct command){.argv = {"ip", "link", "set", "veth0", "up"}});
    run_tool(
        &(struct command){.argv = {"ip", "address", "add", SERVER_ADDRESS "/24", "dev", "veth1"},
                          .network = pair.server});
    run_tool(
        &(struct command){.argv = {"ip", "link", "set", "veth1", "up"}, .network = pair.server});
    return pair;
}

struct network_pair network_pair_delayed(int delay_us)
{
    return network_pair_slow(delay_us, 0);
}

struct network_pair network_pair_slow(int delay_us, int gap_us)
{
    struct network_pair pair;
    int ready[2];
    char byte;
    pair.server = network_private();
    pair.client = network_private();
    ck_assert_int_eq(pipe2(ready, 0), 0);
    pid_t relay = fork();
    ck_assert_int_ge(relay, 0);
    if (relay == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(ready[1], STDOUT_FILENO);
        fcntl(pair.client, F_SETFD, 0);
        fcntl(pair.server, F_SETFD, 0);
        const char *path = program_path("relay");
        execl(path, path, text("%d", pair.client), CLIENT_ADDRESS, text("%d", pair.server),
              SERVER_ADDRESS, text("%d", delay_us), text("%d", gap_us), NULL);
        _exit(127);
    }
    close(ready[1]);
    /* The relay says so when both devices are up; the end of the pipe means that it gave up. */
    ck_assert_msg(read(ready[0], &byte, 1) == 1, "the relay did not start (it needs /dev/net/tun "
                                                 "and CAP_NET_ADMIN)");
    close(ready[0]);
    return pair;
}

/* Runs count() in a namespace. */
static unsigned count_in(int network, unsigned (*count)(void))
{
    int home = current_network();
    network_enter(network);
    unsigned result = count();
    network_enter(home);
    close(home);
    return result;
}

static unsigned count_time_wait(void)
{
    struct outcome ss = run(&(struct command){.argv = {"ss", "-Htan", "state", "time-wait"}}, 20);
    ck_assert_msg(ss.status == 0, "ss: %s", ss.err);
    unsigned count = (unsigned)occurrences(ss.out, "\n");
    free(ss.out);
    free(ss.err);
    return count;
}

/* One number of the second line that begins with "Tcp:". */
static unsigned tcp_statistic(const char *wanted)
{
    char names[1024], values[1024], *name_at, *value_at;
    FILE *file = fopen("/proc/self/net/snmp", "re");
    ck_assert_ptr_nonnull(file);
    do
        ck_assert_ptr_nonnull(fgets(names, sizeof names, file));
    while (strncmp(names, "Tcp:", 4) != 0);
    ck_assert_ptr_nonnull(fgets(values, sizeof values, file));
    fclose(file);
    const char *name = strtok_r(names, " \n", &name_at);
    const char *value = strtok_r(values, " \n", &value_at);
    while (name != NULL && value != NULL && strcmp(name, wanted) != 0) {
        name = strtok_r(NULL, " \n", &name_at);
        value = strtok_r(NULL, " \n", &value_at);
    }
    ck_assert_msg(name != NULL && value != NULL, "/proc/net/snmp has no %s", wanted);
    return (unsigned)strtoul(value, NULL, 10);
}

static unsigned count_accepted(void)
{
    return tcp_statistic("PassiveOpens");
}

static unsigned count_opened(void)
{
    return tcp_statistic("ActiveOpens");
}

unsigned network_time_wait(int network)
{
    return count_in(network, count_time_wait);
}

unsigned network_accepted(int network)
{
    return count_in(network, count_accepted);
}

unsigned network_opened(int network)
{
    return count_in(network, count_opened);
}

void network_port_range(int network, unsigned first, unsigned last)
{
    int home = current_network();
    network_enter(network);
    write_file("/proc/sys/net/ipv4/ip_local_port_range", text("%u %u", first, last));
    network_enter(home);
    close(home);
}

void network_await_listener(int network, uint16_t port)
{
    double deadline = seconds_now() + 10;
    while (seconds_now() < deadline) {
        struct outcome ss =
            run(&(struct command){.argv = {"ss", "-Htln", "sport", "=", text(":%u", port)},
                                  .network = network},
                10);
        if (ss.out_len > 0)
            return;
        usleep(20 * 1000);
    }
    ck_abort_msg("nothing listens on port %u after ten seconds", port);
}
