// fuse: joins ops into kernels, and turns every op that moves or computes data into a call of one.
//
//   %x1 = add %x0, %o                                  %x1, %h = call @add_rms_norm(%x0, %o, %norm)
//   %h  = rms_norm %x1, %norm {eps=1e-05}       =>
//
// Requires  stage model.
// Ensures  stage fused: bodies hold calls and reshapes only; equal kernels are one.
// A group grows by an elementwise or row op that reads a result of the group and has the same shape, when
// nothing between the group and the op reads the group's results (then the group can be computed where the op
// stands). A group holds at most one row op that reduces: it needs the whole row, and two of them would walk it
// more often than two kernels do. Quantising needs a block of the row only, and joins the others. A linear op
// takes elementwise ops only, its epilogue: a tile of it has some columns of a row, not the whole. Linear ops that read the same x are siblings in one group (queries, keys and
// values; gate and up): one launch, and x is read once.
// Cost  ops times the distance from an op to what it reads.
#include "passes/clone.h"
#include "passes/fuse_groups.h"
#include "passes/pass.h"
#include "passes/prune.h"

typedef struct Fuser {
    LigPass *pass;
    LigModule *module;
    LigFunc *func; // the one being rewritten
    LigFuseGroups groups;
    LigKernelSet kernels;
} Fuser;

// Kernels: a group as a function of what it reads.

// What the table says of its first op; a row op decides for the elementwise ops around it. An op without code
// has a kernel too, which the interpreter runs and code generation refuses.
static LigStr kernel_class(const LigFuseGroup *group)
{
    if (group->row_count) return LIG_STR("row");
    LigLowering lowering = lig_op_info(group->members[0]->code)->lowering;
    switch (lowering.kind) {
    case LIG_LOWER_BODY:
        return LIG_STR("elementwise");
    case LIG_LOWER_CLASS:
        return lig_str(lowering.text);
    case LIG_LOWER_NOTHING: // constants that hoist left are moved like other data
        return LIG_STR("move");
    case LIG_LOWER_DECOMPOSE:
    case LIG_LOWER_INTERPRETED:
        break;
    }
    return LIG_STR("interpreted");
}

// The ops joined by underscores, repeated ones counted: linear3, linear2_silu_mul.
static LigStr kernel_name(LigModule *module, const LigFuseGroup *group)
{
    LigText text = {0};
    for (size_t i = 0; i < group->count;) {
        LigOpCode code = group->members[i]->code;
        size_t same = 1;
        while (i + same < group->count && group->members[i + same]->code == code) same++;
        lig_text_printf(&text, "%s%s", i ? "_" : "", lig_op_info(code)->name);
        if (same > 1) lig_text_printf(&text, "%zu", same);
        i += same;
    }
    LigStr name = text.failed ? (LigStr){0} : lig_str_copy(module->arena, lig_text_view(&text));
    lig_text_free(&text);
    return name;
}

// "0.norm" and "12.norm" are both "norm" inside a kernel that layers share.
static LigStr without_scope(LigStr name)
{
    size_t at = 0;
    while (at < name.length && name.data[at] >= '0' && name.data[at] <= '9') at++;
    bool scoped = at > 0 && at + 1 < name.length && name.data[at] == '.';
    return scoped ? lig_str_skip(name, at + 1) : name;
}

typedef struct KernelMaker {
    Fuser *fuser;
    LigFunc *kernel;
    LIG_VEC(LigValue *) outer; // what the call passes
    LIG_VEC(LigValue *) outer_results;
    LIG_VEC(LigValue *) inner_results;
    LIG_VEC(LigStr) names; // taken inside the kernel
} KernelMaker;

static LigStatus out_of_memory(const KernelMaker *m) { return lig_no_memory(m->fuser->pass->ctx); }

static bool is_taken(const KernelMaker *m, LigStr name)
{
    for (size_t i = 0; i < m->names.count; i++) {
        if (lig_str_equal(m->names.data[i], name)) return true;
    }
    return false;
}

static LigStatus inner_name(KernelMaker *m, LigStr outer, LigStr *out)
{
    LigStr base = without_scope(outer);
    LigStr name = base;
    for (int i = 2; name.data && is_taken(m, name); i++) {
        name = lig_str_format(m->fuser->module->arena, "%.*s.%d", LIG_STR_ARG(base), i);
    }
    if (!name.data || !LIG_VEC_PUSH(m->fuser->pass->scratch, &m->names, name)) return out_of_memory(m);
    *out = name;
    return LIG_OK;
}

// The value inside the kernel for `value`, made an input when it comes from outside the group.
static LigStatus inner_value(KernelMaker *m, LigValue *value, LigValue **out)
{
    for (size_t i = 0; i < m->outer_results.count; i++) {
        if (m->outer_results.data[i] == value) return *out = m->inner_results.data[i], LIG_OK;
    }
    for (size_t i = 0; i < m->outer.count; i++) {
        if (m->outer.data[i] == value) return *out = m->kernel->inputs.data[i], LIG_OK;
    }
    LigStr name;
    LIG_TRY(inner_name(m, value->name, &name));
    LIG_TRY(lig_func_add_input(m->fuser->module, m->kernel, name, value->type, out));
    return LIG_VEC_PUSH(m->fuser->pass->scratch, &m->outer, value) ? LIG_OK : out_of_memory(m);
}

