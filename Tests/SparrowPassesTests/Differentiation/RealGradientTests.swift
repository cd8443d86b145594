import SparrowCore
import SparrowFormats
import SparrowPasses
import SparrowRuntime
import SparrowTestSupport
import Testing

/// The gradients of trained networks, which lie beside the package.
@Suite struct RealGradientTests {
  /// float32 sums of a whole network, as a share of each gradient's largest element.
  private static let tolerance = 1e-4

  /// ResNet-20 on random images of 8 x 8: the runtime's float32 gradients against the reference's in
  /// float64, and these against the difference of the loss along a random direction.
  @Test(.enabled(if: Repository.shared("models/resnet20-cifar10.onnx") != nil, "no ResNet-20"))
  func resNet20() throws {
    let path = try #require(Repository.shared("models/resnet20-cifar10.onnx"))
    var graph = try ONNX.read(path)
    let images = graph.inputs[0]
    graph[images].type = TensorType(.float32, shape: [2, 3, 8, 8])
    for node in graph.nodes { for id in node.outputs { graph[id].type = nil } }
    try graph.inferTypes()
    let loss = try graph.addCrossEntropyLoss()
    graph.outputs = [loss.loss]
    let weights = graph.weights().map { $0.value }
    #expect(weights.count == 22)

    var random = SeededGenerator(seed: 11)
    let x = random.tensor([2, 3, 8, 8])
    let labels = Tensor([Int64(3), 7])
    var differentiated = graph
    differentiated.outputs = try differentiated.addGradients(
      of: loss.loss, withRespectTo: weights + [images])
    let single = try Session(differentiated, options: SessionOptions(threads: 2)).run([x, labels])

    let wide = try widened(differentiated)
    let wideX = Tensor(.float64, x.shape, doubles: x.doubles)
    let double = try reference(wide, [wideX, labels])
    for (a, b) in zip(single, double) {
      let largest = b.doubles.reduce(0) { max($0, abs($1)) }
      let worst = zip(a.doubles, b.doubles).reduce(0) { max($0, abs($1.0 - $1.1)) }
      #expect(worst <= Self.tolerance * largest, "differs by \(worst) of \(largest)")
    }
    try expectSlope(try widened(graph), weights, [wideX, labels], double, &random)
  }

  /// Compares the gradients' product with a direction with the loss's central difference along it.
  private func expectSlope(
    _ graph: Graph, _ weights: [ValueID], _ inputs: [Tensor], _ gradients: [Tensor],
    _ random: inout SeededGenerator
  ) throws {
    let directions = weights.map { random.doubles(graph[$0].constant?.shape ?? []) }
    func loss(_ step: Double) throws -> Double {
      var moved = graph
      for (id, direction) in zip(weights, directions) {
        let old = try #require(graph[id].constant)
        moved[id].constant = Tensor(
          zip(old.doubles, direction.doubles).map { $0 + step * $1 }, shape: old.shape)
      }
      return try reference(moved, inputs)[0].doubles[0]
    }
    let step = 1e-7
    let difference = try (loss(step) - loss(-step)) / (2 * step)
    var slope = 0.0
    for (gradient, direction) in zip(gradients, directions) {
      slope += zip(gradient.doubles, direction.doubles).reduce(0) { $0 + $1.0 * $1.1 }
    }
    #expect(
      abs(slope - difference) <= 1e-5 * abs(difference), "slope \(slope), difference \(difference)")
  }

  /// The graph in float64.
  private func widened(_ graph: Graph) throws -> Graph {
    var wide = graph
    for i in wide.values.indices where wide.values[i].type?.dtype == .float32 {
      wide.values[i].type?.dtype = .float64
      if let constant = wide.values[i].constant {
        wide.values[i].constant = Tensor(.float64, constant.shape, doubles: constant.doubles)
      }
    }
    return wide
  }
}
