"""liga bench: the keys of its facts, and figures that can be right."""
import json
import command
from command import Case

ARGS = ["-p", "8", "-n", "4", "-r", "3"]


class Bench(Case):
    def test_json(self):
        for more in ([], ["-b", "3"], ["--threads", "1"], ["--kv", "bf16"]):
            facts = json.loads(self.ok("bench", self.model, *ARGS, "--json", *more).out)
            for kind in ("prefill", "decode"):
                best, median = facts[f"{kind}_tokens_per_s"], facts[f"{kind}_tokens_per_s_median"]
                self.assertTrue(0 < median <= best, facts)
            for key in ("bytes_per_token", "flops_per_token", "bandwidth_bytes_per_s", "peak_flops_per_s"):
                self.assertGreater(facts[key], 0)
            self.assertGreater(facts["peak_flops_per_s"], 1e8)
            self.assertGreater(facts["bandwidth_bytes_per_s"], 1e8)
            self.assertEqual(facts["dtype"], "f32")

    def test_cost(self):
        """Of one token at 10 keys: two flops a weight, and every weight but the table of embeddings is read."""
        facts = json.loads(self.ok("bench", self.model, *ARGS, "--json").out)
        layer = 32 * (32 + 16 + 16 + 32) + 3 * 32 * 48
        weights = 2 * layer + 259 * 32
        self.assertEqual(facts["flops_per_token"], 2 * weights + 2 * 4 * 10 * 2 * 16)
        self.assertEqual(facts["bytes_per_token"], 4 * weights + 2 * 2 * 10 * 16 * 4)

    def test_text(self):
        r = self.ok("bench", self.model, *ARGS, "--time", "--progress")
        for word in ("prefill", "decode", "tokens/s", "% of bandwidth", "% of peak"):
            self.assertIn(word, r.out)
        self.assertIn("share", r.err)

    def test_too_much(self):
        self.fails(1, "1024", "bench", self.model, "-p", "1000", "-n", "100")
        self.fails(1, "slots", "bench", self.model, "-b", "1000", "-p", "8", "-n", "4")


if __name__ == "__main__":
    command.main()
