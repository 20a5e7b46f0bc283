// The metadata of a GGUF that a model is written as.
#ifndef LIG_FRONTEND_EXPORT_GGUF_H
#define LIG_FRONTEND_EXPORT_GGUF_H

#include "frontend/export.h"
#include "frontend/gguf_write.h"

// A model from a GGUF keeps its metadata, but for what says how tensors are stored. That of a Hugging Face
// directory is written from its spec, its tokenizer's files, and 1_Pooling/config.json where there is one.
// `*alignment` is that of tensors. Release by lig_gguf_metadata_free, also after a failure. Errors: UNSUPPORTED (a
// knob, or a part of the tokenizer, that GGUF has no form for: named), those of the tokenizer's files, NO_MEMORY.
LigStatus lig_export_gguf_metadata(const LigExportPlan *plan, LigGgufMetadata *out,
                                   size_t *alignment) LIG_MUST_CHECK;

#endif
