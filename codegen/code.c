#include "codegen/code.h"

#include "ir/base/alloc.h"

#include <elf.h>
#include <string.h>
#include <sys/mman.h>

enum { PAGE = 4096, MAX_SECTIONS = 1024, MAX_CODE_BYTES = 1 << 30 };

typedef struct Section {
    Elf64_Shdr header;
    uint64_t at; // offset in the pages
    bool placed;
} Section;

typedef struct Loader {
    LigObject object;
    const char *problem;
    Section *sections;
    size_t section_count;
    const Section *symbols; // the symbol table
    size_t symbol_count;
    const char *names;   // of symbols
    size_t names_bytes;  // the last of them is 0
    uint64_t code_bytes; // whole pages; constants come behind
    uint64_t all_bytes;
    unsigned char *pages;
} Loader;

static LigStatus refuse(Loader *l, LigStatus status, const char *problem)
{
    l->problem = problem;
    return lig_surely_failed(status);
}

static bool lies_inside(uint64_t offset, uint64_t bytes, uint64_t whole)
{
    return offset <= whole && bytes <= whole - offset;
}

static LigStatus read_sections(Loader *l)
{
    Elf64_Ehdr header;
    static const unsigned char wanted[] = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB};
    if (l->object.bytes < sizeof header) return refuse(l, LIG_ERR_INVALID, "it is no ELF object");
    memcpy(&header, l->object.data, sizeof header);
    if (memcmp(header.e_ident, wanted, sizeof wanted) != 0 || header.e_type != ET_REL ||
        header.e_machine != EM_X86_64)
        return refuse(l, LIG_ERR_INVALID, "it is no relocatable ELF object for x86-64");
    l->section_count = header.e_shnum;
    if (header.e_shentsize != sizeof(Elf64_Shdr) || l->section_count == 0 || l->section_count > MAX_SECTIONS ||
        !lies_inside(header.e_shoff, l->section_count * sizeof(Elf64_Shdr), l->object.bytes))
        return refuse(l, LIG_ERR_INVALID, "its section table is malformed");
    l->sections = lig_alloc_zero(l->section_count * sizeof *l->sections);
    if (!l->sections) return refuse(l, LIG_ERR_NO_MEMORY, "out of memory");
    for (size_t i = 0; i < l->section_count; i++) {
        Elf64_Shdr *section = &l->sections[i].header;
        memcpy(section, l->object.data + header.e_shoff + i * sizeof *section, sizeof *section);
        bool has_bytes = section->sh_type != SHT_NULL && section->sh_type != SHT_NOBITS;
        if (has_bytes && !lies_inside(section->sh_offset, section->sh_size, l->object.bytes))
            return refuse(l, LIG_ERR_INVALID, "a section lies outside of it");
    }
    return LIG_OK;
}

static LigStatus find_symbols(Loader *l)
{
    for (size_t i = 0; i < l->section_count; i++) {
        const Section *table = &l->sections[i];
        if (table->header.sh_type != SHT_SYMTAB) continue;
        if (l->symbols || table->header.sh_entsize != sizeof(Elf64_Sym) ||
            table->header.sh_link >= l->section_count)
            return refuse(l, LIG_ERR_INVALID, "its symbol table is malformed");
        const Elf64_Shdr *names = &l->sections[table->header.sh_link].header;
        l->symbols = table;
        l->symbol_count = table->header.sh_size / sizeof(Elf64_Sym);
        l->names = (const char *)l->object.data + names->sh_offset;
        l->names_bytes = names->sh_size;
        if (names->sh_type != SHT_STRTAB || l->names_bytes == 0 || l->names[l->names_bytes - 1] != '\0')
            return refuse(l, LIG_ERR_INVALID, "its names are malformed");
    }
    return l->symbols ? LIG_OK : refuse(l, LIG_ERR_INVALID, "it has no symbols");
}

static bool is_code(const Section *section) { return (section->header.sh_flags & SHF_EXECINSTR) != 0; }

