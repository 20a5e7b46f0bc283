// Opening an image: every number in it is checked here, once.
#include "runtime/text/image.h"

#include "runtime/text/image_layout.h"
#include "runtime/text/utf8.h"

#include <math.h>
#include <string.h>

typedef struct Section {
    const void *data;
    size_t count; // elements
} Section;

typedef struct Opening {
    LigContext *ctx;
    const unsigned char *data;
    size_t size;
    Section sections[LIG_IMAGE_SECTION_COUNT];
    LigImage *image;
} Opening;

static LigStatus bad(Opening *o, const char *what)
{
    return lig_fail(o->ctx, LIG_ERR_INVALID, LIG_NOWHERE,
                    "tokenizer image: %s; the image is damaged, build it again from the model", what);
}

static LigStatus check_header(Opening *o, LigImageHeader *header)
{
    if (o->size < sizeof *header) return bad(o, "shorter than its header");
    if ((uintptr_t)o->data % LIG_IMAGE_ALIGN != 0) return bad(o, "not aligned to 8 bytes in memory");
    memcpy(header, o->data, sizeof *header);
    if (memcmp(header->magic, LIG_IMAGE_MAGIC, sizeof header->magic) != 0)
        return bad(o, "no magic at its start");
    if (header->version != LIG_IMAGE_VERSION)
        return lig_fail(
            o->ctx, LIG_ERR_UNSUPPORTED, LIG_NOWHERE,
            "tokenizer image: version %u, this build reads version %d; build it again from the model",
            header->version, LIG_IMAGE_VERSION);
    if (header->size != o->size) return bad(o, "not as long as its header says");
    if (header->section_count > LIG_IMAGE_SECTION_COUNT ||
        o->size - sizeof *header < header->section_count * sizeof(LigImageEntry))
        return bad(o, "the table of sections does not fit");
    return LIG_OK;
}

static LigStatus read_sections(Opening *o)
{
    LigImageHeader header;
    LIG_TRY(check_header(o, &header));
    for (uint32_t i = 0; i < header.section_count; i++) {
        LigImageEntry entry;
        memcpy(&entry, o->data + sizeof header + i * sizeof entry, sizeof entry);
        if (entry.kind >= LIG_IMAGE_SECTION_COUNT || entry.reserved != 0)
            return bad(o, "an unknown kind of section");
        if (entry.offset % LIG_IMAGE_ALIGN != 0 || entry.offset > o->size ||
            entry.bytes > o->size - entry.offset)
            return bad(o, "a section lies outside it");
        uint32_t element = lig_image_element_bytes[entry.kind];
        if (entry.bytes % element != 0) return bad(o, "a section holds a part of an element");
        Section *section = &o->sections[entry.kind];
        if (section->data) return bad(o, "a section occurs twice");
        *section = (Section){o->data + entry.offset, (size_t)(entry.bytes / element)};
    }
    return LIG_OK;
}

static bool is_id(const Opening *o, int64_t id) { return id >= 0 && id < o->image->info->token_count; }
static bool is_id_or_none(const Opening *o, int64_t id) { return id == LIG_TOKEN_NONE || is_id(o, id); }

static LigStatus check_info(Opening *o)
{
    const Section *section = &o->sections[LIG_IMAGE_INFO];
    if (section->count != 1) return bad(o, "no description of the tokenizer");
    const LigImageInfo *info = section->data;
    o->image->info = info;
    if (info->model < LIG_TEXT_BYTE_BPE || info->model > LIG_TEXT_WORD_LEVEL)
        return bad(o, "an unknown kind of model");
    if ((info->flags & ~(uint32_t)LIG_TEXT_ALL_FLAGS) != 0) return bad(o, "unknown flags");
    if (info->token_count > INT32_MAX - 1) return bad(o, "too many tokens");
    if (!is_id_or_none(o, info->bos) || !is_id_or_none(o, info->eos) || !is_id_or_none(o, info->unk) ||
        !is_id_or_none(o, info->pad))
        return bad(o, "a named token that does not exist");
    return LIG_OK;
}

static LigStatus check_tokens(Opening *o)
{
    LigImage *image = o->image;
    const size_t count = image->info->token_count;
    const Section *offsets = &o->sections[LIG_IMAGE_TOKEN_OFFSETS];
    const Section *bytes = &o->sections[LIG_IMAGE_TOKEN_BYTES];
    const Section *flags = &o->sections[LIG_IMAGE_TOKEN_FLAGS];
    if (offsets->count != count + 1 || flags->count != count)
        return bad(o, "the tables of tokens differ in length");
    image->token_offsets = offsets->data;
    image->token_bytes = bytes->data;
    image->token_flags = flags->data;
    for (size_t i = 0; i < count; i++)
        if (image->token_offsets[i] > image->token_offsets[i + 1]) return bad(o, "tokens out of order");
    if (image->token_offsets[count] > bytes->count) return bad(o, "tokens past the end of their bytes");
    return LIG_OK;
}

