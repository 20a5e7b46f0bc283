// Models, normalisers and decoders on tiny vocabularies: ids and texts are those of Hugging Face's tokenizers.
// Hostile text, damaged images, failing allocations, streams. All of Unicode: tests/e2e/tokenizer_components.py.
#include "frontend/tokenizer_json.h"
#include "ir/base/alloc.h"
#include "runtime/text/charsmap.h"
#include "runtime/text/matcher.h"
#include "runtime/text/stream.h"
#include "runtime/text/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

// JSON with ' for ".
static const char word_piece[] =
    "{'added_tokens':[{'id':0,'content':'[UNK]','special':true},{'id':1,'content':'[CLS]',"
    "'special':true},{'id':2,'content':'[SEP]','special':true}],"
    "'normalizer':{'type':'BertNormalizer','clean_text':true,'handle_chinese_chars':true,"
    "'strip_accents':null,'lowercase':true},'pre_tokenizer':{'type':'BertPreTokenizer'},"
    "'post_processor':{'type':'TemplateProcessing','single':[{'SpecialToken':{'id':'[CLS]',"
    "'type_id':0}},{'Sequence':{'id':'A','type_id':0}},{'SpecialToken':{'id':'[SEP]',"
    "'type_id':0}}],'special_tokens':{'[CLS]':{'id':'[CLS]','ids':[1],'tokens':['[CLS]']},"
    "'[SEP]':{'id':'[SEP]','ids':[2],'tokens':['[SEP]']}}},'decoder':{'type':'WordPiece',"
    "'prefix':'##','cleanup':true},'model':{'type':'WordPiece','unk_token':'[UNK]',"
    "'continuing_subword_prefix':'##','max_input_chars_per_word':8,'vocab':{'[UNK]':0,"
    "'[CLS]':1,'[SEP]':2,'the':3,'##me':4,'cafe':5,'.':6,'中':7,'don':8,'\\u0027':9,'t':10,"
    "'##a':11}}}";

static const char unigram[] =
    "{'normalizer':{'type':'Sequence','normalizers':[{'type':'Replace',"
    "'pattern':{'Regex':' {2,}'},'content':' '},{'type':'Strip','strip_left':true,"
    "'strip_right':true}]},'pre_tokenizer':{'type':'Metaspace','replacement':'▁',"
    "'prepend_scheme':'always','split':true},'decoder':{'type':'Metaspace',"
    "'replacement':'▁','prepend_scheme':'always','split':true},'model':{'type':'Unigram',"
    "'unk_id':0,'byte_fallback':false,'vocab':[['<unk>',0.0],['▁',-3.0],['▁the',-2.5],"
    "['t',-4.0],['h',-4.0],['e',-4.0],['he',-4.5],['th',-5.0],['m',-5.0]]}}";

static const char word_end[] =
    "{'pre_tokenizer':{'type':'Whitespace'},'decoder':{'type':'BPEDecoder','suffix':'</w>'},"
    "'model':{'type':'BPE','unk_token':'?','end_of_word_suffix':'</w>','vocab':{'?':0,'t':1,"
    "'h':2,'e':3,'t</w>':4,'h</w>':5,'e</w>':6,'th':7,'the</w>':8},'merges':[['t','h'],['th',"
    "'e</w>']]}}";

static const char word_level[] =
    "{'added_tokens':[{'id':3,'content':'A B','single_word':true,'normalized':true,"
    "'special':false},{'id':4,'content':'<m>','lstrip':true,'rstrip':true,'special':true}],"
    "'normalizer':{'type':'Lowercase'},'pre_tokenizer':{'type':'Whitespace'},"
    "'model':{'type':'WordLevel','unk_token':'?','vocab':{'?':0,'the':1,'.':2}}}";

static const char byte_level[] =
    "{'added_tokens':[{'id':3,'content':'<m>','special':true}],'pre_tokenizer':{'type':'Sequence',"
    "'pretokenizers':[{'type':'Split','behavior':'Isolated','pattern':{'Regex':'PATTERN'}},"
    "{'type':'ByteLevel','add_prefix_space':false,'use_regex':false}]},'decoder':{'type':'ByteLevel'},"
    "'model':{'type':'BPE','vocab':{'a':0,'aa':1,'aaaa':2,'Ġ':4,'ĠĠ':5,'Ċ':6},"
    "'merges':['a a','aa aa','Ġ Ġ']}}";

