"""The built `sparrow` program: each call a command that a person could type."""

import json
import pathlib
import shlex
import statistics
import subprocess
import time


class Failed(Exception):
    """A command that did not do what it was asked; the reason is its message."""


class Program:
    def __init__(self, executable, folder, verbose=False):
        self.executable, self.folder, self.verbose = executable, pathlib.Path(folder), verbose

    def run(self, *arguments):
        """Seconds that the command took."""
        words = [str(word) for word in arguments]
        if self.verbose:
            print("  $ sparrow " + shlex.join(words), flush=True)
        start = time.monotonic()
        done = subprocess.run([self.executable, *words], capture_output=True, text=True)
        if done.returncode:
            message = done.stderr.strip().removeprefix("sparrow: ")
            raise Failed(message.splitlines()[-1] if message else "it says nothing")
        return time.monotonic() - start

    def compress(self, model, output, *flags):
        return self.run("compress", "-q", model, output, *flags)

    def evaluate(self, model, *flags):
        """What evaluate's --json has."""
        path = self.folder / "evaluation.json"
        self.run("evaluate", "-q", model, "--json", path, *flags)
        return json.loads(path.read_text())

    def latency(self, model, seconds=1):
        """The median latency of one sample, in milliseconds."""
        path = self.folder / "benchmark.json"
        self.run("benchmark", "-q", model, "-t", seconds, "--json", path)
        return json.loads(path.read_text())["latency_ms"]["median"]

    def latency_ratio(self, model, reference, rounds=5):
        """The model's latency as a fraction of the reference's: the median of rounds in which they
        take turns."""
        return statistics.median(self.latency(model) / self.latency(reference) for _ in range(rounds))
