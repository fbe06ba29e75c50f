/* SPDX-License-Identifier: MIT
 * Tagged requests, and the judgement of what comes back. */
#include "tagged.h"

#include <dirent.h>
#include <stdatomic.h>

uint16_t tagged_port;
int tagged_open_most = 100;

int tagged_next(void)
{
    static atomic_int last;
    return ++last;
}

int tagged_request(char *bytes, size_t size, int tag)
{
    return snprintf(bytes, size, "GET /tag-%d/ HTTP/1.1\r\nHost: t\r\n\r\n", tag);
}

void tagged_send(int fd, int tag)
{
    char bytes[TAGGED_REQUEST_MAX];
    send(fd, bytes, (size_t)tagged_request(bytes, sizeof bytes, tag), MSG_NOSIGNAL);
}

const char *tagged_judge(char *bytes, ssize_t len, int tag)
{
    char expected[30];
    if (len <= 0)
        return len == 0 ? "end" : strerrorname_np(errno);
    bytes[len] = '\0';
    snprintf(expected, sizeof expected, "/tag-%d/\n", tag);
    return strstr(bytes, expected) != NULL ? "answered" : "ANOTHER'S ANSWER";
}

const char *tagged_receive(int fd, int tag, int flags)
{
    char bytes[TAGGED_RESPONSE_MAX];
    return tagged_judge(bytes, recv(fd, bytes, sizeof bytes - 1, flags), tag);
}

const char *tagged_exchange(int fd)
{
    int tag = tagged_next();
    tagged_send(fd, tag);
    return tagged_receive(fd, tag, 0);
}

int tagged_connect(void)
{
    struct sockaddr_in addr = loopback(tagged_port);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&addr, sizeof addr) != 0)
        broken("connect");
    return fd;
}

static int count_open(void)
{
    int count = 0;
    DIR *directory = opendir("/proc/self/fd");
    if (directory == NULL)
        broken("/proc/self/fd");
    while (readdir(directory) != NULL)
        count++;
    closedir(directory);
    return count;
}

const char *tagged_verify(void)
{
    int first = tagged_connect(), second = tagged_connect();
    int first_tag = tagged_next(), second_tag = tagged_next();
    tagged_send(first, first_tag);
    tagged_send(second, second_tag);
    const char *second_answer = tagged_receive(second, second_tag, 0);
    const char *first_answer = tagged_receive(first, first_tag, 0);
    if (close(first) != 0 || close(second) != 0)
        return "NOT CLOSED";
    if (strcmp(first_answer, "answered") != 0 || strcmp(second_answer, "answered") != 0)
        return "MIXED UP";
    return count_open() > tagged_open_most ? "DESCRIPTORS LOST" : "well";
}
