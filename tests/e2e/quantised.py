#!/usr/bin/env python3
"""Llamas of every block-quantised type of GGUF, made on the spot: compiled against interpreted, at every CPU level.

    quantised.py LIGA

The blocks are random, but for their f16 scales; what they mean is checked against GGUF's reference in
tests/unit/quantised.c. The last model has a type of its own for every matrix, as files of mixed precision have.
"""
import array
import os
import random
import struct
import subprocess
import sys
import tempfile

import tensors

BOUND = 1e-5
WIDTH, HEADS, KV_HEADS, MLP, VOCAB, LAYERS = 256, 4, 2, 512, 96, 2
# id in files, columns and bytes of a block; where d lies; where dmin, as a multiple of d that centres the weights;
# the size of a typical weight over d
TYPES = {"q8_0": (8, 32, 34, 0, None, 60), "q4_0": (2, 32, 18, 0, None, 4), "q4_1": (3, 32, 20, 0, (2, -7.5), 4),
         "q5_0": (6, 32, 22, 0, None, 8), "q5_1": (7, 32, 24, 0, (2, -15.5), 8), "q2_k": (10, 256, 84, 80, (82, 1.5), 20),
         "q3_k": (11, 256, 110, 108, None, 32), "q4_k": (12, 256, 144, 0, (2, 7.5), 500),
         "q5_k": (13, 256, 176, 0, (2, 15.5), 1000), "q6_k": (14, 256, 210, 208, None, 1000)}
VARIATIONS = [["--threads", "1"], ["--threads", "2"], ["--no-fuse"], ["--cpu", "x86-64-v3"], ["--cpu", "x86-64"]]
F32 = 0


def blocks(numbers, name, count):
    _, columns, size, d_at, min_at, typical = TYPES[name]
    data = bytearray(numbers.randbytes(count // columns * size))
    for block in range(0, len(data), size):
        d = numbers.choice((-1, 1)) * numbers.uniform(0.5, 1.5) * 0.1 / typical
        struct.pack_into("<e", data, block + d_at, d)
        if min_at:
            struct.pack_into("<e", data, block + min_at[0], min_at[1] * d)
    return bytes(data)


def matrices(tied):
    """name -> rows, columns"""
    head = WIDTH // HEADS
    out = {"token_embd": (VOCAB, WIDTH)} if tied else {"token_embd": (VOCAB, WIDTH), "output": (VOCAB, WIDTH)}
    for i in range(LAYERS):
        out.update({f"blk.{i}.attn_q": (WIDTH, WIDTH), f"blk.{i}.attn_k": (KV_HEADS * head, WIDTH),
                    f"blk.{i}.attn_v": (KV_HEADS * head, WIDTH), f"blk.{i}.attn_output": (WIDTH, WIDTH),
                    f"blk.{i}.ffn_gate": (MLP, WIDTH), f"blk.{i}.ffn_up": (MLP, WIDTH), f"blk.{i}.ffn_down": (WIDTH, MLP)})
    return out


def text(value):
    return struct.pack("<Q", len(value)) + value.encode()


def metadata():
    numbers = {"block_count": LAYERS, "embedding_length": WIDTH, "context_length": 64, "feed_forward_length": MLP,
               "attention.head_count": HEADS, "attention.head_count_kv": KV_HEADS, "vocab_size": VOCAB}
    keys = [text("general.architecture") + struct.pack("<I", 8) + text("llama")]
    keys += [text("llama." + key) + struct.pack("<II", 4, value) for key, value in numbers.items()]
    keys.append(text("llama.attention.layer_norm_rms_epsilon") + struct.pack("<If", 6, 1e-5))
    return keys


def write_model(path, types, tied):
    """A GGUF file whose matrices have the given types in turn."""
    numbers = random.Random(",".join(types))
    keys, infos, data = metadata(), [], b""
    for i, (name, (rows, columns)) in enumerate(matrices(tied).items()):
        kind = types[i % len(types)]
        infos.append(text(name + ".weight") + struct.pack("<IQQIQ", 2, columns, rows, TYPES[kind][0], len(data)))
        data += blocks(numbers, kind, rows * columns)
        data += bytes(-len(data) % 32)
    for name in ["output_norm", *(f"blk.{i}.{norm}" for i in range(LAYERS) for norm in ("attn_norm", "ffn_norm"))]:
        infos.append(text(name + ".weight") + struct.pack("<IQIQ", 1, WIDTH, F32, len(data)))
        data += array.array("f", (numbers.uniform(0.5, 1.5) for _ in range(WIDTH))).tobytes()
    head = b"GGUF" + struct.pack("<IQQ", 3, len(infos), len(keys)) + b"".join(keys + infos)
    with open(path, "wb") as f:
        f.write(head + bytes(-len(head) % 32) + data)


def run(liga, model, inputs, out, options):
    subprocess.run([liga, "forward", model, "--inputs", inputs, "-o", out, *options], check=True)
    return tensors.load(out)


def check(liga, folder, name, types, tied):
    """The number of failures."""
    model, inputs, out = (os.path.join(folder, file) for file in (name + ".gguf", "in.safetensors", "out.safetensors"))
    write_model(model, types, tied)
    want, outputs, failed = run(liga, model, inputs, out, ["--interpret"]), {}, 0
    for options in VARIATIONS:
        got = outputs[" ".join(options)] = run(liga, model, inputs, out, options)
        error = max(tensors.relative_error(got[key], want[key]) for key in ("logits", "hidden"))
        failed += not error <= BOUND
        print(f"{'ok' if error <= BOUND else 'FAIL'} {name} {' '.join(options)}: {error:.1e} (bound {BOUND:.0e})", flush=True)
    same = all(outputs["--threads 1"][key] == outputs["--threads 2"][key] for key in ("logits", "hidden"))
    print(f"{'ok' if same else 'FAIL'} {name}: one thread and two give the same bits")
    return failed + (not same)


def main():
    liga = sys.argv[1]
    with tempfile.TemporaryDirectory() as folder:
        ids = array.array("i", [(37 * i + 11) % VOCAB for i in range(2 * 9)])
        tensors.save(os.path.join(folder, "in.safetensors"),
                     {"in.input_ids": ([2, 9], ids), "in.attention_mask": ([2, 9], array.array("i", [1] * 18))})
        failed = sum(check(liga, folder, name, [name], tied=i % 2 == 0) for i, name in enumerate(TYPES))
        failed += check(liga, folder, "mixed", list(TYPES), tied=False)
    sys.exit(failed != 0)


main()