static LigStatus copy_member(KernelMaker *m, const LigOp *op)
{
    LigArena *scratch = m->fuser->pass->scratch;
    LigValue **operands = LIG_NEW_ARRAY(scratch, LigValue *, op->operand_count);
    LigType *stated = LIG_NEW_ARRAY(scratch, LigType, op->result_count);
    LigStr *names = LIG_NEW_ARRAY(scratch, LigStr, op->result_count);
    if (!operands || !stated || !names) return out_of_memory(m);
    for (size_t i = 0; i < op->operand_count; i++) LIG_TRY(inner_value(m, op->operands[i], &operands[i]));
    for (size_t i = 0; i < op->result_count; i++) {
        stated[i] = op->results[i]->type;
        LIG_TRY(inner_name(m, op->results[i]->name, &names[i]));
    }
    LigOpSpec spec = {.code = op->code,
                      .names = names,
                      .operands = operands,
                      .operand_count = op->operand_count,
                      .attrs = op->attrs,
                      .stated = stated,
                      .loc = op->loc};
    LigOp *copy;
    LIG_TRY(lig_op_create(m->fuser->module, m->kernel, &spec, &copy));
    for (size_t i = 0; i < op->result_count; i++) {
        copy->results[i]->data = op->results[i]->data;
        bool pushed = LIG_VEC_PUSH(scratch, &m->outer_results, op->results[i]) &&
                      LIG_VEC_PUSH(scratch, &m->inner_results, copy->results[i]);
        if (!pushed) return out_of_memory(m);
    }
    return LIG_OK;
}

// Makes the kernel of a group and the call that takes its place. Results keep their LigValue, so uses stay
// right.
static LigStatus replace_group(Fuser *f, LigFuseGroup *group, LigOp **out)
{
    KernelMaker m = {.fuser = f};
    LigStr name = kernel_name(f->module, group);
    if (!name.data) return out_of_memory(&m);
    LIG_TRY(lig_func_create(f->module, LIG_FUNC_KERNEL, name, &m.kernel));
    LigAttr class = {.key = LIG_ATTR_CLASS, .value.name = kernel_class(group)};
    if (!lig_attrs_set(f->module->arena, &m.kernel->attrs, class)) return out_of_memory(&m);
    for (size_t i = 0; i < group->count; i++) LIG_TRY(copy_member(&m, group->members[i]));
    LIG_VEC(LigValue *) results = {0};
    for (size_t i = 0; i < m.outer_results.count; i++) {
        LigValue *value = m.outer_results.data[i];
        bool is_last = i + 1 == m.outer_results.count && results.count == 0;
        if (!is_last && !lig_fuse_is_read_outside(&f->groups, group, value)) continue;
        if (!LIG_VEC_PUSH(f->module->arena, &results, value)) return out_of_memory(&m);
        LIG_TRY(lig_func_add_output(f->module, m.kernel, m.inner_results.data[i]));
    }
    lig_func_renumber(m.kernel);
    LigOp *call = LIG_NEW(f->module->arena, LigOp);
    LigValue **operands = lig_arena_copy(f->module->arena, m.outer.data, m.outer.count * sizeof(LigValue *));
    if (!call || !operands) return out_of_memory(&m);
    LigFunc *kernel;
    LIG_TRY(lig_kernel_set_intern(&f->kernels, f->module, m.kernel, &kernel));
    group->kernel = kernel;
    *call = (LigOp){.code = LIG_OP_CALL,
                    .operands = operands,
                    .operand_count = m.outer.count,
                    .results = results.data,
                    .result_count = results.count,
                    .callee = kernel,
                    .loc = group->members[0]->loc};
    for (size_t i = 0; i < results.count; i++) {
        results.data[i]->op = call;
        results.data[i]->index = (uint32_t)i;
    }
    *out = call;
    return LIG_OK;
}

static LigStatus rewrite(Fuser *f)
{
    const LigFuseGroups *g = &f->groups;
    LigOp **ops = LIG_NEW_ARRAY(f->module->arena, LigOp *, g->op_count + 1);
    if (!ops) return lig_no_memory(f->pass->ctx);
    size_t kept = 0;
    for (size_t i = 0; i < g->op_count; i++) {
        LigFuseGroup *group = g->decisions[i].group;
        if (!group) ops[kept++] = g->ops[i];
        if (group && group->members[group->count - 1] == g->ops[i])
            LIG_TRY(replace_group(f, group, &ops[kept++]));
    }
    f->func->ops.data = ops;
    f->func->ops.count = kept;
    f->func->ops.capacity = g->op_count + 1;
    return LIG_OK;
}

static LigStatus fuse_func(Fuser *f)
{
    LigFusionReport *report = f->pass->options->fusion;
    f->groups = (LigFuseGroups){.pass = f->pass, .module = f->module, .func = f->func};
    LIG_TRY(lig_fuse_form_groups(&f->groups));
    LIG_TRY(rewrite(f));
    if (report) LIG_TRY(lig_fusion_note(&f->groups, report));
    lig_func_renumber(f->func);
    return LIG_OK;
}

LigStatus lig_pass_fuse(LigPass *pass, LigModule *module)
{
    Fuser fuser = {.pass = pass, .module = module, .kernels = {.arena = pass->scratch}};
    size_t count = module->funcs.count;
    for (size_t i = 0; i < count; i++) {
        fuser.func = module->funcs.data[i];
        if (fuser.func->kind == LIG_FUNC) LIG_TRY(fuse_func(&fuser));
    }
    return lig_prune_kernels(pass, module);
}
