"""Our side: the command `liga`."""
import json, os, subprocess, sys, time


class Liga:
    def __init__(self, program, threads):
        self.program, self.threads = program, threads

    def call(self, *args, given=None):
        """Standard output; a failure ends the benchmark with what the command said."""
        done = subprocess.run([self.program, *map(str, args)], input=given, capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"{self.program} {' '.join(map(str, args))}: {done.stderr.strip()}")
        return done.stdout

    def bench(self, model, *args):
        return json.loads(self.call("bench", model, "--json", "--threads", self.threads, *args))

    def quantized(self, model, quant, folder):
        """MODEL in another type, made once."""
        path = os.path.join(folder, f"{quant}.gguf")
        if not os.path.exists(path):
            self.call("quantize", model, "-o", path + ".part.gguf", "--quant", quant)
            os.rename(path + ".part.gguf", path)
        return path

    def version(self):
        return self.call("--version").strip().splitlines()[0]


def timed_process(arguments):
    """Seconds, and the most MiB it ever held, of a process run to its end."""
    begin = time.perf_counter()
    process = subprocess.Popen([str(a) for a in arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        sys.exit(f"{' '.join(map(str, arguments))}: exit code {process.returncode}")
    return seconds, usage.ru_maxrss / 1024
