// Writing a model into another file: tensors are made piece by piece on all threads, with progress.
#ifndef LIG_TOOLS_MODEL_WRITE_H
#define LIG_TOOLS_MODEL_WRITE_H

#include "frontend/export.h"
#include "tools/options.h"

// What kind of file a path asks for.
typedef enum LigWriteKind { LIG_WRITE_GGUF, LIG_WRITE_SAFETENSORS, LIG_WRITE_HF, LIG_WRITE_KINDS } LigWriteKind;

// By the ending: .gguf ("-" too), .safetensors, or none (a folder). False for any other.
bool lig_write_kind_of(const char *path, LigWriteKind *out);
LigExportFormat lig_write_format(LigWriteKind kind);

// How far the numbers of a tensor are from what they should be.
typedef struct LigTensorError {
    double squares; // sum of squared differences
    double numbers; // sum of squared numbers
    int64_t count;
} LigTensorError;

typedef struct LigModelWrite {
    LigExportPlan *plan;
    LigWriteKind kind;
    const char *path;
    LigTensorError *errors; // [plan->count], or NULL: not wanted
} LigModelWrite;

// The output is whole or absent, also after an interrupt. Errors: INVALID (a number that a dtype can't hold, naming
// the tensor; a folder that is there already), those of the exporters, IO, NO_MEMORY.
LigStatus lig_model_write(LigOptions *options, const LigModelWrite *write) LIG_MUST_CHECK;

#endif
