// Every op has numeric cases for every dtype that its shape rule takes, operand by operand, and on ragged sizes.
// What the numeric tests reach they write down (tests/numeric/case_log.h); ctest runs them before this one.
#include "ir/infer.h"
#include "ir/text.h"
#include "tests/numeric/case_log.h"
#include "tests/numeric/op_samples.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

// ---- what was reached ----

static void read_line(CaseSet *cases, char *line)
{
    char *op = strtok(line, " "), *position = strtok(NULL, " "), *rest = strtok(NULL, "\n");
    LigOpCode code;
    LigDtype dtype;
    if (!op || !position || !rest || !lig_op_find(lig_str(op), &code)) return;
    if (!strcmp(position, "size"))
        cases[code].sizes[strtol(rest, NULL, 10)] = true;
    else if (lig_dtype_find(lig_str(rest), &dtype))
        cases[code].dtypes[strtol(position, NULL, 10)][dtype] = true;
}

static void read_log(CaseSet *cases, const char *name)
{
    char path[4096], line[256];
    (void)snprintf(path, sizeof path, "%s/%s", LIG_NUMERIC_LOG, name);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file)) read_line(cases, line);
    (void)fclose(file);
}

static int read_logs(void **state)
{
    DIR *dir = opendir(LIG_NUMERIC_LOG);
    CaseSet *cases = calloc(LIG_OP_COUNT, sizeof *cases);
    assert_true(dir && cases);
    for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
        if (strstr(entry->d_name, ".txt")) read_log(cases, entry->d_name);
    }
    closedir(dir);
    *state = cases;
    return 0;
}

static int free_logs(void **state)
{
    free(*state);
    return 0;
}

// ---- what the shape rules take ----

// The op of a sample in its module, and copies of its operands whose types are changed.
typedef struct Walk {
    LigContext *ctx;
    LigModule *module;
    const LigOp *op;
    LigValue values[CASE_RESULT];
} Walk;

// Packing is what a pass puts into the sample of its op.
static const Sample pack_sample = {"param %w : f32[32,33] \"w\"", "", "", "%p = pack %w : f32[32,33]"};

static const LigOp *find_op(const LigModule *module, LigOpCode code)
{
    const LigFunc *func = module->funcs.data[0];
    for (size_t i = 0; i < func->ops.count; i++) {
        if (func->ops.data[i]->code == code) return func->ops.data[i];
    }
    fail_msg("the sample of %s holds none", lig_op_info(code)->name);
    return NULL;
}

static void begin_walk(Walk *walk, LigOpCode code)
{
    const Sample *sample = code == LIG_OP_PACK ? &pack_sample : &samples[code];
    LigText text = {0};
    if (!sample->body)
        fail_msg("%s has no sample: write one in tests/numeric/op_samples.h", lig_op_info(code)->name);
    lig_text_printf(&text, "module \"m\" {\n  %s\n  func @f(%s) {\n    %s\n    return\n  }\n}\n",
                    sample->before, sample->inputs, sample->body);
    walk->ctx = lig_context_create();
    if (lig_parse_module(walk->ctx, "sample", lig_text_view(&text), &walk->module) != LIG_OK)
        fail_msg("%s in\n%s", lig_context_diagnostic(walk->ctx, 0)->message, text.data);
    lig_text_free(&text);
    walk->op = find_op(walk->module, code);
    assert_true(walk->op->operand_count <= CASE_RESULT);
}

static void end_walk(Walk *walk)
{
    lig_module_destroy(walk->module);
    lig_context_destroy(walk->ctx);
}

// Sizes of `old` become 256, whole blocks of every dtype.
static void widen(const Walk *walk, LigType *type, LigDim old)
{
    for (int i = 0; i < type->rank; i++) {
        if (type->dims[i] == old) type->dims[i] = lig_dim_const(walk->module->dims, 256);
    }
}

static bool is_taken_as(Walk *walk, const LigType *stated)
{
    LigType results[CASE_RESULT];
    LigValue *operands[CASE_RESULT];
    LigOp op = *walk->op;
    for (size_t i = 0; i < op.operand_count; i++) operands[i] = &walk->values[i];
    op.operands = operands;
    LigInfer infer = {.module = walk->module, .op = &op, .stated = stated, .result = results};
    return lig_op_infer(&infer) == LIG_OK;
}

