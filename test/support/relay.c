/* SPDX-License-Identifier: MIT
 * A wire with a length: two TUN devices in two namespaces, and packets held back on their way. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    LIFE_S = 120,        /* no test takes so long: a relay never outlives its test for ever */
    PACKET_MAX = 2048,   /* the device's MTU of 1500, with room */
    QUEUE_MAX = 8 * 1024 /* packets under way: beyond that they are dropped, as on any wire */
};

struct packet {
    uint64_t due_ns;
    size_t len;
    char bytes[PACKET_MAX];
};

/* The packets of one direction, all held back equally: the oldest is always the next one due. */
struct queue {
    struct packet packets[QUEUE_MAX];
    size_t head, count;
    uint64_t free_ns; /* when the wire has carried the last of them */
};

static struct queue queues[2];

static void fail(const char *what)
{
    fprintf(stderr, "relay: %s: %s\n", what, strerror(errno));
    exit(1);
}

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

/* Opens a TUN device with that address in that namespace, and brings it up. */
static int open_end(int network, const char *address)
{
    if (setns(network, CLONE_NEWNET) != 0)
        fail("setns");
    int tun = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (tun < 0)
        fail("/dev/net/tun");
    struct ifreq request = {.ifr_name = "wire0", .ifr_flags = IFF_TUN | IFF_NO_PI};
    if (ioctl(tun, TUNSETIFF, &request) != 0)
        fail("TUNSETIFF");
    int control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in *addr = (struct sockaddr_in *)&request.ifr_addr;
    memset(addr, 0, sizeof request.ifr_addr);
    addr->sin_family = AF_INET;
    inet_pton(AF_INET, address, &addr->sin_addr);
    if (ioctl(control, SIOCSIFADDR, &request) != 0)
        fail("SIOCSIFADDR");
    inet_pton(AF_INET, "255.255.255.0", &addr->sin_addr);
    if (ioctl(control, SIOCSIFNETMASK, &request) != 0)
        fail("SIOCSIFNETMASK");
    request.ifr_flags = IFF_UP | IFF_RUNNING;
    if (ioctl(control, SIOCSIFFLAGS, &request) != 0)
        fail("SIOCSIFFLAGS");
    close(control);
    return tun;
}

/* Takes everything that the device has to send. */
static void receive(struct queue *queue, int tun, uint64_t delay_ns, uint64_t gap_ns)
{
    static struct packet dropped;
    for (;;) {
        bool full = queue->count == QUEUE_MAX;
        size_t tail = (queue->head + queue->count) % QUEUE_MAX;
        struct packet *packet = full ? &dropped : &queue->packets[tail];
        ssize_t len = read(tun, packet->bytes, PACKET_MAX);
        if (len <= 0)
            return;
        packet->len = (size_t)len;
        uint64_t now = now_ns(), start_ns = queue->free_ns > now ? queue->free_ns : now;
        packet->due_ns = start_ns + delay_ns;
        queue->free_ns = start_ns + gap_ns;
        queue->count += !full;
    }
}

/* Delivers what is due to the other device. */
static void deliver(struct queue *queue, int tun)
{
    while (queue->count > 0 && queue->packets[queue->head].due_ns <= now_ns()) {
        struct packet *packet = &queue->packets[queue->head];
        ssize_t ignored = write(tun, packet->bytes, packet->len);
        (void)ignored;
        queue->head = (queue->head + 1) % QUEUE_MAX;
        queue->count--;
    }
}

static uint64_t earlier_due(uint64_t due_ns, const struct queue *queue)
{
    if (queue->count == 0 || queue->packets[queue->head].due_ns > due_ns)
        return due_ns;
    return queue->packets[queue->head].due_ns;
}

int main(int argc, char **argv)
{
    if (argc != 7) {
        fputs("usage: relay NETWORK ADDRESS NETWORK ADDRESS DELAY_US GAP_US\n", stderr);
        return 2;
    }
    int tuns[2] = {open_end(atoi(argv[1]), argv[2]), open_end(atoi(argv[3]), argv[4])};
    uint64_t delay_ns = strtoull(argv[5], NULL, 10) * 1000U;
    uint64_t gap_ns = strtoull(argv[6], NULL, 10) * 1000U;
    uint64_t end_ns = now_ns() + LIFE_S * 1000000000ULL;
    /* The default slack of 50 us would add to every packet's time. */
    prctl(PR_SET_TIMERSLACK, 1);
    if (write(STDOUT_FILENO, "\n", 1) != 1)
        fail("stdout");
    while (now_ns() < end_ns) {
        struct pollfd polled[2] = {{.fd = tuns[0], .events = POLLIN},
                                   {.fd = tuns[1], .events = POLLIN}};
        uint64_t due_ns = earlier_due(earlier_due(end_ns, &queues[0]), &queues[1]);
        uint64_t now = now_ns(), left_ns = due_ns > now ? due_ns - now : 0;
        struct timespec left = {.tv_sec = (time_t)(left_ns / 1000000000U),
                                .tv_nsec = (long)(left_ns % 1000000000U)};
        ppoll(polled, 2, &left, NULL);
        receive(&queues[0], tuns[0], delay_ns, gap_ns);
        receive(&queues[1], tuns[1], delay_ns, gap_ns);
        deliver(&queues[0], tuns[1]);
        deliver(&queues[1], tuns[0]);
    }
    return 0;
}
