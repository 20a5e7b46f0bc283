#include "ir/op_list.h"

// A cell of a table: what would end it is escaped.
static void print_cell(LigText *text, const char *words)
{
    for (const char *c = words; *c; c++) {
        if (*c == '|' || *c == '*') lig_text_append_char(text, '\\');
        lig_text_append_char(text, *c);
    }
}

static void print_attrs(LigText *text, const LigOpInfo *info)
{
    const char *before = "";
    for (int i = 0; i < LIG_ATTR_COUNT; i++) {
        LigAttrKey key = (LigAttrKey)i;
        bool required = info->required_attrs >> i & 1, optional = info->optional_attrs >> i & 1;
        if (!required && !optional) continue;
        lig_text_printf(text, "%s%s%s", before, lig_attr_name(key), optional ? "?" : "");
        before = " ";
    }
}

static void print_gradient(LigText *text, LigGradient gradient)
{
    switch (gradient.kind) {
    case LIG_GRADIENT_RULE:
        lig_text_printf(text, "rule `%s`", gradient.text);
        break;
    case LIG_GRADIENT_OP:
        lig_text_printf(text, "op `%s`", gradient.text);
        break;
    case LIG_GRADIENT_LATER:
        lig_text_append(text, LIG_STR("later"));
        break;
    case LIG_GRADIENT_NEVER:
        lig_text_printf(text, "none: %s", gradient.text);
        break;
    }
}

static void print_lowering(LigText *text, LigLowering lowering)
{
    switch (lowering.kind) {
    case LIG_LOWER_BODY:
        lig_text_append(text, LIG_STR("inside kernels"));
        break;
    case LIG_LOWER_CLASS:
        lig_text_printf(text, "kernel class `%s`", lowering.text);
        break;
    case LIG_LOWER_DECOMPOSE:
        lig_text_printf(text, "decomposed by rule `%s`", lowering.text);
        break;
    case LIG_LOWER_NOTHING:
        lig_text_printf(text, "no code: %s", lowering.text);
        break;
    case LIG_LOWER_INTERPRETED:
        lig_text_printf(text, "interpreted: %s", lowering.text);
        break;
    }
}

static void print_row(LigText *text, const LigOpInfo *info)
{
    lig_text_printf(text, "| `%s`%s | ", info->name, info->kind == LIG_OP_KIND_COMPOSITE ? " (composite)" : "");
    print_cell(text, info->operands);
    lig_text_append(text, LIG_STR(" | "));
    print_attrs(text, info);
    lig_text_append(text, LIG_STR(" | "));
    print_cell(text, info->meaning);
    lig_text_append(text, LIG_STR(" | "));
    print_gradient(text, info->gradient);
    lig_text_append(text, LIG_STR(" | "));
    print_lowering(text, info->lowering);
    lig_text_append(text, LIG_STR(" |\n"));
}

static void print_class(LigText *text, LigOpClass class)
{
    lig_text_printf(text, "\n## %s\n\n", lig_op_class_name(class));
    lig_text_append(text, LIG_STR("| op | operands | attributes | meaning | gradient | code |\n"
                                  "| --- | --- | --- | --- | --- | --- |\n"));
    for (LigOpCode code = 0; code < LIG_OP_COUNT; code++) {
        if (lig_op_info(code)->class == class) print_row(text, lig_op_info(code));
    }
}

void lig_op_list_print(LigText *text)
{
    lig_text_append(
        text, LIG_STR("# Ops\n\n"
                      "Written from `ir/ops.def` by `unit_ops --write`; the test `unit.ops` tells when it "
                      "is stale. `?` marks what may be left out,\n`*` an operand of any number. "
                      "Composites are defined by core ops. The attributes are told in `attrs.def`, shapes "
                      "and dtypes\nwhere the interpreter computes an op: `lig_eval_NAME` in "
                      "`eval_*.c`. A gradient is an op, a rule that comes `later`, with\ntraining, or none "
                      "for the reason given. Integers wrap at their width, and division by 0 gives 0.\n"));
    for (LigOpClass class = LIG_OPS_ELEMENTWISE; class <= LIG_OPS_CALL; class ++) print_class(text, class);
}