// Llama's: byte fallback, a space before the text. Tokens: <unk> <s> 256 bytes, then these.
enum { CHAR_BPE_FIRST = 258 };
static void append_char_bpe(LigText *json)
{
    static const char *const tokens[] = {"▁", "t", "h", "e", "th", "the", "▁the", "▁▁"};
    lig_text_printf(json, "%s",
                    "{'added_tokens':[{'id':1,'content':'<s>','special':true}],'normalizer':{'type':"
                    "'Sequence','normalizers':[{'type':'Prepend','prepend':'▁'},{'type':'Replace',"
                    "'pattern':{'String':' '},'content':'▁'}]},'decoder':{'type':'Sequence',"
                    "'decoders':[{'type':'Replace','pattern':{'String':'▁'},'content':' '},"
                    "{'type':'ByteFallback'},{'type':'Fuse'},{'type':'Strip','content':' ',"
                    "'start':1,'stop':0}]},'model':{'type':'BPE','unk_token':'<unk>','fuse_unk':"
                    "true,'byte_fallback':true,'merges':[['t','h'],['th','e'],['▁','the'],['▁',"
                    "'▁']],'vocab':{'<unk>':0,'<s>':1");
    for (int byte = 0; byte < 256; byte++) lig_text_printf(json, ",'<0x%02X>':%d", (unsigned)byte, byte + 2);
    for (int i = 0; i < (int)(sizeof tokens / sizeof *tokens); i++)
        lig_text_printf(json, ",'%s':%d", tokens[i], CHAR_BPE_FIRST + i);
    lig_text_printf(json, "}}}");
}

typedef struct Loaded {
    LigContext *ctx;
    LigImageBytes image;
    LigTokenizer *tokenizer;
} Loaded;

static const char *first_message(const LigContext *ctx)
{
    const LigDiagnostic *diagnostic = lig_context_diagnostic(ctx, 0);
    return diagnostic ? diagnostic->message : "(no message)";
}

static LigStatus build(LigContext *ctx, LigText *json, LigImageBytes *out)
{
    const LigTokenizerExtras extras = {0};
    for (size_t i = 0; i < json->length; i++)
        if (json->data[i] == '\'') json->data[i] = '"';
    return lig_tokenizer_from_json(ctx, "tokenizer.json", lig_text_view(json), &extras, out);
}

static Loaded load_text(LigText *json)
{
    Loaded l = {.ctx = lig_context_create()};
    LigStatus status = build(l.ctx, json, &l.image);
    if (status == LIG_OK) status = lig_tokenizer_open(l.ctx, l.image.data, l.image.size, &l.tokenizer);
    if (status != LIG_OK) fail_msg("%s", first_message(l.ctx));
    lig_text_free(json);
    return l;
}

static Loaded load(const char *source)
{
    LigText json = {0};
    lig_text_printf(&json, "%s", source);
    return load_text(&json);
}

static Loaded load_char_bpe(void)
{
    LigText json = {0};
    append_char_bpe(&json);
    return load_text(&json);
}

// byte_level with a pattern, as JSON writes it.
static Loaded load_byte_level(const char *pattern)
{
    LigText json = {0};
    const char *place = strstr(byte_level, "PATTERN");
    lig_text_append(&json, (LigStr){byte_level, (size_t)(place - byte_level)});
    for (const char *c = pattern; *c; c++) {
        if (*c == '\\') lig_text_append_char(&json, '\\');
        lig_text_printf(&json, *c == '\'' ? "\\u0027" : "%c", *c);
    }
    lig_text_printf(&json, "%s", place + strlen("PATTERN"));
    return load_text(&json);
}

static void unload(Loaded *l)
{
    lig_tokenizer_destroy(l->tokenizer);
    lig_image_free(&l->image);
    lig_context_destroy(l->ctx);
}

