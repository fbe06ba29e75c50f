/* SPDX-License-Identifier: MIT
 * A thread that takes its own copy of the descriptors, and closes that: the others keep theirs. */
#include "program.h"

#include <linux/close_range.h>
#include <pthread.h>
#include <sched.h>

static void *close_copies(void *flags)
{
    if (flags != NULL) {
        SHOW(close_range(3, ~0U, CLOSE_RANGE_UNSHARE));
        return NULL;
    }
    SHOW(unshare(CLONE_FILES));
    for (int fd = 3; fd < 64; fd++)
        close(fd);
    return NULL;
}

static void keep_using(uint16_t port, void *flags)
{
    pthread_t thread;
    int fd = connect_to(port);
    ask(fd, "/before");
    answer(fd);
    pthread_create(&thread, NULL, close_copies, flags);
    pthread_join(thread, NULL);
    ask(fd, "/after");
    answer(fd);
    SHOW(close(fd));
    fetch(port, "/next");
    fetch(port, "/last");
    show_descriptors();
}

int main(void)
{
    uint16_t port = serve(SERVICE_HTTP);
    fetch(port, "/kept");
    fetch(port, "/kept-again");
    keep_using(port, "range");
    keep_using(port, NULL);
    return 0;
}
