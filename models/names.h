// The names of weights, as data: from what a tensor is for (its role) to what a source format calls it, and in
// what form it stores it.
#ifndef LIG_MODELS_NAMES_H
#define LIG_MODELS_NAMES_H

#include "ir/base/str.h"

typedef enum LigRole {
#define LIG_ROLE(ID, param) LIG_ROLE_##ID,
#include "models/roles.def"
#undef LIG_ROLE
    LIG_ROLE_COUNT
} LigRole;

// The naming schemes. What a spec says about tensors' names is one of these.
typedef enum LigNaming {
#define LIG_NAMING(ID, name) LIG_NAMING_##ID,
#include "models/namings.def"
#undef LIG_NAMING
    LIG_NAMING_COUNT
} LigNaming;

// How queries, keys and values lie in one tensor, where they do.
typedef enum LigFusedQkv {
    LIG_QKV_IN_TURN,  // rows of all queries, then of all keys, then of all values
    LIG_QKV_PER_HEAD, // of each head its queries, keys, values (GPT-NeoX)
} LigFusedQkv;

// Static storage. A pattern has %d for the layer, and may begin with "prefix|": a part that a file may lack.
typedef struct LigNames {
    // NULL: the scheme has no such tensor. Where WQKV and WQ both have a name, the file decides.
    const char *pattern[LIG_ROLE_COUNT];
    bool transposed; // matrices of blocks are stored [in,out] (GPT-2)
    LigFusedQkv qkv;
} LigNames;

extern const LigNames lig_names_param; // of params in the module

const LigNames *lig_names(LigNaming naming);
// As in a spec's text, e.g. "gpt2".
const char *lig_naming_name(LigNaming naming);

// Forms of one name: a file may lack the prefix, or have the names that layer norms had in old checkpoints.
enum { LIG_NAME_FORMS = 4 };

// Form `form` of the name with the layer put in, zero-terminated, in the arena; data = NULL when memory is out.
// Form 0 is the usual one; forms may repeat.
LigStr lig_weight_name(LigArena *arena, const LigNames *names, LigRole role, int64_t layer, int form);

#endif
