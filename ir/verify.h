// The verifier: numbered rules a module obeys at its stage (listed at the top of ir/verify.c).
#ifndef LIG_IR_VERIFY_H
#define LIG_IR_VERIFY_H

#include "ir/graph.h"

// LIG_OK, or one diagnostic per broken rule: "V07: %x is used before it is defined: …".
LigStatus lig_verify_module(LigModule *module) LIG_MUST_CHECK;

#endif
