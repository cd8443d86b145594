"""Random graphs in every form against onnxruntime; see tools/random-graphs."""

import argparse
import collections
import multiprocessing
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

import numpy as np
import onnx
import onnxruntime

from builder import session
from generate import generate

ROOT = pathlib.Path(__file__).resolve().parents[2]
FORMS = ("read", "optimized")
TOLERANCE = {np.dtype(np.float16): 2e-2}


def arguments():
    p = argparse.ArgumentParser(
        prog="tools/random-graphs",
        description="Checks that random graphs give onnxruntime's answer as read, after every pass, "
        "through a .sparrow file and after export to ONNX.")
    p.add_argument("--count", type=int, default=2000, help="how many graphs (default 2000)")
    p.add_argument("--seed", type=int, default=1, help="of the first graph (default 1)")
    p.add_argument("--without", action="append", default=[], metavar="OPERATOR",
                   help="leave an operator out; may be repeated")
    p.add_argument("--show", action="store_true", help="print the graphs")
    p.add_argument("--operators", action="store_true", help="print how often each operator occurs")
    p.add_argument("--work", type=pathlib.Path, default=ROOT / ".build" / "random-graphs",
                   help="where the graphs are kept until the next run")
    p.add_argument("--workers", type=int, default=2, help="Python processes (default 2)")
    return p.parse_args()


def make(job):
    seed, folder, without = job
    model, inputs, outputs = generate(seed, without)
    onnx.save(model, folder / f"{seed:08}.onnx")
    np.savez(folder / f"{seed:08}.npz", **inputs, **outputs)
    return [n.op_type for n in model.graph.node]


def check_exported(job):
    """What is wrong with an exported graph by onnxruntime; None where it agrees or is missing."""
    path, form = job
    exported = path.parent / form / path.name
    if not exported.exists():
        return None
    label = f"{path.stem}: exported ({form}), in onnxruntime"
    try:
        model = onnx.load(exported)
        onnx.checker.check_model(model)
        with np.load(path.with_suffix(".npz")) as arrays:
            names = [o.name for o in model.graph.output]
            found = session(model).run(names, {i.name: arrays[i.name] for i in model.graph.input})
            for name, f in zip(names, found):
                text = difference(np.asarray(f), arrays[name])
                if text:
                    return f"{label}: output '{name}' {text}"
    except onnxruntime.capi.onnxruntime_pybind11_state.NotImplemented:
        return None  # it has no kernel of that type in the operator set that Sparrow writes
    except Exception as error:
        return f"{label}: {str(error)[:300]}"
    return None


def difference(found, expected):
    if found.shape != expected.shape or found.dtype != expected.dtype:
        return f"is {found.dtype}{list(found.shape)}, expected {expected.dtype}{list(expected.shape)}"
    if expected.dtype.kind != "f":
        return None if np.array_equal(found, expected) else "differs"
    e, f = expected.astype(np.float64), found.astype(np.float64)
    gap, largest = np.abs(e - f).max(initial=0), np.abs(e).max(initial=0)
    if gap <= TOLERANCE.get(expected.dtype, 1e-4) * largest:
        return None
    return f"differs by {gap}, its largest value is {largest}"


def run_sparrow(folder):
    """The lines of what fails."""
    # With the flags of tools/test nothing is built twice.
    command = ["swift", "test", "-Xswiftc", "-warnings-as-errors", "--filter", "RandomGraphTests"]
    log = folder / "test.log"
    with log.open("w") as out:
        done = subprocess.run(command, cwd=ROOT, stdout=out, stderr=subprocess.STDOUT,
                              env=dict(os.environ, SPARROW_RANDOM_GRAPHS=str(folder)))
    changes = collections.Counter()
    for file in folder.glob("passes-*.txt"):
        changes.update(file.read_text().split())
    print("passes at work: " + ", ".join(f"{n} {c}" for n, c in changes.most_common()), flush=True)
    failures = []
    for file in sorted(folder.glob("failures-*.txt")):
        failures += file.read_text().splitlines()
    if done.returncode and not failures or not list(folder.glob("failures-*.txt")):
        running = [f.read_text() for f in folder.glob("current-*.txt")]
        sys.stdout.write("".join(log.read_text().splitlines(keepends=True)[-25:]))
        sys.exit(f"tools/random-graphs: the test ended early, at the graphs {', '.join(running)}")
    return failures


def main():
    a = arguments()
    folder = a.work.resolve()
    shutil.rmtree(folder, ignore_errors=True)
    for form in FORMS:
        (folder / form).mkdir(parents=True)
    started = time.monotonic()
    seeds = range(a.seed, a.seed + a.count)
    operators = collections.Counter()
    with multiprocessing.Pool(a.workers) as pool:
        for nodes in pool.imap_unordered(make, [(s, folder, a.without) for s in seeds], chunksize=8):
            operators.update(nodes)
        print(f"{a.count} graphs from seed {a.seed}: {operators.total()} nodes of {len(operators)} "
              f"operators, made in {time.monotonic() - started:.0f} s", flush=True)
        if a.operators:
            print(", ".join(f"{n} {c}" for n, c in operators.most_common()))
        if a.show:
            for path in sorted(folder.glob("*.onnx")):
                print(onnx.printer.to_text(onnx.load(path)))
        failures = run_sparrow(folder)
        jobs = [(p, f) for p in sorted(folder.glob("*.onnx")) for f in FORMS]
        failures += filter(None, pool.imap(check_exported, jobs, chunksize=16))
    left_out = "".join(f" --without {o}" for o in a.without)
    failed = collections.defaultdict(list)
    for line in failures:
        name, _, text = line.partition(": ")
        failed[name].append(text)
    for name, texts in sorted(failed.items()):
        print(f"graph {int(name)} (tools/random-graphs --seed {int(name)} --count 1{left_out})")
        for text in texts:
            print(f"    {re.sub(re.escape(str(folder)) + '/', '', text)}")
    print(f"{time.monotonic() - started:.0f} s")
    print(f"{a.count - len(failed)} passed, {len(failed)} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
