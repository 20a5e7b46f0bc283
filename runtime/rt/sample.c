#include "runtime/rt/sample.h"

#include "ir/base/alloc.h"
#include "ir/base/random.h"

#include <float.h>
#include <math.h>
#include <string.h>

typedef struct Candidate {
    float logit;
    int32_t token;
} Candidate;

struct LigSampler {
    int32_t vocabulary;
    float *logits;         // penalised
    bool *penalised;       // all false between calls
    Candidate *candidates; // a heap, largest first
    double *weights;       // of the candidates taken, in order
};

void lig_sampler_destroy(LigSampler *sampler)
{
    if (!sampler) return;
    lig_free(sampler->logits);
    lig_free(sampler->penalised);
    lig_free(sampler->candidates);
    lig_free(sampler->weights);
    lig_free(sampler);
}

LigStatus lig_sampler_create(LigContext *ctx, int32_t vocabulary, LigSampler **out)
{
    *out = NULL;
    if (vocabulary < 1)
        return lig_fail(ctx, LIG_ERR_INVALID, LIG_NOWHERE, "a vocabulary of %d tokens: at least 1 expected",
                        vocabulary);
    LigSampler *sampler = lig_alloc_zero(sizeof *sampler);
    if (!sampler) return lig_no_memory(ctx);
    size_t count = (size_t)vocabulary;
    sampler->vocabulary = vocabulary;
    sampler->logits = lig_alloc(count * sizeof *sampler->logits);
    sampler->penalised = lig_alloc_zero(count * sizeof *sampler->penalised);
    sampler->candidates = lig_alloc(count * sizeof *sampler->candidates);
    sampler->weights = lig_alloc(count * sizeof *sampler->weights);
    if (!sampler->logits || !sampler->penalised || !sampler->candidates || !sampler->weights) {
        lig_sampler_destroy(sampler);
        return lig_no_memory(ctx);
    }
    *out = sampler;
    return LIG_OK;
}

static LigStatus bad_option(LigContext *ctx, const char *name, float value, const char *range)
{
    return lig_fail(ctx, LIG_ERR_INVALID, LIG_NOWHERE, "sampling: %s is %g, but must be %s", name,
                    (double)value, range);
}

LigStatus lig_sampling_check(LigContext *ctx, const LigSampling *o)
{
    if (!(o->temperature >= 0 && o->temperature <= 1000))
        return bad_option(ctx, "temperature", o->temperature, "in 0 .. 1000 (0 chooses the likeliest token)");
    if (o->top_k < 0) return bad_option(ctx, "top_k", (float)o->top_k, "at least 0 (0 keeps all)");
    if (!(o->top_p > 0 && o->top_p <= 1)) return bad_option(ctx, "top_p", o->top_p, "above 0 and at most 1");
    if (!(o->min_p >= 0 && o->min_p <= 1)) return bad_option(ctx, "min_p", o->min_p, "in 0 .. 1");
    if (!(o->repetition_penalty >= 0.01f && o->repetition_penalty <= 100))
        return bad_option(ctx, "repetition_penalty", o->repetition_penalty, "in 0.01 .. 100 (1 is off)");
    return LIG_OK;
}

// e^x for x <= 0, from +, * and exact scaling alone, so that it is the same everywhere; relative error below
// 1e-14.
static double exp_negative(double x)
{
    if (x < -700) return 0;
    double n = (double)(int64_t)(x * 1.4426950408889634 - 0.5);
    double r =
        (x - n * 0x1.62e42fee00000p-1) - n * 0x1.a39ef35793c76p-33; // n * (ln 2 in two parts, the first exact)
    double sum = 1;
    for (int k = 14; k >= 1; k--) sum = 1 + sum * r / k;
    return ldexp(sum, (int)n);
}

static LigStatus check_logits(LigContext *ctx, const LigSampler *sampler, const float *logits)
{
    bool any = false;
    for (int32_t i = 0; i < sampler->vocabulary; i++) {
        if (isnan(logits[i]) || logits[i] == INFINITY)
            return lig_fail(
                ctx, LIG_ERR_INVALID, LIG_NOWHERE,
                "the logit of token %d is %s, no number to choose by: the model's weights or kernels are wrong",
                i, isnan(logits[i]) ? "NaN" : "+inf");
        any |= logits[i] != -INFINITY;
    }
    if (any) return LIG_OK;
    return lig_fail(ctx, LIG_ERR_INVALID, LIG_NOWHERE, "every logit is -inf: no token may be chosen");
}

static void penalise(LigSampler *sampler, const LigSampling *options, const LigSampleInput *input)
{
    memcpy(sampler->logits, input->logits, (size_t)sampler->vocabulary * sizeof *sampler->logits);
    if (options->repetition_penalty == 1) return;
    for (size_t i = 0; i < input->history_count; i++) {
        int32_t token = input->history[i];
        if (token < 0 || token >= sampler->vocabulary || sampler->penalised[token]) continue;
        sampler->penalised[token] = true;
        float *logit = &sampler->logits[token];
        if (*logit == -INFINITY) continue;
        float value = *logit > 0 ? *logit / options->repetition_penalty : *logit * options->repetition_penalty;
        *logit = fmaxf(-FLT_MAX, fminf(value, FLT_MAX));
    }
    for (size_t i = 0; i < input->history_count; i++) {
        int32_t token = input->history[i];
        if (token >= 0 && token < sampler->vocabulary) sampler->penalised[token] = false;
    }
}

