// The folder: made under another name beside its own, and renamed when all is in it.
#include "frontend/export_hf.h"

#include "frontend/export_parts.h"
#include "frontend/json.h"
#include "ir/base/alloc.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// What a directory may hold beside the weights. Source: what Transformers, tokenizers and Sentence Transformers save.
static const char *const kept_files[] = {
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "tokenizer.model",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "vocab.txt",
    "merges.txt",
    "spiece.model",
    "sentencepiece.bpe.model",
    "chat_template.jinja",
    "modules.json",
    "1_Pooling/config.json",
    "sentence_bert_config.json",
    "config_sentence_transformers.json",
};
enum { KEPT_FILES = sizeof kept_files / sizeof *kept_files };

static LigStatus fail_errno(LigContext *ctx, const char *path)
{
    return lig_fail(ctx, LIG_ERR_IO, LIG_FILE_LOC(path), "can't be written: %s", strerror(errno));
}

const char *lig_export__path(const LigExportPlan *plan, const char *folder, const char *name)
{
    return lig_str_format(plan->arena, "%s/%s", folder, name).data;
}

static LigStatus write_bytes(LigContext *ctx, const char *path, const void *data, size_t bytes)
{
    LigOutput *output;
    LIG_TRY(lig_output_open(ctx, path, &output));
    lig_output_write(output, data, bytes);
    return lig_output_close(ctx, output);
}

LigStatus lig_export__json(LigContext *ctx, const char *path, json_t *value)
{
    const size_t flags = JSON_INDENT(2);
    size_t bytes = value ? json_dumpb(value, NULL, 0, flags) : 0;
    char *text = bytes ? lig_alloc(bytes + 1) : NULL;
    LigStatus status = LIG_OK;
    if (text && json_dumpb(value, text, bytes, flags) == bytes) {
        text[bytes] = '\n';
        status = write_bytes(ctx, path, text, bytes + 1);
    } else {
        status = lig_no_memory(ctx);
    }
    lig_free(text);
    json_decref(value);
    return status;
}

// ---- from a directory ----

// The dtype that most numbers are in, by the name that config.json has for it.
static const char *dtype_name(const LigExportPlan *plan)
{
    int64_t numbers[LIG_DTYPE_COUNT + 1] = {0};
    for (size_t i = 0; i < plan->count; i++)
        numbers[plan->tensors[i].dtype] += plan->tensors[i].rows * plan->tensors[i].columns;
    if (numbers[LIG_BF16] > numbers[LIG_F32] && numbers[LIG_BF16] > numbers[LIG_F16]) return "bfloat16";
    return numbers[LIG_F16] > numbers[LIG_F32] ? "float16" : "float32";
}

static LigStatus set_dtype(const LigExportPlan *plan, const char *folder)
{
    LigContext *ctx = lig_model_file_context(plan->file);
    const char *path = lig_export__path(plan, folder, "config.json");
    json_t *config;
    if (!path) return lig_no_memory(ctx);
    LIG_TRY(lig_json_read_file(ctx, path, &config));
    const char *key = json_object_get(config, "torch_dtype") ? "torch_dtype" : "dtype";
    json_object_set_new(config, key, json_string(dtype_name(plan)));
    return lig_export__json(ctx, path, config);
}

static LigStatus copy_file(const LigExportPlan *plan, const char *folder, const char *name)
{
    LigContext *ctx = lig_model_file_context(plan->file);
    const char *from = lig_export__path(plan, lig_model_file_path(plan->file), name);
    const char *to = lig_export__path(plan, folder, name);
    LigMappedFile *file;
    if (!from || !to) return lig_no_memory(ctx);
    if (!lig_path_exists(from)) return LIG_OK;
    const char *slash = strchr(name, '/');
    if (slash) {
        LigStr below = lig_str_format(plan->arena, "%s/%.*s", folder, (int)(slash - name), name);
        if (!below.data) return lig_no_memory(ctx);
        if (mkdir(below.data, 0777) != 0 && errno != EEXIST) return fail_errno(ctx, below.data);
    }
    LIG_TRY(lig_file_map(ctx, from, &file));
    LigStatus status = write_bytes(ctx, to, file->data, file->size);
    lig_file_unmap(file);
    return status;
}

static LigStatus write_files(const LigExportPlan *plan, const char *folder)
{
    if (lig_model_file_gguf(plan->file)) {
        LIG_TRY(lig_export__hf_config(plan, folder));
        LIG_TRY(lig_export__hf_tokenizer(plan, folder));
        return set_dtype(plan, folder);
    }
    for (size_t i = 0; i < KEPT_FILES; i++) LIG_TRY(copy_file(plan, folder, kept_files[i]));
    return set_dtype(plan, folder);
}

// ---- the folder ----

// Nothing there, or a folder with nothing in it.
static bool is_free(const char *path)
{
    if (!lig_path_exists(path)) return true;
    DIR *folder = opendir(path);
    if (!folder) return false;
    size_t entries = 0;
    while (readdir(folder)) entries++;
    closedir(folder);
    return entries <= 2; // itself and its parent
}

static void remove_files(const char *folder)
{
    DIR *entries = opendir(folder);
    const struct dirent *entry;
    char path[4096];
    while (entries && (entry = readdir(entries))) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        int length = snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (length > 0 && (size_t)length < sizeof path) unlink(path);
    }
    if (entries) closedir(entries);
    rmdir(folder);
}

// Our own temporary folder, which has files and at most the one folder inside.
static void remove_folder(const LigExportPlan *plan, const char *folder)
{
    const char *below = lig_export__path(plan, folder, "1_Pooling");
    if (below) remove_files(below);
    remove_files(folder);
}

// "DIR/.NAME.XXXXXX" beside the destination, so that the rename stays on one file system.
static LigStatus make_temporary(const LigExportPlan *plan, const char *path, char **out)
{
    LigContext *ctx = lig_model_file_context(plan->file);
    LigStr full = lig_str(path);
    while (full.length > 1 && full.data[full.length - 1] == '/') full.length--;
    size_t name = full.length;
    while (name > 0 && full.data[name - 1] != '/') name--;
    LigStr made = lig_str_format(plan->arena, "%.*s.%.*s.XXXXXX", (int)name, full.data,
                                 (int)(full.length - name), full.data + name);
    *out = made.data ? lig_arena_copy(plan->arena, made.data, made.length + 1) : NULL;
    if (!*out) return lig_no_memory(ctx);
    if (!mkdtemp(*out)) return fail_errno(ctx, path);
    return chmod(*out, 0755) == 0 ? LIG_OK : fail_errno(ctx, path);
}

LigStatus lig_export_hf_folder(const LigExportPlan *plan, const char *path, LigWriteWeights *write, void *user)
{
    LigContext *ctx = lig_model_file_context(plan->file);
    char *temporary;
    if (!is_free(path)) {
        return lig_fail(ctx, LIG_ERR_INVALID, LIG_FILE_LOC(path),
                        "is there already: give a folder that is empty or not there yet");
    }
    LIG_TRY(make_temporary(plan, path, &temporary));
    LigStatus status = write_files(plan, temporary);
    const char *weights = lig_export__path(plan, temporary, "model.safetensors");
    if (status == LIG_OK) status = weights ? write(user, weights) : lig_no_memory(ctx);
    if (status == LIG_OK && rename(temporary, path) != 0) status = fail_errno(ctx, path);
    if (status != LIG_OK) remove_folder(plan, temporary);
    return status;
}
