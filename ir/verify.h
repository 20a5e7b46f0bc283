// The verifier: numbered rules a module obeys at its stage (listed at the top of ir/verify.c).
#ifndef LIG_IR_VERIFY_H
#define LIG_IR_VERIFY_H

#include "ir/graph.h"

// LIG_OK, or one diagnostic per broken rule: "V02: %x of @step is used before it is defined: …"; the status is
// that of the first. Errors: INVALID (most rules), SHAPE and DTYPE (V03), NO_MEMORY.
LigStatus lig_verify_module(LigModule *module) LIG_MUST_CHECK;

#endif
