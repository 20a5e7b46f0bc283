#include "ir/type.h"

LigType lig_type_const(LigDimTable *table, LigDtype dtype, int rank, const int64_t *dims)
{
    LigType type = {.dtype = dtype, .rank = rank};
    for (int i = 0; i < rank; i++) type.dims[i] = lig_dim_const(table, dims[i]);
    return type;
}

bool lig_layout_equal(LigLayout a, LigLayout b) { return a.kind == b.kind && a.n == b.n && a.k == b.k; }

const char *lig_layout_problem(LigLayout layout, LigDtype dtype, int rank, int64_t columns)
{
    enum { MOST = 1024 };
    if (layout.kind == LIG_LAYOUT_ROWS) return NULL;
    if (rank < 2) return "a panel needs at least two axes";
    if (layout.n < 1 || layout.n > MOST || layout.k < 1 || layout.k > MOST)
        return "n and k of a panel must be in 1..1024";
    if (!lig_dtype_has_panel(dtype)) return "q8a, of activations, has no panels";
    if (lig_dtype_is_quantised(dtype) && layout.k != lig_dtype_block(dtype))
        return "k of a panel of a block-quantised dtype must be its block, 32 or 256";
    if (columns % layout.k != 0) return "k of a panel must divide the last axis";
    return NULL;
}

LigVerdict lig_type_equal(const LigDimTable *table, const LigType *a, const LigType *b)
{
    if (a->dtype != b->dtype || a->rank != b->rank || !lig_layout_equal(a->layout, b->layout)) return LIG_NO;
    LigVerdict verdict = LIG_YES;
    for (int i = 0; i < a->rank; i++) {
        LigVerdict one = lig_dim_equal(table, a->dims[i], b->dims[i]);
        if (one == LIG_NO) return LIG_NO;
        if (one == LIG_UNDECIDED) verdict = LIG_UNDECIDED;
    }
    return verdict;
}

static void print_layout(LigText *text, LigLayout layout)
{
    if (layout.kind == LIG_LAYOUT_PANEL) lig_text_printf(text, "@panel(n=%d,k=%d)", layout.n, layout.k);
}

void lig_type_print(LigText *text, const LigDimTable *table, const LigType *type)
{
    lig_text_append(text, lig_str(lig_dtype_name(type->dtype)));
    lig_text_append_char(text, '[');
    for (int i = 0; i < type->rank; i++) {
        if (i > 0) lig_text_append_char(text, ',');
        lig_dim_print(text, table, type->dims[i]);
    }
    lig_text_append_char(text, ']');
    print_layout(text, type->layout);
}

void lig_shape_print(LigText *text, const LigShape *shape)
{
    lig_text_printf(text, "%s[", lig_dtype_name(shape->dtype));
    for (int i = 0; i < shape->rank; i++)
        lig_text_printf(text, i > 0 ? ",%lld" : "%lld", (long long)shape->dims[i]);
    lig_text_append_char(text, ']');
    print_layout(text, shape->layout);
}

bool lig_type_bind(const LigType *type, const int64_t *values, LigShape *out)
{
    *out = (LigShape){.dtype = type->dtype, .rank = type->rank, .layout = type->layout};
    for (int i = 0; i < type->rank; i++) {
        if (!lig_dim_eval(type->dims[i], values, &out->dims[i]) || out->dims[i] < 0) return false;
    }
    return true;
}

bool lig_type_bind_upper_within(const LigDimTable *table, const LigType *type, const LigDimBounds *bounds,
                                LigShape *out)
{
    *out = (LigShape){.dtype = type->dtype, .rank = type->rank, .layout = type->layout};
    for (int i = 0; i < type->rank; i++) {
        LigDimBounds range = lig_dim_range_within(table, type->dims[i], bounds);
        if (range.high < 0 || range.high == INT64_MAX) return false;
        out->dims[i] = range.high;
    }
    return true;
}

bool lig_type_bind_upper(const LigDimTable *table, const LigType *type, LigShape *out)
{
    LigDimBounds bounds[LIG_MAX_SYMBOLS];
    lig_dims_bounds(table, bounds);
    return lig_type_bind_upper_within(table, type, bounds, out);
}

bool lig_shape_count(const LigShape *shape, int64_t *out)
{
    bool empty = false;
    for (int i = 0; i < shape->rank; i++) {
        if (shape->dims[i] < 0) return false;
        empty |= shape->dims[i] == 0;
    }
    *out = empty ? 0 : 1;
    for (int i = 0; i < shape->rank && !empty; i++) {
        if (__builtin_mul_overflow(*out, shape->dims[i], out)) return false;
    }
    return true;
}
