/* SPDX-License-Identifier: MIT
 * What early_life and its library share: exchanges with the server that TEST_PORT names. */
#ifndef TWPOOL_TEST_EARLY_LIFE_HPP
#define TWPOOL_TEST_EARLY_LIFE_HPP

extern "C" {
#include "program.h"
}

#include <dirent.h>

/* libc knows the environment only once it is constructed itself. */
static inline uint16_t test_port(char **environment = environ)
{
    static const char variable[] = "TEST_PORT=";
    for (char **entry = environment; *entry != nullptr; entry++)
        if (strncmp(*entry, variable, sizeof variable - 1) == 0)
            return static_cast<uint16_t>(atoi(*entry + sizeof variable - 1));
    broken("TEST_PORT");
}

/* One whole life of a connection, from within whatever is running. */
static inline void visit(const char *path)
{
    fetch(test_port(), path);
}

/* Opened and used where it is made, used and closed elsewhere. */
static inline int keep(const char *path)
{
    int fd = connect_to(test_port());
    ask(fd, path);
    answer(fd);
    return fd;
}

static inline void end(int fd, const char *path)
{
    ask(fd, path);
    answer(fd);
    SHOW(close(fd));
}

/* All of them, as the kernel lists them. */
static inline void show_every_descriptor()
{
    DIR *directory = opendir("/proc/self/fd");
    unsigned count = 0;
    while (readdir(directory) != nullptr)
        count++;
    closedir(directory);
    say("descriptors: %u", count - 3); /* without . and .. and this one */
}

#endif
