"""One random graph from its seed, with inputs and what onnxruntime makes of them."""

import numpy as np
import onnx

import control  # noqa: F401  (each of these adds its operators)
import movement  # noqa: F401
import networks  # noqa: F401
import patterns  # noqa: F401
import sampling  # noqa: F401
from builder import Builder, Rejected, session
from operators import OPERATORS

TYPES = ["float32"] * 8 + ["float16", "float64", "int32", "int64", "int64", "bool"]
LENGTHS = [1, 1, 2, 3, 3, 4, 5, 7, 8, 17]


def starting_values(b):
    theme = b.between(0, 2)
    if theme == 0:
        space = b.one_of([1, 2, 2, 2, 2, 3])
        side = {1: 17, 2: 9, 3: 5}[space]
        shape = [b.one_of([1, 1, 2, 3]), b.one_of([1, 2, 3, 4, 8])]
        b.input(b.random("float32", shape + [b.between(1, side) for _ in range(space)]))
    elif theme == 1:
        b.input(b.random("float32", [b.between(1, 3), b.between(1, 7), b.one_of([1, 2, 4, 6, 8])]))
    for _ in range(b.between(0 if b.values else 1, 2)):
        shape = [0 if b.chance(0.03) else b.one_of(LENGTHS) for _ in range(b.between(0, 5))]
        while np.prod(shape) > 2000:
            shape[int(np.argmax(shape))] = 2
        b.input(b.random(np.dtype(b.one_of(TYPES)), shape))


def generate(seed, without=()):
    """(model, inputs by name, outputs by name), without some operators."""
    rng = np.random.default_rng(seed)
    while True:
        b = Builder(rng, without)
        outputs = grow(b)
        if not outputs:
            continue
        model = b.whole(outputs)
        onnx.checker.check_model(model)
        if not have_ranks(model):
            continue
        inputs = {i.name: a for i, a in b.inputs}
        try:
            found = session(model).run([v.name for v in outputs], inputs)
        except Exception:  # onnxruntime takes each node, but not all of them together
            continue
        return model, inputs, {v.name: np.asarray(a) for v, a in zip(outputs, found)}


def have_ranks(model):
    """Whether the outputs' ranks follow from the operators: what is written again needs them."""
    bare = onnx.ModelProto()
    bare.CopyFrom(model)
    for output in bare.graph.output:
        output.type.tensor_type.ClearField("shape")
    inferred = onnx.shape_inference.infer_shapes(bare, data_prop=True)
    return all(o.type.tensor_type.HasField("shape") for o in inferred.graph.output)


def grow(b):
    """Adds nodes, and returns what the graph's outputs are to be."""
    known = [o for o in OPERATORS if o[1] <= b.opset]
    weights = np.asarray([w for w, _, _ in known], float)
    starting_values(b)
    wanted, tries = b.between(2, 15), 0
    while sum(n.op_type != "Constant" for n in b.nodes) < wanted and tries < 60:
        tries += 1
        try:
            known[int(b.rng.choice(len(known), p=weights / weights.sum()))][2](b)
        except Rejected:
            pass
    made = [v for v in b.values if v.name.startswith("v")]
    read = {i for n in b.nodes for i in n.input}
    ends = [v for v in made if v.name not in read]
    outputs = made[-1:] + [v for v in ends if b.chance(0.7)]
    outputs += [v for v in made if b.chance(0.1)]
    return list(dict.fromkeys(outputs))
