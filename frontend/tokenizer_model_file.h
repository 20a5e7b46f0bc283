// A SentencePiece model file (tokenizer.model, spiece.model) to a tokenizer image: its Unigram and BPE models.
//
// Ids are those of the file. The tokens around a text are not in it: the program that trained a model adds them.
#ifndef LIG_FRONTEND_TOKENIZER_MODEL_FILE_H
#define LIG_FRONTEND_TOKENIZER_MODEL_FILE_H

#include "frontend/tokenizer_json.h"

// `bytes` is the file's content, `path` its name for messages. Names in `extras` go before those of the file.
// `out` is released by lig_image_free. Errors: INVALID (no such file, or one that is damaged), UNSUPPORTED (a
// kind of model, or a setting, named), NO_MEMORY.
LigStatus lig_tokenizer_from_model_file(LigContext *ctx, const char *path, LigStr bytes,
                                        const LigTokenizerExtras *extras, LigImageBytes *out) LIG_MUST_CHECK;

#endif
