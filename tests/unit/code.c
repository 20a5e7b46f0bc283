// The loader of objects: code and constants run from pages that are never writable and executable at once;
// anything else in an object is refused in words, and no byte of it can make the loader leave it.
#include "codegen/code.h"

#include <elf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

// An object by hand: `f` returns the word of .rodata; `g`, in a section of its own, jumps to `f`.
enum { NONE, TEXT, FAR, RODATA, RELA_TEXT, RELA_FAR, RELA_RODATA, SYMTAB, STRTAB, SECTION_COUNT };
enum { SYMBOL_NONE, SYMBOL_F, SYMBOL_G, SYMBOL_WORD, SYMBOL_OUTSIDE, SYMBOL_COUNT };

static const char names[] = "\0f\0g\0word\0outside";

typedef struct Image {
    Elf64_Ehdr header;
    Elf64_Shdr sections[SECTION_COUNT];
    Elf64_Sym symbols[SYMBOL_COUNT];
    Elf64_Rela of_text, of_far, of_rodata;
    unsigned char text[8], far[8];
    uint64_t rodata[2]; // the word, and a pointer to it
    char names[sizeof names];
} Image;

static Elf64_Shdr section(uint32_t type, uint64_t flags, size_t offset, size_t bytes)
{
    return (Elf64_Shdr){
        .sh_type = type, .sh_flags = flags, .sh_offset = offset, .sh_size = bytes, .sh_addralign = 16};
}

static Elf64_Shdr relocations(size_t offset, uint32_t target)
{
    Elf64_Shdr h = section(SHT_RELA, SHF_INFO_LINK, offset, sizeof(Elf64_Rela));
    h.sh_link = SYMTAB, h.sh_info = target, h.sh_entsize = sizeof(Elf64_Rela);
    return h;
}

static Elf64_Sym symbol(uint32_t name, int type, uint16_t where)
{
    return (Elf64_Sym){
        .st_name = name, .st_info = (unsigned char)ELF64_ST_INFO(STB_GLOBAL, type), .st_shndx = where};
}

static Image make_image(void)
{
    Image image = {
        .header = {.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
                   .e_type = ET_REL,
                   .e_machine = EM_X86_64,
                   .e_shoff = offsetof(Image, sections),
                   .e_shentsize = sizeof(Elf64_Shdr),
                   .e_shnum = SECTION_COUNT},
        .text = {0x8b, 0x05, 0, 0, 0, 0, 0xc3}, // mov eax, [rip + word]; ret
        .far = {0xe9, 0, 0, 0, 0},              // jmp f
        .rodata = {1234567, 0}};
    const uint64_t code = SHF_ALLOC | SHF_EXECINSTR;
    image.sections[TEXT] = section(SHT_PROGBITS, code, offsetof(Image, text), 8);
    image.sections[FAR] = section(SHT_PROGBITS, code, offsetof(Image, far), 8);
    image.sections[RODATA] = section(SHT_PROGBITS, SHF_ALLOC, offsetof(Image, rodata), 16);
    image.sections[RELA_TEXT] = relocations(offsetof(Image, of_text), TEXT);
    image.sections[RELA_FAR] = relocations(offsetof(Image, of_far), FAR);
    image.sections[RELA_RODATA] = relocations(offsetof(Image, of_rodata), RODATA);
    image.sections[SYMTAB] = section(SHT_SYMTAB, 0, offsetof(Image, symbols), sizeof image.symbols);
    image.sections[SYMTAB].sh_link = STRTAB, image.sections[SYMTAB].sh_entsize = sizeof(Elf64_Sym);
    image.sections[STRTAB] = section(SHT_STRTAB, 0, offsetof(Image, names), sizeof names);
    image.symbols[SYMBOL_F] = symbol(1, STT_FUNC, TEXT);
    image.symbols[SYMBOL_G] = symbol(3, STT_FUNC, FAR);
    image.symbols[SYMBOL_WORD] = symbol(5, STT_OBJECT, RODATA);
    image.symbols[SYMBOL_OUTSIDE] = symbol(10, STT_FUNC, SHN_UNDEF);
    image.of_text = (Elf64_Rela){2, ELF64_R_INFO((uint64_t)SYMBOL_WORD, R_X86_64_PC32), -4};
    image.of_far = (Elf64_Rela){1, ELF64_R_INFO((uint64_t)SYMBOL_F, R_X86_64_PLT32), -4};
    image.of_rodata = (Elf64_Rela){8, ELF64_R_INFO((uint64_t)SYMBOL_WORD, R_X86_64_64), 0};
    memcpy(image.names, names, sizeof names);
    return image;
}

