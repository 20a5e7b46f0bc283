#!/usr/bin/env python3
"""Writes tests/data/quantised/blocks.safetensors: for each block-quantised type of GGUF random blocks (tensor
TYPE.blocks, u8[rows, bytes]) and their values as the `gguf` package dequantises them (TYPE.values, f32[rows,
columns]). The seed is fixed, so the file is the same each time. Needs numpy and gguf (0.10 or later).

    python3 tests/numeric/make_quantised.py tests/data/quantised/blocks.safetensors
"""
import json
import struct
import sys

import gguf
import numpy as np

TYPES = ["q8_0", "q4_0", "q4_1", "q5_0", "q5_1", "q2_k", "q3_k", "q4_k", "q5_k", "q6_k"]
ROWS, COLUMNS = 3, 512
# Bytes of a block at which an f16 lies: random ones would be NaN or infinite now and then.
HALVES = {"q4_1": (0, 2), "q5_1": (0, 2), "q2_k": (80, 82), "q3_k": (108,), "q4_k": (0, 2), "q5_k": (0, 2),
          "q6_k": (208,)}


def random_blocks(rng, name, count, size):
    """Every byte random; scales of either sign, small, large, denormal and, in the last block, zero."""
    blocks = rng.integers(0, 256, (count, size), dtype=np.uint8)
    for at in HALVES.get(name, (0,)):
        halves = (rng.normal(size=count) * 10.0 ** rng.integers(-7, 3, count)).astype(np.float16)
        halves[-1] = 0
        assert np.isfinite(halves).all()
        blocks[:, at:at + 2] = halves.view(np.uint8).reshape(count, 2)
    return blocks


def tensors():
    rng = np.random.default_rng(20240229)
    for name in TYPES:
        kind = gguf.GGMLQuantizationType[name.upper()]
        columns, size = gguf.GGML_QUANT_SIZES[kind]
        blocks = random_blocks(rng, name, ROWS * COLUMNS // columns, size).reshape(ROWS, -1)
        yield name + ".blocks", "U8", blocks
        yield name + ".values", "F32", gguf.quants.dequantize(blocks, kind).astype(np.float32)


def main(path):
    header, data = {}, b""
    for name, dtype, array in tensors():
        raw = array.tobytes()
        header[name] = {"dtype": dtype, "shape": list(array.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


if __name__ == "__main__":
    main(sys.argv[1])
