#include "frontend/tokenizer_gguf.h"

#include "frontend/pretokenizer_patterns.h"
#include "frontend/tokenizer_sentence_piece.h"

enum { MAX_END_IDS = 16 };

typedef struct EndIds {
    int32_t ids[MAX_END_IDS];
    size_t count;
} EndIds;

// A kind of model that tokenizer.ggml.model names, with what a file may leave unsaid.
typedef struct Kind {
    const char *name;
    LigTextModel model;
    bool adds_bos, adds_eos, adds_sep, adds_space, removes_spaces;
    int32_t bos, eos, unk, sep, pad;
} Kind;

enum { NONE = LIG_TOKEN_NONE };
static const Kind kinds[] = {
    {"gpt2", LIG_TEXT_BYTE_BPE, false, false, false, false, false, NONE, NONE, NONE, NONE, NONE},
    {"llama", LIG_TEXT_CHAR_BPE, true, false, false, true, false, 1, 2, 0, NONE, NONE},
    {"bert", LIG_TEXT_WORD_PIECE, true, false, true, false, false, 101, NONE, 100, 102, 0},
    {"t5", LIG_TEXT_UNIGRAM, false, true, false, true, true, NONE, 1, 2, NONE, 0},
};

typedef struct Reading {
    const LigGgufTokenizer *gguf;
    const Kind *kind;
    LigVocabulary v;
    LigTokenizerSpec spec;
    LigSentencePieceRules rules;
    LigPreTokenizerTraits traits;
    int32_t sep;
    int32_t wrap[3];
    EndIds ends;
} Reading;

static bool setting(LigGgufSetting said, bool unsaid)
{
    return said == LIG_GGUF_UNSAID ? unsaid : said == LIG_GGUF_YES;
}

static LigStatus find_kind(LigContext *ctx, Reading *r)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (!lig_str_is(r->gguf->model, kinds[i].name)) continue;
        r->kind = &kinds[i];
        return LIG_OK;
    }
    return lig_fail(ctx, LIG_ERR_UNSUPPORTED, LIG_FILE_LOC(r->gguf->path),
                    "tokenizer.ggml.model is '%.*s', supported are gpt2 (byte-level BPE), llama (SentencePiece "
                    "BPE), bert (WordPiece), t5 (Unigram)",
                    LIG_STR_ARG(r->gguf->model));
}

static LigStatus bad(const Reading *r, const char *what)
{
    return lig_fail(r->v.ctx, LIG_ERR_INVALID, LIG_FILE_LOC(r->gguf->path), "%s", what);
}

// BERT's vocabulary in GGUF: words begin with U+2581 and what goes on is bare, the other way round than ##.
static LigStatus put_word_piece(LigVocabulary *v, int32_t id, LigStr token)
{
    const LigStr mark = LIG_STR("\xE2\x96\x81");
    if (lig_str_starts_with(token, mark)) return lig_vocabulary_put(v, id, lig_str_skip(token, mark.length));
    if (lig_str_starts_with(token, LIG_STR("[")) && lig_str_ends_with(token, LIG_STR("]")))
        return lig_vocabulary_put(v, id, token);
    const LigStr rest = lig_str_format(v->arena, "##%.*s", LIG_STR_ARG(token));
    return rest.data ? lig_vocabulary_put(v, id, rest) : lig_no_memory(v->ctx);
}

static LigStatus put_token(Reading *r, int32_t id, int32_t type)
{
    const LigStr token = r->gguf->tokens[id];
    const bool is_added = type == LIG_PIECE_CONTROL || type == LIG_PIECE_USER_DEFINED;
    if (r->kind->model == LIG_TEXT_WORD_PIECE && !is_added) return put_word_piece(&r->v, id, token);
    if (r->kind->model != LIG_TEXT_BYTE_BPE || is_added) return lig_sentence_piece_put(&r->v, id, token, type);
    return lig_vocabulary_put(&r->v, id, token);
}

static LigStatus load_tokens(Reading *r)
{
    const LigGgufTokenizer *gguf = r->gguf;
    LIG_TRY(lig_vocabulary_init(&r->v, gguf->token_count));
    if (!lig_map_reserve(r->v.arena, &r->v.ids, gguf->token_count)) return lig_no_memory(r->v.ctx);
    r->v.is_byte_level = r->kind->model == LIG_TEXT_BYTE_BPE;
    const bool scored = r->kind->model == LIG_TEXT_CHAR_BPE || r->kind->model == LIG_TEXT_UNIGRAM;
    if (scored && !gguf->scores) return bad(r, "there is no tokenizer.ggml.scores, which this model needs");
    for (size_t i = 0; i < gguf->token_count; i++) {
        LIG_TRY(put_token(r, (int32_t)i, gguf->token_types ? gguf->token_types[i] : LIG_PIECE_NORMAL));
        if (scored) r->v.scores[i] = (double)gguf->scores[i];
    }
    if (r->kind->model == LIG_TEXT_CHAR_BPE) return lig_vocabulary_merge_by_score(&r->v);
    for (size_t i = 0; i < gguf->merge_count; i++) LIG_TRY(lig_vocabulary_merge_line(&r->v, gguf->merges[i]));
    return LIG_OK;
}

