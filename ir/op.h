// The op table as data: what every op is called, takes and gives (ir/ops.def), and its attributes
// (ir/attrs.def).
#ifndef LIG_IR_OP_H
#define LIG_IR_OP_H

#include "ir/base/str.h"

typedef enum LigOpCode {
#define LIG_OP(ID, ...) LIG_OP_##ID,
#include "ir/ops.def"
#undef LIG_OP
    LIG_OP_COUNT
} LigOpCode;

// All that fusion and code generation ask about an op.
typedef enum LigOpClass {
    LIG_OPS_ELEMENTWISE, // each result element from the operands' elements at the same (broadcast) place
    LIG_OPS_REDUCE,      // folds axes
    LIG_OPS_ROW,         // works along the whole last axis: norms, softmax, rope
    LIG_OPS_CONTRACT,    // products summed over a shared axis
    LIG_OPS_VIEW,        // renames or reorders elements; moves no data
    LIG_OPS_MOVE,        // moves data
    LIG_OPS_RANDOM,      // numbers from a counter
    LIG_OPS_STATE,       // result i is the new value of operand i, a state
    LIG_OPS_CALL,        // applies a kernel
} LigOpClass;

typedef enum LigAttrKey {
#define LIG_ATTR(ID, ...) LIG_ATTR_##ID,
#include "ir/attrs.def"
#undef LIG_ATTR
    LIG_ATTR_COUNT
} LigAttrKey;

typedef enum LigAttrKind {
    LIG_ATTR_INT,
    LIG_ATTR_FLOAT,
    LIG_ATTR_FLAG,
    LIG_ATTR_NAME,
    LIG_ATTR_INTS
} LigAttrKind;

// One attribute: the member of the union is the one of its key's kind (FLAG has none).
typedef struct LigAttr {
    LigAttrKey key;
    union {
        int64_t integer;
        double real;
        LigStr name;
        struct {
            const int64_t *data;
            size_t count;
        } integers;
    } value;
} LigAttr;

// Attributes sorted by key, each at most once.
typedef struct LigAttrs {
    const LigAttr *items;
    size_t count;
} LigAttrs;

const char *lig_attr_name(LigAttrKey key);
LigAttrKind lig_attr_kind(LigAttrKey key);
bool lig_attr_find(LigStr name, LigAttrKey *out);
// What its number must be ("0 or more, and finite in f32"), by the column `range` of ir/attrs.def; NULL when it is that.
const char *lig_attr_problem(const LigAttr *attr);

// Getters; the fallback is returned when the attribute is absent.
const LigAttr *lig_attrs_get(LigAttrs attrs, LigAttrKey key); // NULL when absent
int64_t lig_attrs_int(LigAttrs attrs, LigAttrKey key, int64_t fallback);
double lig_attrs_float(LigAttrs attrs, LigAttrKey key, double fallback);
bool lig_attrs_flag(LigAttrs attrs, LigAttrKey key);
LigStr lig_attrs_name(LigAttrs attrs, LigAttrKey key, LigStr fallback);
bool lig_attrs_equal(LigAttrs a, LigAttrs b);
// `attrs` with `attr` added or replaced, in the arena; false when memory is out.
bool lig_attrs_set(LigArena *arena, LigAttrs *attrs, LigAttr attr);

// Whether an op is one of the few that others are made of.
typedef enum LigOpKind { LIG_OP_KIND_CORE, LIG_OP_KIND_COMPOSITE } LigOpKind;

// What code generation makes of an op.
typedef enum LigLoweringKind {
    LIG_LOWER_BODY,        // code inside kernels
    LIG_LOWER_CLASS,       // a kernel of the class named
    LIG_LOWER_DECOMPOSE,   // other ops, before fusion, by the rule named (ir/decomposition.h)
    LIG_LOWER_NOTHING,     // needs no code, for the reason given
    LIG_LOWER_INTERPRETED, // has no code, for the reason given: --interpret runs it
} LigLoweringKind;

typedef struct LigLowering {
    LigLoweringKind kind;
    const char *text; // class, rule or reason; NULL of BODY
} LigLowering;

// Where the gradient of an op comes from.
typedef enum LigGradientKind {
    LIG_GRADIENT_RULE,  // the rule named
    LIG_GRADIENT_OP,    // the op named
    LIG_GRADIENT_LATER, // a rule that is not written yet
    LIG_GRADIENT_NEVER, // there is none, for the reason given
} LigGradientKind;

typedef struct LigGradient {
    LigGradientKind kind;
    const char *text; // rule, op or reason; NULL of LATER
} LigGradient;

typedef struct LigOpInfo {
    const char *name;
    LigOpClass class;
    LigOpKind kind;
    int results;                             // -1 = as many as the callee returns
    uint64_t required_attrs, optional_attrs; // bit i = LigAttrKey i
    const char *operands;                    // names, as in the table: "x weight bias?", "x*"
    LigGradient gradient;
    LigLowering lowering;
    const char *meaning;
} LigOpInfo;

const LigOpInfo *lig_op_info(LigOpCode code);
// "elementwise", "reduce", …
const char *lig_op_class_name(LigOpClass class);
bool lig_op_find(LigStr name, LigOpCode *out);
// How many operands the table allows; most = SIZE_MAX for any number.
void lig_op_operand_range(LigOpCode code, size_t *least, size_t *most);
// The name of operand `index` in the table, e.g. "weight"; a repeated operand's name for all it covers.
LigStr lig_op_operand_name(LigOpCode code, size_t index);

#endif
