// The graph: a module of params, states and functions whose bodies are lists of ops in SSA form.
//
// Everything belongs to the module's arena and dies with the module. Nodes are held by pointer; values of a
// function carry a dense id so that passes keep side tables by index. Bodies are in text order, definitions
// before uses. There are no use lists: passes compute what they need and rewrite `ops` (lig_func_renumber
// after).
#ifndef LIG_IR_GRAPH_H
#define LIG_IR_GRAPH_H

#include "ir/base/map.h"
#include "ir/base/vec.h"
#include "ir/op.h"
#include "ir/type.h"

typedef struct LigModule LigModule;
typedef struct LigFunc LigFunc;
typedef struct LigOp LigOp;
typedef struct LigValue LigValue;

// How far compilation has come; the verifier's rules depend on it.
typedef enum LigStage {
    LIG_STAGE_MODEL,
    LIG_STAGE_FUSED,
    LIG_STAGE_PACKED,
    LIG_STAGE_PLANNED,
    LIG_STAGE_COUNT
} LigStage;
const char *lig_stage_name(LigStage stage); // model fused packed planned

typedef enum LigValueKind {
    LIG_VALUE_PARAM,  // a tensor of the weights file
    LIG_VALUE_STATE,  // memory that outlives calls; the name means the value on entry
    LIG_VALUE_INPUT,  // a parameter of a function
    LIG_VALUE_RESULT, // of an op
} LigValueKind;

// Where a value of a planned variant lies.
typedef enum LigPlaceKind {
    LIG_PLACE_NONE,  // not planned, or the caller's memory (inputs, outputs, params, states)
    LIG_PLACE_ARENA, // at byte `offset` of the arena
    LIG_PLACE_OVER,  // the same bytes as `over`
} LigPlaceKind;

typedef struct LigPlace {
    LigPlaceKind kind;
    uint64_t offset;
    LigValue *over;
} LigPlace;

struct LigValue {
    LigStr name; // without the %; never empty
    LigType type;
    LigValueKind kind;
    uint32_t id;      // RESULT, INPUT: dense inside the function; PARAM, STATE: index in the module's list
    LigOp *op;        // RESULT: the op that defines it
    uint32_t index;   // RESULT: which of its results; INPUT: which parameter
    LigStr source;    // PARAM: the tensor's name in the weights file
    const void *data; // PARAM: its bytes once weights are bound (borrowed); result of constant: its bytes
    LigPlace place;
    LigLoc loc;
};

struct LigOp {
    LigOpCode code;
    LigAttrs attrs;
    LigValue **operands;
    size_t operand_count;
    LigValue **results;
    size_t result_count;
    LigFunc *callee; // CALL
    LigLoc loc;
};

typedef enum LigFuncKind {
    LIG_FUNC,         // func @step: what the module offers
    LIG_FUNC_LOAD,    // load { … }: evaluated once; its results are visible in every func and variant
    LIG_FUNC_KERNEL,  // kernel @k: a body fused into one loop nest
    LIG_FUNC_VARIANT, // variant @step.one of @step {N = 1}
} LigFuncKind;

// A symbol narrowed by a variant: low = high for `N = 1`.
typedef struct LigBinding {
    size_t symbol;
    int64_t low, high;
} LigBinding;

struct LigFunc {
    LigFuncKind kind;
    LigStr name; // without the @; empty for load
    LigAttrs attrs;
    LIG_VEC(LigValue *) inputs;
    LIG_VEC(LigOp *) ops;
    LIG_VEC(LigValue *) outputs;
    LigStr variant_of;            // VARIANT
    LIG_VEC(LigBinding) bindings; // VARIANT
    size_t value_count;           // ids of inputs and results are below this
    LigLoc loc;
};

struct LigModule {
    LigContext *ctx; // borrowed
    LigArena *arena; // owned
    LigStr name;
    LigStage stage;
    LigStr weights_path; // as written in the text; empty when absent
    LigDimTable *dims;
    LIG_VEC(LigValue *) params;
    LIG_VEC(LigValue *) states;
    LIG_VEC(LigFunc *) funcs; // load first, then kernels, then funcs or variants
    LigMap values;            // params, states and results of load, by name
    LigMap func_names;
};

