#include "models/spec.h"

#include <math.h>

// Far above any model, far below what could overflow a product of two.
enum { MOST = 1 << 28, MOST_LAYERS = 4096 };

static LigStatus invalid(LigContext *ctx, const LigSpec *spec, const char *knob, const char *must)
{
    return lig_fail(ctx, LIG_ERR_INVALID, LIG_NOWHERE, "model \"%.*s\": knob %s must be %s",
                    LIG_STR_ARG(spec->name), knob, must);
}

static LigStatus unsupported(LigContext *ctx, const LigSpec *spec, const char *knob, const char *instead)
{
    return lig_fail(ctx, LIG_ERR_UNSUPPORTED, LIG_NOWHERE,
                    "model \"%.*s\": knob %s is not supported yet, only %s is", LIG_STR_ARG(spec->name), knob,
                    instead);
}

static bool positive(double x) { return x > 0 && isfinite(x); }

static LigStatus check_sizes(LigContext *ctx, const LigSpec *spec)
{
    const struct {
        const char *knob;
        int64_t value, most;
    } sizes[] = {
        {"vocab", spec->vocab, MOST},
        {"width", spec->width, MOST},
        {"context", spec->context, MOST},
        {"layers", spec->layers, MOST_LAYERS},
        {"block.attention.heads", spec->attention.heads, MOST},
        {"block.attention.kv_heads", spec->attention.kv_heads, MOST},
        {"block.attention.head", spec->attention.head, MOST},
        {"block.mlp.width", spec->mlp.width, MOST},
    };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        if (sizes[i].value >= 1 && sizes[i].value <= sizes[i].most) continue;
        return lig_fail(ctx, LIG_ERR_INVALID, LIG_NOWHERE,
                        "model \"%.*s\": knob %s is %lld, it must be in 1..%lld", LIG_STR_ARG(spec->name),
                        sizes[i].knob, (long long)sizes[i].value, (long long)sizes[i].most);
    }
    return LIG_OK;
}

static LigStatus check_attention(LigContext *ctx, const LigSpec *spec)
{
    const LigAttentionSpec *a = &spec->attention;
    if (a->heads % a->kv_heads)
        return invalid(ctx, spec, "block.attention.heads", "a multiple of block.attention.kv_heads");
    if (a->heads * a->head > MOST)
        return invalid(ctx, spec, "block.attention.head", "smaller: heads x head is too large");
    if (a->window < 0) return invalid(ctx, spec, "block.attention.window", "1 or more, or none");
    if (a->scale != 0 && !positive(a->scale)) return invalid(ctx, spec, "block.attention.scale", "positive");
    return LIG_OK;
}

static LigStatus check_rope(LigContext *ctx, const LigSpec *spec)
{
    const LigRopeSpec *rope = &spec->rope;
    if (!positive(rope->theta)) return invalid(ctx, spec, "position.theta", "positive");
    if (!positive(rope->fraction) || rope->fraction > 1)
        return invalid(ctx, spec, "position.fraction", "in 0..1");
    if (lig_rope_pairs(spec) < 1)
        return invalid(ctx, spec, "position.fraction", "large enough to rotate one pair");
    if (rope->pairs == LIG_PAIRS_HALF && lig_rope_pairs(spec) * 2 != spec->attention.head)
        return unsupported(ctx, spec, "position.fraction with pairs = half", "fraction = 1");
    if (rope->scaling == LIG_ROPE_PLAIN) return LIG_OK;
    if (!positive(rope->factor)) return invalid(ctx, spec, "position.scaling.factor", "positive");
    if (rope->scaling == LIG_ROPE_LINEAR) return LIG_OK;
    if (!positive(rope->low_freq_factor) || !(rope->high_freq_factor > rope->low_freq_factor))
        return invalid(ctx, spec, "position.scaling.high_freq_factor", "above low_freq_factor, both positive");
    if (rope->original_context < 1) return invalid(ctx, spec, "position.scaling.original_context", "1 or more");
    return LIG_OK;
}

LigStatus lig_spec_check(LigContext *ctx, const LigSpec *spec)
{
    if (spec->family != LIG_FAMILY_DECODER) return unsupported(ctx, spec, "family", "decoder");
    LIG_TRY(check_sizes(ctx, spec));
    LIG_TRY(check_attention(ctx, spec));
    LIG_TRY(check_rope(ctx, spec));
    if (spec->norm.kind != LIG_NORM_RMS) return unsupported(ctx, spec, "block.norm = layer", "rms");
    if (spec->norm.place != LIG_NORM_PRE) return unsupported(ctx, spec, "block.norm.place", "pre");
    if (!positive(spec->norm.eps)) return invalid(ctx, spec, "block.norm.eps", "positive");
    if (spec->embedding_scale != 0 && !positive(spec->embedding_scale))
        return invalid(ctx, spec, "embedding.scale", "positive, or none");
    return LIG_OK;
}

double lig_attention_scale(const LigSpec *spec)
{
    return spec->attention.scale != 0 ? spec->attention.scale : 1 / sqrt((double)spec->attention.head);
}
