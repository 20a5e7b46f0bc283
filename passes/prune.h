// Removing what nothing uses, for passes that leave some behind.
#ifndef LIG_PASSES_PRUNE_H
#define LIG_PASSES_PRUNE_H

#include "passes/pass.h"

// Removes kernels that no function calls, sorts functions into load, kernels, the rest, and numbers the
// kernels' names afresh: linear, linear.2, linear.3.
LigStatus lig_prune_kernels(LigPass *pass, LigModule *module) LIG_MUST_CHECK;
// Removes ops of whose results none is read or returned, and that write no state. The caller renumbers.
LigStatus lig_remove_dead_ops(LigPass *pass, LigModule *module, LigFunc *func) LIG_MUST_CHECK;

#endif
