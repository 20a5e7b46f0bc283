// Rope's frequencies, operation by operation as Transformers computes them with f32 tensors: a number divided
// by a tensor is the tensor's reciprocal times the number rounded to f32.
#include "models/spec.h"

#include <math.h>

// Python's int(head * fraction): rounded toward zero.
static int64_t rotated_dims(const LigRopeSpec *rope, int64_t head)
{
    return (int64_t)((double)head * rope->fraction);
}

// arange(0, dims, 2) has half the dims, rounded up; a last single dim has no partner to rotate with.
int64_t lig_rope_pairs(const LigRopeSpec *rope, int64_t head) { return rotated_dims(rope, head) / 2; }

// Llama 3 keeps short wavelengths, slows long ones by `factor`, and blends between.
static float scale_llama3(const LigRopeSpec *rope, float freq)
{
    const float pi2 = (float)(2 * 3.14159265358979323846);
    float factor = (float)rope->factor, context = (float)rope->original_context;
    float longest = (float)((double)rope->original_context / rope->low_freq_factor);
    float shortest = (float)((double)rope->original_context / rope->high_freq_factor);
    float wavelength = (1 / freq) * pi2;
    if (wavelength > longest) return freq / factor;
    if (wavelength < shortest) return freq;
    float blend = ((1 / wavelength) * context - (float)rope->low_freq_factor) /
                  (float)(rope->high_freq_factor - rope->low_freq_factor);
    return (1 - blend) * freq / factor + blend * freq;
}

void lig_rope_frequencies(const LigRopeSpec *rope, int64_t head, float *out)
{
    float dims = (float)rotated_dims(rope, head);
    for (int64_t i = 0; i < lig_rope_pairs(rope, head); i++) {
        float freq = 1 / powf((float)rope->theta, (float)(2 * i) / dims);
        if (rope->scaling == LIG_ROPE_LINEAR) freq /= (float)rope->factor;
        if (rope->scaling == LIG_ROPE_LLAMA3) freq = scale_llama3(rope, freq);
        out[i] = freq;
    }
}
