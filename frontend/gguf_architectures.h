// What a GGUF's metadata says, as data: one row per architecture with what its files have in common, and one per
// key with what it means. frontend/import_gguf.c reads files by them, frontend/export_gguf.c writes by them.
//
// Biases, norms of queries and keys, gates, and whether the head is tied, are told by the tensors of a file.
//
// Source: the GGUF specification of the ggml project (docs/gguf.md), and the constants of its Python package.
#ifndef LIG_FRONTEND_GGUF_ARCHITECTURES_H
#define LIG_FRONTEND_GGUF_ARCHITECTURES_H

#include "models/spec.h"

// A configuration as it is read: the spec with its block 0 as the pattern of all, and what is not a knob itself.
typedef struct LigGgufConfig {
    LigSpec spec;
    int64_t layers;
    int64_t value_length; // of a head; 0: as keys
    int64_t rotated;      // dims of a head that rope turns; 0: all
    double scale_linear;  // the old form of rope's linear scaling; 1: none
} LigGgufConfig;

typedef enum LigGgufUse {
    LIG_GGUF_USE_IGNORED,   // changes nothing about the numbers of a forward pass
    LIG_GGUF_USE_ELSEWHERE, // read by code of its own
    LIG_GGUF_USE_SIZE,      // int64_t, must be there
    LIG_GGUF_USE_INT,       // int64_t
    LIG_GGUF_USE_REAL,      // double; the file has it as f32
    LIG_GGUF_USE_OLD_REAL,  // the same; read, but never written
    LIG_GGUF_USE_ZERO,      // no other number is known
    LIG_GGUF_USE_ONE,
    LIG_GGUF_USE_FALSE, // no other value is known
} LigGgufUse;

typedef struct LigGgufKey {
    const char *key; // behind the architecture's name and a dot; NULL ends a list
    LigGgufUse use;
    size_t offset; // of the field in LigGgufConfig
} LigGgufKey;

enum { LIG_GGUF_LISTS = 4 };

typedef struct LigGgufArchitecture {
    const char *name;
    const LigGgufKey *keys[LIG_GGUF_LISTS]; // NULL after the last
    LigNaming hf_names;                     // of the Hugging Face models that are written as this one
    bool qkv_biases; // of the models that Hugging Face names alike, this is the one with biases of q, k and v
    bool scaled_by_width; // embeddings are multiplied by sqrt(width), and norms there are stored minus one
    LigSpec preset;
} LigGgufArchitecture;

// NULL when there is none of this name.
const LigGgufArchitecture *lig_gguf_architecture_find(LigStr name);
// Row `index`; NULL behind the last.
const LigGgufArchitecture *lig_gguf_architecture(size_t index);
// "llama, gpt2, …"; for messages.
void lig_gguf_architectures_list(LigText *text);

#endif
