"""What the studies in this folder share: the program, runs of it, data, and tables. Standard library only.

A study's main() begins with `options = common.options(parser)` and runs networks through `Sparrow`:
`with common.Study(options, "name") as study: study.each(function, items)` calls the function for several
items at a time (`--jobs`), each run of one thread (`--threads`).
"""
import concurrent.futures
import csv
import gzip
import hashlib
import json
import math
import os
import pathlib
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
# Downloads, and what studies keep between runs.
FOLDER = ROOT / ".build/studies"

FASHION_PACKAGE = "dataset-fashion-mnist"
FASHION_VERSION = "0.0~git20200523.55506a9-1"
FASHION_SHA256 = "39e172fe32dd318ebb3e512220c3beea2fa47d7e20bab348fb4e0922d6beefc0"
FASHION_PATH = pathlib.Path("usr/share/datasets/fashion-mnist")


class Failure(Exception):
    """A run of the program that failed, with what it said."""


def build():
    """The program, built in release form."""
    subprocess.run(["swift", "build", "-c", "release", "--product", "sparrow"], cwd=ROOT, check=True,
                   stdout=subprocess.DEVNULL)
    where = subprocess.run(["swift", "build", "-c", "release", "--show-bin-path"], cwd=ROOT, check=True,
                           capture_output=True, text=True).stdout.strip()
    return pathlib.Path(where) / "sparrow"


def options(parser, seeds=3):
    """The parsed command line, with the arguments that every study has."""
    parser.add_argument("--seeds", type=int, default=seeds, help="how many (default: %(default)s)")
    parser.add_argument("--jobs", type=int, default=2, help="runs at a time (default: %(default)s)")
    parser.add_argument("--threads", type=int, default=1, help="of each run (default: %(default)s)")
    parser.add_argument("--sparrow", type=pathlib.Path, help="a program that is built already")
    parser.add_argument("--shared", type=pathlib.Path,
                        default=pathlib.Path(os.environ.get("SPARROW_SHARED", ROOT.parent / "shared")),
                        help="the folder that has models/ and data/ (default: %(default)s)")
    parser.add_argument("--markdown", type=pathlib.Path, help="write the tables here too")
    parser.add_argument("--keep", type=pathlib.Path,
                        help="keep networks here; those that are there are not trained again")
    chosen = parser.parse_args()
    for name in ("seeds", "jobs", "threads"):
        if getattr(chosen, name) < 1:
            parser.error(f"--{name} is {getattr(chosen, name)}, expected 1 or more")
    return chosen


def fashion_mnist():
    """The folder of Fashion-MNIST's IDX files: where Debian's package has put them, or else from that
    package, downloaded once and checked."""
    installed = pathlib.Path("/") / FASHION_PATH
    folder = FOLDER / "data" / FASHION_PATH
    for known in (installed, folder):
        if known.is_dir() and len(list(known.glob("*ubyte*"))) >= 4:
            return known
    (FOLDER / "data").mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=FOLDER) as temporary:
        place = pathlib.Path(temporary)
        print(f"downloading {FASHION_PACKAGE} {FASHION_VERSION}", file=sys.stderr, flush=True)
        got = subprocess.run(["apt-get", "download", f"{FASHION_PACKAGE}={FASHION_VERSION}"], cwd=place,
                             capture_output=True, text=True)
        files = list(place.glob("*.deb"))
        if got.returncode or len(files) != 1:
            sys.exit(f"cannot download Debian's package {FASHION_PACKAGE} {FASHION_VERSION}: "
                     f"{got.stderr.strip()}\ninstall it (apt-get install {FASHION_PACKAGE})")
        found = hashlib.sha256(files[0].read_bytes()).hexdigest()
        if found != FASHION_SHA256:
            sys.exit(f"{files[0].name} has sha256 {found}, expected {FASHION_SHA256}")
        subprocess.run(["dpkg", "-x", files[0], place / "tree"], check=True)
        shutil.copytree(place / "tree", FOLDER / "data", dirs_exist_ok=True)
    return folder


def subset(source, target, train, test):
    """The folder `target` with the first `train` and `test` images of the IDX files in `source`."""
    target.mkdir(parents=True, exist_ok=True)
    for part, count in (("train", train), ("t10k", test)):
        for kind in ("images-idx3-ubyte", "labels-idx1-ubyte"):
            path = next(source.glob(f"{part}-{kind}*"))
            content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
            axes = struct.unpack(f">{content[3]}I", content[4:4 + 4 * content[3]])
            header = 4 + 4 * len(axes)
            size = count * math.prod(axes[1:])
            (target / f"{part}-{kind}").write_bytes(
                content[:4] + struct.pack(f">{len(axes)}I", count, *axes[1:])
                + content[header:header + size])
    return target


def shared(options, *names):
    """Files of the shared folder; None, with a message, where one of them is absent."""
    paths = [options.shared / name for name in names]
    for path in paths:
        if not path.exists():
            print(f"skipped what needs {path}: it is absent (--shared FOLDER)", file=sys.stderr)
            return None
    return paths


