// Statements of chat templates. A body of a loop is a scope of its own that begins empty each time round.
#include "runtime/text/template_eval.h"

typedef enum Flow {
    FLOW_ON,
    FLOW_BREAK,
    FLOW_CONTINUE,
} Flow;

static LigStatus run(LigTplEval *e, const LigTplNode *node, Flow *flow);

static LigStatus put(LigTplEval *e, LigVariant *map, LigStr name, LigVariant value)
{
    return lig_variant_put(e->arena, map, name, value) ? LIG_OK : lig_no_memory(e->ctx);
}

static LigStatus assign(LigTplEval *e, const LigTplNode *target, LigVariant value)
{
    if (target->kind == LIG_NODE_NAME) return put(e, &e->scopes.data[e->scopes.count - 1], target->text, value);
    LigVariant owner;
    LIG_TRY(lig_template_eval(e, target->a, &owner));
    if (owner.kind != LIG_VARIANT_NAMESPACE)
        return lig_template_error(e, target, LIG_ERR_INVALID, "set of a field: '%.*s' is not a namespace",
                                  LIG_STR_ARG(target->a->text));
    return put(e, &owner, target->text, value);
}

static LigStatus assign_all(LigTplEval *e, const LigTplNode *node, LigVariant value)
{
    if (node->items.count == 1) return assign(e, node->items.data[0], value);
    LigVariant parts;
    LIG_TRY(lig_template_iterate(e, node, &value, &parts));
    if (parts.list->count != node->items.count)
        return lig_template_error(e, node, LIG_ERR_INVALID, "%zu names for %zu values", node->items.count,
                                  parts.list->count);
    for (size_t i = 0; i < node->items.count; i++) LIG_TRY(assign(e, node->items.data[i], parts.list->data[i]));
    return LIG_OK;
}

static LigStatus push_scope(LigTplEval *e)
{
    LigVariant scope;
    if (!lig_variant_new_map(e->arena, &scope) || !LIG_VEC_PUSH(e->arena, &e->scopes, scope))
        return lig_no_memory(e->ctx);
    return LIG_OK;
}

// Without the items for which the loop's own condition does not hold.
static LigStatus filter_items(LigTplEval *e, const LigTplNode *node, LigVariant *items)
{
    LigVariant kept;
    if (!lig_variant_new_list(e->arena, &kept)) return lig_no_memory(e->ctx);
    for (size_t i = 0; i < items->list->count; i++) {
        LigVariant holds;
        LIG_TRY(push_scope(e));
        LIG_TRY(assign_all(e, node, items->list->data[i]));
        LIG_TRY(lig_template_eval(e, node->d, &holds));
        e->scopes.count--;
        if (lig_variant_is_true(&holds)) LIG_TRY(lig_template_push(e, &kept, items->list->data[i]));
    }
    *items = kept;
    return LIG_OK;
}

static LigStatus run_round(LigTplEval *e, const LigTplNode *node, LigVariantLoop *loop, Flow *flow)
{
    LIG_TRY(push_scope(e));
    LigVariant *scope = &e->scopes.data[e->scopes.count - 1];
    LIG_TRY(put(e, scope, LIG_STR("loop"), (LigVariant){.kind = LIG_VARIANT_LOOP, .loop = loop}));
    LIG_TRY(assign_all(e, node, loop->items->data[loop->index]));
    LIG_TRY(run(e, node->b, flow));
    e->scopes.count--;
    return LIG_OK;
}

