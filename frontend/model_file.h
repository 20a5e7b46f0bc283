// A model as a person brings it: a GGUF file, a Hugging Face directory, or a graph (text or .ligb) or spec with the
// weights it names.
//
// Opening maps the files and reads what describes them; tensors stay where they are mapped. The file must
// outlive every module built from it, since params point into the mapping.
#ifndef LIG_FRONTEND_MODEL_FILE_H
#define LIG_FRONTEND_MODEL_FILE_H

#include "frontend/detect.h"
#include "frontend/file_tensor.h"
#include "frontend/gguf.h"
#include "ir/graph.h"
#include "models/spec.h"

typedef struct LigModelFile LigModelFile;

// `weights`: for a graph or spec, the file or directory with its tensors; NULL = the one it names. Those of a spec
// bring the tokenizer along.
// Errors: NOT_FOUND, IO, INVALID, UNSUPPORTED (an architecture or knob that is not known), each naming the file
// and what to do.
LigStatus lig_model_file_open(LigContext *ctx, const char *path, const char *weights,
                              LigModelFile **out) LIG_MUST_CHECK;
void lig_model_file_close(LigModelFile *file);

LigModelKind lig_model_file_kind(const LigModelFile *file);
// "GGUF", "Hugging Face directory", …: lig_model_kind_name, or "spec (.lig)".
const char *lig_model_file_kind_name(const LigModelFile *file);
// The spec; NULL for a graph.
const LigSpec *lig_model_file_spec(const LigModelFile *file);
const char *lig_model_file_path(const LigModelFile *file);
LigContext *lig_model_file_context(const LigModelFile *file);
// The GGUF; NULL for other models.
const LigGguf *lig_model_file_gguf(const LigModelFile *file);
size_t lig_model_file_tensor_count(const LigModelFile *file);
const LigFileTensor *lig_model_file_tensor(const LigModelFile *file, size_t index);
// NULL when absent.
const LigFileTensor *lig_model_file_find_tensor(const LigModelFile *file, LigStr name);
// The tokenizer image (runtime/text/image.h); empty when the model brings none.
LigStr lig_model_file_tokenizer(const LigModelFile *file);

// What a person may choose about the graph.
typedef struct LigGraphOptions {
    LigDtype kv;  // of the cache: LIG_F32 or LIG_BF16
    bool unbound; // params may lack bytes: weights that were not given are not looked for
} LigGraphOptions;

// The module at stage model (or, for a graph, at the graph's own stage), params bound. A spec without weights has
// f32 params, under the usual names of its scheme.
LigStatus lig_model_file_build(LigModelFile *file, const LigGraphOptions *options,
                               LigModule **out) LIG_MUST_CHECK;

#endif
