#include "models/spec.h"

#include <math.h>

// Far above any model, far below what could overflow a product of two.
enum { MOST = 1 << 28, MOST_LAYERS = 4096 };

void lig_block_defaults(LigBlockSpec *out)
{
    *out = (LigBlockSpec){.norm_attention = true, .norm_mlp = true, .rope = {.fraction = 1}};
}

void lig_spec_defaults(LigSpec *out)
{
    *out = (LigSpec){.position = {.from_pad = LIG_NO_PAD, .rope = {.fraction = 1}}, .norm = {.final = true}};
    lig_block_defaults(&out->blocks[0]);
}

void lig_spec_set_layers(LigSpec *spec, int64_t layers)
{
    spec->blocks[0].name = LIG_STR("block");
    spec->block_count = 1;
    spec->runs[0] = (LigLayerRun){.count = layers};
    spec->run_count = 1;
}

int64_t lig_spec_layers(const LigSpec *spec)
{
    int64_t layers = 0;
    for (size_t i = 0; i < spec->run_count; i++) layers += spec->runs[i].count;
    return layers;
}

const LigBlockSpec *lig_spec_block(const LigSpec *spec, int64_t layer)
{
    size_t run = 0;
    for (; layer >= spec->runs[run].count; run++) layer -= spec->runs[run].count;
    return &spec->blocks[spec->runs[run].block];
}

const LigRopeSpec *lig_spec_rope(const LigSpec *spec, const LigBlockSpec *block)
{
    if (block->position == LIG_BLOCK_OWN_ROPE) return &block->rope;
    return spec->position.kind == LIG_POSITION_ROPE ? &spec->position.rope : NULL;
}

double lig_attention_scale(const LigAttentionSpec *attention)
{
    return attention->scale != 0 ? attention->scale : 1 / sqrt((double)attention->head);
}

// ---- places ----

static const LigLoc *find_place(const LigSpec *spec, LigStr block, LigStr knob)
{
    for (size_t i = 0; i < spec->place_count; i++) {
        const LigKnobPlace *place = &spec->places[i];
        if (lig_str_equal(place->block, block) && lig_str_equal(place->knob, knob)) return &place->loc;
    }
    return NULL;
}

// "position.scaling" of "position.scaling.factor", "position" of that, then nothing.
static LigStr whole_of(LigStr knob)
{
    while (knob.length > 0 && knob.data[knob.length - 1] != '.') knob.length--;
    if (knob.length > 0) knob.length--;
    return knob;
}

LigLoc lig_spec_place(const LigSpec *spec, LigStr block, LigStr knob)
{
    for (;; knob = whole_of(knob)) {
        const LigLoc *loc = find_place(spec, block, knob);
        if (!loc) loc = find_place(spec, LIG_STR(""), knob); // a block may take the knob from the model
        if (loc) return *loc;
        if (!knob.length) return LIG_NOWHERE;
    }
}

// ---- checks ----

typedef struct Check {
    LigContext *ctx;
    const LigSpec *spec;
    LigStr block; // its name; empty outside
} Check;

static LigStatus reject(const Check *c, LigStatus status, const char *knob, const char *message)
{
    const char *dot = c->block.length ? "." : "";
    return lig_fail(c->ctx, status, lig_spec_place(c->spec, c->block, lig_str(knob)),
                    "model \"%.*s\": knob %.*s%s%s %s", LIG_STR_ARG(c->spec->name), LIG_STR_ARG(c->block), dot,
                    knob, message);
}

static LigStatus invalid(const Check *c, const char *knob, const char *message)
{
    return reject(c, LIG_ERR_INVALID, knob, message);
}

static bool positive(double x) { return x > 0 && isfinite(x); }
static bool positive_or_none(double x) { return x == 0 || positive(x); }

typedef struct Size {
    const char *knob;
    int64_t value, most;
} Size;

