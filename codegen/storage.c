#include "codegen/storage.h"

enum { WIDE_LANES = 16 }; // targets with such vectors have 32 registers of them

// Columns of a step of a quantised dtype.
static int step_columns(LigDtype dtype)
{
    const int64_t block = lig_dtype_block(dtype);
    return block < LIG_BLOCK_UNIT ? (int)block : LIG_BLOCK_UNIT;
}

bool lig_storage_of(const LigType *type, const LigTarget *target, LigStorage *out)
{
    const bool is_float = lig_dtype_is_float(type->dtype), is_quantised = lig_dtype_is_quantised(type->dtype);
    const bool readable = type->layout.kind == LIG_LAYOUT_PANEL && type->dtype != LIG_F64 &&
                          lig_dtype_has_panel(type->dtype) && (is_float || is_quantised);
    if (!readable) return false;
    const int lanes = lig_target_f32_lanes(target), k = type->layout.k;
    if (type->layout.n % lanes != 0 || type->layout.n / lanes > LIG_STORAGE_MAX_VECTORS) return false;
    const int64_t group =
        k / lig_dtype_block(type->dtype) * type->layout.n * lig_dtype_block_bytes(type->dtype);
    *out = (LigStorage){.dtype = type->dtype,
                        .rows = type->layout.n,
                        .lanes = lanes,
                        .columns = is_quantised ? step_columns(type->dtype) : k};
    out->steps = k / out->columns;
    out->bytes = group / out->steps;
    return group % out->steps == 0 && (is_quantised || k == 1);
}

// Groups with planes besides d, dmin and whole values are read here and there, which the CPU's own prefetching does not
// follow: measured, asking for the lines of a step some time before doubles what one thread reads from memory.
static void prefetch_step(LigEmitter *e, const LigStorage *storage, LLVMValueRef pointer)
{
    enum { AHEAD = 2048, LINE = 64 };
    const LigBlockFacts *facts = lig_block_facts(storage->dtype);
    if (!lig_block_has(facts, LIG_PART_SCALE) && !lig_block_has(facts, LIG_PART_HIGH)) return;
    for (int64_t at = 0; at < storage->bytes; at += LINE)
        lig_emit_prefetch(e, lig_emit_offset_by(e, pointer, AHEAD + at), false);
}

void lig_storage_open(LigEmitter *e, LigStorageGroup *group, const LigStorage *storage, LigStoragePlace place)
{
    *group = (LigStorageGroup){.storage = storage, .pointer = place.pointer, .row = place.row};
    if (lig_dtype_is_quantised(storage->dtype)) prefetch_step(e, storage, place.pointer);
    if (storage->steps == 1) return;
    LLVMBuilderRef b = e->builder;
    group->step = LLVMBuildURem(b, place.step, lig_i64(e, storage->steps), "");
    LLVMValueRef back = LLVMBuildMul(b, group->step, lig_i64(e, -storage->bytes), "");
    group->pointer = lig_emit_offset(e, place.pointer, back);
}

// A vector of rows: their elements of `size` bytes lie side by side from `byte` behind `pointer` on.
static LLVMValueRef load_vector(LigEmitter *e, const LigStorageGroup *g, LLVMValueRef pointer,
                                LLVMTypeRef element, int64_t byte, int size)
{
    LLVMValueRef rows = LLVMBuildMul(e->builder, g->row, lig_i64(e, size), "");
    LLVMValueRef address = lig_emit_offset_by(e, lig_emit_offset(e, pointer, rows), byte);
    return lig_emit_load(e, lig_lanes(element, g->storage->lanes), address, (unsigned)size);
}

static LLVMValueRef plain_vector(LigEmitter *e, const LigStorageGroup *g, int vector)
{
    const LigStorage *s = g->storage;
    const int size = (int)lig_dtype_block_bytes(s->dtype);
    const int64_t byte = (int64_t)vector * s->lanes * size;
    if (s->dtype == LIG_F32) return load_vector(e, g, g->pointer, e->f32, byte, size);
    LLVMValueRef bits = load_vector(e, g, g->pointer, e->i16, byte, size);
    return s->dtype == LIG_F16 ? lig_emit_f16_to_f32(e, bits) : lig_emit_bf16_to_f32(e, bits);
}

// ---- the planes of a block ----

static const LigBlockFacts *facts_of(const LigStorageGroup *g) { return lig_block_facts(g->storage->dtype); }

// Elements of a part that one step has.
static int step_elements(const LigStorageGroup *g, LigPart part)
{
    if (part == LIG_PART_D || part == LIG_PART_DMIN) return 0;
    const bool is_value = part == LIG_PART_LOW || part == LIG_PART_HIGH;
    return g->storage->columns / (is_value ? LIG_BLOCK_WORD : facts_of(g)->shared);
}

