"""Runs ONNX's backend tests on Sparrow; see tools/conformance."""

import argparse
import collections
import concurrent.futures
import fnmatch
import pathlib
import subprocess
import sys
import tempfile
import textwrap

import expected
from cases import GROUPS, collect
from routes import ROUTES, outcomes

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Node cases that pass by every route.
MINIMUM = 1450


def arguments():
    p = argparse.ArgumentParser(
        prog="tools/conformance",
        description="Runs the backend tests of the onnx package by four routes: as imported, after "
        "all passes, through a .sparrow file, and after export back to ONNX.")
    p.add_argument("--filter", action="append", default=[], metavar="GLOB",
                   help="only these cases; may be repeated")
    p.add_argument("--list-failures", action="store_true", help="print what fails, by its message")
    p.add_argument("--update", action="store_true", help="rewrite the file of expected failures")
    p.add_argument("--minimum", type=int, default=MINIMUM, metavar="N",
                   help=f"node cases that must pass by every route (default {MINIMUM}); "
                   "not checked with --filter")
    p.add_argument("--sparrow", type=pathlib.Path, help="the binary; default: a release build")
    p.add_argument("--runtime", type=pathlib.Path, metavar="FILE",
                   help="sparrow-run (tools/build-runtime): .sparrow files are run by it too")
    p.add_argument("--expected", type=pathlib.Path, metavar="FILE",
                   default=pathlib.Path(__file__).with_name("expected-failures.txt"))
    p.add_argument("--work", type=pathlib.Path, default=ROOT / ".build" / "conformance",
                   help="where the cases are kept")
    p.add_argument("--workers", type=int, default=2, help="processes at a time (default 2)")
    return p.parse_args()


def binary(given):
    if given:
        return given.resolve()
    build = ["swift", "build", "-c", "release", "--product", "sparrow"]
    subprocess.run(build, cwd=ROOT, check=True)
    folder = subprocess.run(build + ["--show-bin-path"], cwd=ROOT, check=True, capture_output=True,
                            text=True).stdout.strip()
    return pathlib.Path(folder) / "sparrow"


def run(sparrow, runtime, cases, workers):
    """Per case, in order, the outcome of every route."""
    with tempfile.TemporaryDirectory(prefix="sparrow-conformance-") as scratch, \
            concurrent.futures.ThreadPoolExecutor(workers) as pool:
        results = pool.map(lambda c: outcomes(sparrow, runtime, c, scratch), cases)
        return {c.name: r for c, r in zip(cases, results)}


def summary(cases, results):
    print(f"{'group':18}{'cases':>7}" + "".join(f"{r:>11}" for r in ROUTES + ("every route",)))
    every_node = 0
    for group in GROUPS:
        members = [results[c.name] for c in cases if c.group == group]
        if not members:
            continue
        counts = [sum(not m[r] for m in members) for r in ROUTES]
        every = sum(not any(m.values()) for m in members)
        print(f"{group:18}{len(members):7}" + "".join(f"{n:11}" for n in counts + [every]))
        if group == "node":
            every_node = every
    return every_node


def list_failures(results):
    groups = collections.defaultdict(lambda: collections.defaultdict(list))
    for name, result in results.items():
        for route, message in result.items():
            if message:
                groups[expected.normalized(message)][name].append(route)
    for message, names in sorted(groups.items(), key=lambda g: (-len(g[1]), g[0])):
        print(f"\n{len(names)}  {message}")
        texts = [n if len(r) == len(ROUTES) else f"{n} ({','.join(r)})" for n, r in names.items()]
        print(textwrap.fill(", ".join(texts), 100, initial_indent="    ", subsequent_indent="    ",
                            break_on_hyphens=False, break_long_words=False))


def unexpected(lines, results):
    """What differs from the file, a line each."""
    expectations = expected.Expectations(lines)
    for name, result in results.items():
        fails = collections.defaultdict(list)
        for route in ROUTES:
            if result[route] and expectations.reason(name, route) is None:
                fails[result[route]].append(route)
        for message, routes in fails.items():
            yield f"{name} fails ({', '.join(routes)}): {message}"
        passes = [r for r in ROUTES if not result[r] and expectations.reason(name, r) is not None]
        if passes:
            yield (f"{name} passes ({', '.join(passes)}), though it is expected to fail: "
                   f"{expectations.reason(name, passes[0])}")


def main():
    a = arguments()
    try:
        lines = expected.read(a.expected)
    except expected.Malformed as error:
        sys.exit(f"tools/conformance: {error}")
    known = collect(a.work)
    cases = [c for c in known
             if not a.filter or any(fnmatch.fnmatchcase(c.name, g) for g in a.filter)]
    if not cases:
        sys.exit(f"tools/conformance: no case is called {' or '.join(a.filter)}")
    results = run(binary(a.sparrow), a.runtime and a.runtime.resolve(strict=True), cases, a.workers)
    if a.list_failures:
        list_failures(results)
        print()
    if a.update:
        lines = expected.updated(lines, results, is_complete=not a.filter)
        expected.write(a.expected, lines)
    problems = list(unexpected(lines, results))
    if not a.filter:
        problems += [f"'{l.pattern}' of the expected failures is no case" for l in lines
                     if not any(l.matches(c.name) for c in known)]
    every_node = summary(cases, results)
    if not a.filter:
        print(f"node cases that pass by every route: {every_node}, at least {a.minimum} must")
        if every_node < a.minimum:
            problems.append(f"only {every_node} node cases pass by every route, "
                            f"expected {a.minimum} at least")
    for problem in problems:
        print(problem)
    passed = sum(not any(r.values()) for r in results.values())
    print(f"{len(cases) - passed} cases fail by some route; "
          f"{len(problems)} things are not as {a.expected.name} says")
    print(f"{passed} passed, {len(problems)} failed")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
