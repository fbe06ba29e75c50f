/* SPDX-License-Identifier: MIT
 * Loads the plugins that lie beside it by RTLD_DEEPBIND: PORT PLAY. It makes no connection itself.
 */
#include "../plugins/deep.h"
#include "program.h"

#include <dlfcn.h>
#include <libgen.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/syscall.h>

static uint16_t port;
static char directory[PATH_MAX];

#ifdef SHADOWING
/* The program's own, which comes before libc's for everybody who looks in the usual order. */
int connect(int fd, const struct sockaddr *addr, socklen_t len)
{
    say("the program's own connect");
    return (int)syscall(SYS_connect, fd, addr, len);
}
#endif

/* Before any constructor, ours included. */
static void *earliest;

static void open_before_all(void)
{
    earliest = dlopen(NULL, RTLD_LAZY);
}

__attribute__((section(".preinit_array"), used)) static void (*const first)(void) = open_before_all;

static void find_directory(void)
{
    ssize_t len = readlink("/proc/self/exe", directory, sizeof directory - sizeof "/plugins");
    if (len < 0)
        broken("readlink");
    directory[len] = '\0';
    strcat(dirname(directory), "/plugins");
}

static const char *path_of(const char *name)
{
    static _Thread_local char path[2 * PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    return path;
}

/* What dlerror() says, without the directory. */
static void show_error(void)
{
    const char *error = dlerror();
    if (error != NULL && strncmp(error, directory, strlen(directory)) == 0)
        error += strlen(directory);
    say("dlerror: %s", error == NULL ? "none" : error);
}

static void *load(const char *file, int flags)
{
    errno = 0;
    void *handle = dlopen(file, flags);
    say("dlopen: %s, errno %d", handle == NULL ? "no" : "yes", errno);
    return handle;
}

static void *load_beside(const char *name, int flags)
{
    void *handle = load(path_of(name), flags);
    if (handle == NULL)
        show_error();
    return handle;
}

static void *deep(const char *name)
{
    return load_beside(name, RTLD_LAZY | RTLD_DEEPBIND);
}

static void visit_by(void *handle, const char *symbol, enum deep_way way)
{
    int (*visit)(uint16_t port, enum deep_way way);
    if (handle == NULL)
        return;
    *(void **)&visit = dlsym(handle, symbol);
    say("%s, way %d: %d", symbol, way, visit == NULL ? -99 : visit(port, way));
}

static void show_own_calls(void *handle, const char *symbol)
{
    int (*own_calls)(void);
    *(void **)&own_calls = dlsym(handle, symbol);
    say("%s: %d", symbol, own_calls == NULL ? -99 : own_calls());
}

static void visit(void *handle)
{
    for (int way = DEEP_CALLS; way <= DEEP_VARIABLE; way++)
        visit_by(handle, "deep_visit", (enum deep_way)way);
}

static void visit_with_dependency(void *handle)
{
    visit(handle);
    for (int way = DEEP_CALLS; way <= DEEP_VARIABLE; way++)
        visit_by(handle, "deep_visit_dependency", (enum deep_way)way);
    visit(handle);
    show_own_calls(handle, "deep_own_calls");
    show_own_calls(handle, "deep_dependency_own_calls");
}

/* ---- How it is linked. */

static void now(void)
{
    visit(deep("deep_now.so"));
}

static void lazy(void)
{
    visit(deep("deep_lazy.so"));
}

static void lazy_now(void)
{
    visit(load_beside("deep_lazy.so", RTLD_NOW | RTLD_DEEPBIND));
}

static void global(void)
{
    visit(load_beside("deep_lazy.so", RTLD_LAZY | RTLD_GLOBAL | RTLD_DEEPBIND)); /* as PHP does */
}

static void without_relro(void)
{
    visit(deep("deep_norelro.so"));
}

static void unversioned(void)
{
    visit_with_dependency(deep("deep_unversioned.so"));
}

/* Libc is nowhere in its scope but where the program's own is. */
static void alone(void)
{
    void *handle = deep("deep_alone.so");
    show_error();
    visit(handle);
}

static void in_text(void)
{
    void *handle = deep("deep_in_text.so");
    visit_by(handle, "deep_visit", DEEP_IN_TEXT);
    visit_by(handle, "deep_visit", DEEP_IN_TEXT);
    visit(handle);
}

static void packed(void)
{
    void *handle = deep("deep_now.so");
    visit_by(handle, "deep_visit", DEEP_PACKED);
    visit_by(handle, "deep_visit", DEEP_PACKED);
}

/* Not with the pool on: then it is the library's, as in a plugin that is not loaded deeply. */
static void whose(void)
{
    void *handle = deep("deep_lazy.so");
    void *(*connect_of)(void);
    Dl_info info;
    *(void **)&connect_of = dlsym(handle, "deep_connect");
    if (dladdr(connect_of(), &info) == 0)
        broken("dladdr");
    say("connect: %s", basename((char *)info.dli_fname));
    visit(handle);
}

static void show_spawned(const char *plugin)
{
    static const char script[] = "echo done by the shell\n";
    int (*spawn)(pid_t * child, const char *path);
    char path[] = "/tmp/twpool-script-XXXXXX";
    int fd = mkstemp(path);
    void *handle = deep(plugin);
    pid_t child;
    if (fd < 0 || handle == NULL || write(fd, script, sizeof script - 1) < 0 ||
        fchmod(fd, 0700) != 0 || close(fd) != 0)
        broken("old_version");
    *(void **)&spawn = dlsym(handle, "deep_spawn");
    int error = spawn(&child, path);
    if (error == 0)
        waitpid(child, NULL, 0);
    say("spawned: %d", error);
    unlink(path);
}

static void old_version(void)
{
    show_spawned("deep_old.so");
    show_spawned("deep_old_lazy.so");
    visit(deep("deep_now.so"));
}

/* ---- What comes with it. */

static void brings(void)
{
    visit_with_dependency(deep("deep_brings.so"));
}

static void brings_now(void)
{
    visit_with_dependency(deep("deep_brings_now.so"));
}

static void brings_nameless(void)
{
    visit_with_dependency(deep("deep_brings_nameless.so"));
}

static void brings_by_path(void)
{
    visit_with_dependency(deep("deep_brings_by_path.so"));
}

/* The dependency was there before, and keeps the scope that it has. */
static void brought_earlier(void)
{
    void *earlier = load_beside("libdeep_dependency.so", RTLD_LAZY);
    visit_with_dependency(deep("deep_brings.so"));
    visit_by(earlier, "dependency_visit", DEEP_CALLS);
}

static void own(void)
{
    void *handle = deep("deep_own.so");
    visit(handle);
    show_own_calls(handle, "deep_own_calls");
}

static void brings_own(void)
{
    visit_with_dependency(deep("deep_brings_own.so"));
}

/* ---- How it is asked for. */

static void without_flag(void)
{
    visit(load_beside("deep_lazy.so", RTLD_LAZY));
    visit(load_beside("deep_now.so", RTLD_NOW));
}

static void flag_later(void)
{
    void *first = load_beside("deep_lazy.so", RTLD_LAZY);
    void *second = deep("deep_lazy.so");
    say("the same: %d", first == second);
    visit(second);
}

static void not_loaded(void)
{
    load_beside("deep_now.so", RTLD_NOW | RTLD_NOLOAD | RTLD_DEEPBIND);
    void *first = deep("deep_now.so");
    void *second = load_beside("deep_now.so", RTLD_NOW | RTLD_NOLOAD | RTLD_DEEPBIND);
    say("the same: %d", first == second);
    visit(second);
}

static void by_the_programs_runpath(void)
{
    visit(load("deep_now.so", RTLD_NOW | RTLD_DEEPBIND));
    visit(load("deep_lazy.so", RTLD_NOW));
    load("deep_found.so", RTLD_NOW | RTLD_DEEPBIND);
    show_error();
}

static void by_the_programs_origin(void)
{
    visit(load("$ORIGIN/plugins/deep_now.so", RTLD_NOW | RTLD_DEEPBIND));
    visit(load("${ORIGIN}/plugins/deep_lazy.so", RTLD_NOW));
}

static void by_a_librarys(void)
{
    void *(*open)(const char *file, int flags);
    void *loader = load_beside("loader.so", RTLD_NOW);
    *(void **)&open = dlsym(loader, "loader_open");
    visit(open("deep_found.so", RTLD_NOW | RTLD_DEEPBIND));
    visit(open("$ORIGIN/deep_now.so", RTLD_NOW | RTLD_DEEPBIND));
    visit(open("$ORIGIN/deep_lazy.so", RTLD_NOW));
}

static void of_nothing(void)
{
    void *plain = load(NULL, RTLD_NOW), *deeply = load(NULL, RTLD_NOW | RTLD_DEEPBIND);
    say("the same: %d %d", plain == deeply, plain == earliest);
    load("", RTLD_NOW | RTLD_DEEPBIND);
    show_error();
    visit(deep("deep_now.so"));
}

static void in_vain(void)
{
    static const int flags[] = {RTLD_NOW, RTLD_NOW | RTLD_DEEPBIND, RTLD_LAZY | RTLD_DEEPBIND,
                                RTLD_DEEPBIND};
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        load_beside("deep_broken.so", flags[i]);
        load_beside("deep_undefined.so", flags[i] & ~RTLD_LAZY);
        load_beside("no-such.so", flags[i]);
        load("/dev/null", flags[i]);
        show_error();
        show_error();
    }
    load("/no/such.so", RTLD_NOW | RTLD_DEEPBIND);
    void *handle = deep("deep_lazy.so");
    show_error(); /* of the one before, or none */
    visit(handle);
}

