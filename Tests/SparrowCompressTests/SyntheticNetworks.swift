import SparrowCore
import SparrowTestSupport

/// A layer of a synthetic network.
enum SyntheticLayer {
  case convolution(outputs: Int, inputs: Int, kernel: Int)
  case depthwise(channels: Int, kernel: Int)
  /// MatMul with its weight as inputs x outputs.
  case matMul(inputs: Int, outputs: Int)
  /// Gemm with its weight as outputs x inputs.
  case gemm(outputs: Int, inputs: Int)

  var shape: [Int] {
    switch self {
    case .convolution(let outputs, let inputs, let kernel): [outputs, inputs, kernel, kernel]
    case .depthwise(let channels, let kernel): [channels, 1, kernel, kernel]
    case .matMul(let inputs, let outputs): [inputs, outputs]
    case .gemm(let outputs, let inputs): [outputs, inputs]
    }
  }

  var op: Op {
    switch self {
    case .convolution: .conv(Conv())
    case .depthwise(let channels, _): .conv(Conv(group: channels))
    case .matMul: .matMul(MatMul())
    case .gemm: .gemm(Gemm(transposesB: true))
    }
  }

  /// A shape of activations it takes.
  var inputShape: [Int] {
    switch self {
    case .convolution(_, let inputs, let kernel): [1, inputs, kernel, kernel]
    case .depthwise(let channels, let kernel): [1, channels, kernel, kernel]
    case .matMul(let inputs, _), .gemm(_, let inputs): [1, inputs]
    }
  }
}

/// Unconnected layers side by side, each with its own input: enough for everything data-free.
/// Weights are named `w0`, `w1`, ..., nodes `node0`, ...
func syntheticNetwork(
  _ layers: [SyntheticLayer], weights: (Int, [Int]) -> Tensor
) throws -> Graph {
  var graph = Graph(name: "synthetic")
  for (i, layer) in layers.enumerated() {
    let x = graph.addInput("x\(i)", TensorType(.float32, shape: layer.inputShape))
    let w = graph.addConstant("w\(i)", weights(i, layer.shape))
    graph.outputs.append(try graph.add(layer.op, [x, w], name: "node\(i)"))
  }
  return graph
}

/// Normal-like values with exact zeros and ties among them.
func randomWeights(_ shape: [Int], _ generator: inout SeededGenerator) -> Tensor {
  let levels = Bool.random(using: &generator)
  let values = (0..<shape.elementCount).map { _ in
    let value = (0..<4).reduce(Float(0)) { sum, _ in sum + .random(in: -1...1, using: &generator) }
    return levels ? (value * 3).rounded() / 8 : value
  }
  return Tensor(values, shape: shape)
}

/// A network of every kind of layer with random sizes.
func randomNetwork(seed: UInt64) throws -> Graph {
  var generator = SeededGenerator(seed: seed)
  let layers = (0..<6).map { i -> SyntheticLayer in
    let a = Int.random(in: 1...13, using: &generator)
    let b = Int.random(in: 1...17, using: &generator)
    switch i % 4 {
    case 0: return .convolution(outputs: a, inputs: b, kernel: 1 + 2 * (i / 4))
    case 1: return .depthwise(channels: a + 1, kernel: 3)
    case 2: return .matMul(inputs: a, outputs: b)
    default: return .gemm(outputs: a, inputs: b)
    }
  }
  return try syntheticNetwork(layers) { _, shape in randomWeights(shape, &generator) }
}

extension Graph {
  /// The elements of the weight named `name`.
  func floats(_ name: String) -> [Float] {
    values.first { $0.name == name }?.constant?.floats ?? []
  }

  /// The names of all weights.
  var weightNames: [String] { weights().map { self[$0.value].name } }
}
