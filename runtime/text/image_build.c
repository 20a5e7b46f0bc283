// Laying an image out: sizes first, then one allocation, then one function a section.
#include "runtime/text/image.h"

#include "ir/base/alloc.h"
#include "runtime/text/image_layout.h"
#include "runtime/text/trie.h"
#include "runtime/text/utf8.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct Building {
    LigContext *ctx;
    const LigTokenizerSpec *spec;
    LigTrie trie;
    uint64_t bytes[LIG_IMAGE_SECTION_COUNT];
    void *at[LIG_IMAGE_SECTION_COUNT];
} Building;

static LigStatus bad(const Building *b, const char *what, size_t index)
{
    return lig_fail(b->ctx, LIG_ERR_INVALID, LIG_NOWHERE, "tokenizer: %s (entry %zu)", what, index);
}

static bool is_id(const LigTokenizerSpec *spec, int64_t id)
{
    return id >= 0 && (uint64_t)id < spec->token_count;
}

static bool is_id_or_none(const LigTokenizerSpec *spec, int64_t id)
{
    return id == LIG_TOKEN_NONE || is_id(spec, id);
}

static LigStatus check_lists(const Building *b)
{
    const LigTokenizerSpec *spec = b->spec;
    for (size_t i = 0; i < spec->added_count; i++) {
        if (!is_id(spec, spec->added[i].id)) return bad(b, "an added token is not in the vocabulary", i);
        LigStr token = spec->tokens[spec->added[i].id];
        if (token.length == 0 || !lig_utf8_is_valid(token))
            return bad(b, "an added token is empty or not UTF-8", i);
    }
    for (size_t i = 0; i < spec->wrap_count; i++)
        if (spec->wrap[i] != LIG_IMAGE_SEQUENCE && !is_id(spec, spec->wrap[i]))
            return bad(b, "a token around the text is not in the vocabulary", i);
    for (size_t i = 0; i < spec->end_count; i++)
        if (!is_id(spec, spec->end_ids[i])) return bad(b, "an end token is not in the vocabulary", i);
    return LIG_OK;
}

static LigStatus check_spec(const Building *b)
{
    const LigTokenizerSpec *spec = b->spec;
    if (spec->token_count > INT32_MAX - 1 || spec->merge_count > INT32_MAX / 4)
        return bad(b, "too many tokens or merges", spec->token_count);
    const int32_t named[] = {spec->bos, spec->eos, spec->unk, spec->pad};
    for (size_t i = 0; i < sizeof named / sizeof *named; i++)
        if (!is_id_or_none(spec, named[i]))
            return bad(b, "a bos, eos, unk or pad id is not in the vocabulary", i);
    for (size_t i = 0; i < spec->merge_count; i++) {
        const LigMergeSpec *merge = &spec->merges[i];
        if (!is_id(spec, merge->left) || !is_id(spec, merge->right) || !is_id(spec, merge->merged))
            return bad(b, "a merge names a token that is not in the vocabulary", i);
    }
    if (spec->normaliser_count > LIG_IMAGE_MAX_RULES || spec->split_count > LIG_IMAGE_MAX_RULES ||
        spec->decoder_count > LIG_IMAGE_MAX_RULES)
        return bad(b, "more than 32 normalisers, splits or decoders", LIG_IMAGE_MAX_RULES);
    for (size_t i = 0; spec->scores && i < spec->token_count; i++)
        if (!isfinite(spec->scores[i])) return bad(b, "a token's score is no number", i);
    if (spec->model == LIG_TEXT_UNIGRAM && !spec->scores) return bad(b, "Unigram needs scores", 0);
    return check_lists(b);
}

// Places for `count` entries, at most half full, so that searches are short and end.
static uint64_t slots_for(size_t count)
{
    uint64_t slots = 4;
    while (slots < 2 * (uint64_t)count) slots *= 2;
    return slots;
}

static uint64_t rule_bytes(const LigRuleSpec *rules, size_t count)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < count; i++) bytes += rules[i].text.length + rules[i].with.length;
    return bytes;
}