/* ---- What becomes of it. */

static void unloaded(void)
{
    for (int i = 0; i < 3; i++) {
        void *handle = deep("deep_brings.so");
        visit_with_dependency(handle);
        SHOW(dlclose(handle));
        say("loaded: %d", dlopen(path_of("deep_brings.so"), RTLD_LAZY | RTLD_NOLOAD) != NULL);
        say("its dependency: %d",
            dlopen(path_of("libdeep_dependency.so"), RTLD_LAZY | RTLD_NOLOAD) != NULL);
    }
}

/* As the kernel shows them: the size and the protection of each mapping of a plugin. */
static void show_mappings(const char *name)
{
    FILE *maps = fopen("/proc/self/maps", "re");
    char line[PATH_MAX + 128], protection[8];
    unsigned long start, end;
    while (maps != NULL && fgets(line, sizeof line, maps) != NULL)
        if (strstr(line, name) != NULL &&
            sscanf(line, "%lx-%lx %7s", &start, &end, protection) == 3)
            say("%s: %lu bytes, %s", name, end - start, protection);
    if (maps != NULL)
        fclose(maps);
}

static void protections(void)
{
    static const char *const plugins[] = {"deep_now.so", "deep_lazy.so", "deep_norelro.so",
                                          "deep_in_text.so", "deep_brings.so"};
    for (size_t i = 0; i < sizeof plugins / sizeof *plugins; i++) {
        void *handle = deep(plugins[i]);
        show_mappings(plugins[i]);
        visit(handle);
        show_mappings(plugins[i]);
    }
    show_mappings("libdeep_dependency.so");
}

