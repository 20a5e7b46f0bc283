// Inside of writing a Hugging Face directory: export_hf.c (the folder), export_hf_config.c and
// export_hf_tokenizer.c.
#ifndef LIG_FRONTEND_EXPORT_PARTS_H
#define LIG_FRONTEND_EXPORT_PARTS_H

#include "frontend/export.h"

#include <jansson.h>

// Writes a value as a file of JSON; releases it. NULL is out of memory.
LigStatus lig_export__json(LigContext *ctx, const char *path, json_t *value) LIG_MUST_CHECK;
// "FOLDER/NAME" in the plan's arena; NULL when memory is out.
const char *lig_export__path(const LigExportPlan *plan, const char *folder, const char *name);

// The config.json of a model from a GGUF; it is read back, and must give the same spec. Errors: UNSUPPORTED (a knob
// that it can't tell).
LigStatus lig_export__hf_config(const LigExportPlan *plan, const char *folder) LIG_MUST_CHECK;
// tokenizer.json, tokenizer_config.json and generation_config.json of a GGUF; nothing when it has no tokenizer.
LigStatus lig_export__hf_tokenizer(const LigExportPlan *plan, const char *folder) LIG_MUST_CHECK;

#endif