static LigStatus measure(Building *b)
{
    const LigTokenizerSpec *spec = b->spec;
    uint64_t token_bytes = 0;
    for (size_t i = 0; i < spec->token_count; i++) token_bytes += spec->tokens[i].length;
    uint64_t strings = rule_bytes(spec->normalisers, spec->normaliser_count) +
                       rule_bytes(spec->splits, spec->split_count) +
                       rule_bytes(spec->decoders, spec->decoder_count);
    if (token_bytes > UINT32_MAX || strings > UINT32_MAX || spec->chat_template.length > UINT32_MAX)
        return bad(b, "more than 4 GiB of text", spec->token_count);
    const uint64_t counts[LIG_IMAGE_SECTION_COUNT] = {
        [LIG_IMAGE_INFO] = 1,
        [LIG_IMAGE_TOKEN_OFFSETS] = spec->token_count + 1,
        [LIG_IMAGE_TOKEN_BYTES] = token_bytes,
        [LIG_IMAGE_TOKEN_FLAGS] = spec->token_count,
        [LIG_IMAGE_TOKEN_SLOTS] = slots_for(spec->token_count),
        [LIG_IMAGE_MERGES] = spec->merge_count ? slots_for(spec->merge_count) : 0,
        [LIG_IMAGE_NORMALISERS] = spec->normaliser_count,
        [LIG_IMAGE_SPLITS] = spec->split_count,
        [LIG_IMAGE_ADDED] = spec->added_count,
        [LIG_IMAGE_WRAP] = spec->wrap_count,
        [LIG_IMAGE_END_IDS] = spec->end_count,
        [LIG_IMAGE_CHAT_TEMPLATE] = spec->chat_template.length,
        [LIG_IMAGE_STRINGS] = strings,
        [LIG_IMAGE_DECODERS] = spec->decoder_count,
        [LIG_IMAGE_BYTE_IDS] = 256,
        [LIG_IMAGE_SCORES] = spec->model == LIG_TEXT_UNIGRAM ? spec->token_count : 0,
        [LIG_IMAGE_NODES] = b->trie.count,
        [LIG_IMAGE_SUBWORD_PREFIX] = spec->subword_prefix.length,
        [LIG_IMAGE_WORD_END] = spec->word_end.length,
    };
    for (int i = 0; i < LIG_IMAGE_SECTION_COUNT; i++) b->bytes[i] = counts[i] * lig_image_element_bytes[i];
    return LIG_OK;
}

static uint64_t align_up(uint64_t n) { return (n + LIG_IMAGE_ALIGN - 1) & ~(uint64_t)(LIG_IMAGE_ALIGN - 1); }

static LigStatus allocate(Building *b, LigImageBytes *out)
{
    uint64_t offset = sizeof(LigImageHeader) + LIG_IMAGE_SECTION_COUNT * sizeof(LigImageEntry);
    LigImageEntry entries[LIG_IMAGE_SECTION_COUNT];
    for (uint32_t i = 0; i < LIG_IMAGE_SECTION_COUNT; i++) {
        offset = align_up(offset);
        entries[i] = (LigImageEntry){.kind = i, .offset = offset, .bytes = b->bytes[i]};
        offset += b->bytes[i];
    }
    LigImageHeader header = {LIG_IMAGE_MAGIC, LIG_IMAGE_VERSION, LIG_IMAGE_SECTION_COUNT, offset};
    unsigned char *data = lig_alloc_zero((size_t)offset);
    if (!data) return lig_no_memory(b->ctx);
    memcpy(data, &header, sizeof header);
    memcpy(data + sizeof header, entries, sizeof entries);
    for (int i = 0; i < LIG_IMAGE_SECTION_COUNT; i++) b->at[i] = data + entries[i].offset;
    *out = (LigImageBytes){data, (size_t)offset};
    return LIG_OK;
}

// What SentencePiece gives a character that no token spells: worse than the worst token.
static double unk_score(const LigTokenizerSpec *spec)
{
    const double penalty = 10.0;
    if (spec->model != LIG_TEXT_UNIGRAM) return 0;
    double least = spec->scores[0];
    for (size_t i = 1; i < spec->token_count; i++)
        if (spec->tokens[i].data && spec->scores[i] < least) least = spec->scores[i];
    return least - penalty;
}

