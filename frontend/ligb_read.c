// .ligb files into modules: the container, dims and facts, params and states.
#include "frontend/ligb_read.h"
#include "frontend/ligb.h"

#include "ir/base/alloc.h"
#include "ir/lex.h"
#include "ir/text.h"
#include "ir/verify.h"

#include <stdarg.h>
#include <string.h>

// A dim as a tree may nest and grow no further than one in text can: what refers twice to what refers twice …
// would take for ever to reason about.
enum { MOST_NESTED = 30, MOST_PARTS = 4096 };

LigStatus lig_ligb__damaged(LigLigbReader *r, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    LigStr what = lig_str_vformat(r->scratch, format, args);
    va_end(args);
    if (!what.data) return lig_no_memory(r->ctx);
    return lig_fail(r->ctx, LIG_ERR_INVALID, LIG_FILE_LOC(r->path),
                    "the graph is damaged: %s: write the file again", what.data);
}

LigStatus lig_ligb__unknown(LigLigbReader *r, const char *what, const char *name)
{
    const LigStr shown = lig_str(name);
    if (!lig_is_value_name(shown))
        return lig_ligb__damaged(r, "the %s's name is empty, or not of letters, digits and . _ -", what);
    return lig_fail(r->ctx, LIG_ERR_UNSUPPORTED, LIG_FILE_LOC(r->path),
                    "%s `%.*s` is not known here: the file is from another version", what,
                    (int)(shown.length < 128 ? shown.length : 128), name);
}

LigStatus lig_ligb__check_name(LigLigbReader *r, const char *name)
{
    if (lig_is_value_name(lig_str(name))) return LIG_OK;
    return lig_ligb__damaged(r, "a name is empty, or not of letters, digits and . _ -");
}

LigStatus lig_ligb__add_value(LigLigbReader *r, LigValue *value)
{
    value->loc = LIG_FILE_LOC(r->path);
    return LIG_VEC_PUSH(r->scratch, &r->values, value) ? LIG_OK : lig_no_memory(r->ctx);
}

// ---- dims ----

// What reading keeps of a dim beside it: how deep it nests and how many parts it has, written out as a tree.
typedef struct DimSize {
    uint32_t depth, parts;
} DimSize;

typedef struct DimReader {
    LigLigbReader *r;
    DimSize *sizes; // [number of dims]
    DimSize size;   // of the dim being read
} DimReader;

static LigStatus read_choice(DimReader *d, const Ligature__Atom *atom, LigDim *out)
{
    LigDimTable *table = d->r->module->dims;
    for (size_t i = 0; i < atom->n_dims; i++) {
        uint32_t number = atom->dims[i];
        if (number >= d->r->dim_count) return lig_ligb__damaged(d->r, "dim %u stands too late", number);
        const DimSize *part = &d->sizes[number];
        if (part->depth + 1 > d->size.depth) d->size.depth = part->depth + 1;
        d->size.parts += part->parts;
        if (d->size.depth > MOST_NESTED || d->size.parts > MOST_PARTS)
            return lig_ligb__damaged(d->r, "a dim nests too deep or is too long");
        LigDim operand = d->r->dims[number];
        if (i == 0)
            *out = operand;
        else
            *out = atom->kind == LIGATURE__ATOM__KIND__MIN ? lig_dim_min(table, *out, operand)
                                                           : lig_dim_max(table, *out, operand);
    }
    return LIG_OK;
}

static LigStatus read_atom(DimReader *d, const Ligature__Atom *atom, LigDim *out)
{
    LigDimTable *table = d->r->module->dims;
    bool chooses = atom->kind == LIGATURE__ATOM__KIND__MIN || atom->kind == LIGATURE__ATOM__KIND__MAX;
    if (atom->kind == LIGATURE__ATOM__KIND__SYMBOL) {
        if (atom->symbol >= lig_dims_symbol_count(table))
            return lig_ligb__damaged(d->r, "there is no symbol %u", atom->symbol);
        *out = lig_dim_symbol(table, atom->symbol);
        return LIG_OK;
    }
    if (chooses && atom->n_dims >= 2) return read_choice(d, atom, out);
    if (atom->kind != LIGATURE__ATOM__KIND__FLOORDIV || atom->n_dims != 1 || atom->by <= 0)
        return lig_ligb__damaged(d->r, "a dim is made of nothing that is known");
    LIG_TRY(read_choice(d, atom, out));
    *out = lig_dim_floordiv(table, *out, atom->by);
    return LIG_OK;
}

