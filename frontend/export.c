// Which tensors a model's other form has. Every role that the two naming schemes share is a tensor; what is one
// tensor in the source and several in the target is cut.
#include "frontend/export.h"

#include "frontend/export_forms.h"
#include "frontend/quantise.h"
#include "ir/base/vec.h"

#include <string.h>

// ---- one tensor ----

static bool ends_with(LigStr name, const char *ending) { return lig_str_ends_with(name, lig_str(ending)); }

// The bytes of `out` in its dtype; its shape is checked to be one that a reader took.
static void set_dtype(LigExportTensor *t, LigDtype dtype)
{
    t->dtype = dtype;
    t->out.type_name = lig_dtype_name(dtype);
    t->out.bytes = (size_t)(t->rows * t->columns / lig_dtype_block(dtype) * lig_dtype_block_bytes(dtype));
}

static void set_rows(LigExportTensor *t)
{
    const LigFileTensor *out = &t->out;
    t->columns = out->rank ? out->dims[out->rank - 1] : 1;
    t->rows = 1;
    for (int i = 0; i + 1 < out->rank; i++) t->rows *= out->dims[i];
    if (out->rank != 1 || t->rearrange == LIG_REARRANGE_NONE) return;
    t->rows = t->columns;
    t->columns = 1;
}

static LigStatus push(LigExportPlan *plan, const LigExportTensor *tensor)
{
    LigContext *ctx = lig_model_file_context(plan->file);
    if (!lig_vec_grow(plan->arena, (void **)&plan->tensors, plan->count, &plan->capacity,
                      sizeof *plan->tensors))
        return lig_no_memory(ctx);
    plan->tensors[plan->count++] = *tensor;
    return LIG_OK;
}

// Norms, biases and the like: one dim, or a table that every position adds from.
static bool stays_f32(const LigFileTensor *out)
{
    return out->rank < 2 || !ends_with(out->name, ".weight") || lig_str_is(out->name, "position_embd.weight") ||
           lig_str_is(out->name, "token_types.weight");
}

// The dtype that the source has, where the format and the rearrangement allow.
static LigStatus add_tensor(LigExportPlan *plan, LigExportTensor *t)
{
    LigDtype dtype;
    LigContext *ctx = lig_model_file_context(plan->file);
    if (!lig_dtype_find(lig_str(t->source->type_name), &dtype) ||
        (!lig_dtype_is_float(dtype) && !lig_dtype_is_quantised(dtype))) {
        return lig_fail(ctx, LIG_ERR_UNSUPPORTED, LIG_FILE_LOC(lig_model_file_path(plan->file)),
                        "tensor '%.*s' is %s, which is not converted: floats and block-quantised types are",
                        LIG_NAME_ARG(t->source->name), t->source->type_name);
    }
    bool whole = lig_dtype_is_quantised(dtype) && t->rearrange != LIG_REARRANGE_TRANSPOSE && t->add == 0;
    set_rows(t);
    if (plan->format == LIG_EXPORT_GGUF) t->keeps_f32 = stays_f32(&t->out);
    bool narrow = dtype == LIG_F16 || dtype == LIG_BF16;
    if (plan->format == LIG_EXPORT_GGUF)
        set_dtype(t, (narrow || whole) && !t->keeps_f32 ? dtype : LIG_F32);
    else
        set_dtype(t, narrow ? dtype : LIG_F32);
    return push(plan, t);
}

// ---- roles ----

typedef struct Walk {
    LigExportPlan *plan;
    const LigSpec *spec;
    const LigExportForms *forms;
    LigMap sources; // names of params to names of tensors
} Walk;

// What the spec calls for, and nothing else: a tensor of the file that it passes over would count in the other
// format, whose readers go by what is there.
static LigStatus find_source(const Walk *w, LigRole role, int64_t layer, const LigFileTensor **out)
{
    LigStr name = lig_weight_name(w->plan->arena, &lig_names_param, role, layer, 0);
    if (!name.data) return lig_no_memory(lig_model_file_context(w->plan->file));
    const char *source = lig_map_get(&w->sources, name);
    *out = source ? lig_model_file_find_tensor(w->plan->file, lig_str(source)) : NULL;
    return LIG_OK;
}

