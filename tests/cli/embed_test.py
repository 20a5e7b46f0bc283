"""liga embed and liga classify: against what liga forward gives for the same tokens."""
import json, math, os, random
import command
from command import FAST, Case, load, save

LABELS, WIDTH = ["calm", "glad", "wild"], 32
TEXTS = ["abc", "the cat", "x", "Grüße an alle, 世界", "a longer text " * 9]


def write_classifier(folder):
    """A BERT with random weights over command.py's tokenizer of bytes."""
    os.mkdir(folder)
    numbers, vocab, mlp = random.Random(3), command.VOCAB, 48
    linear = lambda name, rows, columns: {name + ".weight": [rows, columns], name + ".bias": [rows]}
    norm = lambda name: {name + ".weight": [WIDTH], name + ".bias": [WIDTH]}
    shapes = {"bert.embeddings.word_embeddings.weight": [vocab, WIDTH], "bert.embeddings.position_embeddings.weight": [64, WIDTH],
              "bert.embeddings.token_type_embeddings.weight": [2, WIDTH], **norm("bert.embeddings.LayerNorm"),
              **linear("bert.pooler.dense", WIDTH, WIDTH), **linear("classifier", len(LABELS), WIDTH)}
    at = "bert.encoder.layer.0."
    for name in ("attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"):
        shapes.update(linear(at + name, WIDTH, WIDTH))
    shapes.update({**linear(at + "intermediate.dense", mlp, WIDTH), **linear(at + "output.dense", WIDTH, mlp),
                   **norm(at + "attention.output.LayerNorm"), **norm(at + "output.LayerNorm")})
    save(os.path.join(folder, "model.safetensors"),
         {n: ("F32", s, [numbers.gauss(0, 0.5) for _ in range(math.prod(s))]) for n, s in shapes.items()})
    config = {"architectures": ["BertForSequenceClassification"], "model_type": "bert", "hidden_size": WIDTH,
              "num_attention_heads": 2, "num_hidden_layers": 1, "intermediate_size": mlp, "vocab_size": vocab,
              "max_position_embeddings": 64, "type_vocab_size": 2, "hidden_act": "gelu", "layer_norm_eps": 1e-12,
              "id2label": {str(i): x for i, x in enumerate(LABELS)}, "pad_token_id": 0}
    set_json(folder, "config.json", config)
    set_json(folder, "tokenizer.json", command.tokenizer())


