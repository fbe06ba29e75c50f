/* SPDX-License-Identifier: MIT
 * Asks the library about itself by twpool/twpool.h, as programs compiled with other versions of it
 * do. */
#include "program.h"

#include "../../include/twpool/twpool.h"

#include <stddef.h>

static struct twpool_counts counted(void)
{
    struct twpool_counts counts = {.size = sizeof counts};
    twpool_count(&counts);
    expect(counts.size == sizeof counts, "all of it is known");
    return counts;
}

/* Compiled with a header that knew the first two figures. */
static void ask_as_of_old(void)
{
    struct twpool_counts counts;
    memset(&counts, 0xa5, sizeof counts);
    counts.size = offsetof(struct twpool_counts, reused);
    twpool_count(&counts);
    expect(counts.size == offsetof(struct twpool_counts, reused), "no more is known to the caller");
    expect(counts.opened == 1 && counts.failed == 1, "its own fields");
    expect(counts.reused == 0xa5a5a5a5a5a5a5a5, "what is not its own is not written");
}

/* Compiled with a header that has more. */
static void ask_as_of_tomorrow(void)
{
    struct {
        struct twpool_counts counts;
        uint64_t more;
    } counts = {.counts.size = sizeof counts, .more = 77};
    twpool_count(&counts.counts);
    expect(counts.counts.size == sizeof counts.counts, "the library says what it has written");
    expect(counts.counts.reused == 1 && counts.more == 77, "and writes no more");
}

static void ask_without_room(void)
{
    struct twpool_counts counts = {.size = 7, .opened = 77};
    twpool_count(&counts);
    expect(counts.size == 7 && counts.opened == 77, "nothing is written");
}

int main(void)
{
    uint16_t port = serve(SERVICE_HTTP);
    struct sockaddr_in nobody = loopback(1);
    expect(twpool_version != NULL && twpool_version()[0] != '\0', "it is preloaded");
    fetch(port, "/one");
    fetch(port, "/two");
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    expect(connect(fd, (struct sockaddr *)&nobody, sizeof nobody) == -1, "nobody listens there");
    close(fd);
    struct twpool_counts now = counted();
    expect(now.opened == 1 && now.failed == 1 && now.reused == 1, "connects");
    expect(now.parked == 2 && now.deferred == 0 && now.not_parked == 0, "closes");
    expect(now.ended_idle == 0 && now.idle == 1, "one idles");
    ask_as_of_old();
    ask_as_of_tomorrow();
    ask_without_room();
    twpool_flush();
    now = counted();
    expect(now.ended_idle == 1 && now.idle == 0, "none idles");
    fd = connect_to(port);
    ask(fd, "/close");
    answer(fd);
    close(fd);
    now = counted();
    /* It waits for the server's close, unless that was quicker. */
    expect(now.not_parked == 1 && now.deferred <= 1, "the server closes");
    say("all as it must be");
    return 0;
}