// The texts of a stream, joined: `bytes` of the ids at a time.
static void expect_streamed(const Loaded *l, const LigTokenIds *ids, const char *expected)
{
    LigTextStream stream = lig_text_stream(l->tokenizer, true);
    LigText all = {0};
    LigText piece = {0};
    for (size_t i = 0; i < ids->count; i++) {
        lig_text_clear(&piece);
        lig_text_stream_feed(&stream, ids->data[i], &piece);
        lig_text_append(&all, lig_text_view(&piece));
    }
    lig_text_stream_flush(&stream, &all);
    assert_string_equal(all.data ? all.data : "", expected);
    lig_text_free(&piece);
    lig_text_free(&all);
}

// Ids as text, "1 2 3".
static void expect_ids(Loaded *l, LigStr text, bool special, const char *expected)
{
    const LigEncodeOptions options = {.parse_special = true, .add_special = special};
    LigTokenIds ids = {0};
    LigText written = {0};
    assert_int_equal(lig_tokenizer_encode(l->ctx, l->tokenizer, text, options, &ids), LIG_OK);
    for (size_t i = 0; i < ids.count; i++) lig_text_printf(&written, i > 0 ? " %d" : "%d", ids.data[i]);
    assert_string_equal(written.data ? written.data : "", expected);
    lig_text_free(&written);
    lig_token_ids_free(&ids);
}

static void expect_text(Loaded *l, const char *ids, const char *expected)
{
    LigTokenIds list = {0};
    LigText text = {0};
    for (char *end; *ids; ids = end) {
        const int32_t id = (int32_t)strtol(ids, &end, 10);
        assert_int_equal(lig_token_ids_append(l->ctx, &list, &id, 1), LIG_OK);
    }
    assert_int_equal(lig_tokenizer_decode(l->ctx, l->tokenizer, list.data, list.count, true, &text), LIG_OK);
    assert_string_equal(text.data ? text.data : "", expected);
    if (!strstr(expected, "\xEF\xBF\xBD")) expect_streamed(l, &list, expected);
    lig_text_free(&text);
    lig_token_ids_free(&list);
}

static void word_piece_takes_the_longest(void **state)
{
    (void)state;
    Loaded l = load(word_piece);
    expect_ids(&l, LIG_STR("The CAFÉ\tdon't 中theme xyz."), false, "3 5 8 9 10 7 3 4 0 6");
    expect_ids(&l, LIG_STR("[CLS]the[SEP]"), true, "1 1 3 2 2");
    expect_ids(&l, LIG_STR("thethethe"), false, "0"); // longer than max_input_chars_per_word
    expect_ids(&l, LIG_STR("them é\0"), false, "0 0");
    expect_text(&l, "1 3 5 8 9 10 7 3 4 0 6 2", "[CLS] the cafe don ' t 中 theme [UNK]. [SEP]");
    unload(&l);
}

static void unigram_takes_the_most_probable(void **state)
{
    (void)state;
    Loaded l = load(unigram);
    expect_ids(&l, LIG_STR("  the  themm?? hex "), false, "2 2 8 8 0 1 6 0");
    expect_ids(&l, LIG_STR("the\nthe"), false, "2 0 3 6");
    expect_ids(&l, LIG_STR(""), false, "");
    expect_text(&l, "2 2 8 8 0 1 6 0", "the themm<unk> he<unk>");
    unload(&l);
}

