#include "frontend/tokenizer_model_file.h"

#include "frontend/sentence_piece.pb-c.h"
#include "frontend/tokenizer_sentence_piece.h"
#include "ir/base/alloc.h"

typedef Ligature__SentencePiece__Model Model;
typedef Ligature__SentencePiece__Training Training;
typedef Ligature__SentencePiece__Normaliser Normaliser;

enum { MODEL_UNIGRAM = 1, MODEL_BPE = 2 };

typedef struct Reading {
    LigVocabulary v;
    const Model *model;
    const Training *training;
    const Normaliser *normaliser;
    LigTokenizerSpec spec;
    LigSentencePieceRules rules;
    int32_t wrap[3];
} Reading;

static LigStatus unsupported(const Reading *r, const char *what)
{
    return lig_fail(
        r->v.ctx, LIG_ERR_UNSUPPORTED, LIG_FILE_LOC(r->v.path),
        "SentencePiece: %s; supported are Unigram and BPE models that mark spaces in front of words", what);
}

static LigStatus check_settings(const Reading *r)
{
    const int32_t kind = r->training->model;
    if (kind != MODEL_UNIGRAM && kind != MODEL_BPE) return unsupported(r, "a model of words or characters");
    if (r->training->space_as_suffix) return unsupported(r, "spaces are marked behind words");
    if (!r->normaliser->marks_spaces) return unsupported(r, "spaces are not marked");
    return LIG_OK;
}

static LigStatus load_pieces(Reading *r)
{
    LIG_TRY(lig_vocabulary_init(&r->v, r->model->n_pieces));
    if (!lig_map_reserve(r->v.arena, &r->v.ids, r->model->n_pieces)) return lig_no_memory(r->v.ctx);
    for (size_t i = 0; i < r->model->n_pieces; i++) {
        const Ligature__SentencePiece__Piece *piece = r->model->pieces[i];
        const LigStr text = {(const char *)piece->text.data, piece->text.len};
        LIG_TRY(lig_sentence_piece_put(&r->v, (int32_t)i, text, piece->kind));
        r->v.scores[i] = (double)piece->score;
        if (piece->kind == LIG_PIECE_UNKNOWN) r->spec.unk = (int32_t)i;
    }
    return r->training->model == MODEL_BPE ? lig_vocabulary_merge_by_score(&r->v) : LIG_OK;
}

// The token that is named beside the file, or that of the file.
static int32_t id_of(const Reading *r, LigStr named, int32_t id)
{
    const int32_t found = named.length > 0 ? lig_vocabulary_find(&r->v, named) : LIG_TOKEN_NONE;
    if (found != LIG_TOKEN_NONE) return found;
    return id >= 0 && (size_t)id < r->v.token_count ? id : LIG_TOKEN_NONE;
}

static void fill_wrap(Reading *r, const LigTokenizerExtras *extras)
{
    r->spec.wrap = r->wrap;
    if (extras->adds_bos && r->spec.bos != LIG_TOKEN_NONE) r->wrap[r->spec.wrap_count++] = r->spec.bos;
    r->wrap[r->spec.wrap_count++] = LIG_IMAGE_SEQUENCE;
    if (extras->adds_eos && r->spec.eos != LIG_TOKEN_NONE) r->wrap[r->spec.wrap_count++] = r->spec.eos;
}

static LigStatus build(Reading *r, const LigTokenizerExtras *extras, LigImageBytes *out)
{
    const bool is_unigram = r->training->model == MODEL_UNIGRAM;
    LIG_TRY(check_settings(r));
    r->spec.unk = LIG_TOKEN_NONE;
    LIG_TRY(load_pieces(r));
    r->rules = lig_sentence_piece_rules((LigSentencePieceSettings){
        .charsmap = {(const char *)r->normaliser->charsmap.data, r->normaliser->charsmap.len},
        .removes_spaces = r->normaliser->removes_spaces,
        .adds_prefix = r->normaliser->adds_prefix,
    });
    r->spec.model = is_unigram ? LIG_TEXT_UNIGRAM : LIG_TEXT_CHAR_BPE;
    r->spec.flags = LIG_TEXT_FUSE_UNK | (r->training->byte_fallback ? LIG_TEXT_BYTE_FALLBACK : 0);
    r->spec.bos = id_of(r, extras->bos, r->training->bos);
    r->spec.eos = id_of(r, extras->eos, r->training->eos);
    r->spec.pad = id_of(r, extras->pad, r->training->pad);
    r->spec.tokens = r->v.tokens;
    r->spec.token_count = r->v.token_count;
    r->spec.unmatched = r->v.unmatched;
    r->spec.scores = is_unigram ? r->v.scores : NULL;
    r->spec.merges = r->v.merges.data;
    r->spec.merge_count = r->v.merges.count;
    r->spec.normalisers = r->rules.normalisers;
    r->spec.normaliser_count = r->rules.normaliser_count;
    r->spec.decoders = r->rules.decoders;
    r->spec.decoder_count = r->rules.decoder_count;
    r->spec.added = r->v.added.data;
    r->spec.added_count = r->v.added.count;
    r->spec.chat_template = extras->chat_template;
    const bool has_ends = extras->end_count > 0;
    r->spec.end_ids = has_ends ? extras->end_ids : &r->spec.eos;
    r->spec.end_count = has_ends ? extras->end_count : r->spec.eos != LIG_TOKEN_NONE;
    fill_wrap(r, extras);
    return lig_image_build(r->v.ctx, &r->spec, out);
}

static LigStatus read_message(LigContext *ctx, const char *path, const Model *model,
                              const LigTokenizerExtras *extras, LigImageBytes *out)
{
    static const Training training = LIGATURE__SENTENCE_PIECE__TRAINING__INIT;
    static const Normaliser normaliser = LIGATURE__SENTENCE_PIECE__NORMALISER__INIT;
    Reading r = {.v = {.ctx = ctx, .arena = lig_arena_create(), .path = path}, .model = model};
    if (!r.v.arena) return lig_no_memory(ctx);
    r.training = model->training ? model->training : &training;
    r.normaliser = model->normaliser ? model->normaliser : &normaliser;
    LigStatus status = build(&r, extras, out);
    lig_arena_destroy(r.v.arena);
    return status;
}

// protobuf-c's memory, counted with ours.
static void *counted_alloc(void *failed, size_t bytes)
{
    void *memory = lig_alloc(bytes ? bytes : 1);
    if (!memory) *(bool *)failed = true;
    return memory;
}

static void counted_free(void *failed, void *memory)
{
    (void)failed;
    lig_free(memory);
}

LigStatus lig_tokenizer_from_model_file(LigContext *ctx, const char *path, LigStr bytes,
                                        const LigTokenizerExtras *extras, LigImageBytes *out)
{
    *out = (LigImageBytes){0};
    bool failed = false;
    ProtobufCAllocator allocator = {counted_alloc, counted_free, &failed};
    Model *model =
        ligature__sentence_piece__model__unpack(&allocator, bytes.length, (const uint8_t *)bytes.data);
    LigStatus status = LIG_OK;
    if (failed)
        status = lig_no_memory(ctx);
    else if (!model)
        status = lig_fail(ctx, LIG_ERR_INVALID, LIG_FILE_LOC(path),
                          "is no SentencePiece model, or a damaged one: copy it again");
    else
        status = read_message(ctx, path, model, extras, out);
    if (model) ligature__sentence_piece__model__free_unpacked(model, &allocator);
    return status;
}