// Whether the mark of a space, U+2581, follows another character in the token.
static bool joins_words(LigStr token)
{
    const LigStr mark = LIG_STR("\xE2\x96\x81");
    for (size_t at = 1; at + mark.length <= token.length; at++) {
        if (!lig_str_starts_with(lig_str_skip(token, at), mark)) continue;
        if (!lig_str_ends_with((LigStr){token.data, at}, mark)) return true;
    }
    return false;
}

// Only then no segmentation crosses the place, and the mark is never a part of something unknown.
static bool can_cut_words(const Building *b)
{
    const LigTokenizerSpec *spec = b->spec;
    bool has_mark = false;
    if (spec->model != LIG_TEXT_UNIGRAM && spec->model != LIG_TEXT_CHAR_BPE) return false;
    if (spec->subword_prefix.length > 0 || spec->word_end.length > 0 || spec->flags & LIG_TEXT_WHOLE_WORDS)
        return false;
    for (size_t i = 0; i < spec->token_count; i++) {
        has_mark |= lig_str_is(spec->tokens[i], "\xE2\x96\x81");
        if (spec->model == LIG_TEXT_UNIGRAM && joins_words(spec->tokens[i])) return false;
    }
    for (size_t i = 0; i < spec->merge_count; i++)
        if (joins_words(spec->tokens[spec->merges[i].merged])) return false;
    return has_mark;
}

static void write_info(const Building *b)
{
    const LigTokenizerSpec *spec = b->spec;
    *(LigImageInfo *)b->at[LIG_IMAGE_INFO] = (LigImageInfo){
        .model = (uint32_t)spec->model,
        .flags = spec->flags | (can_cut_words(b) ? LIG_TEXT_CUT_WORDS : 0),
        .bos = spec->bos,
        .eos = spec->eos,
        .unk = spec->unk,
        .pad = spec->pad,
        .token_count = (uint32_t)spec->token_count,
        .max_word_chars = spec->max_word_chars,
        .unk_score = unk_score(spec),
    };
}

static void copy(void *to, const void *from, size_t bytes)
{
    if (bytes) memcpy(to, from, bytes);
}

static uint8_t token_flags(const LigTokenizerSpec *spec, size_t id)
{
    uint32_t flags = spec->tokens[id].data ? LIG_TOKEN_PRESENT : 0;
    if (spec->unmatched && spec->unmatched[id]) flags |= LIG_TOKEN_UNMATCHED;
    return (uint8_t)flags;
}

static void write_token_flags(const LigTokenizerSpec *spec, uint8_t *flags)
{
    for (size_t i = 0; i < spec->token_count; i++) flags[i] = token_flags(spec, i);
    for (size_t i = 0; i < spec->added_count; i++) {
        uint32_t special = spec->added[i].flags & LIG_ADDED_SPECIAL ? LIG_TOKEN_SPECIAL : 0;
        flags[spec->added[i].id] = (uint8_t)(flags[spec->added[i].id] | LIG_TOKEN_ADDED | special);
    }
}

static void write_tokens(const Building *b)
{
    const LigTokenizerSpec *spec = b->spec;
    uint32_t *offsets = b->at[LIG_IMAGE_TOKEN_OFFSETS];
    char *bytes = b->at[LIG_IMAGE_TOKEN_BYTES];
    uint32_t used = 0;
    for (size_t i = 0; i < spec->token_count; i++) {
        offsets[i] = used;
        copy(bytes + used, spec->tokens[i].data, spec->tokens[i].length);
        used += (uint32_t)spec->tokens[i].length;
    }
    offsets[spec->token_count] = used;
    write_token_flags(spec, b->at[LIG_IMAGE_TOKEN_FLAGS]);
}

// Special tokens stay out: the model must not make them.
static bool is_made(uint8_t flags)
{
    return flags & LIG_TOKEN_PRESENT && !(flags & (LIG_TOKEN_SPECIAL | LIG_TOKEN_UNMATCHED));
}

