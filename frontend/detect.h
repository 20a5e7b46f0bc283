// What kind of model a path holds, told from its content, never from its name alone.
#ifndef LIG_FRONTEND_DETECT_H
#define LIG_FRONTEND_DETECT_H

#include "ir/base/status.h"

typedef enum LigModelKind {
    LIG_MODEL_HF_DIRECTORY,   // a directory with config.json and safetensors
    LIG_MODEL_GGUF,           // starts with "GGUF"
    LIG_MODEL_ONNX,           // a protobuf message whose top fields are those of ModelProto, with a graph
    LIG_MODEL_TEXT,           // `module` or `model` is the first word after comments
    LIG_MODEL_LIGB,           // starts with "LIGB"
    LIG_MODEL_SAFETENSORS,    // a header length that fits, then '{': tensors without a configuration
    LIG_MODEL_TOKENIZER_JSON, // a JSON object with a "model" and an "added_tokens" or "pre_tokenizer"
    LIG_MODEL_SENTENCE_PIECE, // a protobuf message whose top fields are those of SentencePiece's ModelProto
    LIG_MODEL_KIND_COUNT
} LigModelKind;

// "GGUF", "Hugging Face directory", …; static storage.
const char *lig_model_kind_name(LigModelKind kind);

// Only the kind is settled: the reader of that kind may still refuse the content.
// Errors: NOT_FOUND (no such path; a directory without config.json or weights, naming what was expected), IO,
// INVALID (none of the kinds: names the first bytes, what they look like, and the kinds), PARSE (a text that begins
// with neither word), NO_MEMORY.
LigStatus lig_model_detect(LigContext *ctx, const char *path, LigModelKind *out) LIG_MUST_CHECK;

#endif
