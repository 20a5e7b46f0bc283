// Shape rules: what types an op gives for the operands it has. One rule per name in the `infer` column of
// ir/ops.def.
#ifndef LIG_IR_INFER_H
#define LIG_IR_INFER_H

#include "ir/graph.h"

// What a rule sees and fills. `stated` holds the result types as written (NULL: none were); a rule that takes
// its type from the text checks it, others compute `result`, and lig_op_infer compares it with what was stated.
typedef struct LigInfer {
    LigModule *module;
    const LigOp *op;
    const LigType *stated;
    LigType *result;  // one per result
    const char *rule; // what messages start with, e.g. "V03: "; NULL for nothing
} LigInfer;

typedef LigStatus LigInferRule(LigInfer *infer);

// One declaration a distinct rule; ir/op.c places them by the table.
LigInferRule lig_infer_same, lig_infer_same_float, lig_infer_cast, lig_infer_reduce, lig_infer_norm,
    lig_infer_linear, lig_infer_attention, lig_infer_reshape, lig_infer_transpose, lig_infer_slice,
    lig_infer_broadcast, lig_infer_gather, lig_infer_concat, lig_infer_iota, lig_infer_stated, lig_infer_rope,
    lig_infer_pack, lig_infer_append, lig_infer_call, lig_infer_is_nan, lig_infer_compare, lig_infer_logic,
    lig_infer_select, lig_infer_reduce_bool, lig_infer_arg, lig_infer_cumsum, lig_infer_top_k,
    lig_infer_same_row, lig_infer_row_grad, lig_infer_norm_grad, lig_infer_dot, lig_infer_conv1d,
    lig_infer_sdpa, lig_infer_sdpa_grad, lig_infer_grouped_linear, lig_infer_gather_nd, lig_infer_scatter,
    lig_infer_pad, lig_infer_embedding, lig_infer_pool, lig_infer_quantize, lig_infer_relative_bias,
    lig_infer_alibi, lig_infer_random, lig_infer_dropout, lig_infer_assign, lig_infer_adamw,
    lig_infer_clip_norm, lig_infer_cross_entropy, lig_infer_linear_cross_entropy, lig_infer_cross_entropy_grad,
    lig_infer_linear_cross_entropy_grad, lig_infer_attention_grad;

// Checks operand count and attributes of `op` against the table, then runs its rule. Used on construction and
// by the verifier.
LigStatus lig_op_infer(LigInfer *infer) LIG_MUST_CHECK;

// Records "NAME: message" at the op's place.
LigStatus lig_infer_fail(const LigInfer *infer, LigStatus status, const char *format, ...) LIG_PRINTF(3, 4);

#endif
