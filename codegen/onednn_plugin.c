#include "codegen/onednn_plugin.h"

#include "ir/base/alloc.h"

#include <build_id.h>
#include <dlfcn.h>
#include <oneapi/dnnl/dnnl.h>
#include <string.h>

enum { ROW_SIZES = 3, COLUMN_SIZES = 2 };
static const int64_t row_sizes[ROW_SIZES] = {64, 8, 1};

struct LigOnednnContraction {
    dnnl_engine_t engine;
    dnnl_primitive_t primitives[ROW_SIZES]
                               [COLUMN_SIZES]; // [1]: the last tile's columns; NULL when all tiles are full
    int64_t outputs, depth;
    size_t scratch_bytes;
    LigType x;
};

static LigStatus fail(LigContext *ctx, const char *what, dnnl_status_t status)
{
    if (status == dnnl_out_of_memory) return lig_no_memory(ctx);
    return lig_fail(ctx, LIG_ERR_UNSUPPORTED, LIG_NOWHERE, "oneDNN: %s (status %d): use --no-onednn", what,
                    (int)status);
}

static dnnl_status_t describe(const LigOnednnContraction *c, int64_t rows, int64_t columns,
                              dnnl_matmul_desc_t *out)
{
    dnnl_memory_desc_t x, weight, result;
    const dnnl_dims_t x_dims = {rows, c->depth}, x_strides = {c->depth, 1};
    const dnnl_dims_t weight_dims = {c->depth, columns}, weight_strides = {1, c->depth};
    const dnnl_dims_t result_dims = {rows, columns}, result_strides = {c->outputs, 1};
    dnnl_memory_desc_init_by_strides(&x, 2, x_dims, dnnl_f32, x_strides);
    dnnl_memory_desc_init_by_strides(&weight, 2, weight_dims, dnnl_f32, weight_strides);
    dnnl_memory_desc_init_by_strides(&result, 2, result_dims, dnnl_f32, result_strides);
    return dnnl_matmul_desc_init(out, &x, &weight, NULL, &result);
}

// The reference implementation is orders of magnitude slower than anything else: refused rather than run
// unnoticed.
static LigStatus check_implementation(LigContext *ctx, const_dnnl_primitive_desc_t description)
{
    const char *name = NULL;
    dnnl_primitive_desc_query(description, dnnl_query_impl_info_str, 0, &name);
    if (name && strncmp(name, "ref", 3) != 0) return LIG_OK;
    return lig_fail(ctx, LIG_ERR_UNSUPPORTED, LIG_NOWHERE,
                    "oneDNN has only a reference implementation here: use --no-onednn");
}

static LigStatus make_primitive(LigContext *ctx, LigOnednnContraction *c, int64_t rows, int64_t columns,
                                dnnl_primitive_t *out)
{
    dnnl_matmul_desc_t matmul;
    dnnl_status_t status = describe(c, rows, columns, &matmul);
    if (status != dnnl_success) return fail(ctx, "describing a contraction failed", status);
    dnnl_primitive_attr_t attributes;
    status = dnnl_primitive_attr_create(&attributes);
    if (status != dnnl_success) return fail(ctx, "attributes failed", status);
    dnnl_primitive_attr_set_scratchpad_mode(attributes, dnnl_scratchpad_mode_user);
    dnnl_primitive_desc_t description;
    status = dnnl_primitive_desc_create(&description, &matmul, attributes, c->engine, NULL);
    dnnl_primitive_attr_destroy(attributes);
    if (status != dnnl_success) return fail(ctx, "no implementation for this contraction", status);
    size_t scratch =
        dnnl_memory_desc_get_size(dnnl_primitive_desc_query_md(description, dnnl_query_scratchpad_md, 0));
    if (scratch > c->scratch_bytes) c->scratch_bytes = scratch;
    LigStatus result = check_implementation(ctx, description);
    if (result == LIG_OK) {
        status = dnnl_primitive_create(out, description);
        if (status != dnnl_success) result = fail(ctx, "creating a primitive failed", status);
    }
    dnnl_primitive_desc_destroy(description);
    return result;
}

static LigStatus make_primitives(LigContext *ctx, LigOnednnContraction *c)
{
    dnnl_status_t status = dnnl_engine_create(&c->engine, dnnl_cpu, 0);
    if (status != dnnl_success) return fail(ctx, "there is no engine", status);
    int64_t last = c->outputs % LIG_ONEDNN_COLUMNS;
    for (int i = 0; i < ROW_SIZES; i++) {
        if (c->outputs >= LIG_ONEDNN_COLUMNS) {
            LIG_TRY(make_primitive(ctx, c, row_sizes[i], LIG_ONEDNN_COLUMNS, &c->primitives[i][0]));
        }
        if (last) LIG_TRY(make_primitive(ctx, c, row_sizes[i], last, &c->primitives[i][1]));
    }
    return LIG_OK;
}