static void characters_fall_back_to_bytes(void **state)
{
    (void)state;
    Loaded l = load_char_bpe();
    expect_ids(&l, LIG_STR("the the<s> the"), false, "264 264 1 258 264");
    expect_ids(&l, LIG_STR("é  the\n"), false, "258 197 171 258 264 12");
    expect_text(&l, "258 197 171 258 264 12", "é  the\n");
    expect_text(&l, "264 264 1 258 264", "the the<s>  the");
    // Bytes in a row count together: one that is wrong takes the right ones with it.
    expect_text(&l, "258 228 132 264 197 171", "\xEF\xBF\xBD\xEF\xBF\xBD theé");
    expect_text(&l, "197 171 228", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
    unload(&l);
}

static void words_end_where_the_vocabulary_says(void **state)
{
    (void)state;
    Loaded l = load(word_end);
    expect_ids(&l, LIG_STR("the th e"), false, "8 1 5 6");
    expect_ids(&l, LIG_STR("hth. the"), false, "2 1 5 0 8");
    expect_text(&l, "8 1 5 6", "the th e");
    expect_text(&l, "2 1 5 0 8", "hth ?the");
    unload(&l);
}

static void added_tokens_obey_their_flags(void **state)
{
    (void)state;
    Loaded l = load(word_level);
    expect_ids(&l, LIG_STR("The a b. xa b <m>  the"), false, "1 3 2 0 0 4 1");
    expect_ids(&l, LIG_STR("a b"), false, "3");
    expect_text(&l, "1 3 2 0 0 4 1", "the a b . ? ? <m> the");
    unload(&l);
}

// A group around a pattern means nothing to it, but no scanner knows it then: PCRE2 runs it. Matches must be the
// same on texts of few letters in all orders.
static void expect_same_matches(LigContext *ctx, const char *pattern, const char *const *letters, size_t count)
{
    LigText grouped = {0};
    LigMatcher scanner, regex;
    lig_text_printf(&grouped, "(?:%s)", pattern);
    assert_int_equal(lig_matcher_init(ctx, lig_str(pattern), &scanner), LIG_OK);
    assert_int_equal(lig_matcher_init(ctx, lig_text_view(&grouped), &regex), LIG_OK);
    assert_non_null(scanner.scan);
    assert_non_null(regex.code);
    uint32_t random = 1;
    for (int i = 0; i < 4000; i++) {
        LigText text = {0};
        for (int n = 0; n < 1 + i % 9; n++) {
            random = random * 1664525 + 1013904223;
            lig_text_append(&text, lig_str(letters[(random >> 16) % count]));
        }
        for (size_t from = 0; from < text.length;) {
            size_t begin[2] = {0}, end[2] = {0};
            const LigStr view = lig_text_view(&text);
            assert_int_equal(lig_matcher_find(ctx, &scanner, view, from, &begin[0], &end[0]), LIG_OK);
            assert_int_equal(lig_matcher_find(ctx, &regex, view, from, &begin[1], &end[1]), LIG_OK);
            if (begin[0] != begin[1] || (begin[0] != SIZE_MAX && end[0] != end[1]))
                fail_msg("'%s' in '%s' from %zu: %zu to %zu, not %zu to %zu", pattern, text.data, from,
                         begin[0], end[0], begin[1], end[1]);
            if (begin[0] == SIZE_MAX) break;
            from = lig_matcher_next(view, from, end[0]);
        }
        lig_text_free(&text);
    }
    lig_matcher_free(&scanner);
    lig_matcher_free(&regex);
    lig_text_free(&grouped);
}

static void scanners_match_their_patterns(void **state)
{
    (void)state;
    static const char *const letters[] = {"a",  "s", "'", "'s", "'LL", "'ſ", "é",  "e\xCC\x81",
                                          "中", " ", " ", "  ", "\t",  "\n", "\r", "\u00a0",
                                          "1",  "½", "Ⅷ", ".",  "!?",  "$",  "_",  "👍"};
    static const char *const patterns[] = {LIG_PATTERN_GPT2,
                                           LIG_PATTERN_LLAMA3,
                                           LIG_PATTERN_QWEN2,
                                           LIG_PATTERN_NUMBER,
                                           LIG_PATTERN_NUMBERS,
                                           LIG_PATTERN_SPACE,
                                           LIG_PATTERN_WORDS,
                                           LIG_PATTERN_BERT_PUNCTUATION,
                                           LIG_PATTERN_SPACES_AT_END,
                                           "\\p{N}{1,3}",
                                           "\\s+",
                                           "[\\r\\n]",
                                           " {2,}",
                                           "\\s?\\p{L}+",
                                           "\\s?\\p{P}+"};
    LigContext *ctx = lig_context_create();
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++)
        expect_same_matches(ctx, patterns[i], letters, sizeof letters / sizeof *letters);
    lig_context_destroy(ctx);
}

// A table that turns A into aa and é into e, in the units of its trie: see charsmap.c.
enum { CHARSMAP_UNITS = 195 };
static LigStr charsmap_blob(unsigned char *blob)
{
    const struct {
        uint32_t at, unit;
    } units[] = {{0, 1u << 10},           {0x40, 0x41 | 1u << 8 | 2u << 10}, {0x42, 1u << 31},
                 {0xC2, 0xC3 | 4u << 10}, {0x6F, 0xA9 | 1u << 8 | 3u << 10}, {0x6C, 3 | 1u << 31}};
    const uint32_t bytes = 4 * CHARSMAP_UNITS;
    memset(blob, 0, 4 + bytes);
    memcpy(blob, &bytes, 4);
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        memcpy(blob + 4 + 4 * units[i].at, &units[i].unit, 4);
    memcpy(blob + 4 + bytes, "aa\0e", 5);
    return (LigStr){(const char *)blob, 4 + bytes + 5};
}

