"""Single operators: each function adds one node with random attributes to a Builder."""

import numpy as np

from builder import Rejected

FLOATS = ("float32", "float64", "float16")
INTEGERS = ("int32", "int64")
OPERATORS = []  # (weight, first operator set, function)


def operator(weight=1, since=1):
    def add(function):
        OPERATORS.append((weight, since, function))
        return function
    return add


def is_float(v):
    return v.is_float


def is_number(v):
    return v.is_float or v.dtype.name in INTEGERS


def partner(b, x, dtype=None):
    """A value whose shape goes with that of `x` by broadcasting, often a new constant."""
    dtype = dtype or x.dtype

    def fits(v):
        return v.dtype == dtype and all(
            p == q or p == 1 or q == 1 for p, q in zip(v.shape[::-1], x.shape[::-1]))

    if b.chance(0.5) and any(fits(v) for v in b.values):
        return b.pick(fits)
    shape = [1 if b.chance(0.3) else d for d in x.shape][b.between(0, x.rank):]
    if b.chance(0.1) and x.rank < 5:
        shape = [b.between(1, 2)] + [d if b.chance(0.5) else 1 for d in x.shape]
    array = b.random(dtype, shape)
    if array.dtype.kind == "f" and b.chance(0.2):
        array = np.full(shape, b.one_of([0, 1, 2, 0.5, 3]), dtype)
    return b.input(array) if b.chance(0.15) else b.constant(array, listed=b.chance(0.3))


def ordered(b, x, y):
    return [x, y] if b.chance(0.6) else [y, x]


def axis(b, x):
    if x.rank == 0:
        raise Rejected("a scalar has no axis")
    return b.between(-x.rank, x.rank - 1)


def some_axes(b, x, most=None):
    count = b.between(0 if b.chance(0.1) else 1, most or x.rank) if x.rank else 0
    axes = [int(a) for a in b.rng.permutation(x.rank)[:count]]
    return [a - x.rank if b.chance(0.3) else a for a in axes]


UNARY = {
    "Abs": 1, "Ceil": 1, "Cos": 1, "Elu": 1, "Erf": 1, "Exp": 1, "Floor": 1, "Gelu": 20,
    "HardSigmoid": 1, "HardSwish": 14, "LeakyRelu": 1, "Log": 1, "Neg": 1, "Reciprocal": 1,
    "Relu": 1, "Round": 1, "Sigmoid": 1, "Sign": 1, "Sin": 1, "Softplus": 1, "Softsign": 1,
    "Sqrt": 1, "Tanh": 1, "IsNaN": 1, "IsInf": 1, "Selu": 1, "Celu": 1, "Mish": 18, "Tan": 1,
    "Asin": 1, "Acos": 1, "Atan": 1, "Sinh": 1, "Cosh": 1, "Asinh": 1, "Acosh": 1, "Atanh": 1,
    "ThresholdedRelu": 1, "Shrink": 1, "Identity": 1,
}
ALPHA = ("Elu", "LeakyRelu", "HardSigmoid", "Celu", "ThresholdedRelu")


@operator(8)
def unary(b):
    op = b.one_of([n for n, since in UNARY.items() if since <= b.opset])
    attributes = {}
    if op in ALPHA and b.chance(0.7):
        attributes["alpha"] = float(np.float32(b.rng.uniform(0.1, 0.6)))
    if op == "HardSigmoid" and b.chance(0.5):
        attributes["beta"] = float(np.float32(b.rng.uniform(0.1, 0.6)))
    if op == "Gelu" and b.chance(0.5):
        attributes["approximate"] = "tanh"
    b.op(op, [b.pick(is_float)], **attributes)


@operator(2)
def integer_unary(b):
    x = b.pick(lambda v: v.dtype.name in INTEGERS)
    b.op(b.one_of(["Abs", "Neg", "Sign", "Identity"] + ["BitwiseNot"] * (b.opset >= 18)), [x])


@operator(1)
def logical_not(b):
    b.op("Not", [b.pick(lambda v: v.dtype == bool)])


@operator(8)
def binary(b):
    x = b.pick(is_number)
    ops = ["Add", "Sub", "Mul", "Div", "Add", "Mul"] + ["Pow", "PRelu"] * x.is_float
    op = b.one_of(ops)
    y = partner(b, x)
    if op == "PRelu":
        b.op(op, [x, y])
        return
    inputs = ordered(b, x, y)
    if op == "Div" and not x.is_float and not np.all(inputs[1].array):
        raise Rejected("division by zero")
    b.op(op, inputs)


@operator(2)
def extreme(b):
    x = b.pick(is_number)
    op = b.one_of(["Max", "Min"] + ["Sum", "Mean"] * x.is_float)
    inputs = [x] + [partner(b, x) for _ in range(b.between(0, 2))]
    b.op(op, inputs)