static bool is_power_of_two(size_t n) { return n != 0 && (n & (n - 1)) == 0; }

// A search in either hash ends at a free place, so there must be one.
static LigStatus check_hashes(Opening *o)
{
    LigImage *image = o->image;
    image->token_slots = o->sections[LIG_IMAGE_TOKEN_SLOTS].data;
    image->token_slot_count = o->sections[LIG_IMAGE_TOKEN_SLOTS].count;
    if (!is_power_of_two(image->token_slot_count)) return bad(o, "the hash of tokens has a wrong size");
    bool has_free = false;
    for (size_t i = 0; i < image->token_slot_count; i++) {
        if (image->token_slots[i] > image->info->token_count)
            return bad(o, "the hash of tokens names an unknown id");
        has_free |= image->token_slots[i] == 0;
    }
    if (!has_free) return bad(o, "the hash of tokens is full");
    image->merges = o->sections[LIG_IMAGE_MERGES].data;
    image->merge_slot_count = o->sections[LIG_IMAGE_MERGES].count;
    if (image->merge_slot_count == 0) return LIG_OK;
    if (!is_power_of_two(image->merge_slot_count)) return bad(o, "the hash of merges has a wrong size");
    has_free = false;
    for (size_t i = 0; i < image->merge_slot_count; i++) {
        const LigImageMerge *merge = &image->merges[i];
        bool is_free = merge->left == UINT32_MAX;
        if (!is_free && (!is_id(o, merge->left) || !is_id(o, merge->right) || !is_id(o, merge->merged)))
            return bad(o, "a merge of an unknown id");
        has_free |= is_free;
    }
    return has_free ? LIG_OK : bad(o, "the hash of merges is full");
}

static LigStatus check_rules(Opening *o, LigImageSection kind, uint32_t last_kind)
{
    const Section *section = &o->sections[kind];
    const LigImageRule *rules = section->data;
    const size_t strings = o->image->strings.length;
    if (section->count > LIG_IMAGE_MAX_RULES) return bad(o, "too many normalisers, splits or decoders");
    for (size_t i = 0; i < section->count; i++) {
        if (rules[i].kind < 1 || rules[i].kind > last_kind)
            return bad(o, "an unknown kind of normaliser, split or decoder");
        if (rules[i].flags & ~(uint32_t)LIG_RULE_ALL_FLAGS) return bad(o, "unknown flags of a rule");
        if (rules[i].text_offset > strings || rules[i].text_bytes > strings - rules[i].text_offset ||
            rules[i].with_offset > strings || rules[i].with_bytes > strings - rules[i].with_offset)
            return bad(o, "a text of a rule outside the strings");
    }
    return LIG_OK;
}

// What lies behind the tokens: ids of bytes, scores, the trie. The nodes are checked as they are walked.
static LigStatus check_model_tables(Opening *o)
{
    LigImage *image = o->image;
    const Section *bytes = &o->sections[LIG_IMAGE_BYTE_IDS];
    const Section *scores = &o->sections[LIG_IMAGE_SCORES];
    const Section *nodes = &o->sections[LIG_IMAGE_NODES];
    if (bytes->count != 256) return bad(o, "no ids of the 256 bytes");
    image->byte_ids = bytes->data;
    for (size_t i = 0; i < bytes->count; i++)
        if (!is_id_or_none(o, image->byte_ids[i])) return bad(o, "an unknown id of a byte");
    const bool is_unigram = image->info->model == LIG_TEXT_UNIGRAM;
    if (scores->count != (is_unigram ? image->info->token_count : 0)) return bad(o, "a wrong number of scores");
    image->scores = scores->data;
    for (size_t i = 0; i < scores->count; i++)
        if (!isfinite(image->scores[i])) return bad(o, "a score that is no number");
    if (!isfinite(image->info->unk_score)) return bad(o, "a score that is no number");
    if ((is_unigram || image->info->model == LIG_TEXT_WORD_PIECE) && nodes->count == 0)
        return bad(o, "no trie of the tokens");
    image->nodes = nodes->data;
    image->node_count = nodes->count;
    for (size_t i = 0; i < nodes->count; i++)
        if (!is_id_or_none(o, image->nodes[i].id)) return bad(o, "the trie names an unknown id");
    return LIG_OK;
}

static LigStatus check_added(Opening *o)
{
    LigImage *image = o->image;
    image->added = o->sections[LIG_IMAGE_ADDED].data;
    image->added_count = o->sections[LIG_IMAGE_ADDED].count;
    for (size_t i = 0; i < image->added_count; i++) {
        if (!is_id(o, image->added[i].id)) return bad(o, "an added token with an unknown id");
        if (image->added[i].flags & ~(uint32_t)LIG_ADDED_ALL_FLAGS)
            return bad(o, "unknown flags of an added token");
        if (lig_image_token(image, (int32_t)image->added[i].id).length == 0)
            return bad(o, "an empty added token");
    }
    return LIG_OK;
}

