// The model of a tokenizer.json and the tokens around it.
#ifndef LIG_FRONTEND_TOKENIZER_JSON_MODEL_H
#define LIG_FRONTEND_TOKENIZER_JSON_MODEL_H

#include "frontend/tokenizer_json_rules.h"

// What the model says beside its vocabulary.
typedef struct LigJsonModel {
    LigTextModel kind;
    uint32_t flags;        // LIG_TEXT_…
    LigStr unk;            // its text; empty: none
    int32_t unk_id;        // Unigram names it by number; else LIG_TOKEN_NONE
    LigStr subword_prefix; // as in LigTokenizerSpec
    LigStr word_end;
    uint32_t max_word_chars;
} LigJsonModel;

// Fills the rules' vocabulary from "model" and "added_tokens". The pre-tokenizer was read before: it says how
// tokens are spelled. Errors: UNSUPPORTED (a model or a setting, named), INVALID, NO_MEMORY.
LigStatus lig_json_read_model(LigJsonRules *rules, const json_t *root, LigJsonModel *out) LIG_MUST_CHECK;

#endif
