// Reasoning about dims: intervals, facts, verdicts.
//
// Intervals saturate: INT64_MIN as a low bound and INT64_MAX as a high one mean unbounded. A fact L <= R is the
// slack R - L >= 0; it proves d >= 0 when d minus the slack times a non-negative product of symbols is >= 0.
#include "ir/dim_node.h"

#include <string.h>

enum { PROOF_DEPTH = 3, PROOF_ATTEMPTS = 200, SHARPEN_ROUNDS = 8 };

static LigDimBounds interval_of(int64_t low, int64_t high)
{
    // Only a low bound may be INT64_MIN and only a high one INT64_MAX: those are the infinities.
    return (LigDimBounds){low == INT64_MAX ? low - 1 : low, high == INT64_MIN ? high + 1 : high};
}

static int64_t add_saturated(int64_t a, int64_t b)
{
    if (a == INT64_MIN || b == INT64_MIN) return INT64_MIN;
    if (a == INT64_MAX || b == INT64_MAX) return INT64_MAX;
    int64_t sum;
    if (__builtin_add_overflow(a, b, &sum)) return a < 0 ? INT64_MIN : INT64_MAX;
    return sum;
}

static int64_t multiply_saturated(int64_t a, int64_t b)
{
    if (a == 0 || b == 0) return 0;
    bool infinite = a == INT64_MIN || a == INT64_MAX || b == INT64_MIN || b == INT64_MAX;
    int64_t product;
    if (infinite || __builtin_mul_overflow(a, b, &product)) return (a < 0) != (b < 0) ? INT64_MIN : INT64_MAX;
    return product;
}

static LigDimBounds add_intervals(LigDimBounds a, LigDimBounds b)
{
    return interval_of(add_saturated(a.low, b.low), add_saturated(a.high, b.high));
}

static LigDimBounds multiply_intervals(LigDimBounds a, LigDimBounds b)
{
    const int64_t corners[4] = {multiply_saturated(a.low, b.low), multiply_saturated(a.low, b.high),
                                multiply_saturated(a.high, b.low), multiply_saturated(a.high, b.high)};
    int64_t low = corners[0], high = corners[0];
    for (int i = 1; i < 4; i++) {
        if (corners[i] < low) low = corners[i];
        if (corners[i] > high) high = corners[i];
    }
    return interval_of(low, high);
}

static int64_t divide_down(int64_t a, int64_t by)
{
    if (a == INT64_MIN || a == INT64_MAX) return a;
    return a / by - (a % by < 0);
}

static LigDimBounds atom_interval(const LigDimAtom *atom, const LigDimBounds *symbols)
{
    if (atom->kind == LIG_ATOM_SYMBOL) return symbols[atom->symbol];
    LigDimBounds range = lig_dim__interval(atom->operands[0], symbols);
    if (atom->kind == LIG_ATOM_FLOORDIV)
        return (LigDimBounds){divide_down(range.low, atom->by), divide_down(range.high, atom->by)};
    for (size_t i = 1; i < atom->count; i++) {
        LigDimBounds other = lig_dim__interval(atom->operands[i], symbols);
        bool least = atom->kind == LIG_ATOM_MIN;
        if (least == (other.low < range.low)) range.low = other.low;
        if (least == (other.high < range.high)) range.high = other.high;
    }
    return range;
}

// Of the term with one occurrence of atom number `without` left out; degree = none is.
static LigDimBounds term_interval(const LigDimTerm *term, size_t without, const LigDimBounds *symbols)
{
    LigDimBounds range = {term->coefficient, term->coefficient};
    for (size_t i = 0; i < term->degree; i++) {
        if (i != without) range = multiply_intervals(range, atom_interval(term->atoms[i], symbols));
    }
    return range;
}

static LigDimBounds sum_interval(LigDim dim, const LigDimBounds *symbols)
{
    LigDimBounds range = {0, 0};
    for (size_t i = 0; i < dim->count; i++)
        range = add_intervals(range, term_interval(&dim->terms[i], dim->terms[i].degree, symbols));
    return range;
}

