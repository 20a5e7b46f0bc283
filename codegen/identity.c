// The identity of a kernel: a hash over everything that its code depends on.
#include "codegen/codegen.h"
#include "codegen/plugin.h"
#include "ir/canonical.h"

#include <build_id.h> // made by tools/build_id.cmake from the sources

// Raised when emitters change what they generate for the same kernel.
#define GENERATOR_VERSION "1"

// Kernels read symbols by their index, so names and indices belong together.
static void append_symbols(LigText *text, const LigModule *module)
{
    for (size_t i = 0; i < lig_dims_symbol_count(module->dims); i++)
        lig_text_printf(text, "%.*s ", LIG_STR_ARG(lig_dims_symbol(module->dims, i)->name));
    lig_text_append_char(text, '\n');
}

static void append_target(LigText *text, const LigTarget *target)
{
    lig_text_printf(text, "%s %s %s %d %d\n", target->cpu, target->features, target->bits, target->vector_bits,
                    target->vector_registers);
    lig_text_printf(text, "%d%d%d%d\n", target->has_fma, target->has_f16c, target->has_avx512bf16,
                    target->has_vnni);
}

LigStatus lig_kernel_identity(const LigModule *module, const LigFunc *kernel, const LigTarget *target,
                              LigKernelIdentity *out)
{
    LigText text = {0};
    lig_text_append(&text, LIG_STR("generator " GENERATOR_VERSION "\n"));
    append_symbols(&text, module);
    append_target(&text, target);
    lig_canonical_func(&text, module, kernel);
    bool complete = !text.failed;
    *out = (LigKernelIdentity){lig_sha256(text.data, text.length)};
    lig_text_free(&text);
    return complete ? LIG_OK : lig_no_memory(module->ctx);
}

LigStr lig_kernel_symbol(LigArena *arena, const LigKernelIdentity *identity)
{
    char hex[LIG_SHA256_HEX_BYTES];
    lig_digest_hex(&identity->digest, hex);
    return lig_str_format(arena, "lig_kernel_%.32s", hex);
}

LigDigest lig_kernel_object_key(const LigKernelIdentity *identity)
{
    LigSha256 sha = lig_sha256_begin();
    lig_sha256_add_str(&sha, LIG_STR("object of a kernel"));
    lig_sha256_add_str(&sha, lig_str(lig_build_id()));
    lig_sha256_add_str(&sha, LIG_STR(LIG_LLVM_VERSION));
    lig_sha256_add_str(&sha, LIG_STR(LIG_TARGET_TRIPLE));
    lig_sha256_add(&sha, identity->digest.bytes, sizeof identity->digest.bytes);
    return lig_sha256_end(&sha);
}
