// The rules around a SentencePiece model, wherever its vocabulary comes from (GGUF, a .model file).
#ifndef LIG_FRONTEND_TOKENIZER_SENTENCE_PIECE_H
#define LIG_FRONTEND_TOKENIZER_SENTENCE_PIECE_H

#include "frontend/tokenizer_vocabulary.h"

typedef struct LigSentencePieceSettings {
    LigStr charsmap;     // precompiled normaliser; empty: none
    bool removes_spaces; // runs of spaces become one, those at the ends go
    bool adds_prefix;    // a space before the text, which decoding takes away again
} LigSentencePieceSettings;

typedef struct LigSentencePieceRules {
    LigRuleSpec normalisers[4];
    size_t normaliser_count;
    LigRuleSpec decoders[4];
    size_t decoder_count;
} LigSentencePieceRules;

LigSentencePieceRules lig_sentence_piece_rules(LigSentencePieceSettings settings);

// Kinds of tokens, by their numbers in files.
enum {
    LIG_PIECE_NORMAL = 1,
    LIG_PIECE_UNKNOWN = 2,
    LIG_PIECE_CONTROL = 3,
    LIG_PIECE_USER_DEFINED = 4,
    LIG_PIECE_UNUSED = 5,
    LIG_PIECE_BYTE = 6,
};

// Puts a token of one of these kinds into the vocabulary: control tokens and the unknown one are special, user-defined ones are found in the
// text, and only normal ones are made by the model. Errors: INVALID, NO_MEMORY.
LigStatus lig_sentence_piece_put(LigVocabulary *vocabulary, int32_t id, LigStr text,
                                 int32_t kind) LIG_MUST_CHECK;

#endif
