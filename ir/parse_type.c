// Dims, types and attributes.
#include "ir/parse_parts.h"

// ---- dims ----

static bool dim_made(LigParser *p, LigLoc loc, LigDim dim)
{
    if (dim != NULL) return true;
    return lig_parser__fail(p, loc,
                            "this size does not fit: a number overflows 64 bits, or it has more than 64 terms, "
                            "8 factors or 16 choices; make it smaller, or declare a dim for a part");
}

static bool read_divisor(LigParser *p, int64_t *by)
{
    LigLoc loc = p->token.loc;
    if (!lig_parser__expect(p, ",", "floordiv(N, 16)") ||
        !lig_parser__integer(p, "the number to divide by", by))
        return false;
    return *by > 0 ||
           lig_parser__fail(p, loc, "a size is divided by a number above 0, like floordiv(N, 16), not by %lld",
                            (long long)*by);
}

static bool read_choices(LigParser *p, bool least, LigDim *out)
{
    LigDimTable *dims = p->module->dims;
    while (lig_parser__accept(p, ",")) {
        LigLoc loc = p->token.loc;
        LigDim other;
        if (!lig_parser__dim(p, &other)) return false;
        *out = least ? lig_dim_min(dims, *out, other) : lig_dim_max(dims, *out, other);
        if (!dim_made(p, loc, *out)) return false;
    }
    return true;
}

// floordiv(N, 16) ceildiv(N, 16) min(N, 4) max(N, R), from its parenthesis on.
static bool read_function(LigParser *p, LigToken name, LigDim *out)
{
    LigDimTable *dims = p->module->dims;
    bool down = lig_str_is(name.text, "floordiv"), up = lig_str_is(name.text, "ceildiv");
    bool least = lig_str_is(name.text, "min"), most = lig_str_is(name.text, "max");
    if (!down && !up && !least && !most)
        return lig_parser__fail(p, name.loc,
                                "unknown function `%.*s` of sizes: there are floordiv, ceildiv, min and max",
                                LIG_STR_ARG(name.text));
    lig_parser__advance(p);
    if (!lig_parser__dim(p, out)) return false;
    int64_t by;
    if (least || most) {
        if (!read_choices(p, least, out)) return false;
    } else {
        if (!read_divisor(p, &by)) return false;
        *out = down ? lig_dim_floordiv(dims, *out, by) : lig_dim_ceildiv(dims, *out, by);
    }
    return dim_made(p, name.loc, *out) && lig_parser__expect(p, ")", "floordiv(N, 16)");
}

static bool read_symbol(LigParser *p, LigToken name, LigDim *out)
{
    LigDimTable *dims = p->module->dims;
    *out = lig_dims_find(dims, name.text);
    if (*out != NULL) return true;
    LigNear near = lig_near(name.text);
    for (size_t i = 0; i < lig_dims_symbol_count(dims); i++)
        lig_near_offer(&near, lig_dims_symbol(dims, i)->name);
    return lig_parser__unknown(p, name, "dim", &near, "declare it above, like `dim N in 1..512`");
}

static bool read_factor(LigParser *p, LigDim *out)
{
    LigToken token = p->token;
    int64_t value;
    if (token.kind == LIG_TOKEN_NUMBER) {
        lig_parser__advance(p);
        if (!lig_parser__integer_of(p, token, &value)) return false;
        *out = lig_dim_const(p->module->dims, value);
        return dim_made(p, token.loc, *out);
    }
    if (token.kind == LIG_TOKEN_NAME) {
        lig_parser__advance(p);
        return lig_parser__is_symbol(p, "(") ? read_function(p, token, out) : read_symbol(p, token, out);
    }
    if (!lig_parser__accept(p, "(")) return lig_parser__expected(p, "a size: a number, a dim or (");
    return lig_parser__dim(p, out) && lig_parser__expect(p, ")", "2*(N + 1)");
}

static bool read_product(LigParser *p, LigDim *out)
{
    LigLoc loc = p->token.loc;
    if (!read_factor(p, out)) return false;
    while (lig_parser__accept(p, "*")) {
        LigDim other;
        if (!read_factor(p, &other)) return false;
        *out = lig_dim_mul(p->module->dims, *out, other);
        if (!dim_made(p, loc, *out)) return false;
    }
    return true;
}

