"""liga perplexity and liga score: against the logits that liga forward gives."""
import json, math
import command
from command import FAST, Case, END, save, load


def log_softmax(row):
    most = max(row)
    return [x - most - math.log(sum(math.exp(y - most) for y in row)) for x in row]


class Scored(Case):
    def log_probabilities(self, ids):
        """[i] = log p(ids[i + 1] | ids[0 .. i])"""
        save(self.path("in"), {"input_ids": ("I32", [1, len(ids)], ids)})
        self.ok("forward", self.model, "--inputs", self.path("in"), "-o", self.path("out"), FAST)
        shape, logits = load(self.path("out"))["logits"]
        rows = [logits[i * shape[2]:(i + 1) * shape[2]] for i in range(len(ids) - 1)]
        return [log_softmax(row)[next] for row, next in zip(rows, ids[1:])]


class Perplexity(Scored):
    def measure(self, text, *options):
        with open(self.path("text"), "w") as f:
            f.write(text)
        return json.loads(self.ok("perplexity", self.model, self.path("text"), "--json", *options).out)

    def nll(self, ids, window, stride):
        total = count = scored_to = 0
        for begin in range(0, len(ids), stride):
            end = min(begin + window, len(ids))
            scores = self.log_probabilities(ids[begin:end]) if end - begin > 1 else []
            first = max(scored_to - begin, 1)
            total -= sum(scores[first - 1:])
            count += len(scores[first - 1:])
            scored_to = end
            if end == len(ids):
                return total / count, count

    def test_windows(self):
        text = "The quick brown fox jumps over 13 lazy dogs."
        ids = json.loads(self.ok("tokenize", self.model, text=text).out)
        for window, stride in ((512, 512), (16, 16), (16, 8), (7, 3), (2, 1), (len(ids), 1)):
            got = self.measure(text, "--window", window, "--stride", stride)
            nll, count = self.nll(ids, window, stride)
            self.assertEqual(got["tokens"], count)
            self.assertAlmostEqual(got["mean_nll"], nll, places=4)
            self.assertAlmostEqual(got["perplexity"], math.exp(got["mean_nll"]), places=3)

    def test_longer_than_one_step_of_logits(self):
        text = "ab cd ef gh " * 20
        ids = json.loads(self.ok("tokenize", self.model, text=text).out)
        got = self.measure(text, "--window", 200)
        nll, count = self.nll(ids, 200, 200)
        self.assertEqual(got["tokens"], count)
        self.assertAlmostEqual(got["mean_nll"], nll, places=4)

    def test_first_tokens(self):
        self.assertEqual(self.measure("abcdefgh", "--tokens", 3)["tokens"], 2)
        self.assertEqual(self.measure("abcdefgh")["tokens"], 7)

    def test_as_words(self):
        with open(self.path("text"), "w") as f:
            f.write("abc")
        self.assertRegex(self.ok("perplexity", self.model, self.path("text")).out,
                         r"^perplexity [0-9.]+ \(mean nll [0-9.]+ of 2 tokens\)\n$")

    def test_refused(self):
        with open(self.path("text"), "w") as f:
            f.write("a")
        self.fails(1, "at least two", "perplexity", self.model, self.path("text"))
        self.fails(1, "nothing", "perplexity", self.model, self.path("nothing"))
        self.fails(2, "--stride", "perplexity", self.model, self.path("text"), "--window", 4, "--stride", 5)
        self.fails(1, "context", "perplexity", self.model, __file__, "--window", 100000)
        self.fails(2, "FILE", "perplexity", self.model)


class Score(Scored):
    def score(self, *lines):
        text = "".join(json.dumps(x) + "\n" for x in lines)
        return [json.loads(x) for x in self.ok("score", self.model, "--jsonl", text=text).out.splitlines()]

    def expected(self, context, choice):
        ids = json.loads(self.ok("tokenize", self.model, text=context + choice).out)
        before = json.loads(self.ok("tokenize", self.model, text=context).out)
        common = 0
        while common < min(len(before), len(ids)) and before[common] == ids[common]:
            common += 1
        return sum(self.log_probabilities(ids)[common - 1:]), len(ids) - common

    def test_choices(self):
        lines = [{"context": "The sky is", "choices": [" blue", " loud", "", " red and wide"][:2]},
                 {"context": "a", "choices": ["b", "bcdefgh", "xyz", "b"]},
                 {"context": "bath", "choices": ["e", "th"]},
                 {"context": "bat", "choices": ["h", "x", "hh"]},  # "h" merges with the context's last letter
                 {"context": "ab" * 40, "choices": ["c" * 70, "d"]}]
        for line, row in zip(lines, self.score(*lines)):
            want = [self.expected(line["context"], choice) for choice in line["choices"]]
            for got, count, (sum, tokens) in zip(row["loglikelihoods"], row["tokens"], want):
                self.assertAlmostEqual(got, sum, delta=1e-4 * max(1, abs(sum)))
                self.assertEqual(count, tokens)
            best = max(range(len(want)), key=lambda i: row["loglikelihoods"][i])
            self.assertEqual(row["best"], best)

    def test_order_does_not_matter(self):
        choices = ["b", "bcdefgh", "xyz"]
        (there,), (back,) = (self.score({"context": "some context", "choices": c}) for c in (choices, choices[::-1]))
        self.assertEqual(there["loglikelihoods"], back["loglikelihoods"][::-1])

    def test_wrong_lines(self):
        for line, words in (('{"context":"a"}', "choices"), ('{"choices":["a"]}', "context"),
                            ('{"context":"a","choices":[]}', "choices"), ('{"context":"a","choices":[1]}', "no text"),
                            ('{"context":"a","choices":[""]}', "empty choice"), ('{"context":"","choices":["a"]}', "before"),
                            ('["a"]', "no object"), ("{", "JSON"),
                            (json.dumps({"context": "a" * 1020, "choices": ["bcdefgh"]}), "shorten")):
            self.fails(1, ["standard input:1:", words], "score", self.model, "--jsonl", text=line + "\n")


if __name__ == "__main__":
    command.main()