static void add_end(EndIds *ends, int32_t id)
{
    if (id == LIG_TOKEN_NONE || ends->count == MAX_END_IDS) return;
    for (size_t i = 0; i < ends->count; i++)
        if (ends->ids[i] == id) return;
    ends->ids[ends->count++] = id;
}

// The metadata names one end; chat models have more (of the turn, of the text), known by their names.
static EndIds collect_ends(const LigVocabulary *v, const LigGgufTokenizer *gguf)
{
    static const char *const names[] = {"<|im_end|>", "<|endoftext|>", "<|end_of_text|>", "<|eot_id|>",
                                        "<|eom_id|>", "<|end|>",       "<end_of_turn>",   "<|EOT|>",
                                        "<EOT>",      "<|eot|>"};
    EndIds ends = {0};
    add_end(&ends, gguf->eos);
    add_end(&ends, gguf->eot);
    add_end(&ends, gguf->eom);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        int32_t id = lig_vocabulary_find(v, lig_str(names[i]));
        if (id != LIG_TOKEN_NONE && gguf->token_types && gguf->token_types[id] == LIG_PIECE_CONTROL)
            add_end(&ends, id);
    }
    return ends;
}

// An id that the file names, or the one that its kind of model has by habit.
static int32_t id_of(const Reading *r, int32_t named, int32_t habit)
{
    if (named != LIG_TOKEN_NONE) return named;
    return habit >= 0 && (size_t)habit < r->gguf->token_count ? habit : LIG_TOKEN_NONE;
}

// The unknown token: as the file names it, or the one of that type, or the habit.
static int32_t unk_of(const Reading *r)
{
    const LigGgufTokenizer *gguf = r->gguf;
    for (size_t i = 0; gguf->unk == LIG_TOKEN_NONE && gguf->token_types && i < gguf->token_count; i++)
        if (gguf->token_types[i] == LIG_PIECE_UNKNOWN) return (int32_t)i;
    return id_of(r, gguf->unk, r->kind->unk);
}

static LigStatus add_wrap(Reading *r, int32_t id, const char *missing)
{
    if (id == LIG_TOKEN_NONE) return bad(r, missing);
    r->wrap[r->spec.wrap_count++] = id;
    return LIG_OK;
}

static LigStatus fill_wrap(Reading *r)
{
    const LigGgufTokenizer *gguf = r->gguf;
    r->spec.wrap = r->wrap;
    if (setting(gguf->add_bos, r->kind->adds_bos || r->traits.adds_bos))
        LIG_TRY(
            add_wrap(r, r->spec.bos,
                     "the tokenizer puts a BOS before the text, but there is no tokenizer.ggml.bos_token_id"));
    r->wrap[r->spec.wrap_count++] = LIG_IMAGE_SEQUENCE;
    if (setting(gguf->add_sep, r->kind->adds_sep || r->traits.adds_sep))
        return add_wrap(r, r->sep != LIG_TOKEN_NONE ? r->sep : r->spec.eos,
                        "the tokenizer ends the text, but there is no tokenizer.ggml.seperator_token_id");
    if (setting(gguf->add_eos, r->kind->adds_eos))
        return add_wrap(r, r->spec.eos,
                        "tokenizer.ggml.add_eos_token is true, but there is no tokenizer.ggml.eos_token_id");
    return LIG_OK;
}

static LigStatus fill_byte_level(Reading *r)
{
    static const LigRuleSpec nfc = {.kind = LIG_NORMALISE_NFC};
    const LigStr pre =
        r->gguf->pre.length > 0 && !lig_str_is(r->gguf->pre, "default") ? r->gguf->pre : LIG_STR("gpt-2");
    const LigPreTokenizerTraits *traits;
    if (!lig_pattern_find_named(pre, &r->spec.splits, &r->spec.split_count, &traits)) {
        const LigStr names = lig_pattern_names(r->v.arena);
        if (!names.data) return lig_no_memory(r->v.ctx);
        return lig_fail(r->v.ctx, LIG_ERR_UNSUPPORTED, LIG_FILE_LOC(r->gguf->path),
                        "tokenizer.ggml.pre is '%.*s', supported are %s", LIG_STR_ARG(pre), names.data);
    }
    r->traits = *traits;
    if (traits->whole_words) r->spec.flags |= LIG_TEXT_WHOLE_WORDS;
    r->spec.normalisers = &nfc;
    r->spec.normaliser_count = traits->composes ? 1 : 0;
    r->spec.unk = LIG_TOKEN_NONE; // byte-level BPE leaves out what it can't write
    return LIG_OK;
}