static LigStatus check_sizes(const Check *c, const Size *sizes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (sizes[i].value >= 1 && sizes[i].value <= sizes[i].most) continue;
        return lig_fail(c->ctx, LIG_ERR_INVALID, lig_spec_place(c->spec, c->block, lig_str(sizes[i].knob)),
                        "model \"%.*s\": knob %.*s%s%s is %lld, it must be in 1..%lld",
                        LIG_STR_ARG(c->spec->name), LIG_STR_ARG(c->block), c->block.length ? "." : "",
                        sizes[i].knob, (long long)sizes[i].value, (long long)sizes[i].most);
    }
    return LIG_OK;
}

static LigStatus check_attention(const Check *c, const LigAttentionSpec *a)
{
    const Size sizes[] = {{"attention.heads", a->heads, MOST},
                          {"attention.kv_heads", a->kv_heads, MOST},
                          {"attention.head", a->head, MOST}};
    LIG_TRY(check_sizes(c, sizes, sizeof sizes / sizeof *sizes));
    if (a->heads % a->kv_heads)
        return lig_fail(c->ctx, LIG_ERR_INVALID, lig_spec_place(c->spec, c->block, LIG_STR("attention.heads")),
                        "model \"%.*s\": knob %.*s.attention.heads is %lld, it must be a multiple of "
                        "attention.kv_heads, %lld",
                        LIG_STR_ARG(c->spec->name), LIG_STR_ARG(c->block), (long long)a->heads,
                        (long long)a->kv_heads);
    if (a->heads * a->head > MOST)
        return invalid(c, "attention.head", "must be smaller: heads x head is too large");
    if (a->window < 0) return invalid(c, "attention.window", "must be 1 or more, or none");
    if (!positive_or_none(a->scale)) return invalid(c, "attention.scale", "must be positive, or 1/sqrt");
    if (!positive_or_none(a->softcap)) return invalid(c, "attention.softcap", "must be positive, or none");
    const LigNames *names = lig_names(c->spec->names);
    bool fused = names->pattern[LIG_ROLE_WQKV] && !names->pattern[LIG_ROLE_WQ];
    bool mixed = a->bias_q != a->bias_k || a->bias_q != a->bias_v;
    if (fused && mixed)
        return invalid(c, "attention.bias", "must have all of q, k and v or none: their biases are one tensor");
    if (fused && names->qkv == LIG_QKV_PER_HEAD && a->heads != a->kv_heads)
        return invalid(c, "attention.kv_heads",
                       "must equal attention.heads: each head has its own in the file");
    return LIG_OK;
}

static LigStatus check_rope(const Check *c, const LigRopeSpec *rope, int64_t head)
{
    if (!positive(rope->theta)) return invalid(c, "position.theta", "must be positive");
    if (!positive(rope->fraction) || rope->fraction > 1)
        return invalid(c, "position.fraction", "must be in 0..1");
    if (lig_rope_pairs(rope, head) < 1)
        return invalid(c, "position.fraction", "must be large enough to rotate one pair");
    if (rope->scaling == LIG_ROPE_PLAIN || rope->scaling == LIG_ROPE_FACTORS) return LIG_OK;
    if (!positive(rope->factor)) return invalid(c, "position.scaling.factor", "must be positive");
    if (rope->scaling == LIG_ROPE_LINEAR) return LIG_OK;
    if (!positive(rope->low_freq_factor) || !(rope->high_freq_factor > rope->low_freq_factor))
        return invalid(c, "position.scaling.high_freq_factor", "must be above low_freq_factor, both positive");
    if (rope->original_context < 1) return invalid(c, "position.scaling.original_context", "must be 1 or more");
    return LIG_OK;
}

