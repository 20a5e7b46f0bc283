// The op table as a document: what ir/OPS.md holds.
#ifndef LIG_IR_OP_LIST_H
#define LIG_IR_OP_LIST_H

#include "ir/op.h"

// Appends the page; `text->failed` tells if memory ran out.
void lig_op_list_print(LigText *text);

#endif
