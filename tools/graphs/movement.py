"""Operators that move values: each function adds one node to a Builder."""

import numpy as np

from builder import Rejected
from operators import axis, operator, partner, some_axes


def factored(b, count, rank):
    """`rank` lengths whose product is `count`."""
    shape = [1] * rank
    rest = count
    for p in (2, 3, 5, 7, 11, 13, 17):
        while rest % p == 0 and rest > 1:
            shape[b.between(0, rank - 1)] *= p
            rest //= p
    shape[0] *= rest
    return shape


@operator(3)
def reshape(b):
    x = b.pick()
    rank = b.between(0 if x.array.size == 1 else 1, 5)
    attributes = {}
    if x.array.size == 0:
        target, attributes = list(x.shape[::-1]), {"allowzero": 1} if b.opset >= 14 else {}
    else:
        target = factored(b, x.array.size, rank) if rank else []
        if target and b.chance(0.5):
            target[b.between(0, len(target) - 1)] = -1
        for i in range(min(len(target), x.rank)):
            if target[i] == x.shape[i] and b.chance(0.5):
                target[i] = 0
    b.op("Reshape", [x, b.integers(target)], **attributes)


@operator(1)
def flatten(b):
    x = b.pick()
    b.op("Flatten", [x], axis=b.between(-x.rank, x.rank))


@operator(2)
def squeeze(b):
    x = b.pick(lambda v: 1 in v.shape)
    axes = [i for i, d in enumerate(x.shape) if d == 1 and b.chance(0.7)]
    axes = [a - x.rank if b.chance(0.3) else a for a in axes]
    b.op("Squeeze", [x] + ([b.integers(axes)] if axes and b.chance(0.8) else []))


@operator(2)
def unsqueeze(b):
    x = b.pick(lambda v: v.rank < 5)
    count = b.between(1, 5 - x.rank)
    axes = [int(a) for a in b.rng.permutation(x.rank + count)[:count]]
    axes = [a - x.rank - count if b.chance(0.3) else a for a in axes]
    b.op("Unsqueeze", [x, b.integers(axes)])


@operator(3)
def transpose(b):
    x = b.pick()
    b.op("Transpose", [x], **({} if x.rank == 0 or b.chance(0.3) else
                              {"perm": [int(p) for p in b.rng.permutation(x.rank)]}))


@operator(2)
def concat(b):
    x = b.pick(lambda v: v.rank > 0)
    a = axis(b, x)
    inputs = [x]
    for _ in range(b.between(0, 2)):
        def fits(v):
            return v.dtype == x.dtype and v.rank == x.rank and all(
                v.shape[i] == x.shape[i] for i in range(x.rank) if i != a % x.rank)
        if b.chance(0.6):
            inputs.append(b.pick(fits))
        else:
            shape = list(x.shape)
            shape[a] = b.between(0 if b.chance(0.1) else 1, 3)
            inputs.append(b.constant(b.random(x.dtype, shape)))
    b.op("Concat", inputs, axis=a)


@operator(2)
def split(b):
    x = b.pick(lambda v: v.rank > 0)
    a = axis(b, x)
    length = x.shape[a]
    if length == 0:
        raise Rejected("nothing to split")
    count = b.between(1, min(4, length))
    if b.chance(0.5):
        cuts = sorted(b.between(0, length) for _ in range(count - 1))
        sizes = [q - p for p, q in zip([0] + cuts, cuts + [length])]
        b.node("Split", [x, b.integers(sizes)], count, axis=a)
    elif b.opset >= 18:
        b.node("Split", [x], count, axis=a, num_outputs=count)
    elif length % count == 0:
        b.node("Split", [x], count, axis=a)


@operator(3)
def slice_(b):
    x = b.pick(lambda v: v.rank > 0)
    axes = some_axes(b, x)
    starts, ends, steps = [], [], []
    for a in axes:
        length, step = x.shape[a], b.one_of([1, 1, 1, 2, 3, -1, -2])
        p, q = sorted(b.between(-1, length + 1) for _ in range(2))
        p, q = max(p, 0), max(q, 0)
        starts.append(p if step > 0 else q)
        ends.append(q if step > 0 else p)
        if b.chance(0.3):
            ends[-1] = np.iinfo(np.int64).max if step > 0 else -np.iinfo(np.int64).max
        elif b.chance(0.3):
            starts[-1] -= length
        steps.append(step)
    kind = np.int32 if b.chance(0.2) and max(map(abs, ends), default=0) < 1 << 30 else np.int64
    inputs = [b.constant(np.asarray(i, kind)) for i in (starts, ends, axes, steps)]
    b.op("Slice", [x] + (inputs[:3] if all(s == 1 for s in steps) and b.chance(0.5) else inputs))


def indices(b, length, shape, kind=None):
    if length == 0:
        raise Rejected("nothing to take from")
    array = b.rng.integers(-length, length, shape)
    return array.astype(kind or b.one_of([np.int64, np.int64, np.int32]))


@operator(2)
def gather(b):
    x = b.pick(lambda v: v.rank > 0)
    a = axis(b, x)
    shape = [b.between(0 if b.chance(0.1) else 1, 4) for _ in range(b.between(0, 2))]
    array = indices(b, x.shape[a], shape)
    index = b.input(array) if b.chance(0.2) else b.constant(array)
    b.op("Gather", [x, index], axis=a)


@operator(1)
def gather_elements(b):
    x = b.pick(lambda v: v.rank > 0)
    a = axis(b, x)
    shape = [b.between(1, d) if d else 0 for d in x.shape]
    b.op("GatherElements", [x, b.constant(indices(b, x.shape[a], shape))], axis=a)


