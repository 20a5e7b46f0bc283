#include "frontend/model_file.h"

#include "frontend/import.h"
#include "frontend/ligb.h"
#include "frontend/safetensors.h"
#include "ir/base/alloc.h"
#include "ir/base/file.h"
#include "ir/lex.h"
#include "ir/text.h"
#include "models/model.h"

#include <string.h>

// A model comes from exactly one of these; a graph or spec also has weights, which are one of the first two.
struct LigModelFile {
    LigContext *ctx;
    LigArena *arena;
    const char *path;
    LigModelKind kind;
    LigGguf *gguf;
    LigSafetensors *safetensors;
    LigMappedFile *graph;
    const char *weights; // of a graph or spec: as given, or NULL
    LigSpec spec;
    bool has_spec;
    LigImageBytes tokenizer;
};

static LigStatus open_gguf(LigModelFile *file, const char *path)
{
    LIG_TRY(lig_gguf_open(file->ctx, path, &file->gguf));
    return LIG_OK;
}

static LigStatus open_tensors(LigModelFile *file, const char *path)
{
    LIG_TRY(lig_safetensors_open(file->ctx, path, &file->safetensors));
    return LIG_OK;
}

// Weights alone: of a graph in text.
static LigStatus open_weights(LigModelFile *file, const char *path)
{
    if (lig_path_is_directory(path)) return open_tensors(file, path);
    LigModelKind kind;
    LIG_TRY(lig_model_detect(file->ctx, path, &kind));
    return kind == LIG_MODEL_GGUF ? open_gguf(file, path) : open_tensors(file, path);
}

static LigStatus open_model_directory(LigModelFile *file)
{
    LIG_TRY(lig_import_hf_spec(file->ctx, file->path, file->arena, &file->spec));
    file->has_spec = true;
    LIG_TRY(open_tensors(file, file->path));
    return lig_import_hf_tokenizer(file->ctx, file->path, &file->tokenizer);
}

static LigStatus open_model_gguf(LigModelFile *file)
{
    LIG_TRY(open_gguf(file, file->path));
    LIG_TRY(lig_import_gguf_spec(file->ctx, file->gguf, &file->spec));
    file->has_spec = true;
    return lig_import_gguf_tokenizer(file->ctx, file->gguf, &file->tokenizer);
}

// The weights that a text names stand beside the text unless the path is absolute.
static LigStatus named_path(const LigModelFile *file, LigStr named, const char **out)
{
    const char *slash = strrchr(file->path, '/');
    int directory = slash && named.data[0] != '/' ? (int)(slash - file->path + 1) : 0;
    *out = lig_str_format(file->arena, "%.*s%.*s", directory, file->path, LIG_STR_ARG(named)).data;
    return *out ? LIG_OK : lig_no_memory(file->ctx);
}

// Those given, or those that a spec names if they are there; with the tokenizer that lies beside them.
static LigStatus open_spec_weights(LigModelFile *file)
{
    const char *path = file->weights;
    if (!path && file->spec.weights.length) {
        LIG_TRY(named_path(file, file->spec.weights, &path));
        if (!lig_path_exists(path)) return LIG_OK;
    }
    if (!path) return LIG_OK;
    LIG_TRY(open_weights(file, path));
    if (file->gguf) return lig_import_gguf_tokenizer(file->ctx, file->gguf, &file->tokenizer);
    return lig_path_is_directory(path) ? lig_import_hf_tokenizer(file->ctx, path, &file->tokenizer) : LIG_OK;
}

static LigStatus open_spec(LigModelFile *file, LigStr text)
{
    LIG_TRY(lig_spec_parse(file->ctx, file->path, text, file->arena, &file->spec));
    LIG_TRY(lig_spec_check(file->ctx, &file->spec));
    file->has_spec = true;
    lig_file_unmap(file->graph);
    file->graph = NULL;
    return open_spec_weights(file);
}

// The first word tells a spec from a graph.
static LigStatus open_text(LigModelFile *file)
{
    LIG_TRY(lig_file_map(file->ctx, file->path, &file->graph));
    const LigStr text = {(const char *)file->graph->data, file->graph->size};
    LigLexer lexer = lig_lexer(file->path, text);
    return lig_str_is(lig_lexer_next(&lexer).text, "model") ? open_spec(file, text) : LIG_OK;
}