static LigStatus read_term(DimReader *d, const Ligature__Term *term, LigDim *out)
{
    LigDimTable *table = d->r->module->dims;
    *out = lig_dim_const(table, term->coefficient);
    for (size_t i = 0; i < term->n_atoms; i++) {
        LigDim atom = NULL;
        if (++d->size.parts > MOST_PARTS) return lig_ligb__damaged(d->r, "a dim is too long");
        LIG_TRY(read_atom(d, term->atoms[i], &atom));
        *out = lig_dim_mul(table, *out, atom);
    }
    return LIG_OK;
}

static LigStatus read_dim(DimReader *d, const Ligature__Dim *message)
{
    LigDimTable *table = d->r->module->dims;
    LigDim sum = lig_dim_const(table, 0);
    d->size = (DimSize){0};
    for (size_t i = 0; i < message->n_terms; i++) {
        LigDim term;
        if (++d->size.parts > MOST_PARTS) return lig_ligb__damaged(d->r, "a dim is too long");
        LIG_TRY(read_term(d, message->terms[i], &term));
        sum = lig_dim_add(table, sum, term);
    }
    if (!sum) return lig_ligb__damaged(d->r, "dim %u is too large", d->r->dim_count);
    d->sizes[d->r->dim_count] = d->size;
    d->r->dims[d->r->dim_count++] = sum;
    return LIG_OK;
}

static LigStatus read_symbols(LigLigbReader *r, const Ligature__Module *message)
{
    for (size_t i = 0; i < message->n_symbols; i++) {
        const Ligature__Symbol *symbol = message->symbols[i];
        LigDim dim;
        if (!lig_is_dim_name(lig_str(symbol->name)))
            return lig_ligb__damaged(r, "symbol %zu has no name that a dim can have", i);
        LIG_TRY(lig_dims_declare(r->ctx, r->module->dims, LIG_FILE_LOC(r->path),
                                 (LigSymbol){lig_str(symbol->name), symbol->low, symbol->high}, &dim));
    }
    return LIG_OK;
}

static LigStatus read_dims(LigLigbReader *r, const Ligature__Module *message)
{
    DimReader d = {.r = r, .sizes = LIG_NEW_ARRAY(r->scratch, DimSize, message->n_dims)};
    r->dims = LIG_NEW_ARRAY(r->scratch, LigDim, message->n_dims);
    if (!d.sizes || !r->dims) return lig_no_memory(r->ctx);
    for (size_t i = 0; i < message->n_dims; i++) LIG_TRY(read_dim(&d, message->dims[i]));
    return LIG_OK;
}

static LigStatus read_fact(LigLigbReader *r, const Ligature__Fact *message)
{
    if (message->left >= r->dim_count || message->right >= r->dim_count)
        return lig_ligb__damaged(r, "a fact is about a dim that is not there");
    const LigFact fact = {r->dims[message->left], r->dims[message->right],
                          message->equal ? LIG_REL_EQ : LIG_REL_LE};
    if (!lig_dims_add_fact(r->module->dims, fact)) return lig_no_memory(r->ctx);
    LigDimBounds bounds[LIG_MAX_SYMBOLS];
    lig_dims_bounds(r->module->dims, bounds);
    if (lig_dims_sharpen(r->module->dims, bounds)) return LIG_OK;
    return lig_ligb__damaged(r, "a fact holds for no sizes inside the declared ranges");
}

// ---- types ----

static LigStatus read_layout(LigLigbReader *r, const Ligature__Panel *panel, LigType *type)
{
    int64_t columns = 0;
    if (panel->n > INT32_MAX || panel->k > INT32_MAX) return lig_ligb__damaged(r, "a panel is too large");
    type->layout = (LigLayout){LIG_LAYOUT_PANEL, (int32_t)panel->n, (int32_t)panel->k};
    bool known = type->rank > 0 && lig_dim_is_const(type->dims[type->rank - 1], &columns);
    const char *problem = lig_layout_problem(type->layout, type->dtype, type->rank, columns);
    if (!problem && !known && type->layout.k != 1) problem = "k of a panel must be 1 when the last axis varies";
    return problem ? lig_ligb__damaged(r, "%s", problem) : LIG_OK;
}

