/* SPDX-License-Identifier: MIT
 * A program that knows nothing of sockets loads one that does: PLUGIN PORT HOW. */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct plugin {
    void *handle;
    void (*visit)(uint16_t port, const char *path);
    int (*open)(uint16_t port, const char *path);
    void (*close)(int fd);
};

static struct plugin bind_plugin(void *handle)
{
    struct plugin plugin = {.handle = handle};
    if (handle == NULL) {
        fprintf(stderr, "the program is broken at dlopen: %s\n", dlerror());
        exit(99);
    }
    *(void **)&plugin.visit = dlsym(handle, "plugin_visit");
    *(void **)&plugin.open = dlsym(handle, "plugin_open");
    *(void **)&plugin.close = dlsym(handle, "plugin_close");
    return plugin;
}

static struct plugin load(const char *path, int flags)
{
    return bind_plugin(dlopen(path, flags));
}

/* Four visits, and one connection that outlives two of them. */
static void use(struct plugin plugin, uint16_t port)
{
    plugin.visit(port, "/first");
    int fd = plugin.open(port, "/kept");
    plugin.visit(port, "/second");
    plugin.close(fd);
    plugin.visit(port, "/third");
    plugin.visit(port, "/fourth");
}

/* What it left idle has no owner any more, and the next one may have it. */
static void use_and_unload(const char *path, uint16_t port)
{
    for (int i = 0; i < 3; i++) {
        struct plugin plugin = load(path, RTLD_LAZY);
        use(plugin, port);
        dlclose(plugin.handle);
        printf("loaded: %s\n", dlopen(path, RTLD_LAZY | RTLD_NOLOAD) == NULL ? "no" : "yes");
        fflush(stdout);
    }
}

/* A second libc has no hooks; numbers that pass from the one to the other are the kernel's. */
static void use_two_namespaces(const char *path, uint16_t port)
{
    struct plugin here = load(path, RTLD_NOW);
    struct plugin there = bind_plugin(dlmopen(LM_ID_NEWLM, path, RTLD_NOW));
    use(there, port);
    use(here, port);
    for (int i = 0; i < 3; i++) {
        int fd = here.open(port, "/opened-here");
        there.close(fd);
        there.visit(port, "/at-the-same-number");
        here.visit(port, "/at-the-same-number");
        fd = here.open(port, "/opened-here");
        there.close(fd);
        fd = there.open(port, "/took-its-number");
        here.close(fd);
        fd = there.open(port, "/opened-there");
        here.close(fd);
        there.visit(port, "/at-the-same-number");
        here.visit(port, "/at-the-same-number");
    }
    use(here, port);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int flags;
    } ways[] = {{"lazy", RTLD_LAZY},
                {"now", RTLD_NOW},
                {"local", RTLD_LAZY | RTLD_LOCAL},
                {"global", RTLD_LAZY | RTLD_GLOBAL},
                {"deep", RTLD_NOW | RTLD_DEEPBIND}};
    if (argc != 4)
        return 99;
    uint16_t port = (uint16_t)atoi(argv[2]);
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
        if (strcmp(argv[3], ways[i].name) == 0)
            return use(load(argv[1], ways[i].flags), port), 0;
    if (strcmp(argv[3], "unloaded") == 0)
        return use_and_unload(argv[1], port), 0;
    if (strcmp(argv[3], "namespace") == 0)
        return use_two_namespaces(argv[1], port), 0;
    return 99;
}
