#include "tools/machine_probe.h"

#include "ir/base/alloc.h"
#include "tools/progress.h"

#include <immintrin.h>

enum { PROBE_BYTES = 256 << 20, PIECE_BYTES = 1 << 20, REPEATS = 3, ACCUMULATORS = 12, ROUNDS = 1 << 22 };

typedef struct Sums {
    uint64_t value;
    char apart[LIG_ALIGN_CACHE - sizeof(uint64_t)]; // a cache line of its own for each thread
} Sums;

typedef struct Probe {
    unsigned char *memory;
    Sums sums[LIG_MAX_THREADS]; // what the loops give, so that they are not left out
} Probe;

static void fill_pieces(void *user, int thread, int64_t begin, int64_t end)
{
    (void)thread;
    uint64_t *words = (uint64_t *)(void *)((Probe *)user)->memory;
    for (int64_t i = begin * PIECE_BYTES / 8; i < end * PIECE_BYTES / 8; i++) words[i] = (uint64_t)i;
}

static void read_pieces(void *user, int thread, int64_t begin, int64_t end)
{
    Probe *probe = user;
    const __m128i *at = (const __m128i *)(const void *)(probe->memory + begin * PIECE_BYTES);
    const __m128i *stop = (const __m128i *)(const void *)(probe->memory + end * PIECE_BYTES);
    __m128i a = _mm_setzero_si128(), b = a, c = a, d = a;
    for (; at < stop; at += 4) {
        a = _mm_xor_si128(a, at[0]);
        b = _mm_xor_si128(b, at[1]);
        c = _mm_xor_si128(c, at[2]);
        d = _mm_xor_si128(d, at[3]);
    }
    a = _mm_xor_si128(_mm_xor_si128(a, b), _mm_xor_si128(c, d));
    probe->sums[thread].value += (uint64_t)_mm_cvtsi128_si64(a);
}

static double best_seconds(const LigParallel *parallel, int64_t tiles, LigTileFn fn, void *user)
{
    double best = 0;
    for (int i = 0; i < REPEATS; i++) {
        double start = lig_seconds();
        parallel->run(parallel->self, tiles, fn, user);
        double seconds = lig_seconds() - start;
        if (i == 0 || seconds < best) best = seconds;
    }
    return best;
}

// Independent chains of multiply-adds, as many as hide their latency; the loop is kept by its sum.
#define FMA_LOOP(name, features, vector, set1, fma)                                                            \
    __attribute__((target(features))) static float name(int64_t rounds)                                        \
    {                                                                                                          \
        vector sums[ACCUMULATORS];                                                                             \
        vector x = set1(0.999F), y = set1(0.001F);                                                             \
        for (int i = 0; i < ACCUMULATORS; i++) sums[i] = set1((float)i);                                       \
        for (int64_t r = 0; r < rounds; r++) {                                                                 \
            _Pragma("GCC unroll 12") for (int i = 0; i < ACCUMULATORS; i++) sums[i] = fma(sums[i], x, y);      \
        }                                                                                                      \
        float total = 0;                                                                                       \
        for (int i = 0; i < ACCUMULATORS; i++) total += ((const float *)&sums[i])[0];                          \
        return total;                                                                                          \
    }

#define MUL_ADD(a, x, y) _mm_add_ps(_mm_mul_ps(a, x), y)
FMA_LOOP(multiply_add_128, "sse2", __m128, _mm_set1_ps, MUL_ADD)
FMA_LOOP(multiply_add_256, "avx2,fma", __m256, _mm256_set1_ps, _mm256_fmadd_ps)
FMA_LOOP(multiply_add_512, "avx512f", __m512, _mm512_set1_ps, _mm512_fmadd_ps)

typedef struct Peak {
    float (*loop)(int64_t rounds);
    int lanes;
} Peak;

static Peak widest(void)
{
    if (__builtin_cpu_supports("avx512f")) return (Peak){multiply_add_512, 16};
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return (Peak){multiply_add_256, 8};
    return (Peak){multiply_add_128, 4};
}

static void multiply_tiles(void *user, int thread, int64_t begin, int64_t end)
{
    Probe *probe = user;
    for (int64_t i = begin; i < end; i++) {
        probe->sums[thread].value += (uint64_t)widest().loop(ROUNDS);
    }
}

LigStatus lig_machine_probe(LigContext *ctx, const LigParallel *parallel, LigMachineSpeed *out)
{
    Probe *probe = lig_alloc_zero(sizeof *probe);
    if (probe) probe->memory = lig_alloc_pages(PROBE_BYTES);
    if (!probe || !probe->memory) {
        lig_free(probe);
        return lig_no_memory(ctx);
    }
    parallel->run(parallel->self, PROBE_BYTES / PIECE_BYTES, fill_pieces, probe);
    double reading = best_seconds(parallel, PROBE_BYTES / PIECE_BYTES, read_pieces, probe);
    double computing = best_seconds(parallel, parallel->threads, multiply_tiles, probe);
    double flops = 2 * (double)ROUNDS * (double)ACCUMULATORS * widest().lanes * parallel->threads;
    *out = (LigMachineSpeed){(double)PROBE_BYTES / reading, flops / computing};
    lig_free_pages(probe->memory, PROBE_BYTES);
    lig_free(probe);
    return LIG_OK;
}
