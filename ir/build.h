// Building graphs in C: a cursor on a function, and one call per op that models use.
//
// A failure (a shape that does not fit, memory) sticks: later calls return NULL and do nothing, and
// lig_builder_status tells at the end. So building code reads like the model.
#ifndef LIG_IR_BUILD_H
#define LIG_IR_BUILD_H

#include "ir/graph.h"

typedef struct LigBuilder {
    LigModule *module;
    LigFunc *func;
    LigStatus status;
    LigStr scope; // prefix of the names of values, e.g. "0." for the first layer; empty for none
} LigBuilder;

LigBuilder lig_builder(LigModule *module, LigFunc *func);

// `name` is the result's name inside the builder's scope; "" = the next number. All return NULL after a
// failure, and fail (INVALID) when the name is taken. NULL operands stand for earlier failures.
// lig_build gives the first result; spec.name takes the scope, spec.names are taken as they are.
LigValue *lig_build(LigBuilder *b, LigOpSpec spec);
LigValue *lig_build_unary(LigBuilder *b, LigOpCode code, const char *name, LigValue *x);
LigValue *lig_build_binary(LigBuilder *b, LigOpCode code, const char *name, LigValue *x, LigValue *y);
LigValue *lig_build_cast(LigBuilder *b, const char *name, LigValue *x, LigDtype dtype);
LigValue *lig_build_linear(LigBuilder *b, const char *name, LigValue *x, LigValue *weight);
LigValue *lig_build_rms_norm(LigBuilder *b, const char *name, LigValue *x, LigValue *weight, double eps,
                             bool unit_offset);
LigValue *lig_build_reshape(LigBuilder *b, const char *name, LigValue *x, int rank, const LigDim *dims);
LigValue *lig_build_gather(LigBuilder *b, const char *name, LigValue *table, LigValue *ids);
LigValue *lig_build_rope(LigBuilder *b, const char *name, LigValue *x, LigValue *pos, LigValue *freq,
                         const char *pairs);
// data: elements of the type, row-major, copied.
LigValue *lig_build_constant(LigBuilder *b, const char *name, const LigType *type, const void *data,
                             size_t bytes);
LigStatus lig_builder_status(const LigBuilder *b);

#endif
