/* SPDX-License-Identifier: MIT
 * Sums over the statistics that processes have appended to a JSON file. */
#ifndef TWPOOL_TEST_STATISTICS_H
#define TWPOOL_TEST_STATISTICS_H

#include <stddef.h>

/* What one destination of one process counts, the reasons added up by group. */
struct tally {
    long opened, failed, reused, parked, deferred, idle;
    long not_parked, ended_idle, not_reused;
    long ruled_off; /* of not_parked */
};

/* A file for TWPOOL_STATS that does not exist yet, in a directory that anybody may write in. */
const char *statistics_file(void);

/* Reads and removes that file and its directory. Returns how many destinations were counted, all
 * processes together, and fills *tallies with theirs, which live until the test ends. */
size_t statistics_take(const char *file, struct tally **tallies);

#endif
