#include "frontend/detect.h"

#include "frontend/json.h"
#include "ir/base/file.h"
#include "ir/lex.h"
#include "ir/near.h"

#include <string.h>

static const char *const kind_names[LIG_MODEL_KIND_COUNT] = {
    [LIG_MODEL_HF_DIRECTORY] = "Hugging Face directory",
    [LIG_MODEL_GGUF] = "GGUF",
    [LIG_MODEL_ONNX] = "ONNX",
    [LIG_MODEL_TEXT] = "text (.lig)",
    [LIG_MODEL_LIGB] = "binary graph (.ligb)",
    [LIG_MODEL_SAFETENSORS] = "safetensors",
    [LIG_MODEL_TOKENIZER_JSON] = "tokenizer.json",
    [LIG_MODEL_SENTENCE_PIECE] = "SentencePiece model",
};

const char *lig_model_kind_name(LigModelKind kind) { return kind_names[kind]; }

// Takes one varint off the front; false when it is cut or over 64 bits.
static bool take_varint(LigStr *bytes, uint64_t *out)
{
    *out = 0;
    for (unsigned shift = 0; shift < 64 && bytes->length > 0; shift += 7) {
        unsigned char byte = (unsigned char)bytes->data[0];
        *bytes = lig_str_skip(*bytes, 1);
        *out |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) return true;
    }
    return false;
}

// ModelProto: 1 ir_version and 5 model_version are varints; 2, 3, 4, 6 texts, 7 graph, 8 opset_import,
// 14 metadata_props, 20 training_info, 25 functions, 26 configuration are messages or texts.
static bool is_onnx_field(uint64_t key)
{
    uint64_t field = key >> 3, wire = key & 7;
    if (field == 1 || field == 5) return wire == 0;
    return wire == 2 &&
           ((field >= 2 && field <= 8) || field == 14 || field == 20 || field == 25 || field == 26);
}

// Walks the top fields, which costs a few steps: the big ones are skipped by their length.
static bool is_onnx(LigStr bytes)
{
    enum { KEY_GRAPH = 7 << 3 | 2 };
    bool has_graph = false;
    while (bytes.length > 0) {
        uint64_t key, value;
        if (!take_varint(&bytes, &key) || !is_onnx_field(key) || !take_varint(&bytes, &value)) return false;
        if ((key & 7) == 0) continue;
        if (value > bytes.length) return false;
        has_graph |= key == KEY_GRAPH;
        bytes = lig_str_skip(bytes, (size_t)value);
    }
    return has_graph;
}

// ModelProto: 1 pieces, 2 trainer_spec, 3 normalizer_spec, 4 self_test_data, 5 denormalizer_spec, all messages;
// what begins a piece is its text, field 1.
static bool is_sentence_piece(LigStr bytes)
{
    enum { KEY_PIECE = 1 << 3 | 2, KEY_TRAINER = 2 << 3 | 2, KEY_LAST = 5 << 3 | 2 };
    bool has_piece = false, has_trainer = false;
    while (bytes.length > 0) {
        uint64_t key, value;
        if (!take_varint(&bytes, &key) || (key & 7) != 2 || key < KEY_PIECE || key > KEY_LAST) return false;
        if (!take_varint(&bytes, &value) || value > bytes.length) return false;
        if (key == KEY_PIECE && (value == 0 || bytes.data[0] != KEY_PIECE)) return false;
        has_piece |= key == KEY_PIECE;
        has_trainer |= key == KEY_TRAINER;
        bytes = lig_str_skip(bytes, (size_t)value);
    }
    return has_piece && has_trainer;
}

static bool starts_with_any(LigStr text, LigStr characters)
{
    return text.length > 0 && memchr(characters.data, text.data[0], characters.length);
}

static LigStr skip_blank(LigStr text)
{
    while (starts_with_any(text, LIG_STR(" \t\r\n"))) text = lig_str_skip(text, 1);
    return text;
}

static LigStr skip_comments(LigStr text)
{
    text = skip_blank(text);
    while (text.length > 0 && text.data[0] == '#') {
        const char *end = memchr(text.data, '\n', text.length);
        text = skip_blank(lig_str_skip(text, end ? (size_t)(end - text.data) : text.length));
    }
    return text;
}

static bool starts_with_word(LigStr text, LigStr word)
{
    LigStr rest = lig_str_skip(text, word.length);
    return lig_str_starts_with(text, word) && starts_with_any(rest, LIG_STR(" \t\r\n{\"#"));
}

