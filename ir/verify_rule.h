// What the verifier's files share: the module under test, the function looked at, and how a broken rule is
// told.
#ifndef LIG_IR_VERIFY_RULE_H
#define LIG_IR_VERIFY_RULE_H

#include "ir/verify.h"

typedef struct LigVerifier {
    LigModule *module;
    LigFunc *func;      // the one looked at
    LigValue **defined; // by id: the inputs and results of `func`, all of them
    LigArena *scratch;  // dropped after each function
    LigStatus status;   // of the first broken rule
} LigVerifier;

// Records "RULE: message" and goes on.
void lig_verify_break(LigVerifier *v, const char *rule, LigLoc loc, const char *format, ...) LIG_PRINTF(4, 5);
// "@step", or "load", for messages; in scratch.
const char *lig_verify_func_name(LigVerifier *v);
// True when `value` is an input or result of the function looked at.
bool lig_verify_is_own(const LigVerifier *v, const LigValue *value);
// The operand of a kernel whose new value is result `result` (by append on the formal), or -1.
int lig_verify_written_formal(const LigFunc *kernel, size_t result);

// V04. ir/verify_state.c
void lig_verify_states(LigVerifier *v);
enum { LIG_PLAN_ALIGN = 64 };
// V09. ir/verify_plan.c
void lig_verify_places(LigVerifier *v);

#endif
