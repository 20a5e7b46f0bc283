// How the two forms of an architecture differ: GGUF's, and Hugging Face's.
#ifndef LIG_FRONTEND_EXPORT_FORMS_H
#define LIG_FRONTEND_EXPORT_FORMS_H

#include "frontend/export.h"
#include "frontend/gguf_architectures.h"

typedef struct LigExportForms {
    const LigGgufArchitecture *gguf;
    const LigNames *from, *to;
    bool pairs;       // GGUF: rows of queries and keys lie in adjacent pairs
    bool transposed;  // Hugging Face: matrices of blocks are [in,out]
    bool unit_offset; // Hugging Face: weights of norms are minus one
} LigExportForms;

// Errors: UNSUPPORTED, naming the knob that no architecture of the other format has.
LigStatus lig_export_forms(const LigModelFile *file, LigExportFormat format,
                           LigExportForms *out) LIG_MUST_CHECK;
// The GGUF architecture of a model from either format. Errors: the same.
LigStatus lig_export_architecture(const LigModelFile *file, const LigGgufArchitecture **out) LIG_MUST_CHECK;

#endif
