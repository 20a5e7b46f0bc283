"""What the tests of the command share: running it, a tiny model made on the spot, safetensors.

Each *_test.py is one program: `NAME_test.py LIGA`. Exit 77 (skipped) where there is no LIGA. Needs python3 alone.

Compiling the kernels is most of a short run's time, so what is not about them says FAST.
"""
import array, json, os, random, struct, subprocess, sys, tempfile, unittest

END, START, TH = 258, 257, 256  # ids; 0 to 255 are the bytes, TH is "th"
WIDTH, HEADS, KV_HEADS, HEAD, MLP, LAYERS, VOCAB, CONTEXT = 32, 2, 1, 16, 48, 2, 259, 1024
TEMPLATE = ("{% for m in messages %}<|start|>{{ m.role }}\n{{ m.content }}<|end|>{% endfor %}"
            "{% if add_generation_prompt %}<|start|>assistant\n{% endif %}")
FAST = "--interpret"
LIGA = None


class Result:
    def __init__(self, process):
        self.code, self.raw = process.returncode, process.stdout
        self.out = process.stdout.decode("utf-8", "replace")
        self.err = process.stderr.decode("utf-8", "replace")


def liga(*args, text=None, stdout=subprocess.PIPE, cwd=None):
    data = text.encode() if isinstance(text, str) else text
    process = subprocess.run([LIGA, *map(str, args)], input=data if data is not None else b"", stdout=stdout,
                             stderr=subprocess.PIPE, timeout=300, cwd=cwd)
    if process.stdout is None:
        process.stdout = b""
    return Result(process)


class Case(unittest.TestCase):
    """Every test has a scratch folder of its own; the model is made once a program."""
    model = None

    @classmethod
    def setUpClass(cls):
        cls.class_scratch = tempfile.TemporaryDirectory()
        cls.model = os.path.join(cls.class_scratch.name, "model")
        write_model(cls.model)

    @classmethod
    def tearDownClass(cls):
        cls.class_scratch.cleanup()

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.scratch = scratch.name

    def path(self, name):
        return os.path.join(self.scratch, name)

    def ok(self, *args, **options):
        r = liga(*args, **options)
        self.assertEqual(r.code, 0, r.err)
        return r

    def fails(self, code, words, *args, **options):
        """The command fails with this code, and each line of its errors has the right form."""
        r = liga(*args, **options)
        self.assertEqual(r.code, code, f"{args}: {r.out[:200]} {r.err[:500]}")
        lines = r.err.splitlines()
        self.assertTrue(0 < len(lines) <= 20, r.err)
        for line in lines:
            self.assertTrue(line.startswith("liga: "), line)
        for word in [words] if isinstance(words, str) else words:
            self.assertIn(word, r.err)
        return r


def main():
    global LIGA
    if len(sys.argv) < 2 or not os.access(sys.argv[1], os.X_OK):
        print("skipped: no liga; give its path")
        sys.exit(77)
    LIGA = os.path.abspath(sys.argv.pop(1))
    unittest.main(module="__main__")


# safetensors, as lists of numbers.

CODES = {"F32": "f", "I32": "i", "I64": "q"}


def save(path, tensors):
    """tensors: name -> (dtype, shape, flat list)"""
    head, blobs, at = {}, [], 0
    for name, (dtype, shape, values) in tensors.items():
        blob = array.array(CODES[dtype], values).tobytes()
        head[name] = {"dtype": dtype, "shape": shape, "data_offsets": [at, at + len(blob)]}
        blobs.append(blob)
        at += len(blob)
    text = json.dumps(head).encode()
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + b"".join(blobs))


def load(path):
    """name -> (shape, flat list)"""
    with open(path, "rb") as f:
        size, = struct.unpack("<Q", f.read(8))
        head, data = json.loads(f.read(size)), f.read()
    out = {}
    for name, facts in head.items():
        if name != "__metadata__":
            begin, end = facts["data_offsets"]
            out[name] = facts["shape"], list(array.array(CODES[facts["dtype"]], data[begin:end]))
    return out


# A tiny llama whose weights are random, with a tokenizer of bytes.

def byte_letters():
    """GPT-2's printable letter of each byte."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters, n = {}, 0
    for byte in range(256):
        letters[byte] = chr(byte) if byte in plain else chr(256 + n)
        n += byte not in plain
    return letters


def tokenizer():
    vocab = {letter: byte for byte, letter in byte_letters().items()}
    vocab["th"] = TH
    added = [{"id": i, "content": t, "special": True, "normalized": False, "single_word": False, "lstrip": False,
              "rstrip": False} for i, t in ((START, "<|start|>"), (END, "<|end|>"))]
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    return {"version": "1.0", "truncation": None, "padding": None, "added_tokens": added, "normalizer": None,
            "pre_tokenizer": byte_level, "post_processor": None, "decoder": byte_level,
            "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
                      "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
                      "vocab": vocab, "merges": ["t h"]}}


def weights():
    numbers = random.Random(7)
    shapes = {"model.embed_tokens.weight": [VOCAB, WIDTH], "lm_head.weight": [VOCAB, WIDTH]}
    norms = ["model.norm.weight"]
    for i in range(LAYERS):
        at = f"model.layers.{i}."
        norms += [at + "input_layernorm.weight", at + "post_attention_layernorm.weight"]
        shapes.update({at + "self_attn.q_proj.weight": [HEADS * HEAD, WIDTH],
                       at + "self_attn.k_proj.weight": [KV_HEADS * HEAD, WIDTH],
                       at + "self_attn.v_proj.weight": [KV_HEADS * HEAD, WIDTH],
                       at + "self_attn.o_proj.weight": [WIDTH, HEADS * HEAD],
                       at + "mlp.gate_proj.weight": [MLP, WIDTH], at + "mlp.up_proj.weight": [MLP, WIDTH],
                       at + "mlp.down_proj.weight": [WIDTH, MLP]})
    out = {n: ("F32", s, [numbers.gauss(0, 0.3) for _ in range(s[0] * s[1])]) for n, s in shapes.items()}
    out.update({n: ("F32", [WIDTH], [numbers.uniform(0.5, 1.5) for _ in range(WIDTH)]) for n in norms})
    return out


def write_model(folder):
    os.mkdir(folder)
    config = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": WIDTH, "head_dim": HEAD,
              "num_attention_heads": HEADS, "num_key_value_heads": KV_HEADS, "num_hidden_layers": LAYERS,
              "intermediate_size": MLP, "vocab_size": VOCAB, "max_position_embeddings": CONTEXT,
              "rms_norm_eps": 1e-5, "hidden_act": "silu", "rope_theta": 10000.0, "tie_word_embeddings": False,
              "bos_token_id": START, "eos_token_id": END, "attention_bias": False, "mlp_bias": False}
    texts = {"config.json": config, "tokenizer.json": tokenizer(),
             "tokenizer_config.json": {"bos_token": "<|start|>", "eos_token": "<|end|>", "chat_template": TEMPLATE}}
    for name, content in texts.items():
        with open(os.path.join(folder, name), "w", encoding="utf-8") as f:
            json.dump(content, f)
    save(os.path.join(folder, "model.safetensors"), weights())
