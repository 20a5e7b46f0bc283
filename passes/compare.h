// Numeric comparison between passes: calls are run by the interpreter before and after each pass, and what they
// return, and leave in the states, is held to what the pass declares.
//
//   exact            the same bits (any NaN is as good as another)
//   reassociates     floats within (2^10 eps of f32 + 2^4 eps of the dtype, where that is coarser) times the
//                    largest finite number of the tensor; what was finite stays so. What later passes are held
//                    to is then what this pass gives.
//   changes meaning  nothing is refused; the largest error and the divergence are measured. Later passes as above.
//
// A pass that leaves the module's text as it was is not run again.
#ifndef LIG_PASSES_COMPARE_H
#define LIG_PASSES_COMPARE_H

#include "ir/eval.h"
#include "passes/pass.h"

// A call to compare. Tensors lie in rows, and belong to the caller, as long as the comparison lives.
typedef struct LigExampleCall {
    LigStr func;                      // of a module at stage model, or what variants are of
    int64_t symbols[LIG_MAX_SYMBOLS]; // the value of each symbol of the module
    const LigTensor *inputs;          // one per input of the function
    const LigTensor *states;          // one per state of the module: what they hold before
} LigExampleCall;

// How far a pass that changes meaning moved one output.
typedef struct LigMeasure {
    const char *pass;
    LigStr func, output;
    double relative; // largest error, by the largest number
    double
        divergence; // mean Kullback-Leibler divergence of softmax over the last axis, in nats; 0 of one column
} LigMeasure;

// Runs the calls on the module as it is. A call that the interpreter refuses (an index out of range) is left
// out. Params must be bound. Errors: those of load, NO_MEMORY.
LigStatus lig_comparison_create(LigModule *module, const LigExampleCall *calls, size_t count,
                                LigComparison **out) LIG_MUST_CHECK;
void lig_comparison_destroy(LigComparison *comparison);

// The module is now what `pass` made of it. Errors: INVALID, naming pass, function, output or state, element
// and both values; those of the interpreter.
LigStatus lig_comparison_check(LigComparison *comparison, LigModule *module,
                               const LigPassInfo *pass) LIG_MUST_CHECK;

// How many calls are compared, those left out not among them.
size_t lig_comparison_call_count(const LigComparison *comparison);
size_t lig_comparison_measure_count(const LigComparison *comparison);
const LigMeasure *lig_comparison_measure(const LigComparison *comparison, size_t index);

#endif
