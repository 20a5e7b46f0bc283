// @forward over whole sequences: several at once, of different lengths, without padding between them.
//
// What encoders are run by, and decoders when every token's answer is wanted. A LigForward owns the memory of states,
// inputs and outputs; it uses the executable, which outlives it, on one thread at a time.
#ifndef LIG_RUNTIME_FORWARD_H
#define LIG_RUNTIME_FORWARD_H

#include "runtime/executable.h"

typedef struct LigForward LigForward;

enum { LIG_FORWARD_HIDDEN, LIG_FORWARD_LOGITS, LIG_FORWARD_OUTPUTS };

// What a module says about its @forward; asked before it is compiled.
typedef struct LigForwardShape {
    int64_t tokens;                   // of all rows of one call, at most
    int64_t rows;                     // at once, at most
    int64_t context;                  // of one row, at most; above `tokens` where there are caches: rows may go
                                      // through in pieces
    bool by_row[LIG_FORWARD_OUTPUTS]; // an output is a vector a sequence, not one a token
} LigForwardShape;
// Errors: NOT_FOUND (no dims N and R: not a module that models/ built).
LigStatus lig_forward_describe(const LigModule *module, LigForwardShape *out) LIG_MUST_CHECK;

// For calls of at most shape->rows rows, of at most shape->context tokens each: what lig_forward_describe gave, or
// less. Errors: NOT_FOUND (no @forward), INVALID (it takes other inputs than models/ gives it), NO_MEMORY, those of
// compilation.
LigStatus lig_forward_create(LigExecutable *executable, const LigForwardShape *shape,
                             LigForward **out) LIG_MUST_CHECK;
void lig_forward_destroy(LigForward *forward);

// A sequence, or a piece of one: tokens begin <= i < begin + count.
typedef struct LigForwardRow {
    const int32_t *ids;   // of this piece
    const int32_t *types; // of this piece: kinds of tokens; NULL = all 0
    int64_t begin;        // what comes before has gone through earlier, as the row of the same index
    int64_t count;        // at least 1
    int64_t keys;         // how many tokens of the sequence, from its first, are seen; at most begin + count
} LigForwardRow;

typedef struct LigForwardOutput {
    const float *data; // [tokens of all rows, width], or [rows, width]
    int64_t width;
    bool by_row; // a vector a sequence, not a token
} LigForwardOutput;

// One call. `outputs` lives until the next; logits.data = NULL where the model gives none. Errors: those of
// binding, INVALID (an id outside the vocabulary), SHAPE (outputs that are no vectors of f32).
LigStatus lig_forward_run(LigForward *forward, const LigForwardRow *rows, int64_t row_count,
                          LigForwardOutput outputs[LIG_FORWARD_OUTPUTS]) LIG_MUST_CHECK;

#endif
