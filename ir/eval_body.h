// Running one body of ops: what functions, variants, load and kernels have in common.
#ifndef LIG_IR_EVAL_BODY_H
#define LIG_IR_EVAL_BODY_H

#include "ir/eval.h"

// Memory of values while a body runs. Unplanned, each result has its own buffer from its op to its last use.
// Planned, results with a place lie in one block; what a result's bytes hold before its op is overwritten with
// 0xff (NaN, -1), so that a plan that gives away live bytes yields wrong numbers.
typedef struct LigEvalFrame {
    LigModule *module;
    const LigFunc *func;
    const int64_t *dims;
    const LigTensor *states;    // by index; NULL inside kernels and load
    const LigTensor *residents; // results of load by id; NULL while load runs
    LigArena *memory;           // of the tables below; owned
    LigArena *scratch;          // of one op; owned
    LigTensor *values;          // by id; data NULL: not there (yet, or any more)
    void **buffers;             // by id: what to release; NULL: nothing
    size_t *last_use;           // by id: index of the op, or count of ops for outputs
    bool *written;              // by index of state: its new value is in its bytes
    unsigned char *plan;        // the planned block; NULL: unplanned; owned
    size_t plan_bytes;
} LigEvalFrame;

// Prepares a frame: module, func, dims, states and residents are set by the caller, all else zero.
// Errors: NO_MEMORY, INVALID (the arena's size). lig_eval_frame_close in any case.
LigStatus lig_eval_frame_open(LigEvalFrame *frame) LIG_MUST_CHECK;
void lig_eval_frame_close(LigEvalFrame *frame);

// Gives input `index` its tensor.
void lig_eval_frame_set_input(LigEvalFrame *frame, size_t index, LigTensor tensor);
// Runs all ops in text order. Errors: those of kernels, and a plan whose places do not fit.
LigStatus lig_eval_frame_run(LigEvalFrame *frame) LIG_MUST_CHECK;
// The tensor of a value. Errors: NOT_FOUND (a param without data, a value that is not there), INVALID (the old
// value of a state after it was written).
LigStatus lig_eval_frame_value(const LigEvalFrame *frame, const LigValue *value, LigTensor *out) LIG_MUST_CHECK;

// The operand whose bytes result `index` of `op` must take because it is the new value of a state (also through
// a kernel); NULL for all other results.
LigValue *lig_eval_written_operand(const LigOp *op, size_t index);

#endif
