"""Compares Sparrow with onnxruntime; see tools/compare-with-onnxruntime."""

import argparse
import os
import pathlib
import subprocess
import sys

import numpy as np
import onnxruntime

from networks import NETWORKS, Network, Sources, Stream, Unavailable

ROOT = pathlib.Path(__file__).resolve().parents[2]
ROUTES = ("onnx", "sparrow", "onnx>onnx", "sparrow>onnx")
ELEMENTS = {"tensor(float)": np.float32, "tensor(int64)": np.int64, "tensor(int32)": np.int32,
            "tensor(double)": np.float64, "tensor(bool)": np.bool_}


def arguments():
    p = argparse.ArgumentParser(
        prog="tools/compare-with-onnxruntime",
        description="Compares Sparrow with onnxruntime on real networks, four ways: 'onnx' is sparrow "
        "run of the ONNX file, 'sparrow' of its .sparrow form, 'onnx>onnx' and 'sparrow>onnx' are "
        "onnxruntime on what sparrow convert writes.")
    p.add_argument("models", nargs="*", help="names (see --list) or .onnx files; default: all known")
    p.add_argument("--small", action="store_true", help="only the quick ones")
    p.add_argument("--list", action="store_true", help="print the known names and stop")
    p.add_argument("--shape", action="append", default=[], metavar="NAME:1,3,64,64",
                   help="an input's shape, for .onnx files; open dimensions are 1 otherwise")
    p.add_argument("--sparrow", type=pathlib.Path, help="the binary; default: a release build")
    p.add_argument("--shared", type=pathlib.Path,
                   default=os.environ.get("SPARROW_SHARED", ROOT.parent / "shared"),
                   help="folder with models/, default: $SPARROW_SHARED or ../shared")
    p.add_argument("--generated", type=pathlib.Path, metavar="FOLDER",
                   help="folder with NAME-unstructured-0-b1.onnx files")
    p.add_argument("--work", type=pathlib.Path, default=ROOT / ".build" / "compare",
                   help="where downloads and outputs are kept")
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--tolerance", type=float, default=1e-4)
    return p.parse_args()


def binary(given):
    if given:
        return given.resolve()
    build = ["swift", "build", "-c", "release", "--product", "sparrow"]
    subprocess.run(build, cwd=ROOT, check=True)
    folder = subprocess.run(build + ["--show-bin-path"], cwd=ROOT, check=True, capture_output=True,
                            text=True).stdout.strip()
    return pathlib.Path(folder) / "sparrow"


def unnamed(path, shapes):
    """A network that is not in the list, with random inputs of its declared or the given shapes."""
    given = {}
    for text in shapes:
        name, _, dims = text.rpartition(":")
        given[name] = [int(d) for d in dims.split(",")]

    def inputs(rng):
        result = {}
        for i in onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"]).get_inputs():
            shape = given.get(i.name) or [d if isinstance(d, int) and d > 0 else 1 for d in i.shape]
            kind = ELEMENTS[i.type]
            result[i.name] = (rng.standard_normal(shape).astype(kind) if np.issubdtype(kind, np.floating)
                              else rng.integers(0, 2 if kind is np.bool_ else 1000, shape).astype(kind))
        return result

    return Network(path.stem, lambda sources: path, {"random": inputs})


def chosen(a):
    if not a.models:
        return [n for n in NETWORKS if n.small or not a.small]
    known = {n.name: n for n in NETWORKS}
    result = []
    for text in a.models:
        if text in known:
            result.append(known[text])
        elif text.endswith(".onnx") and pathlib.Path(text).exists():
            result.append(unnamed(pathlib.Path(text).resolve(), a.shape))
        else:
            sys.exit(f"'{text}' is neither a known name (see --list) nor an .onnx file that exists")
    return result


