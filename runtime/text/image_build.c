// Laying an image out: sizes first, then one allocation, then one function a section.
#include "runtime/text/image.h"

#include "ir/base/alloc.h"
#include "runtime/text/image_layout.h"
#include "runtime/text/utf8.h"

#include <stdlib.h>
#include <string.h>

typedef struct Building {
    LigContext *ctx;
    const LigTokenizerSpec *spec;
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
    if (spec->normaliser_count > LIG_IMAGE_MAX_RULES || spec->split_count > LIG_IMAGE_MAX_RULES)
        return bad(b, "more than 16 normalisers or splits", LIG_IMAGE_MAX_RULES);
    return check_lists(b);
}

// Places for `count` entries, at most half full, so that searches are short and end.
static uint64_t slots_for(size_t count)
{
    uint64_t slots = 4;
    while (slots < 2 * (uint64_t)count) slots *= 2;
    return slots;
}

static LigStatus measure(Building *b)
{
    const LigTokenizerSpec *spec = b->spec;
    uint64_t token_bytes = 0;
    for (size_t i = 0; i < spec->token_count; i++) token_bytes += spec->tokens[i].length;
    uint64_t strings = 0;
    for (size_t i = 0; i < spec->normaliser_count; i++) strings += spec->normalisers[i].text.length;
    for (size_t i = 0; i < spec->split_count; i++) strings += spec->splits[i].text.length;
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

static void write_info(const Building *b)
{
    const LigTokenizerSpec *spec = b->spec;
    *(LigImageInfo *)b->at[LIG_IMAGE_INFO] = (LigImageInfo){
        .model = (uint32_t)spec->model,
        .flags = spec->flags,
        .bos = spec->bos,
        .eos = spec->eos,
        .unk = spec->unk,
        .pad = spec->pad,
        .token_count = (uint32_t)spec->token_count,
    };
}

static void copy(void *to, const void *from, size_t bytes)
{
    if (bytes) memcpy(to, from, bytes);
}

static void write_tokens(const Building *b)
{
    const LigTokenizerSpec *spec = b->spec;
    uint32_t *offsets = b->at[LIG_IMAGE_TOKEN_OFFSETS];
    char *bytes = b->at[LIG_IMAGE_TOKEN_BYTES];
    uint8_t *flags = b->at[LIG_IMAGE_TOKEN_FLAGS];
    uint32_t used = 0;
    for (size_t i = 0; i < spec->token_count; i++) {
        offsets[i] = used;
        copy(bytes + used, spec->tokens[i].data, spec->tokens[i].length);
        used += (uint32_t)spec->tokens[i].length;
        if (spec->tokens[i].data) flags[i] = LIG_TOKEN_PRESENT;
    }
    offsets[spec->token_count] = used;
    for (size_t i = 0; i < spec->added_count; i++) {
        uint32_t special = spec->added[i].flags & LIG_ADDED_SPECIAL ? LIG_TOKEN_SPECIAL : 0;
        flags[spec->added[i].id] = (uint8_t)(flags[spec->added[i].id] | LIG_TOKEN_ADDED | special);
    }
}

// Special tokens stay out: the model must not make them. Of two tokens with the same bytes the lower id counts.
static void write_token_slots(const Building *b)
{
    const LigTokenizerSpec *spec = b->spec;
    const uint8_t *flags = b->at[LIG_IMAGE_TOKEN_FLAGS];
    uint32_t *slots = b->at[LIG_IMAGE_TOKEN_SLOTS];
    size_t mask = (size_t)(b->bytes[LIG_IMAGE_TOKEN_SLOTS] / sizeof *slots) - 1;
    for (size_t i = 0; i < spec->token_count; i++) {
        if (!(flags[i] & LIG_TOKEN_PRESENT) || flags[i] & LIG_TOKEN_SPECIAL) continue;
        size_t slot = (size_t)lig_str_hash(spec->tokens[i]) & mask;
        while (slots[slot] && !lig_str_equal(spec->tokens[slots[slot] - 1], spec->tokens[i]))
            slot = (slot + 1) & mask;
        if (!slots[slot]) slots[slot] = (uint32_t)i + 1;
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
            slots[slot] = (LigImageMerge){left, right, (uint32_t)i, (uint32_t)merge->merged};
    }
}

static uint32_t write_rules(LigImageRule *out, char *strings, uint32_t used, const LigRuleSpec *rules,
                            size_t count)
{
    for (size_t i = 0; i < count; i++) {
        out[i] = (LigImageRule){rules[i].kind, used, (uint32_t)rules[i].text.length};
        copy(strings + used, rules[i].text.data, rules[i].text.length);
        used += (uint32_t)rules[i].text.length;
    }
    return used;
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

LigStatus lig_image_build(LigContext *ctx, const LigTokenizerSpec *spec, LigImageBytes *out)
{
    *out = (LigImageBytes){0};
    Building b = {.ctx = ctx, .spec = spec};
    LIG_TRY(check_spec(&b));
    LIG_TRY(measure(&b));
    LIG_TRY(allocate(&b, out));
    write_info(&b);
    write_tokens(&b);
    write_token_slots(&b);
    write_merges(&b);
    char *strings = b.at[LIG_IMAGE_STRINGS];
    uint32_t used =
        write_rules(b.at[LIG_IMAGE_NORMALISERS], strings, 0, spec->normalisers, spec->normaliser_count);
    write_rules(b.at[LIG_IMAGE_SPLITS], strings, used, spec->splits, spec->split_count);
    copy(b.at[LIG_IMAGE_WRAP], spec->wrap, spec->wrap_count * sizeof *spec->wrap);
    copy(b.at[LIG_IMAGE_END_IDS], spec->end_ids, spec->end_count * sizeof *spec->end_ids);
    copy(b.at[LIG_IMAGE_CHAT_TEMPLATE], spec->chat_template.data, spec->chat_template.length);
    LigStatus status = spec->added_count ? write_added(&b) : LIG_OK;
    if (status != LIG_OK) lig_image_free(out);
    return status;
}

void lig_image_free(LigImageBytes *image)
{
    lig_free(image->data);
    *image = (LigImageBytes){0};
}
