#include "tools/model_open.h"

#include "ir/base/file.h"
#include "tools/cache_folder_option.h"
#include "tools/diagnostics.h"
#include "tools/progress.h"
#include "tools/verify_report.h"
#include "tools/version.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

// What the options name and Ligature does not do yet.
static LigStatus check_supported(LigOptions *options)
{
    static const struct {
        LigOptionId option;
        const char *name, *value, *instead;
    } missing[] = {
        {LIG_OPT_DTYPE, "--dtype", "bf16", "--dtype f32"},
        {LIG_OPT_ACT, "--act", "bf16", "--act f32 or i8"},
        {LIG_OPT_KV, "--kv", "q8_0", "--kv f32 or bf16"},
    };
    const LigLoc command = LIG_FILE_LOC(options->command->name);
    for (size_t i = 0; i < sizeof missing / sizeof *missing; i++) {
        if (!lig_option_is(options, missing[i].option, missing[i].value)) continue;
        return lig_fail(options->ctx, LIG_ERR_UNSUPPORTED, command, "%s %s is not supported yet: use %s",
                        missing[i].name, missing[i].value, missing[i].instead);
    }
    const char *quant = lig_option_text(options, LIG_OPT_QUANT);
    if (!quant || strcmp(quant, "none") == 0) return LIG_OK;
    return lig_fail(options->ctx, LIG_ERR_UNSUPPORTED, command,
                    "--quant %s is not supported yet: leave it out, weights are used as the file has them",
                    quant);
}

LigStatus lig_open_model_file(LigOpenModel *model, LigOptions *options)
{
    model->options = options;
    LIG_TRY(check_supported(options));
    double start = lig_seconds();
    LIG_TRY(lig_model_file_open(options->ctx, lig_options_operand(options),
                                lig_option_text(options, LIG_OPT_WEIGHTS), &model->file));
    model->load_ms += (lig_seconds() - start) * 1e3;
    return LIG_OK;
}

LigDtype lig_open_model_kv(const LigOptions *options)
{
    return lig_option_is(options, LIG_OPT_KV, "bf16") ? LIG_BF16 : LIG_F32;
}

// Commands whose numbers others are compared with, and the one that is told every pass.
static bool is_exact(LigCommandId command)
{
    return command == LIG_CMD_FORWARD || command == LIG_CMD_EVAL || command == LIG_CMD_SCORE ||
           command == LIG_CMD_EMBED || command == LIG_CMD_OPT;
}

// --act; auto is what --dtype says where it is given, else the fastest that keeps perplexity within 1 % of f32's:
// 8 bits, but for exact commands and the interpreter.
static LigActivations wanted_activations(const LigOptions *options)
{
    if (lig_option_is(options, LIG_OPT_ACT, "i8")) return LIG_ACTIVATIONS_I8;
    bool is_auto = lig_option_is(options, LIG_OPT_ACT, "auto") && lig_option_is(options, LIG_OPT_DTYPE, "auto");
    bool is_fast = !is_exact(options->command->id) && !lig_option_given(options, LIG_OPT_INTERPRET);
    return is_auto && is_fast ? LIG_ACTIVATIONS_I8 : LIG_ACTIVATIONS_F32;
}

static bool has_integer_weights(const LigModule *module)
{
    for (size_t i = 0; i < module->params.count; i++) {
        if (lig_dtype_has_integer_dot(module->params.data[i]->type.dtype)) return true;
    }
    return false;
}

LigPassOptions lig_open_model_passes(const LigOptions *options)
{
    return (LigPassOptions){.activations = wanted_activations(options),
                            .fuse = !lig_option_given(options, LIG_OPT_NO_FUSE),
                            .onednn = lig_option_given(options, LIG_OPT_ONEDNN) &&
                                      !lig_option_given(options, LIG_OPT_NO_ONEDNN) &&
                                      !lig_option_given(options, LIG_OPT_DETERMINISTIC)};
}

LigStatus lig_open_model_dump_dir(LigOptions *options, const char **out)
{
    *out = lig_option_text(options, LIG_OPT_DUMP);
    if (!*out || mkdir(*out, 0777) == 0) return LIG_OK;
    int error = errno;
    if (error == EEXIST && lig_path_is_directory(*out)) return LIG_OK;
    return lig_fail(options->ctx, LIG_ERR_IO, LIG_FILE_LOC(*out), "is no folder to dump into: %s",
                    strerror(error == EEXIST ? ENOTDIR : error));
}

static LigStatus build(LigOpenModel *model, bool unbound, LigModule **out)
{
    double start = lig_seconds();
    const LigGraphOptions graph = {.kv = lig_open_model_kv(model->options), .unbound = unbound};
    LIG_TRY(lig_model_file_build(model->file, &graph, out));
    model->load_ms += (lig_seconds() - start) * 1e3;
    return LIG_OK;
}

LigStatus lig_open_model_build(LigOpenModel *model, LigModule **out) { return build(model, false, out); }

LigStatus lig_open_model_build_unbound(LigOpenModel *model, LigModule **out) { return build(model, true, out); }

