#include "frontend/export_gguf.h"

#include "frontend/export_forms.h"
#include "frontend/export_tokenizer.h"
#include "frontend/head_config.h"

#include <string.h>

enum { QUANTISATION_VERSION = 2, DEFAULT_ALIGNMENT = 32 };

// The pooling of embeddings, as GGUF numbers it.
enum { POOLING_MEAN = 1, POOLING_CLS = 2, POOLING_LAST = 3, POOLING_RANK = 4 };

// ---- what every file says of its tensors ----

// general.file_type: what most of the numbers are in. Source: the enum of llama.h.
static uint32_t file_type(const LigExportPlan *plan)
{
    static const struct {
        LigDtype dtype;
        uint32_t type;
    } types[] = {{LIG_F32, 0},   {LIG_F16, 1},   {LIG_Q4_0, 2},  {LIG_Q4_1, 3},  {LIG_Q8_0, 7},
                 {LIG_Q5_0, 8},  {LIG_Q5_1, 9},  {LIG_Q2_K, 10}, {LIG_Q3_K, 11}, {LIG_Q4_K, 14},
                 {LIG_Q5_K, 16}, {LIG_Q6_K, 18}, {LIG_BF16, 32}};
    int64_t numbers[LIG_DTYPE_COUNT + 1] = {0};
    for (size_t i = 0; i < plan->count; i++) {
        const LigExportTensor *t = &plan->tensors[i];
        numbers[t->dtype] += t->is_head ? 0 : t->rows * t->columns; // a head may be in another
    }
    uint32_t type = 0;
    int64_t most = 0;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (numbers[types[i].dtype] <= most) continue;
        most = numbers[types[i].dtype];
        type = types[i].type;
    }
    return type;
}

static void put_general(const LigExportPlan *plan, LigGgufMetadata *out)
{
    lig_gguf_put_u32(out, "general.file_type", file_type(plan));
    lig_gguf_put_u32(out, "general.quantization_version", QUANTISATION_VERSION);
}

// ---- from a GGUF ----

static LigStatus copy_metadata(const LigExportPlan *plan, LigGgufMetadata *out, size_t *alignment)
{
    static const char *const own[] = {"general.file_type", "general.quantization_version", "split.no",
                                      "split.count", "split.tensors.count"};
    const LigGguf *gguf = lig_model_file_gguf(plan->file);
    uint64_t aligned = DEFAULT_ALIGNMENT;
    LIG_TRY(lig_gguf_get_u64(lig_model_file_context(plan->file), gguf, LIG_STR("general.alignment"), &aligned));
    *alignment = (size_t)aligned;
    for (size_t i = 0; i < lig_gguf_value_count(gguf); i++) {
        const LigGgufValue *value = lig_gguf_value(gguf, i);
        bool kept = true;
        for (size_t k = 0; k < sizeof own / sizeof *own; k++) kept &= !lig_str_is(value->key, own[k]);
        if (kept) lig_gguf_put_value(out, value);
    }
    put_general(plan, out);
    return LIG_OK;
}

// ---- from a Hugging Face directory ----

typedef struct Writer {
    const LigExportPlan *plan;
    const LigSpec *spec;
    const LigGgufArchitecture *row;
    LigGgufMetadata *out;
} Writer;

static LigStatus key_of(const Writer *w, const char *knob, const char **out)
{
    *out = lig_str_format(w->plan->arena, "%s.%s", w->row->name, knob).data;
    return *out ? LIG_OK : lig_no_memory(lig_model_file_context(w->plan->file));
}

static LigStatus put_key(const Writer *w, const LigGgufKey *key, const LigGgufConfig *config)
{
    const char *field = (const char *)config + key->offset, *name;
    int64_t integer = 0;
    double real = 0;
    LIG_TRY(key_of(w, key->key, &name));
    switch (key->use) {
    case LIG_GGUF_USE_SIZE:
    case LIG_GGUF_USE_INT:
        memcpy(&integer, field, sizeof integer);
        if (integer) lig_gguf_put_u32(w->out, name, (uint32_t)integer); // lig_spec_check bounds them
        return LIG_OK;
    case LIG_GGUF_USE_REAL:
        memcpy(&real, field, sizeof real);
        if (real != 0) lig_gguf_put_f32(w->out, name, (float)real);
        return LIG_OK;
    case LIG_GGUF_USE_FALSE:
        lig_gguf_put_bool(w->out, name, false);
        return LIG_OK;
    case LIG_GGUF_USE_IGNORED:
    case LIG_GGUF_USE_ELSEWHERE:
    case LIG_GGUF_USE_OLD_REAL:
    case LIG_GGUF_USE_ZERO:
    case LIG_GGUF_USE_ONE:
        break;
    }
    return LIG_OK;
}

