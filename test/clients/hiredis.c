/* SPDX-License-Identifier: MIT
 * ADDRESS PORT COUNT: a context of hiredis for each question. */
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    if (argc != 4)
        return 2;
    int port = atoi(argv[2]), count = atoi(argv[3]);
    for (int number = 0; number < count; number++) {
        redisContext *context = redisConnect(argv[1], port);
        redisReply *set = redisCommand(context, "SET number %d", number);
        redisReply *got = redisCommand(context, "GET number");
        if (set == NULL || got == NULL) {
            fprintf(stderr, "%s\n", context == NULL ? "no memory" : context->errstr);
            return 1;
        }
        printf("%s %s\n", set->str, got->str);
        freeReplyObject(set);
        freeReplyObject(got);
        redisFree(context);
    }
    return 0;
}
