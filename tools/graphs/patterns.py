"""Groups of nodes that passes look for, and groups that nearly are."""

import numpy as np

from builder import Rejected
from networks import convolve, is_image, normalize, product
from operators import operator, partner


def scalar(b, value, dtype=np.float32):
    return b.constant(np.full(b.one_of([[], [], [1], [1, 1]]), value, dtype))


def either(b, x, y):
    return [x, y] if b.chance(0.5) else [y, x]


def sequence(v):
    return v.dtype == np.float32 and v.rank in (2, 3, 4) and v.array.size


def activate(b, x):
    op = b.one_of(["Relu", "Clip", "Sigmoid", "HardSwish", "LeakyRelu", "Tanh", "silu", "hard"])
    if op == "Clip":
        return b.op("Clip", [x, b.constant(np.float32(0)), b.constant(np.float32(6))])
    if op == "silu":
        return b.op("Mul", either(b, x, b.op("Sigmoid", [x])))
    if op == "hard" or op == "HardSwish" and b.opset < 14:
        return b.op("Mul", either(b, x, b.op("HardSigmoid", [x], alpha=1 / 6, beta=0.5)))
    return b.op(op, [x])


@operator(8)
def convolution_block(b):
    """Conv, then some of batch normalisation, scale, offset, addend and activation."""
    x = b.pick(is_image)
    keeps = b.chance(0.6)
    y = convolve(b, x, keeps, outputs=x.shape[1] if b.chance(0.5) else None)
    if b.chance(0.5):
        y = normalize(b, y)
    for op in ("Mul", "Add", "Sub", "Div"):
        if b.chance(0.2):
            shape = [y.shape[1]] + [1] * (y.rank - 2) if b.chance(0.8) else [1]
            y = b.op(op, either(b, y, b.weight(shape, low=0.5, high=1.5)))
    if y.shape == x.shape and b.chance(0.6):
        y = b.op("Add", either(b, x, y))
    if b.chance(0.7):
        activate(b, y)


@operator(4)
def scaled_input(b):
    """A scale or a batch normalisation before a convolution or a matrix product."""
    x = b.pick(lambda v: is_image(v) or sequence(v))
    if is_image(x) and b.chance(0.7):
        if b.chance(0.5):
            x = normalize(b, x)
        else:
            x = b.op("Mul", either(b, x, b.weight([x.shape[1]] + [1] * (x.rank - 2))))
        convolve(b, x)
    else:
        x = b.op(b.one_of(["Mul", "Div"]), [x, b.weight([x.shape[-1]], low=0.5, high=1.5)])
        product(b, x, b.between(1, 6))


@operator(5)
def linear_block(b):
    x = b.pick(sequence)
    n = x.shape[-1] if b.chance(0.4) else b.between(1, 9)
    y = product(b, x, n)
    if b.chance(0.7):
        y = b.op("Add", either(b, y, b.weight([n] if b.chance(0.8) else [1, n])))
    if b.chance(0.2):
        y = b.op("Mul", either(b, y, b.weight([n] if b.chance(0.5) else [1])))
    if y.shape == x.shape and b.chance(0.5):
        y = b.op("Add", either(b, x, y))
    if b.chance(0.5):
        activate(b, y)


@operator(3)
def gelu(b):
    x = b.pick(lambda v: v.dtype == np.float32)
    if b.chance(0.7):
        inner = b.op("Div", [x, scalar(b, 2**0.5)]) if b.chance(0.6) \
            else b.op("Mul", either(b, x, scalar(b, 0.5**0.5)))
        gate = b.op("Add", either(b, b.op("Erf", [inner]), scalar(b, 1 if b.chance(0.9) else 1.1)))
    else:
        cube = b.op("Pow", [x, scalar(b, 3)]) if b.chance(0.5) \
            else b.op("Mul", [x, b.op("Mul", [x, x])])
        inner = b.op("Add", either(b, x, b.op("Mul", either(b, cube, scalar(b, 0.044715)))))
        inner = b.op("Mul", either(b, inner, scalar(b, (2 / np.pi) ** 0.5)))
        gate = b.op("Add", either(b, b.op("Tanh", [inner]), scalar(b, 1)))
    half = scalar(b, 0.5)
    if b.chance(0.5):
        b.op("Mul", either(b, b.op("Mul", either(b, x, gate)), half))
    else:
        b.op("Mul", either(b, b.op("Mul", either(b, x, half)), gate))


