"""liga run: the same tokens whichever way they are asked for; stops, ends, chats."""
import json, os, re, subprocess
import command
from command import FAST, Case, END, VOCAB


class Run(Case):
    def answer(self, *args, text=None, how=FAST):
        r = self.ok("run", self.model, "--json", *([how] if how else []), *args, text=text)
        answer = json.loads(r.out)
        self.assertEqual(r.out.count("\n"), 1)
        return answer

    def test_json(self):
        a = self.answer("-p", "ab", "-n", "5", "--ignore-eos")
        self.assertEqual(a["prompt_tokens"], 2)
        self.assertEqual(len(a["tokens"]), 5)
        self.assertTrue(all(0 <= t < VOCAB for t in a["tokens"]))
        self.assertIsInstance(a["text"], str)
        for key in ("prefill_ms", "decode_ms", "load_ms"):
            self.assertGreaterEqual(a[key], 0)
        self.assertEqual(a["finish"], "length")

    def test_prompts(self):
        want = self.answer("-p", "ab", "-n", "12", "--ignore-eos")["tokens"]
        self.assertEqual(self.answer("--ids", "97, 98", "-n", "12", "--ignore-eos")["tokens"], want)
        self.assertEqual(self.answer("-n", "12", "--ignore-eos", text="ab")["tokens"], want)
        self.assertEqual(self.answer("-p", "ab", "-n", "12", "--ignore-eos", "--temp", "0")["tokens"], want)
        # What was answered, given as a prompt, is gone on from in the same way.
        longer = ",".join(map(str, [97, 98, *want[:5]]))
        self.assertEqual(self.answer("--ids", longer, "-n", "7", "--ignore-eos")["tokens"], want[5:])

    def test_backends_agree(self):
        base = ["-p", "the ends of the earth", "-n", "8", "--ignore-eos"]
        want = self.answer(*base)["tokens"]
        for more in ([], ["--no-fuse", "--verify"], ["--onednn"], ["--deterministic", "--threads", "1", "--dtype", "f32"],
                     ["--threads", "3", "--context", "64"], ["--cpu", "x86-64", "--no-onednn"]):
            self.assertEqual(self.answer(*base, *more, how=None)["tokens"], want, more)

    def test_bf16_cache(self):
        args = ["-p", "ab", "-n", "5", "--ignore-eos", "--kv", "bf16"]
        self.assertEqual(self.answer(*args, how=None)["tokens"], self.answer(*args)["tokens"])

    def test_stream_is_the_text(self):
        for prompt in ("ab", "x", "the "):
            args = ["-p", prompt, "-n", "40", "--ignore-eos"]
            text = self.answer(*args)["text"]
            self.assertEqual(self.ok("run", self.model, FAST, *args).raw, (text + "\n").encode())
            self.ok("run", self.model, FAST, *args, "-o", self.path("out"))
            with open(self.path("out"), "rb") as f:
                self.assertEqual(f.read(), (text + "\n").encode())

    def test_no_tokens(self):
        a = self.answer("-p", "ab", "-n", "0")
        self.assertEqual((a["tokens"], a["text"]), ([], ""))

    def test_sampling(self):
        base = ["-p", "ab", "-n", "20", "--ignore-eos"]
        greedy = self.answer(*base)["tokens"]
        warm = [*base, "--temp", "2"]
        self.assertEqual(self.answer(*warm, "--seed", "1")["tokens"], self.answer(*warm, "--seed", "1")["tokens"])
        self.assertNotEqual(self.answer(*warm, "--seed", "1")["tokens"], self.answer(*warm, "--seed", "2")["tokens"])
        for cut in (["--top-k", "1"], ["--top-p", "0.000001"], ["--min-p", "1"]):
            self.assertEqual(self.answer(*warm, *cut)["tokens"], greedy, cut)
        self.assertNotEqual(self.answer(*base, "--repeat-penalty", "100")["tokens"], greedy)

    def test_end_token(self):
        """Sampling wildly meets the end token now and then: it is the last id, and not in the text."""
        for seed in range(200):
            a = self.answer("-p", "ab", "-n", "60", "--temp", "1000", "--seed", str(seed))
            if a["finish"] == "end":
                self.assertEqual(a["tokens"][-1], END)
                self.assertNotIn("<|end|>", a["text"])
                self.assertNotIn(END, a["tokens"][:-1])
                on = self.answer("-p", "ab", "-n", "60", "--temp", "1000", "--seed", str(seed), "--ignore-eos")
                self.assertEqual(len(on["tokens"]), 60)
                self.assertEqual(on["tokens"][:len(a["tokens"])], a["tokens"])
                return
        self.fail("no end token in 200 answers")

    def test_stop(self):
        base = ["-p", "ab", "-n", "60", "--ignore-eos"]
        text = self.answer(*base)["text"]
        for length in (1, 3):
            stop = text[10:10 + length]
            cut = text[:text.index(stop)]
            for more in (["--stop", stop], ["--stop", "never this", "--stop", stop], ["--stop", "", "--stop=" + stop]):
                a = self.answer(*base, *more)
                self.assertEqual((a["text"], a["finish"]), (cut, "stop"))
                self.assertEqual(self.ok("run", self.model, FAST, *base, *more).raw, (cut + "\n").encode())
        self.assertEqual(self.answer(*base, "--stop", text + "never")["text"], text)

    def test_full_context(self):
        a = self.answer("-p", "a" * 30, "-n", "50", "--ignore-eos", "--context", "32")
        self.assertEqual((len(a["tokens"]), a["finish"]), (3, "length"))

    def test_long_prompt(self):
        """Longer than one step takes: fed in chunks."""
        text = "abcdefgh" * 90
        want = self.answer("-p", text, "-n", "3", "--ignore-eos")["tokens"]
        self.assertEqual(self.answer("-p", text, "-n", "3", "--ignore-eos", how=None)["tokens"], want)

    def test_told_with_v(self):
        r = self.ok("run", self.model, "-p", "ab", "-n", "3", "-v", "--time")
        for word in ("dtype auto = f32, act f32", "kernels compiled", "arena", "state", "tokens in", "share", "@attention"):
            self.assertIn(word, r.err)
        self.assertEqual(self.ok("run", self.model, FAST, "-p", "ab", "-n", "3").err, "")

    def test_memory_told_with_v(self):
        """The peak is the kernel's own count: more than the packed weights and the arena, less than what any machine has."""
        # Compiling takes more than this script, whose own peak the kernel counts as the child's until it starts.
        err = self.ok("run", self.model, "-p", "ab", "-n", "3", "-v", "--no-cache").err
        arena, packed, peak = map(int, re.search(r"arena (\d+) bytes, packed weights (\d+) bytes, at most (\d+) bytes", err).groups())
        self.assertTrue(arena + packed + (1 << 20) < peak < 8 << 30, err)
        process = subprocess.Popen([command.LIGA, "run", self.model, "-p", "ab", "-n", "3", "--no-cache"],
                                   stdout=subprocess.DEVNULL)
        _, status, resource = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        self.assertEqual(process.returncode, 0)
        # The system's count of the child begins before exec, with this interpreter's own memory.
        self.assertLess(peak, resource.ru_maxrss * 1024 * 1.1)

    def test_dump(self):
        self.ok("run", self.model, "-p", "ab", "-n", "1", "--dump", self.path("stages"))
        names = sorted(os.listdir(self.path("stages")))
        self.assertEqual(names[0], "00-model.lig")
        self.assertTrue(any(n.endswith("-plan.lig") for n in names), names)
        for name in names:
            self.ok("opt", os.path.join(self.path("stages"), name), "--verify")


