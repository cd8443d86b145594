"""One row of the results table, measured."""

import shlex
import statistics

from networks import NETWORKS


class Measurement:
    """Runs rows with a program, on files from `sources`, in a folder that goes away."""

    def __init__(self, program, sources, folder):
        self.program, self.sources, self.folder = program, sources, folder

    def result(self, row, seeds):
        """The row's figures, means over its seeds: what is kept and printed."""
        figures = [self.once(row, seed) for seed in seeds_of(row, seeds)]
        values = [found[row.measures] for found in figures]
        result = {key: statistics.mean(found[key] for found in figures) for key in figures[0]}
        result["seeds"] = len(values)
        if len(values) > 1:
            result["spread"] = statistics.stdev(values)
        return result

    def once(self, row, seed):
        """Figures by name, by one seed."""
        files = NETWORKS[row.network].files(self.sources, seed)
        if row.flags is None:
            return {"accuracy": self.accuracy(row, files.model, files)}
        small = self.folder / "small.sparrow"
        found = {"time": self.program.compress(files.model, small, *self.flags(row, files, seed))}
        if row.measures != "time":
            found["accuracy"] = self.accuracy(row, small, files)
        if row.measures == "latency":
            reference = self.folder / "dense.sparrow"
            self.program.run("convert", "-q", files.model, reference)
            found["latency"] = self.program.latency_ratio(small, reference)
        return found

    def flags(self, row, files, seed):
        """What follows the files in `sparrow compress`."""
        network = NETWORKS[row.network]
        flags = shlex.split(row.flags)
        if not row.calibrates:
            return flags
        flags += ["--calibration", files.calibration, "--samples", network.samples, "--seed", seed]
        return flags + (["--preprocess", network.preprocess] if network.preprocess else [])

    def accuracy(self, row, model, files):
        """In per cent; for text encoders the mean cosine similarity to the dense embedding."""
        network = NETWORKS[row.network]
        flags = ["--data", files.test, "--metric", network.metric]
        if network.preprocess:
            flags += ["--preprocess", network.preprocess]
        if network.metric == "cosine":
            flags += ["--reference", files.model, "--pool", network.pool]
        found = self.program.evaluate(model, *flags)
        return 100 * found["top1"] if network.metric == "top1" else found["mean_cosine"]


def seeds_of(row, count):
    """Random are a network that is trained anew, and the samples that calibrate where not all do."""
    network = NETWORKS[row.network]
    draws = (row.calibrates and network.draws and row.measures == "accuracy"
             and not row.is_survey)
    return range(count if network.is_trained or draws else 1)
