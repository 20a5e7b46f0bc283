// What a Hugging Face directory says about using an encoder's output: pooling and length of embeddings, names of
// classes.
#ifndef LIG_FRONTEND_HEAD_CONFIG_H
#define LIG_FRONTEND_HEAD_CONFIG_H

#include "ir/base/arena.h"
#include "ir/base/status.h"
#include "ir/base/str.h"

typedef enum LigPooling { LIG_POOL_MEAN, LIG_POOL_CLS, LIG_POOL_LAST } LigPooling;

typedef struct LigEmbeddingConfig {
    LigPooling pooling;
    bool normalize;     // to unit length
    int64_t max_tokens; // of an input, special ones included; 0 = as many as the model takes
} LigEmbeddingConfig;

// As the files of Sentence Transformers in the directory say (modules.json, its Pooling's config.json,
// sentence_bert_config.json); mean and unit length where there are none, or `path` is no directory. Errors: those of
// reading, UNSUPPORTED (a module or a pooling that is not known, named).
LigStatus lig_embedding_config_read(LigContext *ctx, const char *path, LigEmbeddingConfig *out) LIG_MUST_CHECK;

// How the numbers of a classifier become probabilities.
typedef enum LigLabelKind {
    LIG_LABELS_ONE,    // one of the classes: softmax
    LIG_LABELS_ANY,    // each class by itself: sigmoid
    LIG_LABELS_NUMBER, // no classes: a number as it is
} LigLabelKind;

typedef struct LigLabelConfig {
    LigLabelKind kind;
    const LigStr *names; // [count], in `arena`
} LigLabelConfig;

// id2label and problem_type of config.json for `count` outputs; "LABEL_i" where there is no name. Errors: those of
// reading, UNSUPPORTED (a problem_type that is not known).
LigStatus lig_label_config_read(LigContext *ctx, LigArena *arena, const char *path, int64_t count,
                                LigLabelConfig *out) LIG_MUST_CHECK;

#endif