// Where a part of this step begins: steps are at one distance from each other in every part.
static LLVMValueRef part_pointer(LigEmitter *e, LigStorageGroup *g, LigPart part)
{
    if (g->parts[part]) return g->parts[part];
    g->parts[part] = g->pointer;
    const int elements = step_elements(g, part);
    if (g->step && elements) {
        const LigBlockFacts *facts = facts_of(g);
        const int first = lig_block_place(facts, LIG_LAYOUT_PANEL, part, 0).byte;
        const int next = lig_block_place(facts, LIG_LAYOUT_PANEL, part, elements).byte;
        LLVMValueRef distance = lig_i64(e, (int64_t)g->storage->rows * (next - first));
        g->parts[part] = lig_emit_offset(e, g->pointer, LLVMBuildMul(e->builder, g->step, distance, ""));
    }
    return g->parts[part];
}

// The piece that holds an element, of a vector of rows, as i32 lanes (halves: as i16 lanes).
static LLVMValueRef piece_vector(LigEmitter *e, LigStorageGroup *g, LigPart part, int index, int vector)
{
    const LigStorage *s = g->storage;
    const LigBlockPlace place = lig_block_place(facts_of(g), LIG_LAYOUT_PANEL, part, index);
    const int64_t byte = (int64_t)s->rows * place.byte + (int64_t)vector * s->lanes * place.piece;
    LLVMTypeRef element = place.piece == LIG_BLOCK_WORD ? e->i32 : place.piece == 2 ? e->i16 : e->i8;
    LLVMValueRef piece = load_vector(e, g, part_pointer(e, g, part), element, byte, place.piece);
    if (place.piece != 1) return piece;
    LLVMTypeRef wide = lig_lanes(e->i32, s->lanes);
    const bool is_signed = part == LIG_PART_SCALE && facts_of(g)->scale_signed;
    return is_signed ? LLVMBuildSExt(e->builder, piece, wide, "") : LLVMBuildZExt(e->builder, piece, wide, "");
}

static LLVMValueRef shifted(LigEmitter *e, LLVMValueRef value, int right)
{
    LLVMValueRef by = lig_int_like(LLVMTypeOf(value), right < 0 ? -right : right);
    if (right == 0) return value;
    return right > 0 ? LLVMBuildLShr(e->builder, value, by, "") : LLVMBuildShl(e->builder, value, by, "");
}

static LLVMValueRef masked(LigEmitter *e, LLVMValueRef value, uint32_t mask)
{
    return LLVMBuildAnd(e->builder, value, lig_int_like(LLVMTypeOf(value), (int32_t)mask), "");
}

// ---- scales ----

static LLVMValueRef half_vector(LigEmitter *e, LigStorageGroup *g, LigPart part, int vector)
{
    return lig_emit_f16_to_f32(e, piece_vector(e, g, part, 0, vector));
}

// One part's bits of a small scale or min, shifted left by `left`.
static LLVMValueRef small_bits(LigEmitter *e, LigStorageGroup *g, LigPart part, int index, int vector)
{
    const LigBlockPlace place = lig_block_place(facts_of(g), LIG_LAYOUT_PANEL, part, index);
    LLVMValueRef piece = piece_vector(e, g, part, index, vector);
    if (place.bits == 8) return piece;
    return masked(e, shifted(e, piece, place.shift), (1u << place.bits) - 1);
}

// A small scale (part SCALE) or min (part MIN) as f32.
static LLVMValueRef small_vector(LigEmitter *e, LigStorageGroup *g, LigPart low, int index, int vector)
{
    const LigBlockFacts *facts = facts_of(g);
    LLVMValueRef value = small_bits(e, g, low, index, vector);
    const LigPart high = (LigPart)(low + 1);
    if (lig_block_has(facts, high)) {
        LLVMValueRef top = small_bits(e, g, high, index, vector);
        top = shifted(e, top, -lig_block_plane(facts, low, index)->bits);
        value = LLVMBuildOr(e->builder, value, top, "");
    }
    if (low == LIG_PART_SCALE && facts->scale_zero)
        value = LLVMBuildSub(e->builder, value, lig_int_like(LLVMTypeOf(value), facts->scale_zero), "");
    return LLVMBuildSIToFP(e->builder, value, lig_same_lanes(value, e->f32), "");
}

LLVMValueRef lig_storage_scale(LigEmitter *e, LigStorageGroup *g, int column, int vector)
{
    const LigBlockFacts *facts = facts_of(g);
    const int index = column / facts->shared;
    LLVMValueRef *scale = &g->scales[index][vector];
    if (*scale) return *scale;
    *scale = half_vector(e, g, LIG_PART_D, vector);
    if (!lig_block_has(facts, LIG_PART_SCALE)) return *scale;
    LLVMValueRef small = small_vector(e, g, LIG_PART_SCALE, index, vector);
    return *scale = LLVMBuildFMul(e->builder, *scale, small, "");
}

