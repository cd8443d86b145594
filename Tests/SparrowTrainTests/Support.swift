import SparrowCompress
import SparrowCore
import SparrowRuntime
import SparrowTestSupport

@testable import SparrowTrain

/// Small networks and data that differ by their seed alone.
enum Small {
  /// Numbers of a normal distribution, nearly: sums of twelve uniform ones.
  static func normal(
    _ dtype: DType, _ shape: [Int], _ random: inout SeededGenerator, scale: Double = 1
  ) -> Tensor {
    let values = (0..<shape.elementCount).map { _ in
      scale
        * ((0..<12).reduce(0.0) { sum, _ in sum + Double.random(in: 0..<1, using: &random) } - 6)
    }
    return Tensor(dtype, shape, doubles: values)
  }

  /// inputs - hidden - classes with a relu between, for open batches.
  static func mlp(
    _ widths: [Int] = [6, 16, 3], dtype: DType = .float32, seed: UInt64 = 1
  ) throws -> Graph {
    var random = SeededGenerator(seed: seed)
    var graph = Graph(name: "mlp")
    var x = graph.addInput("x", TensorType(dtype, [.symbol("batch"), .known(widths[0])]))
    for (i, pair) in zip(widths, widths.dropFirst()).enumerated() {
      let scale = (2 / Double(pair.0)).squareRoot()
      let w = graph.addConstant(
        "w\(i)", normal(dtype, [pair.1, pair.0], &random, scale: scale))
      let b = graph.addConstant("b\(i)", normal(dtype, [pair.1], &random, scale: 0.1))
      x = try graph.add(.gemm(Gemm(transposesB: true)), [x, w, b], name: "layer\(i)")
      if i + 2 < widths.count {
        x = try graph.add(.unary(Unary(.relu)), [x], name: "relu\(i)")
      }
    }
    graph.outputs = [x]
    return graph
  }

  /// A convolution with batch normalisation, pooled, and a classifier; images [N, 2, 4, 4].
  static func convolutional(
    dtype: DType = .float32, classes: Int = 3, seed: UInt64 = 2
  ) throws -> Graph {
    var random = SeededGenerator(seed: seed)
    var graph = Graph(name: "cnn")
    let x = graph.addInput(
      "x", TensorType(dtype, [.symbol("batch"), .known(2), .known(4), .known(4)]))
    let w = graph.addConstant("conv.weight", normal(dtype, [5, 2, 3, 3], &random, scale: 0.4))
    let y = try graph.add(.conv(Conv()), [x, w], name: "conv")
    let vectors = ["scale", "bias", "mean", "variance"].map { name in
      graph.addConstant(
        "norm.\(name)",
        Tensor(
          dtype, [5],
          doubles: (0..<5).map { _ in
            name == "bias" || name == "mean"
              ? Double.random(in: -0.5...0.5, using: &random)
              : Double.random(in: 0.5...1.5, using: &random)
          }))
    }
    let normed = try graph.add(
      .batchNormalization(BatchNormalization()), [y] + vectors.map { $0 }, name: "norm")
    let active = try graph.add(.unary(Unary(.relu)), [normed], name: "relu")
    let pooled = try graph.add(.globalPool(GlobalPool(.average)), [active], name: "pool")
    let flat = try graph.add(.flatten(Flatten()), [pooled], name: "flat")
    let head = graph.addConstant("head.weight", normal(dtype, [5, classes], &random))
    let bias = graph.addConstant("head.bias", normal(dtype, [classes], &random))
    let scores = try graph.add(.gemm(Gemm()), [flat, head, bias], name: "head")
    graph.outputs = [scores]
    return graph
  }

