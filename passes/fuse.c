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
// more often than two kernels do. Quantising needs a block of the row only, and joins the others. A linear op takes elementwise ops only, its epilogue: a tile of it has some
// columns of a row, not the whole. Linear ops that read the same x are siblings in one group (queries, keys and
// values; gate and up): one launch, and x is read once.
// Cost  ops times the distance from an op to what it reads.
#include "passes/clone.h"
#include "passes/pass.h"
#include "passes/prune.h"

typedef struct Group {
    LigOp **members; // in text order
    size_t count;
    size_t first; // position of the first member in the function
    size_t row_count, linear_count;
} Group;

typedef struct Fuser {
    LigPass *pass;
    LigModule *module;
    LigFunc *func;    // the one being rewritten
    Group *groups;    // by position of the group's last member
    Group **group_of; // by position of the op: NULL for views
    LigKernelSet kernels;
} Fuser;

static bool is_row(const LigOp *op)
{
    LigLowering lowering = lig_op_info(op->code)->lowering;
    return lowering.kind == LIG_LOWER_CLASS && lig_op_info(op->code)->class == LIG_OPS_ROW;
}

static bool is_linear(const LigOp *op) { return op->code == LIG_OP_LINEAR; }

// Whether an op may join a group that computes one of its operands: only one with code, so that an op without
// leaves them theirs.
static bool joins(const LigOp *op)
{
    return is_row(op) || lig_op_info(op->code)->lowering.kind == LIG_LOWER_BODY;
}

// Whether a group that begins with this op takes others.
static bool takes_others(const LigOp *op) { return joins(op) || is_linear(op); }

// Reshapes rename elements in place; every other view is computed as data moves.
static bool stays_view(const LigOp *op) { return op->code == LIG_OP_RESHAPE; }

static bool same_dims(const LigModule *module, const LigType *a, const LigType *b)
{
    if (a->rank != b->rank) return false;
    for (int i = 0; i < a->rank; i++) {
        if (lig_dim_equal(module->dims, a->dims[i], b->dims[i]) != LIG_YES) return false;
    }
    return true;
}

static bool group_defines(const Group *group, const LigValue *value)
{
    for (size_t i = 0; i < group->count; i++) {
        if (value->op == group->members[i]) return true;
    }
    return false;
}

static bool reads_group(const LigOp *op, const Group *group)
{
    for (size_t i = 0; i < op->operand_count; i++) {
        if (op->operands[i]->kind == LIG_VALUE_RESULT && group_defines(group, op->operands[i])) return true;
    }
    return false;
}

// No op from the group's first member up to `position`, outside the group, may read the group.
static bool can_sink(const Fuser *f, const Group *group, size_t position)
{
    for (size_t i = group->first + 1; i < position; i++) {
        if (f->group_of[i] == group) continue;
        if (reads_group(f->func->ops.data[i], group)) return false;
    }
    return true;
}

// Siblings of other widths have no common space for an epilogue, and an epilogue fixes the space for siblings
// to come.
static bool has_one_shape(const Fuser *f, const Group *group)
{
    for (size_t i = 1; i < group->count; i++) {
        if (!same_dims(f->module, &group->members[0]->results[0]->type, &group->members[i]->results[0]->type))
            return false;
    }
    return true;
}

// oneDNN takes lone contractions over f32 weights.
static bool goes_to_onednn(const Fuser *f, const LigOp *op)
{
    return f->pass->options->onednn && is_linear(op) && op->operands[1]->type.dtype == LIG_F32;
}

static bool has_op(const Group *group, LigOpCode code)
{
    for (size_t i = 0; i < group->count; i++) {
        if (group->members[i]->code == code) return true;
    }
    return false;
}

// Whether `op` needs a row of its own kernel. Quantising does not: its blocks are made while a row is stored,
// by all kernels of rows but those of rope, which store a token's rows together.
static bool needs_other_row(const Group *group, const LigOp *op)
{
    if (!is_row(op)) return false;
    if (op->code == LIG_OP_QUANTIZE) return group->linear_count || has_op(group, LIG_OP_ROPE);
    return group->row_count || group->linear_count;
}

static bool may_join(const Fuser *f, const Group *group, const LigOp *op, size_t position)
{
    return takes_others(group->members[0]) && !needs_other_row(group, op) && has_one_shape(f, group) &&
           !goes_to_onednn(f, group->members[0]) &&
           same_dims(f->module, &group->members[0]->results[0]->type, &op->results[0]->type) &&
           can_sink(f, group, position);
}

enum { MAX_SIBLINGS = 4 };

static bool may_be_sibling(const Fuser *f, const Group *group, const LigOp *op, size_t position)
{
    bool only_linear = group->linear_count == group->count;
    const LigType *type = &group->members[0]->results[0]->type;
    return group->linear_count > 0 && group->linear_count < MAX_SIBLINGS &&
           group->members[0]->operands[0] == op->operands[0] &&
           (only_linear || same_dims(f->module, type, &op->results[0]->type)) && !goes_to_onednn(f, op) &&
           !goes_to_onednn(f, group->members[0]) && can_sink(f, group, position);
}