static LigStatus check_block(const Check *c, const LigBlockSpec *block)
{
    LIG_TRY(check_attention(c, &block->attention));
    const Size width = {"mlp.width", block->mlp.width, MOST};
    LIG_TRY(check_sizes(c, &width, 1));
    if (block->position == LIG_BLOCK_OWN_ROPE && block->rope.scaling == LIG_ROPE_FACTORS)
        return reject(c, LIG_ERR_UNSUPPORTED, "position.scaling",
                      "= factors is only defined for the model's rope");
    if (block->mlp.act == LIG_ACT_NONE) return invalid(c, "mlp.act", "must be an activation");
    const LigRopeSpec *rope = lig_spec_rope(c->spec, block);
    if (rope) LIG_TRY(check_rope(c, rope, block->attention.head));
    bool parallel = block->branching != LIG_BRANCH_IN_TURN;
    if (parallel && block->place != LIG_NORM_PRE)
        return reject(c, LIG_ERR_UNSUPPORTED, "parallel", "is only defined with place = pre");
    if (block->branching == LIG_BRANCH_ONE_NORM && !block->norm_attention)
        return invalid(c, "normed", "must have attention, whose norm parallel = one_norm shares");
    return LIG_OK;
}

static LigStatus check_blocks(const Check *c)
{
    const LigSpec *spec = c->spec;
    int64_t layers = 0;
    if (spec->block_count > LIG_MAX_BLOCKS || spec->run_count > LIG_MAX_RUNS)
        return invalid(c, "layers", "has too many runs or kinds of blocks");
    for (size_t i = 0; i < spec->run_count; i++) {
        const LigLayerRun *run = &spec->runs[i];
        if (run->block >= spec->block_count || run->count < 1 || run->count > MOST_LAYERS)
            return invalid(c, "layers", "must count 1..4096 layers of a block in each run");
        layers += run->count;
    }
    const Size size = {"layers", layers, MOST_LAYERS};
    LIG_TRY(check_sizes(c, &size, 1));
    for (size_t i = 0; i < spec->block_count; i++) {
        const Check inside = {c->ctx, spec, spec->blocks[i].name};
        LIG_TRY(check_block(&inside, &spec->blocks[i]));
    }
    return LIG_OK;
}

static LigStatus check_position(const Check *c)
{
    const LigPositionSpec *p = &c->spec->position;
    if (p->kind != LIG_POSITION_LEARNED) return LIG_OK;
    if (p->offset < 0 || p->offset > MOST) return invalid(c, "position.offset", "must be 0 or more");
    if (p->from_pad != LIG_NO_PAD && (p->from_pad < 0 || p->from_pad >= p->offset))
        return invalid(c, "position.from_pad", "must be none, or a row before position.offset");
    return LIG_OK;
}

static LigStatus check_head(const Check *c)
{
    const LigHeadSpec *head = &c->spec->head;
    const Size labels = {"head.labels", head->labels, MOST};
    if (head->kind == LIG_HEAD_CLASSIFY) LIG_TRY(check_sizes(c, &labels, 1));
    if (!positive_or_none(head->softcap)) return invalid(c, "head.softcap", "must be positive, or none");
    if (c->spec->family == LIG_FAMILY_DECODER && head->kind == LIG_HEAD_CLASSIFY)
        return reject(c, LIG_ERR_UNSUPPORTED, "head", "= classify is only defined for encoders");
    return LIG_OK;
}

LigStatus lig_spec_check(LigContext *ctx, const LigSpec *spec)
{
    const Check c = {.ctx = ctx, .spec = spec, .block = LIG_STR("")};
    const Size sizes[] = {
        {"vocab", spec->vocab, MOST}, {"width", spec->width, MOST}, {"context", spec->context, MOST}};
    LIG_TRY(check_sizes(&c, sizes, sizeof sizes / sizeof *sizes));
    LIG_TRY(check_blocks(&c));
    LIG_TRY(check_position(&c));
    if (!positive(spec->norm.eps)) return invalid(&c, "norm.eps", "must be positive");
    if (!positive_or_none(spec->embedding.scale))
        return invalid(&c, "embedding.scale", "must be positive, or none");
    if (spec->embedding.types < 0 || spec->embedding.types > MOST)
        return invalid(&c, "embedding.types", "must be 0 or more");
    return check_head(&c);
}
