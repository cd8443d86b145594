"""A graph under construction whose every value is known: each node is run by onnxruntime as it is
added, and refused where float32 rounding could show in its outputs."""

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

OPSETS = (13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23)
MOST_ELEMENTS = 20_000
# Of rounding one value, relative; and the most that may have come together in a value, relative to
# its largest magnitude. The tolerance in the end is several times that.
ROUNDING = {np.dtype(np.float32): 2.0**-23, np.dtype(np.float64): 2.0**-23,
            np.dtype(np.float16): 2.0**-10}
LIMIT = {np.dtype(np.float32): 1e-5, np.dtype(np.float64): 1e-5, np.dtype(np.float16): 5e-3}

# What moves or compares values: exact on exact inputs.
EXACT = set("""
  Identity Dropout Reshape Flatten Squeeze Unsqueeze Transpose Concat Split Slice Gather GatherND
  GatherElements ScatterND ScatterElements Expand Tile Pad Shape Size ConstantOfShape Range NonZero
  Trilu DepthToSpace SpaceToDepth OneHot TopK Unique Compress ReverseSequence EyeLike Where Max Min
  Clip Cast CastLike Relu Abs Neg Sign Floor Ceil Round Not IsNaN IsInf Equal Less LessOrEqual Greater
  GreaterOrEqual And Or Xor ArgMax ArgMin Hardmax MaxPool GlobalMaxPool ReduceMax ReduceMin
  ThresholdedRelu NonMaxSuppression If
""".split())


