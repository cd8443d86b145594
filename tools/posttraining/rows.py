"""The rows of the results table: what is done to which network, and the figures it is held to."""

import dataclasses
import re


@dataclasses.dataclass(frozen=True)
class Row:
    network: str
    #: What the table calls the method, and the part of the row's name before the amount.
    method: str
    #: How much is taken away, as the table says it.
    amount: str
    #: Of `sparrow compress`, without files and calibration; None for the dense network.
    flags: str | None
    calibrates: bool = True
    #: accuracy (or similarity), time of compression in seconds, or latency as a fraction of dense.
    measures: str = "accuracy"
    #: What other programs measured.
    reference: float | None = None
    #: What this method is held to: at least; for times at most; for latencies within ten per cent.
    target: float | None = None
    #: Whether one seed is enough: a method that others beat.
    is_survey: bool = False

    @property
    def name(self):
        """As --only takes it: resnet20/lamp-least-squares/70."""
        parts = (re.sub(r"[^a-z0-9.:]+", "-", part.lower()).strip("-")
                 for part in (self.method, self.amount))
        return "/".join([self.network, *parts])


@dataclasses.dataclass(frozen=True)
class Asked:
    """The accuracy that the best method must have, or how many points below the dense network."""
    network: str
    amount: str
    at_least: float | None = None
    below_dense: float | None = None

    @property
    def text(self):
        return f"dense - {self.below_dense}" if self.at_least is None else f"{self.at_least:g}"


def at(network, method, flags, figures, calibrates=True, survey=False):
    """One row a sparsity: {sparsity: reference} or {sparsity: (reference, target)}."""
    for sparsity, found in figures.items():
        reference, target = found if isinstance(found, tuple) else (found, None)
        yield Row(network, method, f"{100 * sparsity:g} %", f"--sparsity {sparsity} {flags}",
                  calibrates, reference=reference, target=target, is_survey=survey)


def dense(network, reference=None):
    return Row(network, "dense", "0 %", None, False, reference=reference)


LEAST_SQUARES = "--repair least-squares"
BOTH = "--repair obs,least-squares"
EXACT = "--criterion exact-obs"
GPT = "--criterion sparsegpt"
WANDA = "--criterion wanda --allocation uniform"
FISHER = "--criterion block-fisher"

DIGITS = [
    dense("digits", 97.8),
    *at("digits", "magnitude, uniform", "--allocation uniform", {.8: 84.9, .9: 58.6, .95: 28.4}, False),
    *at("digits", "magnitude, global", "--allocation global", {.8: 90.8, .9: 75.0, .95: 36.0}, False),
    *at("digits", "magnitude, ERK", "--allocation erk", {.8: 91.7, .9: 74.1, .95: 45.9}, False),
    *at("digits", "magnitude, LAMP", "--allocation lamp", {.8: 91.9, .9: 75.8, .95: 46.9}, False),
    *at("digits", "Wanda", WANDA, {.8: None, .9: None, .95: None}),
    *at("digits", "SparseGPT", f"{GPT} --allocation uniform", {.8: None, .9: None, .95: None}),
    *at("digits", "block Fisher", f"{FISHER} --allocation global", {.8: 94.5, .9: 84.7, .95: 55.0}),
    *at("digits", "M-FAC", "--criterion m-fac --allocation global", {.8: None, .9: None, .95: None}),
    *at("digits", "ExactOBS", f"{EXACT} --allocation uniform",
        {.8: 97.4, .9: 95.2, .95: (85.0, 84.0)}),
    *at("digits", "ExactOBS, LAMP", f"{EXACT} --allocation lamp", {.8: 97.4, .9: 95.5, .95: 90.4}),
    *at("digits", "global + least squares", f"--allocation global {LEAST_SQUARES}",
        {.8: 97.3, .9: 95.6, .95: (92.0, 91.0)}),
    *at("digits", "default", "", {.8: None, .9: None, .95: None}),
]

MNIST = [
    dense("mnist", 93.97),
    *at("mnist", "magnitude, uniform", "--allocation uniform", {.9: 46.0, .95: 29.2}, False),
    *at("mnist", "magnitude, global", "--allocation global", {.9: 90.28, .95: 83.64}, False),
    *at("mnist", "diagonal Fisher", "--criterion fisher --allocation global", {.95: 19.88}),
    *at("mnist", "block Fisher", f"{FISHER} --allocation global", {.95: (84.18, 84.2)}),
    *at("mnist", "M-FAC", "--criterion m-fac --allocation global", {.95: None}),
    *at("mnist", "ExactOBS, LAMP", f"{EXACT} --allocation lamp", {.9: None, .95: None}),
    *at("mnist", "global + least squares", f"--allocation global {LEAST_SQUARES}",
        {.9: None, .95: None}),
    *at("mnist", "default", "", {.9: None, .95: None}),
]

