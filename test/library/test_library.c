/* SPDX-License-Identifier: MIT
 * The built library itself: what it exports, what it needs, and where it loads. */
#include "../support/network.h"
#include "../support/process.h"

#include <check.h>
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

enum { LIMIT_S = 60, ROOT_LIMIT_S = 300 /* packages come over the network */ };

static const char *setting(const char *name)
{
    const char *value = getenv(name);
    ck_assert_msg(value != NULL, "the environment variable %s is not set", name);
    return value;
}

static const char *library(void)
{
    return setting("TWPOOL_TEST_LIBRARY");
}

/* The standard output of a shell command line, which must succeed. */
static const char *shell(const char *line, int limit_s)
{
    struct command command = {.argv = {"/bin/sh", "-ec", line}};
    struct outcome outcome = run(&command, limit_s);
    ck_assert_msg(!outcome.timed_out && outcome.status == 0, "%s: status %d: %s", line,
                  outcome.status, outcome.err);
    return outcome.out;
}

/* The hooked names, sorted, one a line, read from the list by another way than the build's. */
static const char *hooked_names(void)
{
    return shell(
        text("cpp -P -D'HOOK(t,n,p,a,l)=@n' -D'BY_HAND(t,n,p)=@n' -D'JUMP(n)=@n' -D'WAITS(n,s)=@n' "
             "%s/shim/hooks.def | grep -o '@ *[A-Za-z_0-9]*' | tr -d '@ ' | sort",
             setting("TWPOOL_TEST_SOURCE")),
        LIMIT_S);
}

START_TEST(it_exports_the_hooks_and_its_own_calls_and_nothing_else)
{
    const char *exported = shell(text("nm -D --defined-only %s | awk '{print $3}' | "
                                      "grep -v '^twpool_' | sort",
                                      library()),
                                 LIMIT_S);
    const char *own = shell(text("nm -D --defined-only %s | awk '{print $3}' | "
                                 "grep '^twpool_' | sort",
                                 library()),
                            LIMIT_S);
    const char *declared = shell(text("grep -oE '\\<twpool_[a-z]+\\(' %s/include/twpool/twpool.h "
                                      "| tr -d '(' | sort -u",
                                      setting("TWPOOL_TEST_SOURCE")),
                                 LIMIT_S);
    ck_assert_uint_gt(occurrences(exported, "\n"), 60);
    ck_assert_str_eq(exported, hooked_names());
    ck_assert_str_eq(own, declared);
}
END_TEST

START_TEST(every_hook_is_a_name_of_libc)
{
    void *libc = dlopen("libc.so.6", RTLD_NOW);
    ck_assert_ptr_nonnull(libc);
    char *names = strdup(hooked_names());
    unsigned seen = 0;
    for (char *name = strtok(names, "\n"); name != NULL; name = strtok(NULL, "\n"), seen++)
        ck_assert_msg(dlsym(libc, name) != NULL, "libc has no %s", name);
    ck_assert_uint_gt(seen, 60);
    free(names);
}
END_TEST

/* A twin of a hooked function that libc exports and we do not hook would be a way around us. */
START_TEST(every_fortified_or_64_bit_twin_of_a_hook_is_hooked)
{
    void *libc = dlopen("libc.so.6", RTLD_NOW);
    const char *hooked = text("\n%s", hooked_names());
    char *names = strdup(hooked + 1);
    for (char *name = strtok(names, "\n"); name != NULL; name = strtok(NULL, "\n")) {
        const char *twins[] = {text("__%s_chk", name), text("%s64", name)};
        for (unsigned i = 0; i < sizeof twins / sizeof *twins; i++)
            if (dlsym(libc, twins[i]) != NULL)
                ck_assert_msg(strstr(hooked, text("\n%s\n", twins[i])) != NULL, "%s is not hooked",
                              twins[i]);
    }
    free(names);
}
END_TEST

/* dlsym() may give another than programs are linked with. */
START_TEST(a_hook_of_which_libc_has_two_versions_names_the_newer)
{
    const char *hooked = text("\n%s", hooked_names());
    char *names = strdup(shell(
        "readelf --dyn-syms -W $(ldconfig -p | awk '/libc.so.6 .*x86-64/ {print $NF; exit}') | "
        "awk '$7 != \"UND\" {split($8, a, \"@\"); if (!((a[1], $2) in seen)) n[a[1]]++; "
        "seen[a[1], $2] = 1} END {for (name in n) if (n[name] > 1) print name}'",
        LIMIT_S));
    const char *source = shell(text("cat %s/shim/libc.c", setting("TWPOOL_TEST_SOURCE")), LIMIT_S);
    unsigned found = 0;
    for (char *name = strtok(names, "\n"); name != NULL; name = strtok(NULL, "\n")) {
        if (strstr(hooked, text("\n%s\n", name)) == NULL)
            continue;
        found++;
        ck_assert_msg(strstr(source, text("{\"%s\", \"GLIBC_", name)) != NULL, "%s", name);
    }
    ck_assert_uint_eq(found, 3);
    free(names);
}
END_TEST

