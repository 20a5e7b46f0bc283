// Shape rules: what every op gives, and what it says to operands that do not fit.
#include "ir/build.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MOST_OPERANDS = 8, MOST_ATTRS = 3 };

typedef struct Case {
    LigOpCode code;
    const char *operands; // types, separated by spaces
    LigAttr attrs[MOST_ATTRS];
    const char *stated; // or NULL
    const char *gives;  // the result's type, or a part of the message
} Case;

#define AXIS(value_) {.key = LIG_ATTR_AXIS, .value.integer = (value_)}
#define INT(key_, value_) {.key = LIG_ATTR_##key_, .value.integer = (value_)}
#define REAL(key_, value_) {.key = LIG_ATTR_##key_, .value.real = (value_)}
#define FLAG(key_) {.key = LIG_ATTR_##key_}
#define NAME(key_, value_) {.key = LIG_ATTR_##key_, .value.name = {(value_), sizeof(value_) - 1}}
#define INTS(key_, ...)                                                                                        \
    {                                                                                                          \
        .key = LIG_ATTR_##key_, .value.integers = {                                                            \
            (const int64_t[]){__VA_ARGS__},                                                                    \
            sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t)                                           \
        }                                                                                                      \
    }

static LigModule *open_module(LigContext *ctx)
{
    LigModule *module;
    assert_int_equal(lig_module_create(ctx, LIG_STR("test"), &module), LIG_OK);
    static const char *const names[] = {"N", "M", "R", "S", "C"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        LigDim dim;
        assert_int_equal(
            lig_dims_declare(ctx, module->dims, LIG_NOWHERE, (LigSymbol){lig_str(names[i]), 1, 64}, &dim),
            LIG_OK);
    }
    return module;
}

// `N`, `12`, or `R+1`
static LigDim read_dim(LigModule *module, const char *text, size_t length)
{
    if (text[0] >= '0' && text[0] <= '9') return lig_dim_const(module->dims, strtoll(text, NULL, 10));
    LigDim symbol = lig_dims_find(module->dims, (LigStr){text, 1});
    return length > 2 ? lig_dim_add(module->dims, symbol, read_dim(module, text + 2, length - 2)) : symbol;
}

// `f32[N,9]@panel(n=16,k=32)`
static LigType read_type(LigModule *module, const char *text)
{
    LigType type = {0};
    size_t name = strcspn(text, "[");
    assert_true(lig_dtype_find((LigStr){text, name}, &type.dtype));
    const char *at = text + name + 1;
    while (*at != ']') {
        size_t length = strcspn(at, ",]");
        type.dims[type.rank++] = read_dim(module, at, length);
        at += length + (at[length] == ',');
    }
    if (sscanf(at, "]@panel(n=%d,k=%d)", &type.layout.n, &type.layout.k) == 2)
        type.layout.kind = LIG_LAYOUT_PANEL;
    return type;
}

static size_t read_operands(LigModule *module, LigFunc *func, const char *text, LigValue **operands)
{
    size_t count = 0;
    while (*text) {
        char one[64], name[24];
        size_t length = strcspn(text, " ");
        snprintf(one, sizeof one, "%.*s", (int)length, text);
        snprintf(name, sizeof name, "v%zu", count);
        LigType type = read_type(module, one);
        assert_int_equal(lig_func_add_input(module, func, lig_str(name), type, &operands[count++]), LIG_OK);
        text += length + (text[length] == ' ');
    }
    return count;
}

// The result's type or the first message, to be freed.
static char *run(const Case *c, LigStatus *status)
{
    LigContext *ctx = lig_context_create();
    LigModule *module = open_module(ctx);
    LigFunc *func;
    assert_int_equal(lig_module_add_func(module, LIG_FUNC, LIG_STR("f"), &func), LIG_OK);
    LigValue *operands[MOST_OPERANDS];
    LigOpSpec spec = {.code = c->code, .operands = operands};
    spec.operand_count = read_operands(module, func, c->operands, operands);
    for (size_t i = 0; i < MOST_ATTRS; i++) {
        bool none = c->attrs[i].key == LIG_ATTR_AXIS && c->attrs[i].value.integer == INT64_MIN;
        if (!none && (i == 0 || c->attrs[i].key != LIG_ATTR_AXIS))
            assert_true(lig_attrs_set(module->arena, &spec.attrs, c->attrs[i]));
    }
    LigType stated = {0};
    if (c->stated) {
        stated = read_type(module, c->stated);
        spec.stated = &stated;
    }
    LigOp *op;
    *status = lig_op_create(module, func, &spec, &op);
    char *text;
    if (*status == LIG_OK) {
        LigText type = {0};
        lig_type_print(&type, module->dims, &op->results[0]->type);
        text = strdup(type.data);
        lig_text_free(&type);
    } else
        text = strdup(lig_context_diagnostic(ctx, 0)->message);
    lig_module_destroy(module);
    lig_context_destroy(ctx);
    return text;
}

