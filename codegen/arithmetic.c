#include "codegen/arithmetic.h"

const LigArithmeticRule *lig_arithmetic_rule(LigArithmeticKind arithmetic)
{
    switch (arithmetic) {
    case LIG_ARITHMETIC_F32:
        return &lig_arithmetic_f32;
    case LIG_ARITHMETIC_INT8:
        return &lig_arithmetic_int8;
    }
    return NULL;
}
