// Inside of dims, shared by dim.c (construction), dim_range.c (reasoning) and dim_value.c (use).
//
// A dim is a sum of terms, a term is a coefficient times a product of atoms, an atom is a symbol or a
// floordiv, min or max of dims. Everything is interned, so that equal parts are equal pointers; the order of
// terms and atoms depends on structure alone, never on the order of construction.
#ifndef LIG_IR_DIM_NODE_H
#define LIG_IR_DIM_NODE_H

#include "ir/base/map.h"
#include "ir/base/vec.h"
#include "ir/dim.h"

enum { LIG_MAX_TERMS = 64, LIG_MAX_DEGREE = 8, LIG_MAX_CHOICES = 16 };

typedef enum LigAtomKind { LIG_ATOM_SYMBOL, LIG_ATOM_FLOORDIV, LIG_ATOM_MIN, LIG_ATOM_MAX } LigAtomKind;

// Without padding and zero where unused: its bytes are the key it is interned by.
typedef struct LigDimAtom {
    LigAtomKind kind;
    uint32_t symbols; // bit i = symbol i occurs
    size_t symbol;    // SYMBOL
    int64_t by;       // FLOORDIV
    size_t count;
    LigDim operands[LIG_MAX_CHOICES]; // FLOORDIV: one; MIN, MAX: sorted, at least two
} LigDimAtom;

// As above: zero where unused.
typedef struct LigDimTerm {
    int64_t coefficient; // never 0
    size_t degree;
    const LigDimAtom *atoms[LIG_MAX_DEGREE]; // sorted
} LigDimTerm;

struct LigDimNode {
    const LigDimTerm *terms; // highest degree first; the constant, if any, last
    size_t count;
    uint32_t symbols;
};

struct LigDimTable {
    LigArena *arena;
    LigDimTable *self; // reasoning on a const table makes nodes that no caller sees
    LigMap dims, atoms;
    LigSymbol symbols[LIG_MAX_SYMBOLS];
    size_t symbol_count;
    LIG_VEC(LigFact) facts;
    LIG_VEC(LigDim) slacks; // of the facts: right - left >= 0, and left - right >= 0 of an equality
    LigDimBounds declared[LIG_MAX_SYMBOLS];
    LigDimBounds bounds[LIG_MAX_SYMBOLS]; // declared, sharpened by the facts
};

// Bounds of `dim` by interval arithmetic and monotonicity, without facts.
LigDimBounds lig_dim__interval(LigDim dim, const LigDimBounds *symbols);

#endif
