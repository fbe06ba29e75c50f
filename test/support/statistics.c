/* SPDX-License-Identifier: MIT
 * Reads our own JSON by its names: that it is JSON at all is another test's business. */
#include "statistics.h"

#include "process.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char dest_start[] = "{\"address\":";

const char *statistics_file(void)
{
    char *directory = strdup("/tmp/twpool-statistics.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    ck_assert_int_eq(chmod(directory, 0777), 0); /* a play may have become somebody else */
    return text("%s/of.json", directory);
}

static char *contents(const char *file)
{
    char *bytes = NULL;
    size_t size = 0;
    FILE *stream = fopen(file, "re");
    if (stream == NULL)
        return strdup(""); /* nobody connected, or everybody was killed */
    if (getdelim(&bytes, &size, '\0', stream) < 0)
        ck_abort_msg("%s is empty", file);
    fclose(stream);
    return bytes;
}

static const char *after(const char *dest, const char *name)
{
    const char *label = text("\"%s\":", name), *at = strstr(dest, label);
    ck_assert_msg(at != NULL, "no %s in %s", label, dest);
    return at + strlen(label);
}

static long number(const char *dest, const char *name)
{
    return strtol(after(dest, name), NULL, 10);
}

/* Of the numbers in an object that holds nothing else. */
static long sum(const char *dest, const char *name)
{
    long total = 0;
    const char *at = after(dest, name), *end = strchr(at, '}');
    ck_assert_ptr_nonnull(end);
    while ((at = memchr(at, ':', (size_t)(end - at))) != NULL)
        total += strtol(++at, NULL, 10);
    return total;
}

static struct tally tally_of(const char *dest)
{
    return (struct tally){
        .opened = number(dest, "opened"),
        .failed = number(dest, "failed"),
        .reused = number(dest, "reused"),
        .parked = number(dest, "parked"),
        .deferred = number(dest, "deferred"),
        .idle = number(dest, "idle"),
        .not_parked = sum(dest, "not_parked"),
        .ended_idle = sum(dest, "ended_idle"),
        .not_reused = sum(dest, "not_reused"),
        .ruled_off = strstr(dest, "\"rule-off\":") != NULL ? number(dest, "rule-off") : 0,
    };
}

size_t statistics_take(const char *file, struct tally **tallies)
{
    char *all = contents(file);
    const char *directory = text("%.*s", (int)(strrchr(file, '/') - file), file);
    size_t count = occurrences(all, dest_start), used = 0;
    *tallies = calloc(count + 1, sizeof **tallies);
    ck_assert_ptr_nonnull(*tallies);
    for (char *at = strstr(all, dest_start), *next; at != NULL; at = next) {
        next = strstr(at + 1, dest_start);
        if (next != NULL)
            next[-1] = '\0'; /* the comma, or the bracket, before it */
        (*tallies)[used++] = tally_of(at);
        if (next != NULL)
            next[-1] = ',';
    }
    unlink(file);
    rmdir(directory);
    free(all);
    return count;
}
