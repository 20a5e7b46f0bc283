// Construction of dims in normal form. Every result goes through `finish`, which sorts and interns it.
#include "ir/dim.h"

#include "ir/dim_node.h"

#include <string.h>

// A sum being built; `failed` after an overflow or past the limits.
typedef struct Sum {
    LigDimTerm terms[LIG_MAX_TERMS];
    size_t count;
    bool failed;
} Sum;

// The terms are left as they are: they are large, and only those below the count mean anything.
static void sum_begin(Sum *sum)
{
    sum->count = 0;
    sum->failed = false;
}

static int compare_dims(LigDim a, LigDim b);

static int compare_numbers(int64_t a, int64_t b) { return (a > b) - (a < b); }

static int compare_atoms(const LigDimAtom *a, const LigDimAtom *b)
{
    if (a == b) return 0;
    if (a->kind != b->kind) return a->kind < b->kind ? -1 : 1;
    if (a->symbol != b->symbol) return a->symbol < b->symbol ? -1 : 1;
    if (a->by != b->by) return compare_numbers(a->by, b->by);
    if (a->count != b->count) return a->count < b->count ? -1 : 1;
    for (size_t i = 0; i < a->count; i++) {
        int order = compare_dims(a->operands[i], b->operands[i]);
        if (order != 0) return order;
    }
    return 0;
}

// Higher degree first, so that the constant is last.
static int compare_products(const LigDimTerm *a, const LigDimTerm *b)
{
    if (a->degree != b->degree) return a->degree > b->degree ? -1 : 1;
    for (size_t i = 0; i < a->degree; i++) {
        int order = compare_atoms(a->atoms[i], b->atoms[i]);
        if (order != 0) return order;
    }
    return 0;
}

static int compare_dims(LigDim a, LigDim b)
{
    if (a == b) return 0;
    for (size_t i = 0; i < a->count && i < b->count; i++) {
        int order = compare_products(&a->terms[i], &b->terms[i]);
        if (order == 0) order = compare_numbers(a->terms[i].coefficient, b->terms[i].coefficient);
        if (order != 0) return order;
    }
    return compare_numbers((int64_t)b->count, (int64_t)a->count);
}

// The interned copy of `bytes` bytes at `key`; *found tells if it was there. NULL when memory is out.
static void *intern(LigArena *arena, LigMap *map, LigStr key, size_t bytes)
{
    void *copy = lig_arena_copy(arena, key.data, key.length);
    void *value = bytes == 0 ? copy : lig_arena_alloc(arena, bytes);
    if (copy == NULL || value == NULL) return NULL;
    return lig_map_put(arena, map, (LigStr){copy, key.length}, value) ? value : NULL;
}

static void sum_add(Sum *sum, const LigDimTerm *term)
{
    for (size_t i = 0; i < sum->count; i++) {
        LigDimTerm *old = &sum->terms[i];
        if (old->degree != term->degree || memcmp(old->atoms, term->atoms, sizeof old->atoms) != 0) continue;
        sum->failed |= __builtin_add_overflow(old->coefficient, term->coefficient, &old->coefficient);
        return;
    }
    if (sum->count == LIG_MAX_TERMS) {
        sum->failed = true;
        return;
    }
    sum->terms[sum->count++] = *term;
}

static void sum_add_dim(Sum *sum, LigDim dim, int64_t factor)
{
    for (size_t i = 0; i < dim->count; i++) {
        LigDimTerm term = dim->terms[i];
        sum->failed |= __builtin_mul_overflow(term.coefficient, factor, &term.coefficient);
        sum_add(sum, &term);
    }
}

static void sum_add_const(Sum *sum, int64_t value)
{
    LigDimTerm term = {.coefficient = value};
    sum_add(sum, &term);
}

