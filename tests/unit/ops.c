// The op table: its document is fresh, every op has numeric cases, and its lowering is what compiling does: an
// op declared without code is refused with words that tell what to do, all others compile and give the
// interpreter's numbers.
#include "ir/base/alloc.h"
#include "ir/base/file.h"
#include "ir/op_list.h"
#include "ir/text.h"
#include "runtime/executable.h"
#include "tests/numeric/compare.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

// ---- the document ----

static const char *const page = LIG_SOURCE_DIR "/ir/OPS.md";

static void the_document_is_fresh(void **state)
{
    (void)state;
    LigContext *ctx = lig_context_create();
    LigText text = {0};
    LigMappedFile *file;
    lig_op_list_print(&text);
    assert_int_equal(lig_file_map(ctx, page, &file), LIG_OK);
    bool same = file->size == text.length && !memcmp(file->data, text.data, text.length);
    lig_file_unmap(file);
    lig_text_free(&text);
    lig_context_destroy(ctx);
    if (!same) fail_msg("ir/OPS.md is not what ir/ops.def says: run unit_ops --write");
}

static int write_document(void)
{
    LigText text = {0};
    lig_op_list_print(&text);
    FILE *file = fopen(page, "w");
    if (!file) return 1;
    size_t written = fwrite(text.data, 1, text.length, file);
    bool whole = written == text.length && fclose(file) == 0;
    lig_text_free(&text);
    return whole ? 0 : 1;
}

// ---- cases ----

static void append_file(LigText *text, const char *folder, const char *name)
{
    char path[4096], line[4096];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file)) lig_text_append(text, lig_str(line));
    (void)fclose(file);
}

// The sources of the numeric tests name the code of every op but call, which is what they run in.
static void every_op_has_numeric_cases(void **state)
{
    (void)state;
    static const char *const ids[] = {
#define LIG_OP(ID, ...) "LIG_OP_" #ID,
#include "ir/ops.def"
#undef LIG_OP
    };
    const char *folder = LIG_SOURCE_DIR "/tests/unit";
    LigText text = {0};
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
        bool numeric = !strncmp(entry->d_name, "numeric_", 8) || !strcmp(entry->d_name, "eval_numeric.c");
        if (numeric) append_file(&text, folder, entry->d_name);
    }
    closedir(dir);
    for (LigOpCode code = 0; code < LIG_OP_COUNT; code++) {
        if (code == LIG_OP_CALL) continue;
        bool found = false;
        size_t length = strlen(ids[code]);
        for (const char *at = strstr(text.data, ids[code]); at && !found; at = strstr(at + 1, ids[code]))
            found = !strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789", at[length]);
        if (!found)
            fail_msg("%s has no numeric case: write one in tests/unit/numeric_*.c", lig_op_info(code)->name);
    }
    lig_text_free(&text);
}

// ---- lowering ----

// A function around the op: what stands before it in the module, its inputs, its result and its body.
typedef struct Sample {
    const char *before, *inputs, *result, *body;
} Sample;

