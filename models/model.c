#include "models/model.h"

#include "ir/verify.h"
#include "models/block.h"

enum { MOST_TOKENS = 512, MOST_ROWS = 64, MOST_SLOTS = 64 };

static bool is_decoder(const LigDraft *d) { return d->spec->family == LIG_FAMILY_DECODER; }

static LigStatus declare_symbols(LigDraft *d)
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
    size_t count = is_decoder(d) ? sizeof symbols / sizeof *symbols : 2;
    for (size_t i = 0; i < count; i++)
        LIG_TRY(lig_dims_declare(module->ctx, module->dims, LIG_NOWHERE, symbols[i].symbol, symbols[i].dim));
    bool added = lig_dims_add_fact(module->dims, (LigFact){d->r, d->n, LIG_REL_LE});
    if (added && is_decoder(d)) added = lig_dims_add_fact(module->dims, (LigFact){d->k, d->n, LIG_REL_LE});
    return added ? LIG_OK : lig_no_memory(module->ctx);
}

// i32[size]
static LigStatus add_input(LigModule *module, LigFunc *func, const char *name, LigDim size, LigValue **out)
{
    if (!size) return lig_no_memory(module->ctx);
    LigType type = {.dtype = LIG_I32, .rank = 1, .dims = {size}};
    return lig_func_add_input(module, func, lig_str(name), type, out);
}

static LigStatus begin_func(LigDraft *d, const char *name, LigFunc **func, LigStep *step)
{
    LigModule *module = d->module;
    LIG_TRY(lig_module_add_func(module, LIG_FUNC, lig_str(name), func));
    *step = (LigStep){.b = lig_builder(module, *func)};
    LigDim edges = lig_dim_add(module->dims, d->r, lig_dim_const(module->dims, 1));
    LIG_TRY(add_input(module, *func, "ids", d->n, &step->ids));
    LIG_TRY(add_input(module, *func, "pos", d->n, &step->pos));
    LIG_TRY(add_input(module, *func, "start", edges, &step->start));
    if (is_decoder(d)) LIG_TRY(add_input(module, *func, "slot", d->r, &step->slot));
    LIG_TRY(add_input(module, *func, "kv_len", d->r, &step->kv_len));
    return d->spec->embedding.types ? add_input(module, *func, "types", d->n, &step->types) : LIG_OK;
}

// Tokens through all blocks: f32[N,width] before the final norm.
static LigValue *run_blocks(LigDraft *d, LigStep *step)
{
    LigValue *x = lig_draft_embed(d, step);
    for (int64_t i = 0; i < d->layer_count && step->b.status == LIG_OK; i++) x = lig_draft_block(d, step, i, x);
    return x;
}

static LigValue *final_norm(LigDraft *d, LigStep *step, LigValue *x)
{
    return d->spec->norm.final ? lig_draft_norm(d, step, "hidden", x, d->weights, LIG_ROLE_FINAL_NORM) : x;
}

static LigStatus build_step(LigDraft *d)
{
    LigFunc *func;
    LigStep step;
    LigValue *out;
    LIG_TRY(begin_func(d, "step", &func, &step));
    LIG_TRY(add_input(d->module, func, "out", d->k, &out));
    LigValue *x = run_blocks(d, &step);
    LigValue *wanted = lig_build_gather(&step.b, "x_wanted", x, out);
    LigValue *logits = lig_draft_logits(d, &step, final_norm(d, &step, wanted));
    LIG_TRY(lig_builder_status(&step.b));
    return lig_func_add_output(d->module, func, logits);
}

static LigStatus build_forward(LigDraft *d)
{
    LigFunc *func;
    LigStep step;
    LIG_TRY(begin_func(d, "forward", &func, &step));
    LigHeadKind head = d->spec->head.kind;
    LigValue *hidden = final_norm(d, &step, run_blocks(d, &step)), *logits = NULL;
    if (head == LIG_HEAD_LOGITS) logits = lig_draft_logits(d, &step, hidden);
    if (head == LIG_HEAD_CLASSIFY) logits = lig_draft_classify(d, &step, hidden);
    LIG_TRY(lig_builder_status(&step.b));
    LIG_TRY(lig_func_add_output(d->module, func, hidden));
    return logits ? lig_func_add_output(d->module, func, logits) : LIG_OK;
}

static LigStatus build_all(LigDraft *d)
{
    LIG_TRY(declare_symbols(d));
    LIG_TRY(lig_draft_declare(d));
    LIG_TRY(lig_draft_load(d));
    if (is_decoder(d) && d->spec->head.kind == LIG_HEAD_LOGITS) LIG_TRY(build_step(d));
    LIG_TRY(build_forward(d));
    return lig_verify_module(d->module);
}

LigStatus lig_build_model(LigContext *ctx, const LigSpec *spec, LigTensorSource source, LigModelOptions options,
                          LigModule **out)
{
    LIG_TRY(lig_spec_check(ctx, spec));
    if (options.cache_dtype != LIG_F32 && options.cache_dtype != LIG_BF16)
        return lig_fail(ctx, LIG_ERR_INVALID, LIG_NOWHERE, "the cache can't be %s: choose f32 or bf16",
                        lig_dtype_name(options.cache_dtype));
    LigDraft d = {.spec = spec, .names = lig_names(spec->names), .source = source, .options = options};
    LIG_TRY(lig_module_create(ctx, spec->name, &d.module));
    LigStatus status = build_all(&d);
    if (status != LIG_OK) {
        lig_module_destroy(d.module);
        return status;
    }
    *out = d.module;
    return LIG_OK;
}
