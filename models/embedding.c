#include "models/block.h"

// Rows of a table as f32.
static LigValue *look_up(LigStep *step, const char *name, LigValue *table, LigValue *ids)
{
    LigDtype dtype = table->type.dtype;
    if (dtype == LIG_F32 || lig_dtype_is_quantised(dtype)) return lig_build_gather(&step->b, name, table, ids);
    LigStr stored = lig_str_format(step->b.module->arena, "%s_stored", name);
    if (!stored.data) {
        if (step->b.status == LIG_OK) step->b.status = lig_no_memory(step->b.module->ctx);
        return NULL;
    }
    return lig_build_cast(&step->b, name, lig_build_gather(&step->b, stored.data, table, ids), LIG_F32);
}

// 1.0 where a token is no padding, 0.0 where it is: f32[N,1].
static LigValue *mark_tokens(LigDraft *d, LigStep *step)
{
    LigBuilder *b = &step->b;
    LigValue *pad = lig_draft_scalar(step, "pad_id", LIG_I32, (double)d->spec->position.from_pad);
    LigValue *one = lig_draft_scalar(step, "one_id", LIG_I32, 1);
    LigValue *apart = lig_build_binary(b, LIG_OP_SUB, "pad_apart", step->ids, pad);
    LigValue *distance = lig_build_unary(b, LIG_OP_ABS, "pad_distance", apart);
    LigValue *is_token = lig_build_binary(b, LIG_OP_MIN, "is_token", distance, one);
    LigDim column[] = {d->n, lig_dim_const(d->module->dims, 1)};
    LigValue *real = lig_build_cast(b, "is_token_real", is_token, LIG_F32);
    return lig_build_reshape(b, "is_token_column", real, 2, column);
}

static LigValue *embed_positions(LigDraft *d, LigStep *step)
{
    LigBuilder *b = &step->b;
    LigValue *table = d->weights[LIG_ROLE_POSITIONS];
    if (!d->pad_position) return look_up(step, "x_pos", table, step->pos);
    LigValue *own = look_up(step, "x_pos_own", table, step->pos);
    LigValue *is_token = mark_tokens(d, step);
    LigValue *one = lig_draft_scalar(step, "one", LIG_F32, 1);
    LigValue *is_pad = lig_build_binary(b, LIG_OP_SUB, "is_pad_column", one, is_token);
    LigValue *kept = lig_build_binary(b, LIG_OP_MUL, "x_pos_kept", own, is_token);
    LigValue *padding = lig_build_binary(b, LIG_OP_MUL, "x_pos_pad", is_pad, d->pad_position);
    return lig_build_binary(b, LIG_OP_ADD, "x_pos", kept, padding);
}

LigValue *lig_draft_embed(LigDraft *d, LigStep *step)
{
    LigBuilder *b = &step->b;
    const LigEmbeddingSpec *spec = &d->spec->embedding;
    LigValue *x = look_up(step, "x_tok", d->weights[LIG_ROLE_TOKENS], step->ids);
    if (spec->scale != 0)
        x = lig_build_binary(b, LIG_OP_MUL, "x_scaled", x,
                             lig_draft_scalar(step, "tok_scale", LIG_F32, spec->scale));
    if (step->types) {
        LigValue *types = look_up(step, "x_type", d->weights[LIG_ROLE_TYPES], step->types);
        x = lig_build_binary(b, LIG_OP_ADD, "x_typed", x, types);
    }
    if (d->weights[LIG_ROLE_POSITIONS])
        x = lig_build_binary(b, LIG_OP_ADD, "x_placed", x, embed_positions(d, step));
    if (!spec->norm) return x;
    return lig_draft_norm(d, step, "x_normed", x, d->weights, LIG_ROLE_EMBEDDING_NORM);
}