// clang-format off
static const Sample samples[LIG_OP_COUNT] = {
    [LIG_OP_ADD] = {"", "%x: f32[3,33], %z: f32[3,33]", "f32[3,33]", "%y = add %x, %z : f32[3,33]"},
    [LIG_OP_SUB] = {"", "%x: f32[3,33], %z: f32[3,33]", "f32[3,33]", "%y = sub %x, %z : f32[3,33]"},
    [LIG_OP_MUL] = {"", "%x: f32[3,33], %z: f32[3,33]", "f32[3,33]", "%y = mul %x, %z : f32[3,33]"},
    [LIG_OP_DIV] = {"", "%x: f32[3,33], %z: f32[3,33]", "f32[3,33]", "%y = div %x, %z : f32[3,33]"},
    [LIG_OP_MOD] = {"", "%x: f32[3,33], %z: f32[3,33]", "f32[3,33]", "%y = mod %x, %z : f32[3,33]"},
    [LIG_OP_MAX] = {"", "%x: f32[3,33], %z: f32[3,33]", "f32[3,33]", "%y = max %x, %z : f32[3,33]"},
    [LIG_OP_MIN] = {"", "%x: f32[3,33], %z: f32[3,33]", "f32[3,33]", "%y = min %x, %z : f32[3,33]"},
    [LIG_OP_POW] = {"", "%x: f32[3,33], %z: f32[3,33]", "f32[3,33]", "%y = pow %x, %z : f32[3,33]"},
    [LIG_OP_NEG] = {"", "%x: f32[3,33]", "f32[3,33]", "%y = neg %x : f32[3,33]"},
    [LIG_OP_ABS] = {"", "%x: f32[3,33]", "f32[3,33]", "%y = abs %x : f32[3,33]"},
    [LIG_OP_SIGN] = {"", "%x: f32[3,33]", "f32[3,33]", "%y = sign %x : f32[3,33]"},
    [LIG_OP_EXP] = {"", "%x: f32[3,33]", "f32[3,33]", "%y = exp %x : f32[3,33]"},
    [LIG_OP_LOG] = {"", "%x: f32[3,33]", "f32[3,33]", "%y = log %x : f32[3,33]"},
    [LIG_OP_SQRT] = {"", "%x: f32[3,33]", "f32[3,33]", "%y = sqrt %x : f32[3,33]"},
    [LIG_OP_RSQRT] = {"", "%x: f32[3,33]", "f32[3,33]", "%y = rsqrt %x : f32[3,33]"},
    [LIG_OP_TANH] = {"", "%x: f32[3,33]", "f32[3,33]", "%y = tanh %x : f32[3,33]"},
    [LIG_OP_ERF] = {"", "%x: f32[3,33]", "f32[3,33]", "%y = erf %x : f32[3,33]"},
    [LIG_OP_SIN] = {"", "%x: f32[3,33]", "f32[3,33]", "%y = sin %x : f32[3,33]"},
    [LIG_OP_COS] = {"", "%x: f32[3,33]", "f32[3,33]", "%y = cos %x : f32[3,33]"},
    [LIG_OP_FLOOR] = {"", "%x: f32[3,33]", "f32[3,33]", "%y = floor %x : f32[3,33]"},
    [LIG_OP_CEIL] = {"", "%x: f32[3,33]", "f32[3,33]", "%y = ceil %x : f32[3,33]"},
    [LIG_OP_ROUND] = {"", "%x: f32[3,33]", "f32[3,33]", "%y = round %x : f32[3,33]"},
    [LIG_OP_IS_NAN] = {"", "%x: f32[7]", "bool[7]", "%y = is_nan %x : bool[7]"},
    [LIG_OP_EQ] = {"", "%x: f32[3,33], %z: f32[3,33]", "bool[3,33]", "%y = eq %x, %z : bool[3,33]"},
    [LIG_OP_NE] = {"", "%x: f32[3,33], %z: f32[3,33]", "bool[3,33]", "%y = ne %x, %z : bool[3,33]"},
    [LIG_OP_LT] = {"", "%x: f32[3,33], %z: f32[3,33]", "bool[3,33]", "%y = lt %x, %z : bool[3,33]"},
    [LIG_OP_LE] = {"", "%x: f32[3,33], %z: f32[3,33]", "bool[3,33]", "%y = le %x, %z : bool[3,33]"},
    [LIG_OP_AND] = {"", "%x: bool[7], %z: bool[7]", "bool[7]", "%y = and %x, %z : bool[7]"},
    [LIG_OP_OR] = {"", "%x: bool[7], %z: bool[7]", "bool[7]", "%y = or %x, %z : bool[7]"},
    [LIG_OP_XOR] = {"", "%x: bool[7], %z: bool[7]", "bool[7]", "%y = xor %x, %z : bool[7]"},
    [LIG_OP_NOT] = {"", "%x: bool[7]", "bool[7]", "%y = not %x : bool[7]"},
    [LIG_OP_SELECT] = {"", "%c: bool[7], %x: f32[7], %z: f32[7]", "f32[7]", "%y = select %c, %x, %z : f32[7]"},
    [LIG_OP_SIGMOID] = {"", "%x: f32[3,33]", "f32[3,33]", "%y = sigmoid %x : f32[3,33]"},
    [LIG_OP_SILU] = {"", "%x: f32[3,33]", "f32[3,33]", "%y = silu %x : f32[3,33]"},
    [LIG_OP_GELU] = {"", "%x: f32[3,33]", "f32[3,33]", "%y = gelu %x {form=erf} : f32[3,33]"},
    [LIG_OP_RELU] = {"", "%x: f32[3,33]", "f32[3,33]", "%y = relu %x : f32[3,33]"},
    [LIG_OP_CAST] = {"", "%x: f32[7]", "bf16[7]", "%y = cast %x : bf16[7]"},
    [LIG_OP_SUM] = {"", "%x: f32[3,33]", "f32[33]", "%y = sum %x {axes=[0]} : f32[33]"},
    [LIG_OP_PROD] = {"", "%x: f32[3,33]", "f32[33]", "%y = prod %x {axes=[0]} : f32[33]"},
    [LIG_OP_REDUCE_MAX] = {"", "%x: f32[3,33]", "f32[33]", "%y = reduce_max %x {axes=[0]} : f32[33]"},
    [LIG_OP_REDUCE_MIN] = {"", "%x: f32[3,33]", "f32[33]", "%y = reduce_min %x {axes=[0]} : f32[33]"},
    [LIG_OP_ANY] = {"", "%x: bool[3,33]", "bool[33]", "%y = any %x {axes=[0]} : bool[33]"},
    [LIG_OP_ALL] = {"", "%x: bool[3,33]", "bool[33]", "%y = all %x {axes=[0]} : bool[33]"},
    [LIG_OP_ARGMAX] = {"", "%x: f32[3,33]", "i32[33]", "%y = argmax %x {axis=0} : i32[33]"},
    [LIG_OP_ARGMIN] = {"", "%x: f32[3,33]", "i32[33]", "%y = argmin %x {axis=0} : i32[33]"},
    [LIG_OP_CUMSUM] = {"", "%x: f32[3,33]", "f32[3,33]", "%y = cumsum %x {axis=0} : f32[3,33]"},
    [LIG_OP_TOP_K] = {"", "%x: f32[3,33]", "f32[3,2]", "%y, %i = top_k %x {k=2} : f32[3,2], i32[3,2]"},
    [LIG_OP_RMS_NORM] = {"", "%x: f32[3,33], %w: f32[33]", "f32[3,33]", "%y = rms_norm %x, %w {eps=1e-05} : f32[3,33]"},
    [LIG_OP_LAYER_NORM] = {"", "%x: f32[3,33], %w: f32[33]", "f32[3,33]", "%y = layer_norm %x, %w {eps=1e-05} : f32[3,33]"},
    [LIG_OP_SOFTMAX] = {"", "%x: f32[3,33]", "f32[3,33]", "%y = softmax %x : f32[3,33]"},
    [LIG_OP_LOG_SOFTMAX] = {"", "%x: f32[3,33]", "f32[3,33]", "%y = log_softmax %x : f32[3,33]"},
    [LIG_OP_LINEAR] = {"param %w : f32[7,33] \"w\"", "%x: f32[3,33]", "f32[3,7]", "%y = linear %x, %w : f32[3,7]"},
    [LIG_OP_DOT] = {"", "%x: f32[3,33], %z: f32[33,5]", "f32[3,5]", "%y = dot %x, %z {x_contract=[1], y_contract=[0]} : f32[3,5]"},
    [LIG_OP_CONV1D] = {"", "%x: f32[7,3], %w: f32[5,3,3]", "f32[7,5]", "%y = conv1d %x, %w {stride=1, padding=1} : f32[7,5]"},
    [LIG_OP_ATTENTION] = {"state %c : f32[1,2,9,8]", "%q: f32[3,2,8], %k: f32[3,2,8], %p: i32[3], %start: i32[2], %slot: i32[1], %len: i32[1]", "f32[3,2,8]", "%k1 = append %c, %k, %slot, %start, %p : f32[1,2,9,8]\n    %y = attention %q, %k1, %k1, %p, %start, %len, %slot {causal, scale=1} : f32[3,2,8]"},
    [LIG_OP_SDPA] = {"", "%q: f32[1,2,3,7], %k: f32[1,1,5,7], %v: f32[1,1,5,7]", "f32[1,2,3,7]", "%y = sdpa %q, %k, %v {scale=1} : f32[1,2,3,7]"},
    [LIG_OP_GROUPED_LINEAR] = {"", "%x: f32[3,7], %w: f32[2,5,7], %o: i32[3]", "f32[3,5]", "%y = grouped_linear %x, %w, %o : f32[3,5]"},
    [LIG_OP_RESHAPE] = {"", "%x: f32[3,33]", "f32[99]", "%z = neg %x : f32[3,33]\n    %y = reshape %z : f32[99]"},
    [LIG_OP_TRANSPOSE] = {"", "%x: f32[3,33]", "f32[33,3]", "%y = transpose %x {perm=[1,0]} : f32[33,3]"},
    [LIG_OP_SLICE] = {"", "%x: f32[3,33]", "f32[3,7]", "%y = slice %x {axis=1, begin=2, end=9} : f32[3,7]"},
    [LIG_OP_BROADCAST] = {"", "%x: f32[1,33]", "f32[3,33]", "%y = broadcast %x : f32[3,33]"},
    [LIG_OP_GATHER] = {"", "%x: f32[7,33], %i: i32[3]", "f32[3,33]", "%y = gather %x, %i {axis=0} : f32[3,33]"},
    [LIG_OP_GATHER_ND] = {"", "%x: f32[7,33], %i: i32[3,2]", "f32[3]", "%y = gather_nd %x, %i : f32[3]"},
    [LIG_OP_SCATTER] = {"", "%x: f32[7,33], %i: i32[3], %v: f32[3,33]", "f32[7,33]", "%y = scatter %x, %i, %v {axis=0} : f32[7,33]"},
    [LIG_OP_SCATTER_ADD] = {"", "%x: f32[7,33], %i: i32[3], %v: f32[3,33]", "f32[7,33]", "%y = scatter_add %x, %i, %v {axis=0} : f32[7,33]"},
    [LIG_OP_CONCAT] = {"", "%x: f32[3,33], %z: f32[3,7]", "f32[3,40]", "%y = concat %x, %z {axis=1} : f32[3,40]"},
    [LIG_OP_PAD] = {"", "%x: f32[7]", "f32[10]", "%y = pad %x {low=[1], high=[2]} : f32[10]"},
    [LIG_OP_IOTA] = {"dim N in 1..9", "%x: i32[N]", "i32[N]", "%z = iota {axis=0} : i32[N]\n    %y = add %x, %z : i32[N]"},
    [LIG_OP_CONSTANT] = {"", "%x: f32[3]", "f32[3]", "%c = constant {values=[1,2,3]} : f32[3]\n    %y = add %x, %c : f32[3]"},
    [LIG_OP_ROPE] = {"", "%x: f32[3,2,8], %p: i32[3], %f: f32[4]", "f32[3,2,8]", "%y = rope %x, %p, %f {pairs=half} : f32[3,2,8]"},
    [LIG_OP_PACK] = {"param %w : f32[32,33] \"w\"", "%x: f32[3,33]", "f32[3,32]", "%y = linear %x, %w : f32[3,32]"}, // pass pack puts it in
    [LIG_OP_EMBEDDING] = {"", "%x: f32[7,33], %i: i32[3]", "f32[3,33]", "%y = embedding %x, %i : f32[3,33]"},
    [LIG_OP_POOL] = {"", "%x: f32[7,33], %s: i32[3]", "f32[2,33]", "%y = pool %x, %s {pool=mean} : f32[2,33]"},
    [LIG_OP_QUANTIZE] = {"", "%x: f32[3,32]", "q8a[3,32]", "%y = quantize %x : q8a[3,32]"},
    [LIG_OP_RELATIVE_BIAS] = {"", "%t: f32[32,2], %q: i32[3], %k: i32[5]", "f32[2,3,5]", "%y = relative_bias %t, %q, %k {max_distance=128} : f32[2,3,5]"},
    [LIG_OP_ALIBI] = {"", "%q: i32[3], %k: i32[5]", "f32[2,3,5]", "%y = alibi %q, %k {heads=2} : f32[2,3,5]"},
    [LIG_OP_UNIFORM] = {"", "%s: i64[1]", "f32[33]", "%y = uniform %s {seed=1, op=2} : f32[33]"},
    [LIG_OP_NORMAL] = {"", "%s: i64[1]", "f32[33]", "%y = normal %s {seed=1, op=2} : f32[33]"},
    [LIG_OP_DROPOUT] = {"", "%x: f32[33], %s: i64[1]", "f32[33]", "%y = dropout %x, %s {seed=1, op=2, rate=0.5} : f32[33]"},
    [LIG_OP_APPEND] = {"state %c : f32[1,2,9,8]", "%q: f32[3,2,8], %k: f32[3,2,8], %p: i32[3], %start: i32[2], %slot: i32[1], %len: i32[1]", "f32[3,2,8]", "%k1 = append %c, %k, %slot, %start, %p : f32[1,2,9,8]\n    %y = attention %q, %k1, %k1, %p, %start, %len, %slot {causal, scale=1} : f32[3,2,8]"},
    [LIG_OP_ASSIGN] = {"state %s : f32[33]", "%x: f32[33]", "f32[33]", "%s1 = assign %s, %x : f32[33]\n    %y = neg %s1 : f32[33]"},
    [LIG_OP_ADAMW] = {"state %w : f32[33]\n  state %m : f32[33]\n  state %v : f32[33]", "%g: f32[33], %r: f32[1], %t: i32[1]", "f32[33]", "%w1, %m1, %v1 = adamw %w, %m, %v, %g, %r, %t {eps=1e-08, beta1=0.9, beta2=0.95, decay=0.1} : f32[33], f32[33], f32[33]\n    %y = neg %w1 : f32[33]"},
    [LIG_OP_CLIP_NORM] = {"", "%x: f32[33], %z: f32[7]", "f32[]", "%y, %n = clip_norm %x, %z {limit=1} : f32[], f32[]"},
    [LIG_OP_CROSS_ENTROPY] = {"", "%x: f32[3,7], %l: i32[3]", "f32[3]", "%y = cross_entropy %x, %l : f32[3]"},
    [LIG_OP_LINEAR_CROSS_ENTROPY] = {"", "%x: f32[3,7], %w: f32[5,7], %l: i32[3]", "f32[3]", "%y = linear_cross_entropy %x, %w, %l : f32[3]"},
    [LIG_OP_RELU_GRAD] = {"", "%x: f32[3,33], %z: f32[3,33]", "f32[3,33]", "%y = relu_grad %x, %z : f32[3,33]"},
    [LIG_OP_SILU_GRAD] = {"", "%x: f32[3,33], %z: f32[3,33]", "f32[3,33]", "%y = silu_grad %x, %z : f32[3,33]"},
    [LIG_OP_GELU_GRAD] = {"", "%x: f32[3,33], %z: f32[3,33]", "f32[3,33]", "%y = gelu_grad %x, %z {form=tanh} : f32[3,33]"},
    [LIG_OP_SOFTMAX_GRAD] = {"", "%x: f32[3,33], %z: f32[3,33]", "f32[3,33]", "%y = softmax_grad %x, %z : f32[3,33]"},
    [LIG_OP_LOG_SOFTMAX_GRAD] = {"", "%x: f32[3,33], %z: f32[3,33]", "f32[3,33]", "%y = log_softmax_grad %x, %z : f32[3,33]"},
    [LIG_OP_RMS_NORM_GRAD] = {"", "%x: f32[3,33], %w: f32[33], %d: f32[3,33]", "f32[3,33]", "%y, %e = rms_norm_grad %x, %w, %d {eps=1e-05} : f32[3,33], f32[33]"},
    [LIG_OP_LAYER_NORM_GRAD] = {"", "%x: f32[3,33], %w: f32[33], %d: f32[3,33]", "f32[3,33]", "%y, %e, %g = layer_norm_grad %x, %w, %d {eps=1e-05} : f32[3,33], f32[33], f32[33]"},
    [LIG_OP_ROPE_GRAD] = {"", "%x: f32[3,2,8], %p: i32[3], %f: f32[4]", "f32[3,2,8]", "%y = rope_grad %x, %p, %f {pairs=half} : f32[3,2,8]"},
    [LIG_OP_ATTENTION_GRAD] = {"", "%d: f32[3,2,8], %q: f32[3,2,8], %k: f32[3,1,8], %v: f32[3,1,8], %p: i32[3], %start: i32[2], %len: i32[1]", "f32[3,2,8]", "%y, %e, %f = attention_grad %d, %q, %k, %v, %p, %start, %len {causal, scale=1} : f32[3,2,8], f32[3,1,8], f32[3,1,8]"},
    [LIG_OP_SDPA_GRAD] = {"", "%q: f32[1,2,3,7], %k: f32[1,1,5,7], %v: f32[1,1,5,7], %d: f32[1,2,3,7]", "f32[1,2,3,7]", "%y, %e, %f = sdpa_grad %q, %k, %v, %d {scale=1} : f32[1,2,3,7], f32[1,1,5,7], f32[1,1,5,7]"},
    [LIG_OP_CROSS_ENTROPY_GRAD] = {"", "%x: f32[3,7], %l: i32[3], %d: f32[3]", "f32[3,7]", "%y = cross_entropy_grad %x, %l, %d : f32[3,7]"},
    [LIG_OP_LINEAR_CROSS_ENTROPY_GRAD] = {"", "%x: f32[3,7], %w: f32[5,7], %l: i32[3], %d: f32[3]", "f32[3,7]", "%y, %e = linear_cross_entropy_grad %x, %w, %l, %d : f32[3,7], f32[5,7]"},
};
// clang-format on