static bool read_sum(LigParser *p, LigDim *out)
{
    LigDimTable *dims = p->module->dims;
    LigLoc loc = p->token.loc;
    bool negative = lig_parser__accept(p, "-");
    if (!read_product(p, out)) return false;
    if (negative) *out = lig_dim_sub(dims, lig_dim_const(dims, 0), *out);
    while (dim_made(p, loc, *out)) {
        bool minus = lig_parser__is_symbol(p, "-");
        if (!minus && !lig_parser__is_symbol(p, "+")) return true;
        lig_parser__advance(p);
        LigDim other;
        if (!read_product(p, &other)) return false;
        *out = minus ? lig_dim_sub(dims, *out, other) : lig_dim_add(dims, *out, other);
    }
    return false;
}

bool lig_parser__dim(LigParser *p, LigDim *out)
{
    if (p->nesting == LIG_MAX_NESTING)
        return lig_parser__fail(p, p->token.loc,
                                "a size nests more than %d parentheses: declare a dim for a part",
                                LIG_MAX_NESTING);
    p->nesting++;
    bool done = read_sum(p, out);
    p->nesting--;
    return done;
}

bool lig_parser__range(LigParser *p, int64_t *low, int64_t *high)
{
    return lig_parser__integer(p, "a range like 1..512", low) && lig_parser__expect(p, "..", "1..512") &&
           lig_parser__integer(p, "the upper bound, a number", high);
}

// ---- types ----

static bool read_dtype(LigParser *p, LigDtype *out)
{
    LigToken name;
    if (!lig_parser__expect_kind(p, LIG_TOKEN_NAME, "a type like f32[N,576]", &name)) return false;
    if (lig_dtype_find(name.text, out)) return true;
    LigNear near = lig_near(name.text);
    for (int i = 0; i < LIG_DTYPE_COUNT; i++) lig_near_offer(&near, lig_str(lig_dtype_name((LigDtype)i)));
    return lig_parser__unknown(p, name, "dtype", &near, "expected one like f32, bf16, i32 or q8_0");
}

static const char *const type_form = "f32[N,576]";

static bool read_axes(LigParser *p, LigType *type)
{
    if (!lig_parser__expect(p, "[", type_form)) return false;
    if (lig_parser__accept(p, "]")) return true;
    do {
        LigLoc loc = p->token.loc;
        int64_t value;
        if (type->rank == LIG_MAX_RANK)
            return lig_parser__fail(p, loc, "a type has at most %d axes: join some", LIG_MAX_RANK);
        if (!lig_parser__dim(p, &type->dims[type->rank])) return false;
        if (lig_dim_is_const(type->dims[type->rank], &value) && value < 0)
            return lig_parser__fail(p, loc, "a size is never negative, this one is %lld: write 0 or more",
                                    (long long)value);
        type->rank++;
    } while (lig_parser__accept(p, ","));
    return lig_parser__expect(p, "]", type_form);
}

static const char *const panel_form = "@panel(n=32,k=32)";

static bool read_panel_number(LigParser *p, const char *name, int32_t *out)
{
    LigLoc loc = p->token.loc;
    int64_t value;
    if (!lig_parser__expect_keyword(p, name, panel_form) || !lig_parser__expect(p, "=", panel_form))
        return false;
    if (!lig_parser__integer(p, "a number", &value)) return false;
    if (value < 1 || value > INT32_MAX)
        return lig_parser__fail(p, loc, "%s of a panel is %lld, but it must be in 1..1024", name,
                                (long long)value);
    *out = (int32_t)value;
    return true;
}

static bool read_layout(LigParser *p, LigType *type)
{
    if (p->token.kind != LIG_TOKEN_FUNC) return true;
    LigToken name = p->token;
    if (!lig_str_is(name.text, "panel"))
        return lig_parser__fail(p, name.loc,
                                "unknown layout `@%.*s`: expected @panel(n=32,k=32), or none for rows",
                                LIG_STR_ARG(name.text));
    lig_parser__advance(p);
    type->layout.kind = LIG_LAYOUT_PANEL;
    if (!lig_parser__expect(p, "(", panel_form) || !read_panel_number(p, "n", &type->layout.n) ||
        !lig_parser__expect(p, ",", panel_form) || !read_panel_number(p, "k", &type->layout.k) ||
        !lig_parser__expect(p, ")", panel_form))
        return false;
    int64_t columns = 0;
    bool known = type->rank > 0 && lig_dim_is_const(type->dims[type->rank - 1], &columns);
    const char *problem = lig_layout_problem(type->layout, type->dtype, type->rank, columns);
    if (problem == NULL && !known && type->layout.k != 1)
        problem = "k of a panel must be 1 when the last axis varies";
    return problem == NULL || lig_parser__fail(p, name.loc, "%s: state another layout, or none", problem);
}

