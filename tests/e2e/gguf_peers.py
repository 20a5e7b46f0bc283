#!/usr/bin/env python3
"""Our GGUFs under llama.cpp's Python packages: `gguf` dequantises and quantises to the same bits, and
`llama_cpp` loads them, gives the same logits (as far as its f16 caches let it) and the same greedy tokens.

    gguf_peers.py LIGA FOLDER SMOLLM2.gguf     FOLDER of tiny models; the environment's LIG_PEER_PYTHON has the packages

What is not installed is skipped with a word.
"""
import json
import os
import subprocess
import sys
import tempfile

BOUND = 2e-3  # keys and values in f16, activations of some architectures by a table of f16
PROMPT, LENGTH = "The capital of France is", 24


def import_peers():
    try:
        import gguf
        import llama_cpp
        import numpy
        return gguf, llama_cpp, numpy
    except ImportError as error:
        other = os.environ.get("LIG_PEER_PYTHON")
        if other and not os.environ.get("LIG_PEER_TRIED"):
            os.environ["LIG_PEER_TRIED"] = "1"
            os.execv(other, [other, "-B", *sys.argv])
        print(f"skipped: {error}; set LIG_PEER_PYTHON to a Python that has gguf and llama_cpp")
        sys.exit(77)


gguf, llama_cpp, np = import_peers()
import tensors  # noqa: E402: after the interpreter is settled


def run(*args):
    return subprocess.run([str(a) for a in args], check=True, capture_output=True, text=True).stdout


def told(ok, words):
    print(f"{'ok' if ok else 'FAIL'} {words}")
    return not ok


def logits_of(path, rows, encoder):
    """[row][token, …] of llama.cpp; hidden states of an encoder."""
    model = llama_cpp.Llama(path, logits_all=True, n_ctx=64, verbose=False, embedding=encoder, pooling_type=0 if encoder else -1)
    out = []
    for row in rows:
        model.reset()
        if encoder:
            model._batch.reset()
            model._batch.add_sequence(row, 0, True)
            model._ctx.decode(model._batch)
            width = llama_cpp.llama_model_n_embd(model._model.model)
            out.append(np.array([np.ctypeslib.as_array(llama_cpp.llama_get_embeddings_ith(model._ctx.ctx, i), shape=(width,)).copy()
                                 for i in range(len(row))]))
        else:
            model.eval(row)
            out.append(model.scores[:len(row)].copy())
    return out


def check_tiny(liga, model, name, folder):
    path = os.path.join(folder, name + ".gguf")
    run(liga, "compile", "-q", model, "-o", path)
    reference = tensors.load(os.path.join(model, "reference.safetensors"))
    (count, length), ids = reference["in.input_ids"]
    _, mask = reference.get("in.attention_mask", (None, [1] * len(ids)))
    whole = [r for r in range(count) if all(mask[r * length:(r + 1) * length])]
    rows = [list(ids[r * length:(r + 1) * length]) for r in whole]
    encoder = name == "bert"
    shape, want = reference["hidden" if encoder else "logits"]
    want = np.array(want, np.float32).reshape(shape)
    got = logits_of(path, rows, encoder)
    error = max(np.abs(g - want[r]).max() for r, g in zip(whole, got)) / np.abs(want).max()
    return told(error <= BOUND, f"{name}: llama.cpp's numbers differ by {error:.1e} (bound {BOUND:.0e})")


def check_bits(source, path, name):
    """What gguf dequantises is what it makes of its own quantising, where the format says how to round."""
    failed, ideal = 0, {t.name: t.data for t in gguf.GGUFReader(source).tensors}
    for tensor in gguf.GGUFReader(path).tensors[:20]:
        try:
            want = gguf.quants.quantize(ideal[tensor.name].astype(np.float32), tensor.tensor_type)
        except NotImplementedError:  # of the K types every choice of scales is right
            want = tensor.data
        failed += not np.array_equal(want.reshape(-1).view(np.uint8), tensor.data.reshape(-1).view(np.uint8))
    return told(not failed, f"{name}: the bits of gguf.quants.quantize")


def check_dequantised(liga, path, name, folder):
    """Every number as gguf dequantises it; a directory has them as f32, in Hugging Face's order."""
    run(liga, "quantize", "-q", path, "-o", os.path.join(folder, name + ".f32.gguf"), "--quant", "f32")
    wide = {t.name: t.data for t in gguf.GGUFReader(os.path.join(folder, name + ".f32.gguf")).tensors}
    same = all(np.array_equal(gguf.quants.dequantize(t.data, t.tensor_type).reshape(-1).view(np.uint32),
                              wide[t.name].reshape(-1).view(np.uint32))
               for t in gguf.GGUFReader(path).tensors)
    os.unlink(os.path.join(folder, name + ".f32.gguf"))
    return told(same, f"{name}: dequantised to the same bits")


def check_greedy(liga, path, name):
    model = llama_cpp.Llama(path, n_ctx=256, verbose=False)
    want = model(PROMPT, max_tokens=LENGTH, temperature=0)["choices"][0]["text"]
    got = json.loads(run(liga, "run", path, "-p", PROMPT, "-n", LENGTH, "--json"))["text"]
    return told(got == want, f"{name}: greedy {got!r}, llama.cpp {want!r}")


def check_smollm2(liga, model, folder):
    f32, failed = os.path.join(folder, "f32.gguf"), 0
    run(liga, "compile", "-q", model, "-o", os.path.join(folder, "hf"))
    run(liga, "compile", "-q", os.path.join(folder, "hf"), "-o", f32)
    failed += check_greedy(liga, f32, "f32")
    for name in ("bf16", "q8_0", "q5_0", "q4_0", "q4_1", "q4_k", "q6_k"):
        path = os.path.join(folder, name + ".gguf")
        run(liga, "quantize", "-q", f32, "-o", path, "--quant", name)
        failed += check_bits(f32, path, name) + check_dequantised(liga, path, name, folder)
        # Four bits leave ties that its rounded activations decide otherwise.
        if name in ("bf16", "q8_0"):
            failed += check_greedy(liga, path, name)
        llama_cpp.Llama(path, n_ctx=64, verbose=False)
        os.unlink(path)
    return failed


def main():
    liga, tiny, smollm2 = sys.argv[1:]
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        # Not mistral: llama.cpp has no window for this architecture.
        for name in ("llama", "llama_tied", "llama3_rope", "qwen2", "qwen3", "gemma", "gpt2", "phi", "bert"):
            model = os.path.join(tiny, name)
            if os.path.exists(model):
                failed += check_tiny(liga, model, name, folder)
        if os.path.exists(smollm2):
            failed += check_smollm2(liga, smollm2, folder)
    sys.exit(failed != 0)


main()