@operator(3)
def hard_swish(b):
    x = b.pick(lambda v: v.dtype == np.float32)
    gate = b.op("Add", either(b, x, scalar(b, 3)))
    gate = b.op("Clip", [gate, b.constant(np.float32(0)), b.constant(np.float32(6))])
    six = 6 if b.chance(0.8) else 5
    order = b.between(0, 2)
    if order == 0:
        b.op("Div", [b.op("Mul", either(b, x, gate)), scalar(b, six)])
    elif order == 1:
        b.op("Mul", either(b, x, b.op("Div", [gate, scalar(b, six)])))
    else:
        b.op("Mul", either(b, b.op("Mul", either(b, x, gate)), scalar(b, 1 / six)))


def mean(b, x, axes):
    if b.opset >= 18:
        return b.op("ReduceMean", [x, b.integers(axes)])
    return b.op("ReduceMean", [x], axes=axes)


@operator(4)
def layer_norm(b):
    x = b.pick(lambda v: sequence(v) and v.shape[-1] > 1)
    axes = [-1] if b.chance(0.7) else [x.rank - 1]
    centred = b.op("Sub", [x, mean(b, x, axes)])
    square = b.op("Pow", [centred, scalar(b, 2)]) if b.chance(0.6) \
        else b.op("Mul", [centred, centred])
    variance = b.op("Add", either(b, mean(b, square, axes), scalar(b, 0.05)))
    y = b.op("Div", [centred, b.op("Sqrt", [variance])])
    shape = [x.shape[-1]] if b.chance(0.9) else [1]
    if b.chance(0.8):
        y = b.op("Mul", either(b, y, b.weight(shape, low=0.5, high=1.5)))
    if b.chance(0.7):
        b.op("Add", either(b, y, b.weight(shape)))


@operator(2)
def spelled_pool(b):
    x = b.pick(lambda v: is_image(v) and v.rank == 4)
    y = mean(b, x, [2, 3] if b.chance(0.7) else [-1, -2])
    b.op("Flatten", [y])