LLVMValueRef lig_storage_min(LigEmitter *e, LigStorageGroup *g, int column, int vector)
{
    const LigBlockFacts *facts = facts_of(g);
    const int index = column / facts->shared;
    LLVMValueRef *min = &g->mins[index][vector];
    if (!facts->min_sign) return NULL;
    if (*min) return *min;
    *min = half_vector(e, g, LIG_PART_DMIN, vector);
    if (facts->min_sign < 0) *min = LLVMBuildFNeg(e->builder, *min, "");
    if (!lig_block_has(facts, LIG_PART_MIN)) return *min;
    LLVMValueRef small = small_vector(e, g, LIG_PART_MIN, index, vector);
    return *min = LLVMBuildFMul(e->builder, *min, small, "");
}

// What is added to scale * u: the min, or what undoes the offset of unsigned values; all of it exact.
static LLVMValueRef offset_vector(LigEmitter *e, LigStorageGroup *g, int column, int vector)
{
    const LigBlockFacts *facts = facts_of(g);
    if (facts->min_sign) return lig_storage_min(e, g, column, vector);
    LLVMValueRef *offset = &g->mins[column / facts->shared][vector];
    LLVMValueRef scale = lig_storage_scale(e, g, column, vector);
    if (!*offset)
        *offset = LLVMBuildFMul(e->builder, scale, lig_float_like(LLVMTypeOf(scale), -facts->zero), "");
    return *offset;
}

// ---- values ----

// Four columns as bytes, with bits of others above their own.
static LLVMValueRef word_vector(LigEmitter *e, LigStorageGroup *g, int word, int vector)
{
    LLVMValueRef *out = &g->words[word][vector];
    if (*out) return *out;
    const LigBlockFacts *facts = facts_of(g);
    const LigBlockPlace low = lig_block_place(facts, LIG_LAYOUT_PANEL, LIG_PART_LOW, word);
    *out = shifted(e, piece_vector(e, g, LIG_PART_LOW, word, vector), low.shift);
    if (!lig_block_has(facts, LIG_PART_HIGH)) return *out;
    const LigBlockPlace high = lig_block_place(facts, LIG_LAYOUT_PANEL, LIG_PART_HIGH, word);
    const uint32_t mask = ((1u << low.bits) - 1) * UINT32_C(0x01010101);
    LLVMValueRef top = shifted(e, piece_vector(e, g, LIG_PART_HIGH, word, vector), high.shift - low.bits);
    return *out = LLVMBuildOr(e->builder, masked(e, *out, mask), masked(e, top, ~mask), "");
}

// The scale of values that stand `byte` bytes up in their lane: divided by 2^(8 * byte), which is exact.
static LLVMValueRef scale_of_byte(LigEmitter *e, LigStorageGroup *g, int column, int vector, int byte)
{
    LLVMValueRef scale = lig_storage_scale(e, g, column, vector);
    if (byte == 0) return scale;
    LLVMValueRef *out = &g->byte_scales[column / facts_of(g)->shared][byte][vector];
    const double power = 1.0 / (double)(1 << 8 * byte);
    if (!*out) *out = LLVMBuildFMul(e->builder, scale, lig_float_like(LLVMTypeOf(scale), power), "");
    return *out;
}

void lig_storage_byte_range(const LigStorage *storage, int *bits, int *zero)
{
    *bits = lig_block_facts(storage->dtype)->bits;
    *zero = lig_block_facts(storage->dtype)->zero;
}

LLVMValueRef lig_storage_bytes(LigEmitter *e, LigStorageGroup *group, int word, int vector)
{
    const int bits = facts_of(group)->bits;
    return masked(e, word_vector(e, group, word, vector), ((1u << bits) - 1) * UINT32_C(0x01010101));
}

// Where there are registers for it, a value is not shifted down from its byte: masked and converted where it stands,
// it is u * 2^(8 * byte), which the scale makes up for. That leaves a mask, a conversion and a multiply-add for
// each vector. The highest bit of a lane would be taken for a sign.
static LLVMValueRef quantised_vector(LigEmitter *e, LigStorageGroup *g, int column, int vector)
{
    const int bits = facts_of(g)->bits, shift = column % LIG_BLOCK_WORD * 8;
    const bool stays = g->storage->lanes >= WIDE_LANES && shift + bits < 32;
    const uint32_t mask = (1u << bits) - 1;
    LLVMValueRef word = word_vector(e, g, column / LIG_BLOCK_WORD, vector);
    LLVMValueRef value = stays ? masked(e, word, mask << shift) : masked(e, shifted(e, word, shift), mask);
    value = LLVMBuildSIToFP(e->builder, value, lig_same_lanes(value, e->f32), "");
    LLVMValueRef scale = scale_of_byte(e, g, column, vector, stays ? shift / 8 : 0);
    return lig_emit_fma(e, value, scale, offset_vector(e, g, column, vector));
}

LLVMValueRef lig_storage_vector(LigEmitter *e, LigStorageGroup *group, int column, int vector)
{
    if (lig_dtype_is_quantised(group->storage->dtype)) return quantised_vector(e, group, column, vector);
    return plain_vector(e, group, vector);
}
