// Dims: the sizes in shapes. A dim is a polynomial over declared symbols with floordiv/ceildiv by constants,
// min and max, kept in a normal form and interned: two dims with the same normal form are the same pointer.
//
// A LigDimTable belongs to one module and owns its symbols, facts and nodes. Every constructor takes NULL
// operands and gives NULL back, and gives NULL when memory is out, a coefficient overflows i64, or the normal
// form grows past 64 terms, degree 8 or 16 operands of one min or max; builders check once at the end.
//
// Text form: `N`, `512`, `R + 1`, `3*N*K - 2`, `floordiv(N, 16)`, `ceildiv(N + 1, 16)`, `min(N, 4)`, `max(N,
// R)`.
#ifndef LIG_IR_DIM_H
#define LIG_IR_DIM_H

#include "ir/base/arena.h"
#include "ir/base/str.h"

typedef const struct LigDimNode *LigDim;
typedef struct LigDimTable LigDimTable;

enum { LIG_MAX_SYMBOLS = 32 };

// A declared symbol: `dim N in 1..512`.
typedef struct LigSymbol {
    LigStr name;
    int64_t low, high; // inclusive, 0 <= low <= high
} LigSymbol;

typedef enum LigRelation { LIG_REL_LE, LIG_REL_EQ } LigRelation;

// `fact R <= N`
typedef struct LigFact {
    LigDim left, right;
    LigRelation relation;
} LigFact;

// YES: for every value of the symbols inside their ranges and facts; NO: for none; UNDECIDED: neither is shown.
typedef enum LigVerdict { LIG_NO, LIG_YES, LIG_UNDECIDED } LigVerdict;

// Inclusive; INT64_MIN and INT64_MAX mean unbounded.
typedef struct LigDimBounds {
    int64_t low, high;
} LigDimBounds;

LigDimTable *lig_dims_create(LigArena *arena); // NULL when memory is out
// Declares a symbol. Errors: INVALID (name taken, bounds not 0 <= low <= high, too many), NO_MEMORY.
LigStatus lig_dims_declare(LigContext *ctx, LigDimTable *table, LigLoc loc, LigSymbol symbol,
                           LigDim *out) LIG_MUST_CHECK;
size_t lig_dims_symbol_count(const LigDimTable *table);
const LigSymbol *lig_dims_symbol(const LigDimTable *table, size_t index);
// The dim of a symbol by name; NULL when undeclared.
LigDim lig_dims_find(LigDimTable *table, LigStr name);
bool lig_dims_add_fact(LigDimTable *table, LigFact fact); // false when memory is out
size_t lig_dims_fact_count(const LigDimTable *table);
const LigFact *lig_dims_fact(const LigDimTable *table, size_t index);

LigDim lig_dim_const(LigDimTable *table, int64_t value);
LigDim lig_dim_symbol(LigDimTable *table, size_t index);
LigDim lig_dim_add(LigDimTable *table, LigDim a, LigDim b);
LigDim lig_dim_sub(LigDimTable *table, LigDim a, LigDim b);
LigDim lig_dim_mul(LigDimTable *table, LigDim a, LigDim b);
LigDim lig_dim_floordiv(LigDimTable *table, LigDim a, int64_t by); // by > 0
LigDim lig_dim_ceildiv(LigDimTable *table, LigDim a, int64_t by);
LigDim lig_dim_min(LigDimTable *table, LigDim a, LigDim b);
LigDim lig_dim_max(LigDimTable *table, LigDim a, LigDim b);
// `dim` with each symbol i replaced by replacements[i] (NULL entry: kept).
LigDim lig_dim_substitute(LigDimTable *table, LigDim dim, const LigDim *replacements);

bool lig_dim_is_const(LigDim dim, int64_t *value);
// If dim is exactly one symbol, its index; else -1.
int lig_dim_as_symbol(LigDim dim);
// Bounds that hold for every value of the symbols inside their ranges and facts (tight for monotone
// polynomials).
void lig_dim_range(const LigDimTable *table, LigDim dim, int64_t *low, int64_t *high);
// Reasoning under narrower bounds, such as a variant's (N = 1): lig_dims_bounds gives the bounds of all symbols
// (declared, sharpened by the facts; `bounds` has LIG_MAX_SYMBOLS entries), the caller narrows some,
// lig_dims_sharpen carries that over the facts (R <= N and N = 1: R is at most 1; false when no value is left),
// and lig_dim_range_within answers.
void lig_dims_bounds(const LigDimTable *table, LigDimBounds *bounds);
bool lig_dims_sharpen(const LigDimTable *table, LigDimBounds *bounds);
LigDimBounds lig_dim_range_within(const LigDimTable *table, LigDim dim, const LigDimBounds *bounds);
LigVerdict lig_dim_equal(const LigDimTable *table, LigDim a, LigDim b);
LigVerdict lig_dim_less_equal(const LigDimTable *table, LigDim a, LigDim b);
// The value under `values` (one per symbol; NULL: none is known); false on overflow, or when a symbol it uses
// is unknown (negative).
bool lig_dim_eval(LigDim dim, const int64_t *values, int64_t *out);
// The symbols that occur: bit i = symbol i.
uint32_t lig_dim_symbols(LigDim dim);
// Finds the value of `symbol`, in which `dim` is linear, that makes dim = target, all other symbols being
// known; false when there is none.
bool lig_dim_solve(LigDim dim, const int64_t *values, size_t symbol, int64_t target, int64_t *out);
void lig_dim_print(LigText *text, const LigDimTable *table, LigDim dim);

#endif
