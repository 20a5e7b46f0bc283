// Canonical form of a kernel: its text with values renumbered, so that equal kernels have equal texts whatever
// the names.
#ifndef LIG_IR_CANONICAL_H
#define LIG_IR_CANONICAL_H

#include "ir/graph.h"

// Appends inputs' types, ops (mnemonic, operands by number, attributes, result types), outputs and the
// function's own attributes (the schedule). `text->failed` tells if memory ran out.
void lig_canonical_func(LigText *text, const LigModule *module, const LigFunc *func);

#endif
