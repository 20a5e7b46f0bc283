// One rendering of a chat template; shared by the template_*.c files that evaluate.
#ifndef LIG_TEXT_TEMPLATE_EVAL_H
#define LIG_TEXT_TEMPLATE_EVAL_H

#include "runtime/text/template_syntax.h"

enum {
    LIG_TEMPLATE_MAX_EVAL_DEPTH = 400,
    LIG_TEMPLATE_MAX_BYTES = 256 << 20, // what one rendering may allocate
    LIG_TEMPLATE_MAX_RANGE = 1 << 20,
};

typedef struct LigTplEval {
    LigContext *ctx;
    const LigTemplate *t;
    LigArena *arena;
    size_t arena_limit;          // of lig_arena_used_bytes
    const LigVariant *variables; // what the caller gave
    LIG_VEC(LigVariant) scopes;  // maps; the last is the innermost
    LigText *out;
    int depth;
} LigTplEval;

// The arguments of a call, filter or test, evaluated.
typedef struct LigTplArgs {
    const LigTplNode *node; // for the place of an error
    const LigVariant *data;
    const LigStr *names; // data = NULL: by position
    size_t count;
} LigTplArgs;

// The argument called `name`, or the one at `position`; NULL when it was not given.
const LigVariant *lig_template_arg(const LigTplArgs *args, size_t position, const char *name);
// Records the message at the node's place. Errors: `status`, or NO_MEMORY.
LigStatus lig_template_record(const LigTplEval *e, const LigTplNode *node, LigStatus status, const char *format,
                              ...) LIG_PRINTF(4, 5);
#define lig_template_error(...) lig_surely_failed(lig_template_record(__VA_ARGS__))
LigStatus lig_template_eval(LigTplEval *e, const LigTplNode *node, LigVariant *out) LIG_MUST_CHECK;
// Moves what was written into `text` to the arena; releases `text` in any case.
LigStatus lig_template_take_text(LigTplEval *e, const LigTplNode *node, LigText *text,
                                 LigVariant *out) LIG_MUST_CHECK;
// Appends str(value).
LigStatus lig_template_append(LigTplEval *e, const LigTplNode *node, LigText *text,
                              const LigVariant *value) LIG_MUST_CHECK;
// The items of anything that can be looped over, as a list. Errors: INVALID for anything else.
LigStatus lig_template_iterate(LigTplEval *e, const LigTplNode *node, const LigVariant *value,
                               LigVariant *out) LIG_MUST_CHECK;
// value.name or value[name]; undefined when absent.
LigStatus lig_template_field(LigTplEval *e, const LigTplNode *node, const LigVariant *value, LigStr name,
                             LigVariant *out) LIG_MUST_CHECK;
LigStatus lig_template_push(LigTplEval *e, LigVariant *list, LigVariant item) LIG_MUST_CHECK;

LigStatus lig_template_filter(LigTplEval *e, LigStr name, const LigVariant *value, const LigTplArgs *args,
                              LigVariant *out) LIG_MUST_CHECK;
LigStatus lig_template_test(LigTplEval *e, LigStr name, const LigVariant *value, const LigTplArgs *args,
                            bool *out) LIG_MUST_CHECK;
LigStatus lig_template_method(LigTplEval *e, LigStr name, const LigVariant *value, const LigTplArgs *args,
                              LigVariant *out) LIG_MUST_CHECK;
// A function that is no variable: range, namespace, dict, raise_exception. *found = false when there is none.
LigStatus lig_template_function(LigTplEval *e, LigStr name, const LigTplArgs *args, LigVariant *out,
                                bool *found) LIG_MUST_CHECK;
LigStatus lig_template_binary(LigTplEval *e, const LigTplNode *node, const LigVariant *a, const LigVariant *b,
                              LigVariant *out) LIG_MUST_CHECK;
LigStatus lig_template_contains(LigTplEval *e, const LigTplNode *node, const LigVariant *item,
                                const LigVariant *in, bool *out) LIG_MUST_CHECK;
LigStatus lig_template_slice(LigTplEval *e, const LigTplNode *node, const LigVariant *value,
                             LigVariant *out) LIG_MUST_CHECK;
LigStatus lig_template_index(LigTplEval *e, const LigTplNode *node, const LigVariant *value,
                             const LigVariant *index, LigVariant *out) LIG_MUST_CHECK;

// Text without the leading or trailing characters of `set` (data = NULL: white space, as Python's str.strip).
LigStr lig_template_strip(LigStr s, LigStr set, bool left, bool right);

#endif