enum { MOST_TENSORS = 8, BYTES = 1 << 14 };

// The memory of one sample: params and inputs filled alike whenever it is set up, states of zeros.
typedef struct Memory {
    _Alignas(64) unsigned char inputs[MOST_TENSORS][BYTES];
    _Alignas(64) unsigned char params[MOST_TENSORS][BYTES];
    _Alignas(64) unsigned char states[MOST_TENSORS][BYTES];
    _Alignas(64) unsigned char output[BYTES];
} Memory;

static const int64_t symbols[LIG_MAX_SYMBOLS] = {7};

// Floats between a quarter and one; integers 0, which are good indices and starts; a step counts from 1.
static LigTensor fill(const LigValue *value, unsigned char *bytes)
{
    LigTensor t = {.data = bytes};
    assert_true(lig_type_bind(&value->type, symbols, &t.shape));
    int64_t count;
    assert_true(lig_shape_count(&t.shape, &count));
    assert_true(count * 8 <= BYTES);
    memset(bytes, 0, BYTES);
    for (int64_t i = 0; lig_dtype_is_float(t.shape.dtype) && i < count; i++)
        lig_shape_set(&t.shape, t.data, i, 0.25 + (double)(i * 37 % 64) / 85);
    bool steps = lig_str_is(value->name, "t") || lig_str_is(value->name, "len");
    if (steps && t.shape.dtype == LIG_I32) lig_shape_set_integer(&t.shape, t.data, 0, 1);
    if (lig_str_is(value->name, "start")) lig_shape_set_integer(&t.shape, t.data, 1, 3);
    return t;
}