// Building the model checks that all its tensors are there, in the shapes that the spec gives them.
static LigStatus find_sources(Walk *w)
{
    LigArena *arena = w->plan->arena;
    LigModule *module;
    LIG_TRY(lig_model_file_build(w->plan->file, &(LigGraphOptions){.kv = LIG_F32}, &module));
    bool ok = true;
    for (size_t i = 0; ok && i < module->params.count; i++) {
        const LigValue *param = module->params.data[i];
        LigStr name = lig_str_copy(arena, param->name), source = lig_str_copy(arena, param->source);
        ok = name.data && source.data && lig_map_put(arena, &w->sources, name, (void *)(uintptr_t)source.data);
    }
    lig_module_destroy(module);
    return ok ? LIG_OK : lig_no_memory(lig_model_file_context(w->plan->file));
}

static bool is_linear(LigRole role)
{
    static const LigRole linear[] = {LIG_ROLE_WQKV, LIG_ROLE_WQ,      LIG_ROLE_WK,   LIG_ROLE_WV, LIG_ROLE_WO,
                                     LIG_ROLE_GATE, LIG_ROLE_GATE_UP, LIG_ROLE_DOWN, LIG_ROLE_UP};
    for (size_t i = 0; i < sizeof linear / sizeof *linear; i++) {
        if (linear[i] == role) return true;
    }
    return false;
}

static bool is_norm(LigRole role)
{
    static const LigRole norms[] = {LIG_ROLE_ATTENTION_NORM, LIG_ROLE_MLP_NORM, LIG_ROLE_FINAL_NORM};
    return role == norms[0] || role == norms[1] || role == norms[2];
}

static void rearrange(const Walk *w, LigRole role, LigExportTensor *t)
{
    const LigAttentionSpec *a = &w->spec->blocks[0].attention;
    const LigExportForms *forms = w->forms;
    bool to_gguf = w->plan->format == LIG_EXPORT_GGUF;
    bool q = role == LIG_ROLE_WQ || role == LIG_ROLE_BQ, k = role == LIG_ROLE_WK || role == LIG_ROLE_BK;
    if (forms->pairs && (q || k)) {
        t->rearrange = to_gguf ? LIG_REARRANGE_TO_PAIRS : LIG_REARRANGE_TO_HALVES;
        t->heads = q ? a->heads : a->kv_heads;
    }
    if (forms->transposed && is_linear(role) && t->source->rank == 2) {
        t->rearrange = LIG_REARRANGE_TRANSPOSE;
        t->out.dims[0] = t->source->dims[1];
        t->out.dims[1] = t->source->dims[0];
    }
    if (forms->unit_offset && is_norm(role)) t->add = to_gguf ? 1 : -1;
}

static LigStatus name_tensor(const Walk *w, LigRole role, int64_t layer, LigExportTensor *t)
{
    t->out.name = lig_weight_name(w->plan->arena, w->forms->to, role, layer, 0);
    return t->out.name.data ? LIG_OK : lig_no_memory(lig_model_file_context(w->plan->file));
}

static LigStatus add_role(const Walk *w, LigRole role, int64_t layer)
{
    const LigFileTensor *source;
    LIG_TRY(find_source(w, role, layer, &source));
    if (!source || !w->forms->to->pattern[role]) return LIG_OK;
    LigExportTensor t = {.out = *source, .source = source};
    t.out.data = NULL;
    LIG_TRY(name_tensor(w, role, layer, &t));
    rearrange(w, role, &t);
    return add_tensor(w->plan, &t);
}

