"""Operators that sample, detect and transform signals."""

import numpy as np

from networks import is_image
from operators import operator


def is_plane(v):
    return is_image(v) and v.rank == 4


@operator(1, since=16)
def grid_sample(b):
    x = b.pick(is_plane)
    points = [x.shape[0], b.between(1, 5), b.between(1, 5), 2]
    grid = b.constant(b.random("float32", points, -1.2, 1.2))
    modes = ["linear", "nearest", "cubic"] if b.opset >= 20 else ["bilinear", "nearest", "bicubic"]
    mode = b.one_of(modes)
    # Beyond the edge, onnxruntime's cubic interpolation is not that of the specification.
    padding = "zeros" if "cubic" in mode else b.one_of(["zeros", "border", "reflection"])
    b.op("GridSample", [x, grid], mode=mode, align_corners=b.between(0, 1), padding_mode=padding)


@operator(1, since=16)
def roi_align(b):
    x = b.pick(is_plane)
    count = b.between(1, 3)
    corner = b.rng.uniform(0, 3, (count, 2))
    rois = np.concatenate([corner, corner + b.rng.uniform(1, 5, (count, 2))], 1)
    which = b.rng.integers(0, x.shape[0], count).astype(np.int64)
    b.op("RoiAlign", [x, b.constant(rois.astype(np.float32)), b.constant(which)],
         output_height=b.between(1, 3), output_width=b.between(1, 3), sampling_ratio=b.between(0, 2),
         spatial_scale=b.one_of([1.0, 0.5]))


@operator(1)
def non_max_suppression(b):
    boxes, classes = b.between(1, 6), b.between(1, 2)
    corner = b.rng.uniform(0, 1, (1, boxes, 2))
    array = np.concatenate([corner, corner + b.rng.uniform(0.2, 1, (1, boxes, 2))], 2)
    scores = b.rng.permutation(classes * boxes).reshape(1, classes, boxes) / 10
    inputs = [b.input(array.astype(np.float32)), b.input(scores.astype(np.float32)),
              b.integers([b.between(1, 4)]), b.constant(np.asarray([0.4], np.float32)),
              b.constant(np.asarray([0.05], np.float32))]
    b.op("NonMaxSuppression", inputs)


@operator(1, since=17)
def fourier(b):
    x = b.pick(lambda v: v.dtype == np.float32 and 1 <= v.rank <= 3 and v.array.size)
    y = b.op("Unsqueeze", [x, b.integers([-1])])
    along = b.between(1, y.rank - 2) if y.rank > 2 else 0
    attributes = {"onesided": b.between(0, 1)}
    if b.opset >= 20:
        b.op("DFT", [y, None, b.constant(np.asarray(along, np.int64))], **attributes)
    else:
        b.op("DFT", [y], axis=along, **attributes)


@operator(1, since=17)
def window_function(b):
    op = b.one_of(["HannWindow", "HammingWindow", "BlackmanWindow"])
    b.op(op, [b.constant(np.asarray(b.between(2, 9), np.int64))], periodic=b.between(0, 1))


@operator(1)
def reverse_sequence(b):
    x = b.pick(lambda v: v.dtype == np.float32 and v.rank >= 2 and v.array.size)
    lengths = b.rng.integers(1, x.shape[0] + 1, x.shape[1]).astype(np.int64)
    b.op("ReverseSequence", [x, b.constant(lengths)], batch_axis=1, time_axis=0)


@operator(1)
def eye_like(b):
    b.op("EyeLike", [b.pick(lambda v: v.rank == 2 and v.dtype == np.float32)], k=b.between(-2, 2))


@operator(1)
def integer_product(b):
    x = b.pick(lambda v: v.dtype == np.float32 and v.rank >= 2 and v.array.size)
    q, _, zero = b.node("DynamicQuantizeLinear", [x], 3)
    weight = b.constant(b.rng.integers(0, 200, (x.shape[-1], b.between(1, 5))).astype(np.uint8))
    b.op("MatMulInteger", [q, weight, zero] if b.chance(0.7) else [q, weight])


@operator(1, since=23)
def attention_operator(b):
    x = b.pick(lambda v: v.dtype == np.float32 and v.rank == 4 and v.array.size)
    keys = list(x.shape)
    keys[2] = b.between(1, 6)
    k, v = b.weight(keys), b.weight(keys)
    b.op("Attention", [x, k, v], is_causal=b.between(0, 1))


@operator(1, since=23)
def rotary(b):
    x = b.pick(lambda v: v.dtype == np.float32 and v.rank == 4 and v.array.size
               and v.shape[3] % 2 == 0)
    angles = b.rng.uniform(0, 3, (x.shape[0], x.shape[2], x.shape[3] // 2)).astype(np.float32)
    b.op("RotaryEmbedding", [x, b.constant(np.cos(angles)), b.constant(np.sin(angles))],
         interleaved=b.between(0, 1))