static void expect_mapped(const LigCharsmap *map, const char *text, const char *graphemes, const char *longest)
{
    LigText out = {0};
    lig_charsmap_apply_graphemes(map, lig_str(text), &out);
    assert_string_equal(out.data, graphemes);
    lig_text_clear(&out);
    lig_charsmap_apply_longest(map, lig_str(text), &out);
    assert_string_equal(out.data, longest);
    lig_text_free(&out);
}

static void precompiled_tables_map(void **state)
{
    (void)state;
    unsigned char blob[4 * CHARSMAP_UNITS + 16];
    const LigStr whole = charsmap_blob(blob);
    LigContext *ctx = lig_context_create();
    LigCharsmap map;
    assert_int_equal(lig_charsmap_init(ctx, whole, &map), LIG_OK);
    expect_mapped(&map, "Ab é A\r\nB", "aab e aa\r\nB", "aab e aa\r\nB");
    expect_mapped(&map, "éé中", "ee中", "ee中");
    // An entry stands for the whole grapheme that it begins, if that is short.
    expect_mapped(&map,
                  "A\xCC\x81\xCC\x82"
                  "b",
                  "aab",
                  "aa\xCC\x81\xCC\x82"
                  "b");
    expect_mapped(&map, "A\xCC\x81\xCC\x82\xCC\x83", "aa\xCC\x81\xCC\x82\xCC\x83",
                  "aa\xCC\x81\xCC\x82\xCC\x83");
    for (size_t cut = 1; cut < 4 + 4 * CHARSMAP_UNITS; cut++)
        assert_int_equal(lig_charsmap_init(ctx, (LigStr){whole.data, cut}, &map), LIG_ERR_INVALID);
    for (size_t at = 4; at < whole.length; at++) {
        (void)charsmap_blob(blob);
        blob[at] ^= (unsigned char)(1 + at % 255);
        LigText out = {0};
        if (lig_charsmap_init(ctx, whole, &map) == LIG_OK) {
            lig_charsmap_apply_graphemes(&map, LIG_STR("Ab é A\xCC\x81"), &out);
            lig_charsmap_apply_longest(&map, LIG_STR("Ab é A\xCC\x81"), &out);
            assert_true(lig_utf8_is_valid(lig_text_view(&out)));
        }
        lig_text_free(&out);
    }
    lig_context_destroy(ctx);
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static double encode_seconds(Loaded *l, LigStr text)
{
    const LigEncodeOptions options = {.parse_special = true};
    LigTokenIds ids = {0};
    const double begin = seconds();
    assert_int_equal(lig_tokenizer_encode(l->ctx, l->tokenizer, text, options, &ids), LIG_OK);
    lig_token_ids_free(&ids);
    return seconds() - begin;
}

// Four times the text: quadratic work would take 16 times as long. Other programs disturb a measurement, so one
// good one of three will do.
static bool is_linear(Loaded *l, LigStr text)
{
    for (int attempt = 0; attempt < 3; attempt++) {
        const double quarter = encode_seconds(l, (LigStr){text.data, text.length / 4});
        if (encode_seconds(l, text) < 8 * quarter + 0.01) return true;
    }
    return false;
}

// A long text of the same few letters.
static void expect_linear(Loaded *l, const char *name)
{
    static const char *const letters[] = {"a", "the", " ", "\n",       " \n", "  x",
                                          "'", "1",   "<", "\xCC\x81", "👍",  "\0"};
    const size_t most = 1 << 19;
    char *text = malloc(most);
    for (size_t i = 0; i < sizeof letters / sizeof *letters; i++) {
        const size_t unit = *letters[i] ? strlen(letters[i]) : 1;
        const size_t length = most - most % (4 * unit);
        for (size_t at = 0; at < length; at++) text[at] = letters[i][at % unit];
        if (!is_linear(l, (LigStr){text, length})) fail_msg("%s: not linear for letters %zu", name, i);
    }
    free(text);
}

static void hostile_text_takes_linear_time(void **state)
{
    (void)state;
    static const struct {
        const char *name, *json;
    } models[] = {
        {"WordPiece", word_piece}, {"Unigram", unigram}, {"BPE", word_end}, {"WordLevel", word_level}};
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        Loaded l = load(models[i].json);
        expect_linear(&l, models[i].name);
        unload(&l);
    }
    Loaded l = load_char_bpe();
    expect_linear(&l, "byte fallback");
    unload(&l);
}

