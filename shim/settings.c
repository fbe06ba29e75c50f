/* SPDX-License-Identifier: MIT
 * The beginning and the end: our constructor and destructor. */
#include "settings.h"

#include "kernel.h"
#include "libc.h"
#include "log.h"
#include "process.h"

#include <elf.h>
#include <sys/auxv.h>
#include <unistd.h>

static struct config config;

const struct config *settings(void)
{
    return &config;
}

__attribute__((constructor)) static void start(void)
{
    libc_resolve();
    /* A set-user-ID program must not be steered by its caller's environment: exactly libc. */
    if (getauxval(AT_SECURE) != 0)
        return;
    struct rlimit64 limit = {.rlim_cur = 1024};
    kernel_prlimit(RLIMIT_NOFILE, NULL, &limit);
    config_read(&config, environ, limit.rlim_cur, log_complaint, NULL);
    log_open(config.log);
    if (config.enabled)
        process_start(&config);
}

__attribute__((destructor)) static void finish(void)
{
    process_finish();
}
