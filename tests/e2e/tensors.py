"""Safetensors in and out with nothing but the standard library, and comparisons of what is in them."""
import array
import json
import struct

CODES = {"F32": "f", "I32": "i", "I64": "q"}


def load(path):
    """{name: (shape, array)} of a file whose tensors are F32, I32 or I64."""
    with open(path, "rb") as f:
        size, = struct.unpack("<Q", f.read(8))
        head, data = json.loads(f.read(size)), f.read()
    out = {}
    for name, entry in head.items():
        if name == "__metadata__":
            continue
        begin, end = entry["data_offsets"]
        values = array.array(CODES[entry["dtype"]])
        values.frombytes(data[begin:end])
        out[name] = (entry["shape"], values)
    return out


def save(path, tensors):
    """Writes {name: (shape, array)}; array codes f, i, q."""
    dtypes = {code: dtype for dtype, code in CODES.items()}
    head, blobs, at = {}, [], 0
    for name, (shape, values) in tensors.items():
        blob = values.tobytes()
        head[name] = {"dtype": dtypes[values.typecode], "shape": shape, "data_offsets": [at, at + len(blob)]}
        at += len(blob)
        blobs.append(blob)
    text = json.dumps(head).encode()
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + b"".join(blobs))


def relative_error(got, want):
    """The largest difference over the largest magnitude wanted."""
    (_, a), (_, b) = got, want
    assert len(a) == len(b), f"{len(a)} values, expected {len(b)}"
    largest = max(abs(x) for x in b)
    return max(abs(x - y) for x, y in zip(a, b)) / largest
