// The CPU that code is made for, as data. Emitters ask nothing else about it.
//
// Levels (`x86-64`, `x86-64-v3`, `x86-64-v4`) are fixed tables, so that code made for them is the same wherever
// it is made; `native` is read from this machine.
#ifndef LIG_CODEGEN_TARGET_H
#define LIG_CODEGEN_TARGET_H

#include "codegen/host_cpu.h"
#include "ir/base/status.h"

// Objects are made for this, wherever they are made.
#define LIG_TARGET_TRIPLE "x86_64-unknown-linux-gnu"

#define LIG_TARGET_NATIVE "native"

typedef struct LigTarget {
    char name[LIG_HOST_NAME_BYTES];        // as asked for
    char cpu[LIG_HOST_NAME_BYTES];         // a level's name for LLVM; native: as codegen/host_cpu.h names it
    char features[LIG_HOST_FEATURE_BYTES]; // native: "+a,+b,…"; "" for levels
    char bits[LIG_HOST_BITS_BYTES];        // native: of LigHostCpu; "" for levels
    int vector_bits;                       // 128, 256 or 512
    int vector_registers;                  // 16 or 32
    bool has_fma;
    bool has_f16c;
    bool has_avx512bf16; // vdpbf16ps, vcvtneps2bf16
    bool has_vnni;       // vpdpbusd at vector_bits
    int64_t l1d_bytes;   // per core
    int64_t l2_bytes;    // per core
    int64_t l3_bytes;    // shared; 0 = none
} LigTarget;

// Errors: NOT_FOUND for another name.
LIG_MUST_CHECK LigStatus lig_target_find(LigContext *ctx, const char *name, LigTarget *out);

// LIG_OK when this machine can run code made for `target`; else UNSUPPORTED, naming the first feature it lacks.
LIG_MUST_CHECK LigStatus lig_target_check_runs(LigContext *ctx, const LigTarget *target);

// f32 lanes of a full vector.
int lig_target_f32_lanes(const LigTarget *target);

#endif