static void hostile_text_takes_linear_time_to_cut(void **state)
{
    (void)state;
    static const char *const patterns[] = {LIG_PATTERN_GPT2, LIG_PATTERN_LLAMA3, LIG_PATTERN_SPACES_AT_END,
                                           "\\s?\\p{L}+", "\\p{N}{1,3}"};
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        Loaded l = load_byte_level(patterns[i]);
        expect_linear(&l, patterns[i]);
        unload(&l);
    }
}

static void open_and_use(LigContext *ctx, const void *image, size_t size)
{
    LigTokenizer *tokenizer;
    const LigEncodeOptions options = {.parse_special = true, .add_special = true};
    lig_context_clear(ctx);
    if (lig_tokenizer_open(ctx, image, size, &tokenizer) != LIG_OK) return;
    LigTokenIds ids = {0};
    LigText text = {0};
    const LigStr sample = LIG_STR("The CAFÉ\t the<s>the  themm?? hex 中xyz. a b <m> é\xCC\x81\n");
    (void)!lig_tokenizer_encode(ctx, tokenizer, sample, options, &ids);
    (void)!lig_tokenizer_decode(ctx, tokenizer, ids.data, ids.count, true, &text);
    lig_text_free(&text);
    lig_token_ids_free(&ids);
    lig_tokenizer_destroy(tokenizer);
}

static void damage_each_byte(Loaded *l)
{
    const size_t size = l->image.size;
    unsigned char *copy = malloc(size);
    for (size_t at = 0; at < size; at += at < 800 ? 1 : 5) {
        memcpy(copy, l->image.data, size);
        copy[at] ^= (unsigned char)(1u << at % 8);
        open_and_use(l->ctx, copy, size);
        copy[at] = 0xFF;
        open_and_use(l->ctx, copy, size);
    }
    free(copy);
}

static void damaged_images_do_no_harm(void **state)
{
    (void)state;
    static const char *const models[] = {word_piece, unigram, word_end, word_level};
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        Loaded l = load(models[i]);
        damage_each_byte(&l);
        unload(&l);
    }
    Loaded l = load_char_bpe();
    damage_each_byte(&l);
    unload(&l);
}

static LigStatus use_all(LigContext *ctx, LigText *json)
{
    const LigEncodeOptions options = {.parse_special = true, .add_special = true};
    LigImageBytes image = {0};
    LigTokenizer *tokenizer = NULL;
    LigTokenIds ids = {0};
    LigText text = {0};
    const LigStr sample =
        LIG_STR("The CAFÉ  the<s> them?? a b <m> thethethethethethethethethethethethethe\xFF");
    LigStatus status = build(ctx, json, &image);
    if (status == LIG_OK) status = lig_tokenizer_open(ctx, image.data, image.size, &tokenizer);
    if (status == LIG_OK) status = lig_tokenizer_encode(ctx, tokenizer, sample, options, &ids);
    if (status == LIG_OK) status = lig_tokenizer_decode(ctx, tokenizer, ids.data, ids.count, true, &text);
    lig_text_free(&text);
    lig_token_ids_free(&ids);
    lig_tokenizer_destroy(tokenizer);
    lig_image_free(&image);
    return status;
}

static void sweep_allocations(LigText *json)
{
    LigContext *ctx = lig_context_create();
    bool done = false;
    for (uint64_t n = 1; !done && n < 10000; n++) {
        lig_context_clear(ctx);
        lig_alloc_fail_at(n);
        const LigStatus status = use_all(ctx, json);
        lig_alloc_fail_at(0);
        done = status == LIG_OK;
        if (!done) assert_int_equal(status, LIG_ERR_NO_MEMORY);
    }
    assert_true(done);
    lig_context_destroy(ctx);
    lig_text_free(json);
}

