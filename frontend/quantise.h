// Rows of f32 into a narrower dtype: f16, bf16, and GGUF's block-quantised types.
//
// q8_0, q5_0, q4_0 and q4_1 round as the format's reference does, to the bit. q4_k and q6_k search for the scales (and
// minima) that make the weighted squared error least, where big weights count more; any choice is a valid file.
//
// Source: the block formats of the ggml project (docs and Python package gguf).
#ifndef LIG_FRONTEND_QUANTISE_H
#define LIG_FRONTEND_QUANTISE_H

#include "ir/dtype.h"

// Whether rows can be written in this dtype: f32, f16, bf16, q8_0, q5_0, q4_0, q4_1, q4_k, q6_k.
bool lig_quantise_supports(LigDtype dtype);
// `count` elements, a multiple of the dtype's block, into count / block blocks at `out`. False when the dtype
// can't hold them: a block-quantised one no infinity or NaN, f16 (also as a scale) nothing beyond 65504.
bool lig_quantise_row(LigDtype dtype, const float *x, size_t count, void *out) LIG_MUST_CHECK;

// ---- the K types, of quantise_k.c ----

enum { LIG_K_BLOCK = 256 };
// One block of 256 finite numbers; false when a scale is beyond f16.
bool lig_quantise_q4_k(const float *x, unsigned char *out);
bool lig_quantise_q6_k(const float *x, unsigned char *out);

#endif
