// Random numbers against published answers; sampling against what its options promise.
#include "runtime/rt/sample.h"
#include "ir/base/random.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

enum { VOCABULARY = 6, DRAWS = 20000 };

// Probabilities 1/2, 1/4, 1/8, 1/16, 1/32, 1/32, in another order; token 3 and 5 tie.
static const float logits[VOCABULARY] = {-2.0794415f, -0.6931472f, -1.3862944f,
                                         -3.4657359f, -2.7725887f, -3.4657359f};
static const double expected[VOCABULARY] = {0.125, 0.5, 0.25, 0.03125, 0.0625, 0.03125};

// The known answers that come with the authors' Random123 library.
static void philox_gives_the_published_words(void **state)
{
    (void)state;
    static const struct {
        uint64_t key, low, high;
        uint32_t words[4];
    } known[] = {
        {0, 0, 0, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {UINT64_MAX, UINT64_MAX, UINT64_MAX, {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {0x299f31d0a4093822,
         0x85a308d3243f6a88,
         0x0370734413198a2e,
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        LigRandomBlock block = lig_random_block(known[i].key, known[i].low, known[i].high);
        assert_memory_equal(block.word, known[i].words, sizeof block.word);
    }
    assert_true(lig_random_unit_f32(UINT32_MAX) < 1 && lig_random_unit_f64(UINT32_MAX, UINT32_MAX) < 1);
}

static void count_draws(const LigSampling *options, int counts[VOCABULARY])
{
    LigContext *ctx = lig_context_create();
    LigSampler *sampler;
    assert_int_equal(lig_sampler_create(ctx, VOCABULARY, &sampler), LIG_OK);
    for (int i = 0; i < VOCABULARY; i++) counts[i] = 0;
    for (uint64_t position = 0; position < DRAWS; position++) {
        LigSampleInput input = {.logits = logits, .position = position};
        int32_t token = -1;
        assert_int_equal(lig_sample(ctx, sampler, options, &input, &token), LIG_OK);
        assert_in_range(token, 0, VOCABULARY - 1);
        counts[token]++;
    }
    lig_sampler_destroy(sampler);
    lig_context_destroy(ctx);
}

// Counts within five standard deviations of the probabilities, renormalised over the tokens kept.
static void check_draws(LigSampling options, unsigned kept)
{
    int counts[VOCABULARY];
    count_draws(&options, counts);
    double mass = 0;
    for (int i = 0; i < VOCABULARY; i++) mass += kept >> i & 1 ? expected[i] : 0;
    for (int i = 0; i < VOCABULARY; i++) {
        double p = kept >> i & 1 ? expected[i] / mass : 0;
        assert_true(fabs(counts[i] - p * (double)DRAWS) <= 5 * sqrt((double)DRAWS * p * (1 - p)));
    }
}

static void draws_follow_the_distribution(void **state)
{
    (void)state;
    LigSampling plain = {.temperature = 1, .top_p = 1, .repetition_penalty = 1, .seed = 7};
    LigSampling o = plain;
    check_draws(o, 0x3f);
    o.top_k = 4;
    check_draws(o, 0x17);
    o.top_k = 5; // of the two that tie the first stays
    check_draws(o, 0x1f);
    o = plain, o.top_p = 0.7f;
    check_draws(o, 0x06);
    o = plain, o.min_p = 0.2f;
    check_draws(o, 0x07);
    o = plain, o.top_k = 3, o.top_p = 0.6f; // of the three's mass 0.875: 0.5 is 0.57 of it
    check_draws(o, 0x06);
}

static int32_t greedy(LigContext *ctx, const float *row, float penalty, const int32_t *history, size_t count)
{
    LigSampler *sampler;
    LigSampling options = LIG_SAMPLING_GREEDY;
    options.repetition_penalty = penalty;
    assert_int_equal(lig_sampler_create(ctx, 3, &sampler), LIG_OK);
    LigSampleInput input = {.logits = row, .history = history, .history_count = count};
    int32_t token = -1;
    LigStatus status = lig_sample(ctx, sampler, &options, &input, &token);
    lig_sampler_destroy(sampler);
    return status == LIG_OK ? token : -(int32_t)status;
}

static void greedy_penalty_and_bad_rows(void **state)
{
    (void)state;
    LigContext *ctx = lig_context_create();
    const int32_t history[] = {1, 1, -5, 99};
    assert_int_equal(greedy(ctx, (float[]){1, 3, 3}, 1, NULL, 0), 1);
    assert_int_equal(greedy(ctx, (float[]){2, 3, 1}, 2, history, 4), 0); // 3 / 2, once though seen twice
    assert_int_equal(greedy(ctx, (float[]){1, 3, -9}, 2, history, 4), 1);
    assert_int_equal(greedy(ctx, (float[]){1, NAN, 3}, 1, NULL, 0), -LIG_ERR_INVALID);
    assert_int_equal(greedy(ctx, (float[]){1, INFINITY, 3}, 1, NULL, 0), -LIG_ERR_INVALID);
    assert_int_equal(greedy(ctx, (float[]){-INFINITY, -INFINITY, -INFINITY}, 1, NULL, 0), -LIG_ERR_INVALID);
    LigSampling bad = LIG_SAMPLING_GREEDY;
    bad.top_p = NAN;
    assert_int_equal(lig_sampling_check(ctx, &bad), LIG_ERR_INVALID);
    lig_context_destroy(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(philox_gives_the_published_words),
        cmocka_unit_test(draws_follow_the_distribution),
        cmocka_unit_test(greedy_penalty_and_bad_rows),
    };
    return cmocka_run_group_tests_name("sample", tests, NULL, NULL);
}