@operator(3)
def attention(b):
    x = b.pick(lambda v: v.dtype == np.float32 and v.rank == 3 and v.array.size)
    batch, length, width = x.shape
    heads = b.one_of([h for h in (1, 2, 3, 4) if width % h == 0])

    def split(v, perm):
        v = b.op("Reshape", [v, b.integers([0, -1 if b.chance(0.5) else length, heads, width // heads])])
        return b.op("Transpose", [v], perm=perm)

    q, k, v = (b.op("Add", either(b, product(b, x, width), b.weight([width]))) for _ in range(3))
    q, k, v = split(q, [0, 2, 1, 3]), split(k, [0, 2, 3, 1]), split(v, [0, 2, 1, 3])
    if b.chance(0.5):
        q = b.op("Mul", [q, scalar(b, (width // heads) ** -0.5)])
    y = b.op("MatMul", [b.op("Softmax", [b.op("MatMul", [q, k])], axis=-1), v])
    y = b.op("Transpose", [y], perm=[0, 2, 1, 3])
    b.op("Reshape", [y, b.integers([batch if b.chance(0.3) else 0, length, width])])


@operator(3)
def transposed_product(b):
    x = b.pick(lambda v: v.is_float and 2 <= v.rank <= 4 and v.array.size)
    perm = list(range(x.rank - 2)) + [x.rank - 1, x.rank - 2]
    y = product(b, b.op("Transpose", [x], perm=perm))
    if y.rank == x.rank and b.chance(0.5):
        b.op("Transpose", [y], perm=perm)


@operator(3)
def shape_arithmetic(b):
    """A reshape, expansion or range whose lengths are computed from a shape."""
    x = b.pick(lambda v: v.rank >= 2 and v.array.size)
    lengths = b.op("Shape", [x])
    first = b.op("Gather", [lengths, b.constant(np.asarray(0, np.int64))], axis=0)
    kind = b.between(0, 3)
    if kind == 0:
        first = b.op("Unsqueeze", [first, b.integers([0])])
        b.op("Reshape", [x, b.op("Concat", [first, b.integers([-1])], axis=0)])
    elif kind == 1:
        last = b.op("Slice", [lengths, b.integers([1]), b.integers([np.iinfo(np.int64).max])])
        count = b.op("ReduceProd", [last], keepdims=1)
        b.op("Reshape", [x, b.op("Concat", [b.integers([-1]), count], axis=0)])
    elif kind == 2:
        one = b.constant(np.asarray(1, np.int64))
        zero = b.constant(np.asarray(0, np.int64))
        b.op("Range", [zero, b.op("Mul", [first, b.constant(np.asarray(2, np.int64))]), one])
    else:
        b.op("Expand", [b.constant(b.random(x.dtype, [x.shape[-1]])), lengths])


@operator(2)
def reshape_chain(b):
    x = b.pick(lambda v: v.array.size and v.rank >= 1)
    y = b.op("Reshape", [x, b.integers([-1])])
    y = b.op("Unsqueeze", [y, b.integers([0])])
    y = b.op("Reshape", [y, b.integers(list(x.shape))])
    b.op("Identity", [b.op("Transpose", [b.op("Transpose", [y])])])


@operator(3)
def neutral(b):
    x = b.pick(lambda v: v.is_float)
    op, value = b.one_of([("Mul", 1), ("Add", 0), ("Sub", 0), ("Div", 1), ("Pow", 1)])
    constant = np.full(b.one_of([[], [1], [1] * x.rank, [1] * 5]), value, x.dtype)
    inputs = [x, b.constant(constant)]
    b.op(op, inputs[::-1] if op in ("Mul", "Add") and b.chance(0.5) else inputs)


@operator(3)
def repeated(b):
    """A node again, on the same inputs."""
    known = {v.name: v for v in b.values}
    nodes = [n for n in b.nodes if n.op_type != "Constant" and all(i in known for i in n.input)
             and not any(a.HasField("g") for a in n.attribute)]
    if not nodes:
        raise Rejected("no node")
    node = b.one_of(nodes)
    from onnx import helper
    attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    b.node(node.op_type, [known[i] for i in node.input], len(node.output), **attributes)


@operator(2)
def constants_only(b):
    """What constant folding computes."""
    x = b.constant(b.random(np.dtype("float32"), [b.between(1, 4), b.between(1, 4)]), listed=True)
    y = b.op(b.one_of(["Exp", "Relu", "Neg", "Sigmoid"]), [x])
    b.op("Transpose", [b.op("Add", [y, partner(b, y)])])


@operator(3)
def gate(b):
    """Channels that are kept or set to 0 by what the whole image holds, between convolutions."""
    x = b.pick(is_image)
    if x.rank != 4:
        raise Rejected("only 2D yet")
    hidden = convolve(b, x, outputs=b.between(2, 12))
    if b.chance(0.7):
        hidden = b.op("Relu", [hidden])
    channels = [hidden.shape[1], x.shape[1], 1, 1]
    logits = b.op("Conv", [b.op("GlobalAveragePool", [x]), b.weight(channels), b.weight(channels[:1])])
    is_open = b.op("GreaterOrEqual", [logits, scalar(b, 0)])
    y = b.op("Where", [is_open, hidden, scalar(b, 0 if b.chance(0.9) else 1)])
    for _ in range(b.between(1, 2)):
        convolve(b, y)
