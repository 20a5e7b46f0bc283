#include "ir/op.h"

#include <string.h>

#define LIG_A(ID) (UINT64_C(1) << LIG_ATTR_##ID)
#define RULE(name) #name, NULL
#define NONE(reason) NULL, reason

// NONE and RULE fill two columns, so the row passes through once more before its columns are counted.
#define ROW(...) ROW_OF(__VA_ARGS__)
#define ROW_OF(name_, class_, operands_, required_, optional_, results_, gradient_, no_gradient_, meaning_)    \
    {.name = #name_,                                                                                           \
     .class = LIG_OPS_##class_,                                                                                \
     .operands = operands_,                                                                                    \
     .required_attrs = required_,                                                                              \
     .optional_attrs = optional_,                                                                              \
     .results = results_,                                                                                      \
     .gradient = gradient_,                                                                                    \
     .no_gradient = no_gradient_,                                                                              \
     .meaning = meaning_}

static const LigOpInfo op_infos[LIG_OP_COUNT] = {
#define LIG_OP(ID, name, class, operands, required, optional, results, infer, gradient, meaning)               \
    [LIG_OP_##ID] = ROW(name, class, operands, required, optional, results, gradient, meaning),
#include "ir/ops.def"
#undef LIG_OP
};

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
