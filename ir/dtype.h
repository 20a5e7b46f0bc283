// Element types: names, sizes, and conversions of single numbers.
#ifndef LIG_IR_DTYPE_H
#define LIG_IR_DTYPE_H

#include "ir/base/str.h"

typedef enum LigDtype {
#define LIG_DTYPE(ID, name, class, block, bytes) LIG_##ID,
#include "ir/dtype.def"
#undef LIG_DTYPE
    LIG_DTYPE_COUNT
} LigDtype;

typedef enum LigDtypeClass {
    LIG_CLASS_FLOAT,
    LIG_CLASS_INTEGER,
    LIG_CLASS_BOOLEAN,
    LIG_CLASS_QUANTISED
} LigDtypeClass;

const char *lig_dtype_name(LigDtype dtype);
LigDtypeClass lig_dtype_class(LigDtype dtype);
// Elements per block (1 unless quantised) and bytes per block.
int64_t lig_dtype_block(LigDtype dtype);
int64_t lig_dtype_block_bytes(LigDtype dtype);
// false when no dtype has this name.
bool lig_dtype_find(LigStr name, LigDtype *out);
static inline bool lig_dtype_is_float(LigDtype d) { return lig_dtype_class(d) == LIG_CLASS_FLOAT; }
static inline bool lig_dtype_is_integer(LigDtype d) { return lig_dtype_class(d) == LIG_CLASS_INTEGER; }
static inline bool lig_dtype_is_quantised(LigDtype d) { return lig_dtype_class(d) == LIG_CLASS_QUANTISED; }

// Whether values can lie in panels (ir/type.h), the form that generated code multiplies with; q8a, of
// activations, lies in rows only.
bool lig_dtype_has_panel(LigDtype dtype);
// Whether a linear of q8a with weights of this dtype is exact integer products of the columns that share scales.
static inline bool lig_dtype_has_integer_dot(LigDtype d)
{
    return lig_dtype_is_quantised(d) && lig_dtype_has_panel(d);
}

// IEEE 754 binary16 and bfloat16, from double by one rounding to nearest even (NaN stays NaN, overflow is inf).
double lig_f16_to_f64(uint16_t bits);
uint16_t lig_f64_to_f16(double value);
double lig_bf16_to_f64(uint16_t bits);
uint16_t lig_f64_to_bf16(double value);

#endif
