"""liga quantize and compile: models in other types and other files, whole or not at all."""
import glob, json, os, shutil, struct
import command
from command import FAST, Case, VOCAB, WIDTH, load, save

TYPES = "f32 f16 bf16 q8_0 q5_0 q4_0 q4_1".split()  # whose blocks divide the tiny model's rows of 32
PROMPT = ["-p", "the thin thing", "-n", "12", "--json", FAST]


class Quantize(Case):
    def tokens(self, model):
        return json.loads(self.ok("run", model, *PROMPT).out)

    def gguf(self):
        self.ok("compile", self.model, "-o", self.path("model.gguf"))
        return self.path("model.gguf")

    def dtypes(self, path):
        lines = self.ok("show", path, "--tensors").out.splitlines()
        return {line.split()[0]: line.split()[1].split("[")[0] for line in lines if "[" in line}

    def test_a_directory_becomes_a_gguf_and_back(self):
        path = self.gguf()
        want = self.tokens(self.model)
        got = self.tokens(path)
        self.assertEqual((got["tokens"], got["text"]), (want["tokens"], want["text"]))
        self.ok("compile", path, "-o", self.path("again"))
        got = self.tokens(self.path("again"))
        self.assertEqual((got["tokens"], got["text"]), (want["tokens"], want["text"]))
        a, b = (load(os.path.join(folder, "model.safetensors")) for folder in (self.model, self.path("again")))
        self.assertEqual(a, b)

    def test_chat_template_and_special_tokens_go_along(self):
        self.ok("compile", self.gguf(), "-o", self.path("again"))
        chat = ["-p", "hi", "--chat", "-n", "4", "--json", FAST]
        texts = [json.loads(self.ok("run", m, *chat).out) for m in (self.model, self.path("model.gguf"), self.path("again"))]
        for other in texts[1:]:
            self.assertEqual(other["prompt_tokens"], texts[0]["prompt_tokens"])
            self.assertEqual(other["tokens"], texts[0]["tokens"])

    def test_every_type(self):
        for source in (self.model, self.gguf()):
            for name in TYPES:
                out = self.path(name + ".gguf")
                self.ok("quantize", source, "-o", out, "--quant", name)
                dtypes = self.dtypes(out)
                self.assertEqual(dtypes["blk.1.ffn_up.weight"], name)
                self.assertEqual(dtypes["blk.1.attn_norm.weight"], "f32")
                self.assertEqual(dtypes["output.weight"], "q8_0" if name.startswith("q4") else name)
                self.assertEqual(len(self.tokens(out)["tokens"]), 12)

    def test_what_does_not_divide_is_listed(self):
        r = self.ok("quantize", self.model, "-o", self.path("k.gguf"), "--quant", "q4_k")
        self.assertIn("blk.0.ffn_up.weight (2 tensors, one a layer): rows of 32 are no multiple of the 256 of q4_k: q5_0", r.err)
        self.assertIn("output.weight (1 tensor)", r.err)
        # The mlp's width is 48, which no block divides.
        self.assertEqual(self.dtypes(self.path("k.gguf"))["blk.0.ffn_down.weight"], "f16")
        self.assertEqual(self.ok("quantize", self.model, "-o", self.path("q.gguf"), "--quant", "q4_k", "-q").err, "")

    def test_safetensors_and_folders(self):
        for name in ("bf16", "f16", "f32"):
            self.ok("quantize", self.gguf(), "-o", self.path(name), "--quant", name)
            with open(os.path.join(self.path(name), "config.json")) as f:
                config = json.load(f)
            self.assertEqual(config.get("dtype"), {"bf16": "bfloat16", "f16": "float16", "f32": "float32"}[name])
            self.assertEqual(len(self.tokens(self.path(name))["tokens"]), 12)
            self.ok("quantize", self.model, "-o", self.path(name + ".safetensors"), "--quant", name)
        self.assertEqual(load(self.path("f32.safetensors")), load(os.path.join(self.model, "model.safetensors")))
        self.fails(2, "safetensors hold f32, f16 and bf16, not q8_0", "quantize", self.model, "-o", self.path("x"), "--quant", "q8_0")

    def test_report(self):
        with open(self.path("text"), "w") as f:
            f.write("the thin thing that thinks of the path\n" * 4)
        r = self.ok("quantize", self.model, "-o", self.path("q.gguf"), "--quant", "q8_0", "--report", self.path("text"))
        self.assertIn("blk.0.attn_q.weight  q8_0  rms error ", r.out)
        self.assertNotIn("attn_norm", r.out)
        self.assertRegex(r.out, r"all  relative 0\.00\d+\nperplexity [\d.]+, before [\d.]+ \(\d+ tokens\)\n")
        self.fails(1, "nowhere", "quantize", self.model, "-o", self.path("no.gguf"), "--quant", "q8_0", "--report", self.path("nowhere"))
        self.assertFalse(os.path.exists(self.path("no.gguf")))

    def test_threads_change_nothing(self):
        files = []
        for threads in (1, 3):
            self.ok("quantize", self.model, "-o", self.path("q.gguf"), "--quant", "q4_1", "--threads", threads)
            with open(self.path("q.gguf"), "rb") as f:
                files.append(f.read())
        self.assertEqual(*files)

    def test_wrong_usage(self):
        self.fails(2, "-o is missing", "quantize", self.model, "--quant", "q8_0")
        self.fails(2, "--quant is missing", "quantize", self.model, "-o", "x.gguf")
        self.fails(2, "q8_0", "quantize", self.model, "-o", "x.gguf", "--quant", "q9")
        self.fails(2, "is none of OUT.gguf, OUT.safetensors and a folder", "quantize", self.model, "-o", "x.bin", "--quant", "f16")
        self.fails(2, "tells no kind", "compile", self.model, "-o", "x.bin")
        self.fails(2, "gguf", "compile", self.model, "-o", "x.so", "--emit", "so")
        self.ok("show", self.model, "--graph", "-o", self.path("graph.lig"))
        self.fails(1, "whose weights are not written", "compile", self.path("graph.lig"), "-o", self.path("x.gguf"))

    def test_outputs_are_whole_or_absent(self):
        weights = load(os.path.join(self.model, "model.safetensors"))
        weights["lm_head.weight"][1][7] = float("inf")
        shutil.copytree(self.model, self.path("bad"))
        save(os.path.join(self.path("bad"), "model.safetensors"), {n: ("F32", s, v) for n, (s, v) in weights.items()})
        self.fails(1, ["output.weight", "infinities"], "quantize", self.path("bad"), "-o", self.path("x.gguf"), "--quant", "q8_0")
        os.mkdir(self.path("full"))
        with open(os.path.join(self.path("full"), "mine"), "w") as f:
            f.write("kept")
        self.fails(1, "is there already", "compile", self.gguf(), "-o", self.path("full"))
        self.fails(1, "no such file", "quantize", self.model, "-o", self.path("no/where.gguf"), "--quant", "q8_0")
        self.fails(1, "No such file", "compile", self.model, "-o", self.path("no/where"))
        with open("/dev/full", "wb") as full:
            self.fails(1, "No space left", "quantize", self.model, "-o", "-", "--quant", "f16", stdout=full)
        self.assertEqual(sorted(os.listdir(self.scratch)), ["bad", "full", "model.gguf"])
        self.assertEqual(os.listdir(self.path("full")), ["mine"])

    def test_what_gguf_has_no_form_for_is_named(self):
        shutil.copytree(self.model, self.path("odd"))
        path = os.path.join(self.path("odd"), "tokenizer.json")
        with open(path) as f:
            tokenizer = json.load(f)
        tokenizer["normalizer"] = {"type": "Lowercase"}
        with open(path, "w") as f:
            json.dump(tokenizer, f)
        self.fails(1, ["its normalizer is not NFC", "move tokenizer.json aside"], "compile", self.path("odd"), "-o", self.path("x.gguf"))

    def test_split_models(self):
        """The parts that gguf-split makes: the metadata in the first, tensors in all."""
        with open(self.gguf(), "rb") as f:
            whole = f.read()
        want = self.tokens(self.path("model.gguf"))["tokens"]
        for number, part in enumerate(split(whole, 3)):
            with open(self.path(f"m-{number + 1:05}-of-00003.gguf"), "wb") as f:
                f.write(part)
        self.assertEqual(self.tokens(self.path("m-00001-of-00003.gguf"))["tokens"], want)
        self.fails(1, "open the first one", "show", self.path("m-00002-of-00003.gguf"))
        self.ok("quantize", self.path("m-00001-of-00003.gguf"), "-o", self.path("joined.gguf"), "--quant", "f32")
        self.assertEqual(self.tokens(self.path("joined.gguf"))["tokens"], want)
        os.unlink(self.path("m-00003-of-00003.gguf"))
        self.fails(1, ["m-00003-of-00003.gguf", "is missing"], "show", self.path("m-00001-of-00003.gguf"))


