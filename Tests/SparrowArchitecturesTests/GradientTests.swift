import SparrowCore
import SparrowPasses
import SparrowRuntime
import Testing

@testable import SparrowArchitectures

/// Every family can be trained: a small step against the gradients of all parameters lowers the loss.
struct GradientTests {
  /// One of each family and shape of block; the small ones of ``NetworkTests``.
  static let networks = [
    0, 2, 5, 6, 9, 11, 12, 13, NetworkTests.small.count - 2, NetworkTests.small.count - 1,
  ]

  @Test(arguments: networks)
  func aStepDownhillLowersTheLoss(_ i: Int) throws {
    var (architecture, settings) = NetworkTests.small[i]
    // Gradients need known lengths.
    if architecture == .bertTiny { settings.inputShape = [7] }
    var graph = try architecture.graph(settings)
    let inputs = NetworkTests.inputs(graph, seed: 5)
    for (id, tensor) in zip(graph.inputs, inputs) {
      graph[id].type = TensorType(tensor.dtype, shape: tensor.shape)
    }
    try graph.inferTypes()
    let loss = try graph.addCrossEntropyLoss()
    let parameters = graph.values.indices.map { ValueID($0) }.filter { id in
      let name = graph[id].name
      return graph[id].constant.map { $0.dtype == .float32 && $0.rank > 0 } ?? false
        && !name.hasSuffix(".running_mean") && !name.hasSuffix(".running_var")
    }
    var differentiated = graph
    let gradients = try differentiated.addGradients(of: loss.loss, withRespectTo: parameters)
    differentiated.outputs = [loss.loss] + gradients
    let batch = inputs + [Tensor([1, 2] as [Int64])]
    let results = try Session(differentiated, options: SessionOptions(threads: 1)).run(batch)
    let before = try #require(results[0].scalarFloat)

    var squares = 0.0
    for gradient in results.dropFirst() {
      let values = try #require(gradient.floats)
      squares += values.reduce(0) { $0 + Double($1) * Double($1) }
    }
    #expect(squares > 0 && squares.isFinite)
    // A step that should lower the loss by a hundredth, were it linear.
    let rate = Float(0.01 * Double(before) / squares)
    for (id, gradient) in zip(parameters, results.dropFirst()) {
      guard let old = graph[id].constant?.floats, let slope = gradient.floats else { continue }
      graph[id].constant = Tensor(
        zip(old, slope).map { $0 - rate * $1 }, shape: gradient.shape)
    }
    graph.outputs = [loss.loss]
    let after = try Session(graph, options: SessionOptions(threads: 1)).run(batch)[0].scalarFloat
    let fall = try (before - #require(after)) / before
    #expect((0.001...0.02).contains(fall), "\(architecture.name): \(before) fell by \(fall)")
  }
}