static LigStatus open_by_content(LigModelFile *file)
{
    LIG_TRY(lig_model_detect(file->ctx, file->path, &file->kind));
    switch (file->kind) {
    case LIG_MODEL_HF_DIRECTORY:
        return open_model_directory(file);
    case LIG_MODEL_GGUF:
        return open_model_gguf(file);
    case LIG_MODEL_TEXT:
        return open_text(file);
    case LIG_MODEL_LIGB:
        return lig_file_map(file->ctx, file->path, &file->graph);
    case LIG_MODEL_ONNX:
    case LIG_MODEL_SAFETENSORS:
    case LIG_MODEL_TOKENIZER_JSON:
    case LIG_MODEL_SENTENCE_PIECE:
    case LIG_MODEL_KIND_COUNT:
        break;
    }
    return lig_fail(
        file->ctx, LIG_ERR_UNSUPPORTED, LIG_FILE_LOC(file->path),
        "a %s is no model that can be opened: give a GGUF file, a Hugging Face directory, a spec, or "
        "a graph (text or .ligb)",
        lig_model_kind_name(file->kind));
}

LigStatus lig_model_file_open(LigContext *ctx, const char *path, const char *weights, LigModelFile **out)
{
    LigModelFile *file = lig_alloc_zero(sizeof *file);
    if (!file) return lig_no_memory(ctx);
    file->ctx = ctx;
    file->arena = lig_arena_create();
    file->path = file->arena ? lig_str_copy(file->arena, lig_str(path)).data : NULL;
    file->weights = weights && file->arena ? lig_str_copy(file->arena, lig_str(weights)).data : NULL;
    bool copied = file->path && (!weights || file->weights);
    LigStatus status = copied ? open_by_content(file) : lig_no_memory(ctx);
    if (status != LIG_OK) {
        lig_model_file_close(file);
        return status;
    }
    *out = file;
    return LIG_OK;
}

void lig_model_file_close(LigModelFile *file)
{
    if (!file) return;
    lig_gguf_close(file->gguf);
    lig_safetensors_close(file->safetensors);
    lig_file_unmap(file->graph);
    lig_image_free(&file->tokenizer);
    lig_arena_destroy(file->arena);
    lig_free(file);
}

static const LigTensorSet *tensors_of(const LigModelFile *file)
{
    if (file->gguf) return lig_gguf_tensors(file->gguf);
    return file->safetensors ? lig_safetensors_tensors(file->safetensors) : NULL;
}

LigModelKind lig_model_file_kind(const LigModelFile *file) { return file->kind; }

const char *lig_model_file_kind_name(const LigModelFile *file)
{
    bool is_spec = file->kind == LIG_MODEL_TEXT && file->has_spec;
    return is_spec ? "spec (.lig)" : lig_model_kind_name(file->kind);
}

const LigSpec *lig_model_file_spec(const LigModelFile *file) { return file->has_spec ? &file->spec : NULL; }

const char *lig_model_file_path(const LigModelFile *file) { return file->path; }
LigContext *lig_model_file_context(const LigModelFile *file) { return file->ctx; }
const LigGguf *lig_model_file_gguf(const LigModelFile *file) { return file->gguf; }

size_t lig_model_file_tensor_count(const LigModelFile *file)
{
    const LigTensorSet *set = tensors_of(file);
    return set ? set->count : 0;
}

const LigFileTensor *lig_model_file_tensor(const LigModelFile *file, size_t index)
{
    const LigTensorSet *set = tensors_of(file);
    return set && index < set->count ? &set->tensors[index] : NULL;
}

const LigFileTensor *lig_model_file_find_tensor(const LigModelFile *file, LigStr name)
{
    const LigTensorSet *set = tensors_of(file);
    return set ? lig_tensor_set_find(set, name) : NULL;
}

LigStr lig_model_file_tokenizer(const LigModelFile *file)
{
    return (LigStr){file->tokenizer.data, file->tokenizer.size};
}

// Building.

static bool find_tensor(void *data, LigStr name, LigTensorInfo *out)
{
    const LigFileTensor *tensor = lig_tensor_set_find(tensors_of(data), name);
    if (!tensor || tensor->rank > LIG_MAX_RANK || !lig_dtype_find(lig_str(tensor->type_name), &out->dtype))
        return false;
    out->rank = tensor->rank;
    for (int i = 0; i < tensor->rank; i++) out->dims[i] = tensor->dims[i];
    return true;
}

