"""A tiny Hugging Face model as a GGUF, named and arranged as llama.cpp's converter does it; standard library alone.

Written apart from frontend/export_gguf.c, which it checks.

    tiny_gguf.py MODEL OUT.gguf
"""
import array
import json
import math
import os
import struct
import sys

import tensors

U32, F32, BOOL, STRING, ARRAY = 4, 6, 7, 8, 9
ALIGNMENT = 32
GGML_F32 = 0


class Writer:
    """Metadata and f32 tensors, in the order they are added."""

    def __init__(self, version=3):
        self.version, self.values, self.tensors = version, [], []

    def u32(self, key, value):
        self.values.append((key, struct.pack("<II", U32, value)))

    def f32(self, key, value):
        self.values.append((key, struct.pack("<If", F32, value)))

    def bool(self, key, value):
        self.values.append((key, struct.pack("<IB", BOOL, value)))

    def string(self, key, value):
        self.values.append((key, struct.pack("<I", STRING) + text(value)))

    def strings(self, key, values):
        self.values.append((key, struct.pack("<IIQ", ARRAY, STRING, len(values)) + b"".join(map(text, values))))

    def tensor(self, name, shape, values, kind=GGML_F32):
        """values: an array of f32, or the bytes of any other type."""
        blob = values if isinstance(values, bytes) else array.array("f", values).tobytes()
        self.tensors.append((name, shape, kind, blob))

    def bytes(self):
        head = struct.pack("<4sIQQ", b"GGUF", self.version, len(self.tensors), len(self.values))
        head += b"".join(text(key) + value for key, value in self.values)
        at, data = 0, b""
        for name, shape, kind, blob in self.tensors:
            head += text(name) + struct.pack("<I", len(shape))
            head += b"".join(struct.pack("<Q", n) for n in reversed(shape)) + struct.pack("<IQ", kind, at)
            data += blob + bytes(-len(blob) % ALIGNMENT)
            at = len(data)
        return head + bytes(-len(head) % ALIGNMENT) + data

    def save(self, path):
        with open(path, "wb") as f:
            f.write(self.bytes())


def text(value):
    data = value.encode()
    return struct.pack("<Q", len(data)) + data


# ---- rearrangements; a tensor is (shape, values) ----

def to_pairs(tensor, heads):
    """Rows (or a bias) of each head from halves to adjacent pairs: row i of half j becomes row 2i + j."""
    shape, values = tensor
    width = math.prod(shape[1:])
    head = shape[0] // heads
    out = array.array("f")
    for h in range(heads):
        for row in range(head):
            source = h * head + row // 2 + row % 2 * (head // 2)
            out.extend(values[source * width:(source + 1) * width])
    return shape, out


def transposed(tensor):
    (rows, columns), values = tensor
    return [columns, rows], array.array("f", (values[r * columns + c] for c in range(columns) for r in range(rows)))


def plus_one(tensor):
    return tensor[0], array.array("f", (v + 1 for v in tensor[1]))


def as_they_are(tensor):
    return tensor


# ---- architectures: names of weights without the layer ----

LLAMA = {"input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm", "self_attn.q_proj": "attn_q",
         "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output",
         "self_attn.q_norm": "attn_q_norm", "self_attn.k_norm": "attn_k_norm", "mlp.gate_proj": "ffn_gate",
         "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down"}
LLAMA_OUTER = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output"}
GPT2 = {"ln_1": "attn_norm", "attn.c_attn": "attn_qkv", "attn.c_proj": "attn_output", "ln_2": "ffn_norm",
        "mlp.c_fc": "ffn_up", "mlp.c_proj": "ffn_down"}
GPT2_OUTER = {"transformer.wte": "token_embd", "transformer.wpe": "position_embd", "transformer.ln_f": "output_norm"}
PHI = {"input_layernorm": "attn_norm", "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k",
       "self_attn.v_proj": "attn_v", "self_attn.dense": "attn_output", "mlp.fc1": "ffn_up", "mlp.fc2": "ffn_down"}
PHI_OUTER = {"model.embed_tokens": "token_embd", "model.final_layernorm": "output_norm", "lm_head": "output"}
BERT = {"attention.self.query": "attn_q", "attention.self.key": "attn_k", "attention.self.value": "attn_v",
        "attention.output.dense": "attn_output", "attention.output.LayerNorm": "attn_output_norm",
        "intermediate.dense": "ffn_up", "output.dense": "ffn_down", "output.LayerNorm": "layer_output_norm"}
BERT_OUTER = {"bert.embeddings.word_embeddings": "token_embd", "bert.embeddings.position_embeddings": "position_embd",
              "bert.embeddings.token_type_embeddings": "token_types", "bert.embeddings.LayerNorm": "token_embd_norm",
              "bert.pooler.dense": "cls", "classifier": "cls.output"}

