#include "ir/op.h"

#include <string.h>

#define LIG_A(ID) (UINT64_C(1) << LIG_ATTR_##ID)
// The gradient and the lowering fill two columns each.
#define RULE(name) LIG_GRADIENT_RULE, #name
#define OP(name) LIG_GRADIENT_OP, #name
#define LATER LIG_GRADIENT_LATER, NULL
#define NEVER(reason) LIG_GRADIENT_NEVER, reason
#define BODY LIG_LOWER_BODY, NULL
#define CLASS(name) LIG_LOWER_CLASS, #name
#define DECOMPOSE(rule) LIG_LOWER_DECOMPOSE, #rule
#define NOTHING(reason) LIG_LOWER_NOTHING, reason
#define INTERPRETED(reason) LIG_LOWER_INTERPRETED, reason

// So the row passes through once more before its columns are counted.
#define ROW(...) ROW_OF(__VA_ARGS__)
#define ROW_OF(name_, class_, kind_, operands_, required_, optional_, results_, gradient_, gradient_text_,     \
               lowering_, text_, meaning_)                                                                     \
    {.name = #name_,                                                                                           \
     .class = LIG_OPS_##class_,                                                                                \
     .kind = LIG_OP_KIND_##kind_,                                                                              \
     .operands = operands_,                                                                                    \
     .required_attrs = required_,                                                                              \
     .optional_attrs = optional_,                                                                              \
     .results = results_,                                                                                      \
     .gradient = {gradient_, gradient_text_},                                                                  \
     .lowering = {lowering_, text_},                                                                           \
     .meaning = meaning_}

static const LigOpInfo op_infos[LIG_OP_COUNT] = {
#define LIG_OP(ID, name, class, kind, operands, required, optional, results, infer, gradient, lowering,        \
               meaning)                                                                                        \
    [LIG_OP_##ID] = ROW(name, class, kind, operands, required, optional, results, gradient, lowering, meaning),
#include "ir/ops.def"
#undef LIG_OP
};

const char *lig_op_class_name(LigOpClass class)
{
    static const char *const names[] = {
        [LIG_OPS_ELEMENTWISE] = "elementwise", [LIG_OPS_REDUCE] = "reduce", [LIG_OPS_ROW] = "row",
        [LIG_OPS_CONTRACT] = "contract",       [LIG_OPS_VIEW] = "view",     [LIG_OPS_MOVE] = "move",
        [LIG_OPS_RANDOM] = "random",           [LIG_OPS_STATE] = "state",   [LIG_OPS_CALL] = "call",
    };
    return names[class];
}

const LigOpInfo *lig_op_info(LigOpCode code)
{
    LIG_ASSERT(code < LIG_OP_COUNT);
    return &op_infos[code];
}

bool lig_op_find(LigStr name, LigOpCode *out)
{
    for (LigOpCode code = 0; code < LIG_OP_COUNT; code++) {
        if (!lig_str_is(name, op_infos[code].name)) continue;
        *out = code;
        return true;
    }
    return false;
}

// Takes the next word off a list separated by spaces; empty at the end.
static LigStr next_word(const char **at)
{
    while (**at == ' ') (*at)++;
    size_t length = strcspn(*at, " ");
    LigStr word = {*at, length};
    *at += length;
    return word;
}

void lig_op_operand_range(LigOpCode code, size_t *least, size_t *most)
{
    const char *at = lig_op_info(code)->operands;
    *least = *most = 0;
    for (LigStr word = next_word(&at); word.length; word = next_word(&at)) {
        char mark = word.data[word.length - 1];
        if (mark == '*') {
            *most = SIZE_MAX;
            return; // a repeated operand is the last one
        }
        if (mark != '?') (*least)++;
        (*most)++;
    }
}

LigStr lig_op_operand_name(LigOpCode code, size_t index)
{
    const char *at = lig_op_info(code)->operands;
    LigStr name = next_word(&at);
    for (size_t i = 0; i < index; i++) {
        LigStr word = next_word(&at);
        if (!word.length) break;
        name = word;
    }
    if (name.length && strchr("?*", name.data[name.length - 1])) name.length--;
    return name;
}
