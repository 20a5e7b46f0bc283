// liga bench: how fast prompts are read and answers written, beside what the machine could do.
//
// Each of -r rounds empties the slots, feeds every sequence its prompt, then takes -n steps with one token a
// sequence. The first round is a warm-up that is not counted: kernels are compiled in it.
#include "ir/base/alloc.h"
#include "runtime/session.h"
#include "tools/command_output.h"
#include "tools/cost.h"
#include "tools/diagnostics.h"
#include "tools/json_output.h"
#include "tools/machine_probe.h"
#include "tools/model_open.h"
#include "tools/progress.h"
#include "tools/time_report.h"

#include <stdlib.h>

typedef struct Bench {
    LigOptions *options;
    LigContext *ctx;
    LigOpenModel model;
    LigSession *session;
    int64_t prompt, steps, batch, rounds;
    int32_t *ids; // [prompt + steps]
    LigRow *rows; // [batch]
    float *logits;
    double *prefill_rates, *decode_rates; // [rounds] tokens/s
    LigCost prefill_cost, decode_cost;
    LigMachineSpeed machine;
} Bench;

// Token t sees the t + 1 keys up to itself: the mean over `count` tokens from `first` on.
static double mean_keys(int64_t first, int64_t count) { return (double)first + (double)(count + 1) / 2; }

static LigStatus compile(Bench *bench)
{
    LigModule *module;
    LIG_TRY(lig_open_model_file(&bench->model, bench->options));
    LIG_TRY(lig_open_model_build(&bench->model, "step", &module));
    bench->prefill_cost = lig_cost_of(module, "step", mean_keys(0, bench->prompt));
    bench->decode_cost = lig_cost_of(module, "step", mean_keys(bench->prompt, bench->steps));
    LIG_TRY(lig_open_model_compile(&bench->model, module));
    const LigSessionOptions size = {.context = bench->prompt + bench->steps, .slots = bench->batch};
    return lig_session_create(bench->model.executable, &size, &bench->session);
}

// Ids spread over the vocabulary, the same for a seed.
static void fill_ids(const Bench *bench)
{
    uint64_t x = (uint64_t)lig_option_integer(bench->options, LIG_OPT_SEED);
    uint64_t vocabulary = (uint64_t)lig_session_vocabulary(bench->session);
    for (int64_t i = 0; i < bench->prompt + bench->steps; i++) {
        x = x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        bench->ids[i] = (int32_t)((x >> 33) % vocabulary);
    }
}

static LigStatus allocate(Bench *bench)
{
    LigArena *arena = bench->options->arena;
    bench->ids = LIG_NEW_ARRAY(arena, int32_t, (size_t)(bench->prompt + bench->steps));
    bench->rows = LIG_NEW_ARRAY(arena, LigRow, (size_t)bench->batch);
    bench->prefill_rates = LIG_NEW_ARRAY(arena, double, (size_t)bench->rounds);
    bench->decode_rates = LIG_NEW_ARRAY(arena, double, (size_t)bench->rounds);
    size_t logits = (size_t)lig_session_vocabulary(bench->session) * (size_t)bench->batch;
    bench->logits = LIG_NEW_ARRAY(arena, float, logits);
    bool complete = bench->ids && bench->rows && bench->prefill_rates && bench->decode_rates && bench->logits;
    return complete ? LIG_OK : lig_no_memory(bench->ctx);
}

static LigStatus feed_prompts(Bench *bench)
{
    for (int64_t slot = 0; slot < bench->batch; slot++) {
        lig_session_reset(bench->session, slot);
        LIG_TRY(lig_session_feed(bench->session, slot, bench->ids, bench->prompt, bench->logits));
    }
    return LIG_OK;
}

static LigStatus take_steps(Bench *bench, int64_t steps)
{
    for (int64_t i = 0; i < steps; i++) {
        for (int64_t slot = 0; slot < bench->batch; slot++) {
            bench->rows[slot] = (LigRow){.slot = slot, .ids = &bench->ids[bench->prompt + i], .count = 1};
        }
        LIG_TRY(lig_session_step(bench->session, bench->rows, bench->batch, bench->logits));
    }
    return LIG_OK;
}

static LigStatus measure_round(Bench *bench, int64_t round)
{
    double start = lig_seconds();
    LIG_TRY(feed_prompts(bench));
    double fed = lig_seconds();
    LIG_TRY(take_steps(bench, bench->steps));
    double end = lig_seconds();
    bench->prefill_rates[round] = (double)(bench->prompt * bench->batch) / (fed - start);
    bench->decode_rates[round] = (double)(bench->steps * bench->batch) / (end - fed);
    return LIG_OK;
}

