#include "passes/plan_facts.h"

enum { PLACE_ALIGN = 64 };

// When the bytes of a root are in use, by positions of ops.
typedef struct Life {
    const LigValue *root; // NULL: the id is none of the arena's
    size_t first, last;
} Life;

static const LigValue *root_of(const LigValue *value)
{
    while (value->place.kind == LIG_PLACE_OVER) value = value->place.over;
    return value;
}

static void use(Life *lives, const LigValue *value, size_t position)
{
    const LigValue *root = root_of(value);
    if (root->place.kind != LIG_PLACE_ARENA) return;
    Life *life = &lives[root->id];
    if (!life->root) *life = (Life){.root = root, .first = position};
    life->last = position;
}

static void find_lives(const LigFunc *variant, Life *lives)
{
    for (size_t i = 0; i < variant->ops.count; i++) {
        const LigOp *op = variant->ops.data[i];
        for (size_t j = 0; j < op->operand_count; j++) use(lives, op->operands[j], i);
        for (size_t j = 0; j < op->result_count; j++) use(lives, op->results[j], i);
    }
}

static LigStatus add_lives(const LigModule *module, const LigFunc *variant, const Life *lives, uint64_t *alive)
{
    for (size_t id = 0; id < variant->value_count; id++) {
        const Life *life = &lives[id];
        LigShape shape;
        size_t bytes;
        if (!life->root) continue;
        if (!lig_func_bind_upper(module, variant, &life->root->type, &shape) ||
            !lig_shape_bytes(&shape, &bytes))
            return lig_fail(module->ctx, LIG_ERR_SHAPE, life->root->loc,
                            "%%%.*s has no upper bound on its size", LIG_STR_ARG(life->root->name));
        uint64_t units = (bytes + PLACE_ALIGN - 1) / PLACE_ALIGN;
        for (size_t at = life->first; at <= life->last; at++) alive[at] += units * PLACE_ALIGN;
    }
    return LIG_OK;
}

static LigStatus measure(const LigModule *module, const LigFunc *variant, LigArena *scratch, LigPlanFacts *out)
{
    Life *lives = LIG_NEW_ARRAY(scratch, Life, variant->value_count);
    uint64_t *alive = LIG_NEW_ARRAY(scratch, uint64_t, variant->ops.count);
    if (!lives || !alive) return lig_no_memory(module->ctx);
    find_lives(variant, lives);
    LIG_TRY(add_lives(module, variant, lives, alive));
    for (size_t at = 0; at < variant->ops.count; at++) {
        if (alive[at] > out->live_bytes) out->live_bytes = alive[at];
    }
    return LIG_OK;
}

static size_t count_in_place(const LigFunc *variant)
{
    size_t count = 0;
    for (size_t i = 0; i < variant->ops.count; i++) {
        const LigOp *op = variant->ops.data[i];
        for (size_t j = 0; op->callee && j < op->result_count; j++) {
            const LigValue *value = op->results[j];
            count += value->place.kind == LIG_PLACE_OVER && root_of(value)->place.kind == LIG_PLACE_ARENA;
        }
    }
    return count;
}

LigStatus lig_plan_measure(const LigModule *module, const LigFunc *variant, LigPlanFacts *out)
{
    *out = (LigPlanFacts){.arena_bytes = (uint64_t)lig_attrs_int(variant->attrs, LIG_ATTR_ARENA, 0),
                          .in_place = count_in_place(variant)};
    LigArena *scratch = lig_arena_create();
    if (!scratch) return lig_no_memory(module->ctx);
    LigStatus status = measure(module, variant, scratch, out);
    lig_arena_destroy(scratch);
    return status;
}