static void in_another_namespace(void)
{
    void *handle = dlmopen(LM_ID_NEWLM, path_of("deep_lazy.so"), RTLD_LAZY | RTLD_DEEPBIND);
    visit(handle);
    visit(deep("deep_lazy.so"));
    visit(handle);
}

/* Both come with the same objects, and with others. */
enum { ROUNDS = 2000 }; /* two threads that write without a lock meet once in 200 */
static pthread_barrier_t together;
static _Atomic int failures;

static void *load_and_unload(void *argument)
{
    (void)argument;
    for (int round = 0; round < ROUNDS; round++) {
        pthread_barrier_wait(&together);
        void *first = dlopen(path_of("deep_now.so"), RTLD_NOW | RTLD_DEEPBIND);
        void *second = dlopen(path_of("deep_brings.so"), RTLD_LAZY | RTLD_DEEPBIND);
        int (*visit)(uint16_t port, enum deep_way way) = NULL;
        if (second != NULL)
            *(void **)&visit = dlsym(second, "deep_visit_dependency");
        if (visit == NULL || (round % 200 == 0 && visit(port, DEEP_CALLS) <= 0))
            failures++;
        if (first == NULL || second == NULL || dlclose(first) != 0 || dlclose(second) != 0)
            failures++;
    }
    return NULL;
}

static void by_two_threads(void)
{
    pthread_t other;
    pthread_barrier_init(&together, NULL, 2);
    if (pthread_create(&other, NULL, load_and_unload, NULL) != 0)
        broken("pthread_create");
    load_and_unload(NULL);
    pthread_join(other, NULL);
    say("failures: %d", failures);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } plays[] = {{"now", now},
                 {"lazy", lazy},
                 {"lazy_now", lazy_now},
                 {"global", global},
                 {"without_relro", without_relro},
                 {"unversioned", unversioned},
                 {"alone", alone},
                 {"in_text", in_text},
                 {"packed", packed},
                 {"whose", whose},
                 {"old_version", old_version},
                 {"brings", brings},
                 {"brings_now", brings_now},
                 {"brings_nameless", brings_nameless},
                 {"brings_by_path", brings_by_path},
                 {"brought_earlier", brought_earlier},
                 {"own", own},
                 {"brings_own", brings_own},
                 {"without_flag", without_flag},
                 {"flag_later", flag_later},
                 {"not_loaded", not_loaded},
                 {"by_the_programs_runpath", by_the_programs_runpath},
                 {"by_the_programs_origin", by_the_programs_origin},
                 {"by_a_librarys", by_a_librarys},
                 {"of_nothing", of_nothing},
                 {"in_vain", in_vain},
                 {"unloaded", unloaded},
                 {"protections", protections},
                 {"in_another_namespace", in_another_namespace},
                 {"by_two_threads", by_two_threads}};
    if (argc != 3)
        return 99;
    port = (uint16_t)atoi(argv[1]);
    find_directory();
    for (size_t i = 0; i < sizeof plays / sizeof *plays; i++)
        if (strcmp(argv[2], plays[i].name) == 0)
            return plays[i].run(), 0;
    return 99;
}
