"""The results as text: lines of a run, what was asked for, and the documentation's tables."""

import shlex

from networks import NETWORKS

HEAD = ("network", "method", "zeros", "measured", "reference", "at least")


def number(row, value):
    if value is None:
        return ""
    if row.measures == "time":
        return f"{value:.1f} s"
    return f"{value:.3f}" if row.measures == "latency" or row.network == "minilm" else f"{value:.1f}"


def measured(row, result):
    """The mean, with the standard deviation where there are several seeds."""
    if result is None:
        return ""
    text = number(row, result[row.measures])
    if "spread" in result:
        text += f" ± {number(row, result['spread'])}"
    return text + (f" at {result['accuracy']:.1f}" if row.measures == "latency" else "")


def line(cells):
    return "{:13}{:32} {:17} {:>18} {:>9} {:>9}".format(*cells).rstrip()


def row_line(row, result):
    return line((row.network, row.method, row.amount, measured(row, result),
                 number(row, row.reference), number(row, row.target)))


def is_met(row, result):
    """Whether a row is what it is held to by itself; None where it is not."""
    if row.target is None:
        return None
    value = result[row.measures]
    if row.measures == "time":
        return value <= row.target
    if row.measures == "latency":
        return abs(value - row.target) <= 0.1 * row.target
    return value >= row.target


def best(asked, rows, results):
    """The row that does best at what is asked for, or None."""
    own = [row for row in rows if row.network == asked.network and row.amount == asked.amount
           and row.measures == "accuracy" and row.name in results]
    return max(own, key=lambda row: results[row.name]["accuracy"], default=None)


def threshold(asked, results):
    """The least accuracy; None while it depends on a dense network that is not measured yet."""
    if asked.below_dense is None:
        return asked.at_least
    dense = results.get(f"{asked.network}/dense/0")
    return dense and dense["accuracy"] - asked.below_dense


def cell(row, results):
    parts = [measured(row, results.get(row.name)), row.reference and f"({number(row, row.reference)})"]
    return " ".join(part for part in parts if part)


def markdown(rows, asked, results):
    """A table a network, a line a method."""
    for key, network in NETWORKS.items():
        own = [row for row in rows if row.network == key]
        amounts = list(dict.fromkeys(row.amount for row in own if row.flags))
        if not amounts:
            continue
        print(f"### {network.title}\n")
        for row in own:
            if row.flags is None:
                print(f"Dense: {cell(row, results)}.\n")
        print("| method | flags | " + " | ".join(amounts) + " |\n|" + "---|" * (len(amounts) + 2))
        for method in dict.fromkeys(row.method for row in own if row.flags):
            found = {row.amount: row for row in own if row.method == method}
            figures = [cell(found[amount], results) if amount in found else "" for amount in amounts]
            print("| " + " | ".join([method, flags(next(iter(found.values()))), *figures]) + " |")
        bounds = {one.amount: one.text for one in asked if one.network == key}
        if bounds:
            print("| asked for | | " + " | ".join(bounds.get(amount, "") for amount in amounts) + " |")
        print()


def flags(row):
    """The flags beside the sparsity, which the column says."""
    words = shlex.split(row.flags)
    if words[0] == "--sparsity":
        words = words[2:]
    return f"`{' '.join(words)}`" if words else ""