  /// A residual block with channel gates between a first convolution and a linear layer; images
  /// [N, 2, 4, 4], embeddings [N, width].
  static func gated(
    dtype: DType = .float32, width: Int = 4, seed: UInt64 = 12
  ) throws -> Graph {
    var random = SeededGenerator(seed: seed)
    var graph = Graph(name: "gated")
    func constant(_ name: String, _ shape: [Int], _ scale: Double) -> ValueID {
      graph.addConstant(name, normal(dtype, shape, &random, scale: scale))
    }
    func conv(_ name: String, _ x: ValueID, _ shape: [Int], bias: Bool = false) throws -> ValueID {
      let pad = shape[2] / 2
      let weight = constant("\(name).weight", shape, (2 / Double(shape[1] * shape[2])).squareRoot())
      return try graph.add(
        .conv(Conv(window: Window(pads: [pad, pad, pad, pad]))),
        [x, weight, bias ? constant("\(name).bias", [shape[0]], 0.5) : nil], name: name)
    }
    func norm(_ name: String, _ x: ValueID, _ channels: Int) throws -> ValueID {
      let vectors = [1.0, 0, 0, 1].enumerated().map { i, value in
        graph.addConstant(
          "\(name).\(i)",
          Tensor(dtype, [channels], doubles: [Double](repeating: value, count: channels)))
      }
      return try graph.add(
        .batchNormalization(BatchNormalization()), [x] + vectors, name: name)
    }
    func relu(_ name: String, _ x: ValueID) throws -> ValueID {
      try graph.add(.unary(Unary(.relu)), [x], name: name)
    }
    let image = graph.addInput(
      "x", TensorType(dtype, [.symbol("batch"), .known(2), .known(4), .known(4)]))
    let x = try relu("stem.relu", try conv("stem", image, [4, 2, 1, 1]))
    let hidden = try relu("relu1", try norm("bn1", try conv("conv1", x, [3, 4, 3, 3]), 3))
    let mean = try graph.add(.globalPool(GlobalPool(.average)), [x], name: "gate.pool")
    let narrow = try norm("gate.bn", try conv("gate.conv1", mean, [2, 4, 1, 1]), 2)
    let logits = try conv("gate.conv2", try relu("gate.relu", narrow), [3, 2, 1, 1], bias: true)
    let zero = graph.addConstant("zero", Tensor(dtype, [], doubles: [0]))
    let open = try graph.add(
      .binary(Binary(.greaterOrEqual)), [logits, zero], name: "gate.open")
    let gated = try graph.add(.where(Where()), [open, hidden, zero], name: "gated")
    let y = try norm("bn2", try conv("conv2", gated, [4, 3, 3, 3]), 4)
    let sum = try relu("relu2", try graph.add(.binary(Binary(.add)), [y, x], name: "sum"))
    let pooled = try graph.add(.globalPool(GlobalPool(.average)), [sum], name: "pool")
    let flat = try graph.add(.flatten(Flatten()), [pooled], name: "features")
    let head = constant("head.weight", [4, width], 0.7)
    graph.outputs = [try graph.add(.gemm(Gemm()), [flat, head], name: "embedding")]
    return graph
  }

  /// Samples around one centre a class.
  static func clusters(
    _ count: Int, shape: [Int] = [6], classes: Int = 3, noise: Double = 0.6, seed: UInt64 = 3,
    samplesSeed: UInt64 = 4
  ) -> TensorData {
    var random = SeededGenerator(seed: seed)
    let centres = (0..<classes).map { _ in
      (0..<shape.elementCount).map { _ in Double.random(in: -1...1, using: &random) }
    }
    random = SeededGenerator(seed: samplesSeed)
    let labels = (0..<count).map { _ in Int.random(in: 0..<classes, using: &random) }
    let values = labels.flatMap { label in
      centres[label].map { Float($0 + noise * Double.random(in: -1...1, using: &random)) }
    }
    return TensorData([Tensor(values, shape: [count] + shape)], labels: labels)
  }
}

/// Checkpoints in memory, as copies.
final class MemoryStore: CheckpointStore {
  var state: [String: Tensor]?
  var saves = 0
  /// Whether what is saved gets lost, as where a run is killed before the next checkpoint.
  var isLost = false

  func save(_ state: [(String, Tensor)]) throws(TrainError) {
    guard !isLost else { return }
    saves += 1
    var copies: [String: Tensor] = [:]
    for (name, tensor) in state {
      let bytes = tensor.dense().denseBytes?.array(of: UInt8.self) ?? []
      copies[name] = Tensor(
        dtype: tensor.dtype, shape: tensor.shape, bytes: Bytes(copying: bytes))
    }
    self.state = copies
  }

  func load() throws(TrainError) -> [String: Tensor]? { state }
}

extension Graph {
  /// The constants by name.
  var tensors: [String: Tensor] {
    var result: [String: Tensor] = [:]
    for value in values {
      if let constant = value.constant { result[value.name] = constant }
    }
    return result
  }
}
