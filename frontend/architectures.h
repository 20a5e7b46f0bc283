// What config.json says, as data: one row per architecture of Transformers with its presets, and one per key
// with what it means. frontend/import_hf.c reads files by them.
#ifndef LIG_FRONTEND_ARCHITECTURES_H
#define LIG_FRONTEND_ARCHITECTURES_H

#include "models/spec.h"

// Which layers have the window.
typedef enum LigWindowed {
    LIG_WINDOWED_ALL,
    LIG_WINDOWED_FROM,      // layers from first_windowed on, when use_window
    LIG_WINDOWED_BUT_EVERY, // all but layers 0, n, 2n … for n = global_every
} LigWindowed;

// A configuration as it is read: the spec with its block 0 as the pattern of all, and what is not a knob
// itself. Keys that give one field are held to one value.
typedef struct LigHfConfig {
    LigSpec spec;
    int64_t layers;
    LigHeadSpec logits, classify; // the head is one of these, as `architectures` says
    LigWindowed windowed;
    bool use_window;
    int64_t window, first_windowed, global_every; // window 0: none
    LigRopeSpec local_rope;                       // of layers with the window, when own_local_rope
    bool own_local_rope;
    bool first_unnormed;      // layer 0 has no norm before its attention
    bool attention_bias;      // all four
    bool qk_norm;             // per head
    bool parallel;            // attention and mlp both from x, each with its norm
    bool scaled_by_width;     // embeddings are multiplied by sqrt(width)
    bool positions_after_pad; // learned positions begin behind the row of the padding token
    int64_t pad;
} LigHfConfig;

typedef enum LigConfigUse {
    LIG_CONFIG_IGNORED,     // changes nothing about the numbers of a forward pass
    LIG_CONFIG_ELSEWHERE,   // read by code of its own: rope, layers, the head
    LIG_CONFIG_SIZE,        // int64_t, 1 or more, must be there
    LIG_CONFIG_INT,         // int64_t, 1 or more
    LIG_CONFIG_INT_OR_NONE, // int64_t, 1 or more; null is 0
    LIG_CONFIG_COUNT,       // int64_t, 0 or more
    LIG_CONFIG_REAL,        // double above 0
    LIG_CONFIG_FRACTION,    // double above 0, at most 1
    LIG_CONFIG_FLAG,        // bool
    LIG_CONFIG_ACT,         // LigActivation
    LIG_CONFIG_FALSE,       // no other value is known, null is as good
    LIG_CONFIG_TRUE,
    LIG_CONFIG_WORD, // no other value than `word` is known
} LigConfigUse;

typedef struct LigConfigKey {
    const char *key; // NULL ends a list. One key may have several rows
    LigConfigUse use;
    size_t offset; // of the field in LigHfConfig
    const char *word;
} LigConfigKey;

enum { LIG_CONFIG_LISTS = 4 };

typedef struct LigArchitecture {
    const char *model_type;
    const LigConfigKey *keys[LIG_CONFIG_LISTS]; // NULL after the last
    LigHfConfig preset;                         // what Transformers takes when a key is absent
} LigArchitecture;

// NULL when there is none of this model_type.
const LigArchitecture *lig_architecture_find(LigStr model_type);
// "bert, gemma, …"; for messages.
void lig_architectures_list(LigText *text);
// An activation by its name in Transformers; false when it is not known.
bool lig_hf_activation(LigStr name, LigActivation *out);
// The other way: a name that Transformers has for it. `act` is not LIG_ACT_NONE.
const char *lig_hf_activation_name(LigActivation act);
// "gelu, gelu_new, …"; for messages.
void lig_hf_activations_list(LigText *text);

#endif