// Of two tokens with the same bytes the lower id counts.
static void write_token_slots(const Building *b)
{
    const LigTokenizerSpec *spec = b->spec;
    const uint8_t *flags = b->at[LIG_IMAGE_TOKEN_FLAGS];
    uint32_t *slots = b->at[LIG_IMAGE_TOKEN_SLOTS];
    size_t mask = (size_t)(b->bytes[LIG_IMAGE_TOKEN_SLOTS] / sizeof *slots) - 1;
    for (size_t i = 0; i < spec->token_count; i++) {
        if (!is_made(flags[i])) continue;
        size_t slot = (size_t)lig_str_hash(spec->tokens[i]) & mask;
        while (slots[slot] && !lig_str_equal(spec->tokens[slots[slot] - 1], spec->tokens[i]))
            slot = (slot + 1) & mask;
        if (!slots[slot]) slots[slot] = (uint32_t)i + 1;
    }
}

static bool has_trie(const LigTokenizerSpec *spec)
{
    return spec->model == LIG_TEXT_UNIGRAM || spec->model == LIG_TEXT_WORD_PIECE;
}

static LigStatus build_trie(Building *b)
{
    const LigTokenizerSpec *spec = b->spec;
    if (!has_trie(spec)) return LIG_OK;
    uint8_t *flags = lig_alloc(spec->token_count + 1);
    LigTrieKey *keys = lig_alloc((spec->token_count + 1) * sizeof *keys);
    size_t count = 0;
    LigStatus status = flags && keys ? LIG_OK : lig_no_memory(b->ctx);
    if (status == LIG_OK) {
        write_token_flags(spec, flags);
        for (size_t i = 0; i < spec->token_count; i++)
            if (is_made(flags[i]) && spec->tokens[i].length > 0)
                keys[count++] = (LigTrieKey){spec->tokens[i], (int32_t)i};
        status = lig_trie_build(b->ctx, keys, count, &b->trie);
    }
    lig_free(keys);
    lig_free(flags);
    return status;
}

// Byte-level BPE has tokens of one byte; others spell bytes <0x41>.
static void write_byte_ids(const Building *b)
{
    const LigTokenizerSpec *spec = b->spec;
    int32_t *ids = b->at[LIG_IMAGE_BYTE_IDS];
    const uint8_t *flags = b->at[LIG_IMAGE_TOKEN_FLAGS];
    const bool spelled = spec->flags & LIG_TEXT_BYTE_FALLBACK;
    for (int byte = 0; byte < 256; byte++) ids[byte] = LIG_TOKEN_NONE;
    for (size_t i = spec->token_count; i-- > 0;) {
        LigStr token = spec->tokens[i];
        int byte = spelled ? lig_byte_of_spelling(token) : token.length == 1 ? (uint8_t)token.data[0] : -1;
        if (byte >= 0 && !(flags[i] & LIG_TOKEN_SPECIAL)) ids[byte] = (int32_t)i;
    }
}

static void write_merges(const Building *b)
{
    LigImageMerge *slots = b->at[LIG_IMAGE_MERGES];
    size_t count = (size_t)(b->bytes[LIG_IMAGE_MERGES] / sizeof *slots);
    for (size_t i = 0; i < count; i++) slots[i].left = UINT32_MAX;
    for (size_t i = 0; i < b->spec->merge_count; i++) {
        const LigMergeSpec *merge = &b->spec->merges[i];
        uint32_t left = (uint32_t)merge->left;
        uint32_t right = (uint32_t)merge->right;
        size_t slot = lig_image_merge_slot(left, right, count);
        while (slots[slot].left != UINT32_MAX && (slots[slot].left != left || slots[slot].right != right))
            slot = (slot + 1) & (count - 1);
        if (slots[slot].left == UINT32_MAX)
            slots[slot] = (LigImageMerge){left, right, merge->rank, (uint32_t)merge->merged};
    }
}

static uint32_t write_text(char *strings, uint32_t *used, LigStr text)
{
    const uint32_t offset = *used;
    copy(strings + offset, text.data, text.length);
    *used += (uint32_t)text.length;
    return offset;
}

