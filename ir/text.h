// Graphs as text: the printer and the parser, which round-trip (`lig_parse` of `lig_print` gives an equal
// module, and `lig_print` of `lig_parse` is the formatter). The grammar stands in ir/README.md.
#ifndef LIG_IR_TEXT_H
#define LIG_IR_TEXT_H

#include "ir/graph.h"

// Appends the module as text; `text->failed` tells if memory ran out.
void lig_print_module(LigText *text, const LigModule *module);
void lig_print_func(LigText *text, const LigModule *module, const LigFunc *func);
void lig_print_attr(LigText *text, const LigAttr *attr); // "key=value", a flag as "key"
void lig_print_op(LigText *text, const LigModule *module, const LigOp *op);

// Parses `source`; `path` is what messages name. Goes on after an error at the next line, so that up to 20 are
// reported. Errors: PARSE and those of the shape rules, as file:line:column.
LigStatus lig_parse_module(LigContext *ctx, const char *path, LigStr source, LigModule **out) LIG_MUST_CHECK;

// Whether `name` can name a dim: a word without another meaning where sizes, bindings and attributes stand.
bool lig_is_dim_name(LigStr name);

#endif