#define NO_ATTRS {INT(AXIS, INT64_MIN)}

static void assert_cases(const Case *cases, size_t count, bool good)
{
    for (size_t i = 0; i < count; i++) {
        LigStatus status;
        char *text = run(&cases[i], &status);
        bool right = good ? status == LIG_OK && !strcmp(text, cases[i].gives)
                          : status != LIG_OK && strstr(text, cases[i].gives);
        if (!right)
            fail_msg("%s of %s: \"%s\" where \"%s\" was expected", lig_op_info(cases[i].code)->name,
                     cases[i].operands, text, cases[i].gives);
        free(text);
    }
}

#define PAGE "bf16[S,3,C,64]"
#define ROWS "i32[N] i32[R+1] i32[R] i32[R]"

static void fitting_operands_give_their_type(void **state)
{
    (void)state;
    const Case cases[] = {
        {LIG_OP_ADD, "f32[N,4] f32[4]", NO_ATTRS, NULL, "f32[N,4]"},
        {LIG_OP_ADD, "f32[4] f32[N,1]", NO_ATTRS, NULL, "f32[N,4]"},
        {LIG_OP_MUL, "i32[] i32[N]", NO_ATTRS, NULL, "i32[N]"},
        {LIG_OP_GELU, "bf16[N]", {NAME(FORM, "tanh")}, NULL, "bf16[N]"},
        {LIG_OP_CAST, "q8_0[4,64]", NO_ATTRS, "f32[4,64]", "f32[4,64]"},
        {LIG_OP_SUM, "f32[N,4,5]", {INTS(AXES, 0, -1)}, NULL, "f32[4]"},
        {LIG_OP_SUM, "f32[N,4,5]", {INTS(AXES, 1), FLAG(KEEP)}, NULL, "f32[N,1,5]"},
        {LIG_OP_RMS_NORM, "bf16[N,9,64] f32[64]", {REAL(EPS, 1e-5)}, NULL, "bf16[N,9,64]"},
        {LIG_OP_LAYER_NORM, "f32[N,64] f32[64] f32[64]", {REAL(EPS, 1e-5)}, NULL, "f32[N,64]"},
        {LIG_OP_LINEAR, "f32[N,576] q4_1[192,576]", NO_ATTRS, NULL, "f32[N,192]"},
        {LIG_OP_LINEAR, "bf16[N,576] q8_0[192,576]@panel(n=16,k=32)", NO_ATTRS, NULL, "bf16[N,192]"},
        {LIG_OP_LINEAR, "bf16[N,576] bf16[192,576]", NO_ATTRS, "f32[N,192]", "f32[N,192]"},
        {LIG_OP_LINEAR, "q8a[N,576] q4_0[192,576]", NO_ATTRS, NULL, "f32[N,192]"},
        {LIG_OP_ATTENTION,
         "f32[N,9,64] " PAGE " " PAGE " " ROWS,
         {REAL(SCALE, 0.125), FLAG(CAUSAL)},
         NULL,
         "f32[N,9,64]"},
        {LIG_OP_ATTENTION,
         "f32[N,9,64] bf16[N,3,64] bf16[N,3,64] i32[N] i32[R+1] i32[R]",
         {REAL(SCALE, 0.125)},
         NULL,
         "f32[N,9,64]"},
        {LIG_OP_RESHAPE, "f32[N,576]", NO_ATTRS, "f32[N,9,64]", "f32[N,9,64]"},
        {LIG_OP_RESHAPE, "f32[N,M]", NO_ATTRS, "f32[M,1,N]", "f32[M,1,N]"},
        {LIG_OP_TRANSPOSE, "f32[N,9,64]", {INTS(PERM, 1, 0, 2)}, NULL, "f32[9,N,64]"},
        {LIG_OP_SLICE, "f32[N,64]", {AXIS(1), INT(BEGIN, 1), INT(END, -1)}, NULL, "f32[N,62]"},
        {LIG_OP_BROADCAST, "f32[1,4]", NO_ATTRS, "f32[N,9,4]", "f32[N,9,4]"},
        {LIG_OP_GATHER, "q8_0[100,64] i64[N]", {AXIS(0)}, NULL, "f32[N,64]"},
        {LIG_OP_GATHER, "f16[100,64] i32[N,3]", {AXIS(0)}, NULL, "f16[N,3,64]"},
        {LIG_OP_CONCAT, "f32[N,4] f32[M,4] f32[2,4]", {AXIS(0)}, NULL, "f32[N + M + 2,4]"},
        {LIG_OP_IOTA, "", {AXIS(0)}, "i32[N]", "i32[N]"},
        {LIG_OP_ROPE, "f32[N,9,64] i32[N] f32[32]", {NAME(PAIRS, "half")}, NULL, "f32[N,9,64]"},
        {LIG_OP_PACK, "q4_1[192,576]", NO_ATTRS, "q4_1[192,576]@panel(n=16,k=32)",
         "q4_1[192,576]@panel(n=16,k=32)"},
        {LIG_OP_APPEND, PAGE " f32[N,3,64] i32[R] i32[R+1] i32[N]", NO_ATTRS, NULL, PAGE},
    };
    assert_cases(cases, sizeof cases / sizeof *cases, true);
}

