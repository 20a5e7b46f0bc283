// A Hugging Face directory that a model is written as: config.json, the weights, and the tokenizer's files.
#ifndef LIG_FRONTEND_EXPORT_HF_H
#define LIG_FRONTEND_EXPORT_HF_H

#include "frontend/export.h"

// Writes the tensors of the plan as safetensors to `path`.
typedef LigStatus LigWriteWeights(void *user, const char *path);

// The directory appears under its name only when complete; it must not be there yet, or be empty. A model from a
// directory keeps its files, but for the weights (and the dtype that config.json tells); one from a GGUF gets a
// config.json of its spec, and a tokenizer.json of its metadata. Errors: INVALID (something is there), UNSUPPORTED (a
// rope, or a tokenizer, that can't be said there), those of `write`, IO, NO_MEMORY.
LigStatus lig_export_hf_folder(const LigExportPlan *plan, const char *path, LigWriteWeights *write,
                               void *user) LIG_MUST_CHECK;

#endif
