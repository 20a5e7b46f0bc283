// The bytes of the tokenizer image, shared by the one that writes it and the one that reads it.
#ifndef LIG_TEXT_IMAGE_LAYOUT_H
#define LIG_TEXT_IMAGE_LAYOUT_H

#include "runtime/text/image.h"

#define LIG_IMAGE_MAGIC "LIGTOKN" // 8 bytes with its zero

typedef enum LigImageSection {
    LIG_IMAGE_INFO,
    LIG_IMAGE_TOKEN_OFFSETS,
    LIG_IMAGE_TOKEN_BYTES,
    LIG_IMAGE_TOKEN_FLAGS,
    LIG_IMAGE_TOKEN_SLOTS,
    LIG_IMAGE_MERGES,
    LIG_IMAGE_NORMALISERS,
    LIG_IMAGE_SPLITS,
    LIG_IMAGE_ADDED,
    LIG_IMAGE_WRAP,
    LIG_IMAGE_END_IDS,
    LIG_IMAGE_CHAT_TEMPLATE,
    LIG_IMAGE_STRINGS,
    LIG_IMAGE_DECODERS,
    LIG_IMAGE_BYTE_IDS,
    LIG_IMAGE_SCORES,
    LIG_IMAGE_NODES,
    LIG_IMAGE_SUBWORD_PREFIX,
    LIG_IMAGE_WORD_END,
    LIG_IMAGE_SECTION_COUNT,
} LigImageSection;

typedef struct LigImageHeader {
    char magic[8];
    uint32_t version;
    uint32_t section_count;
    uint64_t size;
} LigImageHeader;

typedef struct LigImageEntry {
    uint32_t kind;
    uint32_t reserved; // zero
    uint64_t offset;
    uint64_t bytes;
} LigImageEntry;

// What one element of each section takes.
static const uint32_t lig_image_element_bytes[LIG_IMAGE_SECTION_COUNT] = {
    [LIG_IMAGE_INFO] = sizeof(LigImageInfo),
    [LIG_IMAGE_TOKEN_OFFSETS] = sizeof(uint32_t),
    [LIG_IMAGE_TOKEN_BYTES] = 1,
    [LIG_IMAGE_TOKEN_FLAGS] = 1,
    [LIG_IMAGE_TOKEN_SLOTS] = sizeof(uint32_t),
    [LIG_IMAGE_MERGES] = sizeof(LigImageMerge),
    [LIG_IMAGE_NORMALISERS] = sizeof(LigImageRule),
    [LIG_IMAGE_SPLITS] = sizeof(LigImageRule),
    [LIG_IMAGE_ADDED] = sizeof(LigImageAdded),
    [LIG_IMAGE_WRAP] = sizeof(int32_t),
    [LIG_IMAGE_END_IDS] = sizeof(int32_t),
    [LIG_IMAGE_CHAT_TEMPLATE] = 1,
    [LIG_IMAGE_STRINGS] = 1,
    [LIG_IMAGE_DECODERS] = sizeof(LigImageRule),
    [LIG_IMAGE_BYTE_IDS] = sizeof(int32_t),
    [LIG_IMAGE_SCORES] = sizeof(double),
    [LIG_IMAGE_NODES] = sizeof(LigImageNode),
    [LIG_IMAGE_SUBWORD_PREFIX] = 1,
    [LIG_IMAGE_WORD_END] = 1,
};

_Static_assert(sizeof(LigImageHeader) == 24 && sizeof(LigImageEntry) == 24, "the image has no padding");
_Static_assert(sizeof(LigImageInfo) == 40 && sizeof(LigImageMerge) == 16, "the image has no padding");

// Where a pair of ids begins its search in a table of `slot_count` (a power of two) places.
static inline size_t lig_image_merge_slot(uint32_t left, uint32_t right, size_t slot_count)
{
    uint64_t key = ((uint64_t)left << 32 | right) * UINT64_C(0x9E3779B97F4A7C15);
    return (size_t)(key ^ key >> 32) & (slot_count - 1);
}

#endif