// Whether operand `position` (CASE_RESULT: the stated result) may have the dtype, alone or with all that have
// its dtype in the sample.
static bool is_taken(Walk *walk, size_t position, LigDtype dtype, bool alone)
{
    const LigOp *op = walk->op;
    if (op->code == LIG_OP_CONSTANT && lig_dtype_is_quantised(dtype)) return false; // no text writes one
    const LigType *changed = position == CASE_RESULT ? &op->results[0]->type : &op->operands[position]->type;
    LigDim old = lig_dtype_block(dtype) > 1 && changed->rank ? changed->dims[changed->rank - 1] : NULL;
    LigType stated[CASE_RESULT];
    for (size_t i = 0; i < op->operand_count; i++) {
        walk->values[i] = *op->operands[i];
        LigType *type = &walk->values[i].type;
        if (i == position || (!alone && type->dtype == changed->dtype)) type->dtype = dtype;
        widen(walk, type, old);
    }
    for (size_t i = 0; i < op->result_count; i++) {
        stated[i] = op->results[i]->type;
        bool follows = position == CASE_RESULT ? i == 0 : !alone;
        if (follows && stated[i].dtype == changed->dtype) stated[i].dtype = dtype;
        widen(walk, &stated[i], old);
    }
    if (position == CASE_RESULT) return is_taken_as(walk, stated);
    return is_taken_as(walk, NULL) || is_taken_as(walk, stated) || is_taken_as(walk, &walk->values[0].type);
}

static size_t tell_missing(Walk *walk, const CaseSet *cases, size_t position)
{
    size_t missing = 0;
    for (int i = 0; i < LIG_DTYPE_COUNT; i++) {
        LigDtype dtype = (LigDtype)i;
        bool taken = is_taken(walk, position, dtype, true) || is_taken(walk, position, dtype, false);
        if (!taken || cases->dtypes[position][dtype]) continue;
        LigStr name = lig_op_operand_name(walk->op->code, position);
        print_error("%s: no numeric case has %.*s in %s\n", lig_op_info(walk->op->code)->name,
                    position == CASE_RESULT ? 6 : (int)name.length,
                    position == CASE_RESULT ? "result" : name.data, lig_dtype_name(dtype));
        missing++;
    }
    return missing;
}

static void every_dtype_has_cases(void **state)
{
    const CaseSet *cases = *state;
    size_t missing = 0;
    for (LigOpCode code = 0; code < LIG_OP_COUNT; code++) {
        Walk walk;
        if (code == LIG_OP_CALL) continue; // what cases run in
        begin_walk(&walk, code);
        for (size_t i = 0; i < walk.op->operand_count; i++) missing += tell_missing(&walk, &cases[code], i);
        missing += tell_missing(&walk, &cases[code], CASE_RESULT);
        end_walk(&walk);
    }
    if (missing) fail_msg("%zu cases are missing: write them in tests/unit/numeric_*.c", missing);
}

static bool is_prime(int n)
{
    for (int i = 2; i * i <= n; i++) {
        if (n % i == 0) return false;
    }
    return n > 2;
}

static void every_op_meets_ragged_sizes(void **state)
{
    const CaseSet *cases = *state;
    size_t missing = 0;
    for (LigOpCode code = 0; code < LIG_OP_COUNT; code++) {
        bool prime = false, over = false, one = cases[code].sizes[1];
        for (int n = 0; n < CASE_SIZES; n++) {
            prime |= cases[code].sizes[n] && is_prime(n);
            over |= cases[code].sizes[n] && n > 16 && n % 16 == 1;
        }
        if (code == LIG_OP_CALL || (one && prime && over)) continue;
        print_error("%s: no numeric case has a size of%s%s%s\n", lig_op_info(code)->name, one ? "" : " 1",
                    prime ? "" : " a prime", over ? "" : " one over a block of 16");
        missing++;
    }
    if (missing) fail_msg("%zu ops lack sizes: add them in tests/unit/numeric_*.c", missing);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_dtype_has_cases),
        cmocka_unit_test(every_op_meets_ragged_sizes),
    };
    return cmocka_run_group_tests(tests, read_logs, free_logs);
}