// Bounds of the derivative by `symbol`; false when it occurs inside a floordiv, min or max.
static bool slope_interval(LigDim dim, size_t symbol, const LigDimBounds *symbols, LigDimBounds *out)
{
    *out = (LigDimBounds){0, 0};
    for (size_t i = 0; i < dim->count; i++) {
        for (size_t j = 0; j < dim->terms[i].degree; j++) {
            const LigDimAtom *atom = dim->terms[i].atoms[j];
            if ((atom->symbols >> symbol & 1) == 0) continue;
            if (atom->kind != LIG_ATOM_SYMBOL) return false;
            *out = add_intervals(*out, term_interval(&dim->terms[i], j, symbols));
        }
    }
    return true;
}

// Where dim rises or falls with a symbol throughout, only the ends of that symbol's range matter.
LigDimBounds lig_dim__interval(LigDim dim, const LigDimBounds *symbols)
{
    LigDimBounds least[LIG_MAX_SYMBOLS], most[LIG_MAX_SYMBOLS];
    if (dim->count == 1) return sum_interval(dim, symbols);
    for (size_t i = 0; i < LIG_MAX_SYMBOLS; i++) {
        LigDimBounds slope;
        if ((dim->symbols >> i & 1) == 0) continue;
        least[i] = most[i] = symbols[i];
        if (!slope_interval(dim, i, symbols, &slope)) continue;
        if (slope.low >= 0)
            least[i].high = least[i].low, most[i].low = most[i].high;
        else if (slope.high <= 0)
            least[i].low = least[i].high, most[i].high = most[i].low;
    }
    return (LigDimBounds){sum_interval(dim, least).low, sum_interval(dim, most).high};
}

// ---- sharpening the bounds of symbols ----

// From slack = c * symbol + rest >= 0, a bound of the symbol. True when it moved.
static bool sharpen_symbol(LigDim slack, const LigDimTerm *lone, LigDimBounds *bounds)
{
    LigDimBounds rest = {0, 0};
    for (size_t i = 0; i < slack->count; i++) {
        if (&slack->terms[i] != lone)
            rest = add_intervals(rest, term_interval(&slack->terms[i], slack->terms[i].degree, bounds));
    }
    LigDimBounds *own = &bounds[lone->atoms[0]->symbol], old = *own;
    int64_t c = lone->coefficient;
    if (rest.high == INT64_MAX || c == INT64_MIN) return false;
    if (c > 0) { // symbol >= ceil(-rest / c)
        int64_t least = -divide_down(rest.high, c);
        if (least > own->low) own->low = least;
    } else { // symbol <= floor(rest / -c)
        int64_t most = divide_down(rest.high, -c);
        if (most < own->high) own->high = most;
    }
    return own->low != old.low || own->high != old.high;
}

static bool sharpen_by(LigDim slack, LigDimBounds *bounds)
{
    bool moved = false;
    for (size_t i = 0; i < slack->count; i++) {
        const LigDimTerm *term = &slack->terms[i];
        if (term->degree == 1 && term->atoms[0]->kind == LIG_ATOM_SYMBOL)
            moved |= sharpen_symbol(slack, term, bounds);
    }
    return moved;
}

void lig_dims_bounds(const LigDimTable *table, LigDimBounds *bounds)
{
    memcpy(bounds, table->bounds, sizeof table->bounds);
}

bool lig_dims_sharpen(const LigDimTable *table, LigDimBounds *bounds)
{
    bool moved = true;
    for (int round = 0; round < SHARPEN_ROUNDS && moved; round++) {
        moved = false;
        for (size_t i = 0; i < table->slacks.count; i++) {
            LigDim slack = table->slacks.data[i];
            moved |= sharpen_by(slack, bounds);
            if (lig_dim__interval(slack, bounds).high < 0) return false;
        }
        for (size_t i = 0; i < table->symbol_count; i++) {
            if (bounds[i].low > bounds[i].high) return false;
        }
    }
    return true;
}

