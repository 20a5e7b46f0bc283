"""What is made from the tables: completion for bash and zsh, the manual page."""
import shutil, subprocess
import command
from command import Case

COMMANDS = "run forward tokenize show opt eval bench render perplexity score embed classify completion manual".split()


class Shell(Case):
    def complete(self, *words):
        """What bash offers after `liga words…`, the last of which is being typed."""
        line = " ".join(f"'{w}'" for w in ("liga", *words))
        script = (f'eval "$(\'{command.LIGA}\' completion bash)"; COMP_WORDS=({line}); COMP_CWORD={len(words)}; _liga; '
                  'printf "%s\\n" "${COMPREPLY[@]}"')
        r = subprocess.run(["bash", "-c", script], capture_output=True, text=True)
        self.assertEqual((r.returncode, r.stderr), (0, ""))
        return r.stdout.split()

    def test_bash_completes(self):
        self.assertEqual(set(COMMANDS) - set(self.complete("")), set())
        self.assertEqual(self.complete("tok"), ["tokenize"])
        self.assertEqual(self.complete("run", "--top"), ["--top-k", "--top-p"])
        self.assertEqual(self.complete("tokenize", "--top"), [])
        self.assertEqual(self.complete("run", "--cpu", "nat"), ["native"])
        self.assertEqual(set(self.complete("embed", "--pool", "")), {"mean", "cls", "last"})
        self.assertEqual(self.complete("run", "mod"), [])  # files are bash's own

    def test_zsh_script_parses(self):
        out = self.ok("completion", "zsh").out
        self.assertTrue(out.startswith("#compdef liga\n"))
        for name in COMMANDS:
            self.assertIn(f"\n      {name})\n", out)
        if not shutil.which("zsh"):
            self.skipTest("no zsh")
        subprocess.run(["zsh", "-n"], input=out, text=True, check=True)

    def test_manual(self):
        out = self.ok("manual").out
        for name in COMMANDS:
            self.assertIn(f"\n.SS liga {name} ", out)
        self.assertIn("\\fB\\-n\\fR, \\fB\\-\\-tokens\\fR \\fIN\\fR\n", out)
        if not shutil.which("groff"):
            self.skipTest("no groff")
        r = subprocess.run(["groff", "-k", "-man", "-Tutf8", "-ww", "-z"], input=out, capture_output=True, text=True)
        self.assertEqual(r.stderr, "")

    def test_refused(self):
        self.fails(2, ["fish", "bash", "zsh"], "completion", "fish")


if __name__ == "__main__":
    command.main()
