// The components of a tokenizer.json around its model: normaliser, pre-tokenizer, post-processor, decoder.
#ifndef LIG_FRONTEND_TOKENIZER_JSON_RULES_H
#define LIG_FRONTEND_TOKENIZER_JSON_RULES_H

#include "frontend/tokenizer_vocabulary.h"

#include <jansson.h>

typedef LIG_VEC(LigRuleSpec) LigRuleList;

typedef struct LigJsonRules {
    LigVocabulary *vocabulary; // context, arena and path too
    LigRuleList normalisers, splits, decoders;
    LIG_VEC(int32_t) wrap;
    bool is_byte_level;      // a ByteLevel pre-tokenizer was seen
    bool decodes_byte_level; // a ByteLevel decoder was seen
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

// What the readers of components share.
LigStatus lig_json__unsupported(const LigJsonRules *rules, const char *what, LigStr type,
                                const char *supported);
LigStatus lig_json__bad(const LigJsonRules *rules, const char *what, const char *expected);
LigStatus lig_json__push(LigJsonRules *rules, LigRuleList *list, LigRuleSpec rule) LIG_MUST_CHECK;
// Calls `read` for each component of a Sequence.
typedef LigStatus (*LigJsonReadFn)(LigJsonRules *rules, const json_t *json, int depth);
LigStatus lig_json__read_list(LigJsonRules *rules, const json_t *list, int depth,
                              LigJsonReadFn read) LIG_MUST_CHECK;
// The pattern of a Split or a Replace, {"Regex": …} or {"String": …}, as runtime/text takes it.
LigStatus lig_json__pattern(LigJsonRules *rules, const json_t *pattern, LigStr *out) LIG_MUST_CHECK;
bool lig_json__flag(const json_t *json, const char *key);

#endif
