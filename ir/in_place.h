// Which results of a kernel may be computed over the bytes of an operand.
//
// It is allowed where every tile reads an element of the operand before it writes the element of the result at
// the same place, and no tile reads it after that. Kernels keep to it: they load all that a vector needs, compute,
// and store the vector once (codegen/body.h); norms and softmax read their row before they store any of it.
// So a formal qualifies when
//   - the kernel is of class elementwise, row or contract, and holds no other ops than elementwise ones, reshapes,
//     norms, softmax and linear: rope reads across a row, and other classes read anywhere;
//   - it is no operand of a linear, which reads whole rows of it for each column;
//   - it has as many elements as the result, of the same size, both in rows: one element, one place.
#ifndef LIG_IR_IN_PLACE_H
#define LIG_IR_IN_PLACE_H

#include "ir/graph.h"

// Whether result `result` of the kernel may lie over its formal `formal`. Every formal that is passed the same
// bytes must qualify.
bool lig_may_overwrite(const LigModule *module, const LigFunc *kernel, size_t formal, size_t result);

#endif
