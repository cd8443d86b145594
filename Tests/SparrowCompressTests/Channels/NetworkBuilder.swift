import SparrowCompress
import SparrowCore
import SparrowRuntime
import SparrowTestSupport

/// Builds networks with random weights, layer by layer.
struct NetworkBuilder {
  var graph = Graph(name: "network")
  var generator: SeededGenerator

  init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

  mutating func input(_ shape: [Int], _ name: String = "x") -> ValueID {
    graph.addInput(name, TensorType(.float32, shape: shape))
  }

  /// Values of about unit gain for weights of `fan` inputs. Large tensors repeat a table of prime
  /// length.
  mutating func random(_ shape: [Int], fan: Int, around mean: Float = 0) -> Tensor {
    let scale = 1.7 / Float(fan).squareRoot()
    let count = shape.elementCount
    let table = (0..<min(count, 4093)).map { _ in
      mean + scale * Float.random(in: -1...1, using: &generator)
    }
    var values: [Float] = []
    values.reserveCapacity(count + table.count)
    while values.count < count { values += table }
    return Tensor(values.count > count ? Array(values.prefix(count)) : values, shape: shape)
  }

  func channels(_ x: ValueID, _ axis: Int = 1) -> Int {
    graph[x].type?.dimensions?[axis].value ?? 0
  }

  mutating func convolution(
    _ x: ValueID, _ outputs: Int, kernel: Int = 3, stride: Int = 1, padding: Int? = nil,
    group: Int = 1, bias: Bool = false, name: String
  ) throws -> ValueID {
    let inputs = channels(x) / group
    let weight = random([outputs, inputs, kernel, kernel], fan: inputs * kernel * kernel)
    var ids: [ValueID?] = [x, graph.addConstant(name + ".weight", weight)]
    if bias { ids.append(graph.addConstant(name + ".bias", random([outputs], fan: 1))) }
    let pad = padding ?? kernel / 2
    let window = Window(
      kernel: [kernel, kernel], strides: [stride, stride], pads: [pad, pad, pad, pad])
    return try graph.add(.conv(Conv(window: window, group: group)), ids, name: name)
  }

  mutating func batchNorm(_ x: ValueID, name: String) throws -> ValueID {
    let count = channels(x)
    let parameters: [(String, Float)] = [("scale", 1), ("bias", 0), ("mean", 0), ("var", 3)]
    var ids: [ValueID?] = [x]
    for (suffix, mean) in parameters {
      ids.append(
        graph.addConstant("\(name).\(suffix)", random([count], fan: 9, around: mean)))
    }
    return try graph.add(.batchNormalization(BatchNormalization()), ids, name: name)
  }

  mutating func relu(_ x: ValueID, name: String) throws -> ValueID {
    try graph.add(.unary(Unary(.relu)), [x], name: name)
  }

  mutating func add(_ a: ValueID, _ b: ValueID, name: String) throws -> ValueID {
    try graph.add(.binary(Binary(.add)), [a, b], name: name)
  }

  mutating func multiply(_ a: ValueID, _ b: ValueID, name: String) throws -> ValueID {
    try graph.add(.binary(Binary(.mul)), [a, b], name: name)
  }

  /// Gemm with weights `[outputs, inputs]` and a bias.
  mutating func linear(_ x: ValueID, _ outputs: Int, name: String) throws -> ValueID {
    let inputs = channels(x)
    let weight = graph.addConstant(name + ".weight", random([outputs, inputs], fan: inputs))
    let bias = graph.addConstant(name + ".bias", random([outputs], fan: 1))
    return try graph.add(.gemm(Gemm(transposesB: true)), [x, weight, bias], name: name)
  }

  /// MatMul with weights `[inputs, outputs]`, over the last axis.
  mutating func product(_ x: ValueID, _ outputs: Int, name: String) throws -> ValueID {
    let inputs = graph[x].type?.dimensions?.last?.value ?? 0
    let weight = graph.addConstant(name + ".weight", random([inputs, outputs], fan: inputs))
    return try graph.add(.matMul(MatMul()), [x, weight], name: name)
  }

