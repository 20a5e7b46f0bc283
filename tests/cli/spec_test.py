"""Specs in text wherever a MODEL is: the same graph and the same numbers as the model they were shown from."""
import json, os, re
import command
from command import FAST, Case, load, save

HERE = os.path.dirname(os.path.abspath(__file__))
FOLDERS = [os.path.join(HERE, "../data/tiny"), os.path.join(HERE, "../../../shared/models/tiny")]
TINY = ["llama", "llama_tied", "llama3_rope", "gpt2", "gpt_neox", "phi", "mistral", "qwen2", "qwen3", "gemma", "bert",
        "roberta", "bert_classifier", "distilbert", "modernbert"]


def tiny(name):
    """The folder of a tiny model of Transformers; None where this machine has it nowhere."""
    return next((os.path.realpath(os.path.join(f, name)) for f in FOLDERS if os.path.isdir(os.path.join(f, name))), None)


class Spec(Case):
    def text(self, name):
        with open(self.path(name)) as f:
            return f.read()

    def spec(self, model=None):
        self.ok("show", model or self.model, "--spec", "-o", self.path("spec.lig"))
        return self.path("spec.lig")

    def edited(self, before, after):
        """The spec with one piece changed."""
        text = self.text(os.path.basename(self.spec()))
        self.assertIn(before, text)
        with open(self.path("edited.lig"), "w") as f:
            f.write(text.replace(before, after, 1))
        return self.path("edited.lig")

    def forward(self, model, *options):
        save(self.path("in"), {"input_ids": ("I32", [2, 5], [(7 * i + 3) % 131 for i in range(10)])})
        self.ok("forward", model, FAST, *options, "--inputs", self.path("in"), "-o", self.path("out"))
        return load(self.path("out"))

    def test_every_architecture(self):
        models = [m for m in map(tiny, TINY) if m]
        self.assertTrue(models)
        for model in models:
            with self.subTest(os.path.basename(model)):
                graph = self.ok("show", model, "--graph").out
                printed = self.ok("show", model, "--spec").out
                with open(self.path("far.lig"), "w") as f:  # names weights that do not lie beside it
                    f.write(printed)
                self.assertEqual(self.ok("show", self.path("far.lig"), "--graph").out, graph)
                self.assertEqual(self.ok("opt", self.path("far.lig")).out, printed)
                want = self.forward(model)
                for options in ([], ["--weights", model], ["--weights", os.path.join(model, "model.safetensors")]):
                    self.assertEqual(self.forward(self.spec(model), *options), want)
                self.assertEqual(self.forward(self.path("far.lig"), "--weights", model), want)

    def test_graph_of_a_spec(self):
        spec = self.spec()
        self.ok("show", self.model, "--graph", "-o", self.path("a.lig"))
        self.ok("show", spec, "--graph", "-o", self.path("b.lig"))
        self.ok("show", spec, "--weights", self.model, "--graph", "-o", self.path("c.lig"))
        self.assertEqual(self.text("a.lig"), self.text("b.lig"))
        self.assertEqual(self.text("a.lig"), self.text("c.lig"))

    def test_opt_takes_specs(self):
        """Without passes a spec is formatted; with passes its graph goes through them."""
        spec = self.spec()
        text = self.text("spec.lig")
        with open(self.path("wild.lig"), "w") as f:
            f.write("# by hand\n" + re.sub(r"\s+", " ", text).replace(" = ", "="))
        self.assertEqual(self.ok("opt", self.path("wild.lig"), "--verify").out, text)
        self.ok("show", self.model, "--graph", "-o", self.path("graph.lig"))
        for options in (["--passes", "simplify,hoist"], ["--stop-after", "fuse"]):
            self.assertEqual(self.ok("opt", spec, *options).out, self.ok("opt", self.path("graph.lig"), *options).out)

    def test_run_has_the_tokenizer_of_the_weights(self):
        want = self.ok("run", self.model, FAST, "-p", "the th", "-n", "4").out
        self.assertEqual(self.ok("run", self.spec(), FAST, "-p", "the th", "-n", "4").out, want)
        bare = self.edited('"' + os.path.realpath(self.model) + '"', '"nowhere"')
        self.assertEqual(self.ok("run", bare, "--weights", self.model, FAST, "-p", "the th", "-n", "4").out, want)
        file = os.path.join(self.model, "model.safetensors")
        self.fails(1, "brings no tokenizer", "run", bare, "--weights", file, FAST, "-p", "the th")

    def test_weights_of_a_spec(self):
        out = ["--inputs", self.path("in"), "-o", self.path("out")]
        save(self.path("in"), {"input_ids": ("I32", [1, 1], [1])})
        named = 'weights   = "' + os.path.realpath(self.model) + '"'
        none, gone = self.edited(named, ""), None
        self.fails(1, ["edited.lig: names no weights", "--weights"], "forward", none, *out)
        gone = self.edited(named, 'weights = "gone"')
        self.fails(1, ["edited.lig:11:13: names the weights", "/gone\"", "--weights"], "forward", gone, *out)
        for spec in (none, gone):  # to look at it, weights need not be there
            for options in ([], ["--json"], ["--graph"], ["--spec"]):
                self.ok("show", spec, *options)
        self.fails(1, ["edited.lig:11:13: knob weights holds a zero byte"], "show", self.edited(named, 'weights = "a\\x00"'))

    def test_first_word_decides(self):
        """Whatever a file is called, and whatever comments stand before."""
        with open(self.path("graph.ligb"), "w") as f:
            f.write("\n# one\n  # two\nmodel" + self.text(os.path.basename(self.spec()))[5:])
        self.assertIn("kind        spec (.lig)", self.ok("show", self.path("graph.ligb")).out)

    def test_wrong_specs(self):
        """A newcomer's slips: the place, what is wrong, what was expected, what to do."""
        for before, after, words in (
                ("rope {", "roqe {", "edited.lig:7:15: knob position can't be `roqe`: it is one of none, learned, rope"),
                ("vocab ", "vocap ", "edited.lig:3:3: unknown knob `vocap`: did you mean `vocab`?"),
                ("kv_heads = 1", "kv_heeds = 1", "unknown knob `kv_heeds`: did you mean `kv_heads`?"),
                ("window = none", "windowing_of_it = none", "the knobs here are heads, kv_heads, head, bias"),
                ("heads = 2, ", "heads = 02, ", "expected a whole number like 12, but found `02`"),
                ("heads = 2, ", "heads = two, ", "expected a whole number like 12, but found `two`"),
                ("heads = 2, ", "heads = -2, ", "expected a whole number like 12, but found `-`"),
                ("heads = 2, ", "", "knob heads is missing here"),
                ("eps = 1e-05", "eps = 0", "edited.lig:8:27: model \"model\": knob norm.eps must be positive"),
                ("kv_heads = 1", "kv_heads = 3", "knob block.attention.heads is 2, it must be a multiple of attention.kv_heads, 3"),
                ("vocab     = 259", "vocab     = 260", "edited.lig:1:1: tensor model.embed_tokens.weight is f32[259,32], but the "
                                                       "spec needs [260,32]: correct the knobs"),
                ("width = 48", "width = 50", "edited.lig:13:9: tensor model.layers.0.mlp.gate_proj.weight is f32[48,32]"),
                ("names     = llama", "names     = gpt_neox", "kv_heads must equal attention.heads: each head has its own"),
                ("names     = llama", "names     = phi", "tensor model.layers.0.self_attn.dense.weight is missing: model "
                                                         "\"model\" with names = phi calls for it"),
                ("head      = logits", "head      = classify { labels = 2 } # ", "head = classify is only defined for encoders"),
                ("2 of block", "3 of block", "edited.lig:13:9: tensor model.layers.2.input_layernorm.weight is missing: "
                                             "model \"model\" with names = llama calls for it")):
            spec = self.edited(before, after)
            for command_line in (["show", spec, "--graph"], ["opt", spec], ["run", spec, "--ids", "1", FAST]):
                r = self.fails(1, words, *command_line)
                self.assertRegex(r.err, r"^liga: \S*edited\.lig:\d+:\d+: ")
                self.assertEqual(len(r.err.splitlines()), 1)