// Whether the section belongs into memory. Tables for unwinding are left out: no kernel throws.
static LigStatus is_wanted(Loader *l, const Section *section, bool *out)
{
    const Elf64_Shdr *h = &section->header;
    *out = (h->sh_flags & SHF_ALLOC) != 0 && h->sh_size > 0 && h->sh_type != SHT_X86_64_UNWIND;
    if (!*out) return LIG_OK;
    if (h->sh_flags & SHF_WRITE) return refuse(l, LIG_ERR_UNSUPPORTED, "it has writable data");
    if (h->sh_type != SHT_PROGBITS || (h->sh_flags & (SHF_TLS | SHF_COMPRESSED)))
        return refuse(l, LIG_ERR_UNSUPPORTED, "it has a section that is neither code nor constants");
    uint64_t alignment = h->sh_addralign;
    if (alignment > PAGE || (alignment & (alignment - 1)) != 0)
        return refuse(l, LIG_ERR_INVALID, "a section's alignment is not a power of two up to a page");
    return LIG_OK;
}

static uint64_t round_up(uint64_t value, uint64_t multiple)
{
    return (value + multiple - 1) / multiple * multiple;
}

// Gives each section of code, or of constants, its place.
static LigStatus place_sections(Loader *l, bool code)
{
    for (size_t i = 0; i < l->section_count; i++) {
        Section *section = &l->sections[i];
        bool wanted;
        LIG_TRY(is_wanted(l, section, &wanted));
        if (!wanted || is_code(section) != code) continue;
        uint64_t alignment = section->header.sh_addralign;
        if (alignment > 1) l->all_bytes = round_up(l->all_bytes, alignment);
        section->at = l->all_bytes;
        section->placed = true;
        // No sum wraps: both are below 2^30 here.
        if (section->header.sh_size > MAX_CODE_BYTES || l->all_bytes > MAX_CODE_BYTES)
            return refuse(l, LIG_ERR_UNSUPPORTED, "it is larger than 1 GiB");
        l->all_bytes += section->header.sh_size;
    }
    l->all_bytes = round_up(l->all_bytes, PAGE);
    return LIG_OK;
}

static LigStatus map_sections(Loader *l)
{
    LIG_TRY(place_sections(l, true));
    l->code_bytes = l->all_bytes;
    LIG_TRY(place_sections(l, false));
    if (l->code_bytes == 0) return refuse(l, LIG_ERR_INVALID, "it has no code");
    void *pages = mmap(NULL, l->all_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED) return refuse(l, LIG_ERR_NO_MEMORY, "out of memory");
    l->pages = pages;
    for (size_t i = 0; i < l->section_count; i++) {
        const Section *section = &l->sections[i];
        if (!section->placed) continue;
        memcpy(l->pages + section->at, l->object.data + section->header.sh_offset, section->header.sh_size);
    }
    return LIG_OK;
}

static void read_symbol(const Loader *l, size_t index, Elf64_Sym *out)
{
    memcpy(out, l->object.data + l->symbols->header.sh_offset + index * sizeof *out, sizeof *out);
}

// The symbol's offset in the pages; false when it does not lie there.
static bool find_place(const Loader *l, const Elf64_Sym *symbol, uint64_t *out)
{
    if (symbol->st_shndx == SHN_UNDEF || symbol->st_shndx >= l->section_count) return false;
    const Section *section = &l->sections[symbol->st_shndx];
    if (!section->placed || symbol->st_value > section->header.sh_size) return false;
    *out = section->at + symbol->st_value;
    return true;
}

static bool fits_i32(int64_t value) { return value >= INT32_MIN && value <= INT32_MAX; }

// The letters are those of the ABI: S the symbol, A the addend, P the place.
static LigStatus relocate(Loader *l, const Section *target, const Elf64_Rela *rela)
{
    Elf64_Sym symbol;
    uint64_t s, type = ELF64_R_TYPE(rela->r_info), index = ELF64_R_SYM(rela->r_info);
    if (type == R_X86_64_NONE) return LIG_OK;
    bool relative = type == R_X86_64_PC32 || type == R_X86_64_PLT32 || type == R_X86_64_PC64;
    if (!relative && type != R_X86_64_64)
        return refuse(l, LIG_ERR_UNSUPPORTED, "it has a relocation of a kind that is not loaded");
    uint64_t width = type == R_X86_64_PC32 || type == R_X86_64_PLT32 ? 4 : 8;
    if (index >= l->symbol_count || !lies_inside(rela->r_offset, width, target->header.sh_size))
        return refuse(l, LIG_ERR_INVALID, "a relocation lies outside of its section");
    read_symbol(l, index, &symbol);
    if (!find_place(l, &symbol, &s))
        return refuse(l, LIG_ERR_UNSUPPORTED, "it refers to something outside of it");
    uint64_t p = target->at + rela->r_offset;
    uint64_t base = relative ? (uint64_t)0 - p : (uint64_t)(uintptr_t)l->pages;
    uint64_t value = s + (uint64_t)rela->r_addend + base;
    if (width == 4 && !fits_i32((int64_t)value))
        return refuse(l, LIG_ERR_INVALID, "a relocation reaches too far");
    memcpy(l->pages + p, &value, width); // little-endian: the low bytes come first
    return LIG_OK;
}