// ---- proofs of d >= 0 ----

// The factor that makes the first term of `slack` equal `term`; false when there is none.
static bool factor_of(const LigDimTerm *term, const LigDimTerm *lead, LigDimTerm *factor)
{
    if (lead->degree == 0 || term->coefficient == INT64_MIN) return false;
    if (term->coefficient % lead->coefficient != 0) return false;
    *factor = (LigDimTerm){.coefficient = term->coefficient / lead->coefficient};
    size_t matched = 0;
    for (size_t i = 0; i < term->degree; i++) {
        if (matched < lead->degree && term->atoms[i] == lead->atoms[matched])
            matched++;
        else
            factor->atoms[factor->degree++] = term->atoms[i];
    }
    return matched == lead->degree;
}

static LigDim term_dim(LigDimTable *table, const LigDimTerm *term)
{
    LigDim product = lig_dim_const(table, term->coefficient);
    for (size_t i = 0; i < term->degree; i++) {
        const LigDimAtom *atom = term->atoms[i];
        if (atom->kind != LIG_ATOM_SYMBOL) return NULL;
        product = lig_dim_mul(table, product, lig_dim_symbol(table, atom->symbol));
    }
    return product;
}

typedef struct Proof {
    const LigDimTable *table;
    const LigDimBounds *bounds;
    int attempts;
} Proof;

static bool prove(Proof *proof, LigDim d, int depth);

// Tries d - factor * slack for each term of d that the slack's first term divides.
static bool prove_by_slack(Proof *proof, LigDim d, LigDim slack, int depth)
{
    LigDimTable *table = proof->table->self;
    for (size_t i = 0; i < d->count && slack->count > 0; i++) {
        LigDimTerm factor;
        if (!factor_of(&d->terms[i], &slack->terms[0], &factor) || factor.coefficient < 0) continue;
        LigDim product = lig_dim_mul(table, term_dim(table, &factor), slack);
        LigDim rest = lig_dim_sub(table, d, product);
        if (rest != NULL && prove(proof, rest, depth - 1)) return true;
    }
    return false;
}

// floordiv(p, c) lies between (p - c + 1) / c and p / c, so c * floordiv(p, c) may be replaced by either side.
static bool prove_by_division(Proof *proof, LigDim d, int depth)
{
    LigDimTable *table = proof->table->self;
    for (size_t i = 0; i < d->count; i++) {
        const LigDimTerm *term = &d->terms[i];
        const LigDimAtom *atom = term->degree == 1 ? term->atoms[0] : NULL;
        if (atom == NULL || atom->kind != LIG_ATOM_FLOORDIV || term->coefficient % atom->by != 0) continue;
        int64_t times = term->coefficient / atom->by;
        LigDim quotient = lig_dim_floordiv(table, atom->operands[0], atom->by);
        LigDim least =
            lig_dim_sub(table, atom->operands[0], lig_dim_const(table, times > 0 ? atom->by - 1 : 0));
        LigDim rest =
            lig_dim_sub(table, d, lig_dim_mul(table, lig_dim_const(table, term->coefficient), quotient));
        rest = lig_dim_add(table, rest, lig_dim_mul(table, lig_dim_const(table, times), least));
        if (rest != NULL && prove(proof, rest, depth - 1)) return true;
    }
    return false;
}

static bool prove(Proof *proof, LigDim d, int depth)
{
    if (lig_dim__interval(d, proof->bounds).low >= 0) return true;
    if (depth == 0 || proof->attempts-- <= 0) return false;
    for (size_t i = 0; i < proof->table->slacks.count; i++) {
        if (prove_by_slack(proof, d, proof->table->slacks.data[i], depth)) return true;
    }
    return prove_by_division(proof, d, depth);
}

static bool never_negative(const LigDimTable *table, LigDim d, const LigDimBounds *bounds)
{
    Proof proof = {table, bounds, PROOF_ATTEMPTS};
    return d != NULL && prove(&proof, d, PROOF_DEPTH);
}

