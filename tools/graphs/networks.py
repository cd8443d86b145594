"""The operators of networks: convolutions, pooling, products, normalisations, resizing."""

import numpy as np

from builder import Rejected
from operators import axis, is_float, operator, partner


def is_image(v):
    """[batch, channels, space...], as convolutions take."""
    return v.dtype == np.float32 and 3 <= v.rank <= 5 and v.array.size and v.shape[1] <= 16


def window(b, x, kernel, dilates=True):
    """Strides, pads and dilations of a window over the space of `x`."""
    space = len(kernel)
    attributes = {}
    dilations = [1] * space
    if dilates and b.chance(0.2):
        dilations = [b.between(1, 2) for _ in kernel]
        attributes["dilations"] = dilations
    if b.chance(0.4):
        attributes["strides"] = [b.between(1, 3) for _ in kernel]
    if b.chance(0.2):
        attributes["auto_pad"] = b.one_of(["SAME_UPPER", "SAME_LOWER", "VALID"])
    elif b.chance(0.7):
        half = [(k - 1) * d // 2 for k, d in zip(kernel, dilations)]
        pads = half + half if b.chance(0.7) else [b.between(0, h) for h in half + half]
        attributes["pads"] = pads
    # A window larger than what it slides over is refused, or has no elements.
    pads = attributes.get("pads", [0] * 2 * space)
    for i, (k, d) in enumerate(zip(kernel, dilations)):
        if (k - 1) * d + 1 > x.shape[2 + i] + pads[i] + pads[space + i]:
            raise Rejected("a window that does not fit")
    return attributes


@operator(6)
def conv(b):
    x = b.pick(is_image)
    convolve(b, x)


def convolve(b, x, keeps=False, outputs=None):
    if x.rank != 4:
        raise Rejected("only 2D yet")
    channels, space = x.shape[1], x.rank - 2
    group = 1
    if b.chance(0.3):
        group = channels if b.chance(0.6) else b.one_of(
            [g for g in range(1, channels + 1) if channels % g == 0])
    filters = outputs or group * b.between(1, max(1, 12 // group))
    if filters % group:
        group = 1
    kernel = [b.one_of([1, 3, 3, 5, 2]) for _ in range(space)]
    if b.chance(0.6):
        kernel = [b.one_of([1, 3])] * space
    if keeps:
        kernel = [k | 1 for k in kernel]
        attributes = {"pads": [(k - 1) // 2 for k in kernel] * 2}
    else:
        attributes = window(b, x, kernel)
    if b.chance(0.5):
        attributes["kernel_shape"] = kernel
    if group > 1:
        attributes["group"] = group
    scale = (channels // group * np.prod(kernel)) ** -0.5
    weight = b.weight([filters, channels // group] + kernel, low=-scale, high=scale)
    bias = [b.weight([filters])] if b.chance(0.5) else []
    return b.op("Conv", [x, weight] + bias, **attributes)


@operator(2)
def conv_transpose(b):
    x = b.pick(lambda v: is_image(v) and v.rank == 4)
    kernel = [b.between(1, 3) for _ in range(x.rank - 2)]
    group = x.shape[1] if b.chance(0.3) else 1
    attributes = {"strides": [b.between(1, 2) for _ in kernel]} if b.chance(0.6) else {}
    if b.chance(0.3):
        attributes["pads"] = [b.between(0, k // 2) for k in kernel + kernel]
    if group > 1:
        attributes["group"] = group
    weight = b.weight([x.shape[1], b.between(1, 4)] + kernel)
    b.op("ConvTranspose", [x, weight], **attributes)


@operator(3)
def pool(b):
    x = b.pick(is_image)
    op = b.one_of(["MaxPool", "AveragePool", "AveragePool"] + ["LpPool"] * (b.opset >= 18))
    kernel = [b.between(1, 3) for _ in range(x.rank - 2)]
    attributes = window(b, x, kernel, dilates=op == "MaxPool")
    if op == "AveragePool" and b.chance(0.4):
        attributes["count_include_pad"] = 1
    if attributes.get("auto_pad", "").startswith("SAME") and max(attributes.get("dilations", [1])) > 1:
        raise Rejected("onnxruntime pads as if the window were not dilated")
    if "auto_pad" not in attributes and op != "LpPool" and b.chance(0.2):
        attributes["ceil_mode"] = 1
    outputs = 2 if op == "MaxPool" and b.chance(0.2) else 1
    b.node(op, [x], outputs, kernel_shape=kernel, **attributes)


@operator(2)
def global_pool(b):
    x = b.pick(is_image)
    b.op(b.one_of(["GlobalAveragePool", "GlobalMaxPool"]), [x])


@operator(3)
def batch_normalization(b):
    normalize(b, b.pick(lambda v: is_image(v) or v.dtype == np.float32 and v.rank == 2))


def normalize(b, x):
    channels = x.shape[1]
    parameters = [b.weight([channels], low=0.5, high=1.5), b.weight([channels]),
                  b.weight([channels]), b.weight([channels], low=0.5, high=1.5)]
    attributes = {"epsilon": 1e-3} if b.chance(0.5) else {}
    return b.op("BatchNormalization", [x] + parameters, **attributes)


@operator(1)
def instance_normalization(b):
    x = b.pick(is_image)
    b.op("InstanceNormalization", [x, b.weight([x.shape[1]]), b.weight([x.shape[1]])], epsilon=0.1)


@operator(1, since=21)
def group_normalization(b):
    x = b.pick(is_image)
    groups = b.one_of([g for g in range(1, x.shape[1] + 1) if x.shape[1] % g == 0])
    b.op("GroupNormalization", [x, b.weight([x.shape[1]]), b.weight([x.shape[1]])], epsilon=0.1,
         num_groups=groups)


@operator(1)
def local_response(b):
    b.op("LRN", [b.pick(lambda v: is_image(v) and v.rank == 4)], size=b.one_of([1, 3, 5]))


@operator(2, since=17)
def layer_normalization(b):
    x = b.pick(lambda v: v.dtype == np.float32 and v.rank > 0 and v.array.size)
    a = axis(b, x)
    shape = x.shape[a:]
    bias = [b.weight(shape)] if b.chance(0.7) else []
    b.node("LayerNormalization", [x, b.weight(shape, low=0.5, high=1.5)] + bias,
           3 if b.chance(0.1) else 1, axis=a, epsilon=0.05)


@operator(1, since=23)
def rms_normalization(b):
    x = b.pick(lambda v: v.dtype == np.float32 and v.rank > 0 and v.array.size)
    a = axis(b, x)
    b.op("RMSNormalization", [x, b.weight(x.shape[a:], low=0.5, high=1.5)], axis=a, epsilon=0.05)


@operator(1)
def lp_normalization(b):
    x = b.pick(is_float)
    b.op("LpNormalization", [x], axis=axis(b, x), p=b.between(1, 2))


@operator(4)
def matrix_product(b):
    x = b.pick(lambda v: v.is_float and v.rank >= 1)
    product(b, x)


def product(b, x, outputs=None):
    k = x.shape[-1]

    def fits(v):
        return v.dtype == x.dtype and v.rank >= 2 and v.shape[-2] == k and all(
            p == q or p == 1 or q == 1 for p, q in zip(v.shape[-3::-1], x.shape[-3::-1]))

    if outputs is None and b.chance(0.3) and any(fits(v) for v in b.values):
        return b.op("MatMul", [x, b.pick(fits)])
    shape = [k, outputs or b.between(1, 9)]
    if outputs is None and b.chance(0.1):
        shape = shape[:1]
    if b.chance(0.1) and x.rank > 2:
        shape = [x.shape[-3] if b.chance(0.5) else 1] + shape
    scale = max(k, 1) ** -0.5
    return b.op("MatMul", [x, b.weight(shape, x.dtype, -scale, scale)])


@operator(2)
def gemm(b):
    x = b.pick(lambda v: v.dtype == np.float32 and v.rank == 2)
    attributes = {}
    if b.chance(0.3):
        attributes["transA"] = 1
    m, k = x.shape[::-1] if attributes else x.shape
    n = b.between(1, 9)
    shape = [k, n]
    if b.chance(0.5):
        attributes["transB"], shape = 1, [n, k]
    if b.chance(0.3):
        attributes["alpha"] = 0.5
    if b.chance(0.3):
        attributes["beta"] = 2.0
    inputs = [x, b.weight(shape, x.dtype)]
    if b.chance(0.7):
        inputs.append(b.weight(b.one_of([[n], [1, n], [m, 1], [m, n], []]), x.dtype))
    b.op("Gemm", inputs, **attributes)


@operator(1)
def einsum(b):
    equation, ranks = b.one_of([("ij,jk->ik", (2, 2)), ("bij,bjk->bik", (3, 3)), ("ij->ji", (2,)),
                                ("ij->i", (2,)), ("bij,bkj->bik", (3, 3)), ("...i,...i->...", (2, 2)),
                                ("bhid,bhjd->bhij", (4, 4)), ("i,j->ij", (1, 1))])
    x = b.pick(lambda v: v.dtype == np.float32 and v.rank == ranks[0])
    inputs = [x]
    if len(ranks) == 2:
        first, second = equation.split("->")[0].replace("...", "b").split(",")
        lengths = dict(zip(first, x.shape))
        inputs.append(b.weight([lengths.get(c, b.between(1, 4)) for c in second]))
    b.op("Einsum", inputs, equation=equation)


@operator(2)
def resize(b):
    x = b.pick(lambda v: is_image(v) and v.rank == 4)
    mode = b.one_of(["nearest", "linear", "cubic"])
    attributes = {"mode": mode, "coordinate_transformation_mode": b.one_of(
        ["half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel"])}
    if mode == "nearest":
        attributes["nearest_mode"] = b.one_of(
            ["round_prefer_floor", "floor", "ceil", "round_prefer_ceil"])
    if b.chance(0.5):
        scales = [1.0, 1.0] + [b.one_of([0.5, 1.0, 2.0, 3.0]) for _ in range(2)]
        inputs = [x, None, b.constant(np.asarray(scales, np.float32))]
    else:
        sizes = list(x.shape[:2]) + [b.between(1, 2 * d) for d in x.shape[2:]]
        inputs = [x, None, None, b.integers(sizes)]
    b.op("Resize", inputs, **attributes)


@operator(1)
def recurrent(b):
    x = b.pick(lambda v: v.dtype == np.float32 and v.rank == 3 and v.array.size)
    op, gates = b.one_of([("LSTM", 4), ("GRU", 3), ("RNN", 1)])
    hidden, directions = b.between(1, 5), b.between(1, 2)
    weights = [b.weight([directions, gates * hidden, x.shape[2]], low=-0.5, high=0.5),
               b.weight([directions, gates * hidden, hidden], low=-0.5, high=0.5)]
    if b.chance(0.6):
        weights.append(b.weight([directions, 2 * gates * hidden]))
    direction = "bidirectional" if directions == 2 else b.one_of(["forward", "reverse"])
    attributes = {"linear_before_reset": 1} if op == "GRU" and b.chance(0.5) else {}
    b.node(op, [x] + weights, 2, hidden_size=hidden, direction=direction, **attributes)


@operator(1)
def quantized(b):
    x = b.pick(lambda v: v.dtype == np.float32)
    scale = b.constant(np.asarray(b.one_of([0.05, 0.1, 0.25]), np.float32))
    kind = b.one_of([np.uint8, np.int8])
    zero = b.constant(np.asarray(b.between(0, 20), kind))
    q = b.op("QuantizeLinear", [x, scale, zero])
    b.op("DequantizeLinear", [q, scale, zero])


@operator(1)
def channel_slope(b):
    x = b.pick(is_image)
    slope = b.weight([x.shape[1]] + [1] * (x.rank - 2), low=0.1, high=0.4)
    b.op("PRelu", [x, slope])


__all__ = ["Rejected", "convolve", "is_image", "normalize", "partner", "product"]