// The latest group of linear ops over the same x; NULL when there is none that `op` may join.
static Group *find_siblings(const Fuser *f, const LigOp *op, size_t position)
{
    for (size_t i = position; i-- > 0;) {
        Group *group = f->group_of[i];
        if (group && is_linear(f->func->ops.data[i]) && may_be_sibling(f, group, op, position)) return group;
    }
    return NULL;
}

static size_t position_of(const Fuser *f, const LigOp *op, size_t before)
{
    for (size_t i = before; i-- > 0;) {
        if (f->func->ops.data[i] == op) return i;
    }
    return before;
}

// The group of an operand that the op at `position` may join; NULL when there is none.
static Group *find_group(const Fuser *f, const LigOp *op, size_t position)
{
    if (!f->pass->options->fuse) return NULL;
    if (is_linear(op)) return find_siblings(f, op, position);
    if (!joins(op)) return NULL;
    for (size_t i = 0; i < op->operand_count; i++) {
        const LigValue *value = op->operands[i];
        if (value->kind != LIG_VALUE_RESULT || lig_value_is_resident(f->module, value)) continue;
        Group *group = f->group_of[position_of(f, value->op, position)];
        if (group && may_join(f, group, op, position)) return group;
    }
    return NULL;
}

static LigStatus add_member(Fuser *f, Group *group, LigOp *op, size_t position)
{
    LigOp **members = LIG_NEW_ARRAY(f->pass->scratch, LigOp *, group->count + 1);
    if (!members) return lig_no_memory(f->pass->ctx);
    for (size_t i = 0; i < group->count; i++) members[i] = group->members[i];
    members[group->count++] = op;
    group->members = members;
    group->row_count += is_row(op);
    group->linear_count += is_linear(op);
    f->group_of[position] = group;
    return LIG_OK;
}

static LigStatus form_groups(Fuser *f)
{
    for (size_t i = 0; i < f->func->ops.count; i++) {
        LigOp *op = f->func->ops.data[i];
        if (stays_view(op)) continue;
        Group *group = find_group(f, op, i);
        if (!group) {
            group = &f->groups[i];
            *group = (Group){.first = i};
        }
        LIG_TRY(add_member(f, group, op, i));
    }
    return LIG_OK;
}

// Kernels: a group as a function of what it reads.

// What the table says of its first op; a row op decides for the elementwise ops around it. An op without code
// has a kernel too, which the interpreter runs and code generation refuses.
static LigStr kernel_class(const Group *group)
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
static LigStr kernel_name(LigModule *module, const Group *group)
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

static bool is_read_outside(const Fuser *f, const Group *group, const LigValue *value)
{
    for (size_t i = 0; i < f->func->outputs.count; i++) {
        if (f->func->outputs.data[i] == value) return true;
    }
    for (size_t i = group->first + 1; i < f->func->ops.count; i++) {
        const LigOp *op = f->func->ops.data[i];
        if (f->group_of[i] == group) continue;
        for (size_t j = 0; j < op->operand_count; j++) {
            if (op->operands[j] == value) return true;
        }
    }
    return false;
}

// Makes the kernel of a group and the call that takes its place. Results keep their LigValue, so uses stay
// right.
static LigStatus replace_group(Fuser *f, const Group *group, LigOp **out)
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
        if (!is_last && !is_read_outside(f, group, value)) continue;
        if (!LIG_VEC_PUSH(f->module->arena, &results, value)) return out_of_memory(&m);
        LIG_TRY(lig_func_add_output(f->module, m.kernel, m.inner_results.data[i]));
    }
    lig_func_renumber(m.kernel);
    LigOp *call = LIG_NEW(f->module->arena, LigOp);
    LigValue **operands = lig_arena_copy(f->module->arena, m.outer.data, m.outer.count * sizeof(LigValue *));
    if (!call || !operands) return out_of_memory(&m);
    LigFunc *kernel;
    LIG_TRY(lig_kernel_set_intern(&f->kernels, f->module, m.kernel, &kernel));
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
    size_t count = f->func->ops.count;
    LigOp **ops = LIG_NEW_ARRAY(f->module->arena, LigOp *, count + 1);
    if (!ops) return lig_no_memory(f->pass->ctx);
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        LigOp *op = f->func->ops.data[i];
        const Group *group = f->group_of[i];
        if (!group) ops[kept++] = op;
        if (group && group->members[group->count - 1] == op) LIG_TRY(replace_group(f, group, &ops[kept++]));
    }
    f->func->ops.data = ops;
    f->func->ops.count = kept;
    f->func->ops.capacity = count + 1;
    lig_func_renumber(f->func);
    return LIG_OK;
}

static LigStatus fuse_func(Fuser *f)
{
    size_t count = f->func->ops.count + 1;
    f->groups = LIG_NEW_ARRAY(f->pass->scratch, Group, count);
    f->group_of = LIG_NEW_ARRAY(f->pass->scratch, Group *, count);
    if (!f->groups || !f->group_of) return lig_no_memory(f->pass->ctx);
    LIG_TRY(form_groups(f));
    return rewrite(f);
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
