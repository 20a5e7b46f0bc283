// Residents: what stays in memory for as long as a compiled model lives. Params as they are mapped, and the
// results of the module's `load` function, evaluated once.
#ifndef LIG_RUNTIME_RESIDENTS_H
#define LIG_RUNTIME_RESIDENTS_H

#include "ir/graph.h"
#include "runtime/rt/threads.h"

typedef struct LigResidents LigResidents;

// Evaluates load: packing in parallel, tensor by tensor, each source's pages given back when done; anything
// else by the interpreter. Errors: NOT_FOUND (a param without data), NO_MEMORY.
LigStatus lig_residents_create(LigModule *module, const LigParallel *parallel,
                               LigResidents **out) LIG_MUST_CHECK;
void lig_residents_destroy(LigResidents *residents);

// Addresses: first one per param, then one per result of load in text order.
void *const *lig_residents_addresses(const LigResidents *residents);
// Where in the addresses a param or a result of load is.
size_t lig_residents_index(const LigModule *module, const LigValue *value);
// Bytes allocated for results of load.
size_t lig_residents_bytes(const LigResidents *residents);

#endif