bool lig_parser__type(LigParser *p, LigType *out)
{
    LigLoc loc = p->token.loc;
    int64_t columns, block;
    *out = (LigType){0};
    if (!read_dtype(p, &out->dtype) || !read_axes(p, out) || !read_layout(p, out)) return false;
    block = lig_dtype_block(out->dtype);
    if (block == 1) return true;
    if (out->rank == 0)
        return lig_parser__fail(p, loc,
                                "%s is stored in blocks along the last axis: give it one, like %s[%lld]",
                                lig_dtype_name(out->dtype), lig_dtype_name(out->dtype), (long long)block);
    if (!lig_dim_is_const(out->dims[out->rank - 1], &columns) || columns % block == 0) return true;
    return lig_parser__fail(p, loc,
                            "the last axis of %s must be a multiple of its block of %lld, but is %lld: pad it, "
                            "or state another dtype",
                            lig_dtype_name(out->dtype), (long long)block, (long long)columns);
}

// ---- attributes ----

static const char *const axes_form = "axes=[0, 1]";

static bool read_integers(LigParser *p, LigAttr *attr)
{
    LIG_VEC(int64_t) list = {0};
    if (!lig_parser__expect(p, "[", axes_form)) return false;
    while (!lig_parser__accept(p, "]")) {
        int64_t value;
        if (list.count > 0 && !lig_parser__expect(p, ",", axes_form)) return false;
        if (!lig_parser__integer(p, "an integer", &value)) return false;
        if (!LIG_VEC_PUSH(p->module->arena, &list, value)) return lig_parser__no_memory(p);
    }
    attr->value.integers.data = list.data;
    attr->value.integers.count = list.count;
    return true;
}

static bool read_attr_value(LigParser *p, LigAttr *attr)
{
    LigToken token;
    switch (lig_attr_kind(attr->key)) {
    case LIG_ATTR_FLAG:
        return true;
    case LIG_ATTR_INT:
        return lig_parser__integer(p, "an integer", &attr->value.integer);
    case LIG_ATTR_FLOAT:
        return lig_parser__number_text(p, "a number", &token) &&
               lig_parser__real_of(p, token, &attr->value.real);
    case LIG_ATTR_NAME:
        if (!lig_parser__expect_kind(p, LIG_TOKEN_NAME, "a name", &token)) return false;
        attr->value.name = token.text;
        return true;
    case LIG_ATTR_INTS:
        return read_integers(p, attr);
    }
    return false;
}

bool lig_parser__attr(LigParser *p, LigAttrs *attrs)
{
    LigToken name;
    LigAttr attr = {0};
    if (!lig_parser__expect_kind(p, LIG_TOKEN_NAME, "an attribute", &name)) return false;
    if (!lig_attr_find(name.text, &attr.key)) {
        LigNear near = lig_near(name.text);
        for (int i = 0; i < LIG_ATTR_COUNT; i++) lig_near_offer(&near, lig_str(lig_attr_name((LigAttrKey)i)));
        return lig_parser__unknown(p, name, "attribute", &near, "ir/attrs.def lists them all");
    }
    if (lig_attrs_get(*attrs, attr.key) != NULL)
        return lig_parser__fail(p, name.loc, "attribute `%.*s` stands here twice: drop one",
                                LIG_STR_ARG(name.text));
    bool flag = lig_attr_kind(attr.key) == LIG_ATTR_FLAG;
    if (flag && lig_parser__is_symbol(p, "="))
        return lig_parser__fail(p, p->token.loc, "attribute `%.*s` has no value: it is there or not",
                                LIG_STR_ARG(name.text));
    if (!flag && !lig_parser__expect(p, "=", "{axis=1}")) return false;
    if (!read_attr_value(p, &attr)) return false;
    return lig_attrs_set(p->module->arena, attrs, attr) || lig_parser__no_memory(p);
}

bool lig_parser__attrs(LigParser *p, LigAttrs *attrs)
{
    do {
        if (!lig_parser__attr(p, attrs)) return false;
    } while (lig_parser__accept(p, ","));
    return lig_parser__expect(p, "}", "{axis=1, keep}");
}
