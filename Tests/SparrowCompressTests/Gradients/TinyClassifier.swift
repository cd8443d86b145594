import Foundation
import SparrowCompress
import SparrowCore
import SparrowTestSupport

/// A classifier of two matrix products, as a graph and as plain float64 arithmetic.
struct TinyClassifier {
  let graph: Graph
  let data: TensorData
  let labels: [Int]
  private let x: [Double]
  private static let (inputs, hidden, classes, samples) = (4, 6, 3, 20)

  init(seed: UInt64, withLabels: Bool = true) throws {
    var random = SeededGenerator(seed: seed)
    func tensor(_ shape: [Int]) -> Tensor {
      Tensor(
        (0..<shape.elementCount).map { _ in Float.random(in: -1...1, using: &random) },
        shape: shape)
    }
    var graph = Graph(name: "tiny")
    let input = graph.addInput(
      "x", TensorType(.float32, [.symbol("n"), .known(Self.inputs)]))
    let first = graph.addConstant("w0", tensor([Self.inputs, Self.hidden]))
    let second = graph.addConstant("w1", tensor([Self.classes, Self.hidden]))
    let bias = graph.addConstant("b1", tensor([Self.classes]))
    let inner = try graph.add(
      .matMul(MatMul(activation: .tanh)), [input, first], name: "inner")
    graph.outputs = [
      try graph.add(.gemm(Gemm(transposesB: true)), [inner, second, bias], name: "scores")
    ]
    self.graph = graph
    let samples = tensor([Self.samples, Self.inputs])
    x = samples.doubles
    labels = (0..<Self.samples).map { _ in Int.random(in: 0..<Self.classes, using: &random) }
    data = TensorData([samples], labels: withLabels ? labels : nil)
  }

  var weights: [[Double]] {
    ["w0", "w1"].map { name in graph.constant(named: name)?.doubles ?? [] }
  }

  /// The scores of a sample.
  func scores(_ sample: Int, _ weights: [[Double]]) -> [Double] {
    let (n, h) = (Self.inputs, Self.hidden)
    let inner = (0..<h).map { j in
      tanh((0..<n).reduce(0.0) { $0 + x[sample * n + $1] * weights[0][$1 * h + j] })
    }
    let bias = graph.constant(named: "b1")?.doubles ?? []
    return (0..<Self.classes).map { c in
      (0..<h).reduce(bias[c]) { $0 + inner[$1] * weights[1][c * h + $1] }
    }
  }

  /// The mean cross entropy of samples.
  func loss(_ samples: some Collection<Int>, _ weights: [[Double]]) -> Double {
    samples.reduce(0.0) { sum, sample in
      let scores = scores(sample, weights)
      let largest = scores.max() ?? 0
      let logSum = largest + log(scores.reduce(0) { $0 + exp($1 - largest) })
      return sum + logSum - scores[labels[sample]]
    } / Double(samples.count)
  }

  /// Central differences of the loss.
  func gradient(_ samples: some Collection<Int>, _ weights: [[Double]]) -> [[Double]] {
    let step = 1e-5
    return weights.indices.map { layer in
      weights[layer].indices.map { i in
        var (ahead, behind) = (weights, weights)
        ahead[layer][i] += step
        behind[layer][i] -= step
        return (loss(samples, ahead) - loss(samples, behind)) / (2 * step)
      }
    }
  }

  var sampleCount: Int { Self.samples }

  /// The two weights as layers.
  var layers: [Layer] {
    let uses = graph.weights()
    return uses.enumerated().map { i, use in
      Layer(
        name: graph[use.value].name, node: graph.nodes[use.node].name, use: use,
        weight: graph[use.value].constant ?? Tensor([Float]()), isFirst: i == 0,
        isLast: i == uses.count - 1)
    }
  }

  func context(sparsity: Double = 0.5, threads: Int = 2) -> NetworkContext {
    NetworkContext(
      graph: graph, original: graph, sparsity: sparsity,
      calibration: CalibrationRun(data, threads: threads))
  }
}

extension Graph {
  /// The tensor of a constant.
  func constant(named name: String) -> Tensor? {
    values.first { $0.name == name }?.constant
  }
}

/// The largest difference of two lists as a share of the second's largest magnitude.
func relativeDifference(_ a: [Double], _ b: [Double]) -> Double {
  guard a.count == b.count else { return .infinity }
  let largest = b.reduce(0) { max($0, abs($1)) }
  return zip(a, b).reduce(0) { max($0, abs($1.0 - $1.1)) } / max(largest, .leastNormalMagnitude)
}

extension Scores {
  var doubles: [Double] { (0..<count).map { Double(self[$0]) } }
}
