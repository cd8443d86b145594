import SparrowCompress
import SparrowCore
import SparrowTestSupport
import Testing

/// Sums are taken in another order once channels are gone.
private let relativeTolerance: Float = 2e-5

/// Cuts part of every group and compares with the network whose readers are zeroed there, which must
/// itself differ from the whole one.
func expectCutEqualsMasked(
  _ graph: Graph, fraction: Double, seed: UInt64, sourceLocation: SourceLocation = #_sourceLocation
) throws {
  let groups = ChannelGroups(graph)
  let cut = randomCut(groups, fraction, seed: seed)
  #expect(cut.count > 0, "nothing to cut", sourceLocation: sourceLocation)
  let whole = try outputs(of: graph, seed: seed)
  let masked = try outputs(of: graph.maskingChannels(cut, of: groups), seed: seed)
  let smaller = try graph.removingChannels(cut, of: groups)
  let small = try outputs(of: smaller, seed: seed)
  #expect(relativeDifference(whole, masked) > 1e-3, sourceLocation: sourceLocation)
  #expect(
    relativeDifference(masked, small) < relativeTolerance, "seed \(seed)",
    sourceLocation: sourceLocation)
  #expect(constantCount(smaller) < constantCount(graph), sourceLocation: sourceLocation)
}

private func constantCount(_ graph: Graph) -> Int {
  graph.values.reduce(0) { $0 + ($1.constant?.count ?? 0) }
}

struct ChannelCutTests {
  struct Network: CustomTestStringConvertible, Sendable {
    var testDescription: String
    /// Names, kinds and numbers of the channels of each group.
    var groups: [String]
    var build: @Sendable (inout NetworkBuilder) throws -> Graph
  }

  @Test(arguments: networks, [UInt64(1), 2])
  func cutNetworkEqualsMaskedOne(_ network: Network, seed: UInt64) throws {
    var net = NetworkBuilder(seed: seed)
    let graph = try network.build(&net)
    let groups = ChannelGroups(graph).groups
    #expect(groups.map { "\($0.name) \($0.count) \($0.kind.rawValue)" } == network.groups)
    try expectCutEqualsMasked(graph, fraction: 0.4, seed: seed)
  }