// Drops what cancelled and sorts by insertion; the sums are short.
static void sum_normalise(Sum *sum)
{
    size_t count = 0;
    for (size_t i = 0; i < sum->count; i++) {
        LigDimTerm term = sum->terms[i];
        if (term.coefficient == 0) continue;
        size_t at = count++;
        for (; at > 0 && compare_products(&term, &sum->terms[at - 1]) < 0; at--)
            sum->terms[at] = sum->terms[at - 1];
        sum->terms[at] = term;
    }
    sum->count = count;
}

static LigDim finish(LigDimTable *table, Sum *sum)
{
    if (sum->failed) return NULL;
    sum_normalise(sum);
    LigStr key = {(const char *)sum->terms, sum->count * sizeof *sum->terms};
    struct LigDimNode *node = lig_map_get(&table->dims, key);
    if (node != NULL) return node;
    node = intern(table->arena, &table->dims, key, sizeof *node);
    if (node == NULL) return NULL;
    node->terms = lig_arena_copy(table->arena, sum->terms, key.length);
    if (node->terms == NULL) return NULL;
    node->count = sum->count;
    for (size_t i = 0; i < sum->count; i++) {
        for (size_t j = 0; j < sum->terms[i].degree; j++) node->symbols |= sum->terms[i].atoms[j]->symbols;
    }
    return node;
}

static LigDim atom_dim(LigDimTable *table, const LigDimAtom *atom)
{
    LigStr key = {(const char *)atom, sizeof *atom};
    const LigDimAtom *kept = lig_map_get(&table->atoms, key);
    if (kept == NULL) kept = intern(table->arena, &table->atoms, key, 0);
    if (kept == NULL) return NULL;
    Sum sum;
    sum_begin(&sum);
    sum_add(&sum, &(LigDimTerm){.coefficient = 1, .degree = 1, .atoms = {kept}});
    return finish(table, &sum);
}

LigDimTable *lig_dims_create(LigArena *arena)
{
    LigDimTable *table = LIG_NEW(arena, LigDimTable);
    if (table == NULL) return NULL;
    table->arena = arena;
    table->self = table;
    return table;
}

LigStatus lig_dims_declare(LigContext *ctx, LigDimTable *table, LigLoc loc, LigSymbol symbol, LigDim *out)
{
    const char *bounds = "the bounds must be 0 <= low <= high";
    if (lig_dims_find(table, symbol.name) != NULL)
        return lig_fail(ctx, LIG_ERR_INVALID, loc, "dim %.*s is declared twice; give this one another name",
                        LIG_STR_ARG(symbol.name));
    if (symbol.low < 0 || symbol.low > symbol.high)
        return lig_fail(ctx, LIG_ERR_INVALID, loc, "dim %.*s in %lld..%lld: %s", LIG_STR_ARG(symbol.name),
                        (long long)symbol.low, (long long)symbol.high, bounds);
    if (table->symbol_count == LIG_MAX_SYMBOLS)
        return lig_fail(ctx, LIG_ERR_INVALID, loc,
                        "dim %.*s: a module has at most %d dims, write some as expressions of others",
                        LIG_STR_ARG(symbol.name), LIG_MAX_SYMBOLS);
    symbol.name = lig_str_copy(table->arena, symbol.name);
    if (symbol.name.data == NULL) return lig_no_memory(ctx);
    size_t index = table->symbol_count++;
    table->symbols[index] = symbol;
    table->declared[index] = table->bounds[index] = (LigDimBounds){symbol.low, symbol.high};
    *out = lig_dim_symbol(table, index);
    return *out == NULL ? lig_no_memory(ctx) : LIG_OK;
}

size_t lig_dims_symbol_count(const LigDimTable *table) { return table->symbol_count; }
const LigSymbol *lig_dims_symbol(const LigDimTable *table, size_t index) { return &table->symbols[index]; }

LigDim lig_dims_find(LigDimTable *table, LigStr name)
{
    for (size_t i = 0; i < table->symbol_count; i++) {
        if (lig_str_equal(table->symbols[i].name, name)) return lig_dim_symbol(table, i);
    }
    return NULL;
}

