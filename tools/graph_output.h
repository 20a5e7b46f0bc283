// A graph as the answer of a command: text, or binary where -o names a .ligb.
#ifndef LIG_TOOLS_GRAPH_OUTPUT_H
#define LIG_TOOLS_GRAPH_OUTPUT_H

#include "tools/model_open.h"

// Whether -o names a .ligb.
bool lig_graph_output_is_binary(const LigOptions *options);
// An error of usage where --embed is given, but text is to be written.
LigStatus lig_graph_output_check(LigOptions *options) LIG_MUST_CHECK;
// What the output calls the weights of a model or spec: by their name alone where they lie beside it, else by their
// whole path; a spec that was given none, and a graph, keep what they name. In the arena.
LigStatus lig_graph_output_weights(const LigOpenModel *model, LigArena *arena, LigStr *out) LIG_MUST_CHECK;
// The module to be written: params bound where --embed asks for their bytes. The caller owns it.
LigStatus lig_graph_output_build(LigOpenModel *model, LigModule **out) LIG_MUST_CHECK;
// Writes it as -o says. A .ligb holds the bytes of params with --embed, or where it was itself made of a .ligb
// that brought them.
LigStatus lig_graph_output_write(const LigOpenModel *model, LigModule *module) LIG_MUST_CHECK;

#endif
