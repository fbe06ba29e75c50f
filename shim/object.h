/* SPDX-License-Identifier: MIT
 * A loaded object, as the loader has mapped it: its segments, symbols and relocations. */
#ifndef TWPOOL_SHIM_OBJECT_H
#define TWPOOL_SHIM_OBJECT_H

#include <link.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RELOCATION_TABLES = 2 }; /* DT_RELA and DT_JMPREL */

/* Points into the object: good for as long as that stays loaded. What it does not have is NULL. */
struct object {
    uintptr_t base; /* what the loader has added to the addresses of the file */
    const ElfW(Phdr) * headers;
    size_t header_count;
    const ElfW(Dyn) * dynamic;
    const char *strings;
    const ElfW(Sym) * symbols;
    const ElfW(Half) * versions;
    const ElfW(Verneed) * needed_versions;
    const char *soname;
    struct {
        const ElfW(Rela) * first;
        size_t count;
    } relocations[RELOCATION_TABLES];
};

/* What a word of the object is, of which the loader made an address. */
struct reference {
    const char *name; /* of the symbol */
    size_t symbol;    /* its number */
    uintptr_t *slot;  /* where the loader writes the address */
    bool may_be_lazy; /* and perhaps has not yet: of a function, at its first call */
};

/* Reads what dl_iterate_phdr(3) shows. False for what has no dynamic section. None of these
 * allocates, makes a system call or touches errno. */
bool object_read(struct object *object, const struct dl_phdr_info *info);

/* True, and *reference filled, when relocation number `at` of a table puts the address of a symbol
 * into a word of its own, and nothing else. */
bool object_reference(const struct object *object, const ElfW(Rela) * relocation,
                      struct reference *reference);

/* The version of a symbol that the object asks for, NULL: any. */
const char *object_version(const struct object *object, size_t symbol);

/* The name in the next DT_NEEDED after *at (0 to begin with), NULL when there is none. */
const char *object_next_needed(const struct object *object, size_t *at);

/* The protection (mmap(2)'s) that the loader left an address with; PROT_NONE outside of it. */
int object_protection(const struct object *object, uintptr_t address);

/* Whether it is one of the pages that the loader protects once they are relocated. */
bool object_is_relro(const struct object *object, uintptr_t address);

#endif