static LigStatus fill_sentence_piece(Reading *r)
{
    const LigGgufTokenizer *gguf = r->gguf;
    r->rules = lig_sentence_piece_rules((LigSentencePieceSettings){
        .charsmap = gguf->charsmap,
        .removes_spaces = setting(gguf->remove_extra_whitespaces, r->kind->removes_spaces),
        .adds_prefix = setting(gguf->add_space_prefix, r->kind->adds_space),
    });
    r->spec.flags = LIG_TEXT_FUSE_UNK | LIG_TEXT_BYTE_FALLBACK;
    r->spec.normalisers = r->rules.normalisers;
    r->spec.normaliser_count = r->rules.normaliser_count;
    r->spec.decoders = r->rules.decoders;
    r->spec.decoder_count = r->rules.decoder_count;
    return LIG_OK;
}

// The file says nothing of the normaliser: it is that of the uncased models.
static LigStatus fill_word_piece(Reading *r)
{
    static const LigRuleSpec normalisers[] = {
        {.kind = LIG_NORMALISE_CLEAN},     {.kind = LIG_NORMALISE_SPACE_CHINESE},
        {.kind = LIG_NORMALISE_NFD},       {.kind = LIG_NORMALISE_DROP_NONSPACING},
        {.kind = LIG_NORMALISE_LOWERCASE},
    };
    static const LigRuleSpec splits[] = {
        {.kind = LIG_SPLIT_REMOVE, .text = {LIG_PATTERN_SPACE, sizeof LIG_PATTERN_SPACE - 1}},
        {.kind = LIG_SPLIT_ISOLATE,
         .text = {LIG_PATTERN_BERT_PUNCTUATION, sizeof LIG_PATTERN_BERT_PUNCTUATION - 1}},
    };
    static const LigRuleSpec decoder = {
        .kind = LIG_DECODE_WORD_PIECE, .flags = LIG_RULE_CLEANUP, .text = {"##", 2}};
    r->spec.subword_prefix = LIG_STR("##");
    r->spec.max_word_chars = 100;
    r->spec.normalisers = normalisers;
    r->spec.normaliser_count = sizeof normalisers / sizeof *normalisers;
    r->spec.splits = splits;
    r->spec.split_count = sizeof splits / sizeof *splits;
    r->spec.decoders = &decoder;
    r->spec.decoder_count = 1;
    return LIG_OK;
}

static LigStatus fill_rules(Reading *r)
{
    if (r->kind->model == LIG_TEXT_BYTE_BPE) return fill_byte_level(r);
    return r->kind->model == LIG_TEXT_WORD_PIECE ? fill_word_piece(r) : fill_sentence_piece(r);
}

static LigStatus build(Reading *r, LigImageBytes *out)
{
    const LigGgufTokenizer *gguf = r->gguf;
    r->spec = (LigTokenizerSpec){
        .model = r->kind->model,
        .bos = id_of(r, gguf->bos, r->kind->bos),
        .eos = id_of(r, gguf->eos, r->kind->eos),
        .unk = unk_of(r),
        .pad = id_of(r, gguf->pad, r->kind->pad),
        .chat_template = gguf->chat_template,
    };
    r->sep = id_of(r, gguf->sep, r->kind->sep);
    LIG_TRY(fill_rules(r));
    LIG_TRY(fill_wrap(r));
    LIG_TRY(load_tokens(r));
    r->ends = collect_ends(&r->v, gguf);
    r->spec.tokens = r->v.tokens;
    r->spec.token_count = r->v.token_count;
    r->spec.unmatched = r->v.unmatched;
    r->spec.scores = r->kind->model == LIG_TEXT_UNIGRAM ? r->v.scores : NULL;
    r->spec.merges = r->v.merges.data;
    r->spec.merge_count = r->v.merges.count;
    r->spec.added = r->v.added.data;
    r->spec.added_count = r->v.added.count;
    r->spec.end_ids = r->ends.ids;
    r->spec.end_count = r->ends.count;
    return lig_image_build(r->v.ctx, &r->spec, out);
}

LigStatus lig_tokenizer_from_gguf(LigContext *ctx, const LigGgufTokenizer *gguf, LigImageBytes *out)
{
    *out = (LigImageBytes){0};
    Reading r = {.gguf = gguf, .v = {.ctx = ctx, .path = gguf->path}};
    LIG_TRY(find_kind(ctx, &r));
    r.v.arena = lig_arena_create();
    if (!r.v.arena) return lig_no_memory(ctx);
    LigStatus status = build(&r, out);
    lig_arena_destroy(r.v.arena);
    return status;
}