static int32_t largest(const LigSampler *sampler)
{
    int32_t best = 0;
    for (int32_t i = 1; i < sampler->vocabulary; i++)
        if (sampler->logits[i] > sampler->logits[best]) best = i;
    return best;
}

static bool comes_before(Candidate a, Candidate b)
{
    return a.logit > b.logit || (a.logit == b.logit && a.token < b.token);
}

static void sift_down(Candidate *heap, size_t count, size_t at)
{
    Candidate moving = heap[at];
    for (size_t child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && comes_before(heap[child + 1], heap[child])) child++;
        if (!comes_before(heap[child], moving)) break;
        heap[at] = heap[child];
    }
    heap[at] = moving;
}

static void fill_heap(LigSampler *sampler)
{
    size_t count = (size_t)sampler->vocabulary;
    for (size_t i = 0; i < count; i++) sampler->candidates[i] = (Candidate){sampler->logits[i], (int32_t)i};
    for (size_t i = count / 2; i-- > 0;) sift_down(sampler->candidates, count, i);
}

// Takes the first candidate off a heap of `count` and puts it behind the others.
static Candidate pop(Candidate *heap, size_t count)
{
    Candidate first = heap[0];
    heap[0] = heap[count - 1];
    heap[count - 1] = first;
    sift_down(heap, count - 1, 0);
    return first;
}

static double weight_of(float logit, float top, float temperature)
{
    return exp_negative(((double)logit - (double)top) / (double)temperature);
}

// The weight of the whole vocabulary, summed in token order.
static double total_weight(const LigSampler *sampler, const LigSampling *options, float top)
{
    double total = 0;
    for (int32_t i = 0; i < sampler->vocabulary; i++)
        total += weight_of(sampler->logits[i], top, options->temperature);
    return total;
}

// Pops candidates in falling order into weights[] until an option says stop or they weigh `enough`; returns how
// many, and their sum.
static size_t take_candidates(LigSampler *sampler, const LigSampling *options, float top, double enough,
                              double *sum)
{
    size_t count = (size_t)sampler->vocabulary;
    size_t limit = options->top_k && (size_t)options->top_k < count ? (size_t)options->top_k : count;
    size_t taken = 0;
    *sum = 0;
    while (taken < limit && *sum < enough) {
        Candidate next = pop(sampler->candidates, count - taken);
        double weight = weight_of(next.logit, top, options->temperature);
        if (weight == 0 || weight < (double)options->min_p) break;
        sampler->weights[taken++] = weight;
        *sum += weight;
    }
    return taken;
}

// As many of the first `taken` as weigh `enough`; *sum becomes their weight.
static size_t cut_mass(const LigSampler *sampler, double enough, size_t taken, double *sum)
{
    double mass = 0;
    for (size_t i = 0; i < taken; i++) {
        mass += sampler->weights[i];
        if (mass < enough) continue;
        *sum = mass;
        return i + 1;
    }
    return taken;
}

static double draw(const LigSampling *options, uint64_t position)
{
    LigRandomBlock block = lig_random_block(options->seed, position, 0);
    return lig_random_unit_f64(block.word[0], block.word[1]);
}

static int32_t draw_from_all(LigSampler *sampler, const LigSampling *options, float top, double unit)
{
    double target = unit * total_weight(sampler, options, top);
    int32_t chosen = 0;
    for (int32_t i = 0; i < sampler->vocabulary; i++) {
        double weight = weight_of(sampler->logits[i], top, options->temperature);
        if (weight == 0) continue;
        chosen = i; // rounding may leave target >= 0 at the end: then the last one possible
        target -= weight;
        if (target < 0) break;
    }
    return chosen;
}

static int32_t draw_from_best(LigSampler *sampler, const LigSampling *options, float top, double unit)
{
    fill_heap(sampler);
    double sum;
    double share = (double)options->top_p;
    bool whole =
        options->top_k == 0; // then the mass is known before sorting, and few candidates need be sorted
    double enough = share < 1 && whole ? share * total_weight(sampler, options, top) : (double)INFINITY;
    size_t taken = take_candidates(sampler, options, top, enough, &sum);
    if (share < 1 && !whole) taken = cut_mass(sampler, share * sum, taken, &sum);
    double target = unit * sum;
    size_t i = 0;
    while (i + 1 < taken && (target -= sampler->weights[i]) >= 0) i++;
    return sampler->candidates[(size_t)sampler->vocabulary - 1 - i].token;
}

LigStatus lig_sample(LigContext *ctx, LigSampler *sampler, const LigSampling *options,
                     const LigSampleInput *input, int32_t *token)
{
    LIG_TRY(lig_sampling_check(ctx, options));
    LIG_TRY(check_logits(ctx, sampler, input->logits));
    penalise(sampler, options, input);
    int32_t best = largest(sampler);
    if (options->temperature == 0) {
        *token = best;
        return LIG_OK;
    }
    bool all = options->top_k == 0 && options->top_p == 1 && options->min_p == 0;
    double unit = draw(options, input->position);
    float top = sampler->logits[best];
    *token = all ? draw_from_all(sampler, options, top, unit) : draw_from_best(sampler, options, top, unit);
    return LIG_OK;
}
