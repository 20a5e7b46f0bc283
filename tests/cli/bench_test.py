"""liga bench: the keys of its facts, and figures that can be right."""
import json
import command
from command import FAST, Case

ARGS = ["-p", "8", "-n", "4", "-r", "3"]


class Bench(Case):
    def test_json(self):
        for more in (["-b", "3", "--kv", "bf16"], ["--threads", "1", FAST]):
            facts = json.loads(self.ok("bench", self.model, *ARGS, "--json", *more).out)
            how = ("interpreter", "f64") if FAST in more else ("compiled", "f32")
            self.assertEqual((facts["backend"], facts["dtype"], facts["act"]), (*how, "f32"))
            self.assertEqual(facts["kv"], "bf16" if "bf16" in more else "f32")
            self.check_machine(facts)
            self.check_shares(facts)
            for kind in ("prefill", "decode"):
                best, median = facts[f"{kind}_tokens_per_s"], facts[f"{kind}_tokens_per_s_median"]
                self.assertTrue(0 < median <= best, facts)
            for key in ("bytes_per_token", "flops_per_token", "bandwidth_bytes_per_s", "peak_flops_per_s"):
                self.assertGreater(facts[key], 0)

    def check_machine(self, facts):
        """Within what a core of this kind can do: two units of its widest vectors, at 6 GHz; and not absurdly below."""
        with open("/proc/cpuinfo") as f:
            features = next(line for line in f if line.startswith("flags")).split()
        lanes = 16 if "avx512f" in features else 8 if "avx2" in features and "fma" in features else 4
        most = facts["threads"] * lanes * 2 * 2 * 6e9
        self.assertTrue(most / 400 < facts["peak_flops_per_s"] < most, facts)
        self.assertTrue(1e8 < facts["bandwidth_bytes_per_s"] < facts["threads"] * 200e9, facts)

    def check_shares(self, facts):
        """Each share is the rate times what a token costs, over what the machine can do."""
        self.assertAlmostEqual(facts["decode_bandwidth_share"] * facts["bandwidth_bytes_per_s"],
                               facts["bytes_per_token"] * facts["decode_tokens_per_s"], delta=1)
        self.assertAlmostEqual(facts["prefill_peak_share"] * facts["peak_flops_per_s"],
                               facts["prefill_flops_per_token"] * facts["prefill_tokens_per_s"], delta=1)

    def test_cost(self):
        """Two flops a weight and four a key and channel; every weight but the table of embeddings is read.

        A prompt of 8 sees 4.5 keys in the mean, and asks for logits once; the 4 tokens after it see 10.5.
        """
        facts = json.loads(self.ok("bench", self.model, *ARGS, "--json", FAST).out)
        layer = 32 * (32 + 16 + 16 + 32) + 3 * 32 * 48
        head, attention, cache = 259 * 32, 2 * 4 * 2 * 16, 2 * 2 * 16 * 4
        self.assertEqual(facts["flops_per_token"], 2 * (2 * layer + head) + attention * 10.5)
        self.assertEqual(facts["prefill_flops_per_token"], 2 * (2 * layer + head / 8) + attention * 4.5)
        self.assertEqual(facts["bytes_per_token"], 4 * (2 * layer + head) + cache * 10.5)

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
