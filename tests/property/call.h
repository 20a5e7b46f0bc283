// Calls of a function on random contents: sizes, inputs, states and params that depend on names and a seed
// alone, so that every stage of a module gets the same numbers.
#ifndef LIG_PROPERTY_CALL_H
#define LIG_PROPERTY_CALL_H

#include "ir/eval.h"

enum { CALL_MOST = 16 };

typedef struct Call {
    int64_t symbols[LIG_MAX_SYMBOLS]; // values of all
    LigTensor inputs[CALL_MOST], states[CALL_MOST], outputs[CALL_MOST];
    size_t input_count, state_count, output_count;
} Call;

// Sizes number `sample` for a module: 0 is N = 1, others are larger. False when none fits the facts.
bool call_choose_sizes(const LigModule *module, uint64_t seed, int sample, int64_t *symbols);
// Fills the module's params (owned by its arena). False when memory is out.
bool call_bind_params(LigModule *module, uint64_t seed);
// Buffers for `func` under call->symbols. False for a function with too many or too large ones.
bool call_begin(const LigModule *module, const LigFunc *func, uint64_t seed, Call *call);
void call_end(Call *call);
// A buffer of a shape, 64-byte aligned and zeroed; data = NULL when it is too large. Released by free.
LigTensor call_tensor(const LigShape *shape);

#endif