static LigModule *parse_sample(LigContext *ctx, const Sample *sample, Memory *memory)
{
    LigText text = {0};
    lig_text_printf(&text, "module \"m\" {\n  %s\n  func @f(%s) -> %s {\n    %s\n    return %%y\n  }\n}\n",
                    sample->before, sample->inputs, sample->result, sample->body);
    LigModule *module = NULL;
    if (lig_parse_module(ctx, "sample", lig_text_view(&text), &module) != LIG_OK)
        fail_msg("%s in\n%s", lig_context_diagnostic(ctx, 0)->message, text.data);
    lig_text_free(&text);
    for (size_t i = 0; i < module->params.count; i++)
        module->params.data[i]->data = fill(module->params.data[i], memory->params[i]).data;
    return module;
}

static LigStatus run_bound(LigExecutable *executable, Memory *memory, LigShape *shape)
{
    LigBound *bound;
    LigTensor inputs[MOST_TENSORS];
    void *states[MOST_TENSORS], *outputs[] = {memory->output};
    LIG_TRY(lig_bound_create(executable, LIG_STR("f"), &bound));
    for (size_t i = 0; i < lig_bound_input_count(bound); i++)
        inputs[i] = fill(lig_bound_input(bound, i), memory->inputs[i]);
    for (size_t i = 0; i < MOST_TENSORS; i++) {
        states[i] = memory->states[i];
        memset(states[i], 0, BYTES);
    }
    LIG_TRY(lig_bound_bind(bound, inputs, symbols, shape));
    return lig_bound_run(bound, inputs, states, outputs);
}

