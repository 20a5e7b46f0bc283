// Removing what nothing uses, for passes that leave some behind.
#ifndef LIG_PASSES_PRUNE_H
#define LIG_PASSES_PRUNE_H

#include "passes/pass.h"

// Removes kernels that no function calls, and sorts functions into load, kernels, the rest.
LigStatus lig_prune_kernels(LigPass *pass, LigModule *module) LIG_MUST_CHECK;

#endif