static LigStatus check_id_lists(Opening *o)
{
    LigImage *image = o->image;
    image->wrap = o->sections[LIG_IMAGE_WRAP].data;
    image->wrap_count = o->sections[LIG_IMAGE_WRAP].count;
    for (size_t i = 0; i < image->wrap_count; i++)
        if (image->wrap[i] != LIG_IMAGE_SEQUENCE && !is_id(o, image->wrap[i]))
            return bad(o, "an unknown id around the text");
    image->end_ids = o->sections[LIG_IMAGE_END_IDS].data;
    image->end_count = o->sections[LIG_IMAGE_END_IDS].count;
    for (size_t i = 0; i < image->end_count; i++)
        if (!is_id(o, image->end_ids[i])) return bad(o, "an unknown id that ends generation");
    return LIG_OK;
}

static LigStr section_text(const Section *section) { return (LigStr){section->data, section->count}; }

LigStatus lig_image_open(LigContext *ctx, const void *data, size_t size, LigImage *out)
{
    *out = (LigImage){0};
    Opening o = {.ctx = ctx, .data = data, .size = size, .image = out};
    LIG_TRY(read_sections(&o));
    LIG_TRY(check_info(&o));
    LIG_TRY(check_tokens(&o));
    LIG_TRY(check_hashes(&o));
    out->strings = section_text(&o.sections[LIG_IMAGE_STRINGS]);
    LIG_TRY(check_model_tables(&o));
    LIG_TRY(check_rules(&o, LIG_IMAGE_NORMALISERS, LIG_NORMALISE_NMT));
    LIG_TRY(check_rules(&o, LIG_IMAGE_SPLITS, LIG_SPLIT_REPLACE));
    LIG_TRY(check_rules(&o, LIG_IMAGE_DECODERS, LIG_DECODE_JOIN));
    out->decoders = o.sections[LIG_IMAGE_DECODERS].data;
    out->decoder_count = o.sections[LIG_IMAGE_DECODERS].count;
    out->subword_prefix = section_text(&o.sections[LIG_IMAGE_SUBWORD_PREFIX]);
    out->word_end = section_text(&o.sections[LIG_IMAGE_WORD_END]);
    out->normalisers = o.sections[LIG_IMAGE_NORMALISERS].data;
    out->normaliser_count = o.sections[LIG_IMAGE_NORMALISERS].count;
    out->splits = o.sections[LIG_IMAGE_SPLITS].data;
    out->split_count = o.sections[LIG_IMAGE_SPLITS].count;
    LIG_TRY(check_added(&o));
    LIG_TRY(check_id_lists(&o));
    out->chat_template = section_text(&o.sections[LIG_IMAGE_CHAT_TEMPLATE]);
    return LIG_OK;
}

LigStr lig_image_token(const LigImage *image, int32_t id)
{
    if (id < 0 || (uint32_t)id >= image->info->token_count) return (LigStr){0};
    uint32_t begin = image->token_offsets[id];
    uint32_t length = image->token_offsets[id + 1] - begin;
    return length == 0 ? (LigStr){0} : (LigStr){image->token_bytes + begin, length};
}

int32_t lig_image_find(const LigImage *image, LigStr bytes)
{
    size_t mask = image->token_slot_count - 1;
    for (size_t slot = (size_t)lig_str_hash(bytes) & mask; image->token_slots[slot]; slot = (slot + 1) & mask) {
        int32_t id = (int32_t)image->token_slots[slot] - 1;
        if (lig_str_equal(lig_image_token(image, id), bytes)) return id;
    }
    return LIG_TOKEN_NONE;
}

const LigImageMerge *lig_image_merge(const LigImage *image, uint32_t left, uint32_t right)
{
    if (image->merge_slot_count == 0) return NULL;
    size_t slot = lig_image_merge_slot(left, right, image->merge_slot_count);
    for (;; slot = (slot + 1) & (image->merge_slot_count - 1)) {
        const LigImageMerge *merge = &image->merges[slot];
        if (merge->left == UINT32_MAX) return NULL;
        if (merge->left == left && merge->right == right) return merge;
    }
}

LigStr lig_image_rule_text(const LigImage *image, const LigImageRule *rule)
{
    return (LigStr){image->strings.data + rule->text_offset, rule->text_bytes};
}

LigStr lig_image_rule_with(const LigImage *image, const LigImageRule *rule)
{
    return (LigStr){image->strings.data + rule->with_offset, rule->with_bytes};
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int lig_byte_of_spelling(LigStr token)
{
    if (token.length != 6 || !lig_str_starts_with(token, LIG_STR("<0x")) || token.data[5] != '>') return -1;
    const int high = hex_digit(token.data[3]);
    const int low = hex_digit(token.data[4]);
    return high < 0 || low < 0 ? -1 : 16 * high + low;
}