typedef enum Mode { INTERPRETED, INTERPRETED_AS_PLANNED, COMPILED } Mode;

static LigStatus plan(LigModule *module)
{
    LigPassManager manager = {.options.fuse = true, .verify = true};
    for (size_t i = 0; i < lig_pass_count(); i++) LIG_TRY(lig_pass_run(&manager, module, lig_pass_info(i)));
    return LIG_OK;
}

// Runs a sample; its result stays in memory->output.
static LigStatus run_sample(LigContext *ctx, const Sample *sample, Mode mode, Memory *memory, LigShape *shape)
{
    LigTarget target;
    LigExecutable *executable;
    LigModule *module = parse_sample(ctx, sample, memory);
    LIG_TRY(lig_target_find(ctx, "native", &target));
    if (mode == INTERPRETED_AS_PLANNED) LIG_TRY(plan(module));
    LigExecutableOptions options = {
        .target = &target, .passes.fuse = true, .interpret = mode != COMPILED, .verify = true};
    LIG_TRY(lig_executable_create(module, &options, &executable));
    LigStatus status = run_bound(executable, memory, shape);
    lig_executable_destroy(executable);
    return status;
}

static void expect_refusal(LigContext *ctx, LigOpCode code, LigStatus status)
{
    const char *name = lig_op_info(code)->name;
    if (status == LIG_OK) fail_msg("%s compiles, but the table says that it has no code", name);
    const char *message = lig_context_diagnostic(ctx, 0)->message;
    bool told =
        strstr(message, name) && strstr(message, "has no generated code") && strstr(message, "--interpret");
    if (status != LIG_ERR_UNSUPPORTED || !told) fail_msg("%s: \"%s\" does not tell what to do", name, message);
}