// Queries, keys and values: one tensor in the source, three in the target.
static LigStatus cut_fused(const Walk *w, LigRole fused, int64_t layer)
{
    const LigRole weights[] = {LIG_ROLE_WQ, LIG_ROLE_WK, LIG_ROLE_WV};
    const LigRole biases[] = {LIG_ROLE_BQ, LIG_ROLE_BK, LIG_ROLE_BV};
    const LigAttentionSpec *a = &w->spec->blocks[0].attention;
    const int64_t rows[] = {a->heads * a->head, a->kv_heads * a->head, a->kv_heads * a->head};
    const LigFileTensor *source;
    LIG_TRY(find_source(w, fused, layer, &source));
    if (!source || w->forms->to->pattern[fused]) return LIG_OK;
    bool is_bias = fused == LIG_ROLE_BQKV;
    int64_t first = 0;
    for (int i = 0; i < 3; i++) {
        LigRole role = is_bias ? biases[i] : weights[i];
        LigExportTensor t = {.out = *source, .source = source, .first_row = first};
        t.out.data = NULL;
        t.out.dims[0] = rows[i];
        first += rows[i];
        LIG_TRY(name_tensor(w, role, layer, &t));
        rearrange(w, role, &t);
        if (is_bias && t.rearrange == LIG_REARRANGE_NONE) t.rearrange = LIG_REARRANGE_CUT;
        LIG_TRY(add_tensor(w->plan, &t));
    }
    return LIG_OK;
}

static bool is_in_layers(size_t role) { return strstr(lig_names_param.pattern[role], "%d") != NULL; }

static LigStatus add_outer(const Walk *w, size_t first, size_t end)
{
    for (size_t role = first; role < end; role++) {
        if (is_in_layers(role)) continue;
        LIG_TRY(add_role(w, (LigRole)role, 0));
    }
    return LIG_OK;
}

static LigStatus add_layer(const Walk *w, int64_t layer)
{
    for (size_t role = 0; role < LIG_ROLE_COUNT; role++) {
        if (!is_in_layers(role)) continue;
        LIG_TRY(add_role(w, (LigRole)role, layer));
        if (role == LIG_ROLE_WQKV || role == LIG_ROLE_BQKV) LIG_TRY(cut_fused(w, (LigRole)role, layer));
    }
    return LIG_OK;
}

// ---- what is computed, and what is left out ----

// Llama 3's slowing of rope, which a GGUF has as numbers.
static LigStatus add_factors(const Walk *w)
{
    LigRopeSpec rope = w->spec->position.rope;
    if (w->plan->format != LIG_EXPORT_GGUF || rope.scaling != LIG_ROPE_LLAMA3) return LIG_OK;
    int64_t head = w->spec->blocks[0].attention.head, pairs = lig_rope_pairs(&rope, head);
    float *scaled = LIG_NEW_ARRAY(w->plan->arena, float, (size_t)pairs);
    float *factors = LIG_NEW_ARRAY(w->plan->arena, float, (size_t)pairs);
    LigExportTensor t = {.out = {.rank = 1, .dims = {pairs}}, .values = factors, .keeps_f32 = true};
    LIG_TRY(name_tensor(w, LIG_ROLE_ROPE_FACTORS, 0, &t));
    if (!scaled || !factors) return lig_no_memory(lig_model_file_context(w->plan->file));
    lig_rope_frequencies(&rope, head, scaled);
    rope.scaling = LIG_ROPE_PLAIN;
    lig_rope_frequencies(&rope, head, factors);
    for (int64_t i = 0; i < pairs; i++) factors[i] /= scaled[i];
    set_rows(&t);
    set_dtype(&t, LIG_F32);
    return push(w->plan, &t);
}

static bool is_source(const LigExportPlan *plan, const LigFileTensor *tensor)
{
    for (size_t i = 0; i < plan->count; i++) {
        if (plan->tensors[i].source == tensor) return true;
    }
    return false;
}

static LigStatus list_left_out(LigExportPlan *plan)
{
    for (size_t i = 0; i < lig_model_file_tensor_count(plan->file); i++) {
        const LigFileTensor *tensor = lig_model_file_tensor(plan->file, i);
        // config.json tells in words what these numbers are.
        if (is_source(plan, tensor) || lig_str_is(tensor->name, "rope_freqs.weight")) continue;
        lig_text_append(&plan->left_out, lig_str(plan->left_out.length ? ", " : ""));
        lig_text_append_visible(&plan->left_out, tensor->name);
    }
    return plan->left_out.failed ? lig_no_memory(lig_model_file_context(plan->file)) : LIG_OK;
}

