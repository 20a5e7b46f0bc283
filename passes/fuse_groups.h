// Which ops of a function go into one kernel: the decisions of pass fuse, with the reason of each.
#ifndef LIG_PASSES_FUSE_GROUPS_H
#define LIG_PASSES_FUSE_GROUPS_H

#include "passes/fusion.h"
#include "passes/pass.h"

typedef struct LigFuseGroup {
    LigOp **members; // in text order
    size_t count;
    size_t first; // position of the first member in the function
    size_t row_count, linear_count;
    const LigFunc *kernel; // once made
} LigFuseGroup;

// What was decided about the op at a position.
typedef struct LigFuseDecision {
    LigFuseGroup *group;     // NULL for reshapes, which stay views
    LigFusionRule *refusals; // by operand: why the op did not join the group that computes it
    const LigOp *sibling;    // the contraction over the same x that was tried last, if any
    LigFusionRule sibling_refusal;
} LigFuseDecision;

// Zero but for the first three; the rest is in the pass's scratch.
typedef struct LigFuseGroups {
    LigPass *pass;
    LigModule *module;
    LigFunc *func;
    LigOp **ops; // as they were
    size_t op_count;
    size_t *defined_at;         // by id of a result: the position of its op
    LigFuseGroup *groups;       // by position of the group's first member
    LigFuseDecision *decisions; // by position
} LigFuseGroups;

LigStatus lig_fuse_form_groups(LigFuseGroups *groups) LIG_MUST_CHECK;

// Whether the op reduces along the whole last axis in a kernel of class row.
bool lig_fuse_is_row(const LigOp *op);
// Whether something outside the group reads `value`, which a member computes.
bool lig_fuse_is_read_outside(const LigFuseGroups *groups, const LigFuseGroup *group, const LigValue *value);

// The position of the op of this function that computes `value`; false when none does.
bool lig_fuse_position(const LigFuseGroups *groups, const LigValue *value, size_t *out);

// Appends the function's edges to the report. Kernels must be made, and values have the ids they had.
LigStatus lig_fusion_note(const LigFuseGroups *groups, LigFusionReport *report) LIG_MUST_CHECK;

#endif