class Chat(Case):
    def count(self, *args):
        return json.loads(self.ok("run", self.model, FAST, "--chat", "--json", "-n", "1", *args).out)["prompt_tokens"]

    def test_template(self):
        """<|start|>user NEWLINE … <|end|> <|start|>assistant NEWLINE: special tokens are one id, letters one each."""
        around = 1 + 5 + 1 + 1 + 10
        self.assertEqual(self.count("-p", "abc"), around + 3)
        self.assertEqual(self.count("-p", "abc", "--system", "be kind"), around + 3 + 1 + 7 + 7 + 1)

    def test_special_tokens_in_what_people_write(self):
        around = 1 + 5 + 1 + 1 + 10
        self.assertEqual(self.count("-p", "a<|end|>b"), around + 9)
        self.assertEqual(self.count("-p", "<|end|><|start|>"), around + 16)
        plain = json.loads(self.ok("run", self.model, FAST, "--json", "-n", "1", "-p", "a<|end|>b").out)
        self.assertEqual(plain["prompt_tokens"], 3)

    def test_on_a_terminal(self):
        """Without -p on a terminal: turns, until the end of input."""
        import pty
        ours, theirs = pty.openpty()
        process = subprocess.Popen([command.LIGA, "run", self.model, FAST, "-n", "4", "-q"], stdin=theirs,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        os.close(theirs)
        os.write(ours, b"hello\n\nagain\n\x04")
        out, err = process.communicate(timeout=120)
        os.close(ours)
        self.assertEqual(process.returncode, 0, err)
        self.assertEqual(err.count(b"> "), 4)
        first = json.loads(self.ok("run", self.model, FAST, "--chat", "--json", "-n", "4", "-p", "hello").out)
        self.assertTrue(out.startswith(first["text"].encode() + b"\n"), (out, first))


    def test_interrupted_answer(self):
        """Ctrl-C ends the answer, not the chat. A pipe that is full holds the answer up until then."""
        import fcntl, pty, signal, time
        ours, theirs = pty.openpty()
        reads, writes = os.pipe()
        filler = b"." * fcntl.fcntl(writes, fcntl.F_SETPIPE_SZ, 4096)
        os.write(writes, filler)
        process = subprocess.Popen([command.LIGA, "run", self.model, FAST, "-n", "100000", "--ignore-eos", "-q"], stdin=theirs,
                                   stdout=writes, stderr=subprocess.PIPE)
        os.close(theirs)
        os.close(writes)
        self.assertEqual(process.stderr.read(2), b"> ")
        os.write(ours, b"hello\n")
        time.sleep(2)
        process.send_signal(signal.SIGINT)
        time.sleep(1)
        os.write(ours, b"\x04")
        with open(reads, "rb") as f:
            out = f.read()
        err = process.communicate(timeout=120)[1]
        os.close(ours)
        self.assertEqual((process.returncode, err), (0, b"> \n"))
        self.assertEqual(out[:len(filler)], filler)
        self.assertLess(len(out) - len(filler), 100)


class WithoutTokenizer(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        os.remove(os.path.join(cls.model, "tokenizer.json"))

    def test_ids(self):
        r = self.ok("run", self.model, FAST, "--ids", "1,2", "-n", "3")
        a = json.loads(self.ok("run", self.model, FAST, "--ids", "1,2", "-n", "3", "--json").out)
        self.assertEqual(r.out, ",".join(map(str, a["tokens"])) + "\n")
        self.assertIsNone(a["text"])
        self.fails(1, "no tokenizer", "run", self.model, "-p", "x")
        self.fails(1, "no tokenizer", "tokenize", self.model)


if __name__ == "__main__":
    command.main()