LigStatus lig_ligb__type(LigLigbReader *r, const Ligature__Type *message, LigType *out)
{
    *out = (LigType){0};
    if (!message) return lig_ligb__damaged(r, "a value has no type");
    if (!lig_dtype_find(lig_str(message->dtype), &out->dtype))
        return lig_ligb__unknown(r, "dtype", message->dtype);
    if (message->n_dims > LIG_MAX_RANK) return lig_ligb__damaged(r, "a type has %zu axes", message->n_dims);
    for (size_t i = 0; i < message->n_dims; i++) {
        int64_t size;
        if (message->dims[i] >= r->dim_count)
            return lig_ligb__damaged(r, "a type has dim %u, which is not there", message->dims[i]);
        LigDim dim = r->dims[message->dims[i]];
        if (lig_dim_is_const(dim, &size) && size < 0) return lig_ligb__damaged(r, "a type has a negative dim");
        out->dims[out->rank++] = dim;
    }
    int64_t columns, block = lig_dtype_block(out->dtype);
    bool fixed = out->rank && lig_dim_is_const(out->dims[out->rank - 1], &columns);
    if (block > 1 && (!out->rank || (fixed && columns % block)))
        return lig_ligb__damaged(r, "a type of dtype %s has no whole blocks", message->dtype);
    return message->panel ? read_layout(r, message->panel, out) : LIG_OK;
}

// ---- params and states ----

static LigStatus bind_blob(LigLigbReader *r, LigValue *param, const Ligature__Blob *blob)
{
    LigShape shape;
    size_t bytes;
    if (!lig_type_bind(&param->type, NULL, &shape) || !lig_shape_bytes(&shape, &bytes) || blob->bytes != bytes)
        return lig_ligb__damaged(r, "param %%%.*s has another number of bytes than its type",
                                 LIG_STR_ARG(param->name));
    if (blob->offset % LIG_LIGB_ALIGN || blob->offset > r->blob_bytes || bytes > r->blob_bytes - blob->offset)
        return lig_ligb__damaged(r, "the bytes of param %%%.*s lie outside the file, or at no multiple of 64",
                                 LIG_STR_ARG(param->name));
    param->data = r->blobs + blob->offset;
    return LIG_OK;
}

static LigStatus read_tensor(LigLigbReader *r, const Ligature__Value *message, bool param)
{
    LigType type;
    LigValue *value;
    LIG_TRY(lig_ligb__check_name(r, message->name));
    LIG_TRY(lig_ligb__type(r, message->type, &type));
    if (message->place_case != LIGATURE__VALUE__PLACE__NOT_SET ||
        (!param && (message->data || message->source.len)))
        return lig_ligb__damaged(r, "%%%s has a place or bytes, which its kind has not", message->name);
    const LigStr name = lig_str(message->name);
    const LigStr source = {(const char *)message->source.data, message->source.len};
    LIG_TRY(param ? lig_module_add_param(r->module, name, type, source, &value)
                  : lig_module_add_state(r->module, name, type, &value));
    if (message->data) LIG_TRY(bind_blob(r, value, message->data));
    return lig_ligb__add_value(r, value);
}

// ---- the module ----

static LigStatus read_stage(LigLigbReader *r, const char *name)
{
    for (int i = 0; i < LIG_STAGE_COUNT; i++) {
        if (strcmp(name, lig_stage_name((LigStage)i)) != 0) continue;
        r->module->stage = (LigStage)i;
        return LIG_OK;
    }
    return lig_ligb__unknown(r, "stage", name);
}

static LigStatus copy_bytes(LigLigbReader *r, ProtobufCBinaryData bytes, LigStr *out)
{
    *out = lig_str_copy(r->module->arena, (LigStr){(const char *)bytes.data, bytes.len});
    return out->data ? LIG_OK : lig_no_memory(r->ctx);
}

