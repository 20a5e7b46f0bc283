// A model on its way into another file: which tensors, under which names, rearranged how, in which dtype.
//
// Formats arrange some weights differently. GGUF's llama has the rows of queries and keys in adjacent pairs,
// Hugging Face in halves; GGUF's gemma has its norms' weights plus one; Hugging Face's gpt2 has matrices
// transposed. Between files of one format nothing is rearranged, and every tensor is kept.
//
// Ownership: a plan borrows the model file. Threading: lig_export_rows of one tensor may run on many threads.
#ifndef LIG_FRONTEND_EXPORT_H
#define LIG_FRONTEND_EXPORT_H

#include "frontend/model_file.h"

typedef enum LigExportFormat { LIG_EXPORT_GGUF, LIG_EXPORT_HF } LigExportFormat;

typedef enum LigRearrange {
    LIG_REARRANGE_NONE,
    LIG_REARRANGE_TO_PAIRS,  // rows of each head: i of half j becomes 2i + j
    LIG_REARRANGE_TO_HALVES, // the other way
    LIG_REARRANGE_TRANSPOSE,
    LIG_REARRANGE_CUT, // a part of a vector
} LigRearrange;

typedef struct LigExportTensor {
    LigFileTensor out;           // as it will be written; data NULL
    LigDtype dtype;              // of `out`
    const LigFileTensor *source; // NULL where `values` are the tensor
    const float *values;
    LigRearrange rearrange;
    int64_t first_row;     // of the source: where the tensor is a part of one
    int64_t rows, columns; // of `out`, as its rows are made: a vector is one row, or, rearranged, one column
    int64_t heads;         // of TO_PAIRS and TO_HALVES
    float add;             // to every number
    bool keeps_f32;        // small, and too sensitive to be narrowed: norms, biases, positions, token types
    bool is_head;          // makes the logits
    bool fell_back;        // not in the dtype wanted, whose block does not divide the width, but in the next
    LigDtype wanted;       // by lig_export_retype
} LigExportTensor;

typedef struct LigExportPlan {
    LigArena *arena;
    LigModelFile *file; // borrowed
    LigExportFormat format;
    LigExportTensor *tensors; // [count]
    size_t count, capacity;
    LigText left_out; // names of tensors that the target has no place for, with commas; for people
} LigExportPlan;

// The tensors of the model in `format`, in the dtypes that the model has; quantised ones as f32 where the format
// can't hold them, or where rearranging takes them apart. Release by lig_export_free, also after a failure.
// Errors: UNSUPPORTED (a model, or a knob, that the format has no form for; a graph), NOT_FOUND, NO_MEMORY.
LigStatus lig_export_plan(LigModelFile *file, LigExportFormat format, LigExportPlan *out) LIG_MUST_CHECK;
void lig_export_free(LigExportPlan *plan);

// Turns the plan's matrices to `dtype`. GGUF: vectors and what else is small stay f32, the head of a model in
// four bits is q6_k, and where a width is no multiple of the block the next type is taken: q4_k, then q5_0;
// q6_k, then q8_0; at last f16. Hugging Face: all floats become `dtype`, which is f32, f16 or bf16.
void lig_export_retype(LigExportPlan *plan, LigDtype dtype);

// ---- the numbers of one tensor, row by row ----

int64_t lig_export_row_count(const LigExportTensor *tensor);
size_t lig_export_row_bytes(const LigExportTensor *tensor);
// Bytes of `scratch` that the calls below need.
size_t lig_export_scratch_bytes(const LigExportTensor *tensor);
// The whole source as f32 where rows can't be made one by one (TRANSPOSE): released by lig_free; NULL with OK
// where they can.
LigStatus lig_export_whole(LigContext *ctx, const LigExportTensor *tensor, float **out) LIG_MUST_CHECK;
// Row `row` as it should be, in f32, before it is narrowed. `whole`: what lig_export_whole gave.
void lig_export_ideal_row(const LigExportTensor *tensor, const float *whole, int64_t row, void *scratch,
                          float *out);
// Rows first … first + count - 1 as they will be written. False when the dtype can't hold a number.
bool lig_export_rows(const LigExportTensor *tensor, const float *whole, int64_t first, int64_t count,
                     void *scratch, void *out) LIG_MUST_CHECK;
// What a reader makes of a row of `bytes` that lig_export_rows gave.
void lig_export_read_row(const LigExportTensor *tensor, const void *bytes, void *scratch, float *out);

#endif