static int by_rising_rate(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static LigStatus measure(Bench *bench)
{
    LIG_TRY(feed_prompts(bench));
    LIG_TRY(take_steps(bench, 1));
    LigProgress progress = lig_progress_start(bench->options, "bench", "rounds", bench->rounds);
    LigStatus status = LIG_OK;
    for (int64_t i = 0; status == LIG_OK && i < bench->rounds; i++) {
        status = measure_round(bench, i);
        lig_progress_step(&progress, i + 1);
    }
    lig_progress_end(&progress);
    LIG_TRY(status);
    qsort(bench->prefill_rates, (size_t)bench->rounds, sizeof(double), by_rising_rate);
    qsort(bench->decode_rates, (size_t)bench->rounds, sizeof(double), by_rising_rate);
    return lig_machine_probe(bench->ctx, &bench->model.parallel, &bench->machine);
}

// What a person or a program is told.
typedef struct Report {
    double prefill_best, prefill_median, decode_best, decode_median; // tokens/s
    double bytes_per_token, flops_per_token;                         // of decoding
    double prefill_flops_per_token;
    double prefill_peak, decode_bandwidth; // shares of what the machine can do
} Report;

static double median(const double *sorted, int64_t count)
{
    int64_t middle = count / 2;
    return count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

static Report make_report(const Bench *bench)
{
    const LigCost *prefill = &bench->prefill_cost, *decode = &bench->decode_cost;
    Report report = {.prefill_best = bench->prefill_rates[bench->rounds - 1],
                     .prefill_median = median(bench->prefill_rates, bench->rounds),
                     .decode_best = bench->decode_rates[bench->rounds - 1],
                     .decode_median = median(bench->decode_rates, bench->rounds),
                     .flops_per_token = decode->body_flops + decode->head_flops,
                     // Logits are computed for the last token of a prompt.
                     .prefill_flops_per_token =
                         prefill->body_flops + prefill->head_flops / (double)bench->prompt,
                     // The sequences of a step share one reading of the weights.
                     .bytes_per_token = decode->weight_bytes / (double)bench->batch + decode->cache_bytes};
    report.decode_bandwidth = report.bytes_per_token * report.decode_best / bench->machine.bytes_per_second;
    report.prefill_peak =
        report.prefill_flops_per_token * report.prefill_best / bench->machine.flops_per_second;
    return report;
}

static LigStatus print_json(const Bench *bench, const Report *r)
{
    const LigExecutableFacts facts = lig_executable_facts(bench->model.executable);
    const LigArithmetic how = lig_open_model_arithmetic(&bench->model);
    const json_int_t kernels = (json_int_t)facts.compiler.compiled + (json_int_t)facts.compiler.cached;
    json_t *root = json_pack(
        "{s:f,s:f,s:f,s:f,s:f,s:f,s:f,s:f,s:f,s:f,s:f,s:I,s:I,s:I,s:I,s:i,s:s,s:s,s:s,s:s,s:s,s:I,s:f,s:f}",
        "prefill_tokens_per_s", r->prefill_best, "prefill_tokens_per_s_median", r->prefill_median,
        "decode_tokens_per_s", r->decode_best, "decode_tokens_per_s_median", r->decode_median,
        "bytes_per_token", r->bytes_per_token, "flops_per_token", r->flops_per_token, "prefill_flops_per_token",
        r->prefill_flops_per_token, "bandwidth_bytes_per_s", bench->machine.bytes_per_second,
        "peak_flops_per_s", bench->machine.flops_per_second, "decode_bandwidth_share", r->decode_bandwidth,
        "prefill_peak_share", r->prefill_peak, "prompt", (json_int_t)bench->prompt, "tokens",
        (json_int_t)bench->steps, "batch", (json_int_t)bench->batch, "repeat", (json_int_t)bench->rounds,
        "threads", bench->model.parallel.threads, "cpu", bench->model.target.cpu, "backend", how.backend,
        "dtype", how.dtype, "act", how.act, "kv", lig_dtype_name(lig_open_model_kv(bench->options)), "kernels",
        kernels, "compile_ms", facts.compiler.all_ms, "load_ms", bench->model.load_ms);
    return lig_json_print(bench->options, root);
}

static LigStatus print_report(const Bench *bench, const Report *r)
{
    LigText text = {0};
    const LigArithmetic how = lig_open_model_arithmetic(&bench->model);
    lig_text_printf(&text, "%s, dtype %s, act %s, kv %s, %d threads, %s\n", how.backend, how.dtype, how.act,
                    lig_dtype_name(lig_open_model_kv(bench->options)), bench->model.parallel.threads,
                    bench->model.target.cpu);
    lig_text_printf(&text, "prefill  %10.1f tokens/s best, %10.1f median; %5.1f %% of peak\n", r->prefill_best,
                    r->prefill_median, r->prefill_peak * 100);
    lig_text_printf(&text, "decode   %10.1f tokens/s best, %10.1f median; %5.1f %% of bandwidth\n",
                    r->decode_best, r->decode_median, r->decode_bandwidth * 100);
    lig_text_printf(&text, "a token  %10.2f MB read, %10.2f Mflop\n", r->bytes_per_token * 1e-6,
                    r->flops_per_token * 1e-6);
    lig_text_printf(&text, "machine  %10.2f GB/s,    %10.2f Gflop/s measured\n",
                    bench->machine.bytes_per_second * 1e-9, bench->machine.flops_per_second * 1e-9);
    return lig_command_output_text(bench->options, &text);
}

static LigStatus run_bench(Bench *bench)
{
    if (bench->steps < 1) return lig_options_misused(bench->options, "-n 0: at least 1 token is measured");
    LIG_TRY(compile(bench));
    LIG_TRY(allocate(bench));
    fill_ids(bench);
    LIG_TRY(measure(bench));
    lig_memory_report(bench->options, bench->model.executable);
    lig_time_report(bench->options, bench->model.executable);
    const Report report = make_report(bench);
    return lig_option_given(bench->options, LIG_OPT_JSON) ? print_json(bench, &report)
                                                          : print_report(bench, &report);
}

LigStatus lig_cmd_bench(LigOptions *options)
{
    Bench bench = {.options = options,
                   .ctx = options->ctx,
                   .prompt = lig_option_integer(options, LIG_OPT_PROMPT_TOKENS),
                   .steps = lig_option_integer(options, LIG_OPT_TOKENS),
                   .batch = lig_option_integer(options, LIG_OPT_BATCH),
                   .rounds = lig_option_integer(options, LIG_OPT_REPEAT)};
    LigStatus status = run_bench(&bench);
    lig_session_destroy(bench.session);
    lig_open_model_close(&bench.model);
    return status;
}
