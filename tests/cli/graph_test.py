"""liga show, opt, eval and forward: the graph in text, and the same numbers from every stage of it."""
import json, os, re
import command
from command import CONTEXT, FAST, Case, VOCAB, WIDTH, load, save

SUM = """module "sum" {
  dim N in 1..8
  dim C in 1..64
  state %seen : f32[C,2]
  func @twice(%x: f32[N,2]) -> f32[N,2] {
    %y = add %x, %x : f32[N,2]
    return %y
  }
  func @times(%a: f32[N,2], %b: f32[N,2]) -> f32[N,2] {
    %p = mul %a, %b : f32[N,2]
    return %p
  }
}
"""


class Graph(Case):
    def close(self, got, want, bound=1e-4):
        self.assertEqual(got[0], want[0])
        top = max(map(abs, want[1]))
        self.assertLessEqual(max(abs(a - b) for a, b in zip(got[1], want[1])), bound * top)

    def text(self, name, content):
        with open(self.path(name), "w") as f:
            f.write(content)
        return self.path(name)

    def graph(self):
        self.ok("show", self.model, "--graph", "-o", self.path("model.lig"))
        return self.path("model.lig")

    def weights(self):
        return ["--weights", os.path.join(self.model, "model.safetensors")]

    def inputs(self, rows, length, mask=None):
        ids = [(7 * i + 3) % VOCAB for i in range(rows * length)]
        tensors = {"in.input_ids": ("I64", [rows, length], ids), "unknown": ("F32", [1], [0.5])}
        if mask:
            tensors["attention_mask"] = ("I32", [rows, length], mask)
        save(self.path("in"), tensors)
        return ["--inputs", self.path("in"), "-o", self.path("out")]

    def forward(self, *options, model=None):
        self.ok("forward", model or self.model, *options)
        return load(self.path("out"))

    def forward_ids(self, rows, length, ids, mask, *options):
        tensors = {"input_ids": ("I32", [rows, length], ids)}
        if mask:
            tensors["attention_mask"] = ("I32", [rows, length], mask)
        save(self.path("in"), tensors)
        return self.forward("--inputs", self.path("in"), "-o", self.path("out"), *options)["logits"][1]

    def test_show(self):
        out = self.ok("show", self.model).out
        for word in ("parameters", "259", "f32", "tokenizer", "with a chat template"):
            self.assertIn(word, out)
        facts = json.loads(self.ok("show", self.model, "--json").out)
        self.assertEqual((facts["tensors"], facts["context"]), (21, CONTEXT))
        self.assertEqual(facts["bytes"], 4 * facts["parameters"])
        self.assertEqual(facts["state_bytes_per_token"], 2 * 2 * 1 * 16 * 4)
        tensors = json.loads(self.ok("show", self.model, "--tensors", "--json").out)
        self.assertEqual(sum(t["bytes"] for t in tensors), facts["bytes"])
        self.assertEqual(len(self.ok("show", self.model, "--tensors").out.splitlines()), 21)
        self.assertIn("family    = decoder", self.ok("show", self.model, "--spec").out)
        self.fails(1, "tells no knobs", "show", self.graph(), "--spec", *self.weights())

    def test_graph_names_its_weights(self):
        """By name where they lie beside it, or it goes to standard output; else by their whole path."""
        line = lambda text: re.search('^  weights "(.*)"$', text, re.M).group(1)
        beside, elsewhere = os.path.join(os.path.dirname(self.model), "beside.lig"), self.path("elsewhere.lig")
        self.assertEqual(line(self.ok("show", self.model, "--graph").out), "model")
        self.assertEqual(line(self.ok("show", "./model/../model/", "--graph", cwd=os.path.dirname(self.model)).out), "model")
        self.inputs(1, 2)
        for graph, name in ((beside, "model"), (elsewhere, os.path.realpath(self.model))):
            self.ok("show", self.model, "--graph", "-o", graph)
            with open(graph) as f:
                text = f.read()
            self.assertEqual(line(text), name)
            self.assertEqual(line(self.ok("show", graph, "--graph").out), name)
            self.ok("forward", graph, FAST, "--inputs", self.path("in"), "-o", self.path("out"))
        os.remove(beside)

    def test_text_round_trips(self):
        graph = self.graph()
        with open(graph) as f:
            text = f.read()
        self.assertEqual(self.ok("opt", graph).out, text)
        self.ok("opt", graph, "--passes", "simplify,hoist", "-o", self.path("a.lig"))
        again = self.ok("opt", self.path("a.lig")).out
        with open(self.path("a.lig")) as f:
            self.assertEqual(f.read(), again)

    def test_passes(self):
        graph = self.graph()
        names = [line.split()[0] for line in self.ok("opt", "--list").out.splitlines()]
        self.assertEqual([p["name"] for p in json.loads(self.ok("opt", "--list", "--json").out)], names)
        one = self.ok("opt", graph, "--passes", ",".join(names), "--verify").out
        self.assertEqual(self.ok("opt", graph, "--stop-after", names[-1]).out, one)
        step = graph
        for i, name in enumerate(names):  # one at a time, through text
            self.ok("opt", step, "--passes", name, "--verify", "-o", self.path(f"{i}.lig"))
            step = self.path(f"{i}.lig")
        with open(step) as f:
            self.assertEqual(f.read(), one)
        self.assertEqual(self.ok("opt", graph, "--passes", "simplify,hoist,fuse", "--stop-after", "simplify").out,
                         self.ok("opt", graph, "--passes", "simplify").out)

    def test_contracts(self):
        """What a pass needs and keeps is told with -v, and by --json."""
        passes = json.loads(self.ok("opt", "--list", "--json").out)
        told = self.ok("opt", "--list", "-v").out
        for p in passes:
            self.assertIn(p["numerics"], ("exact", "reassociates", "changes meaning"))
            self.assertIn(f"needs: {p['needs']}\n", told)
            self.assertIn(f"keeps: {p['keeps']}\n", told)

    def test_verify_compares_numbers(self):
        """--verify runs calls by the interpreter around every pass, on random inputs or on those given."""
        told = self.ok("opt", self.graph(), "--stop-after", "plan", "--verify", "-v", "--seed", "3").err
        self.assertRegex(told, "--verify: [1-9][0-9]* calls gave the same around every pass")
        told = self.ok("forward", self.model, *self.inputs(2, 3), "--verify", "-v").err
        self.assertRegex(told, "--verify: [1-9][0-9]* calls gave the same around every pass")
        save(self.path("in"), {"x": ("F32", [3, 2], [1.0, -2.0, 0.5, 3.0, 4.0, 5.0])})
        eval_ = ["eval", self.text("sum.lig", SUM), "--inputs", self.path("in"), "-o", self.path("out")]
        self.assertIn("--verify: 1 calls gave", self.ok(*eval_, "--dim", "C=4", "--verify", "-v").err)
        # An index out of range is refused by the interpreter: the rules alone are left.
        bad = self.text("bad.lig", """module "bad" {
  dim N in 1..4
  func @f(%x: f32[N,2]) -> f32[N,2] {
    %i = constant {values=[7]} : i32[1]
    %s = gather %x, %i {axis=0} : f32[1,2]
    %y = add %x, %s : f32[N,2]
    return %y
  }
}
""")
        self.assertIn("no call could be interpreted", self.ok("opt", bad, "--passes", "simplify", "--verify").err)

    def test_raised_attention(self):
        """Dense attention with a proven mask is compiled, a row without keys among them, as interpreted densely."""
        golden = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "golden", "raise")
        graph = os.path.join(golden, "lengths_and_causal.lig")
        for batch, length, lens in ((1, 1, [1]), (3, 7, [7, 0, 3]), (4, 16, [20, 1, -2, 16])):
            tensors = {"len": ("I32", [batch], lens)}
            for name, heads in (("q", 4), ("k", 2), ("v", 2)):
                count = batch * length * heads * 8
                values = [((37 * i + heads) % 101) / 50 - 1 for i in range(count)]
                tensors[name] = ("F32", [batch, length, heads, 8], values)
            save(self.path("in"), tensors)
            arguments = ["eval", graph, "--inputs", self.path("in"), "-o", self.path("out")]
            self.ok(*arguments, "--interpret")
            want = load(self.path("out"))["z"]
            for options in ([], ["--no-fuse"], ["--verify"]):
                self.ok(*arguments, *options)
                self.close(load(self.path("out"))["z"], want, 1e-5)
        self.ok("opt", graph, "--passes", "raise", "-o", self.path("raised.lig"))
        self.ok("eval", self.path("raised.lig"), *arguments[2:])
        self.close(load(self.path("out"))["z"], want, 1e-5)
        with open(self.path("raised.lig")) as f:  # starts that are counted otherwise are refused
            wrong = f.read().replace("begin=0, end=1}", "begin=1, end=2}")
        self.fails(1, "is computed by the function", "eval", self.text("wrong.lig", wrong.replace("S in 1..", "S in 2..")),
                   *arguments[2:])

    def test_explain(self):
        """Every edge has a rule and its words; the table folds layers together, JSON does not. Not of kernels."""
        edges = json.loads(self.ok("explain", self.model, "--json").out)
        self.assertTrue({"sibling", "epilogue", "contraction_reads"} <= {e["rule"] for e in edges})
        for e in edges:
            self.assertTrue(e["why"] and e["kernel"])
            self.assertEqual(e["saved_bytes"] > 0, e["fused"])
        table = self.ok("explain", self.model).out
        counts = [int(line.split()[0]) for line in table.splitlines() if re.match(" *[0-9]+ ", line)]
        self.assertEqual(sum(counts), len(edges))
        self.assertLess(len(counts), len(edges))
        apart = json.loads(self.ok("explain", self.model, "--json", "--no-fuse").out)
        self.assertEqual({e["rule"] for e in apart}, {"apart"})
        self.ok("opt", self.graph(), "--stop-after", "fuse", "-o", self.path("fused.lig"))
        self.fails(1, "stage fused", "explain", self.path("fused.lig"))

    def test_dump_marks_what_is_unchanged(self):
        """A stage that a pass left as it was is dumped whole, and says first since when it is so."""
        graph = self.text("sum.lig", SUM)
        self.ok("opt", graph, "--stop-after", "fuse", "--dump", self.path("stages"))
        for name in sorted(os.listdir(self.path("stages"))):
            with open(os.path.join(self.path("stages"), name)) as f:
                text = f.read()
            same = name[3:] not in ("model.lig", "fuse.lig")
            self.assertEqual(text.startswith("# unchanged since 00-model\n"), same, name)
            whole = self.ok("opt", os.path.join(self.path("stages"), name)).out
            self.assertEqual(text.removeprefix("# unchanged since 00-model\n"), whole)

    def test_wrong_passes(self):
        graph = self.graph()
        self.fails(2, ["no pass 'fsue'", "--list"], "opt", graph, "--passes", "fsue")
        self.fails(1, ["stage"], "opt", graph, "--passes", "plan")
        self.fails(2, "not among", "opt", graph, "--passes", "simplify", "--stop-after", "plan")
        self.fails(1, "model.lig", "opt", self.text("model.lig", "module \"m\" {"))

    def test_forward(self):
        out = self.forward(*self.inputs(2, 9))
        self.assertEqual(sorted(out), ["hidden", "logits"])
        self.assertEqual(out["logits"][0], [2, 9, VOCAB])
        self.assertEqual(out["hidden"][0], [2, 9, WIDTH])
        for option in (["--interpret"], ["--no-fuse"], ["--threads", "1"], ["--cpu", "x86-64"]):
            other = self.forward(*self.inputs(2, 9), *option)
            for name in out:
                self.close(other[name], out[name])

    def test_forward_is_run(self):
        """The largest logit of the last position is what run chooses."""
        logits = self.forward(*self.inputs(1, 9))["logits"][1][-VOCAB:]
        ids = ",".join(str((7 * i + 3) % VOCAB) for i in range(9))
        answer = json.loads(self.ok("run", self.model, "--ids", ids, "-n", "1", "--json").out)
        self.assertEqual(answer["tokens"], [logits.index(max(logits))])

    def test_forward_of_a_text(self):
        want = self.forward(*self.inputs(2, 9))
        other = self.forward(*self.inputs(2, 9), *self.weights(), model=self.graph())
        for name in want:
            self.assertEqual(other[name], want[name])

    def test_rows_do_not_meet(self):
        """More rows than go into one call; each as if alone."""
        both = self.forward(*self.inputs(150, 7), "--deterministic")["logits"][1]
        for row in (0, 71, 149):
            ids = [(7 * i + 3) % VOCAB for i in range(row * 7, row * 7 + 7)]
            save(self.path("in"), {"input_ids": ("I32", [1, 7], ids)})
            alone = self.forward("--inputs", self.path("in"), "-o", self.path("out"), "--deterministic")["logits"][1]
            self.assertEqual(both[row * 7 * VOCAB:(row + 1) * 7 * VOCAB], alone)

    def test_padding_does_not_reach_real_tokens(self):
        """Each row's real tokens have the bits they have alone, whatever is in the padding."""
        ids = [(11 * i + 5) % VOCAB for i in range(27)]
        ones = [9, 4, 1]
        mask = [int(t < n) for n in ones for t in range(9)]
        other = [x if m else (x + 100) % VOCAB for x, m in zip(ids, mask)]
        for how in (["--deterministic"], [FAST]):
            padded = self.forward_ids(3, 9, ids, mask, *how)
            again = self.forward_ids(3, 9, other, mask, *how)
            for r, n in enumerate(ones):
                begin, end = r * 9 * VOCAB, (r * 9 + n) * VOCAB
                self.assertEqual(padded[begin:end], again[begin:end])
                if n == 1:  # one token alone is a kernel of its own
                    continue
                alone = self.forward_ids(1, n, ids[r * 9:r * 9 + n], None, *how)
                self.assertEqual(padded[begin:end], alone, (how, r))

    def test_padded_queries_see_the_keys_that_are_not_masked(self):
        """A padded token at p gives what @forward gives it behind the row's real tokens alone, at position p."""
        ids = [(13 * i + 2) % VOCAB for i in range(18)]
        ones = [5, 7]
        mask = [int(t < n) for n in ones for t in range(9)]
        graph = self.graph()
        for how in (["--deterministic"], [FAST]):
            padded = self.forward_ids(2, 9, ids, mask, *how)
            for r, p in ((0, 5), (0, 8), (1, 7), (1, 8)):
                n = ones[r]
                save(self.path("in"), {"ids": ("I32", [n + 1], ids[r * 9:r * 9 + n] + [ids[r * 9 + p]]),
                                       "pos": ("I32", [n + 1], [*range(n), p]), "start": ("I32", [2], [0, n + 1]),
                                       "slot": ("I32", [1], [0]), "kv_len": ("I32", [1], [n])})
                self.ok("eval", graph, FAST, "--func", "forward", "--dim", "C=16,S=1", "--inputs", self.path("in"),
                        "-o", self.path("out"))
                want = load(self.path("out"))["logits"][1][-VOCAB:]
                self.close(([], padded[(r * 9 + p) * VOCAB:(r * 9 + p + 1) * VOCAB]), ([], want))

    def test_mask(self):
        """Masked keys do not count; queries beyond them are computed all the same, with the keys before."""
        want = self.forward(*self.inputs(1, 9), "--interpret")["logits"][1]
        got = self.forward(*self.inputs(1, 9, [1] * 5 + [0] * 4))["logits"][1]
        other = self.forward(*self.inputs(1, 9, [1] * 5 + [0] * 4), "--interpret")["logits"][1]
        self.close(([], got), ([], other))
        self.close(([], got[:5 * VOCAB]), ([], want[:5 * VOCAB]))
        self.assertNotEqual(got[5 * VOCAB:], want[5 * VOCAB:])

    def test_long_rows(self):
        """A row longer than one call takes goes through in chunks; a mask may end inside one or before it."""
        for ones in (700, 600, 300):
            mask = [1] * ones + [0] * (700 - ones)
            long = self.forward(*self.inputs(1, 700, mask))["logits"]
            self.assertEqual(long[0], [1, 700, VOCAB])
            part = self.forward(*self.inputs(1, 400))["logits"][1]
            known = min(ones, 400) * VOCAB
            self.close(([], long[1][:known]), ([], part[:known]))
            if ones < 512:  # queries of the second chunk see what those of the first do: keys below `ones`
                masked = self.forward(*self.inputs(1, 500, mask[:500]))["logits"][1]
                self.close(([], long[1][:500 * VOCAB]), ([], masked))

    def test_wrong_inputs(self):
        self.fails(1, "ones, then zeros", "forward", self.model, *self.inputs(1, 3, [0, 1, 1]))
        self.fails(1, "ones, then zeros", "forward", self.model, *self.inputs(1, 3, [1, 2, 1]))
        self.fails(1, "context", "forward", self.model, *self.inputs(1, CONTEXT + 1))
        out = ["-o", self.path("out"), "--inputs", self.path("in")]
        for tensors, words in (({"ids": ("I32", [1, 1], [0])}, "'input_ids' is missing"),
                               ({"input_ids": ("F32", [1, 1], [0])}, "f32"),
                               ({"input_ids": ("I32", [2], [0, 1])}, "[rows, tokens]"),
                               ({"input_ids": ("I32", [0, 2], [])}, "at least one"),
                               ({"input_ids": ("I64", [1, 1], [1 << 40])}, "holds a number"),
                               ({"input_ids": ("I32", [1, 1], [VOCAB])}, "259"),
                               ({"input_ids": ("I32", [1, 1], [-1])}, "-1"),
                               ({"input_ids": ("I32", [1, 2], [1, 2]), "attention_mask": ("I32", [2, 1], [1, 1])}, "shape")):
            save(self.path("in"), tensors)
            self.fails(1, words, "forward", self.model, *out)
            self.assertFalse(os.path.exists(self.path("out")))

    def test_eval(self):
        graph = self.text("sum.lig", SUM)
        size = ["--dim", "C=4"]
        out = ["-o", self.path("out"), "--inputs", self.path("in")]
        save(self.path("in"), {"x": ("F32", [3, 2], [1, 2, 3, 4, 5, 6])})
        for option in ([], ["--interpret"], ["--func", "twice"], ["--func", "@twice", "--no-fuse"]):
            self.ok("eval", graph, *out, *size, *option)
            self.assertEqual(load(self.path("out")), {"y": ([3, 2], [2, 4, 6, 8, 10, 12])})
        save(self.path("in"), {"in.a": ("F32", [1, 2], [2, 3]), "b": ("F32", [1, 2], [5, 7]), "seen": ("F32", [4, 2], [0] * 8)})
        self.ok("eval", graph, *out)
        self.assertEqual(load(self.path("out")), {"p": ([1, 2], [10, 21])})

    def test_eval_json(self):
        """Outputs as one object, on standard output or in a file; what JSON has no number for is a string."""
        graph = self.text("sum.lig", SUM)
        save(self.path("in"), {"x": ("F32", [2, 2], [1.5, float("inf"), float("nan"), -float("inf")])})
        args = ["eval", graph, "--inputs", self.path("in"), "--dim", "C=4", "--json"]
        want = {"y": {"shape": [2, 2], "data": [3.0, "inf", "nan", "-inf"]}}
        for how in ([], [FAST]):
            self.assertEqual(json.loads(self.ok(*args, *how).out), want)
        self.assertEqual(self.ok(*args, FAST, "-o", self.path("out.json")).out, "")
        with open(self.path("out.json")) as f:
            self.assertEqual(json.load(f), want)
        ints = self.text("ints.lig", 'module "ints" {\n  func @f(%n: i32[2]) -> i32[2] {\n    return %n\n  }\n}\n')
        save(self.path("in"), {"n": ("I32", [2], [-7, 1 << 30])})
        answer = json.loads(self.ok("eval", ints, FAST, "--inputs", self.path("in"), "--json").out)
        self.assertEqual(list(answer.values()), [{"shape": [2], "data": [-7, 1 << 30]}])

    def test_eval_errors(self):
        graph = self.text("sum.lig", SUM)
        out = ["-o", self.path("out"), "--inputs", self.path("in")]
        save(self.path("in"), {"x": ("F32", [3, 2], [1, 2, 3, 4, 5, 6])})
        self.fails(1, "--dim C=", "eval", graph, *out)
        self.fails(1, "no dim Q", "eval", graph, *out, "--dim", "Q=1")
        self.fails(2, "NAME=N", "eval", graph, *out, "--dim", "C")
        for size in ("0", "-1", "65", "99999999999999999"):
            self.fails(1, "1..64", "eval", graph, *out, "--dim", "C=" + size)
        self.fails(1, "@nine", "eval", graph, *out, "--func", "nine")
        self.fails(1, "'a' is missing", "eval", graph, *out, "--func", "times", "--dim", "C=1")
        save(self.path("in"), {"x": ("F32", [9, 2], [0] * 18)})
        self.fails(1, "N is 9", "eval", graph, *out, "--dim", "C=1")
        save(self.path("in"), {"y": ("F32", [1, 2], [0] * 2)})
        self.fails(1, "fit no function", "eval", graph, *out, "--dim", "C=1")

    def test_every_stage_gives_the_same(self):
        """What --dump wrote at each stage, run by the interpreter and compiled onwards."""
        self.ok("forward", self.model, *self.inputs(1, 5), "--dump", self.path("stages"), "--no-onednn")
        want = load(self.path("out"))["logits"][1]
        n = 5
        save(self.path("in"), {"ids": ("I32", [n], [(7 * i + 3) % VOCAB for i in range(n)]), "pos": ("I32", [n], list(range(n))),
                               "start": ("I32", [2], [0, n]), "slot": ("I32", [1], [0]), "kv_len": ("I32", [1], [n])})
        names = sorted(os.listdir(self.path("stages")))
        self.assertGreaterEqual(len(names), 7)
        for name in names:
            for option in ([], ["--interpret"]):
                self.ok("eval", os.path.join(self.path("stages"), name), *self.weights(), "--func", "forward", "--dim", "C=16,S=1",
                        "--inputs", self.path("in"), "-o", self.path("out"), "--no-onednn", *option)
                logits = [t[1] for t in load(self.path("out")).values() if t[0] == [n, VOCAB]]
                self.close(([], logits[0]), ([], want))


if __name__ == "__main__":
    command.main()
