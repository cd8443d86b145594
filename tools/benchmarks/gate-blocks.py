"""Gives the blocks of a residual network gates that leave a given share of channels open.

    gate-blocks.py RESNET.onnx SHARE OUTPUT.onnx

After a block's first activation comes, as in Krishna et al. 2023 (Unifying Synergies between Self-supervised
Learning and Dynamic Computation, section 3):

    logits = conv(relu(conv(mean of the block's input)))     1x1, a quarter of the channels in between
    gated  = where(logits >= 0, hidden, 0)

The last convolution's weights are small and its biases large, so that the same channels, drawn from a seed,
are open for every input.
"""
import re
import sys

import numpy
import onnx
from onnx import helper, numpy_helper


def constant(graph, name, values):
    graph.initializer.append(numpy_helper.from_array(numpy.asarray(values, numpy.float32), name))
    return name


def gate(graph, name, hidden, x, channels, share, random):
    """The nodes that close channels of `hidden`, by what the block's input `x` holds."""
    inputs, outputs = channels
    narrow = max(1, inputs // 4)
    is_open = numpy.zeros(outputs, bool)
    is_open[random.permutation(outputs)[:round(share * outputs)]] = True
    first = constant(graph, f"{name}.conv1.weight", random.normal(0, 0.1, [narrow, inputs, 1, 1]))
    second = constant(graph, f"{name}.conv2.weight", random.normal(0, 1e-4, [outputs, narrow, 1, 1]))
    bias = constant(graph, f"{name}.conv2.bias", numpy.where(is_open, 100, -100))
    zero = constant(graph, f"{name}.zero", 0)
    steps = [("GlobalAveragePool", "pool", [x]), ("Conv", "conv1", [f"{name}.pool", first]),
             ("Relu", "relu", [f"{name}.conv1"]), ("Conv", "conv2", [f"{name}.relu", second, bias]),
             ("GreaterOrEqual", "open", [f"{name}.conv2", zero]),
             ("Where", "where", [f"{name}.open", hidden, zero])]
    return [helper.make_node(op, operands, [f"{name}.{part}"], f"{name}.{part}")
            for op, part, operands in steps]


def main(source, share, target):
    model = onnx.load(source)
    graph, random = model.graph, numpy.random.default_rng(0)
    shapes = {tensor.name: list(tensor.dims) for tensor in graph.initializer}
    nodes, gated, inputs = [], {}, {}
    for node in graph.node:
        node.input[:] = [gated.get(name, name) for name in node.input]
        nodes.append(node)
        block = re.fullmatch(r"(layer\d+\.\d+)\.(conv1|relu)", node.name)
        if block and block[2] == "conv1":
            outputs, channels = shapes[node.input[1]][:2]
            inputs[block[1]] = (node.input[0], (channels, outputs))
        elif block and block[1] in inputs:
            x, channels = inputs[block[1]]
            nodes += gate(graph, f"{block[1]}.gate", node.output[0], x, channels, share, random)
            gated[node.output[0]] = nodes[-1].output[0]
    if not gated:
        sys.exit(f"{source}: no blocks named as torchvision's (layer1.0.conv1, layer1.0.relu)")
    del graph.node[:]
    graph.node.extend(nodes)
    onnx.checker.check_model(model)
    onnx.save(model, target)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(sys.argv[1], float(sys.argv[2]), sys.argv[3])