// Points a param at its tensor. The type in the text and the type in the file must be the same.
static LigStatus bind_param(LigModelFile *file, const LigModule *module, LigValue *param)
{
    const LigFileTensor *tensor = lig_tensor_set_find(tensors_of(file), param->source);
    if (!tensor) {
        return lig_fail(file->ctx, LIG_ERR_NOT_FOUND, param->loc,
                        "param %%%.*s: the weights have no tensor \"%.*s\"", LIG_STR_ARG(param->name),
                        LIG_NAME_ARG(param->source));
    }
    bool same = lig_str_is(lig_str(lig_dtype_name(param->type.dtype)), tensor->type_name) &&
                param->type.rank == tensor->rank;
    for (int i = 0; same && i < tensor->rank; i++) {
        int64_t size;
        same = lig_dim_is_const(param->type.dims[i], &size) && size == tensor->dims[i];
    }
    if (!same) {
        LigText type = {0};
        lig_type_print(&type, module->dims, &param->type);
        LigStatus status = lig_fail(
            file->ctx, LIG_ERR_SHAPE, param->loc,
            "param %%%.*s is %s, but tensor \"%.*s\" has another dtype or shape: these are not its weights",
            LIG_STR_ARG(param->name), type.data ? type.data : "?", LIG_NAME_ARG(param->source));
        lig_text_free(&type);
        return status;
    }
    param->data = tensor->data;
    return LIG_OK;
}

static LigStatus bind_params(LigModelFile *file, LigModule *module)
{
    for (size_t i = 0; i < module->params.count; i++) {
        LigValue *param = module->params.data[i];
        if (!param->data) LIG_TRY(bind_param(file, module, param)); // a .ligb may bring its own
    }
    return LIG_OK;
}

static bool is_bound(const LigModule *module)
{
    for (size_t i = 0; i < module->params.count; i++) {
        if (!module->params.data[i]->data) return false;
    }
    return true;
}

// Finds the weights of a graph or spec, unless it has them already.
static LigStatus find_weights(LigModelFile *file, const LigModule *module, bool unbound)
{
    if (tensors_of(file) || is_bound(module)) return LIG_OK;
    if (file->weights) return open_weights(file, file->weights);
    if (unbound) return LIG_OK;
    LigStr named = file->has_spec ? file->spec.weights : module->weights_path;
    const char *path;
    if (!named.length)
        return lig_fail(file->ctx, LIG_ERR_NOT_FOUND, LIG_FILE_LOC(file->path),
                        "names no weights: give a file or directory with --weights");
    LIG_TRY(named_path(file, named, &path));
    if (lig_path_exists(path)) return open_weights(file, path);
    LigLoc loc = LIG_FILE_LOC(file->path);
    if (file->has_spec) loc = lig_spec_place(&file->spec, LIG_STR(""), LIG_STR("weights"));
    return lig_fail(file->ctx, LIG_ERR_NOT_FOUND, loc,
                    "names the weights \"%s\", but there is nothing: correct the path, or give --weights",
                    path);
}

static LigStatus build(LigModelFile *file, const LigGraphOptions *options, LigModule **out)
{
    if (file->graph && lig_ligb_is(file->graph)) return lig_ligb_read(file->ctx, file->graph, out);
    if (file->graph) {
        const LigStr text = {(const char *)file->graph->data, file->graph->size};
        return lig_parse_module(file->ctx, file->path, text, out);
    }
    const LigTensorSource source = {tensors_of(file) ? find_tensor : NULL, file};
    const LigModelOptions model = {.cache_dtype = options->kv};
    return lig_build_model(file->ctx, &file->spec, source, model, out);
}

LigStatus lig_model_file_build(LigModelFile *file, const LigGraphOptions *options, LigModule **out)
{
    LigModule *module;
    LIG_TRY(build(file, options, &module));
    LigStatus status = find_weights(file, module, options->unbound);
    if (status == LIG_OK && tensors_of(file)) status = bind_params(file, module);
    if (status != LIG_OK) {
        lig_module_destroy(module);
        return status;
    }
    *out = module;
    return LIG_OK;
}
