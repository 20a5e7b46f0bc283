// Tokenizers from one format to the other.
#ifndef LIG_FRONTEND_EXPORT_TOKENIZER_H
#define LIG_FRONTEND_EXPORT_TOKENIZER_H

#include "frontend/export.h"
#include "frontend/gguf_write.h"

// Writes the tokenizer of a Hugging Face directory under "tokenizer." (that there is none, when it brings none):
// byte-level BPE whose pre-tokenizer has a name in GGUF, and BERT's uncased WordPiece. Errors: UNSUPPORTED (other
// tokenizers, and parts of these that GGUF has no form for: named), INVALID, NO_MEMORY.
LigStatus lig_export_gguf_tokenizer(const LigExportPlan *plan, LigGgufMetadata *out) LIG_MUST_CHECK;

// What a name of GGUF's stands for: the steps of a pre-tokenizer, each ended by a line break ("digits": each digit
// apart; "gpt2": GPT-2's pattern; any other: a pattern), and what goes with it.
typedef struct LigNamedSteps {
    const char *name, *steps;
    bool nfc, ignores_merges;
} LigNamedSteps;
// Row `index`; NULL behind the last.
const LigNamedSteps *lig_named_steps(size_t index);

#endif
