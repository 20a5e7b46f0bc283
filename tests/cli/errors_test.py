"""What can't be done: files that are missing, cut or wrong, disks that are full, readers that leave."""
import os, signal, struct, subprocess, time
import command
from command import FAST, Case, liga, save


def gguf_named(name):
    """A whole llama of one layer whose general.name is `name`."""
    text = lambda b: struct.pack("<Q", len(b)) + b
    number = lambda key, value: text(b"llama." + key) + struct.pack("<II", 4, value)
    keys = [text(b"general.architecture") + struct.pack("<I", 8) + text(b"llama"),
            text(b"general.name") + struct.pack("<I", 8) + text(name),
            number(b"block_count", 1), number(b"embedding_length", 32), number(b"context_length", 64),
            number(b"feed_forward_length", 32), number(b"attention.head_count", 2), number(b"attention.head_count_kv", 2),
            number(b"vocab_size", 32), text(b"llama.attention.layer_norm_rms_epsilon") + struct.pack("<If", 6, 1e-5)]
    matrices = ["token_embd", *("blk.0." + m for m in ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"))]
    shapes = [(n, (32, 32)) for n in matrices] + [(n, (32,)) for n in ("output_norm", "blk.0.attn_norm", "blk.0.ffn_norm")]
    infos, at = [], 0
    for tensor, shape in shapes:
        infos.append(text(tensor.encode() + b".weight") + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, 0, at))
        at += 4 * 32 ** len(shape)
    head = b"GGUF" + struct.pack("<IQQ", 3, len(shapes), len(keys)) + b"".join(keys + infos)
    return head + bytes(-len(head) % 32) + bytes(at)


class Errors(Case):
    def write(self, name, data):
        with open(self.path(name), "wb") as f:
            f.write(data)
        return self.path(name)

    def test_no_such_file(self):
        for name in ("run", "show", "bench"):
            self.fails(1, ["/no/such/model", "no such file"], name, "/no/such/model")
        self.fails(1, "no such file", "tokenize", "/no/such/model")
        self.fails(1, "no such file", "opt", "/no/such/model.lig")
        self.fails(1, "no such file", "forward", self.model, "--inputs", "/no/such", "-o", self.path("o"))

    def test_directory_without_model(self):
        os.mkdir(self.path("empty"))
        for name in ("run", "show", "tokenize"):
            self.fails(1, self.path("empty"), name, self.path("empty"))

    def test_not_a_model(self):
        for data in (b"", b"hello, world\n", bytes(range(256)) * 8, b"\0" * 4096, b"GGUF", b"{}"):
            for name in ("show", "tokenize"):
                self.fails(1, self.path("file"), name, self.write("file", data))

    def test_cut_gguf(self):
        """A key, a tensor, and then nothing: cut anywhere, it is an error that names the file."""
        key, name = b"general.architecture", b"token_embd.weight"
        whole = (b"GGUF" + struct.pack("<IQQ", 3, 1, 1) + struct.pack("<Q", len(key)) + key +
                 struct.pack("<IQ", 8, 5) + b"llama" + struct.pack("<Q", len(name)) + name +
                 struct.pack("<IQQIQ", 2, 32, 64, 0, 0))
        for cut in range(0, len(whole) + 1, 3):
            self.fails(1, self.path("cut.gguf"), "show", self.write("cut.gguf", whole[:cut]))

    def test_directory_without_weights(self):
        os.mkdir(self.path("bare"))
        with open(os.path.join(self.model, "config.json"), "rb") as f:
            self.write("bare/config.json", f.read())
        self.fails(1, "bare", "show", self.path("bare"))

    def test_cut_weights(self):
        os.mkdir(self.path("cut"))
        for name in ("config.json", "model.safetensors"):
            with open(os.path.join(self.model, name), "rb") as f:
                data = f.read()
            self.write("cut/" + name, data if name == "config.json" else data[:-1000])
        self.fails(1, "model.safetensors", "run", self.path("cut"), "--ids", "1")

    def test_bad_prompts(self):
        m = self.model
        self.fails(1, "the prompt is empty", "run", m, "-p", "")
        self.fails(1, "the prompt is empty", "run", m, text="")
        self.fails(1, ["the prompt has 2000 tokens", "holds 1024"], "run", m, "-p", "a" * 2000)
        self.fails(1, ["the prompt has 9 tokens", "holds 4", "--context"], "run", m, "-p", "a" * 9, "--context", "4")
        self.fails(1, "1024", "run", m, "-p", "a", "--context", "2000")
        self.fails(1, "259", "run", m, "--ids", "1,259")
        self.fails(2, "no token id", "run", m, "--ids", "1,,2")
        self.fails(2, "no token id", "run", m, "--ids", "1,-2")
        self.fails(2, "no token id", "run", m, "--ids", "99999999999")

    def test_bad_text(self):
        """A graph that is wrong: at most 20 lines, each with its place."""
        graph = self.write("bad.lig", b"module \"m\" {\n" + b"  func @f(%x: f32[2]) -> f32[2] {\n" +
                           b"    %y = nonsense %x : f32[2]\n" * 40 + b"    return %x\n  }\n}\n")
        r = self.fails(1, "bad.lig:3:", "opt", graph)
        self.assertEqual(len(r.err.splitlines()), 20)

    def test_names_do_not_command_the_terminal(self):
        """Escapes, newlines and C1 controls in the names of files and tensors are written as \\xNN."""
        evil, seen = "m\x1b[31m\n\u009b1mé\x7f", "m\\x1b[31m\\x0a\\xc2\\x9b1mé\\x7f"
        self.assertIn(seen, self.fails(1, "no such file", "show", self.path(evil)).err)
        self.assertIn(seen, self.fails(1, evil[:1], "show", self.write(evil, b"hello")).err)
        self.fails(2, "unknown option '--m\\x1b[31m", "show", "--" + evil)
        self.fails(2, "unknown command 'm\\x1b[31m", evil)
        gguf = self.write("evil.gguf", gguf_named(evil.encode()))
        for args in ([], ["--spec"], ["--tensors"], ["--graph"], ["--json"]):
            r = liga("show", gguf, *args)
            self.assertFalse([c for c in r.out + r.err if c != "\n" and (c < " " or "\x80" <= c < "\xa0")], r.out + r.err)
            if args in ([], ["--spec"]):
                self.assertIn("m\\x1b[31m\\x0a", r.out, r.err)

    def test_file_size_limit(self):
        """As `ulimit -f` sets it: words, and nothing is left behind."""
        import resource
        r = subprocess.run([command.LIGA, "show", self.model, "--graph", "-o", self.path("graph.lig")], capture_output=True,
                           text=True, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (512, 512)))
        self.assertEqual(r.returncode, 1, r.stderr)
        self.assertIn("File too large", r.stderr)
        self.assertEqual(os.listdir(self.scratch), [])

    def test_full_disk(self):
        with open("/dev/full", "wb") as full:
            for args in (["--help"], ["run", "--help"], ["run", self.model, FAST, "--ids", "1", "-n", "3"], ["show", self.model],
                         ["run", self.model, FAST, "--ids", "1", "-n", "3", "--json"]):
                r = liga(*args, stdout=full)
                self.assertEqual(r.code, 1, args)

    def test_output_stays_as_it_was(self):
        out = self.write("out", b"before")
        self.fails(1, "no such file", "forward", "/no/such", "--inputs", self.inputs(), "-o", out)
        self.fails(1, "the prompt is empty", "run", self.model, "-p", "", "-o", out)
        with open(out, "rb") as f:
            self.assertEqual(f.read(), b"before")
        self.fails(1, "no such file", "show", self.model, "-o", self.path("no/such/folder"))
        self.assertEqual(sorted(os.listdir(self.scratch)), ["in", "out"])

    def inputs(self):
        save(self.path("in"), {"input_ids": ("I64", [1, 2], [1, 2])})
        return self.path("in")

    def test_reader_leaves(self):
        """A closed pipe ends the command quietly, even when it was started with SIGPIPE ignored."""
        for restore in (True, False):
            process = subprocess.Popen([command.LIGA, "run", self.model, FAST, "--ids", "1", "-n", "900", "--ignore-eos"],
                                       stdout=subprocess.PIPE, stderr=subprocess.PIPE, restore_signals=restore)
            process.stdout.close()
            err = process.stderr.read()
            process.stderr.close()
            self.assertEqual((process.wait(60), err), (-signal.SIGPIPE, b""))

    def test_interrupted(self):
        """While an output is half-written, Ctrl-C leaves nothing behind, and the shell sees the signal."""
        process = subprocess.Popen([command.LIGA, "tokenize", self.model, "--jsonl", "-o", self.path("out")],
                                   stdin=subprocess.PIPE, stderr=subprocess.PIPE)
        process.stdin.write(b'{"text":"a"}\n')
        process.stdin.flush()
        until = time.monotonic() + 30
        while not os.listdir(self.scratch) and time.monotonic() < until:
            time.sleep(0.01)
        self.assertTrue(os.listdir(self.scratch), "no temporary output appeared")
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
        self.assertEqual(process.returncode, -signal.SIGINT)
        self.assertEqual(os.listdir(self.scratch), [])


if __name__ == "__main__":
    command.main()