# What Sparrow does not have yet.
MISSING = {"QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "MatMulInteger"}


class Rejected(Exception):
    """The node cannot be added here; another is tried."""


class Value:
    def __init__(self, name, array, error=0.0, is_constant=False):
        self.name, self.array, self.error, self.is_constant = name, array, error, is_constant

    @property
    def dtype(self):
        return self.array.dtype

    @property
    def shape(self):
        return self.array.shape

    @property
    def rank(self):
        return self.array.ndim

    @property
    def is_float(self):
        return self.dtype.kind == "f"


def session(model):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(model.SerializeToString(), options,
                                        providers=["CPUExecutionProvider"])


def declared(name, array, dims=None):
    return helper.make_tensor_value_info(
        name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape if dims is None else dims)


class Builder:
    def __init__(self, rng, without=()):
        self.rng, self.without = rng, MISSING.union(without)
        self.opset = int(rng.choice(OPSETS))
        self.nodes, self.initializers, self.inputs, self.values = [], [], [], []
        self.names = 0

    # Chance.

    def chance(self, p):
        return self.rng.random() < p

    def one_of(self, items):
        return items[int(self.rng.integers(len(items)))]

    def between(self, low, high):
        """Both included."""
        return int(self.rng.integers(low, high + 1))

    def pick(self, fits=lambda v: True):
        """A value that fits; mostly one of the newest, so that chains form."""
        known = [v for v in self.values if fits(v)]
        if not known:
            raise Rejected("no value fits")
        return self.one_of(known[-3:] if self.chance(0.6) else known)

    def random(self, dtype, shape, low=-2.0, high=2.0):
        dtype = np.dtype(dtype)
        if dtype.kind == "f":
            return self.rng.uniform(low, high, shape).astype(dtype)
        if dtype.kind == "b":
            return self.rng.integers(0, 2, shape).astype(dtype)
        return self.rng.integers(0 if dtype.kind == "u" else -9, 10, shape).astype(dtype)

    # Values.

    def fresh(self, prefix):
        self.names += 1
        return f"{prefix}{self.names}"

    def input(self, array):
        """A graph input; some of its lengths may be declared by name or not at all."""
        name = self.fresh("x")
        dims = list(array.shape)
        if self.chance(0.4):
            dims = [(f"d{self.between(0, 99)}_{d}" if self.chance(0.7) else None)
                    if self.chance(0.5) else d for d in dims]
        self.inputs.append((declared(name, array, dims), array))
        self.values.append(Value(name, array))
        return self.values[-1]

    def constant(self, array, listed=False):
        """An initializer or a Constant node."""
        array = np.asarray(array)
        name = self.fresh("c")
        tensor = numpy_helper.from_array(np.ascontiguousarray(array).reshape(array.shape), name)
        if self.chance(0.2):
            self.nodes.append(helper.make_node("Constant", [], [name], value=tensor))
        else:
            self.initializers.append(tensor)
        value = Value(name, array, is_constant=True)
        if listed:
            self.values.append(value)
        return value

    def integers(self, values):
        return self.constant(np.asarray(values, np.int64))

    def weight(self, shape, dtype=np.float32, low=-1.0, high=1.0):
        return self.constant(self.random(dtype, shape, low, high))

    # Nodes.

    def op(self, op, inputs, **attributes):
        """The only output of a new node."""
        return self.node(op, inputs, 1, **attributes)[0]

    def node(self, op, inputs, outputs=1, domain="", **attributes):
        if op in self.without:
            raise Rejected("left out")
        names = [v.name if v is not None else "" for v in inputs]
        made = [self.fresh("v") for _ in range(outputs)]
        node = helper.make_node(op, names, made, domain=domain, **attributes)
        given = {v.name: v for v in inputs if v is not None}
        given.update({v.name: v for v in self.captured(attributes)})
        found = self.run(node, list(given.values()))
        errors = self.errors(node, list(given.values()), found)
        self.nodes.append(node)
        constant = bool(given) and all(v.is_constant for v in given.values())
        result = [Value(n, a, e, constant) for n, a, e in zip(made, found, errors)]
        self.values += [v for v in result if v.array.size or self.chance(0.3)]
        return result

    def captured(self, attributes):
        """The values that subgraphs take from outside."""
        known = {v.name: v for v in self.values}
        for attribute in attributes.values():
            if isinstance(attribute, onnx.GraphProto):
                for node in attribute.node:
                    yield from (known[n] for n in node.input if n in known)
                yield from (known[o.name] for o in attribute.output if o.name in known)

    def run(self, node, given):
        """The outputs of the node alone, a check that they are ordinary, and its session."""
        graph = helper.make_graph([node], "node", [declared(v.name, v.array) for v in given],
                                  [onnx.ValueInfoProto(name=n) for n in node.output])
        try:
            self.session = session(self.model(graph))
            found = self.session.run(None, {v.name: v.array for v in given})
        except Exception as error:
            raise Rejected(f"{node.op_type}: {str(error)[:200]}")
        for array in found:
            array = np.asarray(array)
            is_fold = node.op_type.startswith(("Reduce", "Arg"))
            if is_fold and any(not v.array.size for v in given):
                raise Rejected("nothing to reduce: the result is not defined")
            if array.size > MOST_ELEMENTS or array.ndim > 6:
                raise Rejected("too large")
            if array.dtype.kind == "f" and array.size:
                largest = np.abs(array).max()
                if not np.isfinite(largest) or largest > 1e4 or 0 < largest < 1e-3:
                    raise Rejected("values beyond what is compared")
            if array.dtype.kind == "i" and array.size and np.abs(array.astype(np.float64)).max() > 1e6:
                raise Rejected("integers that may overflow")
        return [np.asarray(a) for a in found]

    def errors(self, node, given, found):
        """How far each output may be off, from running on inputs moved by what they may be off."""
        is_exact = node.op_type in EXACT and all(v.error == 0 for v in given)
        if is_exact:
            return [0.0] * len(found)
        if not any(v.is_float for v in given):
            return [2 * ROUNDING[a.dtype] * float(np.abs(a).max(initial=0)) if a.dtype in ROUNDING else 0.0
                    for a in found]
        # Both ways and as far as may be, so that no jump in between is missed.
        by = {v.name: self.moves(v) for v in given}
        there, back = ([np.asarray(a) for a in self.again(given, by, sign)] for sign in (1, -1))
        return [max(self.error(a, b), self.error(a, c)) for a, b, c in zip(found, there, back)]

    def moves(self, v):
        """By how much each element of an input is moved."""
        if not v.is_float or not v.array.size or (v.is_constant and v.error == 0):
            return None
        by = np.maximum(np.abs(v.array.astype(np.float64)) * ROUNDING[v.dtype], v.error)
        return by * self.rng.choice([-1, 1], v.shape)

    def again(self, given, by, sign):
        """The outputs on inputs that are moved."""
        moved = {v.name: v.array if by[v.name] is None
                 else np.asarray(v.array + sign * by[v.name]).astype(v.dtype) for v in given}
        try:
            return self.session.run(None, moved)
        except Exception:
            raise Rejected("it fails on inputs that are a little off")

    def error(self, a, b):
        """How far an output may be off, by what it is on moved inputs."""
        if a.shape != b.shape:
            raise Rejected("its shape depends on rounding")
        if a.dtype.kind != "f":
            if not np.array_equal(a, b):
                raise Rejected("a jump between values that rounding tells apart")
            return 0.0
        largest = float(np.abs(a).max(initial=0))
        error = float(np.abs(a.astype(np.float64) - b.astype(np.float64)).max(initial=0))
        error += 2 * ROUNDING[a.dtype] * largest
        if not error <= LIMIT[a.dtype] * largest:
            raise Rejected("rounding could show")
        return error

    def model(self, graph):
        opsets = [helper.make_opsetid("", self.opset)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=10)

    def whole(self, outputs):
        """The graph, with its outputs' types as found and lengths sometimes left open."""
        infos = []
        for v in outputs:
            infos.append(declared(v.name, v.array,
                                  [None if self.chance(0.3) else d for d in v.shape]))
        return self.model(helper.make_graph(
            self.nodes, "random", [i for i, _ in self.inputs], infos, self.initializers))


__all__ = ["Builder", "Rejected", "TensorProto", "Value", "declared", "helper", "session"]
