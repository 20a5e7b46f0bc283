// The names of weights, as data: from what a tensor is for (its role) to what a source format calls it.
#ifndef LIG_MODELS_NAMES_H
#define LIG_MODELS_NAMES_H

#include "ir/base/str.h"

typedef enum LigRole {
#define LIG_ROLE(ID, param, hugging_face, gguf) LIG_ROLE_##ID,
#include "models/roles.def"
#undef LIG_ROLE
    LIG_ROLE_COUNT
} LigRole;

// Patterns by role, static storage.
typedef struct LigNames {
    const char *pattern[LIG_ROLE_COUNT];
} LigNames;

extern const LigNames lig_names_param;        // of params in the module
extern const LigNames lig_names_hugging_face; // llama and its like
extern const LigNames lig_names_gguf;

// The name with the layer put in, zero-terminated, in the arena; data = NULL when memory is out.
LigStr lig_weight_name(LigArena *arena, const LigNames *names, LigRole role, int64_t layer);

#endif