// An empty module at stage model. Errors: NO_MEMORY.
LigStatus lig_module_create(LigContext *ctx, LigStr name, LigModule **out) LIG_MUST_CHECK;
void lig_module_destroy(LigModule *module);

// Adds a param, state or function. Names are copied. A function goes to the end: lig_module_sort_funcs restores
// the order of funcs. Errors: INVALID (the name is empty or taken, a second load), NO_MEMORY.
LigStatus lig_module_add_param(LigModule *module, LigStr name, LigType type, LigStr source,
                               LigValue **out) LIG_MUST_CHECK;
LigStatus lig_module_add_state(LigModule *module, LigStr name, LigType type, LigValue **out) LIG_MUST_CHECK;
LigStatus lig_module_add_func(LigModule *module, LigFuncKind kind, LigStr name, LigFunc **out) LIG_MUST_CHECK;
// The two halves of adding a function: one that no module knows yet may be forgotten again.
LigStatus lig_func_create(LigModule *module, LigFuncKind kind, LigStr name, LigFunc **out) LIG_MUST_CHECK;
LigStatus lig_module_enter_func(LigModule *module, LigFunc *func) LIG_MUST_CHECK;
LigFunc *lig_module_find_func(const LigModule *module, LigStr name); // NULL when absent
LigValue *lig_module_find_value(const LigModule *module, LigStr name);
// The place of a function in funcs; the count of funcs when it is not there.
size_t lig_module_func_index(const LigModule *module, const LigFunc *func);
// The load function; NULL when the module has none.
LigFunc *lig_module_load(const LigModule *module);
// Removes functions for which keep[i] (by index in funcs) is false, and the names with them.
LigStatus lig_module_keep_funcs(LigModule *module, const bool *keep) LIG_MUST_CHECK;
// Sorts funcs into load, kernels, the rest (stable).
void lig_module_sort_funcs(LigModule *module);

LigStatus lig_func_add_input(LigModule *module, LigFunc *func, LigStr name, LigType type,
                             LigValue **out) LIG_MUST_CHECK;
LigStatus lig_func_add_output(LigModule *module, LigFunc *func, LigValue *value) LIG_MUST_CHECK;
// Gives ids to inputs and results in text order.
void lig_func_renumber(LigFunc *func);
// True when a result of load (visible everywhere).
bool lig_value_is_resident(const LigModule *module, const LigValue *value);
// The bounds of the symbols inside `func`: the module's, narrowed by a variant's bindings and by the facts.
// `bounds` has LIG_MAX_SYMBOLS entries; false when no value fits.
bool lig_func_bounds(const LigModule *module, const LigFunc *func, LigDimBounds *bounds);
// The shape of `type` at the upper bounds of its dims inside `func`: as lig_type_bind_upper, with the bindings
// of a variant. What plans reserve and the verifier checks. false when a dim is unbounded, or no value fits the
// bounds.
bool lig_func_bind_upper(const LigModule *module, const LigFunc *func, const LigType *type, LigShape *out);

// What an op is made of, for lig_op_create and the builder.
typedef struct LigOpSpec {
    LigOpCode code;
    LigStr name; // of the first result; empty = a number. Further results get name.1, name.2 unless `names` is
                 // given
    const LigStr *names; // NULL or one per result
    LigValue *const *operands;
    size_t operand_count;
    LigAttrs attrs;
    const LigType *stated; // result types as stated (NULL: inferred); one per result
    LigFunc *callee;       // CALL
    LigLoc loc;
} LigOpSpec;

// Makes an op, infers its result types (checks operands, attributes and stated types) and appends it to `func`.
// Operands, names and attributes are copied. Results of load enter the module's names.
// Errors: those of the op's shape rule, each naming the op, the values, what was expected. Name clashes in one
// function are resolved by the parser and builders, not here; only numbers given to unnamed results avoid them.
LigStatus lig_op_create(LigModule *module, LigFunc *func, const LigOpSpec *spec, LigOp **out) LIG_MUST_CHECK;

#endif