// Loaded from an allocation of exactly its size, so that a sanitizer sees a read beyond it.
static LigStatus load_bytes(const void *bytes, size_t count, const char *name, LigCode *code,
                            const char **problem)
{
    unsigned char *copy = malloc(count > 0 ? count : 1);
    assert_non_null(copy);
    memcpy(copy, bytes, count);
    *problem = NULL;
    LigStatus status = lig_code_load((LigObject){copy, count}, name, code, problem);
    free(copy);
    if (status != LIG_OK) {
        assert_non_null(*problem);
        assert_null(code->pages);
        assert_null(code->entry);
    }
    return status;
}

static LigStatus load_image(const Image *image, LigCode *code)
{
    const char *problem;
    return load_bytes(image, sizeof *image, "f", code, &problem);
}

typedef int Function(void);

static void functions_reach_constants_and_each_other(void **state)
{
    (void)state;
    Image image = make_image();
    const char *const entries[] = {"f", "g"};
    for (int i = 0; i < 2; i++) {
        LigCode code;
        const char *problem;
        if (load_bytes(&image, sizeof image, entries[i], &code, &problem) != LIG_OK) fail_msg("%s", problem);
        assert_int_equal(((Function *)(uintptr_t)code.entry)(), 1234567);
        uint64_t pointer;
        memcpy(&pointer, code.pages + 4096 + 8, 8);
        assert_true(pointer == (uint64_t)(uintptr_t)(code.pages + 4096));
        lig_code_unload(&code);
        assert_null(code.pages);
        lig_code_unload(&code);
    }
}

static void find_rights(const void *address, char rights[8])
{
    FILE *maps = fopen("/proc/self/maps", "r");
    assert_non_null(maps);
    char line[512];
    rights[0] = '\0';
    while (fgets(line, sizeof line, maps)) {
        unsigned long long from, to;
        char found[8];
        if (sscanf(line, "%llx-%llx %7s", &from, &to, found) != 3) continue;
        if ((uintptr_t)address >= from && (uintptr_t)address < to) memcpy(rights, found, sizeof found);
    }
    fclose(maps);
}

static void nothing_is_writable_and_executable(void **state)
{
    (void)state;
    Image image = make_image();
    LigCode code;
    char rights[8];
    assert_int_equal(load_image(&image, &code), LIG_OK);
    assert_int_equal(code.bytes, 8192);
    find_rights(code.pages, rights);
    assert_string_equal(rights, "r-xp");
    find_rights(code.pages + 4096, rights);
    assert_string_equal(rights, "r--p");
    lig_code_unload(&code);
}

static void refuses(const Image *image, LigStatus status, const char *words)
{
    LigCode code;
    const char *problem;
    assert_int_equal(load_bytes(image, sizeof *image, "f", &code, &problem), status);
    if (!strstr(problem, words)) fail_msg("\"%s\" does not say \"%s\"", problem, words);
}

#define REFUSES(status, words, ...)                                                                            \
    do {                                                                                                       \
        Image image = make_image();                                                                            \
        __VA_ARGS__;                                                                                           \
        refuses(&image, status, words);                                                                        \
    } while (0)

static void what_is_no_object_is_refused(void **state)
{
    (void)state;
    REFUSES(LIG_ERR_INVALID, "relocatable ELF", image.header.e_ident[0] = 0);
    REFUSES(LIG_ERR_INVALID, "relocatable ELF", image.header.e_ident[EI_CLASS] = ELFCLASS32);
    REFUSES(LIG_ERR_INVALID, "relocatable ELF", image.header.e_type = ET_DYN);
    REFUSES(LIG_ERR_INVALID, "relocatable ELF", image.header.e_machine = EM_AARCH64);
    REFUSES(LIG_ERR_INVALID, "section table", image.header.e_shnum = 0);
    REFUSES(LIG_ERR_INVALID, "section table", image.header.e_shnum = 60000);
    REFUSES(LIG_ERR_INVALID, "section table", image.header.e_shoff = UINT64_MAX - 8);
    REFUSES(LIG_ERR_INVALID, "section table", image.header.e_shoff = sizeof(Image));
    REFUSES(LIG_ERR_INVALID, "outside", image.sections[TEXT].sh_size = UINT64_MAX);
    REFUSES(LIG_ERR_INVALID, "outside", image.sections[TEXT].sh_offset = UINT64_MAX - 3);
    REFUSES(LIG_ERR_INVALID, "no code", image.sections[TEXT].sh_flags = 0, image.sections[FAR].sh_flags = 0);
    REFUSES(LIG_ERR_INVALID, "no symbols", image.sections[SYMTAB].sh_type = SHT_PROGBITS);
    REFUSES(LIG_ERR_INVALID, "symbol table", image.sections[SYMTAB].sh_link = 77);
    REFUSES(LIG_ERR_INVALID, "symbol table", image.sections[SYMTAB].sh_entsize = 1);
    REFUSES(LIG_ERR_INVALID, "names", image.names[sizeof names - 1] = 'x');
    REFUSES(LIG_ERR_INVALID, "names", image.sections[SYMTAB].sh_link = TEXT);
    REFUSES(LIG_ERR_INVALID, "alignment", image.sections[TEXT].sh_addralign = 3);
    REFUSES(LIG_ERR_INVALID, "alignment", image.sections[TEXT].sh_addralign = 8192);
}

