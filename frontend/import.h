// Importers: what a source format says about a model, as a spec. One file a format.
#ifndef LIG_FRONTEND_IMPORT_H
#define LIG_FRONTEND_IMPORT_H

#include "frontend/file_tensor.h"
#include "frontend/gguf.h"
#include "models/names.h"
#include "models/spec.h"
#include "runtime/text/image.h"

// A GGUF's metadata as a spec. Text in the spec is borrowed from the file. Errors: UNSUPPORTED (an
// architecture, or a key of the architecture that is not known: named), NOT_FOUND (a key that must be there),
// INVALID.
LigStatus lig_import_gguf_spec(LigContext *ctx, const LigGguf *gguf, LigSpec *out) LIG_MUST_CHECK;
// A GGUF's tokenizer as an image; size 0 when it has none.
LigStatus lig_import_gguf_tokenizer(LigContext *ctx, const LigGguf *gguf, LigImageBytes *out) LIG_MUST_CHECK;

// A Hugging Face directory's config.json as a spec, in its old and new forms. Text in the spec is copied into
// the arena. Errors: UNSUPPORTED (a model type, a knob, or a value of one that is not known: named), NOT_FOUND,
// PARSE, INVALID.
LigStatus lig_import_hf_spec(LigContext *ctx, const char *directory, LigArena *arena,
                             LigSpec *out) LIG_MUST_CHECK;
// Its tokenizer.json, or SentencePiece's tokenizer.model or spiece.model where it has only that, with what tokenizer_config.json and generation_config.json add; size 0 when it has none.
LigStatus lig_import_hf_tokenizer(LigContext *ctx, const char *directory, LigImageBytes *out) LIG_MUST_CHECK;

#endif