  mutating func reshape(_ x: ValueID, _ shape: [Int64], name: String) throws -> ValueID {
    let target = graph.addConstant(name + ".shape", Tensor(shape))
    return try graph.add(.reshape(Reshape()), [x, target], name: name)
  }

  mutating func classifier(_ x: ValueID, _ classes: Int) throws -> Graph {
    let pooled = try graph.add(.globalPool(GlobalPool(.average)), [x], name: "avgpool")
    let flat = try graph.add(.flatten(Flatten()), [pooled], name: "flatten")
    return try finished(linear(flat, classes, name: "fc"))
  }

  mutating func finished(_ output: ValueID) throws -> Graph {
    graph.outputs = [output]
    try graph.verify()
    return graph
  }
}

extension NetworkBuilder {
  /// torchvision's ResNet-18 (arXiv 1512.03385), with its names.
  static func resNet18(size: Int = 224, classes: Int = 1000, seed: UInt64 = 1) throws -> Graph {
    var net = NetworkBuilder(seed: seed)
    var x = try net.convolution(
      net.input([1, 3, size, size]), 64, kernel: 7, stride: 2, name: "conv1")
    x = try net.relu(net.batchNorm(x, name: "bn1"), name: "relu")
    let window = Window(kernel: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1])
    x = try net.graph.add(.pool(Pool(.max, window: window)), [x], name: "maxpool")
    for (stage, outputs) in [64, 128, 256, 512].enumerated() {
      for block in 0..<2 {
        let stride = stage > 0 && block == 0 ? 2 : 1
        x = try net.basicBlock(x, outputs, stride: stride, name: "layer\(stage + 1).\(block)")
      }
    }
    return try net.classifier(x, classes)
  }

  mutating func basicBlock(
    _ x: ValueID, _ outputs: Int, stride: Int, name: String
  ) throws -> ValueID {
    var y = try convolution(x, outputs, stride: stride, name: name + ".conv1")
    y = try relu(batchNorm(y, name: name + ".bn1"), name: name + ".relu1")
    y = try batchNorm(convolution(y, outputs, name: name + ".conv2"), name: name + ".bn2")
    var skip = x
    if stride > 1 {
      skip = try convolution(
        x, outputs, kernel: 1, stride: stride, name: name + ".downsample.0")
      skip = try batchNorm(skip, name: name + ".downsample.1")
    }
    return try relu(add(y, skip, name: name + ".add"), name: name + ".relu2")
  }
}

/// What the node of an entry is, for messages: `conv1 makes`.
func text(_ entry: ChannelEntry, _ graph: Graph) -> String {
  "\(graph.nodes[entry.node].name) \(entry.role.rawValue)"
}

/// Outputs of a graph for random inputs of its declared shapes.
func outputs(of graph: Graph, seed: UInt64) throws -> [[Float]] {
  var generator = SeededGenerator(seed: seed)
  let inputs = graph.inputs.map { id in
    let shape = graph[id].type?.shape ?? []
    return Tensor(
      (0..<shape.elementCount).map { _ in Float.random(in: -1...1, using: &generator) },
      shape: shape)
  }
  return try Session(graph).run(inputs).map { $0.floats ?? [] }
}

/// The largest difference of two outputs over the largest magnitude.
func relativeDifference(_ a: [[Float]], _ b: [[Float]]) -> Float {
  guard a.map({ $0.count }) == b.map({ $0.count }) else { return .infinity }
  let largest = a.joined().map { abs($0) }.max() ?? 0
  let difference = zip(a.joined(), b.joined()).map { abs($0 - $1) }.max() ?? 0
  return difference / max(largest, .leastNormalMagnitude)
}

/// A cut of about `fraction` of each group's channels, drawn at random; one stays of each.
func randomCut(_ groups: ChannelGroups, _ fraction: Double, seed: UInt64) -> ChannelCut {
  var generator = SeededGenerator(seed: seed)
  return ChannelCut(
    removed: groups.groups.map { group in
      let count = min(group.count - 1, Int((fraction * Double(group.count)).rounded(.up)))
      return Array(0..<group.count).shuffled(using: &generator).prefix(count).sorted()
    })
}
