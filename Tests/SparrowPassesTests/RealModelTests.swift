import Foundation
import SparrowCore
import SparrowFormats
import SparrowPasses
import SparrowRuntime
import SparrowTestSupport
import Testing

/// Whole pipelines on trained networks, which lie beside the package.
@Suite struct RealModelTests {
  struct Model: Sendable, CustomTestStringConvertible {
    var file: String
    var inputShape: [Int]
    /// Operators and fused activations after `.deployment`, and how many of each.
    var deployed: [String: Int]
    var testDescription: String { file }

    var path: String? { Repository.shared("models/" + file) }
  }

  static let models = [
    Model(
      file: "mnist-mlp.onnx", inputShape: [2, 784], deployed: ["MatMul": 1, "MatMul relu": 2]),
    Model(
      file: "resnet20-cifar10.onnx", inputShape: [2, 3, 32, 32],
      deployed: [
        "Conv": 2, "Conv relu": 10, "Conv addend relu": 9, "GlobalAveragePool": 1, "Flatten": 1,
        "Gemm": 1,
      ]),
    Model(
      file: "efficientnet-lite0.onnx", inputShape: [1, 3, 224, 224],
      deployed: [
        "Conv": 7, "Conv addend": 9, "Conv clip": 33, "GlobalAveragePool": 1, "Flatten": 1,
        "Gemm": 1,
      ]),
  ].filter { $0.path != nil }

  @Test(
    .enabled(if: !models.isEmpty, "no trained networks: set SPARROW_SHARED"), arguments: models)
  func pipelinesKeepOutputs(model: Model) throws {
    let graph = try ONNX.read(try #require(model.path))
    var random = SeededGenerator(seed: 11)
    let input = random.tensor(model.inputShape, in: -1...1)
    let expected = try Session(graph).run([input])

    var clean = graph
    try PassDriver(pipeline: .cleanup).run(&clean)
    #expect(largestDifference(expected, try Session(clean).run([input])) == Tolerance.exact)

    var deployed = graph
    try PassDriver(pipeline: .deployment).run(&deployed)
    #expect(operators(of: deployed) == model.deployed)
    let found = try Session(deployed).run([input])
    #expect(largestDifference(expected, found) <= Tolerance.rounding)
    let log = try PassDriver(pipeline: .deployment).run(&deployed)
    #expect(log.isEmpty, "a second run finds nothing to do")
  }

  private func operators(of graph: Graph) -> [String: Int] {
    var counts: [String: Int] = [:]
    for node in graph.nodes {
      var name = node.op.name
      if case .conv = node.op, node.input(3) != nil { name += " addend" }
      if node.op.activation != .none { name += " " + node.op.activation.name }
      counts[name, default: 0] += 1
    }
    return counts
  }

  /// As a share of the largest magnitude.
  private func largestDifference(_ a: [Tensor], _ b: [Tensor]) -> Float {
    var worst: Float = a.count == b.count ? 0 : .infinity
    for (x, y) in zip(a, b) {
      guard x.shape == y.shape, let p = x.floats, let q = y.floats else { return .infinity }
      let largest = p.map { abs($0) }.max() ?? 0
      for (u, v) in zip(p, q) { worst = max(worst, abs(u - v) / largest) }
    }
    return worst
  }
}