START_TEST(it_needs_libc_alone_and_is_bound_before_it_runs)
{
    const char *dynamic = shell(text("readelf -dW %s", library()), LIMIT_S);
    ck_assert_uint_eq(occurrences(dynamic, "(NEEDED)"), 2);
    ck_assert_uint_eq(occurrences(dynamic, "[libc.so.6]"), 1);
    ck_assert_uint_eq(occurrences(dynamic, "[libdl.so.2]"), 1);
    ck_assert_uint_eq(occurrences(dynamic, "TEXTREL"), 0);
    ck_assert_uint_ge(occurrences(dynamic, "NOW"), 1);
    ck_assert_uint_eq(occurrences(shell(text("readelf -lW %s", library()), LIMIT_S), "GNU_RELRO"),
                      1);
}
END_TEST

/* A hook may be called from within any of them. */
START_TEST(it_calls_no_allocator)
{
    const char *needed = shell(
        text("nm -D --undefined-only %s | awk '{print $2}' | cut -d@ -f1", library()), LIMIT_S);
    const char *needed_lines = text("\n%s", needed);
    static const char *const allocators[] = {
        "malloc",        "calloc",         "realloc",  "reallocarray", "free",
        "aligned_alloc", "posix_memalign", "strdup",   "strndup",      "asprintf",
        "getline",       "open_memstream", "memalign", "valloc",
    };
    ck_assert_ptr_nonnull(strstr(needed_lines, "\nstrlen\n"));
    for (unsigned i = 0; i < sizeof allocators / sizeof *allocators; i++)
        ck_assert_msg(strstr(needed_lines, text("\n%s\n", allocators[i])) == NULL, "it calls %s",
                      allocators[i]);
}
END_TEST

START_TEST(it_names_no_setting_of_the_kernel)
{
    shell(text("grep -aq /proc/thread-self %s", library()), LIMIT_S); /* where names are found */
    shell(text("! grep -aq /proc/sys %s", library()), LIMIT_S);
}
END_TEST

START_TEST(it_asks_for_no_symbol_newer_than_glibc_2_17)
{
    const char *newest =
        shell(text("{ readelf -VW %s | grep -o 'GLIBC_[0-9.]*'; echo GLIBC_2.17; } "
                   "| sort -Vu | tail -n 1",
                   library()),
              LIMIT_S);
    ck_assert_str_eq(newest, "GLIBC_2.17\n");
}
END_TEST

START_TEST(installed_into_a_prefix_it_is_preloaded_by_its_bare_name)
{
    network_private();
    char prefix[] = "/tmp/twpool-prefix-XXXXXX";
    ck_assert_ptr_nonnull(mkdtemp(prefix));
    const char *build = text("%s/..", setting("TWPOOL_TEST_PROGRAMS"));
    const char *out =
        shell(text("DESTDIR=%s meson install -C %s --no-rebuild --quiet >&2; "
                   "library=$(find %s -name libtwpool.so); header=$(find %s -name twpool.h); "
                   "test -f \"$header\"; cd /; "
                   "LD_LIBRARY_PATH=$(dirname \"$library\") LD_PRELOAD=libtwpool.so "
                   "/usr/bin/python3 %s/test/library/two_fetches.py; rm -r %s",
                   prefix, build, prefix, prefix, setting("TWPOOL_TEST_SOURCE"), prefix),
              LIMIT_S);
    ck_assert_str_eq(out, "accepted 1\n");
}
END_TEST

