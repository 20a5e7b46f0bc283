// The components of a tokenizer.json around its model: normaliser, pre-tokenizer, post-processor, decoder.
#ifndef LIG_FRONTEND_TOKENIZER_JSON_RULES_H
#define LIG_FRONTEND_TOKENIZER_JSON_RULES_H

#include "frontend/tokenizer_vocabulary.h"

#include <jansson.h>

typedef struct LigJsonRules {
    LigVocabulary *vocabulary; // context, arena and path too
    LIG_VEC(LigRuleSpec) normalisers;
    LIG_VEC(LigRuleSpec) splits;
    LIG_VEC(int32_t) wrap;
    bool is_byte_level; // a ByteLevel pre-tokenizer was seen
    uint32_t flags;     // LIG_TEXT_…
} LigJsonRules;

// Each reads one component (NULL or JSON's null: none). Errors: UNSUPPORTED (named), INVALID, NO_MEMORY.
LigStatus lig_json_read_normaliser(LigJsonRules *rules, const json_t *json) LIG_MUST_CHECK;
LigStatus lig_json_read_pre_tokenizer(LigJsonRules *rules, const json_t *json) LIG_MUST_CHECK;
LigStatus lig_json_read_post_processor(LigJsonRules *rules, const json_t *json) LIG_MUST_CHECK;
LigStatus lig_json_read_decoder(LigJsonRules *rules, const json_t *json) LIG_MUST_CHECK;

// The text of a JSON string; empty for anything else. Borrowed from the JSON.
LigStr lig_json_text(const json_t *json);
// The "type" of a component.
LigStr lig_json_type(const json_t *json);

#endif
