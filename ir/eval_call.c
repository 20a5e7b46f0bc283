// A kernel applied to operands: its body evaluated op by op, as the same ops would be without the kernel.
#include "ir/eval_body.h"

#include <string.h>

static LigStatus run_callee(const LigEvalArgs *args, LigEvalFrame *frame)
{
    const LigFunc *callee = args->op->callee;
    LIG_TRY(lig_eval_frame_open(frame));
    for (size_t i = 0; i < callee->inputs.count; i++) lig_eval_frame_set_input(frame, i, args->operands[i]);
    LIG_TRY(lig_eval_frame_run(frame));
    for (size_t i = 0; i < callee->outputs.count; i++) {
        LigTensor output;
        size_t bytes;
        LIG_TRY(lig_eval_frame_value(frame, callee->outputs.data[i], &output));
        bool fits = lig_shape_bytes(&output.shape, &bytes);
        LIG_ASSERT(fits);
        // A state written by the kernel is in its place already.
        if (fits && bytes && output.data != args->results[i].data)
            memcpy(args->results[i].data, output.data, bytes);
    }
    return LIG_OK;
}

// Operands and results are those of the callee. Errors: those of the ops in its body.
LigStatus lig_eval_call(LigEvalArgs *args)
{
    LigEvalFrame frame = {.module = args->module, .func = args->op->callee, .dims = args->dims};
    LigStatus status = run_callee(args, &frame);
    lig_eval_frame_close(&frame);
    return status;
}