@operator(2)
def comparison(b):
    x = b.pick(is_number)
    op = b.one_of(["Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual"])
    b.op(op, ordered(b, x, partner(b, x)))


@operator(1)
def logical(b):
    x = b.pick(lambda v: v.dtype == bool)
    b.op(b.one_of(["And", "Or", "Xor"]), ordered(b, x, partner(b, x)))


@operator(1)
def modulo(b):
    x = b.pick(is_number)
    inputs = ordered(b, x, partner(b, x))
    if not np.all(inputs[1].array):
        raise Rejected("division by zero")
    b.op("Mod", inputs, **({"fmod": 1} if x.is_float or b.chance(0.3) else {}))


@operator(1, since=18)
def bitwise(b):
    x = b.pick(lambda v: v.dtype.name in INTEGERS)
    b.op(b.one_of(["BitwiseAnd", "BitwiseOr", "BitwiseXor"]), ordered(b, x, partner(b, x)))


@operator(2)
def where(b):
    x = b.pick()
    condition = partner(b, x, np.dtype(bool))
    b.op("Where", [condition] + ordered(b, x, partner(b, x)))


@operator(2)
def clip(b):
    x = b.pick(is_number)
    low, high = sorted(float(f) for f in b.rng.uniform(-3, 3, 2))
    bounds = [b.constant(np.asarray(low).astype(x.dtype)) if b.chance(0.8) else None,
              b.constant(np.asarray(high).astype(x.dtype)) if b.chance(0.8) else None]
    b.op("Clip", [x] + bounds)


@operator(3)
def cast(b):
    x = b.pick()
    to = b.one_of(["float32", "float32", "float16", "float64", "int32", "int64", "bool", "uint8"])
    if to == "uint8" and x.array.size and (x.array.min() < 0 or x.array.max() > 255):
        raise Rejected("conversion beyond the type")
    if b.opset >= 15 and b.chance(0.2):
        b.op("CastLike", [x, b.constant(np.zeros(1, to))])
    else:
        from onnx import helper
        b.op("Cast", [x], to=helper.np_dtype_to_tensor_dtype(np.dtype(to)))


@operator(3)
def reduction(b):
    names = ["ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1",
             "ReduceL2", "ReduceSumSquare", "ReduceLogSum", "ReduceLogSumExp"]
    op = b.one_of(names[:4] + names)
    # Roots and logarithms of integers are cut off to integers: rounding shows.
    x = b.pick(is_float if op.startswith(("ReduceL2", "ReduceLog")) else is_number)
    axes = some_axes(b, x)
    attributes = {} if b.chance(0.4) else {"keepdims": b.between(0, 1)}
    as_input = b.opset >= (13 if op == "ReduceSum" else 18)
    if b.chance(0.2) or not axes:
        if as_input and b.chance(0.3):
            attributes["noop_with_empty_axes"] = 1
        b.op(op, [x], **attributes)
    elif as_input:
        b.op(op, [x, b.integers(axes)], **attributes)
    else:
        b.op(op, [x], axes=axes, **attributes)


@operator(1)
def arg_extreme(b):
    x = b.pick(is_number)
    b.op(b.one_of(["ArgMax", "ArgMin"]), [x], axis=axis(b, x), keepdims=b.between(0, 1),
         select_last_index=b.between(0, 1))


@operator(2)
def softmax(b):
    x = b.pick(is_float)
    b.op(b.one_of(["Softmax", "Softmax", "LogSoftmax", "Hardmax"]), [x], axis=axis(b, x))


@operator(1)
def cumulative(b):
    x = b.pick(is_number)
    b.op("CumSum", [x, b.constant(np.asarray(axis(b, x), np.int64))], exclusive=b.between(0, 1),
         reverse=b.between(0, 1))


@operator(1)
def top_k(b):
    x = b.pick(lambda v: is_number(v) and v.rank > 0)
    a = axis(b, x)
    k = b.between(0 if b.chance(0.1) else 1, max(1, x.shape[a]))
    b.node("TopK", [x, b.integers([k])], 2, axis=a, largest=b.between(0, 1))


@operator(1)
def unique(b):
    x = b.pick(lambda v: v.dtype.name in INTEGERS or v.dtype == np.float32)
    attributes = {"axis": axis(b, x)} if b.chance(0.5) and x.rank else {}
    b.node("Unique", [x], b.one_of([1, 4]), sorted=b.between(0, 1), **attributes)


@operator(1)
def non_zero(b):
    # Of a scalar, onnxruntime's result is not that of the specification.
    b.op("NonZero", [b.pick(lambda v: v.rank > 0)])
