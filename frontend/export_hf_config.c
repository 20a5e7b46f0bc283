// config.json of a spec: the table that reads it, frontend/architectures.c, walked the other way.
#include "frontend/export_parts.h"

#include "frontend/architectures.h"
#include "frontend/export_forms.h"
#include "frontend/import.h"

#include <math.h>
#include <string.h>

typedef struct Writer {
    const LigExportPlan *plan;
    LigContext *ctx;
    const char *path; // of the model
    json_t *root;
    LigHfConfig *config;
    LigSpec *spec; // as Hugging Face has it
} Writer;

// GGUF's name, model_type, and what `architectures` says of a language model and of a classifier.
typedef struct Names {
    const char *gguf, *type, *plain, *classifier;
} Names;

static const Names *find_names(const char *gguf, bool windowed)
{
    static const Names names[] = {{"llama", "llama", "LlamaForCausalLM", NULL},
                                  {"gpt2", "gpt2", "GPT2LMHeadModel", NULL},
                                  {"qwen2", "qwen2", "Qwen2ForCausalLM", NULL},
                                  {"qwen3", "qwen3", "Qwen3ForCausalLM", NULL},
                                  {"gemma", "gemma", "GemmaForCausalLM", NULL},
                                  {"phi2", "phi", "PhiForCausalLM", NULL},
                                  {"bert", "bert", "BertModel", "BertForSequenceClassification"},
                                  {"llama", "mistral", "MistralForCausalLM", NULL}};
    enum { MISTRAL = sizeof names / sizeof *names - 1 };
    if (windowed && strcmp(gguf, "llama") == 0) return &names[MISTRAL];
    size_t i = 0;
    while (strcmp(names[i].gguf, gguf) != 0) i++; // each architecture of the table has a row
    return &names[i];
}

// ---- rope ----

// The settings of Llama 3 that give these factors; those that its models are published with are tried.
static bool find_llama3(const LigExportPlan *plan, LigRopeSpec *rope, int64_t head)
{
    static const double slowing[] = {8, 32, 4, 16, 2};
    static const int64_t contexts[] = {8192, 4096, 2048, 1024, 512, 256, 128, 64, 32};
    const LigFileTensor *tensor = lig_model_file_find_tensor(plan->file, LIG_STR("rope_freqs.weight"));
    int64_t pairs = lig_rope_pairs(rope, head);
    float *plain = LIG_NEW_ARRAY(plan->arena, float, (size_t)pairs);
    float *scaled = LIG_NEW_ARRAY(plan->arena, float, (size_t)pairs);
    if (!tensor || strcmp(tensor->type_name, "f32") != 0 || tensor->dims[0] != pairs || !plain || !scaled)
        return false;
    const float *factors = tensor->data;
    rope->scaling = LIG_ROPE_PLAIN;
    bool ones = true;
    for (int64_t i = 0; i < pairs; i++) ones &= factors[i] == 1;
    if (ones) return true;
    lig_rope_frequencies(rope, head, plain);
    rope->scaling = LIG_ROPE_LLAMA3;
    rope->low_freq_factor = 1;
    rope->high_freq_factor = 4;
    for (size_t s = 0; s < sizeof slowing / sizeof *slowing; s++) {
        for (size_t c = 0; c < sizeof contexts / sizeof *contexts; c++) {
            rope->factor = slowing[s];
            rope->original_context = contexts[c];
            lig_rope_frequencies(rope, head, scaled);
            bool same = true;
            for (int64_t i = 0; i < pairs; i++)
                same &= fabsf(plain[i] / factors[i] - scaled[i]) <= 1e-5f * fabsf(scaled[i]);
            if (same) return true;
        }
    }
    return false;
}

static LigStatus settle_rope(const Writer *w)
{
    LigRopeSpec *rope = &w->spec->position.rope;
    if (w->spec->position.kind != LIG_POSITION_ROPE) return LIG_OK;
    rope->pairs = LIG_PAIRS_HALF;
    if (rope->scaling != LIG_ROPE_FACTORS || find_llama3(w->plan, rope, w->spec->blocks[0].attention.head))
        return LIG_OK;
    return lig_fail(
        w->ctx, LIG_ERR_UNSUPPORTED, LIG_FILE_LOC(w->path),
        "the numbers of rope_freqs.weight are none that a llama3 rope of config.json gives: write a GGUF "
        "instead");
}