# model_type: architecture, prefix of layers, their names, those outside of layers
ARCHITECTURES = {"llama": ("llama", "model.layers.", LLAMA, LLAMA_OUTER),
                 "mistral": ("llama", "model.layers.", LLAMA, LLAMA_OUTER),
                 "qwen2": ("qwen2", "model.layers.", LLAMA, LLAMA_OUTER),
                 "qwen3": ("qwen3", "model.layers.", LLAMA, LLAMA_OUTER),
                 "gemma": ("gemma", "model.layers.", LLAMA, LLAMA_OUTER),
                 "gpt2": ("gpt2", "transformer.h.", GPT2, GPT2_OUTER),
                 "phi": ("phi2", "model.layers.", PHI, PHI_OUTER),
                 "bert": ("bert", "bert.encoder.layer.", BERT, BERT_OUTER)}


def rename(name, prefix, inner, outer):
    stem, ending = name.rsplit(".", 1)
    if name.startswith(prefix):
        layer, rest = stem[len(prefix):].split(".", 1)
        return f"blk.{layer}.{inner[rest]}.{ending}"
    return f"{outer[stem]}.{ending}" if stem in outer else None


def rearrange(config, name):
    """What becomes of a tensor, by its new name."""
    kind, stem = config["model_type"], name.rsplit(".", 1)[0]
    if kind in ("llama", "mistral") and stem.endswith("attn_q"):
        return lambda t: to_pairs(t, config["num_attention_heads"])
    if kind in ("llama", "mistral") and stem.endswith("attn_k"):
        return lambda t: to_pairs(t, config["num_key_value_heads"])
    if kind == "gemma" and stem.endswith("norm"):
        return plus_one
    if kind == "gpt2" and name.startswith("blk.") and name.endswith(".weight") and not stem.endswith("norm"):
        return transposed
    return as_they_are


def rope_factors(config):
    """What Llama 3 divides the frequencies by; None for other models."""
    rope = config.get("rope_parameters", {})
    if rope.get("rope_type") != "llama3":
        return None
    head, context = config["head_dim"], rope["original_max_position_embeddings"]
    low, high = rope["low_freq_factor"], rope["high_freq_factor"]
    out = array.array("f")
    for i in range(head // 2):
        wavelength = 2 * math.pi * rope["rope_theta"] ** (2 * i / head)
        blend = min(max((context / wavelength - low) / (high - low), 0), 1)
        out.append(1 / ((1 - blend) / rope["factor"] + blend))
    return out


# ---- metadata ----

def put_sizes(w, config, architecture):
    def size(key, *names):
        w.u32(f"{architecture}.{key}", next(config[n] for n in names if config.get(n) is not None))
    size("block_count", "num_hidden_layers", "n_layer")
    size("context_length", "max_position_embeddings", "n_positions")
    size("embedding_length", "hidden_size", "n_embd")
    size("attention.head_count", "num_attention_heads", "n_head")
    w.u32(f"{architecture}.feed_forward_length", config.get("intermediate_size") or 4 * config["n_embd"])


def put_attention(w, config, architecture):
    if architecture in ("gpt2", "phi2", "bert"):
        w.f32(f"{architecture}.attention.layer_norm_epsilon", config.get("layer_norm_epsilon") or config["layer_norm_eps"])
    else:
        w.f32(f"{architecture}.attention.layer_norm_rms_epsilon", config["rms_norm_eps"])
    if "num_key_value_heads" in config:
        w.u32(f"{architecture}.attention.head_count_kv", config["num_key_value_heads"])
    if "head_dim" in config:
        w.u32(f"{architecture}.attention.key_length", config["head_dim"])
        w.u32(f"{architecture}.attention.value_length", config["head_dim"])
    if config.get("sliding_window"):
        w.u32(f"{architecture}.attention.sliding_window", config["sliding_window"])


def put_rest(w, config, architecture):
    rope = config.get("rope_parameters")
    head = config.get("head_dim")
    if rope:
        w.f32(f"{architecture}.rope.freq_base", rope["rope_theta"])
        head = head or config["hidden_size"] // config["num_attention_heads"]
        w.u32(f"{architecture}.rope.dimension_count", int(head * rope.get("partial_rotary_factor", 1)))
    w.u32(f"{architecture}.vocab_size", config["vocab_size"])
    if architecture == "bert":
        w.bool("bert.attention.causal", False)
        w.u32("bert.pooling_type", 4 if "id2label" in config else 1)
        w.u32("tokenizer.ggml.token_type_count", config["type_vocab_size"])
    if "id2label" in config:
        w.strings(f"{architecture}.classifier.output_labels", list(config["id2label"].values()))


def convert(model):
    """The Writer of a model's directory."""
    with open(os.path.join(model, "config.json"), encoding="utf-8") as f:
        config = json.load(f)
    architecture, *names = ARCHITECTURES[config["model_type"]]
    w = Writer()
    w.string("general.architecture", architecture)
    w.string("general.name", os.path.basename(model))
    put_sizes(w, config, architecture)
    put_attention(w, config, architecture)
    put_rest(w, config, architecture)
    w.string("tokenizer.ggml.model", "no_vocab")
    factors = rope_factors(config)
    if factors:
        w.tensor("rope_freqs.weight", [len(factors)], factors)
    for name, tensor in tensors.load(os.path.join(model, "model.safetensors")).items():
        new = rename(name, *names)
        if new:
            w.tensor(new, *rearrange(config, new)(tensor))
    return w


if __name__ == "__main__":
    convert(sys.argv[1]).save(sys.argv[2])
