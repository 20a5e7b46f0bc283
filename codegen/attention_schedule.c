// Schedules of attention: what is taken, sizes, tiles, scratch.
#include "codegen/emit_attention.h"

enum { TILE_ROWS = 48, MAX_WIDTH = 1024 };

const LigValue *lig_attention_behind(const LigValue *value)
{
    while (value->kind == LIG_VALUE_RESULT && value->op->code == LIG_OP_RESHAPE) value = value->op->operands[0];
    return value->kind == LIG_VALUE_INPUT ? value : NULL;
}

const LigOp *lig_attention_find(const LigFunc *kernel)
{
    for (size_t i = 0; i < kernel->ops.count; i++)
        if (kernel->ops.data[i]->code == LIG_OP_ATTENTION) return kernel->ops.data[i];
    return NULL;
}

bool lig_attention_is_cached(const LigOp *op) { return op->operand_count > LIG_ATTENTION_SLOT; }

static int64_t constant(LigDim dim)
{
    int64_t value;
    return lig_dim_is_const(dim, &value) ? value : 0;
}

static int64_t round_up(int64_t value, int64_t multiple)
{
    LIG_ASSERT(multiple > 0);
    return (value + multiple - 1) / multiple * multiple;
}

// The largest divisor of `group` that is at most LIG_ATTENTION_ROWS.
static int choose_heads(int64_t group)
{
    for (int heads = LIG_ATTENTION_ROWS; heads > 1; heads--)
        if (group % heads == 0) return heads;
    return 1;
}

static void set_panels(LigAttentionSizes *s, const LigOp *op)
{
    const LigType *key = &op->operands[LIG_ATTENTION_K]->type;
    s->packs_keys = key->layout.kind != LIG_LAYOUT_PANEL;
    s->panel = s->packs_keys ? s->lanes : key->layout.n;
    s->panel_dtype = s->packs_keys ? LIG_F32 : key->dtype;
}

static void set_offsets(LigAttentionSizes *s)
{
    const int64_t element = sizeof(float), line = 64;
    int64_t rows = s->tile_tokens * s->heads_at_once;
    s->sum = (int64_t)s->width_vectors * s->lanes * element;
    s->maximum = s->sum + element;
    s->state_bytes = round_up(s->maximum + element, line);
    s->keep = LIG_ATTENTION_RUN * element;
    s->add = s->keep + element;
    s->work_bytes = round_up(s->add + element, line);
    s->at_work = round_up(s->tile_tokens * 2 * (int64_t)sizeof(int64_t), line);
    s->at_states = s->at_work + LIG_ATTENTION_ROWS * s->work_bytes;
    s->at_panels = s->at_states + rows * s->state_bytes;
    int64_t width = round_up(s->width, s->lanes); // whole squares are transposed
    s->scratch_bytes = s->at_panels + (s->packs_keys ? LIG_ATTENTION_RUN * width * element : 0);
}

LigAttentionSizes lig_attention_sizes(const LigFunc *kernel, const LigTarget *target)
{
    const LigOp *op = lig_attention_find(kernel);
    const LigType *q = &op->operands[LIG_ATTENTION_Q]->type, *key = &op->operands[LIG_ATTENTION_K]->type;
    LigAttentionSizes s = {.heads = constant(q->dims[1]),
                           .kv_heads = constant(key->dims[1]),
                           .width = constant(q->dims[2]),
                           .lanes = lig_target_f32_lanes(target)};
    LIG_ASSERT(s.kv_heads > 0 && s.lanes > 0); // check()
    s.stride = lig_attention_is_cached(op) ? s.width : s.kv_heads * s.width;
    s.group = s.heads / s.kv_heads;
    s.heads_at_once = choose_heads(s.group);
    bool alone = constant(q->dims[0]) == 1;
    s.tokens_at_once = alone ? 1 : LIG_ATTENTION_ROWS / s.heads_at_once;
    s.tile_tokens = lig_attrs_int(kernel->attrs, LIG_ATTR_TILE, alone ? 1 : TILE_ROWS / s.heads_at_once);
    s.tile_tokens = round_up(s.tile_tokens, s.tokens_at_once);
    s.width_vectors = (int)((s.width + s.lanes - 1) / s.lanes);
    set_panels(&s, op);
    set_offsets(&s);
    return s;
}