static bool put_rope(const Writer *w)
{
    const LigRopeSpec *rope = &w->spec->position.rope;
    if (w->spec->position.kind != LIG_POSITION_ROPE || rope->scaling == LIG_ROPE_PLAIN) return true;
    json_t *scaling =
        rope->scaling == LIG_ROPE_LINEAR
            ? json_pack("{s:s, s:f}", "rope_type", "linear", "factor", rope->factor)
            : json_pack("{s:s, s:f, s:f, s:f, s:I}", "rope_type", "llama3", "factor", rope->factor,
                        "low_freq_factor", rope->low_freq_factor, "high_freq_factor", rope->high_freq_factor,
                        "original_max_position_embeddings", (json_int_t)rope->original_context);
    return json_object_set_new(w->root, "rope_scaling", scaling) == 0;
}

// ---- keys ----

static json_t *integer_of(const char *field)
{
    int64_t value;
    memcpy(&value, field, sizeof value);
    return json_integer(value);
}

static json_t *integer_or_none(const char *field)
{
    int64_t value;
    memcpy(&value, field, sizeof value);
    return value ? json_integer(value) : json_null();
}

static json_t *real_of(const char *field)
{
    double value;
    memcpy(&value, field, sizeof value);
    return json_real(value);
}

static json_t *flag_of(const char *field)
{
    bool value;
    memcpy(&value, field, sizeof value);
    return json_boolean(value);
}

static json_t *activation_of(const char *field)
{
    LigActivation value;
    memcpy(&value, field, sizeof value);
    return value == LIG_ACT_NONE ? json_null() : json_string(lig_hf_activation_name(value));
}

// The value of a key; NULL where none is written, or memory is out.
static json_t *value_of(const LigConfigKey *key, const LigHfConfig *config)
{
    const char *field = (const char *)config + key->offset;
    switch (key->use) {
    case LIG_CONFIG_SIZE:
    case LIG_CONFIG_INT:
    case LIG_CONFIG_COUNT:
        return integer_of(field);
    case LIG_CONFIG_INT_OR_NONE:
        return integer_or_none(field);
    case LIG_CONFIG_REAL:
    case LIG_CONFIG_FRACTION:
        return real_of(field);
    case LIG_CONFIG_FLAG:
        return flag_of(field);
    case LIG_CONFIG_ACT:
        return activation_of(field);
    case LIG_CONFIG_IGNORED:
    case LIG_CONFIG_ELSEWHERE:
    case LIG_CONFIG_FALSE:
    case LIG_CONFIG_TRUE:
    case LIG_CONFIG_WORD:
        break;
    }
    return NULL;
}

static bool put_keys(const Writer *w, const LigArchitecture *architecture)
{
    for (size_t list = 0; list < LIG_CONFIG_LISTS && architecture->keys[list]; list++) {
        for (const LigConfigKey *key = architecture->keys[list]; key->key; key++) {
            // A key of several rows means the first: the others are of heads that a GGUF has not.
            if (json_object_get(w->root, key->key)) continue;
            json_t *value = value_of(key, w->config);
            if (value && json_object_set_new(w->root, key->key, value) != 0) return false;
        }
    }
    return true;
}

static bool put_labels(const Writer *w)
{
    json_t *names = json_object(), *ids = json_object();
    const LigStr *labels = NULL;
    size_t count = 0;
    bool ok = names && ids;
    LigStatus status = lig_gguf_get_strings(w->ctx, lig_model_file_gguf(w->plan->file),
                                            LIG_STR("bert.classifier.output_labels"), &labels, &count);
    for (int64_t i = 0; ok && i < w->spec->head.labels; i++) {
        LigStr index = lig_str_format(w->plan->arena, "%lld", (long long)i);
        LigStr label = lig_str_format(w->plan->arena, "LABEL_%lld", (long long)i);
        if (status == LIG_OK && (size_t)i < count) label = lig_str_copy(w->plan->arena, labels[i]);
        ok = index.data && label.data && json_object_set_new(names, index.data, json_string(label.data)) == 0 &&
             json_object_set_new(ids, label.data, json_integer(i)) == 0;
    }
    json_object_set_new(w->root, "id2label", names);
    json_object_set_new(w->root, "label2id", ids);
    return ok;
}