static LigStatus run_for(LigTplEval *e, const LigTplNode *node, Flow *flow)
{
    LigVariant value;
    LigVariant items;
    LIG_TRY(lig_template_eval(e, node->a, &value));
    LIG_TRY(lig_template_iterate(e, node, &value, &items));
    if (node->d) LIG_TRY(filter_items(e, node, &items));
    if (items.list->count == 0) return node->c ? run(e, node->c, flow) : LIG_OK;
    LigVariantLoop *loop = LIG_NEW(e->arena, LigVariantLoop); // a namespace may keep it past the loop
    if (!loop) return lig_no_memory(e->ctx);
    loop->items = items.list;
    Flow inner = FLOW_ON;
    for (; loop->index < items.list->count && inner != FLOW_BREAK; loop->index++) {
        if (lig_arena_used_bytes(e->arena) > e->arena_limit)
            return lig_template_error(e, node, LIG_ERR_INVALID, "the rendering needs more than 256 MiB");
        LIG_TRY(run_round(e, node, loop, &inner));
    }
    return LIG_OK;
}

static LigStatus run_if(LigTplEval *e, const LigTplNode *node, Flow *flow)
{
    for (; node && node->kind == LIG_NODE_IF; node = node->c) {
        LigVariant condition;
        LIG_TRY(lig_template_eval(e, node->a, &condition));
        if (lig_variant_is_true(&condition)) return run(e, node->b, flow);
    }
    return node ? run(e, node, flow) : LIG_OK;
}

static LigStatus run_set_block(LigTplEval *e, const LigTplNode *node, Flow *flow)
{
    LigText text = {0};
    LigText *outer = e->out;
    e->out = &text;
    LigStatus status = run(e, node->b, flow);
    e->out = outer;
    if (status != LIG_OK) {
        lig_text_free(&text);
        return status;
    }
    LigVariant value;
    LIG_TRY(lig_template_take_text(e, node, &text, &value));
    return assign(e, node->items.data[0], value);
}

static LigStatus run_print(LigTplEval *e, const LigTplNode *node)
{
    LigVariant value;
    LIG_TRY(lig_template_eval(e, node->a, &value));
    return lig_template_append(e, node, e->out, &value);
}

static LigStatus run_set(LigTplEval *e, const LigTplNode *node)
{
    LigVariant value;
    LIG_TRY(lig_template_eval(e, node->a, &value));
    return assign_all(e, node, value);
}

static LigStatus run_block(LigTplEval *e, const LigTplNode *node, Flow *flow)
{
    for (size_t i = 0; i < node->items.count && *flow == FLOW_ON; i++)
        LIG_TRY(run(e, node->items.data[i], flow));
    return LIG_OK;
}

static LigStatus run(LigTplEval *e, const LigTplNode *node, Flow *flow)
{
    *flow = FLOW_ON;
    if (node->kind == LIG_NODE_BLOCK) return run_block(e, node, flow);
    if (node->kind == LIG_NODE_PRINT) return run_print(e, node);
    if (node->kind == LIG_NODE_IF) return run_if(e, node, flow);
    if (node->kind == LIG_NODE_FOR) return run_for(e, node, flow);
    if (node->kind == LIG_NODE_SET) return run_set(e, node);
    if (node->kind == LIG_NODE_SET_BLOCK) return run_set_block(e, node, flow);
    if (node->kind == LIG_NODE_BREAK)
        *flow = FLOW_BREAK;
    else if (node->kind == LIG_NODE_CONTINUE)
        *flow = FLOW_CONTINUE;
    else {
        LIG_ASSERT(node->kind == LIG_NODE_TEXT);
        lig_text_append(e->out, node->text);
        if (e->out->length > LIG_TEMPLATE_MAX_BYTES)
            return lig_template_error(e, node, LIG_ERR_INVALID, "the text becomes too long");
    }
    return e->out->failed ? lig_no_memory(e->ctx) : LIG_OK;
}

LigStatus lig_template_render(LigContext *ctx, const LigTemplate *chat_template, LigArena *arena,
                              const LigVariant *variables, LigText *out)
{
    LigTplEval e = {
        .ctx = ctx,
        .t = chat_template,
        .arena = arena,
        .arena_limit = lig_arena_used_bytes(arena) + LIG_TEMPLATE_MAX_BYTES,
        .variables = variables,
        .out = out,
    };
    Flow flow = FLOW_ON;
    LIG_TRY(push_scope(&e));
    return run(&e, chat_template->root, &flow);
}
