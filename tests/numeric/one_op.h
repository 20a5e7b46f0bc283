// A module of one op, run by the interpreter on tensors of a test.
#ifndef LIG_TESTS_NUMERIC_ONE_OP_H
#define LIG_TESTS_NUMERIC_ONE_OP_H

#include "ir/base/alloc.h"
#include "ir/build.h"
#include "ir/eval.h"
#include "tests/numeric/case_log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ---- tensors ----

static inline LigTensor new_tensor(LigDtype dtype, int rank, const int64_t *dims, LigLayout layout)
{
    LigTensor t = {.shape = {.dtype = dtype, .rank = rank, .layout = layout}};
    size_t bytes = 0;
    for (int i = 0; i < rank; i++) t.shape.dims[i] = dims[i];
    if (lig_shape_bytes(&t.shape, &bytes)) t.data = calloc(1, bytes + 1);
    return t;
}

#define TENSOR(dtype, ...)                                                                                     \
    new_tensor(dtype, (int)(sizeof(int64_t[]){__VA_ARGS__} / sizeof(int64_t)), (int64_t[]){__VA_ARGS__},       \
               (LigLayout){0})

static inline int64_t tensor_count(const LigTensor *t)
{
    int64_t count = 1;
    for (int i = 0; i < t->shape.rank; i++) count *= t->shape.dims[i];
    return count;
}

static inline double tensor_at(const LigTensor *t, int64_t i) { return lig_shape_get(&t->shape, t->data, i); }

static inline uint32_t next_random(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*seed >> 32);
}

static inline double random_between(uint64_t *seed, double low, double high)
{
    return low + (high - low) * (next_random(seed) * 0x1p-32);
}

static inline void fill_random(LigTensor *t, uint64_t *seed, double low, double high)
{
    for (int64_t i = 0, n = tensor_count(t); i < n; i++)
        lig_shape_set(&t->shape, t->data, i, random_between(seed, low, high));
}

static inline LigTensor integers(const int32_t *values, int64_t count)
{
    LigTensor t = TENSOR(LIG_I32, count);
    memcpy(t.data, values, (size_t)count * sizeof *values);
    return t;
}
#define INTEGERS(...)                                                                                          \
    integers((int32_t[]){__VA_ARGS__}, (int64_t)(sizeof(int32_t[]){__VA_ARGS__} / sizeof(int32_t)))

// ---- running ----

typedef struct OneOp {
    LigOpCode code;
    LigAttrs attrs;
    const LigShape *stated; // NULL: inferred
    LigTensor operands[8];
    size_t count;
} OneOp;

static inline LigType type_of(LigModule *module, const LigShape *shape)
{
    LigType type = lig_type_const(module->dims, shape->dtype, shape->rank, shape->dims);
    type.layout = shape->layout;
    return type;
}

static inline LigStatus build_one_op(LigModule *module, const OneOp *one, LigFunc **func)
{
    LigValue *operands[8];
    LIG_TRY(lig_module_add_func(module, LIG_FUNC, LIG_STR("f"), func));
    for (size_t i = 0; i < one->count; i++) {
        char name[] = {'a', (char)('0' + i), 0};
        LIG_TRY(lig_func_add_input(module, *func, lig_str(name), type_of(module, &one->operands[i].shape),
                                   &operands[i]));
    }
    LigType stated;
    if (one->stated) stated = type_of(module, one->stated);
    LigOpSpec spec = {.code = one->code,
                      .name = LIG_STR("y"),
                      .operands = operands,
                      .operand_count = one->count,
                      .attrs = one->attrs,
                      .stated = one->stated ? &stated : NULL};
    LigOp *op;
    LIG_TRY(lig_op_create(module, *func, &spec, &op));
    for (size_t i = 0; i < op->result_count; i++) LIG_TRY(lig_func_add_output(module, *func, op->results[i]));
    lig_func_renumber(*func);
    return LIG_OK;
}

static inline LigStatus run_module_one(LigModule *module, const OneOp *one, LigTensor *out)
{
    LigFunc *func;
    LigInterpreter *interpreter;
    LIG_TRY(build_one_op(module, one, &func));
    LIG_TRY(lig_interpreter_create(module, &interpreter));
    LigStatus status = lig_interpreter_run(interpreter, func, one->operands, NULL, NULL, out);
    lig_interpreter_destroy(interpreter);
    for (size_t i = 0; status == LIG_OK && i < one->count; i++)
        case_log_tensor(one->code, i, &one->operands[i]);
    if (status == LIG_OK) case_log_tensor(one->code, CASE_RESULT, out);
    return status;
}

enum { MOST_RESULTS = 3 };

// Runs the op; `outs` takes MOST_RESULTS tensors, whose data is released by lig_free (NULL: the op has fewer).
// The operands stay the caller's. `message` (NULL: not asked for; else of 256 bytes) takes the first
// diagnostic.
static inline LigStatus run_op_of_results(const OneOp *one, LigTensor *outs, char *message)
{
    LigContext *ctx = lig_context_create();
    LigModule *module = NULL;
    for (int i = 0; i < MOST_RESULTS; i++) outs[i] = (LigTensor){0};
    if (!ctx) return LIG_ERR_NO_MEMORY;
    LigStatus status = lig_module_create(ctx, LIG_STR("m"), &module);
    if (status == LIG_OK) {
        status = run_module_one(module, one, outs);
        lig_module_destroy(module);
    }
    if (message && status != LIG_OK && lig_context_diagnostic_count(ctx))
        (void)snprintf(message, 256, "%s", lig_context_diagnostic(ctx, 0)->message);
    lig_context_destroy(ctx);
    return status;
}

// The same for the first result.
static inline LigStatus run_one_op(const OneOp *one, LigTensor *out, char *message)
{
    LigTensor outs[MOST_RESULTS];
    LigStatus status = run_op_of_results(one, outs, message);
    *out = outs[0];
    for (int i = 1; i < MOST_RESULTS; i++) lig_free(outs[i].data);
    return status;
}

static inline void free_operands(OneOp *one)
{
    for (size_t i = 0; i < one->count; i++) free(one->operands[i].data);
}

#endif