static void every_failing_allocation_is_reported(void **state)
{
    (void)state;
    static const char *const models[] = {word_piece, unigram, word_end, word_level};
    LigText json = {0};
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        lig_text_printf(&json, "%s", models[i]);
        sweep_allocations(&json);
    }
    append_char_bpe(&json);
    sweep_allocations(&json);
}

static void wrong_components_are_named(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"{'normalizer':{'type':'Precompiled','precompiled_charsmap':'!'}}", "base64"},
        {"{'normalizer':{'type':'ByteLevel'}}", "'ByteLevel' is not supported; supported: BertNormalizer"},
        {"{'normalizer':{'type':'Replace','pattern':{},'content':''}}", "a Regex or a String"},
        {"{'pre_tokenizer':{'type':'UnicodeScripts'}}", "'UnicodeScripts' is not supported"},
        {"{'pre_tokenizer':{'type':'Metaspace','replacement':'_','prepend_scheme':'often'}}", "'often'"},
        {"{'model':{'type':'Unigram','vocab':[['a']]}}", "[token, score]"},
        {"{'model':{'type':'Unigram','vocab':[['a',0]],'unk_id':1}}", "unk_id"},
        {"{'model':{'type':'WordPiece','vocab':{'a':0},'max_input_chars_per_word':0}}", "a number from 1"},
        {"{'model':{'type':'WordPiece','vocab':{'a':0},'unk_token':'b'}}", "unknown token 'b'"},
        {"{'model':{'type':'WordLevel','vocab':{'a':0}},'decoder':{'type':'CTC'}}", "decoder 'CTC'"},
        {"{'model':{'type':'BPE','dropout':0.1,'vocab':{'a':0},'merges':[]}}", "dropout"},
        {"{'model':{'type':'WordLevel','vocab':{'\\ud800':0}}}", "not JSON"},
    };
    LigContext *ctx = lig_context_create();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        LigImageBytes image;
        LigText json = {0};
        lig_context_clear(ctx);
        lig_text_printf(&json, "%s", cases[i][0]);
        assert_int_not_equal(build(ctx, &json, &image), LIG_OK);
        if (!strstr(first_message(ctx), cases[i][1])) fail_msg("%s, not %s", first_message(ctx), cases[i][1]);
        lig_text_free(&json);
    }
    lig_context_destroy(ctx);
}

static void wrong_patterns_are_named(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"[a[bc]]+", "has [ inside of brackets"}, {"[a&&b]", "has && inside"}, {"(a", "at byte 2"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        LigText json = {0};
        LigImageBytes image;
        LigTokenizer *tokenizer;
        LigContext *ctx = lig_context_create();
        lig_text_printf(&json,
                        "{'pre_tokenizer':{'type':'Split','behavior':'Removed','pattern':{'Regex':'%s'}},"
                        "'model':{'type':'WordLevel','vocab':{'a':0}}}",
                        cases[i][0]);
        assert_int_equal(build(ctx, &json, &image), LIG_OK);
        assert_int_not_equal(lig_tokenizer_open(ctx, image.data, image.size, &tokenizer), LIG_OK);
        if (!strstr(first_message(ctx), cases[i][1])) fail_msg("%s, not %s", first_message(ctx), cases[i][1]);
        lig_image_free(&image);
        lig_text_free(&json);
        lig_context_destroy(ctx);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(word_piece_takes_the_longest),
        cmocka_unit_test(unigram_takes_the_most_probable),
        cmocka_unit_test(characters_fall_back_to_bytes),
        cmocka_unit_test(words_end_where_the_vocabulary_says),
        cmocka_unit_test(added_tokens_obey_their_flags),
        cmocka_unit_test(scanners_match_their_patterns),
        cmocka_unit_test(precompiled_tables_map),
        cmocka_unit_test(hostile_text_takes_linear_time),
        cmocka_unit_test(hostile_text_takes_linear_time_to_cut),
        cmocka_unit_test(damaged_images_do_no_harm),
        cmocka_unit_test(every_failing_allocation_is_reported),
        cmocka_unit_test(wrong_components_are_named),
        cmocka_unit_test(wrong_patterns_are_named),
    };
    return cmocka_run_group_tests_name("tokenizer_models", tests, NULL, NULL);
}
