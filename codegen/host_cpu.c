#include "codegen/host_cpu.h"

#include <cpuid.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

// The words of CPUID that tell of instructions, and XCR0: which registers the system saves.
typedef enum Word {
    LEAF1_ECX,
    LEAF1_EDX,
    LEAF7_EBX,
    LEAF7_ECX,
    LEAF7_EDX,
    LEAF7_1_EAX,
    LEAF7_1_EDX,
    LEAF13_1_EAX,
    EXTENDED_ECX,
    EXTENDED_EDX,
    XCR0,
    WORD_COUNT
} Word;

// What the system must save for a feature to be of use: bits of XCR0.
enum { ANY = 0, YMM = 0x6, ZMM = 0xe6 };

typedef struct Feature {
    const char *name;
    Word word;
    int bit;
    uint32_t saved;
} Feature;

static const Feature features[] = {
    {"sse2", LEAF1_EDX, 26, ANY},         {"sse3", LEAF1_ECX, 0, ANY},
    {"ssse3", LEAF1_ECX, 9, ANY},         {"sse4.1", LEAF1_ECX, 19, ANY},
    {"sse4.2", LEAF1_ECX, 20, ANY},       {"movbe", LEAF1_ECX, 22, ANY},
    {"popcnt", LEAF1_ECX, 23, ANY},       {"fma", LEAF1_ECX, 12, YMM},
    {"f16c", LEAF1_ECX, 29, YMM},         {"avx", LEAF1_ECX, 28, YMM},
    {"bmi", LEAF7_EBX, 3, ANY},           {"avx2", LEAF7_EBX, 5, YMM},
    {"bmi2", LEAF7_EBX, 8, ANY},          {"lzcnt", EXTENDED_ECX, 5, ANY},
    {"avx512f", LEAF7_EBX, 16, ZMM},      {"avx512dq", LEAF7_EBX, 17, ZMM},
    {"avx512cd", LEAF7_EBX, 28, ZMM},     {"avx512bw", LEAF7_EBX, 30, ZMM},
    {"avx512vl", LEAF7_EBX, 31, ZMM},     {"avx512vbmi", LEAF7_ECX, 1, ZMM},
    {"avx512vnni", LEAF7_ECX, 11, ZMM},   {"avx512bf16", LEAF7_1_EAX, 5, ZMM},
    {"avx512fp16", LEAF7_EDX, 23, ZMM},   {"avxvnni", LEAF7_1_EAX, 4, YMM},
    {"avxvnniint8", LEAF7_1_EDX, 4, YMM},
};

enum { FEATURE_COUNT = sizeof features / sizeof *features };

const char *lig_host_feature_name(size_t index) { return index < FEATURE_COUNT ? features[index].name : NULL; }

static uint32_t read_xcr0(void)
{
    uint32_t low, high;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

static void read_words(uint32_t words[WORD_COUNT])
{
    const uint32_t osxsave = UINT32_C(1) << 27;
    uint32_t eax, ebx, ecx, edx;
    memset(words, 0, WORD_COUNT * sizeof *words);
    if (__get_cpuid(1, &eax, &ebx, &ecx, &edx)) words[LEAF1_ECX] = ecx, words[LEAF1_EDX] = edx;
    if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx)) {
        words[LEAF7_EBX] = ebx, words[LEAF7_ECX] = ecx, words[LEAF7_EDX] = edx;
        if (eax >= 1 && __get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx))
            words[LEAF7_1_EAX] = eax, words[LEAF7_1_EDX] = edx;
    }
    if (__get_cpuid_count(13, 1, &eax, &ebx, &ecx, &edx)) words[LEAF13_1_EAX] = eax;
    if (__get_cpuid(0x80000001, &eax, &ebx, &ecx, &edx)) words[EXTENDED_ECX] = ecx, words[EXTENDED_EDX] = edx;
    if (words[LEAF1_ECX] & osxsave) words[XCR0] = read_xcr0();
}

static void write_name(char out[LIG_HOST_NAME_BYTES])
{
    uint32_t eax, ebx, ecx, edx;
    char vendor[13] = "unknown";
    if (__get_cpuid(0, &eax, &ebx, &ecx, &edx)) {
        memcpy(vendor, &ebx, 4);
        memcpy(vendor + 4, &edx, 4);
        memcpy(vendor + 8, &ecx, 4);
    }
    uint32_t family = 0, model = 0, stepping = 0;
    if (__get_cpuid(1, &eax, &ebx, &ecx, &edx)) {
        stepping = eax & 15;
        model = (eax >> 4 & 15) + (eax >> 16 & 15) * 16;
        family = (eax >> 8 & 15) == 15 ? 15 + (eax >> 20 & 255) : eax >> 8 & 15;
    }
    snprintf(out, LIG_HOST_NAME_BYTES, "%s-%u-%u-%u", vendor, family, model, stepping);
}

void lig_host_cpu_read(LigHostCpu *out)
{
    *out = (LigHostCpu){0};
    uint32_t words[WORD_COUNT];
    read_words(words);
    write_name(out->name);
    size_t length = 0;
    for (size_t i = 0; i < FEATURE_COUNT; i++) {
        const Feature *f = &features[i];
        bool usable = (words[f->word] >> f->bit & 1) && (words[XCR0] & f->saved) == f->saved;
        if (!usable) continue;
        length += (size_t)snprintf(out->features + length, sizeof out->features - length, "%s+%s",
                                   length > 0 ? "," : "", f->name);
    }
    for (size_t i = 0; i < WORD_COUNT; i++) snprintf(out->bits + 8 * i, 9, "%08x", words[i]);
}
