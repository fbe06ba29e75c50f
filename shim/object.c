/* SPDX-License-Identifier: MIT
 * The System V ABI's dynamic section, read in memory. */
#include "object.h"

#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>

#if defined(__x86_64__)
enum { ADDRESS = R_X86_64_64, DATA = R_X86_64_GLOB_DAT, CALL = R_X86_64_JUMP_SLOT };
#elif defined(__aarch64__)
enum { ADDRESS = R_AARCH64_ABS64, DATA = R_AARCH64_GLOB_DAT, CALL = R_AARCH64_JUMP_SLOT };
#endif

enum { VERSION_MASK = 0x7fff, VERSION_FIRST = 2 /* 0 and 1 are "local" and "any" */ };

/* The loader turns the addresses in a dynamic section into pointers, but for one that cannot be
 * written (the vDSO's). No object lies below the length of its file. */
static const void *pointer(const struct object *object, uintptr_t address)
{
    return (const void *)(address < object->base ? object->base + address : address);
}

static void read_entry(struct object *object, const ElfW(Dyn) * entry)
{
    switch (entry->d_tag) {
    case DT_STRTAB:
        object->strings = pointer(object, entry->d_un.d_ptr);
        break;
    case DT_SYMTAB:
        object->symbols = pointer(object, entry->d_un.d_ptr);
        break;
    case DT_VERSYM:
        object->versions = pointer(object, entry->d_un.d_ptr);
        break;
    case DT_VERNEED:
        object->needed_versions = pointer(object, entry->d_un.d_ptr);
        break;
    case DT_RELA:
        object->relocations[0].first = pointer(object, entry->d_un.d_ptr);
        break;
    case DT_RELASZ:
        object->relocations[0].count = entry->d_un.d_val / sizeof(ElfW(Rela));
        break;
    case DT_JMPREL: /* of the same form: both machines have no other */
        object->relocations[1].first = pointer(object, entry->d_un.d_ptr);
        break;
    case DT_PLTRELSZ:
        object->relocations[1].count = entry->d_un.d_val / sizeof(ElfW(Rela));
        break;
    default:
        break;
    }
}

bool object_read(struct object *object, const struct dl_phdr_info *info)
{
    *object = (struct object){
        .base = info->dlpi_addr, .headers = info->dlpi_phdr, .header_count = info->dlpi_phnum};
    for (size_t i = 0; i < object->header_count; i++)
        if (object->headers[i].p_type == PT_DYNAMIC)
            object->dynamic = (const void *)(object->base + object->headers[i].p_vaddr);
    if (object->dynamic == NULL)
        return false;
    for (const ElfW(Dyn) *entry = object->dynamic; entry->d_tag != DT_NULL; entry++)
        read_entry(object, entry);
    if (object->strings == NULL || object->symbols == NULL)
        return false;
    for (const ElfW(Dyn) *entry = object->dynamic; entry->d_tag != DT_NULL; entry++)
        if (entry->d_tag == DT_SONAME)
            object->soname = object->strings + entry->d_un.d_val;
    return true;
}

/* The name of a version that the object needs, by its number. */
static const char *needed_version(const struct object *object, unsigned number)
{
    const ElfW(Verneed) *file = object->needed_versions;
    while (file != NULL) {
        const ElfW(Vernaux) *version = (const void *)((const char *)file + file->vn_aux);
        for (unsigned i = 0; i < file->vn_cnt; i++) {
            if ((version->vna_other & VERSION_MASK) == number)
                return object->strings + version->vna_name;
            version = (const void *)((const char *)version + version->vna_next);
        }
        file = file->vn_next == 0 ? NULL : (const void *)((const char *)file + file->vn_next);
    }
    return NULL;
}

const char *object_version(const struct object *object, size_t symbol)
{
    if (object->versions == NULL)
        return NULL;
    unsigned number = object->versions[symbol] & VERSION_MASK;
    return number < VERSION_FIRST ? NULL : needed_version(object, number);
}

bool object_reference(const struct object *object, const ElfW(Rela) * relocation,
                      struct reference *reference)
{
    unsigned long type = ELF64_R_TYPE(relocation->r_info);
    size_t symbol = ELF64_R_SYM(relocation->r_info);
    uintptr_t slot = object->base + relocation->r_offset;
    if (type != ADDRESS && type != DATA && type != CALL)
        return false;
    /* A word that is not aligned may lie on two pages, and cannot be written at once. */
    if (relocation->r_addend != 0 || slot % sizeof slot != 0)
        return false;
    *reference = (struct reference){.name = object->strings + object->symbols[symbol].st_name,
                                    .symbol = symbol,
                                    .slot = (uintptr_t *)slot,
                                    .may_be_lazy = type == CALL};
    return true;
}

const char *object_next_needed(const struct object *object, size_t *at)
{
    while (object->dynamic[*at].d_tag != DT_NULL) {
        const ElfW(Dyn) *entry = &object->dynamic[(*at)++];
        if (entry->d_tag == DT_NEEDED)
            return object->strings + entry->d_un.d_val;
    }
    return NULL;
}

bool object_is_relro(const struct object *object, uintptr_t address)
{
    uintptr_t page = getauxval(AT_PAGESZ);
    for (size_t i = 0; i < object->header_count; i++) {
        const ElfW(Phdr) *header = &object->headers[i];
        if (header->p_type != PT_GNU_RELRO)
            continue;
        /* Whole pages, as glibc has it: the rest of the last one stays writable. */
        uintptr_t start = (object->base + header->p_vaddr) & ~(page - 1);
        uintptr_t end = (object->base + header->p_vaddr + header->p_memsz) & ~(page - 1);
        if (address >= start && address < end)
            return true;
    }
    return false;
}

int object_protection(const struct object *object, uintptr_t address)
{
    if (object_is_relro(object, address))
        return PROT_READ;
    for (size_t i = 0; i < object->header_count; i++) {
        const ElfW(Phdr) *header = &object->headers[i];
        if (header->p_type != PT_LOAD ||
            address - object->base - header->p_vaddr >= header->p_memsz)
            continue;
        return ((header->p_flags & PF_R) != 0 ? PROT_READ : 0) |
               ((header->p_flags & PF_W) != 0 ? PROT_WRITE : 0) |
               ((header->p_flags & PF_X) != 0 ? PROT_EXEC : 0);
    }
    return PROT_NONE;
}