bool lig_dims_add_fact(LigDimTable *table, LigFact fact)
{
    if (fact.left == NULL || fact.right == NULL || !LIG_VEC_PUSH(table->arena, &table->facts, fact))
        return false;
    LigDim slack = lig_dim_sub(table, fact.right, fact.left);
    LigDim reverse = fact.relation == LIG_REL_EQ ? lig_dim_sub(table, fact.left, fact.right) : NULL;
    if (slack != NULL && !LIG_VEC_PUSH(table->arena, &table->slacks, slack)) return false;
    if (reverse != NULL && !LIG_VEC_PUSH(table->arena, &table->slacks, reverse)) return false;
    LigDimBounds bounds[LIG_MAX_SYMBOLS];
    lig_dims_bounds(table, bounds);
    if (lig_dims_sharpen(table, bounds)) memcpy(table->bounds, bounds, sizeof bounds);
    return true;
}

size_t lig_dims_fact_count(const LigDimTable *table) { return table->facts.count; }
const LigFact *lig_dims_fact(const LigDimTable *table, size_t index) { return &table->facts.data[index]; }

LigDim lig_dim_const(LigDimTable *table, int64_t value)
{
    Sum sum;
    sum_begin(&sum);
    sum_add_const(&sum, value);
    return finish(table, &sum);
}

LigDim lig_dim_symbol(LigDimTable *table, size_t index)
{
    LIG_ASSERT(index < table->symbol_count);
    LigDimAtom atom = {.kind = LIG_ATOM_SYMBOL, .symbols = UINT32_C(1) << index, .symbol = index};
    return atom_dim(table, &atom);
}

LigDim lig_dim_add(LigDimTable *table, LigDim a, LigDim b)
{
    if (a == NULL || b == NULL) return NULL;
    Sum sum;
    sum_begin(&sum);
    sum_add_dim(&sum, a, 1);
    sum_add_dim(&sum, b, 1);
    return finish(table, &sum);
}

LigDim lig_dim_sub(LigDimTable *table, LigDim a, LigDim b)
{
    if (a == NULL || b == NULL) return NULL;
    Sum sum;
    sum_begin(&sum);
    sum_add_dim(&sum, a, 1);
    sum_add_dim(&sum, b, -1);
    return finish(table, &sum);
}

static bool multiply_terms(const LigDimTerm *a, const LigDimTerm *b, LigDimTerm *out)
{
    *out = (LigDimTerm){.degree = a->degree + b->degree};
    if (out->degree > LIG_MAX_DEGREE) return false;
    size_t i = 0, j = 0;
    while (i + j < out->degree) {
        bool first = j == b->degree || (i < a->degree && compare_atoms(a->atoms[i], b->atoms[j]) <= 0);
        out->atoms[i + j] = first ? a->atoms[i] : b->atoms[j];
        if (first)
            i++;
        else
            j++;
    }
    return !__builtin_mul_overflow(a->coefficient, b->coefficient, &out->coefficient);
}

LigDim lig_dim_mul(LigDimTable *table, LigDim a, LigDim b)
{
    if (a == NULL || b == NULL) return NULL;
    Sum sum;
    sum_begin(&sum);
    for (size_t i = 0; i < a->count; i++) {
        for (size_t j = 0; j < b->count; j++) {
            LigDimTerm term;
            if (!multiply_terms(&a->terms[i], &b->terms[j], &term)) return NULL;
            sum_add(&sum, &term);
        }
    }
    return finish(table, &sum);
}

static int64_t floor_quotient(int64_t a, int64_t by) { return a / by - (a % by < 0); }