static LigStatus relocate_section(Loader *l, const Section *table)
{
    const Elf64_Shdr *h = &table->header;
    if (h->sh_info >= l->section_count || h->sh_entsize != sizeof(Elf64_Rela) ||
        h->sh_link >= l->section_count || &l->sections[h->sh_link] != l->symbols)
        return refuse(l, LIG_ERR_INVALID, "its relocations are malformed");
    const Section *target = &l->sections[h->sh_info];
    for (uint64_t i = 0; target->placed && i < h->sh_size / sizeof(Elf64_Rela); i++) {
        Elf64_Rela rela;
        memcpy(&rela, l->object.data + h->sh_offset + i * sizeof rela, sizeof rela);
        LIG_TRY(relocate(l, target, &rela));
    }
    return LIG_OK;
}

static LigStatus relocate_all(Loader *l)
{
    for (size_t i = 0; i < l->section_count; i++) {
        uint32_t type = l->sections[i].header.sh_type;
        if (type == SHT_REL) return refuse(l, LIG_ERR_UNSUPPORTED, "its relocations have no addends");
        if (type == SHT_RELA) LIG_TRY(relocate_section(l, &l->sections[i]));
    }
    return LIG_OK;
}

static LigStatus find_entry(Loader *l, const char *name, void **out)
{
    for (size_t i = 0; i < l->symbol_count; i++) {
        Elf64_Sym symbol;
        uint64_t place;
        read_symbol(l, i, &symbol);
        bool is_function = ELF64_ST_BIND(symbol.st_info) == STB_GLOBAL &&
                           ELF64_ST_TYPE(symbol.st_info) == STT_FUNC && symbol.st_name < l->names_bytes;
        if (!is_function || strcmp(l->names + symbol.st_name, name) != 0) continue;
        if (!find_place(l, &symbol, &place) || place >= l->code_bytes)
            return refuse(l, LIG_ERR_INVALID, "its function does not lie in its code");
        *out = l->pages + place;
        return LIG_OK;
    }
    return refuse(l, LIG_ERR_NOT_FOUND, "it has no function of that name");
}

static LigStatus protect(Loader *l)
{
    bool done = mprotect(l->pages, l->code_bytes, PROT_READ | PROT_EXEC) == 0;
    if (done && l->all_bytes > l->code_bytes)
        done = mprotect(l->pages + l->code_bytes, l->all_bytes - l->code_bytes, PROT_READ) == 0;
    return done ? LIG_OK : refuse(l, LIG_ERR_UNSUPPORTED, "the system does not let pages be executed");
}

static LigStatus load(Loader *l, const char *symbol, LigCode *out)
{
    LIG_TRY(read_sections(l));
    LIG_TRY(find_symbols(l));
    LIG_TRY(map_sections(l));
    LIG_TRY(relocate_all(l));
    LIG_TRY(find_entry(l, symbol, &out->entry));
    return protect(l);
}

LigStatus lig_code_load(LigObject object, const char *symbol, LigCode *out, const char **problem)
{
    *out = (LigCode){0};
    Loader loader = {.object = object};
    LigStatus status = load(&loader, symbol, out);
    lig_free(loader.sections);
    out->pages = loader.pages;
    out->bytes = loader.all_bytes;
    *problem = loader.problem;
    if (status != LIG_OK) lig_code_unload(out);
    return status;
}

void lig_code_unload(LigCode *code)
{
    if (code->pages) munmap(code->pages, code->bytes);
    *code = (LigCode){0};
}