SPARSITIES = {.5: None, .7: None, .8: None, .9: None}

RESNET20 = [
    dense("resnet20", 91.0),
    *at("resnet20", "magnitude, global", "--allocation global",
        {.5: 59.5, .7: 11.0, .8: 9.3, .9: 9.3}, False),
    *at("resnet20", "magnitude, LAMP", "--allocation lamp",
        {.5: 88.7, .7: 71.2, .8: 33.2, .9: 10.3}, False),
    *at("resnet20", "Wanda", WANDA, SPARSITIES, survey=True),
    *at("resnet20", "LAMP + least squares", f"--allocation lamp {LEAST_SQUARES}",
        {.5: None, .7: 89.4, .8: 86.3, .9: 63.1}, survey=True),
    # The references pruned the network before its batch norm was folded.
    *at("resnet20", "global + least squares", f"--allocation global {LEAST_SQUARES}",
        {.5: None, .7: 90.2, .8: 85.6, .9: 72.6}, survey=True),
    *at("resnet20", "default", "", SPARSITIES),
    *at("resnet20", "ExactOBS + least squares, sensitivity",
        f"{EXACT} --allocation sensitivity {BOTH}", SPARSITIES, survey=True),
    *at("resnet20", "ExactOBS + least squares, LAMP", f"{EXACT} --allocation lamp {BOTH}",
        SPARSITIES),
    Row("resnet20", "default", "2:4", "--pattern 2:4"),
    Row("resnet20", "least squares", "2:4", f"--pattern 2:4 {LEAST_SQUARES}", is_survey=True),
    Row("resnet20", "default", "30 % of channels", "--sparsity 0.3 --pattern channels"),
    Row("resnet20", "default, global", "30 % of channels",
        "--sparsity 0.3 --pattern channels --allocation global"),
]


def compact(method, flags, calibrates=True):
    return at("efficientnet", method, flags, {.5: None, .6: None}, calibrates)


EFFICIENTNET = [
    dense("efficientnet"),
    *compact("magnitude, global", "--allocation global", False),
    *compact("magnitude, LAMP", "--allocation lamp", False),
    *compact("Wanda", WANDA),
    *compact("LAMP + least squares", f"--allocation lamp {LEAST_SQUARES}"),
    *compact("SparseGPT + least squares, LAMP", f"{GPT} --allocation lamp {BOTH}"),
    *compact("default", ""),
]

MINILM = [
    *at("minilm", "magnitude, uniform", "--allocation uniform", {.5: None}, False),
    *at("minilm", "Wanda", WANDA, {.5: None}),
    *at("minilm", "SparseGPT", f"{GPT} --allocation uniform", {.5: None}),
    *at("minilm", "SparseGPT + least squares", f"{GPT} --allocation uniform {BOTH}", {.5: None}),
    *at("minilm", "default", "", {.5: None}),
]


def latency(network, part, channels=False):
    methods = [("default", ""), ("uniform", f"{GPT} --allocation uniform {BOTH}")]
    if channels:
        methods.append(("channels", "--pattern channels"))
    for method, flags in methods:
        yield Row(network, method, f"{part:g}x latency", f"--target-latency {part:g}x {flags}",
                  measures="latency", target=part)


# Depthwise layers, which stay dense, take a large part of EfficientNet's time: zeros alone hardly halve it.
LATENCY = [*latency("resnet20", .5), *latency("efficientnet", .7),
           *latency("efficientnet", .5, channels=True)]

TIME = [
    Row("resnet50", "SparseGPT, 128 images", "50 %", f"--sparsity 0.5 {GPT} --allocation uniform",
        measures="time", target=900),
    Row("resnet50", "magnitude", "90 %", "--sparsity 0.9", False, measures="time", target=2),
]

ASKED = [
    Asked("mnist", "95 %", 90.0),
    *(Asked("resnet20", amount, least) for amount, least in (
        ("50 %", 90.5), ("70 %", 90.0), ("80 %", 87.0), ("90 %", 78.0), ("2:4", 90.0),
        ("30 % of channels", 84.0))),
    Asked("efficientnet", "50 %", below_dense=3),
    Asked("efficientnet", "60 %", below_dense=6),
    Asked("minilm", "50 %", .97),
]

ROWS = [*DIGITS, *MNIST, *RESNET20, *EFFICIENTNET, *MINILM, *LATENCY, *TIME]