static LigStatus prepare_machine(LigOpenModel *model)
{
    LigOptions *options = model->options;
    LIG_TRY(lig_target_find(options->ctx, lig_option_text(options, LIG_OPT_CPU), &model->target));
    LIG_TRY(lig_target_check_runs(options->ctx, &model->target));
    // 0: as many as this process may use.
    int threads = (int)lig_option_integer(options, LIG_OPT_THREADS);
    LIG_TRY(lig_pool_create(options->ctx, threads, &model->pool));
    model->parallel = lig_pool_parallel(model->pool);
    return LIG_OK;
}

const LigSymbol *lig_open_model_symbol(const LigModule *module, const char *name, size_t *index)
{
    LigDim dim = lig_dims_find(module->dims, lig_str(name));
    if (!dim) return NULL;
    size_t symbol = (size_t)lig_dim_as_symbol(dim);
    if (index) *index = symbol;
    return lig_dims_symbol(module->dims, symbol);
}

LigArithmetic lig_open_model_arithmetic(const LigOpenModel *model)
{
    const LigOptions *options = model->options;
    const char *act = model->activations == LIG_ACTIVATIONS_I8 ? "i8" : "f32";
    // The interpreter rounds to f32 (or what the graph says) only what an op gives.
    if (lig_option_given(options, LIG_OPT_INTERPRET)) return (LigArithmetic){"interpreter", "f64", act};
    const char *dtype = lig_option_text(options, LIG_OPT_DTYPE);
    bool is_auto = strcmp(dtype, "auto") == 0;
    return (LigArithmetic){"compiled", is_auto ? "f32" : dtype, act};
}

static void tell_arithmetic(const LigOpenModel *model)
{
    const LigOptions *options = model->options;
    if (lig_option_given(options, LIG_OPT_INTERPRET)) {
        lig_tell_verbose(options, "by the reference interpreter");
        return;
    }
    LigText cpu = {0};
    lig_version_describe_cpu(&cpu, &model->target);
    const LigArithmetic how = lig_open_model_arithmetic(model);
    lig_tell_verbose(options, "dtype %s%s, act %s, kv %s, %d threads, %s",
                     lig_option_is(options, LIG_OPT_DTYPE, "auto") ? "auto = " : "", how.dtype, how.act,
                     lig_dtype_name(lig_open_model_kv(options)), model->parallel.threads,
                     cpu.data ? cpu.data : "");
    lig_text_free(&cpu);
}

static LigStatus compile(LigOpenModel *model, LigModule *module)
{
    const LigOptions *options = model->options;
    LigExecutableOptions how = {.target = &model->target,
                                .parallel = &model->parallel,
                                .passes = lig_open_model_passes(options),
                                .interpret = lig_option_given(options, LIG_OPT_INTERPRET),
                                .verify = lig_option_given(options, LIG_OPT_VERIFY),
                                .verify_call = model->verify_call,
                                .verify_seed = (uint64_t)lig_option_integer(options, LIG_OPT_SEED),
                                .time = lig_option_given(options, LIG_OPT_TIME)};
    LigStatus status = prepare_machine(model);
    if (status == LIG_OK) status = lig_open_model_dump_dir(model->options, &how.dump_dir);
    if (status == LIG_OK) status = lig_cache_options(options, &how.cache);
    if (status != LIG_OK) {
        lig_module_destroy(module);
        return status;
    }
    if (has_integer_weights(module)) model->activations = how.passes.activations;
    tell_arithmetic(model);
    LIG_TRY(lig_executable_create(module, &how, &model->executable));
    if (!how.verify || how.interpret) return LIG_OK;
    LigExecutableFacts facts = lig_executable_facts(model->executable);
    lig_verify_report(options, facts.verified_calls, facts.measures, facts.measure_count);
    return LIG_OK;
}

LigStatus lig_open_model_compile(LigOpenModel *model, LigModule *module)
{
    double start = lig_seconds();
    LigStatus status = compile(model, module);
    model->load_ms += (lig_seconds() - start) * 1e3;
    return status;
}

bool lig_open_model_has_tokenizer(const LigOpenModel *model)
{
    return lig_model_file_tokenizer(model->file).length > 0;
}

LigStatus lig_open_model_tokenizer(LigOpenModel *model)
{
    LigStr image = lig_model_file_tokenizer(model->file);
    LigContext *ctx = model->options->ctx;
    if (image.length == 0) {
        return lig_fail(ctx, LIG_ERR_NOT_FOUND, LIG_NOWHERE,
                        "the model brings no tokenizer: put its tokenizer.json beside it, or give --ids");
    }
    double start = lig_seconds();
    LIG_TRY(lig_tokenizer_open(ctx, image.data, image.length, &model->tokenizer));
    model->load_ms += (lig_seconds() - start) * 1e3;
    return LIG_OK;
}

void lig_open_model_close(LigOpenModel *model)
{
    lig_tokenizer_destroy(model->tokenizer);
    lig_executable_destroy(model->executable);
    lig_pool_destroy(model->pool);
    lig_model_file_close(model->file);
    *model = (LigOpenModel){0};
}
