#include "codegen/storage.h"

bool lig_storage_of(const LigType *type, const LigTarget *target, LigStorage *out)
{
    bool readable = type->layout.kind == LIG_LAYOUT_PANEL && type->dtype != LIG_F64 &&
                    lig_dtype_has_panel(type->dtype) &&
                    (lig_dtype_is_float(type->dtype) || lig_dtype_is_quantised(type->dtype));
    if (!readable) return false;
    int lanes = lig_target_f32_lanes(target);
    if (type->layout.n % lanes != 0 || type->layout.n / lanes > LIG_STORAGE_MAX_VECTORS) return false;
    int64_t blocks = type->layout.k / lig_dtype_block(type->dtype);
    *out = (LigStorage){.dtype = type->dtype,
                        .rows = type->layout.n,
                        .lanes = lanes,
                        .columns = type->layout.k,
                        .bytes = blocks * type->layout.n * lig_dtype_block_bytes(type->dtype)};
    return !lig_dtype_is_float(type->dtype) || type->layout.k == 1;
}

void lig_storage_open(LigStorageGroup *group, const LigStorage *storage, LLVMValueRef pointer)
{
    *group = (LigStorageGroup){.storage = storage, .pointer = pointer};
}

static LLVMValueRef load_vector(LigEmitter *e, const LigStorageGroup *g, LLVMTypeRef element, int64_t byte,
                                unsigned align)
{
    LLVMValueRef address = lig_emit_offset_by(e, g->pointer, byte);
    return lig_emit_load(e, lig_lanes(element, g->storage->lanes), address, align);
}

static LLVMValueRef plain_vector(LigEmitter *e, const LigStorageGroup *g, int vector)
{
    int64_t size = lig_dtype_block_bytes(g->storage->dtype);
    int64_t byte = (int64_t)vector * g->storage->lanes * size;
    if (g->storage->dtype == LIG_F32) return load_vector(e, g, e->f32, byte, 4);
    LLVMValueRef bits = load_vector(e, g, e->i16, byte, 2);
    return g->storage->dtype == LIG_F16 ? lig_emit_f16_to_f32(e, bits) : lig_emit_bf16_to_f32(e, bits);
}

// Block-quantised groups: values first, then f16 scales, then f16 mins (q4_1).

static bool has_nibbles(const LigStorage *s) { return s->dtype == LIG_Q4_0 || s->dtype == LIG_Q4_1; }
static int64_t value_bytes(const LigStorage *s) { return (int64_t)s->rows * (has_nibbles(s) ? 16 : 32); }

static LLVMValueRef load_halves(LigEmitter *e, const LigStorageGroup *g, int64_t byte, int vector)
{
    return lig_emit_f16_to_f32(e, load_vector(e, g, e->i16, byte + (int64_t)vector * g->storage->lanes * 2, 2));
}

static LLVMValueRef scale_vector(LigEmitter *e, LigStorageGroup *g, int vector)
{
    LLVMValueRef *scale = &g->scales[vector];
    if (!*scale) *scale = load_halves(e, g, value_bytes(g->storage), vector);
    return *scale;
}

// What is added to scale * q: the stored min, or what undoes the offset of unsigned values.
static LLVMValueRef min_vector(LigEmitter *e, LigStorageGroup *g, int vector)
{
    LLVMValueRef *min = &g->mins[vector];
    if (*min) return *min;
    if (g->storage->dtype == LIG_Q4_1) {
        *min = load_halves(e, g, value_bytes(g->storage) + (int64_t)g->storage->rows * 2, vector);
    } else {
        LLVMValueRef scale = scale_vector(e, g, vector);
        double offset = g->storage->dtype == LIG_Q8_0 ? -128.0 : -8.0;
        *min = LLVMBuildFMul(e->builder, scale, lig_float_like(LLVMTypeOf(scale), offset), "");
    }
    return *min;
}

static LLVMValueRef piece_vector(LigEmitter *e, LigStorageGroup *g, int piece, int vector)
{
    LLVMValueRef *loaded = &g->pieces[piece][vector];
    int64_t byte = ((int64_t)piece * g->storage->rows + (int64_t)vector * g->storage->lanes) * 4;
    if (!*loaded) *loaded = load_vector(e, g, e->i32, byte, 4);
    return *loaded;
}

// Small integers to f32 by a table in a register: one shuffle that looks at the low four bits of each lane
// only.
static LLVMValueRef nibble_by_table(LigEmitter *e, LLVMValueRef shifted)
{
    LLVMValueRef entries[16];
    for (int i = 0; i < 16; i++) entries[i] = lig_f32(e, (float)i);
    LLVMValueRef args[] = {LLVMConstVector(entries, 16), shifted};
    const LigIntrinsic permute = {.name = "llvm.x86.avx512.permvar.sf.512"};
    return lig_emit_intrinsic(e, permute, args, 2);
}

static LLVMValueRef unsigned_value(LigEmitter *e, const LigStorage *s, LLVMValueRef shifted)
{
    if (has_nibbles(s) && s->lanes == 16) return nibble_by_table(e, shifted);
    LLVMTypeRef type = LLVMTypeOf(shifted);
    LLVMValueRef mask = lig_int_like(type, has_nibbles(s) ? 15 : 255);
    LLVMValueRef q = LLVMBuildAnd(e->builder, shifted, mask, "");
    return LLVMBuildSIToFP(e->builder, q, lig_same_lanes(shifted, e->f32), "");
}

static LLVMValueRef quantised_vector(LigEmitter *e, LigStorageGroup *g, int column, int vector)
{
    const LigStorage *s = g->storage;
    int within = has_nibbles(s) ? column % 16 : column;
    int shift = within % 4 * 8 + (has_nibbles(s) && column >= 16 ? 4 : 0);
    LLVMValueRef q = piece_vector(e, g, within / 4, vector);
    if (shift) q = LLVMBuildLShr(e->builder, q, lig_int_like(LLVMTypeOf(q), shift), "");
    LLVMValueRef value = unsigned_value(e, s, q);
    return lig_emit_fma(e, value, scale_vector(e, g, vector), min_vector(e, g, vector));
}

void lig_storage_byte_range(const LigStorage *storage, int *bits, int *zero)
{
    *bits = has_nibbles(storage) ? 4 : 8;
    *zero = storage->dtype == LIG_Q4_1 ? 0 : 1 << (*bits - 1);
}

LLVMValueRef lig_storage_bytes(LigEmitter *e, LigStorageGroup *group, int piece, int vector)
{
    if (!has_nibbles(group->storage)) return piece_vector(e, group, piece, vector);
    LLVMValueRef packed = piece_vector(e, group, piece % 4, vector);
    LLVMTypeRef type = LLVMTypeOf(packed);
    if (piece >= 4) packed = LLVMBuildLShr(e->builder, packed, lig_int_like(type, 4), "");
    return LLVMBuildAnd(e->builder, packed, lig_int_like(type, 0x0f0f0f0f), "");
}

LLVMValueRef lig_storage_scale(LigEmitter *e, LigStorageGroup *group, int vector)
{
    return scale_vector(e, group, vector);
}

LLVMValueRef lig_storage_min(LigEmitter *e, LigStorageGroup *group, int vector)
{
    return group->storage->dtype == LIG_Q4_1 ? min_vector(e, group, vector) : NULL;
}

LLVMValueRef lig_storage_vector(LigEmitter *e, LigStorageGroup *group, int column, int vector)
{
    if (lig_dtype_is_quantised(group->storage->dtype)) return quantised_vector(e, group, column, vector);
    return plain_vector(e, group, vector);
}
