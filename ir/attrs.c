#include "ir/op.h"

#include <float.h>
#include <string.h>

// Both ends inclusive, which doubles can: below 1 is at most its neighbour. Without words: any number.
typedef struct AttrRange {
    double low, high;
    const char *words;
} AttrRange;

typedef struct AttrInfo {
    const char *name;
    LigAttrKind kind;
    AttrRange range;
} AttrInfo;

#define ANY {0.0, 0.0, NULL}
// Kernels compute in f32: what is none or infinite there is refused here.
#define FINITE {-(double)FLT_MAX, (double)FLT_MAX, "finite in f32"}
#define NOT_NEGATIVE {0.0, (double)FLT_MAX, "0 or more, and finite in f32"}
#define POSITIVE {(double)FLT_MIN, (double)FLT_MAX, "above 0, and a normal number of f32"}
#define SHARE {0.0, 1.0 - DBL_EPSILON / 2, "0 or more and below 1"}
#define FROM(low) {low, 0x1p63, #low " or more"}
#define WITHIN(low, high) {low, high, "in " #low ".." #high}

static const AttrInfo attr_infos[LIG_ATTR_COUNT] = {
#define LIG_ATTR(ID, name, kind, range, meaning) [LIG_ATTR_##ID] = {#name, LIG_ATTR_##kind, range},
#include "ir/attrs.def"
#undef LIG_ATTR
};

_Static_assert(LIG_ATTR_COUNT <= 64, "sets of attributes are 64-bit masks");

const char *lig_attr_name(LigAttrKey key)
{
    LIG_ASSERT(key < LIG_ATTR_COUNT);
    return attr_infos[key].name;
}

LigAttrKind lig_attr_kind(LigAttrKey key)
{
    LIG_ASSERT(key < LIG_ATTR_COUNT);
    return attr_infos[key].kind;
}

bool lig_attr_find(LigStr name, LigAttrKey *out)
{
    for (LigAttrKey key = 0; key < LIG_ATTR_COUNT; key++) {
        if (!lig_str_is(name, attr_infos[key].name)) continue;
        *out = key;
        return true;
    }
    return false;
}

const char *lig_attr_problem(const LigAttr *attr)
{
    LigAttrKind kind = lig_attr_kind(attr->key);
    const AttrRange *range = &attr_infos[attr->key].range;
    if (!range->words || (kind != LIG_ATTR_INT && kind != LIG_ATTR_FLOAT)) return NULL;
    double value = kind == LIG_ATTR_INT ? (double)attr->value.integer : attr->value.real;
    return value >= range->low && value <= range->high ? NULL : range->words; // no NaN is inside
}

const LigAttr *lig_attrs_get(LigAttrs attrs, LigAttrKey key)
{
    for (size_t i = 0; i < attrs.count; i++) {
        if (attrs.items[i].key == key) return &attrs.items[i];
    }
    return NULL;
}

int64_t lig_attrs_int(LigAttrs attrs, LigAttrKey key, int64_t fallback)
{
    LIG_ASSERT(lig_attr_kind(key) == LIG_ATTR_INT);
    const LigAttr *attr = lig_attrs_get(attrs, key);
    return attr ? attr->value.integer : fallback;
}

double lig_attrs_float(LigAttrs attrs, LigAttrKey key, double fallback)
{
    LIG_ASSERT(lig_attr_kind(key) == LIG_ATTR_FLOAT);
    const LigAttr *attr = lig_attrs_get(attrs, key);
    return attr ? attr->value.real : fallback;
}

bool lig_attrs_flag(LigAttrs attrs, LigAttrKey key)
{
    LIG_ASSERT(lig_attr_kind(key) == LIG_ATTR_FLAG);
    return lig_attrs_get(attrs, key) != NULL;
}

LigStr lig_attrs_name(LigAttrs attrs, LigAttrKey key, LigStr fallback)
{
    LIG_ASSERT(lig_attr_kind(key) == LIG_ATTR_NAME);
    const LigAttr *attr = lig_attrs_get(attrs, key);
    return attr ? attr->value.name : fallback;
}

static uint64_t bits_of(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static bool values_equal(const LigAttr *a, const LigAttr *b)
{
    switch (lig_attr_kind(a->key)) {
    case LIG_ATTR_INT:
        return a->value.integer == b->value.integer;
    // By bits: 0 and -0 differ in what they compute, and a NaN equals itself.
    case LIG_ATTR_FLOAT:
        return bits_of(a->value.real) == bits_of(b->value.real);
    case LIG_ATTR_FLAG:
        return true;
    case LIG_ATTR_NAME:
        return lig_str_equal(a->value.name, b->value.name);
    case LIG_ATTR_INTS:
        return a->value.integers.count == b->value.integers.count &&
               (!a->value.integers.count || !memcmp(a->value.integers.data, b->value.integers.data,
                                                    a->value.integers.count * sizeof(int64_t)));
    }
    return false;
}

bool lig_attrs_equal(LigAttrs a, LigAttrs b)
{
    if (a.count != b.count) return false;
    for (size_t i = 0; i < a.count; i++) {
        if (a.items[i].key != b.items[i].key || !values_equal(&a.items[i], &b.items[i])) return false;
    }
    return true;
}

// Copies what `attr` points to into the arena, so that callers may pass what lives on their stack.
static bool own_value(LigArena *arena, LigAttr *attr)
{
    if (lig_attr_kind(attr->key) == LIG_ATTR_NAME) {
        attr->value.name = lig_str_copy(arena, attr->value.name);
        return attr->value.name.data != NULL;
    }
    if (lig_attr_kind(attr->key) == LIG_ATTR_INTS) {
        int64_t *data = LIG_NEW_ARRAY(arena, int64_t, attr->value.integers.count);
        if (!data) return false;
        for (size_t i = 0; i < attr->value.integers.count; i++) data[i] = attr->value.integers.data[i];
        attr->value.integers.data = data;
    }
    return true;
}

bool lig_attrs_set(LigArena *arena, LigAttrs *attrs, LigAttr attr)
{
    LigAttr *items = LIG_NEW_ARRAY(arena, LigAttr, attrs->count + 1);
    if (!items || !own_value(arena, &attr)) return false;
    size_t count = 0, i = 0;
    while (i < attrs->count && attrs->items[i].key < attr.key) items[count++] = attrs->items[i++];
    items[count++] = attr;
    if (i < attrs->count && attrs->items[i].key == attr.key) i++;
    while (i < attrs->count) items[count++] = attrs->items[i++];
    *attrs = (LigAttrs){items, count};
    return true;
}
