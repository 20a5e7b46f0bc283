// Using dims: values, substitution, text.
#include "ir/dim_node.h"

bool lig_dim_is_const(LigDim dim, int64_t *value)
{
    if (dim->symbols != 0) return false;
    LIG_ASSERT(dim->count <= 1);
    *value = dim->count == 0 ? 0 : dim->terms[0].coefficient;
    return true;
}

int lig_dim_as_symbol(LigDim dim)
{
    if (dim->count != 1) return -1;
    const LigDimTerm *term = &dim->terms[0];
    if (term->coefficient != 1 || term->degree != 1 || term->atoms[0]->kind != LIG_ATOM_SYMBOL) return -1;
    return (int)term->atoms[0]->symbol;
}

uint32_t lig_dim_symbols(LigDim dim) { return dim->symbols; }

static bool atom_eval(const LigDimAtom *atom, const int64_t *values, int64_t *out)
{
    if (atom->kind == LIG_ATOM_SYMBOL) {
        if (!values) return false;
        *out = values[atom->symbol];
        return *out >= 0;
    }
    if (!lig_dim_eval(atom->operands[0], values, out)) return false;
    if (atom->kind == LIG_ATOM_FLOORDIV) {
        *out = *out / atom->by - (*out % atom->by < 0);
        return true;
    }
    for (size_t i = 1; i < atom->count; i++) {
        int64_t other;
        if (!lig_dim_eval(atom->operands[i], values, &other)) return false;
        if ((atom->kind == LIG_ATOM_MIN) == (other < *out)) *out = other;
    }
    return true;
}

bool lig_dim_eval(LigDim dim, const int64_t *values, int64_t *out)
{
    int64_t sum = 0;
    for (size_t i = 0; i < dim->count; i++) {
        int64_t product = dim->terms[i].coefficient;
        for (size_t j = 0; j < dim->terms[i].degree; j++) {
            int64_t factor;
            if (!atom_eval(dim->terms[i].atoms[j], values, &factor)) return false;
            if (__builtin_mul_overflow(product, factor, &product)) return false;
        }
        if (__builtin_add_overflow(sum, product, &sum)) return false;
    }
    *out = sum;
    return true;
}

static bool is_linear_in(LigDim dim, size_t symbol)
{
    for (size_t i = 0; i < dim->count; i++) {
        int occurrences = 0;
        for (size_t j = 0; j < dim->terms[i].degree; j++) {
            const LigDimAtom *atom = dim->terms[i].atoms[j];
            if ((atom->symbols >> symbol & 1) == 0) continue;
            if (atom->kind != LIG_ATOM_SYMBOL) return false;
            occurrences++;
        }
        if (occurrences > 1) return false;
    }
    return true;
}

bool lig_dim_solve(LigDim dim, const int64_t *values, size_t symbol, int64_t target, int64_t *out)
{
    int64_t point[LIG_MAX_SYMBOLS], at_zero, at_one, slope, rise;
    if (!is_linear_in(dim, symbol)) return false;
    for (size_t i = 0; i < LIG_MAX_SYMBOLS; i++) point[i] = dim->symbols >> i & 1 ? values[i] : -1;
    point[symbol] = 0;
    if (!lig_dim_eval(dim, point, &at_zero)) return false;
    point[symbol] = 1;
    if (!lig_dim_eval(dim, point, &at_one)) return false;
    if (__builtin_sub_overflow(at_one, at_zero, &slope) || slope == 0) return false;
    if (__builtin_sub_overflow(target, at_zero, &rise) || (slope == -1 && rise == INT64_MIN)) return false;
    if (rise % slope != 0 || rise / slope < 0) return false;
    *out = rise / slope;
    return true;
}

static LigDim atom_substitute(LigDimTable *table, const LigDimAtom *atom, const LigDim *replacements)
{
    if (atom->kind == LIG_ATOM_SYMBOL) {
        LigDim replacement = replacements[atom->symbol];
        return replacement != NULL ? replacement : lig_dim_symbol(table, atom->symbol);
    }
    LigDim result = lig_dim_substitute(table, atom->operands[0], replacements);
    if (atom->kind == LIG_ATOM_FLOORDIV) return lig_dim_floordiv(table, result, atom->by);
    for (size_t i = 1; i < atom->count; i++) {
        LigDim other = lig_dim_substitute(table, atom->operands[i], replacements);
        result =
            atom->kind == LIG_ATOM_MIN ? lig_dim_min(table, result, other) : lig_dim_max(table, result, other);
    }
    return result;
}