static LigStatus check_ops(const LigModule *module, const LigFunc *kernel, const LigOp *attention)
{
    for (size_t i = 0; i < kernel->ops.count; i++) {
        const LigOp *op = kernel->ops.data[i];
        if (op == attention || op->code == LIG_OP_RESHAPE) continue;
        return lig_kernel_fail(module, kernel, op, LIG_ERR_UNSUPPORTED,
                               "only one attention and reshapes belong into an attention kernel");
    }
    const LigValue *output = kernel->outputs.count == 1 ? kernel->outputs.data[0] : NULL;
    while (output != NULL && output->kind == LIG_VALUE_RESULT && output->op->code == LIG_OP_RESHAPE)
        output = output->op->operands[0];
    if (output == attention->results[0]) return LIG_OK;
    return lig_kernel_fail(module, kernel, attention, LIG_ERR_UNSUPPORTED,
                           "the kernel must give the result of the attention and nothing else");
}

static bool is_cache_dtype(LigDtype dtype) { return dtype == LIG_F32 || dtype == LIG_BF16 || dtype == LIG_F16; }

static LigStatus check_types(const LigModule *module, const LigFunc *kernel, const LigOp *op, int lanes)
{
    const LigType *q = &op->operands[LIG_ATTENTION_Q]->type, *key = &op->operands[LIG_ATTENTION_K]->type;
    const LigType *value = &op->operands[LIG_ATTENTION_V]->type;
    int64_t width = constant(q->dims[2]);
    if (q->dtype != LIG_F32 || !is_cache_dtype(key->dtype) || !is_cache_dtype(value->dtype))
        return lig_kernel_fail(module, kernel, op, LIG_ERR_UNSUPPORTED,
                               "queries must be f32, keys and values f32, bf16 or f16");
    if (width < 1 || width > MAX_WIDTH)
        return lig_kernel_fail(module, kernel, op, LIG_ERR_UNSUPPORTED,
                               "the head size must be a constant up to 1024");
    const LigLayout *layout = &key->layout;
    bool panels = layout->kind == LIG_LAYOUT_PANEL;
    if (panels && !lig_attention_is_cached(op))
        return lig_kernel_fail(module, kernel, op, LIG_ERR_UNSUPPORTED,
                               "keys of the call's own tokens must lie in rows");
    bool known = !panels || (layout->k == 1 && layout->n % lanes == 0 && LIG_ATTENTION_RUN % layout->n == 0);
    if (known && value->layout.kind == LIG_LAYOUT_ROWS) return LIG_OK;
    return lig_kernel_fail(module, kernel, op, LIG_ERR_UNSUPPORTED,
                           "keys must lie in rows or panels of 16, 32 or 64 keys with k=1, and values in rows");
}

static LigStatus check(const LigModule *module, const LigFunc *kernel, const LigTarget *target)
{
    const LigOp *op = lig_attention_find(kernel);
    if (op == NULL) return lig_kernel_fail(module, kernel, NULL, LIG_ERR_UNSUPPORTED, "no attention in it");
    LIG_TRY(check_ops(module, kernel, op));
    LIG_TRY(check_types(module, kernel, op, lig_target_f32_lanes(target)));
    for (size_t i = 0; i < op->operand_count; i++) {
        if (lig_attention_behind(op->operands[i]) == NULL)
            return lig_kernel_fail(module, kernel, op, LIG_ERR_UNSUPPORTED,
                                   "its operands must be operands of the kernel");
    }
    return LIG_OK;
}

LigStatus lig_schedule_attention(LigScheduling *scheduling)
{
    const LigTarget *target = scheduling->options->target;
    LIG_TRY(check(scheduling->module, scheduling->kernel, target));
    LigAttentionSizes sizes = lig_attention_sizes(scheduling->kernel, target);
    LIG_TRY(lig_schedule_int(scheduling, LIG_ATTR_TILE, sizes.tile_tokens));
    return lig_schedule_int(scheduling, LIG_ATTR_SCRATCH, sizes.scratch_bytes);
}

int64_t lig_attention_head_units(const LigOp *op)
{
    int64_t heads = constant(op->operands[LIG_ATTENTION_Q]->type.dims[1]),
            kv_heads = constant(op->operands[LIG_ATTENTION_K]->type.dims[1]);
    LIG_ASSERT(kv_heads > 0); // check()
    return heads / choose_heads(heads / kv_heads);
}

LigDim lig_attention_token_tiles(const LigModule *module, const LigFunc *kernel)
{
    LigDim tokens = lig_attention_find(kernel)->operands[LIG_ATTENTION_Q]->type.dims[0];
    return lig_dim_ceildiv(module->dims, tokens, lig_kernel_tile(kernel));
}

LigDim lig_tiles_attention(const LigModule *module, const LigFunc *kernel)
{
    LigDim units = lig_dim_const(module->dims, lig_attention_head_units(lig_attention_find(kernel)));
    return lig_dim_mul(module->dims, lig_attention_token_tiles(module, kernel), units);
}