/* A Debian 11 with the library in one of the loader's standard places, under a new name in /tmp. */
static const char *debian_11(void)
{
    char *root = strdup("/tmp/twpool-debian-11-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(root));
    shell(text("mmdebstrap --quiet --variant=extract "
               "--include=python3-minimal,libpython3-stdlib,coreutils,util-linux bullseye %s; "
               "cp %s %s/test/library/two_fetches.py %s/; "
               "mv %s/libtwpool.so %s/usr/lib/x86_64-linux-gnu/",
               root, library(), setting("TWPOOL_TEST_SOURCE"), root, root, root),
          ROOT_LIMIT_S);
    return root;
}

/* Debian 11 has glibc 2.31, where dlsym() is still in libdl. */
START_TEST(it_loads_and_pools_in_debian_11)
{
    const char *root = debian_11(); /* before the namespace: packages come from outside */
    network_private();
    const char *out = shell(text("chroot %s /usr/bin/env LD_PRELOAD=libtwpool.so "
                                 "python3 /two_fetches.py 2>&1; rm -r %s",
                                 root, root),
                            LIMIT_S);
    ck_assert_str_eq(out, "accepted 1\n");
}
END_TEST

/* There libc's functions are in two objects: a program may have the ones, and its plugin the
 * others.
 */
START_TEST(in_debian_11_plugins_loaded_deeply_are_pooled)
{
    const char *root = debian_11();
    network_private();
    const char *out = shell(text("cp %s/plugins/deep_lazy.so %s/plugins/deep_now.so "
                                 "%s/test/library/deep_visits.py %s/; for plugin in lazy now; do "
                                 "chroot %s /usr/bin/env LD_PRELOAD=libtwpool.so "
                                 "python3 /deep_visits.py /deep_$plugin.so 2>&1; done; rm -r %s",
                                 setting("TWPOOL_TEST_PROGRAMS"), setting("TWPOOL_TEST_PROGRAMS"),
                                 setting("TWPOOL_TEST_SOURCE"), root, root, root),
                            LIMIT_S);
    ck_assert_str_eq(out, "accepted 1 read 59\naccepted 1 read 59\n");
}
END_TEST

/* The environment of a set-user-ID program is its caller's: nothing of it may be obeyed. The loader
 * preloads there only what lies in a standard place and has that bit itself. */
START_TEST(in_a_set_user_id_program_it_does_nothing)
{
    const char *root = debian_11();
    network_private();
    const char *run_as_nobody = text("chroot %s /usr/bin/setpriv --reuid=65534 --clear-groups "
                                     "/usr/bin/env LD_PRELOAD=libtwpool.so TWPOOL_NO_SUCH=1",
                                     root);
    const char *out =
        shell(text("cd %s; mount --bind . .; mount -o remount,bind,suid .; mkdir -p proc; "
                   "mount -t proc none proc; chmod 4755 usr/lib/x86_64-linux-gnu/libtwpool.so; "
                   "cp bin/cat bin/cat-suid; chmod 4755 bin/cat-suid; "
                   "%s /bin/cat /proc/self/maps >plain 2>&1; %s /bin/cat-suid /proc/self/maps "
                   ">secure 2>&1; "
                   "for run in plain secure; do "
                   "echo $run loaded $(grep -q /libtwpool.so $run && echo yes) "
                   "complaints $(grep -c TWPOOL_NO_SUCH $run); done; "
                   "cd /; umount %s/proc %s; rm -r %s",
                   root, run_as_nobody, run_as_nobody, root, root, root),
              LIMIT_S);
    ck_assert_str_eq(out, "plain loaded yes complaints 1\nsecure loaded yes complaints 0\n");
}
END_TEST

int main(void)
{
    TCase *built = tcase_create("built"), *secure = tcase_create("secure");
    tcase_set_timeout(built, 2 * ROOT_LIMIT_S);
    tcase_set_timeout(secure, 2 * ROOT_LIMIT_S);
    tcase_add_test(built, it_exports_the_hooks_and_its_own_calls_and_nothing_else);
    tcase_add_test(built, every_hook_is_a_name_of_libc);
    tcase_add_test(built, every_fortified_or_64_bit_twin_of_a_hook_is_hooked);
    /* A sanitizer build needs the sanitizer's runtime, and other versions for that: these are not
     * about it, and not counted. */
    const char *sanitizer = getenv("TWPOOL_TEST_PRELOAD_FIRST");
    if (sanitizer == NULL || sanitizer[0] == '\0') {
        tcase_add_test(built, a_hook_of_which_libc_has_two_versions_names_the_newer);
        tcase_add_test(built, it_needs_libc_alone_and_is_bound_before_it_runs);
        tcase_add_test(built, it_calls_no_allocator);
        tcase_add_test(built, it_names_no_setting_of_the_kernel);
        tcase_add_test(built, it_asks_for_no_symbol_newer_than_glibc_2_17);
        tcase_add_test(built, installed_into_a_prefix_it_is_preloaded_by_its_bare_name);
        tcase_add_test(built, it_loads_and_pools_in_debian_11);
        tcase_add_test(built, in_debian_11_plugins_loaded_deeply_are_pooled);
        tcase_add_test(secure, in_a_set_user_id_program_it_does_nothing);
    }
    Suite *suite = suite_create("library");
    suite_add_tcase(suite, built);
    suite_add_tcase(suite, secure);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