LigVerdict lig_dim_less_equal(const LigDimTable *table, LigDim a, LigDim b)
{
    LigDimTable *self = table->self;
    int64_t x, y;
    if (a != NULL && b != NULL && lig_dim_is_const(a, &x) && lig_dim_is_const(b, &y))
        return x <= y ? LIG_YES : LIG_NO;
    LigDim slack = lig_dim_sub(self, b, a);
    if (slack == NULL) return LIG_UNDECIDED;
    if (never_negative(table, slack, table->bounds)) return LIG_YES;
    LigDim excess = lig_dim_sub(self, lig_dim_sub(self, a, b), lig_dim_const(self, 1));
    return never_negative(table, excess, table->bounds) ? LIG_NO : LIG_UNDECIDED;
}

// 2*N - 1 is never 0, whatever N: the constant is no multiple of what divides all other coefficients.
static bool parity_excludes_zero(LigDim d)
{
    int64_t divisor = 0, k = 0;
    for (size_t i = 0; i < d->count; i++) {
        int64_t c = d->terms[i].coefficient;
        if (c == INT64_MIN) return false;
        if (d->terms[i].degree == 0) {
            k = c;
            continue;
        }
        for (int64_t a = c < 0 ? -c : c; a != 0;) {
            int64_t rest = divisor % a;
            divisor = a;
            a = rest;
        }
    }
    return divisor != 0 && k % divisor != 0;
}

LigVerdict lig_dim_equal(const LigDimTable *table, LigDim a, LigDim b)
{
    if (a == NULL || b == NULL) return LIG_UNDECIDED;
    if (a == b) return LIG_YES;
    if (a->symbols == 0 && b->symbols == 0) return LIG_NO;
    LigDim difference = lig_dim_sub(table->self, a, b);
    if (difference != NULL && parity_excludes_zero(difference)) return LIG_NO;
    LigVerdict below = lig_dim_less_equal(table, a, b), above = lig_dim_less_equal(table, b, a);
    if (below == LIG_NO || above == LIG_NO) return LIG_NO;
    return below == LIG_YES && above == LIG_YES ? LIG_YES : LIG_UNDECIDED;
}

// Improves *low of `dim` by the facts: dim >= k if dim - k >= 0 is proven. The candidates for k are the low
// bounds of dim minus a multiple of a slack.
static int64_t low_by_facts(const LigDimTable *table, LigDim dim, const LigDimBounds *bounds)
{
    int64_t low = lig_dim__interval(dim, bounds).low;
    for (size_t i = 0; i < table->slacks.count; i++) {
        LigDim slack = table->slacks.data[i];
        for (size_t j = 0; slack->count > 0 && j < dim->count; j++) {
            LigDimTerm factor;
            if (!factor_of(&dim->terms[j], &slack->terms[0], &factor) || factor.coefficient < 0) continue;
            LigDim product = lig_dim_mul(table->self, term_dim(table->self, &factor), slack);
            LigDim rest = lig_dim_sub(table->self, dim, product);
            if (rest == NULL) continue;
            int64_t candidate = lig_dim__interval(rest, bounds).low;
            if (candidate > low) low = candidate;
        }
    }
    return low;
}

LigDimBounds lig_dim_range_within(const LigDimTable *table, LigDim dim, const LigDimBounds *bounds)
{
    LigDimBounds range = lig_dim__interval(dim, bounds);
    if (range.low == range.high || table->facts.count == 0) return range;
    range.low = low_by_facts(table, dim, bounds);
    LigDim negative = lig_dim_sub(table->self, lig_dim_const(table->self, 0), dim);
    if (negative == NULL) return range;
    int64_t low = low_by_facts(table, negative, bounds);
    if (low != INT64_MIN && -low < range.high) range.high = -low;
    return range;
}

void lig_dim_range(const LigDimTable *table, LigDim dim, int64_t *low, int64_t *high)
{
    LigDimBounds range = lig_dim_range_within(table, dim, table->bounds);
    *low = range.low;
    *high = range.high;
}
