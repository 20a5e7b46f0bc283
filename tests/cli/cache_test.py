"""The object cache: a second run compiles nothing and answers the same; nothing that befalls the folder is an error."""
import json, os, pty, re, subprocess
import command
from command import Case

ASK = ["-p", "the ends", "-n", "6", "--ignore-eos", "-v", "--json"]


class Cache(Case):
    def setUp(self):
        super().setUp()
        self.folder = self.path("kernels")

    def run_model(self, *args, env=None):
        """(tokens, kernels compiled, kernels from the cache, words)"""
        if env is None:
            args = ["--cache", self.folder, *args]
        process = subprocess.run([command.LIGA, "run", self.model, *ASK, *args], capture_output=True, text=True,
                                 timeout=300, env={**os.environ, **env} if env else None)
        self.assertEqual(process.returncode, 0, process.stderr)
        return self.read(process.stdout, process.stderr)

    def read(self, out, err):
        found = re.search(r"(\d+) kernels compiled in [\d.]+ ms, (\d+) from the cache", err)
        self.assertTrue(found, err)
        return json.loads(out)["tokens"], int(found[1]), int(found[2]), err

    def entries(self):
        return sorted(os.path.join(self.folder, n) for n in os.listdir(self.folder))

    def test_second_run_compiles_nothing(self):
        want, compiled, cached, _ = self.run_model()
        self.assertTrue(compiled > 5 and cached == 0)
        self.assertEqual(len(self.entries()), compiled)
        self.assertEqual(os.stat(self.folder).st_mode & 0o777, 0o700)
        tokens, again, cached, err = self.run_model()
        self.assertEqual((tokens, again, cached), (want, 0, compiled))
        self.assertNotIn("cache not used", err)

    def test_another_cpu_is_another_kernel(self):
        want, compiled, _, _ = self.run_model("--cpu", "x86-64")
        tokens, again, cached, _ = self.run_model("--cpu", "native")
        self.assertEqual(tokens, want)
        self.assertTrue(again > 0 and cached == 0)

    def test_no_cache(self):
        want, compiled, _, _ = self.run_model()
        before = {e: os.stat(e).st_mtime_ns for e in self.entries()}
        tokens, again, cached, _ = self.run_model("--no-cache")
        self.assertEqual((tokens, again, cached), (want, compiled, 0))
        self.assertEqual({e: os.stat(e).st_mtime_ns for e in self.entries()}, before)

    def test_damaged_entries_are_made_anew(self):
        want, compiled, _, _ = self.run_model()
        def spoil(change):
            for path in self.entries():
                with open(path, "rb") as f:
                    data = f.read()
                with open(path, "wb") as f:
                    f.write(change(data))
        changes = (lambda d: d[:-1], lambda d: b"", lambda d: d[:len(d) // 2] + bytes([d[len(d) // 2] ^ 4]) + d[len(d) // 2 + 1:],
                   lambda d: d + b"x", lambda d: b"\0" * len(d))
        for change in changes:
            spoil(change)
            self.assertEqual(self.run_model()[:3], (want, compiled, 0))
            self.assertEqual(self.run_model()[:3], (want, 0, compiled))

    def test_entries_swapped(self):
        """A whole entry under another one's name is code of another kernel: refused."""
        want, compiled, _, _ = self.run_model()
        first, second = self.entries()[:2]
        with open(first, "rb") as f, open(second, "rb") as g:
            a, b = f.read(), g.read()
        with open(first, "wb") as f, open(second, "wb") as g:
            f.write(b), g.write(a)
        self.assertEqual(self.run_model()[:3], (want, 2, compiled - 2))

    def test_folder_that_others_may_write(self):
        want, compiled, _, _ = self.run_model()
        os.chmod(self.folder, 0o770)
        tokens, again, cached, err = self.run_model()
        self.assertEqual((tokens, again, cached), (want, compiled, 0))
        self.assertIn("cache not used: others may write to it", err)
        quiet = subprocess.run([command.LIGA, "run", self.model, "-p", "a", "-n", "1", "--cache", self.folder],
                               capture_output=True, text=True, timeout=300)
        self.assertEqual((quiet.returncode, quiet.stderr), (0, ""))

    def test_folder_that_can_not_be(self):
        for bad in (self.path("file") + "/below", "/proc/no/such", "", self.path("x" * 300)):
            with open(self.path("file"), "w"):
                pass
            self.folder = bad
            tokens, compiled, cached, err = self.run_model()
            self.assertTrue(compiled > 0 and cached == 0)
            self.assertIn("cache not used", err)

    def test_bounded(self):
        """A folder that is full of older things makes room."""
        os.mkdir(self.folder, 0o700)
        for i in range(4):
            path = os.path.join(self.folder, f"{i:064x}.o")
            with open(path, "wb") as f:
                f.truncate(400 << 10)
            os.utime(path, (1000 + i, 1000 + i))
        self.run_model("--cache-size", "1")
        self.assertLessEqual(sum(os.stat(e).st_size for e in self.entries()), 1 << 20)
        self.assertEqual(self.run_model("--cache-size", "1")[1], 0)

    def test_processes_at_once(self):
        start = lambda: subprocess.Popen([command.LIGA, "run", self.model, *ASK, "--cache", self.folder], text=True,
                                         stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        results = []
        for process in [start() for _ in range(4)]:
            out, err = process.communicate(timeout=300)
            self.assertEqual(process.returncode, 0, err)
            results.append(self.read(out, err))
        kernels = results[0][1] + results[0][2]
        for tokens, compiled, cached, err in results:
            self.assertEqual((tokens, compiled + cached), (results[0][0], kernels))
            self.assertNotIn("cache not used", err)
        self.assertEqual(len(self.entries()), kernels)
        self.assertEqual(self.run_model()[1], 0)

    def mapped_while_chatting(self, *args):
        """The files that a process has mapped after its first answer, while it waits for the next question."""
        ours, theirs = pty.openpty()
        process = subprocess.Popen([command.LIGA, "run", self.model, "-n", "4", "--cache", self.folder, *args],
                                   stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        os.close(theirs)
        os.write(ours, b"hello\n")
        seen = b""
        while seen.count(b"> ") < 2:
            piece = os.read(process.stderr.fileno(), 1)
            self.assertTrue(piece, seen)
            seen += piece
        with open(f"/proc/{process.pid}/maps") as f:
            mapped = f.read()
        os.write(ours, b"\x04")
        process.communicate(timeout=120)
        os.close(ours)
        self.assertEqual(process.returncode, 0, seen)
        return mapped

    def test_a_run_from_the_cache_maps_no_compiler(self):
        compilers = ("libLLVM", "lig_llvm", "libdnnl", "lig_onednn", "libgomp")
        cold = self.mapped_while_chatting()
        self.assertIn("libLLVM", cold)
        self.assertIn("lig_llvm", cold)
        self.assertNotIn("libdnnl", cold)
        warm = self.mapped_while_chatting()
        self.assertIn("libc.so", warm)
        for name in compilers:
            self.assertNotIn(name, warm)
        onednn = self.mapped_while_chatting("--onednn")
        self.assertIn("libdnnl", onednn)

    def test_what_is_loaded_is_told(self):
        self.assertIn("plugins loaded: LLVM\n", self.run_model()[3])
        self.assertIn("plugins loaded: none\n", self.run_model()[3])

    def test_default_folder(self):
        xdg, home = self.path("xdg"), self.path("home")
        os.mkdir(home)
        self.run_model(env={"XDG_CACHE_HOME": xdg, "HOME": home})
        self.assertTrue(os.listdir(os.path.join(xdg, "ligature")))
        self.assertEqual(os.listdir(home), [])
        for unusable in ("", "relative"):
            self.run_model(env={"XDG_CACHE_HOME": unusable, "HOME": home})
            self.assertTrue(os.listdir(os.path.join(home, ".cache", "ligature")))
        self.assertEqual(self.run_model(env={"XDG_CACHE_HOME": "", "HOME": ""})[2], 0)


if __name__ == "__main__":
    command.main()