@operator(1)
def gather_nd(b):
    x = b.pick(lambda v: v.rank > 0 and v.array.size)
    depth = b.between(1, x.rank)
    outer = [b.between(1, 3) for _ in range(b.between(0, 2))]
    columns = [indices(b, x.shape[i], outer, np.int64) for i in range(depth)]
    b.op("GatherND", [x, b.constant(np.stack(columns, -1))])


@operator(1)
def scatter_elements(b):
    x = b.pick(lambda v: v.rank > 0 and v.array.size)
    a = axis(b, x) % x.rank
    shape = [b.between(1, d) for d in x.shape]
    # Each place once: the order of several writes is not defined.
    order = np.argsort(b.rng.random([d if i != a else x.shape[a] for i, d in enumerate(shape)]), a)
    index = np.take(order, np.arange(shape[a]), a).astype(np.int64)
    b.op("ScatterElements", [x, b.constant(index), b.constant(b.random(x.dtype, shape))], axis=a)


@operator(1)
def scatter_nd(b):
    x = b.pick(lambda v: v.rank > 0 and v.array.size)
    depth = b.between(1, x.rank)
    places = int(np.prod(x.shape[:depth]))
    count = b.between(1, min(4, places))
    flat = b.rng.permutation(places)[:count]
    index = np.stack(np.unravel_index(flat, x.shape[:depth]), -1).astype(np.int64)
    updates = b.random(x.dtype, [count] + list(x.shape[depth:]))
    b.op("ScatterND", [x, b.constant(index), b.constant(updates)])


@operator(2)
def expand(b):
    x = b.pick(lambda v: v.rank < 5)
    shape = [b.between(1, 3) if d == 1 else (1 if b.chance(0.3) else d) for d in x.shape]
    shape = [b.between(1, 3) for _ in range(b.between(0, 4 - x.rank))] + shape if x.rank < 4 else shape
    b.op("Expand", [x, b.integers(shape)])


@operator(1)
def tile(b):
    x = b.pick()
    b.op("Tile", [x, b.integers([b.between(0 if b.chance(0.05) else 1, 3) for _ in x.shape])])


@operator(2)
def pad(b):
    x = b.pick(lambda v: v.dtype.kind != "b" and v.rank > 0)
    mode = b.one_of(["constant", "constant", "edge", "reflect"] + ["wrap"] * (b.opset >= 19))
    low = -1 if mode == "constant" else 0
    pads = [b.between(low, 2) for _ in range(2 * x.rank)]
    for i, length in enumerate(x.shape):
        most = {"constant": 2, "edge": 2, "reflect": length - 1, "wrap": length}[mode]
        for j in (i, i + x.rank):
            pads[j] = max(-length // 2, min(pads[j], most)) if length else max(0, pads[j])
    inputs = [x, b.integers(pads)]
    if mode == "constant" and b.chance(0.5):
        inputs.append(b.constant(b.random(x.dtype, [])))
    b.op("Pad", inputs, mode=mode)


@operator(2)
def identity(b):
    x = b.pick()
    if x.is_float and b.chance(0.4):
        b.node("Dropout", [x], b.between(1, 2))
    else:
        b.op("Identity", [x])


@operator(1)
def shape(b):
    x = b.pick()
    attributes = {"start": b.between(-x.rank, x.rank)} if b.opset >= 15 and b.chance(0.5) else {}
    b.op(b.one_of(["Shape", "Shape", "Size"]) if not attributes else "Shape", [x], **attributes)


@operator(1)
def trilu(b):
    x = b.pick(lambda v: v.rank >= 2)
    k = [b.constant(np.asarray(b.between(-3, 3), np.int64))] if b.chance(0.7) else []
    b.op("Trilu", [x] + k, upper=b.between(0, 1))


@operator(1)
def blocks(b):
    x = b.pick(lambda v: v.rank == 4 and v.dtype == np.float32)
    n, c, h, w = x.shape
    if c % 4 == 0 and c and b.chance(0.5):
        mode = {"mode": b.one_of(["DCR", "CRD"])}
        b.op("DepthToSpace", [x], blocksize=2, **mode)
    elif h % 2 == 0 and w % 2 == 0:
        b.op("SpaceToDepth", [x], blocksize=2)


@operator(1)
def one_hot(b):
    x = b.pick(lambda v: v.dtype.name == "int64" and v.rank < 4)
    depth = b.between(1, 6)
    values = b.constant(np.asarray([0, 1], b.one_of(["float32", "int64"])))
    b.op("OneHot", [x, b.constant(np.asarray(depth, np.int64)), values],
         axis=b.between(-x.rank - 1, x.rank))


@operator(1)
def compress(b):
    x = b.pick(lambda v: v.rank > 0)
    a = axis(b, x)
    keep = b.rng.integers(0, 2, x.shape[a]).astype(bool)
    condition = b.input(keep) if b.chance(0.5) else b.constant(keep)
    b.op("Compress", [x, condition], axis=a)


@operator(1)
def constant_of_shape(b):
    from onnx import numpy_helper
    shape = [b.between(0 if b.chance(0.1) else 1, 4) for _ in range(b.between(0, 4))]
    kind = b.one_of(["float32", "int64", "bool", "float64"])
    b.op("ConstantOfShape", [b.integers(shape)],
         value=numpy_helper.from_array(b.random(np.dtype(kind), [1])))


@operator(1)
def range_(b):
    start, count, step = b.between(-3, 3), b.between(0, 6), b.one_of([1, 2, -1])
    kind = b.one_of(["int64", "int32", "float32"])
    made = [np.asarray(v, kind) for v in (start, start + count * step, step)]
    b.op("Range", [b.input(m) if b.chance(0.15) else b.constant(m) for m in made])
