"""If, Loop and Scan, whose bodies use values from outside."""

import numpy as np

from builder import declared, helper
from operators import operator, partner


def body(name, nodes, inputs, outputs):
    """A subgraph; inputs are (name, array like it), outputs (name, array of that type and rank)."""
    return helper.make_graph(
        nodes, name, [declared(n, a, [None] * a.ndim) for n, a in inputs],
        [declared(n, a, [None] * a.ndim) for n, a in outputs])


def outside(b):
    """Two values of one float type that go together, known by name to the builder."""
    x = b.pick(lambda v: v.is_float)
    y = partner(b, x)
    b.values += [v for v in (x, y) if v not in b.values]
    return x, y


def flag(b):
    array = np.asarray(b.chance(0.5))
    return b.input(array) if b.chance(0.7) else b.constant(array)


@operator(1)
def conditional(b):
    x, y = outside(b)
    like = np.zeros([1] * max(x.rank, y.rank), x.dtype)
    bodies = {}
    for branch, op in (("then_branch", "Add"), ("else_branch", "Sub")):
        name = b.fresh("inner")
        nodes = [helper.make_node(op, [x.name, y.name], [name])]
        bodies[branch] = body(branch, nodes, [], [(name, like)])
    b.op("If", [flag(b)], **bodies)


@operator(1)
def loop(b):
    """state = tanh(state + x), some times; every state is kept too."""
    x = b.pick(lambda v: v.is_float)
    b.values += [x] if x not in b.values else []
    turn, go, state, again, total, after, kept = (b.fresh("inner") for _ in range(7))
    nodes = [
        helper.make_node("Identity", [go], [again]),
        helper.make_node("Add", [state, x.name], [total]),
        helper.make_node("Tanh", [total], [after]),
        helper.make_node("Identity", [after], [kept]),
    ]
    yes = np.asarray(True)
    graph = body("body", nodes, [(turn, np.asarray(0)), (go, yes), (state, x.array)],
                 [(again, yes), (after, x.array), (kept, x.array)])
    count = np.asarray(b.between(0 if b.chance(0.1) else 1, 4), np.int64)
    trips = b.input(count) if b.chance(0.5) else b.constant(count)
    b.node("Loop", [trips, b.constant(yes), x], 2, body=graph)


@operator(1)
def scan(b):
    """Running sums along the first axis, or the last turned to the front."""
    x = b.pick(lambda v: v.is_float and v.rank >= 2 and v.array.size)
    state, item, after, kept = (b.fresh("inner") for _ in range(4))
    nodes = [helper.make_node("Add", [state, item], [after]),
             helper.make_node("Neg", [after], [kept])]
    like = x.array[0]
    graph = body("body", nodes, [(state, like), (item, like)], [(after, like), (kept, like)])
    start = b.constant(b.random(x.dtype, like.shape))
    b.node("Scan", [start, x], 2, body=graph, num_scan_inputs=1,
           scan_input_directions=[b.between(0, 1)], scan_output_directions=[b.between(0, 1)])
