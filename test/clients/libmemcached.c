/* SPDX-License-Identifier: MIT
 * ADDRESS PORT COUNT: a client of libmemcached for each question. */
#include <libmemcached/memcached.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
    if (argc != 4)
        return 2;
    in_port_t port = (in_port_t)atoi(argv[2]);
    int count = atoi(argv[3]);
    for (int number = 0; number < count; number++) {
        char value[20];
        int length = snprintf(value, sizeof value, "%d", number);
        memcached_st *client = memcached_create(NULL);
        memcached_server_add(client, argv[1], port);
        memcached_return_t result =
            memcached_set(client, "number", strlen("number"), value, (size_t)length, 0, 0);
        size_t got_length = 0;
        uint32_t flags = 0;
        char *got = memcached_get(client, "number", strlen("number"), &got_length, &flags, &result);
        if (got == NULL) {
            fprintf(stderr, "%s\n", memcached_strerror(client, result));
            return 1;
        }
        printf("%.*s\n", (int)got_length, got);
        free(got);
        memcached_free(client);
    }
    return 0;
}
