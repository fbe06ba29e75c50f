/* SPDX-License-Identifier: MIT
 * Runs a fuzz target without the fuzzer: each file of the directories that are named, once. */
#include "script.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { INPUT_MAX = 1 << 16 };

static void run_file(const char *directory, const char *name)
{
    static uint8_t buffer[INPUT_MAX];
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        perror(path);
        exit(EXIT_FAILURE);
    }
    size_t len = fread(buffer, 1, sizeof buffer, file);
    fclose(file);
    fprintf(stderr, "%s\n", path); /* the last one, when it aborts */
    uint8_t *input = malloc(len + 1);
    if (input == NULL) {
        abort();
    }
    expect(len < sizeof buffer, "it fits");
    memcpy(input, buffer, len);
    LLVMFuzzerTestOneInput(input, len);
    free(input);
}

int main(int argc, char **argv)
{
    int files = 0;
    for (int i = 1; i < argc; i++) {
        DIR *directory = opendir(argv[i]);
        if (directory == NULL) {
            continue; /* nothing was found yet with this target */
        }
        for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
            if (entry->d_name[0] != '.') {
                run_file(argv[i], entry->d_name);
                files++;
            }
        }
        closedir(directory);
    }
    fprintf(stderr, "%d inputs\n", files);
    return files > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