static void operands_that_do_not_fit_are_named(void **state)
{
    (void)state;
    const Case cases[] = {
        {LIG_OP_ADD, "f32[N] f32[N] f32[N]", NO_ATTRS, NULL, "add: 3 operands given, but it takes (x y)"},
        {LIG_OP_ADD, "f32[N] f32[M]", NO_ATTRS, NULL, "add: operand y is f32[M], but whether it broadcasts"},
        {LIG_OP_ADD, "f32[4] f32[5]", NO_ATTRS, NULL, "5 and 4 are neither equal nor 1"},
        {LIG_OP_ADD, "f32[4] bf16[4]", NO_ATTRS, NULL,
         "operand y is bf16[4], but its dtype must be f32, that of x"},
        {LIG_OP_ADD, "q8_0[32] q8_0[32]", NO_ATTRS, NULL, "must have a float or integer dtype"},
        {LIG_OP_EXP, "i32[4]", NO_ATTRS, NULL, "operand x is i32[4], but it must have a float dtype"},
        {LIG_OP_EXP, "f32[4]", {REAL(EPS, 1)}, NULL, "exp: it has no attribute `eps`"},
        {LIG_OP_GELU, "f32[4]", NO_ATTRS, NULL, "attribute `form` is missing"},
        {LIG_OP_GELU, "f32[4]", {NAME(FORM, "fast")}, NULL, "form is `fast`, but it must be `erf` or `tanh`"},
        {LIG_OP_CAST, "f32[4]", NO_ATTRS, NULL, "type must be stated"},
        {LIG_OP_CAST, "f32[4]", NO_ATTRS, "bf16[5]", "stated as bf16[5], but its operands give bf16[4]"},
        {LIG_OP_CAST, "f32[32]", NO_ATTRS, "q8_0[32]", "a cast gives no quantised dtype"},
        {LIG_OP_SUM, "f32[N,4]", {INTS(AXES, 2)}, NULL, "axis 2 is outside the rank"},
        {LIG_OP_SUM, "f32[N,4]", {INTS(AXES, 1, -1)}, NULL, "names axis 1 twice"},
        {LIG_OP_RMS_NORM,
         "f32[N,64] f32[32]",
         {REAL(EPS, 1e-5)},
         NULL,
         "its dim must equal 64, the last dim of x"},
        {LIG_OP_RMS_NORM, "f32[N,64] bf16[64]", {REAL(EPS, 1e-5)}, NULL, "its dtype must be f32"},
        {LIG_OP_LINEAR, "f32[N,576] q4_1[576,512]", NO_ATTRS, NULL,
         "linear: operand weight is q4_1[576,512], but its last dim must equal 576, the last dim of x "
         "f32[N,576]: "
         "512 is not 576"},
        {LIG_OP_LINEAR, "f32[M] f32[4,N]", NO_ATTRS, NULL, "whether N equals M is undecided"},
        {LIG_OP_LINEAR, "f32[N,64] i8[4,64]", NO_ATTRS, NULL, "a weight must be float or block-quantised"},
        {LIG_OP_LINEAR, "f32[N,64]@panel(n=16,k=1) f32[4,64]", NO_ATTRS, NULL, "it must lie in rows"},
        {LIG_OP_LINEAR, "bf16[N,64] f32[4,64]", NO_ATTRS, "f16[N,4]", "stated as f16[N,4]"},
        {LIG_OP_ATTENTION, "f32[N,8,64] " PAGE " " PAGE " " ROWS, {REAL(SCALE, 1)}, NULL, "must divide 8"},
        {LIG_OP_ATTENTION,
         "f32[N,9,64] " PAGE " " PAGE " i32[N] i32[R+1] i32[R]",
         {REAL(SCALE, 1)},
         NULL,
         "[N,Hkv,D], as no slot is given"},
        {LIG_OP_ATTENTION,
         "f32[N,9,64] bf16[M,3,64] bf16[M,3,64] i32[N] i32[R+1] i32[R]",
         {REAL(SCALE, 1)},
         NULL,
         "whether M equals N is undecided"},
        {LIG_OP_ATTENTION,
         "f32[N,9,32] " PAGE " " PAGE " " ROWS,
         {REAL(SCALE, 1)},
         NULL,
         "operand k is bf16[S,3,C,64], but its last dim must equal 32"},
        {LIG_OP_ATTENTION,
         "f32[N,9,64] " PAGE " " PAGE " i32[N] i32[R] i32[R] i32[R]",
         {REAL(SCALE, 1)},
         NULL,
         "operand start is i32[R], but it must be i32[R+1]"},
        {LIG_OP_ATTENTION,
         "f32[N,9,64] " PAGE " " PAGE " i64[N] i32[R+1] i32[R] i32[R]",
         {REAL(SCALE, 1)},
         NULL,
         "operand pos is i64[N], but its dtype must be i32"},
        {LIG_OP_RESHAPE, "f32[N,576]", NO_ATTRS, "f32[N,9,32]", "its 576*N elements are not the 288*N"},
        {LIG_OP_RESHAPE, "q8_0[4,64]", NO_ATTRS, "q8_0[16,16]", "multiple of 32"},
        {LIG_OP_RESHAPE, "f32[4]", NO_ATTRS, "i32[4]", "a view keeps the dtype"},
        {LIG_OP_TRANSPOSE, "f32[N,4]", {INTS(PERM, 0, 0)}, NULL, "names axis 0 twice"},
        {LIG_OP_TRANSPOSE,
         "q8_0[32,64]",
         {INTS(PERM, 1, 0)},
         NULL,
         "the last axis, along which its blocks lie"},
        {LIG_OP_SLICE, "f32[4]", {AXIS(0), INT(BEGIN, 3), INT(END, 5)}, NULL, "must be certain"},
        {LIG_OP_SLICE, "f32[N]", {AXIS(0), INT(BEGIN, 0), INT(END, 2)}, NULL, "must be certain"},
        {LIG_OP_SLICE, "q8_0[2,64]", {AXIS(1), INT(BEGIN, 16), INT(END, 48)}, NULL, "whole blocks of 32"},
        {LIG_OP_BROADCAST, "f32[2]", NO_ATTRS, "f32[N,4]", "it does not broadcast to f32[N,4]"},
        {LIG_OP_GATHER,
         "f32[100,64] f32[N]",
         {AXIS(0)},
         NULL,
         "operand ids is f32[N], but it must have an integer"},
        {LIG_OP_GATHER, "q8_0[100,64] i32[N]", {AXIS(1)}, NULL, "its blocks lie along the axis"},
        {LIG_OP_CONCAT, "f32[N,4] f32[M,5]", {AXIS(0)}, NULL, "its last dim must equal 4"},
        {LIG_OP_CONSTANT, "", NO_ATTRS, "f32[N]", "every dim must be a number"},
        {LIG_OP_ROPE, "f32[N,9,64] i32[N] f32[33]", {NAME(PAIRS, "half")}, NULL, "must be at most 64"},
        {LIG_OP_ROPE,
         "f32[N,9,64] i32[M] f32[32]",
         {NAME(PAIRS, "half")},
         NULL,
         "it must be i32[N], here i32[N]"},
        {LIG_OP_PACK, "q4_1[192,576]", NO_ATTRS, "q4_1[192,576]@panel(n=16,k=16)", "must be its block"},
        {LIG_OP_APPEND, PAGE " f32[N,4,64] i32[R] i32[R+1] i32[N]", NO_ATTRS, NULL, "its dim 1 must equal 3"},
        {LIG_OP_CALL, "f32[4]", NO_ATTRS, NULL, "it names no kernel"},
    };
    assert_cases(cases, sizeof cases / sizeof *cases, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fitting_operands_give_their_type),
        cmocka_unit_test(operands_that_do_not_fit_are_named),
    };
    return cmocka_run_group_tests_name("infer", tests, NULL, NULL);
}
