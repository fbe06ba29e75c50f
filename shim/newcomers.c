/* SPDX-License-Identifier: MIT
 * The loader's list before and after, and the way from one object to those that it needs. */
#include "newcomers.h"

#include "kernel.h"

#include <string.h>

/* Pages that are not needed are not touched, and cost nothing. */
enum { LOADED_MAX = 8191, NEWCOMERS_MAX = 1024 }; /* the largest programs load some hundreds */

struct loaded {
    size_t count;
    const void *headers[LOADED_MAX]; /* where an object's lie, no other one's do */
};

struct newcomers {
    size_t count;
    struct object objects[NEWCOMERS_MAX];
};

static int note_loaded(struct dl_phdr_info *info, size_t size, void *context)
{
    struct loaded *loaded = context;
    (void)size;
    if (loaded->count == LOADED_MAX)
        return 1;
    loaded->headers[loaded->count++] = info->dlpi_phdr;
    return 0;
}

struct loaded *loaded_now(void)
{
    struct loaded *loaded = kernel_map(sizeof *loaded);
    if (loaded == NULL)
        return NULL;
    if (dl_iterate_phdr(note_loaded, loaded) == 0)
        return loaded;
    loaded_free(loaded); /* what is new could not be told */
    return NULL;
}

void loaded_free(struct loaded *loaded)
{
    if (loaded != NULL)
        kernel_unmap(loaded, sizeof *loaded);
}

static bool was_loaded(const struct loaded *loaded, const struct object *object)
{
    for (size_t i = 0; i < loaded->count; i++)
        if (loaded->headers[i] == object->headers)
            return true;
    return false;
}

/* What is looked for in the list: an object by its dynamic section, or by a name. */
struct search {
    const void *dynamic;
    const char *name;
    struct object found;
};

/* As the loader finds what is loaded already: by its path, or by the name that it has itself. What
 * has none is found by the name of its file, which it was looked for by. */
static bool is_called(const struct object *object, const char *path, const char *name)
{
    const char *slash = strrchr(path, '/'), *file = slash == NULL ? path : slash + 1;
    const char *own = object->soname != NULL ? object->soname : file;
    return strcmp(path, name) == 0 || strcmp(own, name) == 0;
}

/* The list does not change while this runs, and nothing that is on it is unmapped. Of two with one
 * name the loader takes the first, and so do we: another thread's comes later. */
static int match(struct dl_phdr_info *info, size_t size, void *context)
{
    struct search *search = context;
    struct object object;
    (void)size;
    if (!object_read(&object, info))
        return 0;
    if (search->name == NULL ? object.dynamic != search->dynamic
                             : !is_called(&object, info->dlpi_name, search->name))
        return 0;
    search->found = object;
    return 1;
}

static void add(struct newcomers *newcomers, const struct loaded *before, struct search search)
{
    if (newcomers->count == NEWCOMERS_MAX || dl_iterate_phdr(match, &search) == 0 ||
        was_loaded(before, &search.found))
        return;
    for (size_t i = 0; i < newcomers->count; i++)
        if (newcomers->objects[i].headers == search.found.headers)
            return;
    newcomers->objects[newcomers->count++] = search.found;
}

void newcomers_visit(const struct loaded *before, void *handle,
                     void (*each)(void *context, const struct object *object), void *context)
{
    const struct link_map *top = handle; /* glibc's handles are that, see RTLD_DI_LINKMAP */
    struct newcomers *newcomers = kernel_map(sizeof *newcomers);
    if (newcomers == NULL)
        return;
    add(newcomers, before, (struct search){.dynamic = top->l_ld});
    for (size_t i = 0; i < newcomers->count; i++) {
        const struct object *object = &newcomers->objects[i];
        size_t at = 0;
        for (const char *name; (name = object_next_needed(object, &at)) != NULL;)
            add(newcomers, before, (struct search){.name = name});
    }
    for (size_t i = 0; i < newcomers->count; i++)
        each(context, &newcomers->objects[i]);
    kernel_unmap(newcomers, sizeof *newcomers);
}
