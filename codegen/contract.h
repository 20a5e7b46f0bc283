// What a contraction kernel consists of: linear ops that share x, and how their weights are read. Shared by the
// schedule (contract_schedule.c) and the emitter (emit_contract.c). Internal to codegen/.
#ifndef LIG_CODEGEN_CONTRACT_H
#define LIG_CODEGEN_CONTRACT_H

#include "codegen/classes.h"
#include "codegen/storage.h"

enum { LIG_CONTRACT_PANEL = 32, LIG_CONTRACT_MAX_ROWS = 8, LIG_CONTRACT_MAX_FACTORS = 4 };

// How products are formed, by the types of x and of the weight. One line here, a case in lig_contract_arithmetic,
// and a rule (codegen/arithmetic.h) make another one.
typedef enum LigArithmeticKind {
    LIG_ARITHMETIC_F32,  // f32 x: a fused multiply-add a product
    LIG_ARITHMETIC_INT8, // q8a x: exact integer products of a block, then scales
} LigArithmeticKind;

// One linear op of a kernel: y[m, n] = sum over k of x[m, k] * weight[n, k].
typedef struct LigFactor {
    const LigOp *linear;
    LigArithmeticKind arithmetic;
    LigType panel;          // the weight's type in panel layout (rows are brought into it in scratch)
    int64_t depth, outputs; // K, N
    bool from_rows;         // the weight is row-major
    bool widens;            // a panel is decoded into scratch before it is multiplied
    int64_t scratch;        // byte of its panel in scratch
} LigFactor;

// The linear ops of a kernel, in text order, at most LIG_CONTRACT_MAX_FACTORS (more are counted, not given).
size_t lig_contract_factors(const LigFunc *kernel, LigFactor out[LIG_CONTRACT_MAX_FACTORS]);
// Factors with one N share tiles and epilogue (gate and up); else each has tiles of its own, and no epilogue
// (q, k and v).
bool lig_contract_shares_columns(const LigFactor *factors, size_t count);
bool lig_contract_is_linear(const LigOp *op);
// False when there is none for these types.
bool lig_contract_arithmetic(const LigType *x, const LigType *weight, LigArithmeticKind *out);
// Panels of a factor's weight.
int64_t lig_contract_panels(const LigFactor *factor);
// Bytes of scratch a thread needs.
int64_t lig_contract_scratch(const LigFactor *factors, size_t count);

#endif