static void fill_config(const Writer *w, const LigArchitecture *architecture)
{
    const LigAttentionSpec *a = &w->spec->blocks[0].attention;
    LigHfConfig *c = w->config;
    *c = architecture->preset;
    c->spec = *w->spec;
    c->layers = lig_spec_layers(w->spec);
    c->window = a->window;
    c->use_window = a->window != 0;
    c->first_windowed = 0;
    c->attention_bias = a->bias_q && a->bias_o;
    if (!a->window) c->first_windowed = c->layers;
}

static bool put_all(const Writer *w, const LigArchitecture *architecture, const Names *names)
{
    bool classifies = w->spec->head.kind == LIG_HEAD_CLASSIFY;
    const char *head = classifies && names->classifier ? names->classifier : names->plain;
    bool ok = json_object_set_new(w->root, "architectures", json_pack("[s]", head)) == 0 &&
              json_object_set_new(w->root, "model_type", json_string(names->type)) == 0 && put_rope(w) &&
              put_keys(w, architecture);
    return ok && (!classifies || put_labels(w));
}

// ---- reading back ----

// The text of both specs, without their names.
static bool same_spec(LigSpec *a, LigSpec *b)
{
    LigText left = {0}, right = {0};
    a->name = b->name = (LigStr){0};
    lig_spec_print(&left, a);
    lig_spec_print(&right, b);
    bool same = !left.failed && !right.failed && lig_str_equal(lig_text_view(&left), lig_text_view(&right));
    lig_text_free(&left);
    lig_text_free(&right);
    return same;
}

static LigStatus read_back(const Writer *w, const char *folder)
{
    LigSpec *again = LIG_NEW(w->plan->arena, LigSpec);
    if (!again) return lig_no_memory(w->ctx);
    LIG_TRY(lig_import_hf_spec(w->ctx, folder, w->plan->arena, again));
    if (same_spec(w->spec, again)) return LIG_OK;
    return lig_fail(
        w->ctx, LIG_ERR_UNSUPPORTED, LIG_FILE_LOC(w->path),
        "has knobs that no config.json of its kind tells (liga show --spec prints them): write a GGUF "
        "instead");
}

static LigStatus write_config(Writer *w, const char *folder)
{
    const LigGgufArchitecture *row;
    LIG_TRY(lig_export_architecture(w->plan->file, &row));
    w->config = LIG_NEW(w->plan->arena, LigHfConfig);
    w->spec = LIG_NEW(w->plan->arena, LigSpec);
    const char *path = lig_export__path(w->plan, folder, "config.json");
    if (!w->config || !w->spec || !path) return lig_no_memory(w->ctx);
    *w->spec = *lig_model_file_spec(w->plan->file);
    w->spec->names = row->hf_names;
    w->spec->norm.unit_offset = row->scaled_by_width;
    LIG_TRY(settle_rope(w));
    const Names *names = find_names(row->name, w->spec->blocks[0].attention.window != 0);
    const LigArchitecture *architecture = lig_architecture_find(lig_str(names->type));
    LIG_ASSERT(architecture);
    fill_config(w, architecture);
    w->root = json_object();
    if (!w->root || !put_all(w, architecture, names)) return lig_no_memory(w->ctx);
    LIG_TRY(lig_export__json(w->ctx, path, json_incref(w->root)));
    return read_back(w, folder);
}

LigStatus lig_export__hf_config(const LigExportPlan *plan, const char *folder)
{
    Writer w = {
        .plan = plan, .ctx = lig_model_file_context(plan->file), .path = lig_model_file_path(plan->file)};
    LigStatus status = write_config(&w, folder);
    json_decref(w.root);
    return status;
}
