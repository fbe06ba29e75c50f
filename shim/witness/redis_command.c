/* SPDX-License-Identifier: MIT
 * What a Redis command leaves on its connection. */
#include "redis.h"

#include <string.h>

static const char *const stateless[] = {
#define STATELESS(name) name,
#define STATELESS_WITH(name, argument)
#include "redis_commands.def"
#undef STATELESS
#undef STATELESS_WITH
};

static const char *const stateless_with[][REDIS_WORDS] = {
#define STATELESS(name)
#define STATELESS_WITH(name, argument) {name, argument},
#include "redis_commands.def"
#undef STATELESS
#undef STATELESS_WITH
};

static bool is_stateless(const struct redis_request *request);
static int compare(const struct redis_request *request, int index, const char *word);

enum redis_effect redis_request_effect(const struct redis_request *request)
{
    if (compare(request, 0, "QUIT") == 0) {
        return REDIS_QUIT;
    }
    return is_stateless(request) ? REDIS_NO_STATE : REDIS_LEAVES_STATE;
}

static bool is_stateless(const struct redis_request *request)
{
    size_t low = 0, high = sizeof stateless / sizeof *stateless;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = compare(request, 0, stateless[middle]);
        if (order == 0) {
            return true;
        }
        low = order > 0 ? middle + 1 : low;
        high = order < 0 ? middle : high;
    }
    for (size_t i = 0; i < sizeof stateless_with / sizeof *stateless_with; i++) {
        if (compare(request, 0, stateless_with[i][0]) == 0 &&
            compare(request, 1, stateless_with[i][1]) == 0) {
            return true;
        }
    }
    return false;
}

/* As strcmp() with the word that the request has there; one that was too long equals none. */
static int compare(const struct redis_request *request, int index, const char *word)
{
    uint8_t len = request->word_len[index];
    size_t word_len = strlen(word);
    size_t common = len < word_len ? len : word_len;
    int order = memcmp(request->word[index], word, common);
    return order != 0 ? order : (len > word_len) - (len < word_len);
}