static void what_the_loader_does_not_do_is_refused(void **state)
{
    (void)state;
    REFUSES(LIG_ERR_UNSUPPORTED, "writable", image.sections[RODATA].sh_flags |= SHF_WRITE);
    REFUSES(LIG_ERR_UNSUPPORTED, "neither", image.sections[RODATA].sh_flags |= SHF_TLS);
    REFUSES(LIG_ERR_UNSUPPORTED, "neither", image.sections[RODATA].sh_type = SHT_NOBITS);
    REFUSES(LIG_ERR_UNSUPPORTED, "addends", image.sections[RELA_FAR].sh_type = SHT_REL);
    REFUSES(LIG_ERR_UNSUPPORTED, "kind",
            image.of_far.r_info = ELF64_R_INFO((uint64_t)SYMBOL_F, R_X86_64_GOTPCREL));
    REFUSES(LIG_ERR_UNSUPPORTED, "outside",
            image.of_far.r_info = ELF64_R_INFO((uint64_t)SYMBOL_OUTSIDE, R_X86_64_PLT32));
    REFUSES(LIG_ERR_UNSUPPORTED, "outside", image.symbols[SYMBOL_WORD].st_shndx = SHN_ABS);
    REFUSES(LIG_ERR_UNSUPPORTED, "outside", image.symbols[SYMBOL_WORD].st_value = 17);
    REFUSES(LIG_ERR_NOT_FOUND, "no function", image.symbols[SYMBOL_F].st_name = 3);
    REFUSES(LIG_ERR_NOT_FOUND, "no function", image.symbols[SYMBOL_F].st_name = UINT32_MAX);
}

static void relocations_stay_inside(void **state)
{
    (void)state;
    REFUSES(LIG_ERR_INVALID, "a relocation lies outside", image.of_text.r_offset = 5);
    REFUSES(LIG_ERR_INVALID, "a relocation lies outside", image.of_text.r_offset = UINT64_MAX);
    REFUSES(LIG_ERR_INVALID, "a relocation lies outside", image.of_rodata.r_offset = 9);
    REFUSES(LIG_ERR_INVALID, "a relocation lies outside",
            image.of_text.r_info = ELF64_R_INFO((uint64_t)99, R_X86_64_PC32));
    REFUSES(LIG_ERR_INVALID, "too far", image.of_text.r_addend = INT64_C(1) << 40);
    REFUSES(LIG_ERR_INVALID, "malformed", image.sections[RELA_TEXT].sh_info = 1000);
    REFUSES(LIG_ERR_INVALID, "malformed", image.sections[RELA_TEXT].sh_link = STRTAB);
    REFUSES(LIG_ERR_INVALID, "malformed", image.sections[RELA_TEXT].sh_entsize = 8);
    REFUSES(LIG_ERR_INVALID, "does not lie in its code", image.symbols[SYMBOL_F].st_shndx = RODATA);
}

static void every_cut_is_refused(void **state)
{
    (void)state;
    Image image = make_image();
    for (size_t bytes = 0; bytes < sizeof image; bytes++) {
        LigCode code;
        const char *problem;
        LigStatus status = load_bytes(&image, bytes, "f", &code, &problem);
        // What is cut is at least the last names, unless only padding is.
        if (bytes < offsetof(Image, names) + sizeof names) assert_int_not_equal(status, LIG_OK);
        lig_code_unload(&code);
    }
}

// Any byte may be anything: refused or loaded, never read or written beyond (as the sanitizers see).
static void no_byte_leads_astray(void **state)
{
    (void)state;
    static const unsigned char values[] = {0, 1, 2, 0x7f, 0x80, 0xff};
    for (size_t at = 0; at < sizeof(Image); at++) {
        for (size_t i = 0; i < sizeof values; i++) {
            Image image = make_image();
            LigCode code;
            ((unsigned char *)&image)[at] = values[i];
            LigStatus status = load_image(&image, &code);
            if (status == LIG_OK) assert_true((unsigned char *)code.entry < code.pages + code.bytes);
            lig_code_unload(&code);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(functions_reach_constants_and_each_other),
        cmocka_unit_test(nothing_is_writable_and_executable),
        cmocka_unit_test(what_is_no_object_is_refused),
        cmocka_unit_test(what_the_loader_does_not_do_is_refused),
        cmocka_unit_test(relocations_stay_inside),
        cmocka_unit_test(every_cut_is_refused),
        cmocka_unit_test(no_byte_leads_astray),
    };
    return cmocka_run_group_tests_name("code", tests, NULL, NULL);
}