class Binary(Case):
    """.ligb: lossless against text, with and without the weights' bytes."""
    def read(self, name):
        with open(self.path(name), "rb") as f:
            return f.read()

    def forward(self, model, *options):
        save(self.path("in"), {"input_ids": ("I32", [2, 5], list(range(10)))})
        self.ok("forward", model, *options, "--inputs", self.path("in"), "-o", self.path("out"))
        return load(self.path("out"))

    def graph(self):
        self.ok("show", self.model, "--graph", "-o", self.path("graph.lig"))
        return self.path("graph.lig")

    def test_round_trip(self):
        """Text to .ligb to text, at every stage."""
        graph = self.graph()
        names = [line.split()[0] for line in self.ok("opt", "--list").out.splitlines()]
        for last in [None, *names]:
            stop = ["--stop-after", last] if last else []
            self.ok("opt", graph, *stop, "-o", self.path("a.lig"))
            self.ok("opt", graph, *stop, "-o", self.path("direct.ligb"))
            self.ok("opt", self.path("a.lig"), "-o", self.path("b.ligb"))
            self.assertEqual(self.read("b.ligb")[:4], b"LIGB")
            self.assertEqual(self.read("b.ligb"), self.read("direct.ligb"))
            self.ok("opt", self.path("b.ligb"), "-o", self.path("c.lig"))
            self.assertEqual(self.read("c.lig"), self.read("a.lig"))
            self.assertEqual(self.ok("opt", self.path("b.ligb"), "-o", "-").raw, self.read("a.lig"))
            self.assertEqual(self.ok("show", self.path("b.ligb"), "--graph").raw, self.read("a.lig"))

    def test_passes_on_binary(self):
        graph = self.graph()
        self.ok("opt", graph, "-o", self.path("graph.ligb"))
        self.assertEqual(self.ok("opt", self.path("graph.ligb"), "--stop-after", "plan").out,
                         self.ok("opt", graph, "--stop-after", "plan").out)

    def test_show_writes_binary(self):
        self.graph()
        spec = self.path("spec.lig")
        self.ok("show", self.model, "--spec", "-o", spec)
        for command_line in (["show", self.model, "--graph"], ["show", spec, "--graph"], ["opt", spec], ["opt", self.model]):
            self.ok(*command_line, "-o", self.path("x.ligb"))
            self.assertEqual(self.ok("opt", self.path("x.ligb")).raw, self.read("graph.lig"))

    def test_runs(self):
        """forward, eval and run take a .ligb, its weights beside it, given, or inside."""
        want = self.forward(self.model, "--deterministic")
        named, embedded = self.path("named.ligb"), self.path("embedded.ligb")
        self.ok("show", self.model, "--graph", "-o", named)
        self.ok("show", self.model, "--graph", "--embed", "-o", embedded)
        self.assertLess(os.path.getsize(named), os.path.getsize(embedded) - 100000)
        file = os.path.join(self.model, "model.safetensors")
        for model, options in ((named, []), (named, ["--weights", file]), (embedded, [])):
            self.assertEqual(self.forward(model, "--deterministic", *options), want)
        tokens = lambda model: json.loads(self.ok("run", model, "--ids", "1,2", "-n", "3", "--ignore-eos", "--json").out)["tokens"]
        self.assertEqual([tokens(named), tokens(embedded)], [tokens(self.model)] * 2)
        ids = {"ids": ("I32", [3], [5, 6, 7]), "pos": ("I32", [3], [0, 1, 2]), "start": ("I32", [2], [0, 3]),
               "slot": ("I32", [1], [0]), "kv_len": ("I32", [1], [3])}
        save(self.path("in"), ids)
        outputs = []
        for model in (named, embedded, self.graph()):
            self.ok("eval", model, FAST, "--func", "forward", "--dim", "C=16,S=1", "--inputs", self.path("in"), "-o",
                    self.path("out"))
            outputs.append(load(self.path("out")))
        self.assertEqual(outputs[0], outputs[2])
        self.assertEqual(outputs[1], outputs[2])

    def test_bytes_stay_inside(self):
        """What a .ligb brought goes along, through passes too; into text it can't."""
        want = self.forward(self.model, "--deterministic")
        self.ok("opt", self.graph(), "--embed", "-o", self.path("a.ligb"))
        self.ok("opt", self.path("a.ligb"), "--stop-after", "pack", "-o", self.path("b.ligb"))
        os.rename(self.model, self.model + ".away")
        self.addCleanup(os.rename, self.model + ".away", self.model)
        self.assertEqual(self.forward(self.path("b.ligb"), "--deterministic"), want)
        self.assertIn("kind        binary graph (.ligb)", self.ok("show", self.path("b.ligb")).out)
        self.fails(2, ["--embed", "-o FILE.ligb"], "opt", self.path("a.ligb"), "--embed")
        self.fails(2, ["--embed", "-o FILE.ligb"], "show", self.path("a.ligb"), "--graph", "--embed", "-o", self.path("x.lig"))
        self.fails(1, "names the weights", "opt", self.path("graph.lig"), "--embed", "-o", self.path("c.ligb"))
        self.assertFalse(os.path.exists(self.path("c.ligb")))

    def test_damaged(self):
        self.ok("show", self.model, "--graph", "-o", self.path("a.ligb"))
        whole = self.read("a.ligb")
        for cut in (3, 4, 63, 64, 100, len(whole) - 1):
            with open(self.path("cut.ligb"), "wb") as f:
                f.write(whole[:cut])
            for name in ("show", "opt"):
                self.fails(1, self.path("cut.ligb"), name, self.path("cut.ligb"))


if __name__ == "__main__":
    command.main()