static bool is_text(LigStr bytes)
{
    LigStr text = skip_comments(bytes);
    return starts_with_word(text, LIG_STR("module")) || starts_with_word(text, LIG_STR("model"));
}

static bool is_safetensors(LigStr bytes)
{
    uint64_t length;
    if (bytes.length <= sizeof length) return false;
    memcpy(&length, bytes.data, sizeof length);
    return length >= 2 && length <= bytes.length - sizeof length && bytes.data[sizeof length] == '{';
}

// What people give by mistake, by its first bytes.
static const char *looks_like(LigStr bytes)
{
    static const struct {
        const char *start, *meaning;
    } known[] = {
        {"PK\x03\x04", "a zip archive, perhaps a PyTorch checkpoint: convert it to safetensors"},
        {"\x80\x02", "a pickle, perhaps a PyTorch checkpoint: convert it to safetensors"},
        {"\x89HDF", "HDF5, perhaps a Keras checkpoint: convert it to safetensors"},
        {"version https://git-lfs", "a Git LFS pointer: fetch the file itself with git lfs pull"},
        {"<", "a web page, perhaps of a failed download: fetch the file again"},
        {"\x1f\x8b", "gzip: unpack it"},
        {"ggjt", "a file older than GGUF: convert the model again"},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (lig_str_starts_with(bytes, lig_str(known[i].start))) return known[i].meaning;
    }
    return NULL;
}

// The word that texts begin with which is nearest to this one; empty when none is near.
static LigStr near_first_word(LigStr word)
{
    LigNear near = lig_near(word);
    lig_near_offer(&near, LIG_STR("module"));
    lig_near_offer(&near, LIG_STR("model"));
    return near.best;
}

// Whether someone meant to write a graph or spec: `token` is its first.
static bool is_meant_as_text(const char *path, LigToken token)
{
    if (lig_str_ends_with(lig_str(path), LIG_STR(".lig"))) return token.kind != LIG_TOKEN_INVALID;
    return token.kind == LIG_TOKEN_NAME && near_first_word(token.text).length > 0;
}

static LigStatus fail_text(LigContext *ctx, LigToken token)
{
    enum { MOST = 64 };
    if (token.kind == LIG_TOKEN_END)
        return lig_fail(ctx, LIG_ERR_PARSE, token.loc,
                        "expected `module` (a graph) or `model` (a spec), but the text ends here");
    LigStr near = near_first_word(token.text);
    if (near.length > 0) {
        return lig_fail(ctx, LIG_ERR_PARSE, token.loc, "unknown first word `%.*s`: did you mean `%.*s`?",
                        LIG_STR_ARG(token.text), LIG_STR_ARG(near));
    }
    return lig_fail(ctx, LIG_ERR_PARSE, token.loc,
                    "expected `module` (a graph) or `model` (a spec), but found `%.*s`",
                    (int)(token.text.length < MOST ? token.text.length : MOST), token.text.data);
}

static LigStatus fail_unknown(LigContext *ctx, const char *path, LigStr bytes)
{
    enum { SHOWN = 8 };
    char shown[SHOWN * 3 + 1] = "none: the file is empty";
    const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < SHOWN && i < bytes.length; i++) {
        unsigned char byte = (unsigned char)bytes.data[i];
        const char hex[4] = {digits[byte >> 4], digits[byte & 15], ' ', '\0'};
        memcpy(shown + 3 * i, hex, sizeof hex);
    }
    if (bytes.length > 0) shown[(bytes.length < SHOWN ? bytes.length : SHOWN) * 3 - 1] = '\0';
    const char *meaning = looks_like(bytes);
    return lig_fail(
        ctx, LIG_ERR_INVALID, LIG_FILE_LOC(path),
        "is no model; first bytes: %s%s%s%s; expected a Hugging Face directory, GGUF, ONNX, .lig text, "
        ".ligb, safetensors, tokenizer.json or a SentencePiece model",
        shown, meaning ? " (" : "", meaning ? meaning : "", meaning ? ")" : "");
}

