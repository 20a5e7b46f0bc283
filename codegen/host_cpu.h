// This machine's CPU, asked directly: a run from cached objects needs no LLVM to know it.
//
// Source: Intel SDM vol. 2, CPUID and XGETBV; AMD APM vol. 3, appendix E. Names of features are LLVM's.
#ifndef LIG_CODEGEN_HOST_CPU_H
#define LIG_CODEGEN_HOST_CPU_H

#include <stddef.h>

enum { LIG_HOST_NAME_BYTES = 64, LIG_HOST_FEATURE_BYTES = 512, LIG_HOST_BITS_BYTES = 128 };

typedef struct LigHostCpu {
    char name[LIG_HOST_NAME_BYTES];        // "GenuineIntel-6-143-8": vendor, family, model, stepping
    char features[LIG_HOST_FEATURE_BYTES]; // "+sse2,+avx,…": those that the table knows and the system enables
    // All that CPUID says about instructions, in hex: two machines with the same name and bits are one to LLVM.
    char bits[LIG_HOST_BITS_BYTES];
} LigHostCpu;

void lig_host_cpu_read(LigHostCpu *out);

// The names of the table; NULL behind the last.
const char *lig_host_feature_name(size_t index);

#endif