static void destroy(LigOnednnContraction *c)
{
    if (!c) return;
    for (int i = 0; i < ROW_SIZES * COLUMN_SIZES; i++) {
        dnnl_primitive_t primitive = c->primitives[i / COLUMN_SIZES][i % COLUMN_SIZES];
        if (primitive) dnnl_primitive_destroy(primitive);
    }
    if (c->engine) dnnl_engine_destroy(c->engine);
    lig_free(c);
}

static LigStatus create(LigContext *ctx, const LigType *x, const LigType *weight, LigOnednnContraction **out)
{
    LigOnednnContraction *c = lig_alloc_zero(sizeof *c);
    if (!c) return lig_no_memory(ctx);
    bool constant =
        lig_dim_is_const(weight->dims[0], &c->outputs) && lig_dim_is_const(weight->dims[1], &c->depth);
    LIG_ASSERT(constant);
    c->x = *x;
    LigStatus status = make_primitives(ctx, c);
    if (status != LIG_OK) {
        destroy(c);
        return status;
    }
    *out = c;
    return LIG_OK;
}

static size_t scratch_bytes(const LigOnednnContraction *c) { return c->scratch_bytes; }

// oneDNN of Debian runs on OpenMP; the number of its threads is a setting of the calling thread. The runtime is
// reached by name, since which one it is (libgomp, libomp) is oneDNN's choice, not ours.
static void use_one_openmp_thread(void)
{
    static _Thread_local bool done;
    if (done) return;
    void (*set_threads)(int) = (void (*)(int))(uintptr_t)dlsym(RTLD_DEFAULT, "omp_set_num_threads");
    if (set_threads) set_threads(1);
    done = true;
}

// What one thread needs to execute primitives.
typedef struct Worker {
    LigOnednnContraction *contraction;
    dnnl_stream_t stream;
    void *const *buffers;
    void *scratch;
} Worker;

static dnnl_memory_t memory_of(const Worker *w, const_dnnl_primitive_desc_t description, dnnl_query_t what,
                               int index, void *data)
{
    dnnl_memory_t memory = NULL;
    const dnnl_memory_desc_t *type = dnnl_primitive_desc_query_md(description, what, index);
    return dnnl_memory_create(&memory, type, w->contraction->engine, data) == dnnl_success ? memory : NULL;
}

static void run_block(const Worker *w, dnnl_primitive_t primitive, int64_t row, int64_t column)
{
    const LigOnednnContraction *c = w->contraction;
    const_dnnl_primitive_desc_t description;
    dnnl_primitive_get_primitive_desc(primitive, &description);
    float *x = (float *)w->buffers[0] + row * c->depth;
    float *weight = (float *)w->buffers[1] + column * c->depth;
    float *result = (float *)w->buffers[2] + row * c->outputs + column;
    const dnnl_exec_arg_t args[] = {
        {DNNL_ARG_SRC, memory_of(w, description, dnnl_query_src_md, 0, x)},
        {DNNL_ARG_WEIGHTS, memory_of(w, description, dnnl_query_weights_md, 0, weight)},
        {DNNL_ARG_DST, memory_of(w, description, dnnl_query_dst_md, 0, result)},
        {DNNL_ARG_SCRATCHPAD, memory_of(w, description, dnnl_query_scratchpad_md, 0, w->scratch)},
    };
    dnnl_primitive_execute(primitive, w->stream, 4, args);
    for (int i = 0; i < 4; i++) {
        if (args[i].memory) dnnl_memory_destroy(args[i].memory);
    }
}

static void run_tile(const Worker *w, int64_t tile, int64_t rows)
{
    const LigOnednnContraction *c = w->contraction;
    int64_t column = tile * LIG_ONEDNN_COLUMNS;
    int last = c->outputs - column < LIG_ONEDNN_COLUMNS;
    int64_t row = 0;
    for (int i = 0; i < ROW_SIZES; i++) {
        for (; row + row_sizes[i] <= rows; row += row_sizes[i])
            run_block(w, c->primitives[i][last], row, column);
    }
}

static void run(void *const *buffers, const int64_t *dims, int64_t tile_begin, int64_t tile_end, void *scratch)
{
    Worker worker = {.contraction = buffers[3], .buffers = buffers, .scratch = scratch};
    int64_t rows = 1, size;
    for (int i = 0; i + 1 < worker.contraction->x.rank; i++) {
        if (!lig_dim_eval(worker.contraction->x.dims[i], dims, &size)) return;
        rows *= size;
    }
    use_one_openmp_thread();
    if (dnnl_stream_create(&worker.stream, worker.contraction->engine, dnnl_stream_default_flags) !=
        dnnl_success)
        return;
    for (int64_t tile = tile_begin; tile < tile_end; tile++) run_tile(&worker, tile, rows);
    dnnl_stream_destroy(worker.stream);
}

extern const LigOnednnFunctions lig_onednn_functions __attribute__((visibility("default")));
const LigOnednnFunctions lig_onednn_functions = {
    .head = {LIG_BUILD_ID}, .create = create, .destroy = destroy, .scratch_bytes = scratch_bytes, .run = run};
