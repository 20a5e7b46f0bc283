#include "frontend/tokenizer_sentence_piece.h"

#define SPACE_MARK LIG_STR("\xE2\x96\x81") // U+2581, how vocabularies write a space

LigSentencePieceRules lig_sentence_piece_rules(LigSentencePieceSettings settings)
{
    LigSentencePieceRules r = {0};
    if (settings.charsmap.length > 0)
        r.normalisers[r.normaliser_count++] =
            (LigRuleSpec){.kind = LIG_NORMALISE_CHARSMAP, .text = settings.charsmap};
    if (settings.removes_spaces)
        r.normalisers[r.normaliser_count++] = (LigRuleSpec){.kind = LIG_NORMALISE_COLLAPSE_SPACES};
    if (settings.adds_prefix)
        r.normalisers[r.normaliser_count++] =
            (LigRuleSpec){.kind = LIG_NORMALISE_PREPEND, .text = LIG_STR(" ")};
    r.normalisers[r.normaliser_count++] =
        (LigRuleSpec){.kind = LIG_NORMALISE_REPLACE, .text = LIG_STR(" "), .with = SPACE_MARK};
    r.decoders[r.decoder_count++] =
        (LigRuleSpec){.kind = LIG_DECODE_REPLACE, .text = SPACE_MARK, .with = LIG_STR(" ")};
    r.decoders[r.decoder_count++] = (LigRuleSpec){.kind = LIG_DECODE_BYTE_FALLBACK};
    r.decoders[r.decoder_count++] = (LigRuleSpec){.kind = LIG_DECODE_FUSE};
    if (settings.adds_prefix)
        r.decoders[r.decoder_count++] =
            (LigRuleSpec){.kind = LIG_DECODE_STRIP, .number = 1, .text = LIG_STR(" ")};
    return r;
}

LigStatus lig_sentence_piece_put(LigVocabulary *v, int32_t id, LigStr text, int32_t kind)
{
    if (kind == LIG_PIECE_CONTROL || kind == LIG_PIECE_UNKNOWN)
        return text.length > 0 ? lig_vocabulary_add(v, (LigAddedSpec){id, LIG_ADDED_SPECIAL}, text) : LIG_OK;
    if (kind == LIG_PIECE_USER_DEFINED && text.length > 0)
        return lig_vocabulary_add(v, (LigAddedSpec){id, 0}, text);
    LIG_TRY(lig_vocabulary_put(v, id, text));
    v->unmatched[id] = kind == LIG_PIECE_UNUSED || kind == LIG_PIECE_BYTE;
    return LIG_OK;
}
