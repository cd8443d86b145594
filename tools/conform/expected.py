"""The file of expected failures: which case fails by which routes, and why."""

import dataclasses
import fnmatch
import re

from routes import ROUTES

HEADER = """\
# What fails of ONNX's backend tests, and why. Read and rewritten by tools/conformance.
#
#   CASE    ROUTES    REASON
#
# CASE is a case's name or a glob; ROUTES is "all" or some of imported,optimized,container,exported.
# tools/conformance --update drops what passes, adds what fails (with the reason of its kind, or else
# its message) and keeps the reasons of the rest.
"""

# What is refused by design, by what its messages say.
KINDS = (
    (r"string", "strings: tensors hold numbers and bool"),
    (r"is a sequence|\bSequence\w+|(To|From)Sequence\b", "sequences: values are single tensors"),
    (r"is an optional|\bOptional\w+", "optionals: values are single tensors"),
    (r"training|\b(Momentum|Adagrad|Adam|Gradient)\b", "training: Sparrow runs trained networks"),
    (r"\b(Bernoulli|Random\w+|Multinomial)\b",
     "random generators: ONNX does not say which numbers they give"),
    (r"\bImageDecoder\b", "image files: Sparrow takes pixels"),
    (r"ai\.onnx\.ml", "ai.onnx.ml: classical machine learning is not supported"),
    (r"ai\.onnx\.preview", "preview operators: not final"),
)


@dataclasses.dataclass(frozen=True)
class Line:
    pattern: str
    routes: tuple
    reason: str

    def matches(self, name):
        return fnmatch.fnmatchcase(name, self.pattern)

    @property
    def text(self):
        routes = "all" if self.routes == ROUTES else ",".join(self.routes)
        return f"{self.pattern}  {routes}  {self.reason}"


class Malformed(Exception):
    pass


def read(path):
    lines = []
    if not path.exists():
        return lines
    for number, text in enumerate(path.read_text().splitlines(), 1):
        text = text.strip()
        if not text or text.startswith("#"):
            continue
        parts = text.split(None, 2)
        routes = ROUTES if parts[1:2] == ["all"] else tuple(parts[1].split(",")) if parts[1:] else ()
        if len(parts) < 3 or not set(routes) <= set(ROUTES):
            raise Malformed(f"{path}:{number}: expected CASE ROUTES REASON, found '{text}'")
        lines.append(Line(parts[0], tuple(r for r in ROUTES if r in routes), parts[2]))
    return lines


def write(path, lines):
    """Sorted by reason and name, a block each reason."""
    text, last = HEADER, None
    for line in sorted(set(lines), key=lambda l: (l.reason, l.pattern, l.routes)):
        if line.reason != last:
            text += "\n"
        last = line.reason
        text += line.text + "\n"
    path.write_text(text)


class Expectations:
    def __init__(self, lines):
        self.lines = lines
        self.exact = {}
        for line in lines:
            self.exact.setdefault(line.pattern, []).append(line)
        self.globs = [l for l in lines if any(c in l.pattern for c in "*?[")]

    def of(self, name):
        """The lines for a case."""
        return self.exact.get(name, []) + [l for l in self.globs if l.matches(name)]

    def reason(self, name, route):
        """Why the case is expected to fail by that route; None where it is expected to pass."""
        return next((l.reason for l in self.of(name) if route in l.routes), None)


def updated(lines, outcomes, is_complete):
    """The lines that say what `outcomes` (case to route to message) found.

    A line stays as it is where everything it covers fails; else its failures become lines of their
    own with its reason. Lines without a case stay unless the outcomes are of every case.
    """
    old = Expectations(lines)
    kept = []
    for line in lines:
        covered = [n for n in outcomes if line.matches(n)]
        if all(outcomes[n][r] for n in covered for r in line.routes) and (covered or not is_complete):
            kept.append(line)
    new = Expectations(kept)
    for name, result in outcomes.items():
        reasons = {}
        for route in ROUTES:
            if result[route] and new.reason(name, route) is None:
                reason = old.reason(name, route) or kind(result[route])
                reasons.setdefault(reason, []).append(route)
        kept += [Line(name, tuple(routes), reason) for reason, routes in reasons.items()]
    return kept


def kind(message):
    """The reason for a new failure."""
    text = normalized(message)
    return next((reason for pattern, reason in KINDS if re.search(pattern, text)), text)


def normalized(message):
    """A message without what differs from case to case: names, offsets, shapes and numbers."""
    text = " ".join(message.split())
    text = re.sub(r"^(Error: )?(at byte \d+: )?", "", text)
    text = re.sub(r"(\b[A-Z]\w+) '[^']*': (?=operator)", "", text)
    text = re.sub(r" \(domain ai\.onnx, operator set \d+\)", "", text)
    text = re.sub(r"wrong (values|shape): .*", r"wrong \1", text)
    text = re.sub(r"'[^']*'", "'_'", text)
    text = re.sub(r"\[[^\]]*\]", "[_]", text)
    text = re.sub(r"(?<![\w.])-?\d+(\.\d+)?(?![\w.]|-bit)", "N", text)
    return text[:140].strip()