static LigStatus read_module(LigLigbReader *r, const Ligature__Module *message)
{
    LIG_TRY(copy_bytes(r, message->name, &r->module->name));
    LIG_TRY(copy_bytes(r, message->weights, &r->module->weights_path));
    LIG_TRY(read_stage(r, message->stage));
    LIG_TRY(read_symbols(r, message));
    LIG_TRY(read_dims(r, message));
    for (size_t i = 0; i < message->n_facts; i++) LIG_TRY(read_fact(r, message->facts[i]));
    for (size_t i = 0; i < message->n_params; i++) LIG_TRY(read_tensor(r, message->params[i], true));
    for (size_t i = 0; i < message->n_states; i++) LIG_TRY(read_tensor(r, message->states[i], false));
    r->globals = r->values.count;
    for (size_t i = 0; i < message->n_functions; i++) LIG_TRY(lig_ligb__func(r, message->functions[i]));
    return lig_verify_module(r->module);
}

// ---- the file ----

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

static uint64_t get_u64(const unsigned char *at)
{
    uint64_t value = 0;
    for (int i = 0; i < 8; i++) value |= (uint64_t)at[i] << 8 * i;
    return value;
}

typedef struct Parts {
    const unsigned char *graph, *blobs;
    size_t graph_bytes;
    uint64_t blob_bytes;
} Parts;

bool lig_ligb_is(const LigMappedFile *file) { return file->size >= 4 && memcmp(file->data, "LIGB", 4) == 0; }

static LigStatus read_header(LigContext *ctx, const LigMappedFile *file, Parts *out)
{
    const LigLoc loc = LIG_FILE_LOC(file->path);
    if (!lig_ligb_is(file) || file->size < LIG_LIGB_ALIGN)
        return lig_fail(ctx, LIG_ERR_INVALID, loc, "is no .ligb file, or cut in its first 64 bytes");
    uint64_t version = get_u64(file->data) >> 32;
    if (version != LIG_LIGB_VERSION)
        return lig_fail(ctx, LIG_ERR_UNSUPPORTED, loc,
                        "is .ligb version %llu, but this program reads version %d: write the file again",
                        (unsigned long long)version, LIG_LIGB_VERSION);
    uint64_t graph = get_u64(file->data + 8), bytes = get_u64(file->data + 16);
    uint64_t blobs = get_u64(file->data + 24), blob_bytes = get_u64(file->data + 32);
    bool inside = graph == LIG_LIGB_ALIGN && bytes <= file->size - graph && blobs >= graph + bytes &&
                  blobs <= file->size && blobs % LIG_LIGB_ALIGN == 0 && blob_bytes == file->size - blobs;
    if (!inside)
        return lig_fail(ctx, LIG_ERR_INVALID, loc,
                        "has %zu bytes, but its header says otherwise: it is cut or damaged, copy it again",
                        file->size);
    *out = (Parts){file->data + graph, file->data + blobs, (size_t)bytes, blob_bytes};
    return LIG_OK;
}

static LigStatus read_message(LigContext *ctx, const LigMappedFile *file, const Parts *parts,
                              const Ligature__Module *message, LigModule **out)
{
    LigLigbReader r = {.ctx = ctx, .blobs = parts->blobs, .blob_bytes = parts->blob_bytes};
    LIG_TRY(lig_module_create(ctx, LIG_STR(""), &r.module));
    r.path = lig_str_copy(r.module->arena, lig_str(file->path)).data;
    r.scratch = lig_arena_create();
    LigStatus status = r.path && r.scratch ? read_module(&r, message) : lig_no_memory(ctx);
    lig_arena_destroy(r.scratch);
    if (status == LIG_OK)
        *out = r.module;
    else
        lig_module_destroy(r.module);
    return status;
}

LigStatus lig_ligb_read(LigContext *ctx, const LigMappedFile *file, LigModule **out)
{
    Parts parts;
    LIG_TRY(read_header(ctx, file, &parts));
    bool failed = false;
    ProtobufCAllocator allocator = {counted_alloc, counted_free, &failed};
    Ligature__Module *message = ligature__module__unpack(&allocator, parts.graph_bytes, parts.graph);
    if (failed) {
        if (message) ligature__module__free_unpacked(message, &allocator);
        return lig_no_memory(ctx);
    }
    if (!message)
        return lig_fail(ctx, LIG_ERR_INVALID, LIG_FILE_LOC(file->path),
                        "the graph is no protobuf message: the file is damaged, write it again");
    LigStatus status = read_message(ctx, file, &parts, message, out);
    ligature__module__free_unpacked(message, &allocator);
    return status;
}