  static let networks: [Network] = [
    Network(testDescription: "concat", groups: ["a 6 channels", "b 4 channels", "c 5 channels"]) {
      net in
      let x = net.input([2, 3, 8, 8])
      let a = try net.relu(net.convolution(x, 6, bias: true, name: "a"), name: "ra")
      let b = try net.convolution(x, 4, bias: true, name: "b")
      let both = try net.graph.add(.concat(Concat(axis: 1)), [a, b], name: "concat")
      let normed = try net.batchNorm(both, name: "bn")
      return try net.classifier(net.convolution(normed, 5, name: "c"), 4)
    },
    Network(
      testDescription: "split and slice",
      groups: ["a 3 channels", "a 5 channels", "b 4 channels", "b 2 channels"]
    ) { net in
      let x = net.input([1, 3, 6, 6])
      let a = try net.convolution(x, 8, bias: true, name: "a")
      let sizes = net.graph.addConstant("sizes", Tensor([Int64(3), 5]))
      let parts = try net.graph.add(
        .split(Split(axis: 1)), [a, sizes], name: "split", outputs: ["left", "right"])
      let left = try net.convolution(parts[0], 6, name: "b")
      let starts = net.graph.addConstant("starts", Tensor([Int64(0)]))
      let ends = net.graph.addConstant("ends", Tensor([Int64(-2)]))
      let axes = net.graph.addConstant("axes", Tensor([Int64(1)]))
      let first = try net.graph.add(.slice(Slice()), [left, starts, ends, axes], name: "slice1")
      let middle = net.graph.addConstant("middle", Tensor([Int64(4)]))
      let end = net.graph.addConstant("end", Tensor([Int64.max]))
      let rest = try net.graph.add(.slice(Slice()), [left, middle, end, axes], name: "slice2")
      let y = try net.convolution(first, 4, name: "c")
      let z = try net.convolution(parts[1], 4, name: "d")
      let sum = try net.add(y, z, name: "sum")
      let w = try net.convolution(rest, 4, name: "e")
      return try net.finished(net.add(sum, w, name: "out"))
    },
    Network(testDescription: "flatten to a matrix", groups: ["a 6 channels", "fc1 10 channels"]) {
      net in
      let x = net.input([2, 3, 5, 5])
      let a = try net.relu(net.convolution(x, 6, bias: true, name: "a"), name: "r")
      let flat = try net.reshape(a, [-1, 150], name: "flat")
      let y = try net.relu(net.linear(flat, 10, name: "fc1"), name: "r1")
      return try net.finished(net.linear(y, 3, name: "fc2"))
    },
    Network(
      testDescription: "grouped convolution, few groups",
      groups: ["a 4 channels", "b 6 channels"]
    ) { net in
      let a = try net.convolution(net.input([1, 3, 6, 6]), 8, bias: true, name: "a")
      let b = try net.convolution(a, 12, group: 2, bias: true, name: "b")
      return try net.classifier(b, 4)
    },
    Network(
      testDescription: "grouped convolution, many groups", groups: ["a 6 channels"]
    ) { net in
      let a = try net.convolution(net.input([1, 3, 6, 6]), 12, bias: true, name: "a")
      let b = try net.relu(net.convolution(a, 18, group: 6, bias: true, name: "b"), name: "r")
      return try net.classifier(b, 4)
    },
    Network(
      testDescription: "inverted residual with squeeze and excitation",
      groups: ["stem 8 channels", "expand 20 channels", "reduce 5 channels"]
    ) { net in
      let x = try net.convolution(net.input([1, 3, 8, 8]), 8, name: "stem")
      var y = try net.relu(
        net.batchNorm(net.convolution(x, 20, kernel: 1, name: "expand"), name: "bn1"), name: "r1")
      y = try net.relu(
        net.batchNorm(net.convolution(y, 20, group: 20, name: "depthwise"), name: "bn2"),
        name: "r2")
      let pooled = try net.graph.add(.globalPool(GlobalPool(.average)), [y], name: "squeeze")
      let reduced = try net.relu(
        net.convolution(pooled, 5, kernel: 1, bias: true, name: "reduce"), name: "r3")
      let gate = try net.graph.add(
        .unary(Unary(.sigmoid)),
        [net.convolution(reduced, 20, kernel: 1, bias: true, name: "excite")], name: "gate")
      y = try net.convolution(
        net.multiply(y, gate, name: "scale"), 8, kernel: 1, name: "project")
      return try net.classifier(net.add(x, y, name: "residual"), 4)
    },
    Network(
      testDescription: "attention heads", groups: ["value 4 heads", "mlp1 12 channels"]
    ) { net in try net.transformerBlock(batch: 2, sequence: 5, heads: 4, size: 6) },
    Network(
      testDescription: "transposed convolution, padding and channels last",
      groups: ["a 6 channels", "up 5 channels", "last 7 channels"]
    ) { net in
      let a = try net.convolution(net.input([1, 3, 4, 4]), 6, bias: true, name: "a")
      let weight = net.graph.addConstant("up.weight", net.random([6, 5, 2, 2], fan: 24))
      let bias = net.graph.addConstant("up.bias", net.random([5], fan: 1))
      let window = Window(kernel: [2, 2], strides: [2, 2], pads: [0, 0, 0, 0])
      let up = try net.graph.add(
        .convTranspose(ConvTranspose(window: window)), [a, weight, bias], name: "up")
      let pads = net.graph.addConstant("pads", Tensor([Int64(0), 0, 1, 0, 0, 0, 0, 1]))
      let padded = try net.graph.add(.pad(Pad()), [up, pads], name: "pad")
      let nhwc = try net.graph.add(
        .transpose(Transpose([0, 2, 3, 1])), [padded], name: "transpose")
      let y = try net.relu(net.product(nhwc, 7, name: "last"), name: "r")
      return try net.finished(net.product(y, 3, name: "out"))
    },
    Network(
      testDescription: "picked channels", groups: ["a 3 channels", "a 2 channels"]
    ) { net in
      let a = try net.convolution(net.input([1, 3, 4, 4]), 6, bias: true, name: "a")
      let evens = net.graph.addConstant("evens", Tensor([Int64(0), 2, -2]))
      let picked = try net.graph.add(.gather(Gather(axis: 1)), [a, evens], name: "gather")
      let y = try net.convolution(picked, 4, name: "b")
      let odds = net.graph.addConstant("odds", Tensor([Int64(5), 1]))
      let other = try net.graph.add(.gather(Gather(axis: 1)), [a, odds], name: "gather2")
      let z = try net.convolution(other, 4, name: "c")
      return try net.finished(net.add(y, z, name: "out"))
    },
  ]
}

extension NetworkBuilder {
  /// Pre-norm attention and a two-layer network, both residual.
  mutating func transformerBlock(
    batch: Int, sequence: Int, heads: Int, size: Int
  ) throws -> Graph {
    let width = heads * size
    let x = input([batch, sequence, width])
    let context = try attention(x, heads: heads, size: size, sequence: sequence)
    let merged = try add(x, product(context, width, name: "output"), name: "residual1")
    let hidden = try product(merged, 2 * size, name: "mlp1")
    let bias = graph.addConstant("mlp1.bias", random([2 * size], fan: 1))
    let active = try graph.add(
      .unary(Unary(.gelu)), [add(hidden, bias, name: "biased")], name: "gelu")
    return try finished(
      add(merged, product(active, width, name: "mlp2"), name: "residual2"))
  }

  private mutating func attention(
    _ x: ValueID, heads: Int, size: Int, sequence: Int
  ) throws -> ValueID {
    var parts: [ValueID] = []
    for (name, order) in [
      ("value", [0, 2, 1, 3]), ("query", [0, 2, 1, 3]), ("key", [0, 2, 3, 1]),
    ] {
      let bias = graph.addConstant(name + ".bias", random([heads * size], fan: 1))
      let y = try add(product(x, heads * size, name: name), bias, name: name + ".sum")
      let split = try reshape(
        y, [0, Int64(sequence), Int64(heads), Int64(size)], name: name + ".heads")
      parts.append(
        try graph.add(.transpose(Transpose(order)), [split], name: name + ".transpose"))
    }
    let scores = try graph.add(.matMul(MatMul()), [parts[1], parts[2]], name: "scores")
    let weights = try graph.add(.softmax(Softmax(axis: -1)), [scores], name: "softmax")
    let context = try graph.add(.matMul(MatMul()), [weights, parts[0]], name: "context")
    let back = try graph.add(.transpose(Transpose([0, 2, 1, 3])), [context], name: "back")
    return try reshape(back, [-1, Int64(sequence), Int64(heads * size)], name: "merge")
  }
}