static void compare_with_interpreter(LigOpCode code, const LigShape *shape, const Memory *compiled,
                                     const Memory *interpreted)
{
    int64_t count;
    assert_true(lig_shape_count(shape, &count));
    for (int64_t i = 0; i < count; i++) {
        double got = lig_shape_get(shape, compiled->output, i),
               want = lig_shape_get(shape, interpreted->output, i);
        if (!compare_equal(COMPARE_ATTENTION, shape->dtype, got, want, 2 + fabs(want)))
            fail_msg("%s, element %lld: %.9g, but %.9g interpreted", lig_op_info(code)->name, (long long)i, got,
                     want);
    }
}

static void check_lowering(LigOpCode code, Memory *compiled, Memory *interpreted)
{
    LigContext *ctx = lig_context_create();
    LigShape shape = {0};
    LigStatus status = run_sample(ctx, &samples[code], INTERPRETED, interpreted, &shape);
    if (status != LIG_OK)
        fail_msg("%s, interpreted: %s", lig_op_info(code)->name, lig_context_diagnostic(ctx, 0)->message);
    status = run_sample(ctx, &samples[code], COMPILED, compiled, &shape);
    if (lig_op_info(code)->lowering.kind == LIG_LOWER_INTERPRETED)
        expect_refusal(ctx, code, status);
    else if (status != LIG_OK)
        fail_msg("%s: %s", lig_op_info(code)->name, lig_context_diagnostic(ctx, 0)->message);
    else
        compare_with_interpreter(code, &shape, compiled, interpreted);
    lig_context_destroy(ctx);
}