LigDim lig_dim_substitute(LigDimTable *table, LigDim dim, const LigDim *replacements)
{
    if (dim == NULL) return NULL;
    uint32_t replaced = 0;
    for (size_t i = 0; i < table->symbol_count; i++) replaced |= (uint32_t)(replacements[i] != NULL) << i;
    if ((dim->symbols & replaced) == 0) return dim;
    LigDim sum = lig_dim_const(table, 0);
    for (size_t i = 0; i < dim->count; i++) {
        LigDim product = lig_dim_const(table, dim->terms[i].coefficient);
        for (size_t j = 0; j < dim->terms[i].degree; j++)
            product = lig_dim_mul(table, product, atom_substitute(table, dim->terms[i].atoms[j], replacements));
        sum = lig_dim_add(table, sum, product);
    }
    return sum;
}

// `dim` without its last `skipped` terms.
static void print_sum(LigText *text, const LigDimTable *table, LigDim dim, size_t skipped);

static void print_atom(LigText *text, const LigDimTable *table, const LigDimAtom *atom)
{
    if (atom->kind == LIG_ATOM_SYMBOL) {
        lig_text_append(text, table->symbols[atom->symbol].name);
        return;
    }
    LigDim inner = atom->operands[0];
    if (atom->kind == LIG_ATOM_FLOORDIV) {
        const LigDimTerm *last = &inner->terms[inner->count - 1];
        bool rounds_up = inner->count > 1 && last->degree == 0 && last->coefficient == atom->by - 1;
        lig_text_append(text, rounds_up ? LIG_STR("ceildiv(") : LIG_STR("floordiv("));
        print_sum(text, table, inner, rounds_up ? 1 : 0);
        lig_text_append(text, LIG_STR(", "));
        lig_text_append_i64(text, atom->by);
        lig_text_append_char(text, ')');
        return;
    }
    lig_text_append(text, atom->kind == LIG_ATOM_MIN ? LIG_STR("min(") : LIG_STR("max("));
    for (size_t i = 0; i < atom->count; i++) {
        if (i > 0) lig_text_append(text, LIG_STR(", "));
        print_sum(text, table, atom->operands[i], 0);
    }
    lig_text_append_char(text, ')');
}

// Without its sign.
static void print_term(LigText *text, const LigDimTable *table, const LigDimTerm *term)
{
    uint64_t size = term->coefficient < 0 ? -(uint64_t)term->coefficient : (uint64_t)term->coefficient;
    if (size > INT64_MAX)
        lig_text_printf(text, "%llu", (unsigned long long)size);
    else if (size != 1 || term->degree == 0)
        lig_text_append_i64(text, (int64_t)size);
    for (size_t i = 0; i < term->degree; i++) {
        if (i > 0 || size != 1) lig_text_append_char(text, '*');
        print_atom(text, table, term->atoms[i]);
    }
}

static void print_sum(LigText *text, const LigDimTable *table, LigDim dim, size_t skipped)
{
    bool first = true;
    for (int negative = 0; negative < 2; negative++) { // what is added first: `N - R`, never `-R + N`
        for (size_t i = 0; i + skipped < dim->count; i++) {
            const LigDimTerm *term = &dim->terms[i];
            if ((term->coefficient < 0) != negative) continue;
            if (first)
                lig_text_append(text, negative ? LIG_STR("-") : LIG_STR(""));
            else
                lig_text_append(text, negative ? LIG_STR(" - ") : LIG_STR(" + "));
            print_term(text, table, term);
            first = false;
        }
    }
    if (first) lig_text_append_char(text, '0');
}

void lig_dim_print(LigText *text, const LigDimTable *table, LigDim dim) { print_sum(text, table, dim, 0); }
