#include "codegen/arithmetic.h"

const LigArithmeticRule *lig_arithmetic_rule(LigArithmetic arithmetic)
{
    switch (arithmetic) {
    case LIG_ARITHMETIC_F32:
        return &lig_arithmetic_f32;
    }
    return NULL;
}
