#include "models/decoder.h"

#include "ir/verify.h"
#include "models/block.h"

enum { MOST_TOKENS = 512, MOST_ROWS = 64, MOST_SLOTS = 64 };

static LigStatus declare_symbols(LigDecoder *d)
{
    const struct {
        LigDim *dim;
        LigSymbol symbol;
    } symbols[] = {
        {&d->n, {LIG_STR("N"), 1, MOST_TOKENS}}, {&d->r, {LIG_STR("R"), 1, MOST_ROWS}},
        {&d->k, {LIG_STR("K"), 1, MOST_ROWS}},   {&d->c, {LIG_STR("C"), 1, d->spec->context}},
        {&d->s, {LIG_STR("S"), 1, MOST_SLOTS}},
    };
    LigModule *module = d->module;
    for (size_t i = 0; i < sizeof symbols / sizeof *symbols; i++)
        LIG_TRY(lig_dims_declare(module->ctx, module->dims, LIG_NOWHERE, symbols[i].symbol, symbols[i].dim));
    bool added = lig_dims_add_fact(module->dims, (LigFact){d->r, d->n, LIG_REL_LE}) &&
                 lig_dims_add_fact(module->dims, (LigFact){d->k, d->n, LIG_REL_LE});
    return added ? LIG_OK : lig_no_memory(module->ctx);
}

// i32[size]
static LigStatus add_input(LigModule *module, LigFunc *func, const char *name, LigDim size, LigValue **out)
{
    if (!size) return lig_no_memory(module->ctx);
    LigType type = {.dtype = LIG_I32, .rank = 1, .dims = {size}};
    return lig_func_add_input(module, func, lig_str(name), type, out);
}

static LigStatus begin_func(LigDecoder *d, const char *name, LigFunc **func, LigStep *step)
{
    LigModule *module = d->module;
    LIG_TRY(lig_module_add_func(module, LIG_FUNC, lig_str(name), func));
    step->b = lig_builder(module, *func);
    LigDim edges = lig_dim_add(module->dims, d->r, lig_dim_const(module->dims, 1));
    LIG_TRY(add_input(module, *func, "ids", d->n, &step->ids));
    LIG_TRY(add_input(module, *func, "pos", d->n, &step->pos));
    LIG_TRY(add_input(module, *func, "start", edges, &step->start));
    LIG_TRY(add_input(module, *func, "slot", d->r, &step->slot));
    return add_input(module, *func, "kv_len", d->r, &step->kv_len);
}

static LigValue *embed(LigDecoder *d, LigStep *step)
{
    LigValue *table = d->weights[LIG_ROLE_TOKENS];
    bool narrow = lig_dtype_is_float(table->type.dtype) && table->type.dtype != LIG_F32;
    const char *last = d->embedding_scale ? "x_unscaled" : "x";
    LigValue *x = lig_build_gather(&step->b, narrow ? "x_stored" : last, table, step->ids);
    if (narrow) x = lig_build_cast(&step->b, last, x, LIG_F32);
    if (!d->embedding_scale) return x;
    return lig_build_binary(&step->b, LIG_OP_MUL, "x", x, d->embedding_scale);
}

// Tokens through all blocks: f32[N,width] before the final norm.
static LigValue *run_blocks(LigDecoder *d, LigStep *step)
{
    LigValue *x = embed(d, step);
    for (int64_t i = 0; i < d->spec->layers && step->b.status == LIG_OK; i++)
        x = lig_decoder_block(d, step, i, x);
    return x;
}

static LigValue *final_norm(LigDecoder *d, LigStep *step, LigValue *x)
{
    return lig_decoder_norm(d, step, "hidden", x, d->weights[LIG_ROLE_FINAL_NORM]);
}

static LigStatus build_step(LigDecoder *d)
{
    LigFunc *func;
    LigStep step;
    LigValue *out;
    LIG_TRY(begin_func(d, "step", &func, &step));
    LIG_TRY(add_input(d->module, func, "out", d->k, &out));
    LigValue *x = run_blocks(d, &step);
    LigValue *wanted = lig_build_gather(&step.b, "x_wanted", x, out);
    LigValue *hidden = final_norm(d, &step, wanted);
    LigValue *logits = lig_build_linear(&step.b, "logits", hidden, d->weights[LIG_ROLE_HEAD]);
    LIG_TRY(lig_builder_status(&step.b));
    return lig_func_add_output(d->module, func, logits);
}

static LigStatus build_forward(LigDecoder *d)
{
    LigFunc *func;
    LigStep step;
    LIG_TRY(begin_func(d, "forward", &func, &step));
    LigValue *hidden = final_norm(d, &step, run_blocks(d, &step));
    LigValue *logits = lig_build_linear(&step.b, "logits", hidden, d->weights[LIG_ROLE_HEAD]);
    LIG_TRY(lig_builder_status(&step.b));
    LIG_TRY(lig_func_add_output(d->module, func, hidden));
    return lig_func_add_output(d->module, func, logits);
}

static LigStatus build_all(LigDecoder *d)
{
    LIG_TRY(declare_symbols(d));
    LIG_TRY(lig_decoder_declare(d));
    LIG_TRY(build_step(d));
    LIG_TRY(build_forward(d));
    return lig_verify_module(d->module);
}

LigStatus lig_build_decoder(LigContext *ctx, const LigSpec *spec, const LigNames *names, LigTensorSource source,
                            LigDecoderOptions options, LigModule **out)
{
    LIG_TRY(lig_spec_check(ctx, spec));
    if (options.cache_dtype != LIG_F32 && options.cache_dtype != LIG_BF16)
        return lig_fail(ctx, LIG_ERR_INVALID, LIG_NOWHERE, "the cache can't be %s: choose f32 or bf16",
                        lig_dtype_name(options.cache_dtype));
    LigDecoder d = {.spec = spec, .names = names, .source = source, .options = options};
    LIG_TRY(lig_module_create(ctx, spec->name, &d.module));
    LigStatus status = build_all(&d);
    if (status != LIG_OK) {
        lig_module_destroy(d.module);
        return status;
    }
    *out = d.module;
    return LIG_OK;
}