class Study:
    """Runs of the program in a folder, several at a time."""

    def __init__(self, options, name):
        self.options, self.name = options, name
        self.sparrow = (options.sparrow or build()).resolve()
        self.begin = time.monotonic()
        self.tables = []
        self._temporary = None if options.keep else tempfile.TemporaryDirectory()
        self.folder = pathlib.Path(options.keep or self._temporary.name)
        self.folder.mkdir(parents=True, exist_ok=True)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if self._temporary:
            self._temporary.cleanup()
        if kind is None:
            self.say(f"{self.name}: {(time.monotonic() - self.begin) / 60:.1f} minutes")
            if self.options.markdown:
                self.options.markdown.write_text("\n".join(self.tables))

    @property
    def seeds(self):
        return range(self.options.seeds)

    def say(self, text):
        print(text, file=sys.stderr, flush=True)

    def run(self, *arguments):
        """Runs the program; what it says in an error becomes a Failure's text."""
        done = subprocess.run([self.sparrow, *map(str, arguments)], capture_output=True, text=True)
        if done.returncode:
            command = " ".join(map(str, ["sparrow", *arguments]))
            raise Failure(f"{command}\n{done.stderr.strip() or done.stdout.strip()}")
        return done.stdout

    def new(self, architecture, output, seed, *flags):
        """An untrained network; the path of its file."""
        if not output.exists():
            self.run("new", architecture, "--seed", seed, "-o", output, "-q", *flags)
        return output

    def train(self, source, output, data, seed, recipe, *flags):
        """Trains `source` to `output` by a recipe (a dict, the part `train`, with `steps` beside it where
        there are any); the figures of the last epoch as numbers, those that are not known left out."""
        train = {key: value for key, value in recipe.items() if key != "steps"}
        text = json.dumps({"version": 1, "steps": recipe.get("steps", []), "train": train})
        file, metrics = output.with_suffix(".recipe.json"), output.with_suffix(".csv")
        known = output.with_suffix(".facts.json")
        # What it was trained from, not just where that lay.
        begin = hashlib.sha256(source.read_bytes()).hexdigest()
        facts = [str(source), begin, str(data), seed, text, *map(str, flags)]
        if not (output.exists() and known.exists() and json.loads(known.read_text()) == facts):
            file.write_text(text)
            self.run("train", source, output, "--data", data, "--recipe", file, "--seed", seed,
                     "--threads", self.options.threads, "--metrics", metrics, "-q", *flags)
            known.write_text(json.dumps(facts))
        with metrics.open() as rows:
            last = list(csv.DictReader(rows))[-1]
        return {name: float(value) for name, value in last.items() if value}

    def evaluate(self, model, data, *flags):
        """What `sparrow evaluate` measures, as it writes it."""
        with tempfile.NamedTemporaryFile(suffix=".json", dir=self.folder) as file:
            self.run("evaluate", model, "--data", data, "--threads", self.options.threads,
                     "--json", file.name, "-q", *flags)
            return json.loads(pathlib.Path(file.name).read_text())

    def each(self, function, items):
        """What the function makes of each item, in their order; `--jobs` at a time."""
        with concurrent.futures.ThreadPoolExecutor(self.options.jobs) as pool:
            waiting = [pool.submit(function, item) for item in items]
            try:
                return [future.result() for future in waiting]
            except BaseException:
                for future in waiting:
                    future.cancel()
                raise

    def table(self, title, header, rows):
        """Prints a table as markdown, and keeps it for the file."""
        lines = [title, "", "| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
        lines += ["| " + " | ".join(map(str, row)) + " |" for row in rows]
        text = "\n".join(lines) + "\n"
        self.tables.append(text)
        print(text, flush=True)


def distilled_gmp(epochs, sparsity):
    """The recipe that prunes the published ResNet-20 gradually, taught by itself as it was: batch normalisation back,
    strong augmentation."""
    return {
        "epochs": epochs, "batch": 32, "normalization": "restored",
        "optimizer": {"name": "sgd", "momentum": 0.9, "nesterov": True, "weight_decay": 1e-4},
        "schedule": {"learning_rate": 0.004, "shape": "cosine", "warm_up": 1},
        "distillation": {"share": 1, "temperature": 4},
        "augmentation": {"crop": 4, "flip": True, "cutout": 10, "contrast": 0.3, "area": 0.6},
        "method": {"name": "gmp", "sparsity": sparsity, "allocation": "lamp", "initial": 0.5,
                   "end": 0.35},
    }


def cell(values, digits=1):
    """Mean and standard deviation (of a sample: n - 1) of seeds."""
    if not values:
        return "-"
    text = f"{statistics.mean(values):.{digits}f}"
    return text if len(values) < 2 else text + f" ± {statistics.stdev(values):.{digits}f}"


def percent(fraction):
    return 100 * fraction


def main(function):
    """Runs a study's main function; failures of runs end it with their message."""
    try:
        function()
    except Failure as failure:
        sys.exit(str(failure))
    except KeyboardInterrupt:
        sys.exit(130)