static int64_t greatest_divisor(int64_t a, int64_t b)
{
    while (b != 0) {
        int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a < 0 ? -a : a;
}

static int64_t constant_part(LigDim dim)
{
    if (dim->count == 0 || dim->terms[dim->count - 1].degree != 0) return 0;
    return dim->terms[dim->count - 1].coefficient;
}

// A common factor of the divisor and of all coefficients but the constant's may be divided out, the constant
// rounding down: floordiv(4*N + 6, 8) = floordiv(2*N + 3, 4) = floordiv(N*2 + 3, 4).
static LigDim reduce_fraction(LigDimTable *table, LigDim dim, int64_t *by)
{
    int64_t divisor = *by;
    for (size_t i = 0; i < dim->count; i++) {
        if (dim->terms[i].degree > 0) divisor = greatest_divisor(divisor, dim->terms[i].coefficient);
    }
    if (divisor == 1) return dim;
    *by /= divisor;
    Sum sum;
    sum_begin(&sum);
    for (size_t i = 0; i < dim->count; i++) {
        LigDimTerm term = dim->terms[i];
        term.coefficient = floor_quotient(term.coefficient, divisor);
        sum_add(&sum, &term);
    }
    return finish(table, &sum);
}

// floordiv(floordiv(p, a) + k, b) = floordiv(p + a*k, a*b). NULL where that does not apply.
static LigDim unnest(LigDimTable *table, LigDim dim, int64_t *by)
{
    const LigDimTerm *term = &dim->terms[0];
    int64_t product, shift, k = constant_part(dim);
    if (dim->count != (size_t)(k != 0) + 1 || term->degree != 1 || term->coefficient != 1 ||
        term->atoms[0]->kind != LIG_ATOM_FLOORDIV ||
        __builtin_mul_overflow(term->atoms[0]->by, *by, &product) ||
        __builtin_mul_overflow(term->atoms[0]->by, k, &shift))
        return NULL;
    *by = product;
    return lig_dim_add(table, term->atoms[0]->operands[0], lig_dim_const(table, shift));
}

// `dim` has all coefficients in [0, by) and `by` > 1.
static LigDim floordiv_rest(LigDimTable *table, LigDim dim, int64_t by)
{
    LigDimBounds range = lig_dim__interval(dim, table->declared);
    bool bounded = range.low != INT64_MIN && range.high != INT64_MAX;
    if (bounded && floor_quotient(range.low, by) == floor_quotient(range.high, by))
        return lig_dim_const(table, floor_quotient(range.low, by));
    LigDim inner = unnest(table, dim, &by);
    if (inner != NULL) return lig_dim_floordiv(table, inner, by);
    LigDimAtom atom = {
        .kind = LIG_ATOM_FLOORDIV, .symbols = dim->symbols, .by = by, .count = 1, .operands = {dim}};
    return atom_dim(table, &atom);
}

LigDim lig_dim_floordiv(LigDimTable *table, LigDim a, int64_t by)
{
    if (a == NULL || by <= 0) return NULL;
    a = reduce_fraction(table, a, &by);
    if (a == NULL || by == 1) return a;
    Sum whole, rest;
    sum_begin(&whole);
    sum_begin(&rest);
    for (size_t i = 0; i < a->count; i++) {
        LigDimTerm term = a->terms[i];
        int64_t quotient = floor_quotient(term.coefficient, by);
        int64_t remainder = term.coefficient % by;
        if (remainder < 0) remainder += by;
        term.coefficient = quotient;
        sum_add(&whole, &term);
        term.coefficient = remainder;
        sum_add(&rest, &term);
    }
    LigDim left = finish(table, &whole), right = finish(table, &rest);
    if (left == NULL || right == NULL) return NULL;
    if (left->count == 0) return right->count == 0 ? right : floordiv_rest(table, right, by);
    return lig_dim_add(table, left, lig_dim_floordiv(table, right, by));
}

LigDim lig_dim_ceildiv(LigDimTable *table, LigDim a, int64_t by)
{
    if (by <= 0) return NULL;
    return lig_dim_floordiv(table, lig_dim_add(table, a, lig_dim_const(table, by - 1)), by);
}

// The operands of a min or max being built.
typedef struct Choice {
    LigAtomKind kind;
    LigDim operands[2 * LIG_MAX_CHOICES];
    size_t count;
} Choice;

// Takes the operands of `dim` when it is a min or max of the same kind, plus a constant; else itself.
static bool choice_add(LigDimTable *table, Choice *choice, LigDim dim)
{
    int64_t k = constant_part(dim);
    const LigDimTerm *term = &dim->terms[0];
    bool nested = dim->count == (size_t)(k != 0) + 1 && term->degree == 1 && term->coefficient == 1 &&
                  term->atoms[0]->kind == choice->kind;
    if (!nested) {
        choice->operands[choice->count++] = dim;
        return true;
    }
    for (size_t i = 0; i < term->atoms[0]->count; i++) {
        LigDim operand = lig_dim_add(table, term->atoms[0]->operands[i], lig_dim_const(table, k));
        if (operand == NULL) return false;
        choice->operands[choice->count++] = operand;
    }
    return true;
}

// Whether `a` makes `b` superfluous: never above it in a min, never below it in a max.
static bool dominates(LigDimTable *table, LigAtomKind kind, LigDim a, LigDim b)
{
    LigDim slack = kind == LIG_ATOM_MIN ? lig_dim_sub(table, b, a) : lig_dim_sub(table, a, b);
    return slack != NULL && lig_dim__interval(slack, table->declared).low >= 0;
}

static void choice_drop_superfluous(LigDimTable *table, Choice *choice)
{
    for (size_t i = 0; i < choice->count;) {
        bool drop = false;
        for (size_t j = 0; j < choice->count && !drop; j++)
            drop = j != i && dominates(table, choice->kind, choice->operands[j], choice->operands[i]);
        if (drop)
            choice->operands[i] = choice->operands[--choice->count];
        else
            i++;
    }
}

// Shifts the operands so that their least constant is 0: min(N + 1, 5) = min(N, 4) + 1.
static bool choice_shift(LigDimTable *table, Choice *choice, int64_t *shift)
{
    *shift = INT64_MAX;
    for (size_t i = 0; i < choice->count; i++) {
        int64_t k = constant_part(choice->operands[i]);
        if (k < *shift) *shift = k;
    }
    LigDim offset = lig_dim_const(table, *shift);
    for (size_t i = 0; i < choice->count; i++) {
        choice->operands[i] = lig_dim_sub(table, choice->operands[i], offset);
        if (choice->operands[i] == NULL) return false;
    }
    return true;
}

static LigDim choose(LigDimTable *table, LigAtomKind kind, LigDim a, LigDim b)
{
    if (a == NULL || b == NULL) return NULL;
    Choice choice = {.kind = kind};
    if (!choice_add(table, &choice, a) || !choice_add(table, &choice, b)) return NULL;
    choice_drop_superfluous(table, &choice);
    if (choice.count == 1) return choice.operands[0];
    int64_t shift;
    if (choice.count > LIG_MAX_CHOICES || !choice_shift(table, &choice, &shift)) return NULL;
    LigDimAtom atom = {.kind = kind, .count = choice.count};
    for (size_t i = 0; i < choice.count; i++) {
        size_t at = i;
        for (; at > 0 && compare_dims(choice.operands[i], atom.operands[at - 1]) < 0; at--)
            atom.operands[at] = atom.operands[at - 1];
        atom.operands[at] = choice.operands[i];
        atom.symbols |= choice.operands[i]->symbols;
    }
    return lig_dim_add(table, atom_dim(table, &atom), lig_dim_const(table, shift));
}

LigDim lig_dim_min(LigDimTable *table, LigDim a, LigDim b) { return choose(table, LIG_ATOM_MIN, a, b); }
LigDim lig_dim_max(LigDimTable *table, LigDim a, LigDim b) { return choose(table, LIG_ATOM_MAX, a, b); }
