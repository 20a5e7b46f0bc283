"""Command lines: help, versions, options right and wrong, exit codes."""
import command
from command import FAST, Case, liga

COMMANDS = "run forward tokenize show opt eval bench render perplexity score embed classify compile quantize completion manual".split()


class Usage(Case):
    def test_help_of_all(self):
        for args in (["--help"], ["-h"], ["help"]):
            r = self.ok(*args)
            for name in COMMANDS:
                self.assertIn(f"\n  {name} ", r.out)
        r = liga()
        self.assertEqual((r.code, r.out), (2, ""))
        self.assertIn("Commands:", r.err)

    def test_help_of_each(self):
        for name in COMMANDS:
            for args in ([name, "--help"], [name, "-h"], ["help", name]):
                r = self.ok(*args)
                self.assertIn("Example:\n", r.out)
                example = r.out.split("Example:\n")[1].splitlines()[0]
                self.assertIn(f"liga {name} ", example)
                self.assertIn("--threads" if name in ("run", "forward", "eval", "bench", "perplexity", "score", "embed", "classify") else "--output", r.out)

    def test_examples_parse(self):
        """The options of each example exist: if it fails, then for want of the files, not for usage."""
        import shlex
        for name in COMMANDS:
            example = self.ok(name, "--help").out.split("Example:\n")[1].splitlines()[0]
            words = shlex.split(example.split("|")[-1])
            self.assertEqual(words[0], "liga")
            r = liga(*words[1:], cwd=self.scratch)
            self.assertNotEqual(r.code, 2, f"{example}: {r.err}")

    def test_version(self):
        for args in (["--version"], ["run", "--version"]):
            r = self.ok(*args)
            for word in ("liga ", "commit ", "LLVM 19.1", "oneDNN ", "CPU ", "-bit vectors"):
                self.assertIn(word, r.out)

    def test_unknown_command(self):
        self.fails(2, ["unknown command 'rum'", "did you mean 'run'"], "rum")
        self.fails(2, "unknown command 'xyzzyplugh'", "xyzzyplugh")
        self.fails(2, "unknown command", "serve")

    def test_unknown_option(self):
        self.fails(2, ["unknown option '--tmep'", "did you mean '--temp'"], "run", "m", "--tmep", "1")
        self.fails(2, ["unknown option '--thread'", "did you mean '--threads'"], "bench", "m", "--thread=2")
        self.fails(2, "unknown option '-Z'", "run", "m", "-Z")
        self.fails(2, "unknown option '--temp'", "show", "m", "--temp", "1")

    def test_values(self):
        self.fails(2, "--temp needs a value", "run", "m", "--temp")
        self.fails(2, "whole number", "run", "m", "-n", "many")
        self.fails(2, "whole number", "run", "m", "-n", "1.5")
        self.fails(2, "between", "run", "m", "-n", "-1")
        self.fails(2, "between", "run", "m", "--top-p", "1.5")
        self.fails(2, "number is expected", "run", "m", "--temp", "warm")
        self.fails(2, "between", "run", "m", "--temp", "nan")
        self.fails(2, "takes no value", "run", "m", "--chat=yes")
        self.fails(2, "one of f32|bf16|q8_0", "run", "m", "--kv", "f64")
        self.fails(2, "one of", "run", "m", "--cpu", "z80")
        self.fails(2, "between 1 and 1024", "run", "m", "--threads", "0")

    def test_operands(self):
        self.fails(2, "MODEL is missing", "show")
        self.fails(2, "one operand too many", "show", "a", "b")
        self.fails(1, "tools/fetch_model.sh", "run", "-p", "x")
        self.fails(2, "FILE.lig is missing", "opt")

    def test_forms(self):
        """The same answer however an option is written."""
        want = self.ok("run", self.model, FAST, "--ids", "1,2,3", "-n", "4").out
        for form in (["--ids=1,2,3", "--tokens=4"], ["--ids", "1,2,3", "-n4"], ["-qn4", "--ids=1,2,3"],
                     ["-n", "9", "-n", "4", "--ids", "1,2,3"]):
            self.assertEqual(self.ok("run", self.model, FAST, *form).out, want)
            self.assertEqual(self.ok("run", *form, FAST, self.model).out, want)
        self.assertEqual(self.ok("run", FAST, "--ids=1,2,3", "-n4", "--", self.model).out, want)
        self.fails(1, "no such file", "run", "--ids=1", "--", "-n")

    def test_meaningless_together(self):
        self.fails(2, "two prompts", "run", self.model, "-p", "x", "--ids", "1")
        self.fails(2, "--chat needs text", "run", self.model, "--ids", "1", "--chat")
        self.fails(2, "--system needs --chat", "run", self.model, "-p", "x", "--system", "y")
        self.fails(2, "--inputs is missing", "forward", self.model, "-o", self.path("o"))
        self.fails(2, "-o is missing", "forward", self.model, "--inputs", "i")
        self.fails(2, "give one of them", "show", self.model, "--spec", "--graph")
        self.fails(2, "at least 1", "bench", self.model, "-n", "0")

    def test_not_yet(self):
        for option, value in (("--dtype", "bf16"), ("--act", "bf16"), ("--kv", "q8_0"),
                              ("--quant", "q4_0")):
            self.fails(1, f"{option} {value} is not supported yet", "run", self.model, "-p", "x", option, value)


if __name__ == "__main__":
    command.main()
