#include "codegen/target.h"

#include <string.h>
#include <unistd.h>

// What a level promises, as LLVM names it; the cache sizes are those that its smallest usual machines have.
typedef struct Level {
    LigTarget target;
    const char *needs[16]; // host features, up to a NULL
} Level;

#define V3_NEEDS "avx", "avx2", "bmi", "bmi2", "f16c", "fma", "lzcnt", "movbe", "popcnt", "sse4.2"

static const Level levels[] = {
    {{.name = "x86-64",
      .cpu = "x86-64",
      .vector_bits = 128,
      .vector_registers = 16,
      .l1d_bytes = 32 << 10,
      .l2_bytes = 256 << 10,
      .l3_bytes = 4 << 20},
     {"sse2"}},
    {{.name = "x86-64-v3",
      .cpu = "x86-64-v3",
      .vector_bits = 256,
      .vector_registers = 16,
      .has_fma = true,
      .has_f16c = true,
      .l1d_bytes = 32 << 10,
      .l2_bytes = 256 << 10,
      .l3_bytes = 8 << 20},
     {V3_NEEDS}},
    {{.name = "x86-64-v4",
      .cpu = "x86-64-v4",
      .vector_bits = 512,
      .vector_registers = 32,
      .has_fma = true,
      .has_f16c = true,
      .l1d_bytes = 32 << 10,
      .l2_bytes = 1 << 20,
      .l3_bytes = 16 << 20},
     {V3_NEEDS, "avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"}},
};

enum { LEVEL_COUNT = sizeof levels / sizeof *levels };

// Whether the comma-separated list holds "+name".
static bool has_feature(const char *features, const char *name)
{
    size_t length = strlen(name);
    for (const char *item = features; item; item = strchr(item, ',')) {
        if (*item == ',') item++;
        if (item[0] == '+' && !strncmp(item + 1, name, length) &&
            (item[length + 1] == ',' || !item[length + 1]))
            return true;
    }
    return false;
}

static bool has_all(const char *features, const char *const *needs, const char **missing)
{
    for (; *needs; needs++) {
        *missing = *needs;
        if (!has_feature(features, *needs)) return false;
    }
    return true;
}

static int64_t cache_bytes(int name, int64_t otherwise)
{
    long bytes = sysconf(name);
    return bytes > 0 ? bytes : otherwise;
}

static void find_native(LigTarget *out)
{
    LigHostCpu host;
    lig_host_cpu_read(&host);
    *out = (LigTarget){.name = LIG_TARGET_NATIVE};
    memcpy(out->cpu, host.name, sizeof host.name);
    memcpy(out->features, host.features, sizeof host.features);
    memcpy(out->bits, host.bits, sizeof host.bits);
    const char *missing;
    int best = 0;
    for (int i = 1; i < LEVEL_COUNT; i++)
        if (has_all(out->features, levels[i].needs, &missing)) best = i;
    const LigTarget *level = &levels[best].target;
    out->vector_bits = level->vector_bits;
    out->vector_registers = level->vector_registers;
    out->has_fma = has_feature(out->features, "fma");
    out->has_f16c = has_feature(out->features, "f16c");
    out->has_avx512bf16 = level->vector_bits == 512 && has_feature(out->features, "avx512bf16");
    out->has_vnni = (level->vector_bits == 512 && has_feature(out->features, "avx512vnni")) ||
                    (level->vector_bits == 256 && has_feature(out->features, "avxvnni"));
    out->l1d_bytes = cache_bytes(_SC_LEVEL1_DCACHE_SIZE, level->l1d_bytes);
    out->l2_bytes = cache_bytes(_SC_LEVEL2_CACHE_SIZE, level->l2_bytes);
    out->l3_bytes = cache_bytes(_SC_LEVEL3_CACHE_SIZE, 0);
}

LigStatus lig_target_find(LigContext *ctx, const char *name, LigTarget *out)
{
    if (strcmp(name, LIG_TARGET_NATIVE) == 0) {
        find_native(out);
        return LIG_OK;
    }
    for (int i = 0; i < LEVEL_COUNT; i++) {
        if (strcmp(name, levels[i].target.name) != 0) continue;
        *out = levels[i].target;
        return LIG_OK;
    }
    return lig_fail(ctx, LIG_ERR_NOT_FOUND, LIG_NOWHERE,
                    "no target \"%s\": choose native, x86-64, x86-64-v3 or x86-64-v4", name);
}

LigStatus lig_target_check_runs(LigContext *ctx, const LigTarget *target)
{
    LigHostCpu host;
    lig_host_cpu_read(&host);
    const char *missing;
    for (int i = 0; i < LEVEL_COUNT; i++) {
        if (strcmp(target->name, levels[i].target.name) != 0) continue;
        if (has_all(host.features, levels[i].needs, &missing)) return LIG_OK;
        return lig_fail(ctx, LIG_ERR_UNSUPPORTED, LIG_NOWHERE,
                        "this CPU (%s) can't run code for %s: it lacks %s; choose --target=native", host.name,
                        target->name, missing);
    }
    return LIG_OK;
}

int lig_target_f32_lanes(const LigTarget *target) { return target->vector_bits / 32; }