static void lowering_is_what_compiling_does(void **state)
{
    (void)state;
    Memory *compiled = lig_alloc_zero(sizeof *compiled), *interpreted = lig_alloc_zero(sizeof *interpreted);
    assert_true(compiled && interpreted);
    for (LigOpCode code = 0; code < LIG_OP_COUNT; code++) {
        if (code != LIG_OP_CALL) check_lowering(code, compiled, interpreted);
    }
    lig_free(compiled), lig_free(interpreted);
}

// Kernels, layouts and places of a plan: the same numbers; decompositions round otherwise.
static void check_planned(LigOpCode code, Memory *planned, Memory *whole)
{
    LigContext *ctx = lig_context_create();
    LigShape shape = {0};
    LigStatus status = run_sample(ctx, &samples[code], INTERPRETED, whole, &shape);
    if (status == LIG_OK) status = run_sample(ctx, &samples[code], INTERPRETED_AS_PLANNED, planned, &shape);
    if (status != LIG_OK)
        fail_msg("%s, planned: %s", lig_op_info(code)->name, lig_context_diagnostic(ctx, 0)->message);
    size_t bytes;
    assert_true(lig_shape_bytes(&shape, &bytes));
    if (lig_op_info(code)->lowering.kind == LIG_LOWER_DECOMPOSE)
        compare_with_interpreter(code, &shape, planned, whole);
    else if (memcmp(planned->output, whole->output, bytes) != 0)
        fail_msg("%s: the plan changes its bits", lig_op_info(code)->name);
    if (memcmp(planned->states, whole->states, sizeof whole->states) != 0)
        fail_msg("%s: the plan leaves other states", lig_op_info(code)->name);
    lig_context_destroy(ctx);
}

static void plans_keep_every_op(void **state)
{
    (void)state;
    Memory *planned = lig_alloc_zero(sizeof *planned), *whole = lig_alloc_zero(sizeof *whole);
    assert_true(planned && whole);
    for (LigOpCode code = 0; code < LIG_OP_COUNT; code++) {
        if (code != LIG_OP_CALL) check_planned(code, planned, whole);
    }
    lig_free(planned), lig_free(whole);
}

int main(int argc, char **argv)
{
    if (argc == 2 && !strcmp(argv[1], "--write")) return write_document();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_document_is_fresh),
        cmocka_unit_test(every_op_has_numeric_cases),
        cmocka_unit_test(lowering_is_what_compiling_does),
        cmocka_unit_test(plans_keep_every_op),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