// Every tensor as it is: between files of one format.
static LigStatus copy_all(LigExportPlan *plan)
{
    for (size_t i = 0; i < lig_model_file_tensor_count(plan->file); i++) {
        const LigFileTensor *source = lig_model_file_tensor(plan->file, i);
        LigExportTensor t = {.out = *source, .source = source, .dtype = LIG_DTYPE_COUNT};
        t.out.data = NULL;
        set_rows(&t);
        if (!lig_dtype_find(lig_str(source->type_name), &t.dtype)) t.dtype = LIG_DTYPE_COUNT;
        if (plan->format == LIG_EXPORT_GGUF) t.keeps_f32 = stays_f32(&t.out);
        LIG_TRY(push(plan, &t));
    }
    return LIG_OK;
}

static LigStatus walk_roles(Walk *w)
{
    LIG_TRY(find_sources(w));
    LIG_TRY(add_outer(w, 0, LIG_ROLE_ATTENTION_NORM));
    LIG_TRY(add_factors(w));
    for (int64_t i = 0; i < lig_spec_layers(w->spec); i++) LIG_TRY(add_layer(w, i));
    LIG_TRY(add_outer(w, LIG_ROLE_ATTENTION_NORM, LIG_ROLE_COUNT));
    return list_left_out(w->plan);
}

static void mark_head(LigExportPlan *plan, const LigSpec *spec)
{
    const char *name = spec->embedding.tie ? "token_embd.weight" : "output.weight";
    for (size_t i = 0; spec->head.kind == LIG_HEAD_LOGITS && i < plan->count; i++)
        plan->tensors[i].is_head = lig_str_is(plan->tensors[i].out.name, name);
}

LigStatus lig_export_plan(LigModelFile *file, LigExportFormat format, LigExportPlan *out)
{
    LigContext *ctx = lig_model_file_context(file);
    const LigSpec *spec = lig_model_file_spec(file);
    *out = (LigExportPlan){.arena = lig_arena_create(), .file = file, .format = format};
    if (!out->arena) return lig_no_memory(ctx);
    LigModelKind kind = lig_model_file_kind(file);
    if (kind != LIG_MODEL_GGUF && kind != LIG_MODEL_HF_DIRECTORY) {
        return lig_fail(ctx, LIG_ERR_UNSUPPORTED, LIG_FILE_LOC(lig_model_file_path(file)),
                        "is a %s, whose weights are not written to other files: give a GGUF or a Hugging Face "
                        "directory",
                        lig_model_file_kind_name(file));
    }
    LigExportForms forms;
    bool same = (lig_model_file_gguf(file) != NULL) == (format == LIG_EXPORT_GGUF);
    if (!same) LIG_TRY(lig_export_forms(file, format, &forms));
    LIG_TRY(same ? copy_all(out) : walk_roles(&(Walk){.plan = out, .spec = spec, .forms = &forms}));
    if (format == LIG_EXPORT_GGUF) mark_head(out, spec);
    return LIG_OK;
}

void lig_export_free(LigExportPlan *plan)
{
    lig_text_free(&plan->left_out);
    lig_arena_destroy(plan->arena);
    *plan = (LigExportPlan){0};
}

// ---- dtypes ----

// The dtype for a row of this width.
static LigDtype fitting(LigDtype dtype, int64_t columns)
{
    if (columns % lig_dtype_block(dtype) == 0) return dtype;
    if (dtype == LIG_Q4_K && columns % lig_dtype_block(LIG_Q5_0) == 0) return LIG_Q5_0;
    if (dtype == LIG_Q6_K && columns % lig_dtype_block(LIG_Q8_0) == 0) return LIG_Q8_0;
    return LIG_F16;
}

static bool has_four_bits(LigDtype dtype)
{
    return dtype == LIG_Q4_0 || dtype == LIG_Q4_1 || dtype == LIG_Q4_K;
}

void lig_export_retype(LigExportPlan *plan, LigDtype dtype)
{
    for (size_t i = 0; i < plan->count; i++) {
        LigExportTensor *t = &plan->tensors[i];
        bool number =
            t->dtype != LIG_DTYPE_COUNT && (lig_dtype_is_float(t->dtype) || lig_dtype_is_quantised(t->dtype));
        if (!number || t->keeps_f32) continue;
        LigDtype wanted = t->is_head && has_four_bits(dtype) ? LIG_Q6_K : dtype;
        LigDtype given = fitting(wanted, t->columns);
        t->wanted = wanted;
        t->fell_back = given != wanted;
        set_dtype(t, given);
    }
}