static LigStatus put_keys(const Writer *w)
{
    const LigAttentionSpec *a = &w->spec->blocks[0].attention;
    LigGgufConfig *config = LIG_NEW(w->plan->arena, LigGgufConfig);
    if (!config) return lig_no_memory(lig_model_file_context(w->plan->file));
    *config = (LigGgufConfig){.spec = *w->spec, .layers = lig_spec_layers(w->spec), .value_length = a->head};
    LigRopeSpec *rope = &config->spec.position.rope;
    config->rotated = 2 * lig_rope_pairs(rope, a->head);
    if (rope->scaling != LIG_ROPE_LINEAR) rope->factor = 0;
    for (size_t list = 0; list < LIG_GGUF_LISTS && w->row->keys[list]; list++) {
        for (const LigGgufKey *key = w->row->keys[list]; key->key; key++) LIG_TRY(put_key(w, key, config));
    }
    const char *name;
    LIG_TRY(key_of(w, "vocab_size", &name));
    lig_gguf_put_u32(w->out, name, (uint32_t)w->spec->vocab);
    if (w->spec->position.kind != LIG_POSITION_ROPE || rope->scaling != LIG_ROPE_LINEAR) return LIG_OK;
    LIG_TRY(key_of(w, "rope.scaling.type", &name));
    lig_gguf_put_str(w->out, name, LIG_STR("linear"));
    return LIG_OK;
}

static LigStatus put_labels(const Writer *w)
{
    LigContext *ctx = lig_model_file_context(w->plan->file);
    const char *name;
    LigLabelConfig labels;
    LIG_TRY(key_of(w, "classifier.output_labels", &name));
    LIG_TRY(lig_label_config_read(ctx, w->plan->arena, lig_model_file_path(w->plan->file), w->spec->head.labels,
                                  &labels));
    lig_gguf_put_strs(w->out, name, labels.names, (size_t)w->spec->head.labels);
    return LIG_OK;
}

static LigStatus put_encoder(const Writer *w)
{
    static const uint32_t poolings[] = {
        [LIG_POOL_MEAN] = POOLING_MEAN, [LIG_POOL_CLS] = POOLING_CLS, [LIG_POOL_LAST] = POOLING_LAST};
    LigEmbeddingConfig config;
    const char *name;
    if (w->spec->family != LIG_FAMILY_ENCODER) return LIG_OK;
    LIG_TRY(key_of(w, "pooling_type", &name));
    LIG_TRY(lig_embedding_config_read(lig_model_file_context(w->plan->file), lig_model_file_path(w->plan->file),
                                      &config));
    bool classifies = w->spec->head.kind == LIG_HEAD_CLASSIFY;
    lig_gguf_put_u32(w->out, name, classifies ? POOLING_RANK : poolings[config.pooling]);
    lig_gguf_put_u32(w->out, "tokenizer.ggml.token_type_count", (uint32_t)w->spec->embedding.types);
    return classifies ? put_labels(w) : LIG_OK;
}

static LigStatus write_metadata(const LigExportPlan *plan, LigGgufMetadata *out)
{
    Writer w = {.plan = plan, .spec = lig_model_file_spec(plan->file), .out = out};
    LIG_TRY(lig_export_architecture(plan->file, &w.row));
    lig_gguf_put_str(out, "general.architecture", lig_str(w.row->name));
    lig_gguf_put_str(out, "general.name", w.spec->name);
    put_general(plan, out);
    LIG_TRY(put_keys(&w));
    LIG_TRY(put_encoder(&w));
    return lig_export_gguf_tokenizer(plan, out);
}

LigStatus lig_export_gguf_metadata(const LigExportPlan *plan, LigGgufMetadata *out, size_t *alignment)
{
    *out = (LigGgufMetadata){0};
    *alignment = DEFAULT_ALIGNMENT;
    return lig_model_file_gguf(plan->file) ? copy_metadata(plan, out, alignment) : write_metadata(plan, out);
}
