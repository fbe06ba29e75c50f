/* SPDX-License-Identifier: MIT
 * The words in which a new object keeps libc's addresses, and ours in their place. */
#include "deepbind.h"

#include "kernel.h"
#include "libc.h"
#include "lock.h"
#include "newcomers.h"
#include "process.h"
#include "settings.h"
#include "wait_jump.h"

#include <dlfcn.h>
#include <gnu/lib-names.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>

/* Our functions by the names that nobody else can define before us: see own.h. */
#define HOOK(type, name, parameters, arguments, layer)                                             \
    extern const char own_##name[] __attribute__((visibility("hidden")));
#define BY_HAND(type, name, parameters) HOOK(type, name, parameters, , )
#define JUMP(name) HOOK(void, name, (void), , )
#define WAITS(name, stream) HOOK(void, name, (void), , )
#include "hooks.def"
#undef HOOK
#undef WAITS

#define HOOK(type, name, parameters, arguments, layer)                                             \
    {#name, (uintptr_t)own_##name, (const uintptr_t *)&libc.name},
#define WAITS(name, stream)                                                                        \
    {#name, (uintptr_t)own_##name, (const uintptr_t *)&wait_jump_##name.function},
static const struct hook {
    const char *name;
    uintptr_t ours;
    const uintptr_t *forwarded; /* what ours calls */
} hooks[] = {
#include "hooks.def"
};
#undef HOOK
#undef BY_HAND
#undef JUMP
#undef WAITS

enum { HOOKS = sizeof hooks / sizeof hooks[0] };
enum { INDEX_SIZE = 512 }; /* a power of two; at most half of it is used */
_Static_assert(HOOKS <= INDEX_SIZE / 2 && HOOKS < UINT8_MAX, "the index is too small");

/* Before glibc 2.34 these were three, and some functions in two of them. */
static const char *const system_names[] = {LIBC_SO, LIBPTHREAD_SO, LIBDL_SO};
enum { SYSTEM_OBJECTS = sizeof system_names / sizeof system_names[0] };

struct binding {
    void *handle;                         /* in whose scope a name is looked for */
    bool looked;                          /* a look-up may have left an error behind */
    struct object system[SYSTEM_OBJECTS]; /* headers NULL: not loaded */
    uint8_t index[INDEX_SIZE];            /* of hooks by their names, from 1; 0: none */
};

/* Of the protection of pages: two threads may come with the same object. */
static _Atomic uint32_t writing;

static void index_hooks(struct binding *binding);
static const struct hook *hook_called(const struct binding *binding, const char *name);
static int find_system(struct dl_phdr_info *info, size_t size, void *context);
static void bind_object(void *context, const struct object *object);
static void bind_reference(struct binding *binding, const struct object *object,
                           const struct reference *reference);
static bool is_forwarded(const struct binding *binding, const struct hook *hook, uintptr_t address);
static void write_slot(const struct object *object, uintptr_t *slot, uintptr_t address);

void deepbind_reset(void)
{
    atomic_store(&writing, 0);
}

bool deepbind_concerns(const char *file, int flags)
{
    if ((flags & RTLD_DEEPBIND) == 0 || !settings()->deepbind || !process_is_pooling())
        return false;
    return file != NULL && strchr(file, '/') != NULL && strchr(file, '$') == NULL;
}

void *deepbind_open(const char *file, int flags)
{
    void *(*open)(const char *file, int flags) = (void *(*)(const char *, int))libc.dlopen;
    struct loaded *before = loaded_now();
    void *handle = open(file, flags);
    if (handle != NULL && before != NULL) {
        int saved_errno = errno;
        struct binding binding = {.handle = handle};
        index_hooks(&binding);
        dl_iterate_phdr(find_system, &binding);
        newcomers_visit(before, handle, bind_object, &binding);
        if (binding.looked)
            libc_forget_error(); /* libc's success has left none */
        errno = saved_errno;
    }
    loaded_free(before);
    return handle;
}

/* The hash of the GNU ABI (Bernstein's). */
static unsigned hash_of(const char *name)
{
    unsigned hash = 5381;
    for (; *name != '\0'; name++)
        hash = hash * 33 + (unsigned char)*name;
    return hash % INDEX_SIZE;
}

/* For each call anew, on its stack: 3 us, and no state to share. */
static void index_hooks(struct binding *binding)
{
    for (unsigned i = 0; i < HOOKS; i++) {
        unsigned at = hash_of(hooks[i].name);
        while (binding->index[at] != 0)
            at = (at + 1) % INDEX_SIZE;
        binding->index[at] = (uint8_t)(i + 1);
    }
}

static const struct hook *hook_called(const struct binding *binding, const char *name)
{
    for (unsigned at = hash_of(name); binding->index[at] != 0; at = (at + 1) % INDEX_SIZE) {
        const struct hook *hook = &hooks[binding->index[at] - 1];
        if (strcmp(hook->name, name) == 0)
            return hook;
    }
    return NULL;
}

static int find_system(struct dl_phdr_info *info, size_t size, void *context)
{
    struct binding *binding = context;
    struct object object;
    (void)size;
    if (!object_read(&object, info) || object.soname == NULL)
        return 0;
    for (int i = 0; i < SYSTEM_OBJECTS; i++)
        if (strcmp(object.soname, system_names[i]) == 0)
            binding->system[i] = object;
    return 0;
}

/* Which of libc's objects an address is in, -1 for none. */
static int system_object(const struct binding *binding, uintptr_t address)
{
    for (int i = 0; i < SYSTEM_OBJECTS; i++)
        if (object_protection(&binding->system[i], address) != PROT_NONE)
            return i;
    return -1;
}

static void bind_object(void *context, const struct object *object)
{
    struct binding *binding = context;
    struct reference reference;
    for (int table = 0; table < RELOCATION_TABLES; table++)
        for (size_t i = 0; i < object->relocations[table].count; i++)
            if (object_reference(object, &object->relocations[table].first[i], &reference))
                bind_reference(binding, object, &reference);
}

static void bind_reference(struct binding *binding, const struct object *object,
                           const struct reference *reference)
{
    const struct hook *hook = hook_called(binding, reference->name);
    if (hook == NULL)
        return;
    uintptr_t address = *reference->slot;
    /* A call that was not made yet leads to the object's own code, which asks the loader. What came
     * with a handle by RTLD_DEEPBIND is looked for in the handle's scope first; a definition of the
     * object's own is found there again. */
    if (reference->may_be_lazy && (object_protection(object, address) & PROT_EXEC) != 0) {
        address = (uintptr_t)libc_look_up(binding->handle, reference->name,
                                          object_version(object, reference->symbol));
        binding->looked = true;
    }
    if (is_forwarded(binding, hook, address))
        write_slot(object, reference->slot, hook->ours);
}

/* Whether it is libc's function, and the one that our hook would call: not if another preload's
 * comes in between. An older version of a function is another one; before glibc 2.34 libc's and
 * libpthread's of one name are the same. */
static bool is_forwarded(const struct binding *binding, const struct hook *hook, uintptr_t address)
{
    int from = system_object(binding, address), to = system_object(binding, *hook->forwarded);
    if (from < 0 || to < 0)
        return false;
    return address == *hook->forwarded || from != to;
}

static long protect(uintptr_t page, size_t size, int protection)
{
    return arch_syscall(SYS_mprotect, (long)page, (long)size, protection, 0, 0, 0);
}

/* Where the loader has taken the right to write away it is given back, for a moment. Between
 * another thread's two calls it would be lost again: one at a time. */
static void write_protected(uintptr_t *slot, uintptr_t address)
{
    size_t size = getauxval(AT_PAGESZ);
    uintptr_t page = (uintptr_t)slot & ~(size - 1);
    uint64_t signals = kernel_block_signals();
    if (lock_acquire(&writing)) {
        if (protect(page, size, PROT_READ | PROT_WRITE) == 0) {
            __atomic_store_n(slot, address, __ATOMIC_RELAXED);
            protect(page, size, PROT_READ);
        }
        lock_release(&writing);
    }
    kernel_restore_signals(signals);
}

/* Code that holds an address (DT_TEXTREL) is left as it is. */
static void write_slot(const struct object *object, uintptr_t *slot, uintptr_t address)
{
    if ((object_protection(object, (uintptr_t)slot) & PROT_WRITE) != 0)
        __atomic_store_n(slot, address, __ATOMIC_RELAXED); /* a word: read whole by other threads */
    else if (object_is_relro(object, (uintptr_t)slot))
        write_protected(slot, address);
}