static void write_rules(const Building *b, LigImageSection section, const LigRuleSpec *rules, uint32_t *used)
{
    LigImageRule *out = b->at[section];
    char *strings = b->at[LIG_IMAGE_STRINGS];
    const size_t count = (size_t)(b->bytes[section] / sizeof *out);
    for (size_t i = 0; i < count; i++) {
        out[i] = (LigImageRule){.kind = rules[i].kind, .flags = rules[i].flags, .number = rules[i].number};
        out[i].text_offset = write_text(strings, used, rules[i].text);
        out[i].text_bytes = (uint32_t)rules[i].text.length;
        out[i].with_offset = write_text(strings, used, rules[i].with);
        out[i].with_bytes = (uint32_t)rules[i].with.length;
    }
}

typedef struct AddedOrder {
    LigImageAdded added;
    size_t length;
} AddedOrder;

static int longest_first(const void *a, const void *b)
{
    const AddedOrder *left = a;
    const AddedOrder *right = b;
    if (left->length != right->length) return left->length > right->length ? -1 : 1;
    return left->added.id < right->added.id ? -1 : left->added.id > right->added.id;
}

static LigStatus write_added(const Building *b)
{
    const LigTokenizerSpec *spec = b->spec;
    LigImageAdded *out = b->at[LIG_IMAGE_ADDED];
    AddedOrder *order = lig_alloc(spec->added_count * sizeof *order);
    if (!order) return lig_no_memory(b->ctx);
    for (size_t i = 0; i < spec->added_count; i++) {
        order[i].added = (LigImageAdded){(uint32_t)spec->added[i].id, spec->added[i].flags};
        order[i].length = spec->tokens[spec->added[i].id].length;
    }
    qsort(order, spec->added_count, sizeof *order, longest_first);
    for (size_t i = 0; i < spec->added_count; i++) out[i] = order[i].added;
    lig_free(order);
    return LIG_OK;
}

static LigStatus write_all(const Building *b)
{
    const LigTokenizerSpec *spec = b->spec;
    uint32_t used = 0;
    write_info(b);
    write_tokens(b);
    write_token_slots(b);
    write_byte_ids(b);
    write_merges(b);
    write_rules(b, LIG_IMAGE_NORMALISERS, spec->normalisers, &used);
    write_rules(b, LIG_IMAGE_SPLITS, spec->splits, &used);
    write_rules(b, LIG_IMAGE_DECODERS, spec->decoders, &used);
    copy(b->at[LIG_IMAGE_SCORES], spec->scores, (size_t)b->bytes[LIG_IMAGE_SCORES]);
    copy(b->at[LIG_IMAGE_NODES], b->trie.nodes, (size_t)b->bytes[LIG_IMAGE_NODES]);
    copy(b->at[LIG_IMAGE_SUBWORD_PREFIX], spec->subword_prefix.data, spec->subword_prefix.length);
    copy(b->at[LIG_IMAGE_WORD_END], spec->word_end.data, spec->word_end.length);
    copy(b->at[LIG_IMAGE_WRAP], spec->wrap, spec->wrap_count * sizeof *spec->wrap);
    copy(b->at[LIG_IMAGE_END_IDS], spec->end_ids, spec->end_count * sizeof *spec->end_ids);
    copy(b->at[LIG_IMAGE_CHAT_TEMPLATE], spec->chat_template.data, spec->chat_template.length);
    return spec->added_count ? write_added(b) : LIG_OK;
}

LigStatus lig_image_build(LigContext *ctx, const LigTokenizerSpec *spec, LigImageBytes *out)
{
    *out = (LigImageBytes){0};
    Building b = {.ctx = ctx, .spec = spec};
    LigStatus status = check_spec(&b);
    if (status == LIG_OK) status = build_trie(&b);
    if (status == LIG_OK) status = measure(&b);
    if (status == LIG_OK) status = allocate(&b, out);
    if (status == LIG_OK) status = write_all(&b);
    lig_trie_free(&b.trie);
    if (status != LIG_OK) lig_image_free(out);
    return status;
}

void lig_image_free(LigImageBytes *image)
{
    lig_free(image->data);
    *image = (LigImageBytes){0};
}
