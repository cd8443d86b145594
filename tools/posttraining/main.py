"""Measures every row of the results table; see tools/reproduce-compression."""

import argparse
import fnmatch
import json
import os
import pathlib
import sys
import tempfile

import tables
from measurement import Measurement
from networks import Missing, Sources
from program import Failed, Program
from rows import ASKED, ROWS


def options():
    parser = argparse.ArgumentParser(prog="tools/reproduce-compression")
    parser.add_argument("shared", nargs="?", type=pathlib.Path,
                        default=pathlib.Path(os.environ.get("SPARROW_SHARED", "../shared")))
    parser.add_argument("--networks", type=pathlib.Path, metavar="FOLDER")
    parser.add_argument("--only", action="append", metavar="GLOB")
    parser.add_argument("--seeds", type=int, default=5, metavar="N")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--table", action="store_true")
    parser.add_argument("--verbose", "-v", action="store_true")
    parser.add_argument("--sparrow", type=pathlib.Path, help=argparse.SUPPRESS)
    parser.add_argument("--work", type=pathlib.Path, default=pathlib.Path(".build/posttraining"))
    return parser.parse_args()


class Results:
    """Figures by row, kept in a file from run to run."""

    def __init__(self, path):
        self.path = path
        self.figures = json.loads(path.read_text()) if path.exists() else {}

    def keep(self, name, result):
        self.figures[name] = result
        self.path.parent.mkdir(parents=True, exist_ok=True)
        partial = self.path.with_suffix(".partial")
        partial.write_text(json.dumps(self.figures, indent=1, sort_keys=True) + "\n")
        partial.rename(self.path)


def run(rows, measurement, results, seeds):
    """Measures and prints the rows; the number of those that fail or are not what they must be."""
    bad = 0
    print(tables.line(tables.HEAD))
    for row in rows:
        try:
            result = measurement.result(row, seeds)
        except (Missing, Failed) as reason:
            print(f"{row.network:13}{row.method:32} {row.amount:17} {reason}", flush=True)
            bad += isinstance(reason, Failed)
            continue
        results.keep(row.name, result)
        missed = tables.is_met(row, result) is False
        bad += missed
        print(tables.row_line(row, result) + (" missed" if missed else ""), flush=True)
    return bad


def compare(rows, results):
    """Prints the best of all methods beside what is asked for; the number of misses."""
    networks, bad = {row.network for row in rows}, 0
    for asked in (one for one in ASKED if one.network in networks):
        found = tables.best(asked, ROWS, results)
        least = tables.threshold(asked, results)
        if found is None or least is None:
            continue
        value = results[found.name]["accuracy"]
        bad += value < least
        print(f"best of {asked.network}, {asked.amount}: {tables.number(found, value)}, {found.method}; "
              f"asked for {tables.number(found, least)}: {'missed' if value < least else 'met'}")
    return bad


def main():
    given = options()
    rows = [row for row in ROWS
            if not given.only or any(fnmatch.fnmatch(row.name, glob) for glob in given.only)]
    if not rows:
        sys.exit("reproduce-compression: no row has such a name; --list prints them")
    results = Results(given.work / "results.json")
    if given.list:
        print("\n".join(row.name for row in rows))
        return 0
    if given.table:
        tables.markdown(rows, ASKED, results.figures)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        program = Program(given.sparrow, folder, given.verbose)
        sources = Sources(given.shared, given.networks, given.work)
        bad = run(rows, Measurement(program, sources, pathlib.Path(folder)), results, given.seeds)
    return 1 if bad + compare(rows, results.figures) else 0


if __name__ == "__main__":
    sys.exit(main())