def set_json(folder, name, content):
    path = os.path.join(folder, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as f:
        json.dump(content, f)


def jsonl(texts):
    return "".join(json.dumps({"text": t}) + "\n" for t in texts)


class Texts(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.classifier = os.path.join(cls.class_scratch.name, "classifier")
        write_classifier(cls.classifier)

    def forward(self, model, text, most=None):
        ids = json.loads(self.ok("tokenize", model, text=text).out)[:most]
        save(self.path("in"), {"input_ids": ("I32", [1, len(ids)], ids)})
        self.ok("forward", model, "--inputs", self.path("in"), "-o", self.path("out"), FAST)
        return len(ids), load(self.path("out"))

    def rows(self, command, model, *options, text=None):
        return [json.loads(x) for x in self.ok(command, model, *options, text=text).out.splitlines()]

    def close(self, got, want):
        self.assertEqual(len(got), len(want))
        for g, w in zip(got, want):
            self.assertAlmostEqual(g, w, delta=1e-4)


class Embed(Texts):
    def pooled(self, model, text, pool, unit=True, most=None):
        count, out = self.forward(model, text, most)
        shape, hidden = out["hidden"]
        rows = [hidden[i * shape[-1]:(i + 1) * shape[-1]] for i in range(count)]
        vector = {"mean": [sum(x) / count for x in zip(*rows)], "cls": rows[0], "last": rows[-1]}[pool]
        length = math.sqrt(sum(x * x for x in vector)) if unit else 1
        return [x / length for x in vector]

    def test_poolings(self):
        for pool in ("mean", "cls", "last"):
            for model in (self.model, self.classifier):
                got, = self.rows("embed", model, TEXTS[1], "--pool", pool)
                self.close(got, self.pooled(model, TEXTS[1], pool))
                raw, = self.rows("embed", model, TEXTS[1], "--pool", pool, "--no-normalize")
                self.close(raw, self.pooled(model, TEXTS[1], pool, unit=False))

    def test_ways_in_are_the_same(self):
        by_words = self.ok("embed", self.model, *TEXTS).out
        self.assertEqual(self.ok("embed", self.model, text="\n".join(TEXTS)).out, by_words)
        self.assertEqual(self.ok("embed", self.model, "--jsonl", text=jsonl(TEXTS)).out, by_words)
        self.ok("embed", self.model, *TEXTS, "-o", self.path("file"))
        with open(self.path("file")) as f:
            self.assertEqual(f.read(), by_words)

    def test_many_texts_are_as_each_alone(self):
        texts = [(TEXTS[i % 5] * (1 + i % 3))[:60] for i in range(150)]
        together = self.rows("embed", self.classifier, "--jsonl", text=jsonl(texts))
        self.assertEqual(len(together), len(texts))
        for i in (0, 1, 63, 64, 65, 149):
            self.assertEqual(self.rows("embed", self.classifier, texts[i]), [together[i]])

    def test_directory_says(self):
        set_json(self.classifier, "modules.json", [{"type": "sentence_transformers.models.Transformer", "path": ""},
                                                   {"type": "sentence_transformers.models.Pooling", "path": "1_Pooling"}])
        set_json(self.classifier, "1_Pooling/config.json", {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False})
        set_json(self.classifier, "sentence_bert_config.json", {"max_seq_length": 5})
        try:
            r = self.ok("embed", self.classifier, "a longer text")
            self.assertIn("cut", r.err)
            self.close(json.loads(r.out), self.pooled(self.classifier, "a longer text", "cls", unit=False, most=5))
            set_json(self.classifier, "1_Pooling/config.json", {"pooling_mode_max_tokens": True})
            self.fails(1, "pooling_mode_max_tokens", "embed", self.classifier, "a")
            set_json(self.classifier, "modules.json", [{"type": "sentence_transformers.models.Dense", "path": "2_Dense"}])
            self.fails(1, "modules.json", "embed", self.classifier, "a")
        finally:
            for name in ("modules.json", "sentence_bert_config.json"):
                os.remove(os.path.join(self.classifier, name))

    def test_refused(self):
        self.fails(1, "empty", "embed", self.model, "")
        self.fails(1, "standard input:2:", "embed", self.model, "--jsonl", text='{"text":"a"}\n{"txt":"a"}\n')
        self.fails(2, "--pool", "embed", self.model, "a", "--pool", "max")


class Classify(Texts):
    def probabilities(self, text):
        _, out = self.forward(self.classifier, text, 64)
        logits = out["logits"][1]
        sum_ = sum(math.exp(x) for x in logits)
        return [math.exp(x) / sum_ for x in logits]

    def test_probabilities(self):
        rows = self.rows("classify", self.classifier, "--json", *TEXTS[:4])
        for text, row in zip(TEXTS, rows):
            want = self.probabilities(text)
            self.close(row["probabilities"], want)
            best = want.index(max(want))
            self.assertEqual((row["label"], row["index"]), (LABELS[best], best))
        self.assertGreater(len({tuple(row["probabilities"]) for row in rows}), 1)

    def test_as_words(self):
        out = self.ok("classify", self.classifier, "abc").out
        label, probability = out.rstrip("\n").split("\t")
        want = self.probabilities("abc")
        self.assertEqual(label, LABELS[want.index(max(want))])
        self.assertAlmostEqual(float(probability), max(want), places=4)

    def test_no_classifier(self):
        self.fails(1, "no classifier", "classify", self.model, "abc")


if __name__ == "__main__":
    command.main()