# A reader of GGUF as the test needs it.

def take_string(data, at):
    size, = struct.unpack_from("<Q", data, at)
    return at + 8 + size


def take_value(data, at, kind):
    sizes = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
    if kind == 8:
        return take_string(data, at)
    if kind == 9:
        kind, count = struct.unpack_from("<IQ", data, at)
        at += 12
        for _ in range(count):
            at = take_value(data, at, kind)
        return at
    return at + sizes[kind]


def split(data, parts):
    """The bytes of each part of a GGUF whose tensors are f32 or smaller and lie end to end."""
    _, _, tensor_count, value_count = struct.unpack_from("<4sIQQ", data)
    values = at = 24
    for _ in range(value_count):
        at = take_string(data, at)
        kind, = struct.unpack_from("<I", data, at)
        at = take_value(data, at + 4, kind)
    metadata, rows = data[values:at], []
    for _ in range(tensor_count):
        begin = at
        at = take_string(data, at)
        rank, = struct.unpack_from("<I", data, at)
        at += 4 + 8 * rank + 4
        rows.append((data[begin:at], struct.unpack_from("<Q", data, at)[0]))
        at += 8
    blob = data[at + -at % 32:]
    ends = [offset for _, offset in rows[1:]] + [len(blob)]
    tensors = [(head, blob[offset:end]) for (head, offset), end in zip(rows, ends)]
    each = -(-len(tensors) // parts)
    for number in range(parts):
        own = tensors[number * each:(number + 1) * each]
        keys = b"".join(key(name, kind, form, value) for name, kind, form, value in
                        (("split.no", 2, "<H", number), ("split.count", 2, "<H", parts), ("split.tensors.count", 5, "<i", len(tensors))))
        count = 3 + (value_count if number == 0 else 0)
        head = struct.pack("<4sIQQ", b"GGUF", 3, len(own), count) + (metadata if number == 0 else b"") + keys
        offset = 0
        for row, bytes_ in own:
            head += row + struct.pack("<Q", offset)
            offset += len(bytes_)
        yield head + bytes(-len(head) % 32) + b"".join(bytes_ for _, bytes_ in own)


def key(name, kind, form, value):
    return struct.pack("<Q", len(name)) + name.encode() + struct.pack("<I", kind) + struct.pack(form, value)


command.main()