static LigStatus detect_object(LigContext *ctx, const char *path, LigStr bytes, json_t *root)
{
    bool has_model = json_is_object(json_object_get(root, "model"));
    if (has_model && (json_object_get(root, "added_tokens") || json_object_get(root, "pre_tokenizer")))
        return LIG_OK;
    if (json_object_get(root, "model_type") || json_object_get(root, "architectures")) {
        return lig_fail(ctx, LIG_ERR_INVALID, LIG_FILE_LOC(path),
                        "is the configuration of a model: give the directory that holds it");
    }
    if (json_object_get(root, "weight_map")) {
        return lig_fail(ctx, LIG_ERR_INVALID, LIG_FILE_LOC(path),
                        "is the index of shards: give the directory that holds it");
    }
    return fail_unknown(ctx, path, bytes);
}

static LigStatus detect_json(LigContext *ctx, const char *path, LigStr bytes, LigModelKind *out)
{
    json_t *root;
    LIG_TRY(lig_json_parse(ctx, path, bytes, &root));
    LigStatus status = detect_object(ctx, path, bytes, root);
    json_decref(root);
    *out = LIG_MODEL_TOKENIZER_JSON;
    return status;
}

static LigStatus detect_bytes(LigContext *ctx, const char *path, LigStr bytes, LigModelKind *out)
{
    *out = LIG_MODEL_KIND_COUNT;
    if (lig_str_starts_with(bytes, LIG_STR("GGUF")))
        *out = LIG_MODEL_GGUF;
    else if (lig_str_starts_with(bytes, LIG_STR("LIGB")))
        *out = LIG_MODEL_LIGB;
    else if (is_safetensors(bytes))
        *out = LIG_MODEL_SAFETENSORS;
    else if (is_text(bytes))
        *out = LIG_MODEL_TEXT;
    else if (is_onnx(bytes))
        *out = LIG_MODEL_ONNX;
    else if (is_sentence_piece(bytes))
        *out = LIG_MODEL_SENTENCE_PIECE;
    if (*out != LIG_MODEL_KIND_COUNT) return LIG_OK;
    LigStr text = skip_blank(bytes);
    if (text.length > 0 && text.data[0] == '{') return detect_json(ctx, path, bytes, out);
    if (bytes.length == 0) return fail_unknown(ctx, path, bytes);
    LigLexer lexer = lig_lexer(path, bytes);
    LigToken first = lig_lexer_next(&lexer);
    return is_meant_as_text(path, first) ? fail_text(ctx, first) : fail_unknown(ctx, path, bytes);
}

static bool has_file(LigContext *ctx, const char *directory, const char *name, LigStatus *status)
{
    LigText path = {0};
    lig_text_printf(&path, "%s/%s", directory, name);
    if (path.failed && *status == LIG_OK) *status = lig_no_memory(ctx);
    bool found = !path.failed && lig_path_exists(path.data);
    lig_text_free(&path);
    return found;
}

static LigStatus detect_directory(LigContext *ctx, const char *path)
{
    LigStatus status = LIG_OK;
    bool has_config = has_file(ctx, path, "config.json", &status);
    bool has_weights = has_file(ctx, path, "model.safetensors", &status) ||
                       has_file(ctx, path, "model.safetensors.index.json", &status);
    bool has_pickle = has_file(ctx, path, "pytorch_model.bin", &status) ||
                      has_file(ctx, path, "pytorch_model.bin.index.json", &status);
    if (status != LIG_OK) return status;
    if (!has_config) {
        return lig_fail(
            ctx, LIG_ERR_NOT_FOUND, LIG_FILE_LOC(path),
            "has no config.json%s: expected a Hugging Face directory (config.json, safetensors), or give "
            "a model file",
            has_weights ? ", though it has weights" : "");
    }
    if (has_weights) return LIG_OK;
    return lig_fail(
        ctx, LIG_ERR_NOT_FOUND, LIG_FILE_LOC(path),
        "has no weights: expected model.safetensors or model.safetensors.index.json beside config.json%s",
        has_pickle ? "; pytorch_model.bin is not read, convert it to safetensors" : "");
}

LigStatus lig_model_detect(LigContext *ctx, const char *path, LigModelKind *out)
{
    if (lig_path_is_directory(path)) {
        *out = LIG_MODEL_HF_DIRECTORY;
        return detect_directory(ctx, path);
    }
    LigMappedFile *file;
    LIG_TRY(lig_file_map(ctx, path, &file));
    LigStatus status = detect_bytes(ctx, path, (LigStr){(const char *)file->data, file->size}, out);
    lig_file_unmap(file);
    return status;
}