def reference(path):
    """A function that runs the file on inputs by name."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    names = [o.name for o in session.get_outputs()]
    return lambda inputs: dict(zip(names, session.run(None, inputs)))


def streamed(run, stream):
    """The outputs of every run, each with the state that the one before it left."""
    results, state = [], {}
    for inputs in stream.runs:
        results.append(run({**inputs, **state}))
        state = {name: results[-1][source] for name, source in stream.carried.items()}
    return results


class Failed(Exception):
    pass


def call(*command):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True)
    if done.returncode:
        raise Failed(f"{' '.join(map(str, command[1:]))}\n    exit {done.returncode}: "
                     f"{done.stderr.strip()[-600:]}")


def magnitudes(runs):
    """By output, its largest magnitude in any run."""
    return {name: max((float(np.abs(r[name].astype(np.float64)).max()) for r in runs if r[name].size),
                      default=0.0) for name in runs[0]}


def difference(expected, found, largest):
    """The largest difference of any output, as a fraction of that output's largest magnitude."""
    worst = 0.0
    for name, e in expected.items():
        f = found.get(name)
        if f is None:
            raise Failed(f"output '{name}' is missing; there are {', '.join(found)}")
        if f.shape != e.shape or f.dtype != e.dtype:
            raise Failed(f"output '{name}' is {f.dtype}{list(f.shape)}, "
                         f"expected {e.dtype}{list(e.shape)}")
        if e.size:
            e, f = e.astype(np.float64), f.astype(np.float64)
            gap = np.abs(e - f).max() / max(largest[name], np.finfo(np.float64).tiny)
            worst = max(worst, float(gap) if np.isfinite(gap) else np.inf)
    return worst


class Comparison:
    """One network: its file in every form, each form run on the same inputs."""

    def __init__(self, a, sparrow, network, folder):
        self.a, self.sparrow, self.folder = a, sparrow, folder
        sources = Sources(ROOT, a.shared, a.generated, a.work)
        self.original = network.locate(sources)
        folder.mkdir(parents=True, exist_ok=True)
        # Forms are made once for all inputs; one that cannot be made fails its routes only.
        self.failures, self.forms = {}, {"onnx": self.original}
        for route, source, name in (("sparrow", "onnx", "model.sparrow"),
                                    ("onnx>onnx", "onnx", "again.onnx"),
                                    ("sparrow>onnx", "sparrow", "back.onnx")):
            try:
                if source not in self.forms:
                    raise Failed("there is no .sparrow form")
                call(sparrow, "convert", "-q", self.forms[source], folder / name)
                self.forms[route] = folder / name
            except Failed as error:
                self.failures[route] = error

    def run(self, inputs):
        """Per route a difference or a Failed."""
        stream = inputs if isinstance(inputs, Stream) else Stream([inputs], {})
        expected = streamed(reference(self.original), stream)
        result = {}
        for route in ROUTES:
            try:
                if route in self.failures:
                    raise self.failures[route]
                found = streamed(self.runner(route), stream)
                largest = magnitudes(expected)
                result[route] = max(difference(e, f, largest) for e, f in zip(expected, found))
            except Failed as error:
                result[route] = error
            except Exception as error:  # onnxruntime refuses what was written
                result[route] = Failed(str(error)[:600])
        return result

    def runner(self, route):
        if route.endswith(">onnx"):
            return reference(self.forms[route])

        def run(inputs):
            flags = []
            for i, (name, array) in enumerate(inputs.items()):
                file = self.folder / f"input{i}.npy"
                np.save(file, np.asarray(array, order="C"))
                flags += ["-i", f"{name}={file}"]
            out = self.folder / "out.npz"
            out.unlink(missing_ok=True)
            call(self.sparrow, "run", "-q", self.forms[route], *flags, "-o", out,
                 "--threads", self.a.threads)
            with np.load(out) as archive:
                return {name: archive[name] for name in archive.files}
        return run


def main():
    a = arguments()
    if a.list:
        for n in NETWORKS:
            print(f"{n.name:24} {'small ' if n.small else '      '} {n.origin}")
        return
    networks = chosen(a)
    sparrow = binary(a.sparrow)
    print(f"{'network':24} {'input':17}" + "".join(f"{r:>14}" for r in ROUTES), flush=True)
    passed = failed = skipped = 0
    for network in networks:
        try:
            comparison = Comparison(a, sparrow, network, a.work / network.name)
        except Unavailable as reason:
            print(f"{network.name:24} skipped: {reason}", flush=True)
            skipped += 1
            continue
        for label, make in network.cases.items():
            result = comparison.run(make(np.random.default_rng(0)))
            cells = "".join(f"{'failed' if isinstance(r, Failed) else format(r, '.1e'):>14}"
                            for r in result.values())
            bad = {k: r for k, r in result.items() if isinstance(r, Failed) or r > a.tolerance}
            print(f"{network.name:24} {label:17}{cells}{'   FAILED' if bad else ''}", flush=True)
            for route, reason in bad.items():
                if isinstance(reason, Failed):
                    print(f"    {route}: {reason}")
            failed += bool(bad)
            passed += not bad
    print(f"tolerance {a.tolerance:g} of each output's largest magnitude")
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    sys.exit(1 if failed or not passed else 0)


if __name__ == "__main__":
    main()
